"""The judge's process: it runs the checks. Of the student it sees plain values alone.

It holds the hidden tests and the salt, and is forked from the warm process, never from a student's.
"""

import os
from typing import Any, cast

import torch

from gentutor import check
from gentutor.check import SALT_VARIABLE, Answer, Call, Reply
from gentutor.check.call import Failure
from gentutor.grading import names
from gentutor.grading.box.channel import Channel
from gentutor.grading.records import Output
from gentutor.grading.trial import shell, template, wire
from gentutor.grading.trial.student import FUNCTION


def main(channel: Channel) -> None:
    """Runs the checks that the grader sends, until it hangs up."""
    while True:
        message = wire.loads(channel.receive())
        match message["do"]:
            case "begin":
                os.environ[SALT_VARIABLE] = message["salt"]
            case "take":
                template.take(message["cell"], message["seconds"])
            case "judge":
                outputs = _judged(message, channel)
                channel.send(wire.dumps({"outputs": outputs, "passed": sorted(check.PASSED)}))


def _judged(message: dict[str, Any], channel: Channel) -> list[Output]:
    """What the check showed, save what it wrote to standard error: a warning is no fault of the answer's."""
    known = shell.shell().user_ns
    ours = {name: known[name] for name in message["names"] if name in known}
    asked = names.of(message["source"]).reads
    for name, value in message["names"].items():
        if name in asked:
            known[name] = Remote(name, channel) if value == FUNCTION else value[0]
    outputs, _ = shell.run(message["source"], message["seconds"])
    for name in message["names"]:
        known.pop(name, None)
    known.update(ours)
    return [o for o in outputs if o.get("name") != "stderr"]


class Remote(Answer):
    """A function in the student's process. What it gives is a value that the student chose, and no more."""

    def __init__(self, name: str, channel: Channel) -> None:
        self.__name__, self._channel = name, channel

    def perform(self, call: Call) -> Reply:
        """See `Answer`. A reply that is none counts as a failure of the function."""
        self._channel.send(wire.dumps({"name": self.__name__, "call": call}))
        try:
            reply = wire.loads(self._channel.receive())
        except wire.Unreadable as error:
            return Reply(failure=Failure("UnreadableReply", str(error), self.__name__, ""))
        if not _is_reply(reply, call):
            failure = Failure("UnreadableReply", "its reply has another form", self.__name__, "")
            return Reply(failure=failure)
        return cast(Reply, reply)


def _is_reply(reply: Any, call: Call) -> bool:
    """Whether each part is of the type that it should be; what the values are is for the check to judge."""
    if not isinstance(reply, Reply) or not isinstance(reply.printed, str):
        return False
    failure = reply.failure
    if failure is not None:
        return isinstance(failure, Failure) and all(isinstance(v, str) for v in vars(failure).values())
    orders = [reply.gradients, reply.second]
    return (
        isinstance(reply.called, tuple)
        and all(isinstance(name, str) for name in reply.called)
        and isinstance(reply.args_after, tuple)
        and len(reply.args_after) == len(call.args)
        and all(isinstance(g, tuple) and len(g) in (0, len(call.wrt)) for g in orders)
        and all(_is_gradient(x) for g in orders for x in g)
    )


def _is_gradient(value: Any) -> bool:
    if isinstance(value, dict):
        return all(v is None or isinstance(v, torch.Tensor) for v in value.values())
    return value is None or isinstance(value, torch.Tensor)
