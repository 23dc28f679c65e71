"""Trials on many machines: an existing Dask cluster, https://distributed.dask.org.

A plugin stands on every worker process, on those that join later too; it opens the trials at the first job,
and closes them at the end. What crosses to a worker is a lab and its jobs, and what comes back is outputs.
The workers are trusted: they are given the hidden tests and the salt. The sandbox is the worker's own.
"""

import socket
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count, islice
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from distributed import Client, Future, KilledWorker, Worker, WorkerPlugin, get_worker, wait
from distributed.client import FuturesCancelledError

from gentutor.grading.executors import ATTEMPTS, ExecutorError, Lost, OpenTrials, Trials
from gentutor.grading.lab import own_code
from gentutor.grading.records import Job, Output, Tried

PATIENCE = 30.0  # seconds until a cluster that gives no sign of life is asked whether it has workers


START = "start `dask scheduler` and `dask worker ADDRESS` in the environment in which gentutor is installed"


class Cluster:
    """An `Executor` on the Dask cluster whose scheduler has the address.

    Raises:
        ExecutorError: at the start, or in mid-run where the scheduler or the last worker is gone.
    """

    def __init__(self, open_trials: OpenTrials, address: str) -> None:
        self.address = address
        self._desk = _Desk(f"gentutor-{uuid4().hex}", open_trials)
        self._numbers = count()

    @property
    def class_outputs(self) -> Mapping[str, list[Output]]:
        """What the class's cells showed, by cell id."""
        with self._connected():
            outputs: Mapping[str, list[Output]] = self._submit(_class_outputs).result()
        return outputs

    def run(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Tried | Lost]]:
        """Each job with what came of it, as they finish."""
        jobs = iter(jobs)
        pending: dict[Future, Job] = {}
        while True:
            with self._connected():
                room = max(1, 2 * sum(self._client.ncores().values())) - len(pending)
            for job in islice(jobs, max(0, room)):
                with self._connected():
                    pending[self._submit(_try, job)] = job
            if not pending:
                return
            with self._connected():
                done = [(future, _outcome(future)) for future in self._finished(pending)]
            for future, tried in done:
                yield pending.pop(future), tried

    def __enter__(self) -> Self:
        try:
            self._client = Client(self.address, timeout=PATIENCE, set_as_default=False, name="gentutor")
        except (OSError, ValueError) as error:
            raise ExecutorError(
                f"No Dask scheduler answers at {self.address} ({error}). Expected an address such as "
                "tcp://10.0.0.5:8786, which `dask scheduler` prints when it starts."
            ) from error
        try:
            self._client.wait_for_workers(1, timeout=PATIENCE)
            self._client.run_on_scheduler(_require, self._desk.code)
            self._client.register_plugin(self._desk)
        except TimeoutError as error:
            self._client.close()
            raise ExecutorError(f"The cluster at {self.address} has no workers: {START}.") from error
        except Exception as error:
            self._client.close()
            raise ExecutorError(
                f"The cluster at {self.address} cannot be used: {error}. Its scheduler and each worker need "
                f"the gentutor that runs here ({own_code()}), with the same Python and packages: {START}."
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # where the scheduler is gone, its workers end
            self._client.unregister_worker_plugin(self._desk.name)
        self._client.close()

    def _submit(self, function: Any, *arguments: Any) -> Future:
        key = f"{self._desk.name}-{next(self._numbers)}"
        return self._client.submit(
            function, self._desk.name, *arguments, key=key, pure=False, retries=ATTEMPTS - 1
        )

    @contextmanager
    def _connected(self) -> Iterator[None]:
        try:
            yield
        except (OSError, FuturesCancelledError) as error:
            raise ExecutorError(f"The connection to the scheduler at {self.address} was lost.") from error

    def _finished(self, pending: Iterable[Future]) -> list[Future]:
        """Those that are done, at least one; waits for it."""
        while True:
            try:
                with self._client.as_current():
                    some = wait(list(pending), PATIENCE, "FIRST_COMPLETED").done
            except TimeoutError as error:
                if not self._client.ncores():
                    raise ExecutorError(f"The cluster at {self.address} has lost its last worker.") from error
            else:  # "lost" went with its worker, and is tried again
                if done := [future for future in some if future.status in ("finished", "error")]:
                    return done


class _Desk(WorkerPlugin):  # type: ignore[misc]
    """What stands on a worker process: its trials, opened at the first job."""

    def __init__(self, name: str, open_trials: OpenTrials) -> None:
        self.name, self.code, self._open = name, own_code(), open_trials

    def setup(self, worker: Worker) -> None:
        """Called by Dask where the worker begins to know the plugin."""
        self._lock = threading.Lock()
        self._trials: Trials | None = None
        _require(self.code)

    def teardown(self, worker: Worker) -> None:
        """Called by Dask where the plugin is taken away, or the worker ends."""
        if self._trials is not None:
            self._trials.__exit__(None, None, None)

    @property
    def trials(self) -> Trials:
        """Open and warm."""
        _require(self.code)  # of a worker that joined in mid-run
        with self._lock:
            if self._trials is None:
                try:
                    self._trials = self._open().__enter__()
                except Exception as error:
                    raise ExecutorError(f"On {socket.gethostname()}: {error}") from error
            return self._trials


def _require(code: str) -> None:
    if own_code() != code:
        raise ExecutorError(f"{socket.gethostname()} has another gentutor ({own_code()})")


def _try(desk: str, job: Job) -> Tried:
    return _trials(desk).run(job)


def _class_outputs(desk: str) -> dict[str, list[Output]]:
    return dict(_trials(desk).class_outputs)


def _trials(desk: str) -> Trials:
    trials: Trials = get_worker().plugins[desk].trials
    return trials


def _outcome(future: Future) -> Tried | Lost:
    if future.status == "finished":
        tried: Tried = future.result()
        return tried
    error = future.exception()
    if isinstance(error, ExecutorError):
        raise error
    if isinstance(error, KilledWorker):
        return Lost("each worker that tried it died: it may use more memory than they have")
    return Lost(f"given up after {ATTEMPTS} attempts: {type(error).__name__}: {error}")
