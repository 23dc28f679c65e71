"""The grader's side of a sandbox: children on demand, whatever became of those before them."""

import random
import threading
import time
from dataclasses import asdict
from types import TracebackType
from typing import Self
from weakref import WeakSet

from gentutor.grading.box.channel import Gone, TimeUp
from gentutor.grading.box.handles import BoxError, Child, NotStarted, Warm
from gentutor.grading.box.policy import Policy, rules_all_uids, visible
from gentutor.grading.box.request import Bounds, Request
from gentutor.grading.records import Limits

UIDS = (1 << 20, 1 << 30)  # user ids that no system hands out: one of them for each child where we are root


class Box:
    """A warm process in the sandbox. A context manager; every method may be called from several threads.

    Args:
        policy: what may be seen in it.
        prepare: "module:function", called in it once as `function(payload) -> bytes`, before any fork.
        payload: see `prepare`. Every child can read it, in the memory that it inherits: nothing secret.
        limits: of a child, unless `spawn` is told others; its `all_seconds` also bound `prepare`.

    Attributes:
        prepared: what `prepare` returned.

    Raises:
        BoxError: it did not start. `why_not` says beforehand whether it can.
    """

    def __init__(
        self, policy: Policy, prepare: str, payload: bytes = b"", limits: Limits | None = None
    ) -> None:
        self.policy, self.limits = policy, limits or Limits()
        self._prepare, self._payload = prepare, payload
        self._lock = threading.Lock()
        self._closed = False
        self._children: WeakSet[Child] = WeakSet()
        self._tmp = not any(path.startswith("/tmp/") for path in visible(policy))
        self._start()

    def spawn(self, function: str, limits: Limits | None = None) -> Child:
        """Fork a child that calls "module:function" with its end of a channel, and ends when that returns."""
        bounds = Bounds(**asdict(limits or self.limits))  # type: ignore[typeddict-item]
        request = Request(
            function=function, limits=bounds, sandbox=self.policy.sandbox, uid=None, tmp=self._tmp
        )
        problem = ""
        for _ in range(3):
            if request["sandbox"] and rules_all_uids():
                request["uid"] = random.SystemRandom().randrange(*UIDS)
            warm = self._warm
            try:
                child = warm.spawn(request)
            except NotStarted as error:
                problem = str(error)
                time.sleep(1.0)  # the machine may be short of something for a moment
            except (Gone, TimeUp):
                problem = f"the sandbox starts no more processes: {self._replace(warm)}"
            else:
                self._children.add(child)
                return child
        raise BoxError(problem)

    def close(self) -> None:
        """End the warm process, and with it every child."""
        with self._lock:
            self._closed = True
            for child in list(self._children):
                child.kill()
            self._warm.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def _replace(self, dead: Warm) -> str:
        with self._lock:
            if self._closed:
                raise BoxError("the sandbox is closed")
            if self._warm is not dead:
                return "it had to be started anew"  # another thread has done that
            said = dead.said()
            dead.close()
            self._start()
            return said

    def _start(self) -> None:
        self._warm = Warm(self.policy)
        try:
            self.prepared = self._warm.prepare(self._prepare, self._payload, self.limits.all_seconds)
        except BaseException:
            self._warm.close()
            raise
