"""What was handed in, read as data: never run, never unpacked to disk, never trusted.

reading.py     files of a folder, without following a link
archive.py     members of a zip, without unpacking it
layout.py      whose file it is, by the patterns of nbgrader, Moodle and Canvas
roster.py      who is in the class, and by which names the platforms know them
ids.py         a name in any script becomes a safe id, and two students never meet in one
collecting.py  the files of a class become one notebook for each student, or the reason why not
notebook.py    bytes become a notebook of which only plain text is kept
rebuilding.py  the answers go into our own release; all else is ours
noticing.py    what differed from the release, in words no wider than what was seen
"""

from gentutor.grading.intake.collecting import Intake, NothingToGrade, collect, latest
from gentutor.grading.intake.rebuilding import rebuild
from gentutor.grading.intake.roster import Roster, RosterError, Student

__all__ = ["Intake", "NothingToGrade", "Roster", "RosterError", "Student", "collect", "latest", "rebuild"]
