"""What is rebuilt is what nbgrader itself makes of an honest submission, and nothing of a dishonest one.

The oracle is nbgrader: its gradebook of the lab, and the steps by which it cleans a submission.
"""

import logging
import os
import sys
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from intake_class import RELEASE, ROOT, UNIT, answered, cell, handed, lab, rebuilt
from nbformat import NotebookNode
from nbgrader import preprocessors
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from gentutor import units, workbook
from gentutor.grading.intake import rebuild

UNITS = [unit.name for unit in units.units()]
CLEANING = ("ClearOutput", "DeduplicateIds", "OverwriteKernelspec", "OverwriteCells", "CheckCellMetadata")


@pytest.fixture(scope="module")
def clean(tmp_path_factory) -> Callable[[str, NotebookNode], NotebookNode]:
    """What `nbgrader autograde` makes of a submission before it runs it; raises where nbgrader warns."""
    root = tmp_path_factory.mktemp("course")
    config = Config()
    config.CourseDirectory.root = str(root)
    config.CourseDirectory.source_directory = str(ROOT / "solutions")
    config.CourseDirectory.release_directory = "labs"
    config.CourseDirectory.db_url = f"sqlite:///{root / 'gradebook.db'}"
    config.ClearSolutions.code_stub = {"python": "raise NotImplementedError()"}
    config.ClearSolutions.text_stub = "*Your answer here.*"
    config.IncludeHeaderFooter.header = ""
    course = CourseDirectory(config=config)
    with pytest.MonkeyPatch.context() as patch:  # nbgrader starts `alembic` by its bare name
        patch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
        for unit in UNITS:
            course.assignment_id = unit
            GenerateAssignment(coursedir=course, config=config).start()

    warned: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: warned.append(record.getMessage())
    log = logging.getLogger("cleaning")
    log.addHandler(handler)
    log.propagate = False

    def clean(unit: str, notebook: NotebookNode, *, quiet: bool = True) -> NotebookNode:
        resources = {"nbgrader": {"notebook": unit, "assignment": unit, "db_url": course.db_url}}
        result = deepcopy(notebook)
        warned.clear()
        for name in CLEANING:
            result, resources = getattr(preprocessors, name)(log=log).preprocess(result, resources)
        assert not (quiet and warned), warned
        return result

    return clean


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("folder", ["labs", "solutions"])
def test_nbgrader_finds_nothing_to_mend(unit, folder, clean):
    release, master = lab("labs", unit), lab("solutions", unit)
    submission = rebuild(handed(lab(folder, unit)), release, master, unit)
    nbformat.validate(submission.notebook)
    assert clean(unit, submission.notebook) == submission.notebook


@pytest.mark.parametrize("unit", UNITS)
def test_of_an_honest_submission_nbgrader_makes_the_same(unit, clean):
    release, master = lab("labs", unit), lab("solutions", unit)
    honest = deepcopy(release)
    for each in honest.cells:
        if each.metadata.get("nbgrader", {}).get("solution"):
            each.source = cell(master, each.id).source
    submission = rebuild(handed(honest), release, master, unit)
    assert submission.notebook.cells == clean(unit, honest, quiet=False).cells
    assert submission.notes == ()


def tagged(notebook):
    cell(notebook, "check-fit").metadata["tags"] = ["skip-execution"]
    cell(notebook, "fit").metadata["tags"] = ["skip-execution", "x" * 10_000, 3, None]


def points(notebook):
    cell(notebook, "check-fit").metadata.nbgrader["points"] = 1000


def unmarked(notebook):
    for each in notebook.cells:
        each.metadata.pop("nbgrader", None)


def without_names(notebook):
    for each in notebook.cells:
        each.metadata.pop("nbgrader", None)
        if each.id.startswith("check-"):
            each.id = f"new-{each.id}"


def weird_marks(notebook):
    for each in notebook.cells:
        each.metadata["nbgrader"] = {"grade": [1], "grade_id": {"a": 1}, "solution": "yes", "points": "NaN"}


def check_edited(notebook):
    cell(notebook, "check-fit").source = "pass"


def check_emptied(notebook):
    cell(notebook, "check-fit").source = ""


def check_markdown(notebook):
    cell(notebook, "check-fit").cell_type = "markdown"


def check_deleted(notebook):
    notebook.cells.remove(cell(notebook, "check-fit"))


def check_doubled(notebook):
    copy = deepcopy(cell(notebook, "check-fit"))
    copy.id, copy.source = "copy", "pass"
    notebook.cells.append(copy)


def check_is_solution(notebook):
    cell(notebook, "check-fit").metadata.nbgrader.update(solution=True, grade=False, locked=False)
    cell(notebook, "check-fit").source = "pass"


def ids_exchanged(notebook):
    a, b = cell(notebook, "check-fit"), cell(notebook, "check-errors")
    a.id, b.id = b.id, a.id


def record_lies(notebook):
    cell(notebook, "check-fit").source = "pass"
    notebook.metadata.gentutor["cells"]["check-fit"] = workbook._digest(cell(notebook, "check-fit"))


def given_edited(notebook):
    cell(notebook, "setup").source = "import sys"


def answer_deleted(notebook):
    notebook.cells.remove(cell(notebook, "fit"))


def answer_doubled(notebook):
    copy = deepcopy(cell(notebook, "fit"))
    copy.id = "copy"
    notebook.cells.insert(8, copy)


def reversed_order(notebook):
    notebook.cells.reverse()


def kernel(notebook):
    notebook.metadata.update(kernelspec={"name": "bash"}, language_info={"name": "bash"}, widgets={"a": 1})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (tagged, ["Tags that the lab does not have, not taken: 'skip-execution' on 2"]),
        (points, ["nbgrader's marks were changed on check-fit; ours were taken."]),
        (unmarked, []),
        (without_names, ["Tags that the lab does not have"]),
        (weird_marks, []),
        (check_edited, ["Checks whose text was not this release's; ours were run: check-fit."]),
        (check_emptied, ["Checks whose text was not this release's; ours were run: check-fit."]),
        (check_markdown, []),
        (check_deleted, ["Checks that were not in it, and were put back: check-fit."]),
        (check_doubled, ["Checks that are in it more than once; each runs once, as ours: check-fit."]),
        (check_is_solution, ["ours were run: check-fit.", "marks were changed on check-fit"]),
        (ids_exchanged, ["ours were run: check-fit, check-errors.", "marks were changed on check-"]),
        (record_lies, ["ours were run: check-fit."]),
        (given_edited, ["Given cells whose text was not this release's; ours were taken: setup."]),
        (answer_deleted, ["Answer cells that are not in it: fit."]),
        (
            answer_doubled,
            ["Answer cells in it more than once, of which the first changed one counts: fit (2"],
        ),
        (reversed_order, []),
        (kernel, []),
    ],
)
def test_whatever_is_changed_around_the_answers_the_rest_is_ours(change, said, clean):
    notebook = answered()
    change(notebook)
    submission = rebuilt(notebook)
    assert len(submission.notes) == len(said), submission.notes
    for note, part in zip(submission.notes, said, strict=True):
        assert part in note
        assert len(note) < 300
    given = [each for each in submission.notebook.cells if each.id in {known.id for known in RELEASE.cells}]
    honest = {each.id: each for each in rebuilt(answered()).notebook.cells}
    assert [each.id for each in given] == [each.id for each in RELEASE.cells]
    for each in given:
        deleted = change is answer_deleted and each.id == "fit"
        assert each == (cell(RELEASE, "fit") if deleted else honest[each.id])
    assert submission.notebook.metadata == RELEASE.metadata
    assert clean(UNIT, submission.notebook) == submission.notebook
