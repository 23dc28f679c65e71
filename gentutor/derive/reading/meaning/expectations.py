"""Expectations: under which measure, over which variables, when little of it is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from gentutor.derive.reading.meaning import densities, measures, names
from gentutor.derive.reading.meaning.measures import Drawn, Named, Uniform
from gentutor.derive.reading.meaning.scope import bound_by, free_variables, left_variables
from gentutor.derive.reading.surface.heads import Head, entries, flat, head_of
from gentutor.derive.reading.surface.pieces import (
    Group,
    Items,
    Leaf,
    Statement,
    Surface,
    bare,
    bracket_at,
    power_at,
)
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import (
    Density,
    Div,
    Expectation,
    Mul,
    Node,
    Normal,
    Range,
    Sum,
    Symbol,
    Variable,
    node,
    walk,
)

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader


def is_expectation(reader: Reader, head: Head) -> bool:
    """True of E in any font, unless E is a name of the setting."""
    if head.mark:
        return False
    if head.base == "\\E":
        return True
    return head.base == "E" and "E" not in reader.vocabulary.known() and "E" not in reader.definitions


def expectation(reader: Reader, head: Head, items: Items, i: int) -> tuple[Node, int]:
    """E with what is printed below it, of the bracket or product that follows."""
    printed = _below(reader, head.below) if head.below is not None else []
    indices = [drawn.measure.index for drawn in printed if isinstance(drawn.measure, Uniform)]
    reader.measures += [drawn.measure for drawn in printed if isinstance(drawn.measure, Node)]
    group = bracket_at(items, i)
    with reader.bound(*indices):
        if group is not None and "|" in group.separators and head.below is None:
            body, after = _given(reader, group), i + 1
            power = power_at(items, i)
            return reader.raised(reader.raised(body, head.sup), power), after
        body, after, power = reader.operand(items, i)
    for drawn in reversed(printed or measures.default(reader, body, head)):
        body = _mean(reader, drawn, body, head)
    over = tuple(v for n in walk(body) if isinstance(n, Expectation) for v in n.variables)
    reader.spans.append((head.start, items[after - 1].end, over))
    return reader.raised(reader.raised(body, head.sup), power), after


def _given(reader: Reader, group: Group) -> Node:
    """E[x | x']: the mean of x under its density given x'."""
    bar = group.separators.index("|") + 1
    if bar > 1:
        raise Unread("one expression stands before the bar of E[... | ...]", group.start)
    body = reader.read(group.items[0])
    given = tuple(reader.read(item) for item in group.items[bar:])
    left = tuple(sorted((v for v in free_variables(body) if v not in given), key=str))
    if not left:
        raise Unread("nothing is random here once what stands behind the bar is given", group.start)
    return Expectation(left, _conditional(reader, left, given, group), body)


def _mean(reader: Reader, drawn: Drawn, body: Node, head: Head) -> Node:
    variables, measure = drawn.variables, drawn.measure
    if isinstance(measure, Uniform):
        steps = measure.last if measure.first == node(1) else measure.last - measure.first + node(1)
        return Div(Sum(measure.index, measure.first, measure.last, body), steps)
    if isinstance(measure, Named):
        measure = measures.of_density(reader, measure, body, head)
        reader.measures.append(measure)
        variables = left_variables(measure)
    elif measure is None:
        measure = measures.of_variable(reader, variables[0], head)
    if isinstance(measure, Mul) and all(isinstance(f, Density | Normal) for f in measure.factors):
        for factor in _inner_first(measure.factors):
            body = Expectation(left_variables(factor), factor, body)
        return body
    return Expectation(variables, measure, body)


def _inner_first(factors: Sequence[Node]) -> list[Node]:
    """The factors of a product measure, conditionals before what they are conditioned on."""
    rest, ordered = list(factors), []
    while rest:
        for factor in rest:
            others = [other for other in rest if other is not factor]
            if not any(
                bound_by(v, left_variables(factor)) for other in others for v in free_variables(other)
            ):
                break
        ordered.append(factor)
        rest.remove(factor)
    return ordered


# --------------------------------------------------------------------------------------- what is printed


def _below(reader: Reader, sub: Surface) -> list[Drawn]:
    """What is printed below an E, outermost first."""
    plain = bare(sub)
    parts = entries(plain) if isinstance(plain, Group) and plain.bracket == "{" else [("", plain)]
    found: list[Drawn] = []
    pending: list[Node] = []
    dots = False
    for place, (separator, part) in enumerate(parts):
        if isinstance(part, Leaf) and part.kind == "DOTS":
            dots = True
        elif separator == "|":
            given = [reader.read(item) for _, item in parts[place:]]
            return [*found, Drawn(tuple(pending), _conditional(reader, tuple(pending), tuple(given), part))]
        elif isinstance(part, Statement) and len(part.sides) == 2 and part.relations[0].text in ("~", "in"):
            left, right = part.sides
            pending += _variables(reader, left or part)
            if dots:
                pending = [_range(pending, part)]
            found += _sampled(reader, pending, bare(right or part))
            pending = []
        else:
            measure = _measure(reader, part)
            if measure is None:
                pending += _variables(reader, part)
            else:
                found.append(Drawn(() if isinstance(measure, Named) else left_variables(measure), measure))
    if dots and len(pending) > 1:
        pending = [_range(pending, plain)]
    return found + [_plain(reader, variable) for variable in pending]


def _plain(reader: Reader, variable: Node) -> Drawn:
    """A variable alone; an index of the setting is averaged over its range."""
    if isinstance(variable, Symbol):
        return Drawn((variable,), Uniform(variable.name, *reader.vocabulary.ranges[variable.name]))
    return Drawn((variable,), None)


def _range(variables: list[Node], place: Surface) -> Node:
    first, last = variables[0], variables[-1]
    if isinstance(first, Variable) and isinstance(last, Variable):
        return densities.between(first, last, place.start)
    raise Unread("dots stand between the first and the last of a list", place.start)


def _variables(reader: Reader, surface: Surface) -> list[Node]:
    plain = bare(surface)
    if isinstance(plain, Group) and plain.bracket in ("(", "\\{"):
        return [v for item in plain.items for v in _variables(reader, item)]
    head = head_of(plain)
    if (
        head is not None
        and flat(plain) in reader.vocabulary.ranges
        and head.base not in reader.vocabulary.variables
    ):
        return [Symbol(head.base)]
    value = reader.read(plain)
    if not isinstance(value, Variable | Range):
        raise Unread("an expectation is over random variables, or under a density", surface.start)
    return [value]


def _sampled(reader: Reader, variables: list[Node], right: Surface) -> list[Drawn]:
    """x, z ~ p(x, z): the variables before ~ with their measure."""
    last = variables[-1]
    if isinstance(last, Symbol):
        return [_plain(reader, variable) for variable in variables]
    measure = _measure(reader, right, tuple(variables))
    if isinstance(measure, Normal):
        apart = [_plain(reader, variable) for variable in variables[:-1]]
        return [*apart, Drawn((last,), Normal(last, measure.mean, measure.covariance))]
    if measure is None or isinstance(measure, Named):
        raise Unread("a density stands after ~", right.start)
    if isinstance(last, Range) and last.sample and isinstance(measure, Density):
        measure = replace(measure, left=(last,))
    left = left_variables(measure)
    if not any(bound_by(v, left) for v in variables):
        raise Unread("what is drawn stands left of the bar in its density: z \\sim q(z|x)", right.start)
    apart = [_plain(reader, v) for v in variables if not bound_by(v, left)]
    return [*apart, Drawn(tuple(v for v in variables if bound_by(v, left)) or left, measure)]


def _measure(reader: Reader, surface: Surface, variables: tuple[Node, ...] = ()) -> Node | Named | None:
    """The density (or product or mixture of densities) that `surface` prints; None if it prints variables."""
    head = head_of(surface)
    if head is not None:
        found = names.meaning(reader, head, applied=True)
        plain = names.meaning(reader, head, applied=False)
        if found is None or found.kind != "density" or (plain is not None and plain.kind == "variable"):
            return None
        if variables:
            return _bare(reader, found, variables, head)
        return Named(found.name, found.mark, tuple(reader.read(sub) for sub in found.indices))
    with reader.beside(variables or None):
        value = reader.read(surface)
    return value if left_variables(value) else None


def _bare(reader: Reader, found: names.Meaning, variables: tuple[Node, ...], head: Head) -> Node:
    """The q of z ~ q: as the chain last wrote it over z, else as the setting says."""
    samples = [v for v in variables if isinstance(v, Range) and v.sample]
    plain = tuple(Variable(v.name) for v in samples) or variables
    spec = reader.vocabulary.densities[found.name]
    known = reader.written(found.name, found.mark)
    for measure in reversed([*([spec.bare] if spec.bare else []), *known]):
        if measure.left == plain:
            return replace(measure, mark=found.mark)
    with reader.beside(plain):
        return densities.bare_density(reader, found.name, found.mark, head)


def _conditional(reader: Reader, left: tuple[Node, ...], given: tuple[Node, ...], place: Surface) -> Node:
    """E_{z|x}: the density of z given x that the chain or the setting has."""
    for measure in reversed(reader.measures):
        if isinstance(measure, Density) and (measure.left, measure.given) == (left, given):
            return measure
    name = measures.density_of(reader, left[0], place.start, given)
    return densities.complete(reader.vocabulary.densities[name], Density(name, left, given))
