"""What the host asks the warm process for, as it crosses into the sandbox."""

from typing import TypedDict


class Bounds(TypedDict):
    """The `Limits` of a child."""

    cell_seconds: float
    all_seconds: float
    memory: int
    processes: int
    files: int
    output: int


class Request(TypedDict):
    """A child that is wanted.

    Keys:
        function: "module:function", which it calls with its channel.
        limits: what it may use.
        sandbox: whether it shuts itself in.
        uid: the user id that it takes for that, or None to stay who it is.
        tmp: whether /tmp may be covered: not where Python itself lies below.
    """

    function: str
    limits: Bounds
    sandbox: bool
    uid: int | None
    tmp: bool
