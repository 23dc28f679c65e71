"""Functions of a setting with their arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gentutor.derive.reading.meaning.names import Meaning, meaning, parameter_mark
from gentutor.derive.reading.meaning.variables import symbol
from gentutor.derive.reading.surface.heads import Head, entries, flat, head_of
from gentutor.derive.reading.surface.pieces import Group, Hole, Surface, pieces
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import Blank, Call, Node, Variable
from gentutor.derive.vocabulary import FunctionSpec, SymbolSpec

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader


def with_parameter(reader: Reader, head: Head, group: Group | None) -> Meaning | None:
    """epsilon(x_t, theta, t) is epsilon_theta(x_t, t)."""
    if group is None or head.subs:
        return None
    for _, item in entries(group):
        parameter = head_of(item)
        if parameter is None or parameter.base not in reader.vocabulary.parameters:
            continue
        if f"{head.base}_{parameter.base}" in reader.vocabulary.functions:
            return Meaning(
                "function", f"{head.base}_{parameter.base}", (), parameter_mark(reader, item) or ""
            )
    return None


def call(reader: Reader, found: Meaning, group: Group, head: Head) -> Node:
    """A function with its bracket. Arguments are matched by variable where they are one, else by position."""
    spec = reader.vocabulary.functions[found.name]
    mark = found.mark
    printed: list[tuple[Node, Surface]] = []
    for _, item in entries(group):
        if isinstance(item, Hole):
            return Blank(flat(item.label))
        parameter = parameter_mark(reader, item)
        if parameter is None:
            printed.append((reader.read(item, group.start), item))
        else:
            mark = mark or parameter
    if found.indices and found.name in reader.vocabulary.symbols:
        return symbol(reader, found)
    if not spec.arguments and spec.optional == 0:
        return Call(found.name, tuple(value for value, _ in printed), mark)
    slots = _slots(spec, [value for value, _ in printed])
    if slots is None:
        shown = len(spec.arguments)
        raise Unread(f"{found.name} takes {shown} argument{'s' if shown > 1 else ''}", group.start)
    return Call(found.name, slots, mark)


def _slots(spec: FunctionSpec, printed: list[Node]) -> tuple[Node, ...] | None:
    wanted = spec.arguments
    slots: list[Node | None] = [None] * len(wanted)
    rest: list[Node] = []
    for value in printed:
        same = next((k for k, default in enumerate(wanted) if slots[k] is None and default == value), None)
        if same is None:
            rest.append(value)
        else:
            slots[same] = value
    for value in rest:
        free = [k for k, slot in enumerate(slots) if slot is None]
        if not free:
            return None
        alike = [k for k in free if _name(wanted[k]) == _name(value) is not None]
        slots[(alike or free)[0]] = value
    while slots and slots[-1] is None and len(wanted) - len(slots) < spec.optional:
        slots.pop()
    return tuple(default if slot is None else slot for slot, default in zip(slots, wanted, strict=False))


def _name(value: Node) -> str | None:
    return value.name if isinstance(value, Variable) else None


def bare_function(reader: Reader, found: Meaning, head: Head) -> Node:
    """A function without arguments takes the setting's own."""
    if found.indices and found.name in reader.vocabulary.symbols:
        return symbol(reader, found)
    return Call(found.name, reader.vocabulary.functions[found.name].arguments, found.mark)


def is_argument(reader: Reader, found: Meaning, group: Group) -> bool:
    """The (x) of mu_j(x): an argument of the function whose component mu_j is, no factor."""
    spec = reader.vocabulary.functions.get(found.name)
    if spec is None or found.kind != "symbol":
        return False
    heads = [head_of(item) for _, item in entries(group)]
    wanted = {item.name for item in spec.arguments if isinstance(item, Variable)}
    return all(head is not None and head.base in wanted for head in heads)


def is_factor(reader: Reader, found: Meaning, group: Group) -> bool:
    """Whether the a of a (y - 1) is the number, not the function: no variable or function stands inside."""
    known = reader.vocabulary
    if found.kind != "function" or found.indices or not known.symbols.get(found.name, SymbolSpec(-1)).fits(0):
        return False
    if not all(isinstance(item, Variable) for item in known.functions[found.name].arguments):
        return False
    heads = [head for piece in pieces(group) if (head := head_of(piece)) is not None]
    found_inside = [meaning(reader, head, applied=False) for head in heads]
    return not any(one is None or one.kind not in ("symbol", "parameter") for one in found_inside)
