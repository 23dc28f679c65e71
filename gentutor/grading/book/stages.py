"""nbgrader's own steps, run in this process and in a transaction of ours.

Each of nbgrader's preprocessors opens the gradebook for itself, by its URL, and closes it. Within `lent` it
gets the one that is open already.
"""

import contextlib
import importlib
from collections.abc import Iterator, Sequence
from typing import Any

from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from nbgrader.converters import Autograde, GenerateAssignment  # type: ignore[import-untyped]
from nbgrader.preprocessors import CheckCellMetadata, Execute, SaveCells  # type: ignore[import-untyped]
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from gentutor.grading.book.course import Course
from gentutor.grading.book.database import OpenGradebook

LENT_TO = ("savecells", "saveautogrades", "latesubmissions", "getgrades")


@contextlib.contextmanager
def lent(gradebook: OpenGradebook) -> Iterator[None]:
    """While it lasts, nbgrader's preprocessors that ask for the gradebook get this one."""
    modules: list[Any] = [importlib.import_module(f"nbgrader.preprocessors.{name}") for name in LENT_TO]
    theirs = [module.Gradebook for module in modules]
    for module in modules:
        module.Gradebook = lambda url: gradebook
    try:
        yield
    finally:
        for module, its in zip(modules, theirs, strict=True):
            module.Gradebook = its


def up_to_the_gradebook(config: Config) -> list[Preprocessor]:
    """What `nbgrader generate_assignment` does before it saves the cells, in its order."""
    steps = _classes(GenerateAssignment(config=config).preprocessors)
    return _made(steps[: steps.index(SaveCells)], config)


def after_execution(config: Config) -> list[Preprocessor]:
    """What `nbgrader autograde` does with a notebook that has run: limit its outputs, save the marks, ...

    Its last step, a look at the metadata, is left out: they are ours, and it takes as long as all the others.
    """
    steps = _classes(Autograde(config=config).autograde_preprocessors)
    return _made([step for step in steps if not issubclass(step, Execute | CheckCellMetadata)], config)


def save_cells(config: Config) -> Preprocessor:
    """What puts a notebook's cells into the gradebook."""
    (step,) = _made([SaveCells], config)
    return step


def run(steps: Sequence[Preprocessor], notebook: NotebookNode, resources: dict[str, Any]) -> NotebookNode:
    """The notebook after all of them; they change it in place."""
    for step in steps:
        notebook, _ = step(notebook, resources)
    return notebook


def resources(course: Course, unit: str, student: str = ".") -> dict[str, Any]:
    """What nbgrader tells its preprocessors of a notebook."""
    ids = {"student": student, "assignment": unit, "notebook": unit}
    return {"unique_key": unit, "nbgrader": {**ids, "db_url": course.directory.db_url}}


def _classes(steps: Sequence[Any]) -> list[type[Preprocessor]]:
    return [import_item(step) if isinstance(step, str) else step for step in steps]


def _made(steps: Sequence[type[Preprocessor]], config: Config) -> list[Preprocessor]:
    return [step(config=config) for step in steps]
