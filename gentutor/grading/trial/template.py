"""In the warm process, before any student: the class's cells run once, for all.

A trial takes over what a cell bound and showed, if all that the cell reads is there as it was in the class's
run; else it runs the cell itself (`taken.py`). So a student who changed the data sees the change in the
pictures.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from gentutor.grading.records import Output
from gentutor.grading.trial import shell
from gentutor.grading.trial.taken import ABSENT, Mark, mark

SECONDS = 300.0  # for one cell of our own


@dataclass(frozen=True)
class ClassCell:
    """A cell of the class's that has run: what it read, what it bound and what it showed.

    `alone` says that nobody can take it over: it changed in place what an earlier cell had bound, or a later
    cell changed what it bound. Each process runs it for itself.
    """

    source: str
    read: dict[str, Mark]
    bound: dict[str, Any]
    outputs: list[Output]
    alone: bool = False


CELLS: dict[str, ClassCell] = {}


def prepare(payload: bytes) -> bytes:
    """Runs the lab's class cells; returns as JSON what they showed, by id, or which one failed and how."""
    # Every child then has them, though it should find no files.
    from gentutor.grading.trial import judge, student  # noqa: F401

    names = shell.shell().user_ns
    own, made = set(names), dict[str, dict[str, Mark]]()
    for cell in json.loads(payload)["cells"]:
        read = {name: mark(names[name]) for name in cell["reads"] if name in names}
        before = dict(names)
        marks = {name: mark(value) for name, value in _plain(names)}
        outputs, ended = shell.run(cell["source"], SECONDS)
        if not ended:
            return json.dumps({"failed": cell["id"], "said": outputs[-1]}).encode()
        bound = {name: v for name, v in _plain(names) if before.get(name, ABSENT) is not v}
        made[cell["id"]] = {name: mark(value) for name, value in bound.items()}
        alters = any(names.get(name) is before[name] and mark(before[name]) != marks[name] for name in marks)
        CELLS[cell["id"]] = ClassCell(cell["source"], read, bound, outputs, alters)
    for cell_id, marks in made.items():
        known = CELLS[cell_id]
        altered = any(mark(known.bound[name]) != was for name, was in marks.items())
        CELLS[cell_id] = replace(known, alone=known.alone or altered)
    for name in set(names) - own:
        del names[name]
    return json.dumps({"outputs": {cell_id: cell.outputs for cell_id, cell in CELLS.items()}}).encode()


def take(cell_id: str, seconds: float) -> list[Output] | None:
    """The class's cell in this process: None if it was taken over, else what it showed when it ran here."""
    cell, names = CELLS[cell_id], shell.shell().user_ns
    same = all(name in names and mark(names[name]) == was for name, was in cell.read.items())
    if same and not cell.alone:
        names.update(cell.bound)
        return None
    outputs, _ = shell.run(cell.source, seconds)
    return outputs


def _plain(names: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """Without what IPython keeps there for itself."""
    return ((n, v) for n, v in names.items() if not n.startswith("_") and n not in ("In", "Out"))
