"""A submission is never graded as it came: the student's answers and own cells go into our release.

Whatever the student did to the notebook around them has no way to nbgrader: marks on cells, tags, deleted and
doubled checks, the kernel, outputs. The checks are the master's, with the hidden tests in.
"""

from functools import cache

from nbformat import NotebookNode
from nbgrader.utils import compute_checksum, is_locked  # type: ignore[import-untyped]

from gentutor import units, workbook
from gentutor.grading.intake.ids import printable
from gentutor.grading.intake.notebook import Unusable, understood
from gentutor.grading.intake.noticing import notices, take_marks
from gentutor.grading.records import Handed, Refused, Submission
from gentutor.workbook import carry_answers, fingerprint


def rebuild(handed: Handed, release: NotebookNode, master: NotebookNode, unit: str) -> Submission | Refused:
    """The release with the student's answers and own cells, and with the master's checks.

    Arguments:
        handed: what the student handed in.
        release: the notebook of labs/, as students get it.
        master: the notebook of solutions/, with answers and hidden tests.
        unit: "01_pca".

    Raises ValueError where release and master do not go together.
    """
    try:
        student = understood(handed.data)
        _require_unit(student, release, unit)
    except Unusable as error:
        return Refused(handed.student, handed.origin, f"The file {error}.")
    record = student.metadata.gentutor
    if record.get("release") == fingerprint(release):
        record["cells"] = {}  # the digests are known here, and are not the student's to change
    marked = take_marks(student, release)
    notebook, carried = carry_answers(student, release)
    _put_checks(notebook, release, master)
    given = {cell.id for cell in release.cells}
    for cell in notebook.cells:
        if cell.id not in given:
            cell.pop("attachments", None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return Submission(
        student=handed.student,
        notebook=notebook,
        at=handed.at,
        late=handed.late,
        notes=tuple(notices(student, release, carried, marked)),
        original=handed.data,
    )


def _put_checks(notebook: NotebookNode, release: NotebookNode, master: NotebookNode) -> None:
    """Each cell that nbgrader locks has the master's text, and the checksum that nbgrader has of it."""
    ours = {cell.metadata.nbgrader.grade_id: cell.source for cell in master.cells if is_locked(cell)}
    locked = {cell.id for cell in release.cells if is_locked(cell)}
    for cell in notebook.cells:
        if cell.id in locked:
            grade_id = cell.metadata.nbgrader.grade_id
            if grade_id not in ours:
                raise ValueError(f"The release has a check {grade_id} that solutions/ has not: make labs.")
            cell.source = ours[grade_id]
            cell.metadata.nbgrader.checksum = compute_checksum(cell)


def _require_unit(student: NotebookNode, release: NotebookNode, unit: str) -> None:
    """Raises Unusable where the notebook is another lab's, or none: by its exercises, and by its record."""
    found = _names(student.cells)
    recorded = student.metadata.gentutor.get("unit")
    exercises = _exercises(release)
    here = len(found & exercises)
    others = {name: len(found & theirs) for name, theirs in _all_exercises().items() if name != unit}
    nearest = max(others, key=others.__getitem__, default="")
    if recorded == unit and here:
        return
    if nearest and others[nearest] > here:
        raise Unusable(f"is lab {nearest}, not {unit}. Hand in {unit}.ipynb")
    if recorded and recorded != unit and 2 * here < len(exercises):
        raise Unusable(f"says that it is lab {printable(recorded, 40)}, not {unit}. Hand in {unit}.ipynb")
    if not here and recorded != unit:
        raise Unusable(
            f"has no exercise of lab {unit} in it. Write the answers into the lab's own {unit}.ipynb"
        )


@cache
def _all_exercises() -> dict[str, set[str]]:
    """The names of the exercises of each lab of the course."""
    return {unit.name: _exercises(workbook.read(unit.lab)) for unit in units.units()}


def _exercises(release: NotebookNode) -> set[str]:
    """The ids, the notebook's and nbgrader's, of the cells that nbgrader knows."""
    return _names([cell for cell in release.cells if "nbgrader" in cell.metadata])


def _names(cells: list[NotebookNode]) -> set[str]:
    found = [(cell.get("id"), cell.metadata.get("nbgrader", {}).get("grade_id")) for cell in cells]
    return {name for pair in found for name in pair if name}
