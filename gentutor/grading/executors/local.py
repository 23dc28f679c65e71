"""Trials on this machine: one warm box, and a few threads that each wait for one submission's processes."""

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from types import TracebackType
from typing import Self

from gentutor.grading.executors import ATTEMPTS, Lost, OpenTrials, Trials
from gentutor.grading.records import Job, Output, Tried


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Local:
    """An `Executor` on this machine; `workers` trials at a time (default: one for each core)."""

    def __init__(self, open_trials: OpenTrials, workers: int | None = None) -> None:
        self.workers = workers or cores()
        self._open = open_trials
        self._trials: Trials | None = None
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix="trial")
        self._closing = False

    @property
    def class_outputs(self) -> Mapping[str, list[Output]]:
        """What the class's cells showed, by cell id."""
        return self._started().class_outputs

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Tried | Lost]]:
        """Each job with what came of it, as they finish."""
        jobs = iter(jobs)
        pending: dict[Future[Tried | Lost], Job] = {}
        while True:
            # One more for each worker than it can run: none waits while the caller writes a result down.
            for job in islice(jobs, 2 * self.workers - len(pending)):
                pending[self._pool.submit(self._try, self._started(), job)] = job
            if not pending:
                return
            done, _ = wait(pending, return_when=FIRST_COMPLETED)
            for future in done:
                yield pending.pop(future), future.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._trials is not None:
            self._trials.__exit__(kind, error, trace)  # ends the processes that the threads wait for
        self._pool.shutdown()

    def _started(self) -> Trials:
        if self._trials is None:
            self._trials = self._open().__enter__()
        return self._trials

    def _try(self, trials: Trials, job: Job) -> Tried | Lost:
        why = "the grading was ended"
        for _ in range(ATTEMPTS):
            if self._closing:
                break
            try:
                return trials.run(job)
            except Exception as error:  # the machinery's: `Trials` makes a `Tried` of all that a student does
                why = f"{type(error).__name__}: {error}"
        return Lost(f"given up after {ATTEMPTS} attempts: {why}")
