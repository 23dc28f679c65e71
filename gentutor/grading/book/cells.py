"""The unit's cells in the gradebook, brought to what solutions/ has today without losing a mark.

nbgrader writes the cells of an assignment anew, and refuses to once somebody has handed in and a cell was
added or taken away. Here cells that are new get their place in every submission, and cells that are gone go
with their automatic points; but not with what a person gave, which nothing could bring back.
"""

from collections.abc import Collection
from copy import deepcopy
from typing import Any

from nbformat import NotebookNode
from nbgrader import utils  # type: ignore[import-untyped]
from nbgrader.api import Comment, Grade, MissingEntry, Notebook  # type: ignore[import-untyped]

from gentutor.grading.book import stages
from gentutor.grading.book.course import Course
from gentutor.grading.book.database import OpenGradebook
from gentutor.grading.book.marks import BookError


def save(gradebook: OpenGradebook, course: Course, unit: str, master: NotebookNode) -> None:
    """Make the gradebook's assignment, notebook and cells those of `master`, the notebook in solutions/.

    Raises BookError where that would drop points or a comment that a person gave.
    """
    resources = stages.resources(course, unit)
    notebook = stages.run(stages.up_to_the_gradebook(course.config), deepcopy(master), resources)
    gradebook.check_course(gradebook.course_id)
    gradebook.update_or_create_assignment(unit)
    try:
        known = gradebook.find_notebook(unit, unit)
    except MissingEntry:
        known = None
    if known is not None and known.submissions:
        _take_away(gradebook, known, _names(notebook))
        _add(gradebook, known, notebook)
    with stages.lent(gradebook):
        stages.run([stages.save_cells(course.config)], notebook, resources)


KINDS = {"grade": utils.is_grade, "solution": utils.is_solution, "task": utils.is_task}


def _names(notebook: NotebookNode) -> dict[str, set[str]]:
    """By kind, the names of the notebook's cells of that kind; "source": all these, and the locked ones."""
    names = {kind: {_name(c) for c in notebook.cells if is_kind(c)} for kind, is_kind in KINDS.items()}
    locked = {_name(cell) for cell in notebook.cells if utils.is_locked(cell)}
    return {**names, "source": locked.union(*names.values())}


def _name(cell: NotebookNode) -> str:
    return str(cell.metadata.nbgrader["grade_id"])


def _take_away(gradebook: OpenGradebook, known: Notebook, names: dict[str, set[str]]) -> None:
    """Delete the cells that the notebook has no more, with the rows of every submission for them."""
    for kind, stay in names.items():
        for cell in _gone(getattr(known, f"{kind}_cells"), stay):
            rows = [] if kind == "source" else [*cell.grades, *cell.comments]
            by_hand = sorted({row.student.id for row in rows if _is_by_hand(row)})
            if by_hand:
                raise BookError(
                    f"solutions/ no longer has the cell {cell.name}, and the gradebook holds points or a "
                    f"comment that a person gave there, to {_some(by_hand)}. Give the cell its name back; "
                    "or, if they may be lost, clear them in formgrader first. Nothing was changed."
                )
            for row in [*rows, cell]:
                gradebook.db.delete(row)
    gradebook.db.commit()


def _add(gradebook: OpenGradebook, known: Notebook, notebook: NotebookNode) -> None:
    """Give each new cell its place in the notebook and, without points, in every submission."""
    for cell in notebook.cells:
        for kind, is_kind in KINDS.items():
            if is_kind(cell) and not any(c.name == _name(cell) for c in getattr(known, f"{kind}_cells")):
                values = {}
                if kind != "solution":
                    values = {"max_score": cell.metadata.nbgrader["points"], "cell_type": cell.cell_type}
                create = getattr(gradebook, f"update_or_create_{kind}_cell")
                new = create(_name(cell), known.name, known.assignment.name, **values)
                for submitted in known.submissions:
                    if kind != "solution":
                        gradebook.db.add(Grade(cell_id=new.id, notebook=submitted))
                    if kind != "grade":
                        gradebook.db.add(Comment(cell_id=new.id, notebook=submitted))
        if _name_or_none(cell) and not any(c.name == _name(cell) for c in known.source_cells):
            source = {"cell_type": cell.cell_type, "locked": utils.is_locked(cell), "source": cell.source}
            gradebook.update_or_create_source_cell(_name(cell), known.name, known.assignment.name, **source)
    gradebook.db.commit()
    gradebook.db.expire_all()


def _name_or_none(cell: NotebookNode) -> str | None:
    kinds = (*KINDS.values(), utils.is_locked)
    return _name(cell) if any(is_kind(cell) for is_kind in kinds) else None


def _gone(cells: Collection[Any], stay: set[str]) -> list[Any]:
    return [cell for cell in cells if cell.name not in stay]


def _is_by_hand(row: Grade | Comment) -> bool:
    if isinstance(row, Grade):
        return row.manual_score is not None or bool(row.extra_credit)
    return bool(row.manual_comment)


def _some(students: list[str]) -> str:
    more = f" and {len(students) - 3} more" if len(students) > 3 else ""
    return ", ".join(students[:3]) + more
