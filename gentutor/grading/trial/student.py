"""The student's process: it runs the student's cells, and answers when a function of theirs is called.

Nothing here protects anything: by the second message, what runs in this process may be the student's doing.
"""

import os
from dataclasses import replace
from typing import Any

from gentutor import check
from gentutor.check import Call, Local, Reply
from gentutor.check.call import Failure, plain
from gentutor.grading.box.channel import Channel
from gentutor.grading.trial import shell, template, wire

FUNCTION = "function"
LONGEST = 5000  # characters of an exception's message


def main(channel: Channel) -> None:
    """Answers the grader's messages until it hangs up. A process that a cell forks answers nothing."""
    process = os.getpid()
    while True:
        message = wire.loads(channel.receive())
        shell.COLLECTED.most = message.get("most", shell.COLLECTED.most)
        answer = wire.dumps(_answer(message))
        if os.getpid() != process:
            return
        channel.send(answer)


def _answer(message: dict[str, Any]) -> Any:
    match message["do"]:
        case "run":
            return shell.run(message["source"], message["seconds"])[0]
        case "take":
            return template.take(message["cell"], message["seconds"])
        case "passed":
            check.PASSED.clear()
            return check.PASSED.update(message["exercises"])
        case "names":
            return {name: _kind(name) for name in message["names"] if name in shell.shell().user_ns}
        case "call":
            return _call(message["name"], message["call"], message["seconds"])
    raise ValueError(message["do"])


def _kind(name: str) -> Any:
    """Whether the name is a function's; else its value, plain."""
    value = shell.shell().user_ns[name]
    return FUNCTION if callable(value) else [plain(value)]


def _call(name: str, call: Call, seconds: float) -> Reply:
    try:
        with shell.limited(seconds):
            reply = Local(shell.shell().user_ns[name]).perform(call)
    except BaseException as error:  # those that perform lets pass: time is up, Ctrl-C, what is no Exception
        return Reply(failure=Failure(type(error).__name__, str(error)[:LONGEST], name, ""))
    failure = reply.failure and replace(reply.failure, message=reply.failure.message[:LONGEST])
    return replace(reply, printed=reply.printed[: shell.COLLECTED.most], failure=failure)
