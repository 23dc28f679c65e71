"""The marks as tables: nbgrader's, and those that Canvas and Moodle take in.

Canvas reads every column behind "Section" as an assignment, and the marks of a student that it does not list
stay as they are. So only those who handed in are listed, and the file's name says that marks are provisional,
because some wait for a person. Moodle's grading worksheet has a column for such a remark.

- Canvas finds students by ID, SIS User ID, SIS Login ID or name, and the assignment by "title (number)" or
  title (canvas-lms, lib/gradebook_importer.rb). A roster that Canvas exported gives these, word for word.
- Moodle: the grading worksheet goes by Identifier (mod/assign/feedback/offline/importgradeslib.php), and
  "Grade import" by the email address (docs.moodle.org).

A cell that a spreadsheet would take for a formula gets an apostrophe in front.
"""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from nbgrader.api import Assignment, Gradebook, MissingEntry, Student, SubmittedAssignment  # type: ignore[import-untyped]

from gentutor.grading.book import files
from gentutor.grading.book.course import Course
from gentutor.grading.book.recording import marks_of
from gentutor.grading.intake import Student as Enrolled

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
NBGRADERS = ["assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"]
NBGRADERS += ["raw_score", "late_submission_penalty", "score", "max_score"]
CANVAS = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section"]
MOODLE = [
    "Identifier",
    "Full name",
    "ID number",
    "Email address",
    "Grade",
    "Maximum grade",
    "Last modified (grade)",
    "Feedback comments",
]


def write(gradebook: Gradebook, course: Course, unit: str, roster: Iterable[Enrolled]) -> list[Path]:
    """Write the tables into the folder of all that grading writes; returns where.

    grades.csv is the one that `nbgrader export` writes, with a last column that says what is provisional.
    """
    people = {student.id: student for student in roster}
    rows, provisional = _of_the_unit(gradebook, unit, people)
    state = {True: ".provisional", False: ""}
    names = {is_so: [f"canvas-{unit}{word}.csv", f"moodle-{unit}{word}.csv"] for is_so, word in state.items()}
    for stale in names[not provisional]:
        (course.work / stale).unlink(missing_ok=True)
    canvas, moodle = names[provisional]
    title = assignment(unit, {header for student in people.values() for header in student.row})
    return [
        _write(course.work / "grades.csv", [*NBGRADERS, "provisional"], _of_the_course(gradebook)),
        _write(course.work / canvas, [*CANVAS, title], [row[0] for row in rows]),
        _write(course.work / moodle, MOODLE, [row[1] for row in rows]),
    ]


def assignment(unit: str, headers: Iterable[str]) -> str:
    """The one of Canvas's headers "title (number)" that speaks of the unit, else the unit's name.

    "Lab 01 (4711)", "Homework 1 (4711)" and "PCA (4711)" speak of 01_pca.
    """
    number, _, slug = unit.partition("_")
    words = re.escape(slug).replace("_", "[ _-]")
    says = re.compile(rf"(?<![\d.])0*{number.lstrip('0')}(?![\d.])|\b{words}\b", re.IGNORECASE)
    of_canvas = [header for header in headers if re.fullmatch(r".+ \(\d+\)", header)]
    found = [header for header in of_canvas if says.search(header.rpartition(" (")[0].replace("_", " "))]
    return found[0] if len(found) == 1 else unit


def _of_the_course(gradebook: Gradebook) -> Iterable[list[object]]:
    """A row for each assignment and student, as nbgrader exports them: 0 for who handed in nothing."""
    for assignment in gradebook.assignments:
        submissions = {s.student_id: s for s in assignment.submissions}
        for student in gradebook.students:
            yield _nbgraders(assignment, student, submissions.get(student.id))


def _nbgraders(assignment: Assignment, student: Student, given: SubmittedAssignment | None) -> list[object]:
    who = [student.id, student.last_name, student.first_name, student.email]
    head = [assignment.name, assignment.duedate, given and given.timestamp, *who]
    if given is None:
        return [*head, 0.0, 0.0, 0.0, assignment.max_score, ""]
    penalty = given.late_submission_penalty
    points = [given.score, penalty, max(0.0, given.score - penalty), assignment.max_score]
    return [*head, *points, "provisional" if given.needs_manual_grade else ""]


def _of_the_unit(
    gradebook: Gradebook, unit: str, people: Mapping[str, Enrolled]
) -> tuple[list[tuple[list[object], list[object]]], bool]:
    """Canvas's and Moodle's rows of everybody who handed in, and whether a mark is provisional."""
    now = f"{datetime.now().astimezone():%Y-%m-%d %H:%M}"
    rows, provisional = [], False
    for student in gradebook.students:
        try:
            marks = marks_of(gradebook, unit, student.id)
        except MissingEntry:
            continue
        provisional |= marks.provisional
        waits = sum(mark.most for mark in marks.cells.values() if mark.needs_person)
        said = f"Provisional: {_number(waits)} of the points wait for a person." if waits else ""
        points = _number(marks.points)
        known = people[student.id].row if student.id in people else {}
        canvas, moodle = _in_canvas(student, known), _in_moodle(student, known)
        rows.append(([*canvas, points], [*moodle, points, _number(marks.most), now, said]))
    return rows, provisional


def _in_canvas(student: Student, known: Mapping[str, str]) -> list[object]:
    if known.get("ID") or known.get("SIS User ID") or known.get("SIS Login ID"):
        return [known.get(header) for header in CANVAS]
    name = ", ".join(filter(None, (student.last_name, student.first_name)))
    return [name or student.id, student.lms_user_id, "", student.id, ""]


def _in_moodle(student: Student, known: Mapping[str, str]) -> list[object]:
    name = " ".join(filter(None, (student.first_name, student.last_name)))
    number = f"Participant {student.lms_user_id}" if student.lms_user_id else ""
    return [known.get("Identifier") or number, name or student.id, student.id, student.email]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> Path:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow([_harmless(cell) for cell in header])
    table.writerows([_harmless(cell) for cell in row] for row in rows)
    files.write(path, text.getvalue().encode())
    return path


def _harmless(cell: object) -> str:
    """The cell as text that no spreadsheet computes; numbers are left alone."""
    if cell is None:
        return ""
    text = str(cell)
    is_formula = text.startswith(FORMULA) or text.lstrip().startswith(FORMULA)
    return f"'{text}" if isinstance(cell, str) and is_formula else text


def _number(value: float) -> str:
    return f"{value:.10g}"
