"""Progress on standard error: a bar with the time left, above which lines are written; or lines alone."""

import sys
from typing import Self, TextIO

from tqdm import tqdm

from gentutor.grading.report.outcome import Outcome


class Progress:
    """Counts submissions. On a terminal those that passed all checks have no line; elsewhere each has one."""

    def __init__(self, total: int, label: str, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._total, self._done = total, 0
        self._terminal = self._stream.isatty()
        self._bar = tqdm(
            total=total,
            desc=label,
            unit=" submissions",
            file=self._stream,
            disable=not self._terminal,
            dynamic_ncols=True,
        )

    def add(self, outcome: Outcome) -> None:
        """One more is done."""
        self._done += 1
        if not self._terminal:
            self.say(f"[{self._done}/{self._total}] {outcome.line}")
        elif outcome.failures or outcome.why:
            self.say(outcome.line)
        self._bar.update()

    def say(self, line: str) -> None:
        """A line of its own, above the bar."""
        self._bar.write(line, file=self._stream)
        self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()
