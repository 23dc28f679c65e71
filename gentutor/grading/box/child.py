"""From a request of the host to a child at work: the supervisor that is forked, and the child that it forks.

The child keeps one descriptor, its channel. It runs `function(channel)`, and ends with it.
"""

import contextlib
import importlib
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any

from gentutor.grading.box import isolate, watch
from gentutor.grading.box.channel import Channel
from gentutor.grading.box.request import Request


def load(name: str) -> Callable[..., Any]:
    """The function that "module:function" names."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]


def supervise(request: Request, channel: socket.socket, leash_: socket.socket) -> None:
    """Start the child and watch over it until it has ended, with all that it has left behind."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    leash = Channel(leash_)
    _close_all_but(channel.fileno(), leash.fileno())
    folder = "" if request["sandbox"] else tempfile.mkdtemp()
    try:
        try:
            child, proc = _start(request, channel, leash, folder)
        except Exception:
            leash.send(b"-" + traceback.format_exc().encode())
            return
        leash.send(b"+")

        def members() -> list[str]:
            if proc is None:
                return []
            if request["sandbox"]:
                return [name for name in os.listdir(proc) if name.isdecimal()]
            return watch.descendants(proc, os.getpid())

        running, why = watch.watch(child, leash, proc, members, request["limits"])
        seconds = 0.0 if proc is None else watch.processor_seconds(proc, members())
        reaped = _end(child if running else None, list if request["sandbox"] else members)
        leash.send(watch.report(why, max(seconds, reaped)), deadline=time.monotonic() + 5)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _start(request: Request, channel: socket.socket, leash: Channel, folder: str) -> tuple[int, int | None]:
    """Fork the child. Returns it, and a descriptor of the /proc in which all of its processes are found.

    In the sandbox that is a /proc of its own, with no other processes.
    """
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY) if sys.platform == "linux" else None
    if request["sandbox"]:
        isolate.enter(request["uid"])
    elif sys.platform == "linux":
        isolate.adopt_orphans()
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        _inside(request, channel, theirs, folder)
    theirs.close()
    channel.close()
    word, descriptors, *_ = socket.recv_fds(ours, 1, 1)
    failed = b"" if word == b"+" else word or b"-it died at its start"
    while more := ours.recv(1 << 16):
        failed += more
    ours.close()
    if failed:
        raise RuntimeError(failed[1:].decode(errors="replace"))
    return child, descriptors[0] if descriptors else proc


def _inside(request: Request, channel: socket.socket, supervisor: socket.socket, folder: str) -> None:
    status = 1
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in range(3):
            os.dup2(nothing, descriptor)
        _close_all_but(channel.fileno(), supervisor.fileno())
        try:
            if request["sandbox"]:
                isolate.settle(request["limits"], request["tmp"])
                proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
                socket.send_fds(supervisor, [b"+"], [proc])
                os.close(proc)
            else:
                os.chdir(folder)
                os.environ.update(HOME=folder, TMPDIR=folder, IPYTHONDIR=folder)
                isolate.bound(request["limits"], alone=False)
                supervisor.send(b"+")
            function = load(request["function"])
            _reseed()
        except BaseException:
            supervisor.sendall(b"-" + traceback.format_exc().encode())
            raise
        supervisor.close()  # the channel is all that is left
        function(Channel(channel))
        status = 0
    finally:
        os._exit(status)


def _end(child: int | None, escaped: Callable[[], list[str]]) -> float:
    """Kill the child and what it started. Returns the processor seconds of those that could be waited for.

    In a namespace the kernel kills the others when the first process dies. Without one, orphans come to us,
    since we asked for that (`adopt_orphans`), and `escaped` finds them; where that cannot be asked for, a
    process that left its group escapes.
    """
    if child is not None:
        os.kill(child, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child, signal.SIGKILL)
    while True:
        for pid in escaped():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            os.wait()
        except ChildProcessError:
            break
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _close_all_but(*keep: int) -> None:
    low = 3
    for descriptor in sorted(keep):
        os.closerange(low, descriptor)
        low = descriptor + 1
    os.closerange(low, 1 << 16)


def _reseed() -> None:
    """Else every child would draw the same numbers. Python's own generator does this at a fork by itself."""
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.seed()
