"""A course of one tiny lab, in which plain nbgrader and the book both work: no torch, so that it is quick."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode, v4
from nbgrader.api import Gradebook
from nbgrader.preprocessors import ClearSolutions, ComputeChecksums, LockCells

from gentutor.grading.book import Book
from gentutor.grading.records import Submission

ROOT = Path(__file__).parents[2]
UNIT = "77_tiny"
AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def graded(id_, kind, source, **info):
    info = {"grade": False, "solution": False, "locked": False, "task": False, **info}
    info |= {"grade_id": id_, "schema_version": 3}
    make = v4.new_code_cell if kind == "code" else v4.new_markdown_cell
    return make(source, id=id_, metadata={"nbgrader": info})


def solution() -> NotebookNode:
    """The lab as its author writes it: two exercises, a check for each, and a question in words."""
    answer = "def {0}(x):\n    ### BEGIN SOLUTION\n    return {1}\n    ### END SOLUTION"
    hidden = "assert {0}(1) == {1}\n### BEGIN HIDDEN TESTS\nassert {0}(3) == {2}\n### END HIDDEN TESTS"
    notebook = v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# Tiny\n\nLet $a<b$.", id="title"),
            graded("double", "code", answer.format("double", "2 * x"), solution=True),
            graded("check-double", "code", hidden.format("double", 2, 6), grade=True, locked=True, points=2),
            graded("square", "code", answer.format("square", "x * x"), solution=True),
            graded("check-square", "code", hidden.format("square", 1, 9), grade=True, locked=True, points=3),
            graded("why", "markdown", "Because of $a<b$.", grade=True, solution=True, points=4),
        ]
    )
    notebook.metadata.kernelspec = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return notebook


def make(root: Path) -> Path:
    """A course folder with the repository's own nbgrader_config.py and the tiny lab."""
    root.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    (root / "solutions" / UNIT).mkdir(parents=True)
    nbformat.write(solution(), root / "solutions" / UNIT / f"{UNIT}.ipynb")
    return root


def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with an empty gradebook, which takes nbgrader seconds to make; to be copied."""
    course = tmp_path_factory.getbasetemp() / "new-course"
    if not course.exists():
        make(course)
        with Book.open(course, UNIT):
            pass
    return course


SEVERAL = """
import os, sys
from nbgrader.apps import NbGraderApp
from traitlets.config import Application
for line in sys.argv[1:]:
    folder, *arguments = line.split("|")
    os.chdir(folder)
    NbGraderApp.launch_instance(arguments)
    type(Application.instance()).clear_instance()
"""


def nbgrader(*commands: list[str | Path]) -> None:
    """Run real commands of nbgrader, each a folder and arguments, one after another in one process.

    Each for itself would take seconds to start.
    """
    run = subprocess.run(
        [sys.executable, "-c", SEVERAL, *("|".join(map(str, command)) for command in commands)],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert run.returncode == 0, run.stdout + run.stderr


def rebuilt(answers: dict[str, str], lab: NotebookNode) -> NotebookNode:
    """The notebook that is graded: ours, hidden tests and checksums in it, with a student's answers."""
    notebook = deepcopy(lab)
    stubs = {"code_stub": {"python": "raise NotImplementedError()"}, "text_stub": "*Your answer here.*"}
    for step in (LockCells(), ClearSolutions(**stubs), ComputeChecksums()):
        notebook, _ = step.preprocess(notebook, {})
    for cell in notebook.cells:
        cell.source = answers.get(cell.id, cell.source)
    return notebook


def submission(student: str, answers: dict[str, str], at: datetime | None = AT, lab=None) -> Submission:
    notebook = rebuilt(answers, lab or solution())
    original = nbformat.writes(notebook).encode() + student.encode()
    return Submission(student, notebook, at, False, (), original)


def executed(given: Submission, passed: set[str] = frozenset()) -> NotebookNode:
    """The notebook as a trial would leave it: the checks named have passed, the others failed."""
    notebook = deepcopy(given.notebook)
    for count, cell in enumerate(c for c in notebook.cells if c.cell_type == "code"):
        cell.execution_count = count + 1
        if cell.id.startswith("check-") and cell.id not in passed:
            cell.outputs = [v4.new_output("error", ename="CheckFailed", evalue="no", traceback=["no"])]
    return notebook


def rows(course: Path, query, *values):
    """Rows of the gradebook, read by SQL of our own."""
    with closing(sqlite3.connect(course / "build" / "grading" / "gradebook.db")) as connection:
        return sorted(connection.execute(query, values).fetchall(), key=repr)


GRADES = """
    SELECT student.id, base_cell.name, grade.auto_score, grade.manual_score, grade.extra_credit,
           grade.needs_manual_grade, submitted_assignment.timestamp,
           submitted_notebook.late_submission_penalty
    FROM grade JOIN base_cell ON base_cell.id = grade.cell_id
    JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN student ON student.id = submitted_assignment.student_id"""
COMMENTS = """
    SELECT student_id, base_cell.name, auto_comment, manual_comment
    FROM comment JOIN base_cell ON base_cell.id = comment.cell_id
    JOIN submitted_notebook ON submitted_notebook.id = comment.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id"""
CELLS = """
    SELECT assignment.name, assignment.course_id, notebook.name, notebook.kernelspec, source_cell.name,
           source_cell.cell_type, source_cell.locked, source_cell.source, source_cell.checksum
    FROM source_cell JOIN notebook ON notebook.id = source_cell.notebook_id
    JOIN assignment ON assignment.id = notebook.assignment_id"""
KINDS = """
    SELECT base_cell.name, base_cell.type, grade_cells.max_score, grade_cells.cell_type
    FROM base_cell LEFT JOIN grade_cells ON grade_cells.id = base_cell.id"""


def by_hand(root: Path, student: str, cell: str, points: float | None, comment: str | None) -> None:
    """What a person does in formgrader, through nbgrader's own gradebook."""
    with Gradebook(f"sqlite:///{root / 'build' / 'grading' / 'gradebook.db'}", "gentutor") as gradebook:
        grade = gradebook.find_grade(cell, UNIT, UNIT, student)
        grade.manual_score, grade.needs_manual_grade = points, False
        if comment:
            gradebook.find_comment(cell, UNIT, UNIT, student).manual_comment = comment
        gradebook.db.commit()


def name(root: Path, student: str, first: str, last: str, email: str, number: str) -> None:
    """What `nbgrader db student add` does."""
    with Gradebook(f"sqlite:///{root / 'build' / 'grading' / 'gradebook.db'}", "gentutor") as gradebook:
        gradebook.update_or_create_student(
            student, first_name=first, last_name=last, email=email, lms_user_id=number
        )


GOOD = {
    "double": "def double(x):\n    return x + x",
    "square": "def square(x):\n    return x**2",
    "why": "So.",
}
BAD = {"double": "def double(x):\n    return 7", "square": GOOD["square"], "why": "Hm, $a<b$ and `c<d`."}


def record(book, student, answers, passed, fingerprint="f", at=AT):
    given = submission(student, answers, at)
    return book.record(given, executed(given, set(passed)), fingerprint)
