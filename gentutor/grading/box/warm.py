"""The warm process: it prepares once what all children share, and then forks one for each request.

It runs nothing of a student's, ever, and holds only what a student may read: a fork copies all of its memory.
"""

import contextlib
import gc
import json
import os
import signal
import socket
import sys
import traceback

from gentutor.grading.box import isolate
from gentutor.grading.box.channel import Channel, Gone
from gentutor.grading.box.child import load, supervise
from gentutor.grading.box.request import Request


def main(descriptor: int, root: bool) -> None:
    """Serve the host on the socket `descriptor` until it is closed; `root`: we are root in the sandbox."""
    if root:
        isolate.uncover_proc()
    if sys.platform == "linux":
        isolate.die_with_parent()  # while it prepares, it does not listen
    control = socket.socket(fileno=descriptor)
    frames = Channel(control)
    os.makedirs(os.environ["TMPDIR"], exist_ok=True)
    prepare, payload = frames.receive().decode(), frames.receive()
    try:
        frames.send(b"+" + load(prepare)(payload))
    except BaseException:
        frames.send(b"-" + traceback.format_exc().encode())
        return
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel may forget children that have ended
    gc.collect()
    gc.freeze()  # a collection in a child would write to, and so copy, every page
    while True:
        control.setblocking(True)
        _, descriptors, *_ = socket.recv_fds(control, 1, 2)
        if len(descriptors) < 2:
            return
        control.setblocking(False)
        request: Request = json.loads(frames.receive())
        channel, leash = (socket.socket(fileno=d) for d in descriptors)
        try:
            child = os.fork()
        except OSError as error:  # no memory or no process left on this machine: the others go on
            Channel(leash).send(f"-{error}".encode())
            child = -1
        if child == 0:
            try:
                supervise(request, channel, leash)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(0)
        channel.close()
        leash.close()


if __name__ == "__main__":
    with contextlib.suppress(Gone):  # the host has ended
        main(int(sys.argv[1]), root=sys.argv[2] == "root")
    os._exit(0)  # not the end of an interpreter: threads and handlers of what was prepared have no say
