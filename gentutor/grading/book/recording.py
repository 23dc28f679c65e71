"""One student's submission, put into nbgrader's folders and gradebook: all of it, or nothing.

The notebooks are written while the transaction is open, and its commit comes last. So a power cut between
them leaves the old marks beside the new notebook, and no mark in the journal: the next run does it again.
"""

from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader import utils  # type: ignore[import-untyped]
from nbgrader.api import Gradebook  # type: ignore[import-untyped]

from gentutor.grading.book import files, harmless, stages
from gentutor.grading.book.course import Course
from gentutor.grading.book.marks import Mark, Marks
from gentutor.grading.intake import Student
from gentutor.grading.records import Submission


def record(
    gradebook: Gradebook,
    course: Course,
    unit: str,
    steps: list[Preprocessor],
    submission: Submission,
    executed: NotebookNode,
) -> Marks:
    """Put the submission and its automatic marks where nbgrader has them, within the open transaction.

    Points and comments that a person gave stay. `steps` are nbgrader's after the execution, its own marking
    among them. Raises ValueError where a check in `executed` has not run: nbgrader would let it pass.
    """
    student = submission.student
    folders = {step: course.folder(step, student, unit) for step in ("submitted", "autograded")}
    for cell in executed.cells:
        if utils.is_grade(cell) and cell.cell_type == "code" and not _has_run(cell):
            raise ValueError(f"the check {cell.metadata.nbgrader['grade_id']} has not run")
    at = _utc(submission.at)
    gradebook.update_or_create_student(student)
    gradebook.update_or_create_submission(unit, student, timestamp=at)
    with stages.lent(gradebook):
        graded = stages.run(steps, deepcopy(executed), stages.resources(course, unit, student))
    harmless.make(graded)
    write_with_time(folders["submitted"], f"{unit}.ipynb", _text(submission.notebook), at)
    protected = 0o444  # as nbgrader protects them
    write_with_time(folders["autograded"], f"{unit}.ipynb", _text(graded), at, protected)
    return marks_of(gradebook, unit, student)


def person(student: Student) -> dict[str, str]:
    """What the roster says of a student, in nbgrader's words; its pages would take `<` in a name for HTML."""
    last, comma, first = student.full_name.partition(",")  # Canvas: "Lovelace, Ada"
    said = {
        "first_name": student.first_name or (first.strip() if comma else ""),
        "last_name": student.last_name or ("" if student.first_name else last.strip()),
        "email": student.email,
        "lms_user_id": student.number,
    }
    return {what: value.replace("<", "").replace(">", "") for what, value in said.items() if value}


def marks_of(gradebook: Gradebook, unit: str, student: str) -> Marks:
    """The student's marks; nbgrader's MissingEntry where there are none."""
    submission = gradebook.find_submission(unit, student)
    (notebook,) = submission.notebooks
    cells = {
        grade.name: Mark(grade.score, grade.max_score, grade.auto_score, grade.needs_manual_grade)
        for grade in notebook.grades
    }
    return Marks(
        student,
        cells,
        penalty=notebook.late_submission_penalty or 0.0,
        at=submission.timestamp,
        seconds_late=submission.total_seconds_late,
    )


def write_with_time(folder: Path, name: str, content: bytes, at: datetime | None, mode: int = 0o644) -> None:
    """Write the file and, where nbgrader looks for it, when it was handed in; an older one's time goes."""
    contents = {name: content}
    if at is None:
        (folder / "timestamp.txt").unlink(missing_ok=True)
    else:
        contents["timestamp.txt"] = f"{at:%Y-%m-%d %H:%M:%S.%f} UTC".encode()
    files.write_all(folder, contents, mode)


def _has_run(cell: NotebookNode) -> bool:
    return bool(cell.outputs) or cell.get("execution_count") is not None


def _utc(at: datetime | None) -> datetime | None:
    """The time as nbgrader keeps it: UTC, without a zone."""
    return at if at is None or at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)


def _text(notebook: NotebookNode) -> bytes:
    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    return (text + "\n").encode()
