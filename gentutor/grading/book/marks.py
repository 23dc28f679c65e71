"""What the gradebook says of a submission, and how the book says that it cannot go on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


class BookError(Exception):
    """The book cannot be used as it is; the message says why and what to do. No mark was lost."""


@dataclass(frozen=True)
class Mark:
    """One graded cell of one student.

    Attributes:
        points: what counts today: a person's points where there are any, else the check's; with extra credit.
        most: what the cell can give.
        automatic: the check's points; None where only a person can judge.
        needs_person: nbgrader waits for a person's judgement, or for their second look after a new grading.
    """

    points: float
    most: float
    automatic: float | None
    needs_person: bool


@dataclass(frozen=True)
class Marks:
    """All of one student's submission of the unit, as it stands in the gradebook.

    Attributes:
        cells: by graded cell (nbgrader's grade_id), in no particular order.
        penalty: points taken for lateness by nbgrader's plugin.
        at: when it was handed in, UTC without a zone, where that is known.
        seconds_late: after the due date that the gradebook has; 0 where it has none.
    """

    student: str
    cells: Mapping[str, Mark]
    penalty: float = 0.0
    at: datetime | None = None
    seconds_late: float = 0.0

    @property
    def points(self) -> float:
        """The sum of the cells' points less the penalty, at least 0."""
        return max(0.0, sum(mark.points for mark in self.cells.values()) - self.penalty)

    @property
    def most(self) -> float:
        """What all cells together can give."""
        return sum(mark.most for mark in self.cells.values())

    @property
    def provisional(self) -> bool:
        """Whether a cell waits for a person."""
        return any(mark.needs_person for mark in self.cells.values())

    @property
    def automatic(self) -> dict[str, float | None]:
        """The checks' points alone, by cell: what a second grading must give again."""
        return {name: mark.automatic for name, mark in self.cells.items()}
