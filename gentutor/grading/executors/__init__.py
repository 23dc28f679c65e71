"""Where trials run: on this machine (`local.py`) or on a Dask cluster (`cluster.py`), behind one interface.

Both open `Trials` once in each process that works and keep them warm; both take the jobs as they need them,
so that a class of any size stays flat in memory; both try a job again that their own machinery lost.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from gentutor.grading.records import Job, Output, Tried

ATTEMPTS = 3  # how often a job is tried whose process, thread or machine is lost


class ExecutorError(RuntimeError):
    """Nothing can be tried, through no fault of a submission: the message says why and what to do."""


@dataclass(frozen=True)
class Lost:
    """A job that was given up although its submission may be in order: nothing is known of its marks."""

    why: str


class Trials(Protocol):
    """What tries submissions in one process: thread-safe, warm between its first and last job."""

    @property
    def class_outputs(self) -> Mapping[str, list[Output]]:
        """What the class's cells showed, by cell id."""
        ...

    def run(self, job: Job) -> Tried:
        """Tries one submission. Raises only where the machinery fails."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


OpenTrials = Callable[[], Trials]


class Executor(Protocol):
    """Runs many trials; a context manager, at whose end nothing is left running."""

    @property
    def class_outputs(self) -> Mapping[str, list[Output]]:
        """See `Trials`; where nothing runs yet, this starts it."""
        ...

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Tried | Lost]]:
        """Each job with what came of it, as they finish. `jobs` is drawn from in the caller's thread."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
