"""The book: what a course knows of its students' marks, kept so that nothing is lost.

course.py     where things lie, and the lock that keeps a second grader out
database.py   nbgrader's gradebook as a file: checked, backed up, changed in whole transactions
stages.py     nbgrader's own steps, run here
cells.py      the unit's cells in the gradebook, as solutions/ has them
recording.py  one submission: nbgrader's folders and its marks, all or nothing
harmless.py   what students' cells display, made safe for the instructor's browser
journal.py    how far a run has come
feedback.py   nbgrader's pages for students
tables.py     the marks as tables that Canvas and Moodle take
"""

import contextlib
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from nbformat import NotebookNode
from nbgrader.api import MissingEntry  # type: ignore[import-untyped]

from gentutor.grading.book import cells, feedback, files, recording, stages, tables
from gentutor.grading.book.course import Course
from gentutor.grading.book.database import Database
from gentutor.grading.book.journal import Journal
from gentutor.grading.book.marks import BookError, Mark, Marks
from gentutor.grading.intake import Student
from gentutor.grading.records import Submission, Tried

__all__ = ["Book", "BookError", "Mark", "Marks"]

PATIENCE = 30.0  # seconds to wait for another program that is writing to the gradebook


class Book:
    """The book of a course, open for one unit. What is wrong with it is a BookError that says what to do."""

    def __init__(self, course: Course, unit: str, database: Database) -> None:
        self._course, self._unit, self._database = course, unit, database
        self._journal = Journal(course.work / "journal" / unit)
        self._steps = stages.after_execution(course.config)

    @classmethod
    @contextlib.contextmanager
    def open(cls, course: Path, unit: str, patience: float = PATIENCE) -> Iterator["Book"]:
        """The book of the course in that folder, which no other grader can open meanwhile."""
        loaded = Course.load(course)
        with loaded.locked(unit):
            for folder in ("submitted", "autograded", "feedback", "received", "journal", "backups"):
                files.sweep(loaded.work / folder)
            database = Database(
                loaded.gradebook, loaded.work / "backups", loaded.directory.course_id, patience
            )
            with contextlib.closing(database):
                yield cls(loaded, unit, database)

    @property
    def salt(self) -> str:
        """What seeds the checks' inputs in this course: a secret, made once."""
        return self._course.salt

    def prepare(self, master: NotebookNode) -> None:
        """Bring the gradebook up to the unit's notebook in solutions/. No mark is lost; see `cells.save`."""
        with self._database.changing() as gradebook:
            cells.save(gradebook, self._course, self._unit, master)

    def keep_original(self, submission: Submission) -> Path:
        """Keep the bytes as they were handed in, for ever; returns where."""
        self._course.folder("submitted", submission.student, self._unit)  # the id is checked
        digest = hashlib.sha256(submission.original).hexdigest()[:16]
        path = self._course.work / "received" / self._unit / submission.student / f"{digest}.ipynb"
        if not path.exists():
            files.write(path, submission.original, 0o444)
        return path

    def is_recorded(self, fingerprint: str, student: str) -> bool:
        """Whether the marks of this very submission are in the gradebook, as they were recorded."""
        points = self._journal.recorded(student, fingerprint)
        autograded = self._course.folder("autograded", student, self._unit) / f"{self._unit}.ipynb"
        if points is None or not autograded.exists():
            return False
        try:
            return self.marks(student).automatic == points
        except KeyError:
            return False

    def result(self, fingerprint: str, student: str) -> Tried | None:
        """What the trial of this very submission gave, now or in an earlier run."""
        return self._journal.tried(student, fingerprint)

    def save_result(self, fingerprint: str, student: str, tried: Tried) -> None:
        """Keep what a trial gave, for this run or the next."""
        self._course.folder("submitted", student, self._unit)  # the id is checked
        self._journal.note_tried(student, fingerprint, tried)

    def record(self, submission: Submission, executed: NotebookNode, fingerprint: str) -> Marks:
        """Put the submission's notebooks and marks where nbgrader has them, then note that it was done."""
        with self._database.changing() as gradebook:
            marks = recording.record(gradebook, self._course, self._unit, self._steps, submission, executed)
        self._journal.note_recorded(submission.student, fingerprint, marks.automatic)
        return marks

    def marks(self, student: str) -> Marks:
        """The student's marks in this unit. Raises KeyError where there are none."""
        with self._database.reading() as gradebook:
            try:
                return recording.marks_of(gradebook, self._unit, student)
            except MissingEntry:
                raise KeyError(student) from None

    def expect(self, students: int, workers: int = 1) -> None:
        """Get ready to make the pages of so many students, while they are being graded."""
        feedback.get_ready(students, workers)

    def feedback(self, students: Iterable[str], workers: int = 1) -> feedback.Pages:
        """nbgrader's page for each student whose marks, comments or notebook changed since the last one."""
        return feedback.write(self._database, self._course, self._unit, students, workers)

    def enrol(self, roster: Iterable[Student]) -> None:
        """Tell the gradebook of everybody on the roster; what the roster leaves blank stays as it is."""
        with self._database.changing() as gradebook:
            for student in roster:
                gradebook.update_or_create_student(student.id, **recording.person(student))

    def tables(self, roster: Iterable[Student] = ()) -> list[Path]:
        """The marks as tables: nbgrader's of the whole course, and this unit's for Canvas and for Moodle.

        A roster that came from Canvas or Moodle gives what these know their students by.
        """
        with self._database.reading() as gradebook:
            return tables.write(gradebook, self._course, self._unit, roster)
