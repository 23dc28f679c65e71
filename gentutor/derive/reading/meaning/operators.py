"""What an operator takes, by its name: log and its like, sums and products, integrals, gradients, optima."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gentutor.derive.reading.meaning import gradients, integrals, optima, sums
from gentutor.derive.reading.surface.pieces import Items, Leaf, Surface, operator_of
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import Apply, Div, Node

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader

FUNCTIONS = ("log", "exp", "det", "tr", "diag", "sigmoid", "tanh")


def operator(
    reader: Reader, leaf: Leaf, sub: Surface | None, sup: Surface | None, items: Items, i: int
) -> tuple[Node, int]:
    """The operator `leaf` with its scripts, and what it takes of `items` from `i` on."""
    if leaf.text in FUNCTIONS:
        return _function(reader, leaf, sub, sup, items, i)
    if leaf.text == "sum":
        return sums.summed(reader, leaf, sub, sup, items, i)
    if leaf.text == "prod":
        return sums.product(reader, leaf, sub, sup, items, i)
    if leaf.text == "int":
        return integrals.open_integral(reader, leaf, sub, sup, items, i)
    if leaf.text in optima.OPTIMA:
        return optima.optimum(reader, leaf, sub, sup, items, i)
    if leaf.text in ("nabla", "partial", "div"):
        return gradients.gradient(reader, leaf, sub, sup, items, i)
    raise Unread(f"{leaf.text} has no meaning here", leaf.start)


def _function(
    reader: Reader, leaf: Leaf, sub: Surface | None, sup: Surface | None, items: Items, i: int
) -> tuple[Node, int]:
    """log x, log_2 x, log^2 x, log(x)^2."""
    # log p log q and log p nabla log q are products: what log takes ends before the next of these.
    ends = (leaf.text, "nabla")
    stop = next((k for k in range(i + 1, len(items)) if operator_of(items[k]) in ends), None)
    body, after, power = reader.operand(items, i, stop)
    value: Node = Apply(leaf.text, body)
    if sub is not None:
        if leaf.text != "log":
            raise Unread("no subscript has a meaning here", sub.start)
        value = Div(value, Apply("log", reader.read(sub)))
    return reader.raised(reader.raised(value, sup), power), after
