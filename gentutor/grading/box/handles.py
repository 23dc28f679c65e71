"""What the grader holds of the processes in the sandbox: the warm one, and each child."""

import json
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from gentutor.grading.box.channel import Channel, Gone, TimeUp
from gentutor.grading.box.policy import HOME, Policy, rules_all_uids, user
from gentutor.grading.box.request import Request

PATIENCE = 30.0  # seconds for what takes milliseconds on a machine at rest


class BoxError(Exception):
    """The sandbox does not work, through no fault of a submission."""


class NotStarted(Exception):
    """A child was forked and could not begin."""


class Child:
    """One throw-away child. A context manager: at its end the child is killed.

    Attributes:
        channel: to `function(channel)` in the child.
        lost: whether it ended with its supervisor, so that it is not known why: the fault may be ours.
    """

    def __init__(self, channel: Channel, leash: Channel) -> None:
        self.channel = channel
        self.lost = False
        self._leash = leash
        self._lock = threading.Lock()
        self._ended = False
        self._why: str | None = None
        self._seconds = 0.0

    def kill(self) -> None:
        """End the child and all that it started; what is left in the channel can still be received."""
        with self._lock:
            if not self._ended:
                self._leash.end()
                self._hear(time.monotonic() + PATIENCE, must=True)

    def wait(self, seconds: float) -> None:
        """Give a child that seems to end of itself so long, for `why` to be known. It may still go on."""
        with self._lock:
            if not self._ended:
                self._hear(time.monotonic() + seconds)

    @property
    def why(self) -> str | None:
        """Why it ended, if it did and not by `kill`: "used more than 2 GB of memory"."""
        with self._lock:
            if not self._ended:
                self._hear(0)
            return self._why

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the child and all that it started; known once it has ended."""
        with self._lock:
            if not self._ended:
                self._hear(0)
            return self._seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        self.kill()
        self.channel.close()

    def _hear(self, deadline: float, must: bool = False) -> None:
        try:
            report = json.loads(self._leash.receive(deadline))
            self._why, self._seconds = report["why"], report["cpu_seconds"]
        except Gone:
            self._why, self.lost = "its supervisor has died", True
        except TimeUp:
            if not must:
                return  # it goes on
            self._why, self.lost = "its supervisor does not answer", True
        self._ended = True
        self._leash.close()


class Warm:
    """One warm process and the socket to it."""

    def __init__(self, policy: Policy) -> None:
        self._control, theirs = socket.socketpair()
        self._frames = Channel(self._control)
        self._lock = threading.Lock()
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `close`)
        self._home = HOME if policy.sandbox else tempfile.mkdtemp(prefix="gentutor-")
        who = "root" if policy.sandbox and rules_all_uids() else "user"
        whom = user() if policy.sandbox else None
        command = policy.command("-m", "gentutor.grading.box.warm", str(theirs.fileno()), who)
        started: Future[subprocess.Popen[bytes]] = Future()

        def run() -> None:
            # bubblewrap dies with the *thread* that started it (--die-with-parent), so that nothing is left
            # when we are killed: this thread lives as long as the process.
            try:
                process = subprocess.Popen(
                    command,
                    env=policy.environment(self._home),
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=self._log,
                    start_new_session=True,
                    user=whom,
                    group=whom,
                    extra_groups=None if whom is None else [],
                )
            except BaseException as error:
                started.set_exception(error)
                return
            started.set_result(process)
            process.wait()

        self._thread = threading.Thread(target=run, name="gentutor-box", daemon=True)
        self._thread.start()
        try:
            self._process = started.result()
        except (OSError, subprocess.SubprocessError) as error:
            raise BoxError(f"{command[0]} cannot be run: {error}") from None
        finally:
            theirs.close()

    def prepare(self, name: str, payload: bytes, seconds: float) -> bytes:
        """Have it call "module:function" on `payload`, once. Returns what that returns."""
        deadline = time.monotonic() + seconds + PATIENCE
        try:
            self._frames.send(name.encode(), deadline)
            self._frames.send(payload, deadline)
            answer = self._frames.receive(deadline, most_bytes=1 << 30)
        except Gone:
            raise BoxError(f"the sandbox did not start: {self.said()}") from None
        except TimeUp:
            raise BoxError(f"the class's cells took more than {seconds:g} seconds") from None
        if answer[:1] != b"+":
            raise BoxError(f"{name} failed in the sandbox: {answer[1:].decode(errors='replace')}")
        return answer[1:]

    def spawn(self, request: Request) -> Child:
        """Have it fork a child. `NotStarted` where that fails, `Gone` or `TimeUp` where it is dead itself."""
        ours, theirs = socket.socketpair()
        leash_, its_leash = socket.socketpair()
        channel, leash = Channel(ours), Channel(leash_)
        deadline = time.monotonic() + PATIENCE
        try:
            with self._lock, theirs, its_leash:
                socket.send_fds(self._control, [b"\0"], [theirs.fileno(), its_leash.fileno()])
                self._frames.send(json.dumps(request).encode(), deadline)
            word = leash.receive(deadline)
            if word == b"+":
                return Child(channel, leash)
            error: Exception = NotStarted(
                f"a child could not shut itself in: {word[1:].decode(errors='replace')}"
            )
        except (Gone, OSError) as gone:
            self._thread.join(1.0)
            alive = self._thread.is_alive()
            error = NotStarted("a child died at its start") if alive else Gone(str(gone))
        except TimeUp as late:
            error = late
        channel.close()
        leash.close()
        raise error

    def said(self) -> str:
        """The end of what it wrote to its standard error."""
        self._thread.join(1.0)
        size = self._log.seek(0, 2)
        self._log.seek(max(0, size - 2000))
        return self._log.read().decode(errors="replace").strip() or "it said nothing"

    def close(self) -> None:
        """End it, and with it all children."""
        self._control.close()
        self._thread.join(2.0)
        if self._thread.is_alive():
            self._process.kill()
            self._thread.join()
        self._log.close()
        if self._home != HOME:
            shutil.rmtree(self._home, ignore_errors=True)
