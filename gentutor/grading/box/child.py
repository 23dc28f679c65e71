"""From a request of the host to a child at work: the supervisor that is forked, and the child that it forks.

The child keeps one descriptor, its channel. It runs `function(channel)`, and ends with it.
"""

import contextlib
import importlib
import os
import random
import resource
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any, TypedDict

from gentutor.grading.box import isolate, watch
from gentutor.grading.box.channel import Channel, Gone


class Request(TypedDict):
    """What the host says of a child that it wants."""

    function: str
    limits: isolate.Bounds
    sandbox: bool
    uid: int | None  # to take in the sandbox; None to stay who we are
    tmp: bool  # whether /tmp may be covered


def load(name: str) -> Callable[..., Any]:
    """The function that "module:function" names."""
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)  # type: ignore[no-any-return]


def supervise(request: Request, channel: socket.socket, leash_: socket.socket) -> None:
    """Start the child and watch over it until it has ended, with all that it has left behind."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    leash = Channel(leash_)
    _close_all_but(channel.fileno(), leash.fileno())
    sandbox, folder = request["sandbox"], ""
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY) if sys.platform == "linux" else None
    try:
        if sandbox:
            isolate.enter(request["uid"])
        else:
            folder = tempfile.mkdtemp()
            if sys.platform == "linux":
                isolate.adopt_orphans()
        ours, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            ours.close()
            leash.close()
            _inside(request, channel, theirs, folder)
        theirs.close()
        channel.close()
        failed, descriptors = _first_word(ours)
        if failed:
            leash.send(b"-" + failed)
            return
        leash.send(b"+")
        if descriptors:
            os.close(proc or 0)
            proc = descriptors[0]

        def members() -> list[str]:
            assert proc is not None
            return (
                [p for p in os.listdir(proc) if p.isdecimal()] if sandbox else watch.descendants(proc, child)
            )

        why = watch.watch(child, leash, proc, members, request["limits"])
        seconds = _end(child, None if sandbox else proc)
        leash.send(watch.report(why, seconds), deadline=time.monotonic() + 5)
    except Gone:
        pass  # the host has gone: nobody to tell
    except Exception:
        leash.send(b"-" + traceback.format_exc().encode())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
                socket.send_fds(supervisor, [b"+"], [os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)])
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


def _first_word(child: socket.socket) -> tuple[bytes, list[int]]:
    """What failed, if anything did, and the descriptor of the child's /proc, if it has one of its own."""
    word, descriptors, *_ = socket.recv_fds(child, 1, 1)
    failed = b"" if word == b"+" else word or b"-it died at its start"
    while more := child.recv(1 << 16):
        failed += more
    child.close()
    return failed[1:], descriptors


def _end(child: int, proc: int | None) -> float:
    """Kill the child and what it started. Returns its processor time, in seconds.

    In a namespace the kernel does that when the first process dies. Without one, orphans come to us, since we
    asked for that (`adopt_orphans`); where that cannot be asked for, a process that left its group escapes.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = True
    while started:
        for pid in [str(child)] if proc is None else watch.descendants(proc, os.getpid())[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        try:
            started = os.wait() is not None
        except ChildProcessError:
            started = False
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _close_all_but(*keep: int) -> None:
    low = 3
    for descriptor in sorted(keep):
        os.closerange(low, descriptor)
        low = descriptor + 1
    os.closerange(low, 1 << 16)


def _reseed() -> None:
    """Else every child would draw the same numbers from the global generators."""
    random.seed()
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed()
    if "torch" in sys.modules:
        sys.modules["torch"].default_generator.seed()
