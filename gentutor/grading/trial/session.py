"""One submission led through its two processes, from the grader's side.

The grader relays what the two say to each other, so that it can end a call that takes too long. What comes
from the student's process is read as plain data of a bounded size, and nothing else is done with it. A
process that ends, or has to be ended, costs the cell that ended it: the next one starts anew, and runs the
cells before again.
"""

import json
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from gentutor.check import Reply
from gentutor.check.call import Failure
from gentutor.grading import names
from gentutor.grading.box import Box, BoxError, Child, Gone, Policy, TimeUp, TooLong
from gentutor.grading.lab import Lab, LabError
from gentutor.grading.records import Cell, Job, Limits, Output, Tried, error_output
from gentutor.grading.trial import wire
from gentutor.grading.trial.outputs import length, read_outputs
from gentutor.grading.trial.student import FUNCTION

GRACE = 3.0  # seconds between telling a cell to stop and ending its process
MOST_BYTES = 64 << 20  # of one message
MOST_FULL = 4  # cells may show as much as one may; after that what they show is cut
ERROR = 1 << 18  # characters that the error of a cell may add to what it showed
MOST_RESTARTS = 3


class Trials:
    """Where a lab's submissions are tried: one warm process, which forks two for each of them.

    Attributes:
        class_outputs: what the class's cells showed, by cell id.

    Raises:
        LabError: a cell of the lab itself fails.
        BoxError: the sandbox does not work.
    """

    def __init__(self, lab: Lab, policy: Policy, limits: Limits) -> None:
        self._lab = lab
        self._box = Box(policy, "gentutor.grading.trial.template:prepare", lab.payload(), limits)
        prepared = json.loads(self._box.prepared)
        if "failed" in prepared:
            self._box.close()
            said = prepared["said"].get("evalue", "")
            raise LabError(f"Cell {prepared['failed']} of {lab.unit} itself fails: {said}")
        self.class_outputs: dict[str, list[Output]] = prepared["outputs"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._box.close()

    def run(self, job: Job) -> Tried:
        """Tries one submission. What goes wrong in it is part of what is returned; what goes wrong with the
        sandbox is a BoxError, and the submission may be tried again."""
        if job.lab != self._lab.fingerprint:
            raise ValueError(f"the job is of another version of {self._lab.unit}")
        trial = _Trial(self._box, job)
        try:
            return trial.run()
        finally:
            trial.close()


class _Ended(Exception):
    """The student's process ended, or had to be ended."""


class _Trial:
    def __init__(self, box: Box, job: Job) -> None:
        self._box, self._job, self._limits = box, job, job.limits
        self._start = time.monotonic()
        self._end = self._start + self._limits.all_seconds
        self._student: Child | None = None
        self._judge: Child | None = None
        self._done: list[Cell] = []  # what a new process of the student's runs again
        self._passed: list[str] = []
        self._restarts = 0
        self._cpu_seconds = 0.0
        self._outputs: dict[str, list[Output]] = {}
        self._noticed: list[str] = []
        self._room = MOST_FULL * self._limits.output  # characters that its cells may still show

    def run(self) -> Tried:
        stopped = None
        for cell in self._job.cells:
            try:
                if self._student is None:
                    self._begin_student()
                outputs = self._judged(cell) if cell.kind == "check" else self._ran(cell)
                if outputs is not None:
                    self._outputs[cell.id] = outputs
                    self._room -= length(outputs)
                if cell.kind != "check":
                    self._done.append(cell)
            except _Ended as ended:
                self._outputs[cell.id] = [error_output("Ended", str(ended))]
                self._noticed.append(f"cell {cell.id}: {ended}")
                self._restarts += 1
            if self._restarts > MOST_RESTARTS:
                stopped = f"its process had to be started anew more than {MOST_RESTARTS} times"
            elif time.monotonic() > self._end:
                stopped = f"it took longer than {self._limits.all_seconds:g} s in all"
            if stopped:
                break
        self.close()
        seconds = time.monotonic() - self._start
        return Tried(self._outputs, stopped, tuple(self._noticed), self._cpu_seconds, seconds)

    def close(self) -> None:
        """Ends both processes, and all that they started."""
        children, self._student, self._judge = (self._student, self._judge), None, None
        for child in children:
            self._end_child(child)

    def _end_child(self, child: Child | None) -> None:
        if child is not None:
            child.kill()
            child.channel.close()
            self._cpu_seconds += child.cpu_seconds

    # ------------------------------------------------------------------ the student's process

    def _begin_student(self) -> None:
        self._student = self._box.spawn("gentutor.grading.trial.student:main", self._limits)
        for cell in self._done:
            self._ran(cell)
        self._ask({"do": "passed", "exercises": self._passed}, GRACE)

    def _ran(self, cell: Cell) -> list[Output] | None:
        """What the cell shows; None for one of the class's that was taken over."""
        seconds = self._seconds()
        do = {"do": "take", "cell": cell.id} if cell.kind == "class" else {"do": "run", "source": cell.source}
        shown = self._ask({**do, "seconds": seconds, "most": self._limits.output}, seconds + GRACE)
        if cell.kind == "class" and shown is None:
            return None
        return read_outputs(shown, min(self._limits.output + ERROR, self._room))

    def _ask(self, message: dict[str, Any], seconds: float) -> Any:
        return self._carry(wire.dumps(message), seconds, wire.loads)

    def _carry(self, message: bytes, seconds: float, read: Callable[[bytes], Any]) -> Any:
        """Sends the student's process a message; its answer. Raises _Ended, and the process is then no
        more."""
        student = self._student
        if student is None:
            raise _Ended("its process had ended before")
        try:
            student.channel.send(message)
            return read(student.channel.receive(time.monotonic() + seconds, MOST_BYTES))
        except Gone:
            why = "ended its own process"
            student.wait(GRACE)  # its socket is closed before its end is seen, and how it ended
        except TimeUp:
            why = "did not stop when its time was up"
        except TooLong:
            why = f"gave more than {MOST_BYTES >> 20} MB"
        except wire.Unreadable as error:
            why = f"answered what cannot be read ({error})"
        self._student = None
        self._end_child(student)
        if student.lost:
            raise BoxError(f"a student's process is lost: {student.why}")
        raise _Ended(student.why or why)

    def _seconds(self) -> float:
        return max(0.1, min(self._limits.cell_seconds, self._end - time.monotonic()))

    # ------------------------------------------------------------------ the judge's process

    def _begin_judge(self) -> Child:
        judge = self._judge = self._box.spawn("gentutor.grading.trial.judge:main", self._limits)
        self._judge_at = 0  # the cell before which it stands
        judge.channel.send(wire.dumps({"do": "begin", "salt": self._job.salt}))
        return judge

    def _judged(self, check: Cell) -> list[Output]:
        """What the check shows. Raises _Ended where the student's process cannot even be asked for its
        names."""
        asked = sorted(names.of(check.source).reads & set(self._job.answers))
        found = self._ask({"do": "names", "names": asked}, self._limits.cell_seconds + GRACE)
        seconds = self._seconds()
        until = time.monotonic() + seconds + 3 * GRACE
        judge = self._judge or self._begin_judge()
        try:
            while (cell := self._job.cells[self._judge_at]) is not check:
                self._judge_at += 1
                if cell.kind == "class":
                    judge.channel.send(wire.dumps({"do": "take", "cell": cell.id, "seconds": seconds}))
            message = {"do": "judge", "source": check.source, "names": _names(found, asked)}
            judge.channel.send(wire.dumps({**message, "seconds": seconds + 2 * GRACE}))
            while True:
                told = wire.loads(judge.channel.receive(until, MOST_BYTES))
                if "outputs" in told:
                    break
                judge.channel.send(self._replied(told, min(seconds, until - time.monotonic() - 2 * GRACE)))
        except (Gone, TimeUp, TooLong, wire.Unreadable) as error:
            self._judge = None
            self._end_child(judge)
            if judge.lost:
                raise BoxError(f"a judge's process is lost: {judge.why}") from error
            why = judge.why or f"it could not be judged in time ({type(error).__name__})"
            self._noticed.append(f"cell {check.id}: {why}")
            return [error_output("NotJudged", why)]
        self._passed = told["passed"]
        if self._student is not None:
            self._ask({"do": "passed", "exercises": self._passed}, GRACE)
        return read_outputs(told["outputs"])

    def _replied(self, told: dict[str, Any], seconds: float) -> bytes:
        """What the student's function answers; not read here. Where its process ends, that is the answer."""
        message = {"do": "call", "name": told["name"], "call": told["call"], "seconds": max(seconds, 0.1)}
        try:
            reply: bytes = self._carry(wire.dumps(message), max(seconds, 0.1) + GRACE, bytes)
            return reply
        except _Ended as ended:
            self._noticed.append(f"{told['name']}: {ended}")
            self._restarts += 1
            return wire.dumps(Reply(failure=Failure("Ended", str(ended), told["name"], "")))


def _names(found: Any, asked: list[str]) -> dict[str, Any]:
    """The student's names as they were asked for; each a function's, or a plain value in a list."""
    if not isinstance(found, dict):
        return {}
    return {
        name: value
        for name, value in found.items()
        if name in asked and (value == FUNCTION or (isinstance(value, list) and len(value) == 1))
    }
