"""The sandbox: a warm process that forks throw-away children, each shut in by itself.

    channel.py   frames of bytes, the only way in and out
    policy.py    what can be seen in the sandbox: bubblewrap's command
    refusal.py   where it cannot work, and how to mend that
    host.py      the grader's side: children on demand
    handles.py   what it holds of the warm process and of each child
    request.py   what the one asks of the other
    warm.py      inside: prepares once, then forks
    child.py     inside: one child and its supervisor
    isolate.py   inside: how a child shuts itself in; limits of each process
    seccomp.py   inside: system calls that a child may not make
    watch.py     inside: the supervisor, and the limits of all processes of a child together

    with Box(Policy(), prepare="package.module:prepare", payload=b"...") as box:
        with box.spawn("package.module:work") as child:
            child.channel.send(b"...")
            child.channel.receive(deadline=time.monotonic() + 10)

What runs inside needs only the standard library, and nothing here depends on what the frames mean.
"""

from gentutor.grading.box.channel import Channel, Gone, TimeUp, TooLong
from gentutor.grading.box.handles import BoxError, Child
from gentutor.grading.box.host import Box
from gentutor.grading.box.policy import Policy
from gentutor.grading.box.refusal import why_not

__all__ = ["Box", "BoxError", "Channel", "Child", "Gone", "Policy", "TimeUp", "TooLong", "why_not"]
