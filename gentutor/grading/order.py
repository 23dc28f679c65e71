"""What the instructor asked for, what lies there to be graded, and how a refusal is said."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gentutor.grading.book import BookError
from gentutor.grading.box import BoxError
from gentutor.grading.executors import ExecutorError
from gentutor.grading.intake import NothingToGrade, Roster, RosterError, collect, latest
from gentutor.grading.lab import LabError
from gentutor.grading.records import Handed, Limits, Refused
from gentutor.workbook import UnreadableNotebook

# What ends a run, while all else that goes wrong is the matter of one submission.
ENDS_ALL = (BookError, BoxError, ExecutorError, LabError, NothingToGrade, RosterError, UnreadableNotebook)


class CannotGrade(Exception):
    """Nothing can be graded: the message says why and what to do."""


@dataclass(frozen=True)
class Order:
    """What the instructor asked for; `gentutor grade --help` explains it."""

    unit: str
    path: Path
    course: Path
    limits: Limits = field(default_factory=Limits)
    workers: int | None = None
    scheduler: str | None = None
    sandbox: bool = True
    roster: Path | None = None
    again: bool = False


@dataclass(frozen=True)
class Taken:
    """What was handed in, one notebook for each student.

    Attributes:
        handed: by the students' ids; each is taken away as it is graded, so that a class is not held twice.
        refused: what cannot be used.
        absent: ids of those who handed in nothing.
        notes: by student, a sentence each.
        roster: the class list, where there is one.
    """

    handed: deque[Handed]
    refused: Sequence[Refused]
    absent: Sequence[str]
    notes: dict[str, tuple[str, ...]]
    roster: Roster | None

    @classmethod
    def of(cls, order: Order) -> "Taken":
        """Reads it. Raises NothingToGrade or RosterError."""
        roster = Roster.read(order.roster) if order.roster else None
        intake = collect(order.path, order.unit, roster=roster)
        last, several = latest(intake.handed)
        late = {each.student: ["The platform marks it as late."] for each in last if each.late}
        said = (intake.notes, several, late)
        notes = {s: tuple(n for notes in said for n in notes.get(s, ())) for s in set().union(*said)}
        handed = deque(sorted(last, key=lambda each: each.student))
        return cls(handed, intake.refused, intake.absent, notes, roster)


@contextmanager
def told() -> Iterator[None]:
    """Turns what ends a run into CannotGrade."""
    try:
        yield
    except ENDS_ALL as error:
        raise CannotGrade(str(error)) from error
