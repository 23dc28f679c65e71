"""What came of one submission, and how that is said in a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gentutor.grading.lab import Lab, nbgrader
from gentutor.grading.records import Output, Tried
from gentutor.grading.report.words import one_line

if TYPE_CHECKING:  # the book needs what Windows has not
    from gentutor.grading.book import Marks


@dataclass(frozen=True)
class Failure:
    """A check that did not pass: of which exercise, and which of its aspects."""

    exercise: str
    aspect: str


@dataclass(frozen=True)
class Outcome:
    """What came of one submission.

    Attributes:
        state: "graded" now; "recorded" in an earlier run; "refused", since it cannot be used; "lost", since
            it could not be tried or recorded, and the same command tries it again.
        why: of a submission that was refused or lost, or whose trial ended early.
        failures: the checks that did not pass.
        notes: what looked unusual, a sentence each.
    """

    student: str
    state: Literal["graded", "recorded", "refused", "lost"]
    why: str = ""
    marks: Marks | None = None
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        """The outcome in one line."""
        if self.marks is None:
            state = "refused" if self.state == "refused" else "not graded"
            return one_line(f"{self.student}: {state}: {self.why}")
        told = [f"{self.marks.points:g} of {self.marks.most:g} points"]
        if waits := sum(mark.most for mark in self.marks.cells.values() if mark.needs_person):
            told[0] += f" ({waits:g} open)"
        if self.failures:
            told.append("not passed: " + ", ".join(f"{f.exercise} ({f.aspect})" for f in self.failures))
        if self.why:
            told.append(f"stopped: {self.why}")
        return one_line(f"{self.student}: {'; '.join(told)}")


def failures(lab: Lab, tried: Tried) -> tuple[Failure, ...]:
    """The checks that did not pass, at most one for each exercise, in the order of the lab."""
    return tuple(_failures(lab, tried))


def _failures(lab: Lab, tried: Tried) -> Iterator[Failure]:
    for cell in lab.master.cells:
        if lab.kinds.get(cell.id) != "check":
            continue
        exercise = nbgrader(cell)["grade_id"].removeprefix("check-")
        outputs = tried.outputs.get(cell.id)
        errors = [output for output in outputs or () if output["output_type"] == "error"]
        if outputs is None:
            yield Failure(exercise, "not run")
        elif errors:
            yield Failure(exercise, one_line(_aspect(errors[0])))


def _aspect(error: Output) -> str:
    """What a check's error names: "shape of Theta" of "fit · shape of Theta: shape (7,), expected (7, 3)"."""
    name, said = str(error["ename"]), str(error["evalue"])
    if name in ("Ended", "NotJudged"):  # what our own trial says of it
        return said
    return said.partition(" · ")[2].partition(": ")[0] if name == "CheckFailed" else name
