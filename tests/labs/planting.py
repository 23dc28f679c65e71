"""Planted answers: what students write, right and wrong, and the notebooks in which these answers ride.

A unit's answers are functions of a file named for it, such as `01_pca.py` beside this one. Each overrides the
solution's function of the same name in the cell of its exercise.
"""

import importlib.util
import inspect
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from gentutor.grading import names

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
UNITS = sorted(path.stem for path in ROOT.glob("solutions/*/[0-9]*.ipynb"))


@dataclass(frozen=True)
class Answer:
    """One function that a student could have written: `fails` names the check that must be the first to fail,
    and is None for an answer that is right."""

    exercise: str
    what: str
    source: str
    fails: str | None

    def deserves(self, said: str | None) -> bool:
        """Whether the verdict is the right one: what the check said, None where it passed."""
        if self.fails is None:
            return said is None
        return said is not None and said.startswith(f"{self.exercise} · {self.fails}: ")


class Answers:
    """The planted answers of a unit, collected by decorators."""

    def __init__(self) -> None:
        self.by_exercise: dict[str, list[Answer]] = defaultdict(list)

    def wrong(self, exercise: str, fails: str) -> Callable[[Callable], Callable]:
        return self._plant(exercise, fails)

    def right(self, exercise: str) -> Callable[[Callable], Callable]:
        return self._plant(exercise, None)

    def _plant(self, exercise: str, fails: str | None) -> Callable[[Callable], Callable]:
        def plant(function: Callable) -> Callable:
            source = inspect.getsource(function)
            source = source[
                re.search(r"^def ", source, flags=re.MULTILINE).start() :
            ]  # without the decorator
            answer = Answer(exercise, inspect.getdoc(function), source, fails)
            self.by_exercise[exercise].append(answer)
            return function

        return plant


def answers_of(unit: str) -> dict[str, list[Answer]]:
    """The planted answers of a unit by exercise, from the file that bears its name."""
    spec = importlib.util.spec_from_file_location(f"planted_{unit}", HERE / f"{unit}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.answers.by_exercise


def rides(answers: dict[str, list[Answer]]) -> list[dict[str, Answer]]:
    """As few sets of answers, one for each exercise, as hold every planted answer once.

    Exercises are rotated against each other, so that right and wrong answers mix in each set.
    """
    size = max(len(planted) for planted in answers.values())
    sets: list[dict[str, Answer]] = [{} for _ in range(size)]
    for turn, (exercise, planted) in enumerate(answers.items()):
        for i, answer in enumerate(planted):
            sets[(i + 2 * turn) % size][exercise] = answer
    return sets


def cell_of(notebook: NotebookNode, grade_id: str) -> NotebookNode:
    """The cell with that nbgrader id."""
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == grade_id)


def submission(release: Path, solution: Path, planted: dict[str, Answer]) -> NotebookNode:
    """A student's notebook: the release, with the solution's answers, overridden by the planted ones."""
    notebook, model = nbformat.read(release, as_version=4), nbformat.read(solution, as_version=4)
    for cell in notebook.cells:
        info = cell.metadata.get("nbgrader", {})
        if info.get("solution"):
            cell.source = cell_of(model, info["grade_id"]).source
            if info["grade_id"] in planted:
                cell.source += "\n\n\n" + planted[info["grade_id"]].source
    return notebook


def without_experiments(notebook: NotebookNode) -> NotebookNode:
    """The notebook of a student who took out each given cell that no answer and no check depends on.

    What trains and draws goes, and what imports and builds stays, by the names that each cell binds and reads.
    """
    found = {cell.id: names.of(cell.source) for cell in notebook.cells if cell.cell_type == "code"}
    kept, more = set(), {cell.id for cell in notebook.cells if "nbgrader" in cell.metadata}
    while more:
        kept |= more
        read = set().union(*(found[i].reads for i in kept & found.keys()))
        more = {i for i, cell in found.items() if cell.binds & read} - kept
    cells = [cell for cell in notebook.cells if cell.id in kept or cell.cell_type != "code"]
    return nbformat.from_dict({**notebook, "cells": cells})
