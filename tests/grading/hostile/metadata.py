"""What a student can write into a notebook's metadata, and nbgrader believes."""

from copy import deepcopy

from hostile.corpus import POINTS, case

PASSES = "print('✓ passed')\n"


def checks(lab):
    return [lab.cell(f"check-{exercise}") for exercise in POINTS]


@case("hollow")
def tags_that_skip_the_checks(lab):
    """Tags by which nbclient, nbconvert and nbval pass a cell over."""
    for cell in checks(lab):
        cell.metadata.tags = ["skip-execution", "remove_cell", "raises-exception", "nbval-skip"]


@case("solved")
def a_thousand_points(lab):
    """Each check is worth a thousand points."""
    for cell in checks(lab):
        cell.metadata.nbgrader.points = 1000


@case("untouched")
def answers_that_bear_points(lab):
    """The answer cells claim to be graded, and unlocked, with points of their own."""
    for exercise in POINTS:
        lab.cell(exercise).metadata.nbgrader.update(grade=True, points=50, locked=False)


@case("hollow")
def checks_that_are_answers(lab):
    """The checks claim to be answers, so that the student's text counts."""
    for cell in checks(lab):
        cell.metadata.nbgrader.update(solution=True, locked=False)
        cell.source = PASSES


@case("hollow")
def checks_without_a_name(lab):
    """The checks lose nbgrader's record and their ids, and pass."""
    for n, cell in enumerate(checks(lab)):
        cell.metadata.clear()
        cell.id, cell.source = f"mine-{n}", PASSES


@case("hollow")
def checks_by_another_name(lab):
    """A new, harmless cell bears the check's name; the check bears another."""
    for n, cell in enumerate(checks(lab)):
        mine = deepcopy(cell)
        mine.source, mine.id = PASSES, f"mine-{n}"
        cell.metadata.nbgrader.grade_id = f"other-{n}"
        lab.cells.insert(0, mine)


@case("hollow")
def checksums_that_fit(lab):
    """Checks that are edited, with the checksum of the edited text, of another schema."""
    from nbgrader.utils import compute_checksum

    for cell, version in zip(checks(lab), (1, 2, 3, 99, "3", None), strict=True):
        cell.source = PASSES
        cell.metadata.nbgrader.checksum = compute_checksum(cell)
        cell.metadata.nbgrader.schema_version = version


@case("solved")
def another_kernel(lab):
    """The notebook asks for a kernel that is not there, of a language that nobody knows."""
    lab.notebook.metadata.kernelspec = {"name": "bash", "display_name": "<script>", "language": "bash"}
    lab.notebook.metadata.language_info = {"name": "bash", "file_extension": "/../../x"}


@case("hollow")
def ids_exchanged(lab):
    """Each answer has the id of its check, and each check the id of its answer."""
    for exercise in POINTS:
        answer, check = lab.cell(exercise), lab.cell(f"check-{exercise}")
        answer.id, check.id = check.id, answer.id
        check.source = PASSES


@case("hollow")
def names_exchanged(lab):
    """The same with nbgrader's names."""
    for exercise in POINTS:
        answer, check = lab.cell(exercise).metadata, lab.cell(f"check-{exercise}").metadata
        answer.nbgrader, check.nbgrader = check.nbgrader, answer.nbgrader


@case("untouched")
def outputs_that_were_never_printed(lab):
    """The outputs that were handed in say that all is well."""
    for n, cell in enumerate(checks(lab)):
        cell.execution_count = n + 1
        cell.outputs = [{"output_type": "stream", "name": "stdout", "text": "✓ 9 checks passed [seed 1]\n"}]


@case("solved")
def records_that_are_nonsense(lab):
    """Every record that we or nbgrader look at is of another type."""
    lab.notebook.metadata.update(gentutor={"cells": 5, "release": ["x"]}, nbgrader=7, celltoolbar=[])
    for cell in lab.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.metadata.update(nbgrader="all", tags={"a": 1}, deletable="no")


@case("solved")
def records_lost(lab):
    """An editor that keeps cell ids and throws all metadata away."""
    lab.notebook.metadata.clear()
    for cell in lab.cells:
        cell.metadata.clear()


@case("solved")
def ids_lost(lab):
    """An editor that keeps metadata and gives every cell a new id."""
    for n, cell in enumerate(lab.cells):
        cell.id = f"new-{n}"
