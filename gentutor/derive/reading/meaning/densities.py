"""Densities with their arguments: what is left and right of the bar; normal laws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gentutor.derive.reading.meaning.names import parameter_mark
from gentutor.derive.reading.surface.heads import Head, entries, flat, head_of, undecorated
from gentutor.derive.reading.surface.pieces import (
    Group,
    Hole,
    Leaf,
    Statement,
    Surface,
)
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import (
    ANONYMOUS,
    Assigned,
    Blank,
    Density,
    Node,
    Normal,
    Range,
    Symbol,
    Variable,
    node,
)
from gentutor.derive.vocabulary import DensitySpec

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader

GIVEN = ("|", ";", "||")


class BareDensity(Unread):
    """A density without arguments where only a divergence's other side could tell them."""


def density(reader: Reader, name: str, mark: str, group: Group, head: Head) -> Node:
    """p(x, z | y; theta) with its bracket."""
    spec = reader.vocabulary.densities[name]
    sides: tuple[list[Node | None], list[Node | None]] = ([], [])
    values: list[tuple[int, int, Node, Surface]] = []  # arguments that are no variables
    side = 0
    for separator, item in entries(group):
        if separator in GIVEN and (side == 0 or separator != ";"):
            if side == 1:
                raise Unread("a density has one bar", item.start)
            side = 1
        found = parameter_mark(reader, item)
        if found is not None:
            mark = mark or found
            name = _parametrised(reader, name, item)
        elif isinstance(item, Leaf) and item.kind == "DOTS":
            sides[side].append(None)
        elif isinstance(item, Hole):
            return Blank(flat(item.label))
        else:
            argument = _argument(reader, item)
            if not _is_variable(reader, argument, spec):
                values.append((side, len(sides[side]), argument, item))
            sides[side].append(argument)
    left, given = _without_dots(sides[0], group), _without_dots(sides[1], group)
    used = {item.name for item in (*left, *given) if isinstance(item, Variable | Range)}
    for at, place, argument, item in values:
        one = _assigned(reader, spec, argument, item, used, name)
        (left if at == 0 else given)[place] = one
    if not left:
        raise Unread(f"{name} is a density of something: write it before the bar", group.start)
    if (
        all(isinstance(item, Variable) and item.name in reader.vocabulary.noises for item in left)
        and not given
    ):
        first = left[0]
        if first.name not in spec.variables and len(left) == 1:  # type: ignore[attr-defined]
            return Normal(first, node(0), Symbol("I"))
    for argument in (*left, *given):
        _check(reader, name, spec, argument, head)
    return complete(spec, Density(name, tuple(left), tuple(given), mark))


def _parametrised(reader: Reader, name: str, item: Surface) -> str:
    """p(x|theta) is p_theta(x) where the setting knows that as another density than p(x)."""
    parameter = head_of(item)
    longer = f"{name}_{parameter.base}" if parameter else name
    return longer if longer in reader.vocabulary.densities else name


def complete(spec: DensitySpec, found: Density) -> Density:
    """What the setting makes of the printed arguments: q(z) is q(z|x)."""
    if spec.resolve is None:
        return found
    left, given = spec.resolve(found.left, found.given)
    return Density(found.name, tuple(left), tuple(given), found.mark)


def _argument(reader: Reader, item: Surface) -> Node:
    if isinstance(item, Statement) and len(item.sides) == 2 and item.relations[0].text == "=":
        variable = reader.read(item.sides[0], item.start)
        if isinstance(variable, Variable):
            return Assigned(variable, reader.read(item.sides[1], item.end))
        raise Unread("a variable stands before this =", item.start)
    return reader.read(item)


def _is_variable(reader: Reader, argument: Node, spec: DensitySpec) -> bool:
    if isinstance(argument, Assigned | Range):
        return True
    if isinstance(argument, Variable):
        known = argument.name in _named_by(spec) or argument.name in reader.vocabulary.noises
        return known and argument.component is None
    return isinstance(argument, Symbol) and argument.name in spec.variables


def _named_by(spec: DensitySpec) -> set[str]:
    """The variables that a density's arguments may name, those of its bare form included."""
    shown = (*spec.bare.left, *spec.bare.given) if spec.bare else ()
    return {*spec.variables, *(item.name for item in shown if isinstance(item, Variable | Range))}


def _assigned(
    reader: Reader, spec: DensitySpec, argument: Node, item: Surface, used: set[str], name: str
) -> Node:
    """An argument that is an expression: it is the value of the variable that is not named otherwise."""
    left_over = [
        other for other in spec.variables if other not in used and other in reader.vocabulary.variables
    ]
    if isinstance(argument, Variable):
        plain = undecorated(argument.name)
        if plain in _named_by(spec):
            return Assigned(Variable(plain), argument)
        raise Unread(
            f"{name} is a density of {', '.join(spec.variables)}; {argument.name} is none of its variables",
            item.start,
        )
    if isinstance(argument, Symbol) and not left_over:
        return argument
    if (len(left_over) == 1 and not reader.has_levels(left_over[0])) or left_over == ["z"]:
        return Assigned(Variable(left_over[0]), argument)
    raise Unread(
        f"which variable of {name} has this value? Write {spec.variables[0]} = ... in the bracket", item.start
    )


def _check(reader: Reader, name: str, spec: DensitySpec, item: Node, head: Head) -> None:
    variable = item.variable if isinstance(item, Assigned) else item
    if isinstance(variable, Variable | Range) and variable.name not in _named_by(spec):
        raise Unread(
            f"{name} is a density of {', '.join(spec.variables)}; {variable.name} is none of its variables",
            head.start,
        )


def _without_dots(side: list[Node | None], group: Group) -> list[Node]:
    """x_1, dots, x_T as a range."""
    found: list[Node] = []
    i = 0
    while i < len(side):
        item = side[i]
        if item is None:
            before = found[-1] if found else None
            after = side[i + 1] if i + 1 < len(side) else None
            if not (
                isinstance(before, Variable) and isinstance(after, Variable) and before.name == after.name
            ):
                raise Unread("dots stand between the first and the last of a list", group.start)
            found = _start_of_list(found, before)
            found.append(between(before, after, group.start))
            i += 1
        else:
            found.append(item)
        i += 1
    return found


def _start_of_list(found: list[Node], last: Variable) -> list[Node]:
    """Drops x_1, x_2 before the dots."""
    while found and isinstance(found[-1], Variable) and found[-1].name == last.name:
        found.pop()
    return found


def between(first: Variable, last: Variable, place: int) -> Range:
    """The range from one variable to another."""
    if first.sample is not None and last.sample is not None:
        return Range(first.name, node(1), last.sample, sample=True)
    if len(first.index) == len(last.index) == 1:
        return Range(first.name, first.index[0], last.index[0])
    raise Unread("dots stand between the first and the last of a list", place)


def bare_density(reader: Reader, name: str, mark: str, head: Head) -> Node:
    """A density without arguments: of the variables of a divergence's other side, else the setting's."""
    spec = reader.vocabulary.densities[name]
    if reader.partner is not None:
        return complete(spec, Density(name, reader.partner, (), mark))
    if spec.bare is not None:
        return Density(name, spec.bare.left, spec.bare.given, mark or spec.bare.mark)
    raise BareDensity(f"{name} of what? Write its arguments, as in {name}({spec.variables[0]})", head.start)


def normal(reader: Reader, group: Group) -> Normal:
    """N(x; m, S), N(x | m, S), N(x, m, S) and N(m, S)."""
    found = entries(group)
    if len(found) not in (2, 3):
        raise Unread("a normal law is written N(x; mean, covariance) or N(mean, covariance)", group.start)
    parts = [reader.read(item, group.start) for _, item in found]
    return Normal(*parts) if len(parts) == 3 else Normal(ANONYMOUS, *parts)
