"""What passes from room to room: plain records, which know nothing of how they are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # importing it takes a third of a second, which processes in the sandbox need not wait for
    from nbformat import NotebookNode

Output = dict[str, Any]  # one output of a cell, as nbformat writes it
Kind = Literal["class", "student", "check"]


@dataclass(frozen=True)
class Handed:
    """One file that a student handed in, read but not understood.

    Attributes:
        student: the id by which the gradebook knows the student.
        origin: where it came from, for messages: a path, or an archive and a member of it.
        data: the bytes of the file.
        at: when it was handed in, if that is known.
        late: whether the platform marked it as late.
        attempt: its number, where the platform gives several.
    """

    student: str
    origin: str
    data: bytes = field(repr=False)
    at: datetime | None = None
    late: bool = False
    attempt: int = 1


@dataclass(frozen=True)
class Refused:
    """What cannot be used: whose it is, where it came from, and why, with what would mend it."""

    student: str
    origin: str
    reason: str


@dataclass(frozen=True)
class Submission:
    """A submission rebuilt from our release: nothing of the student's but the answers and own cells.

    Attributes:
        student: see `Handed`.
        notebook: our notebook with every hidden test in its place, without outputs.
        at, late: see `Handed`.
        notes: what was noticed while it was rebuilt, a sentence each.
        original: the bytes as they were handed in.
    """

    student: str
    notebook: NotebookNode = field(repr=False)
    at: datetime | None
    late: bool
    notes: tuple[str, ...]
    original: bytes = field(repr=False)


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds a cell, seconds in all, bytes of memory, processes, bytes of files
    that it writes, and bytes of output."""

    cell_seconds: float = 120.0
    all_seconds: float = 600.0
    memory: int = 2 << 30
    processes: int = 64
    files: int = 256 << 20
    output: int = 1 << 20


@dataclass(frozen=True)
class Cell:
    """One code cell of a submission in order.

    Attributes:
        id: its id in the notebook.
        kind: "class" where it depends on nothing of the student's, and was run once for all; "student"
            where it runs in the student's process; "check" where it runs in the judge's.
        source: its text; empty for the class's.
    """

    id: str
    kind: Kind
    source: str = ""


@dataclass(frozen=True)
class Job:
    """All that is needed to try one submission, as plain data: it may cross to another machine.

    Attributes:
        student: whose it is; for messages only.
        lab: fingerprint of the `Lab` whose class cells are taken as run.
        cells: in the order of the notebook.
        answers: names that the checks may take from the student's process.
        salt: what seeds the checks' inputs; the student's process never has it.
        limits: see there.
    """

    student: str
    lab: str
    cells: tuple[Cell, ...]
    answers: tuple[str, ...]
    salt: str = field(repr=False)
    limits: Limits = Limits()


@dataclass(frozen=True)
class Tried:
    """What a trial gave: outputs by cell id, and why it ended early, if it did.

    A check cell without outputs did not run and has not passed: see `stopped`.

    Attributes:
        outputs: of the cells that ran, by id; not those of class cells.
        stopped: why the cells without outputs were not run, or None.
        noticed: what looked suspicious, a sentence each, no wider than what was seen.
        cpu_seconds: of the student's and the judge's processes.
        wall_seconds: from the first cell to the last.
    """

    outputs: Mapping[str, list[Output]]
    stopped: str | None = None
    noticed: tuple[str, ...] = ()
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0


def error_output(name: str, message: str) -> Output:
    """An error as a cell shows it."""
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": [f"{name}: {message}"]}
