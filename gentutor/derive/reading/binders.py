"""Sums, products, integrals, gradients and optima: which name each binds, and how far it reaches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gentutor.derive.reading import gradients, names
from gentutor.derive.reading.names import bare, flat, head_of, listed
from gentutor.derive.reading.scope import free_variables, left_variables
from gentutor.derive.reading.syntax import (
    Differential,
    Group,
    IntegralSign,
    Leaf,
    Scripted,
    Statement,
    Surface,
    pieces,
)
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import (
    Density,
    Expectation,
    Integral,
    Mul,
    Node,
    Number,
    Optimum,
    Prod,
    Range,
    Sum,
    Symbol,
    Variable,
    node,
    rebuild,
    walk,
)

if TYPE_CHECKING:
    from gentutor.derive.reading.reader import Items, Reader

OPTIMA = {"min": ("min", False), "max": ("max", False), "argmin": ("min", True), "argmax": ("max", True)}
Bound = tuple[str, Node, Node, Node | None]  # index, first, last, the value to skip


def operator(
    reader: Reader, leaf: Leaf, sub: Surface | None, sup: Surface | None, items: Items, i: int
) -> tuple[Node, int]:
    """The operator `leaf` with its scripts, and what it takes of `items` from `i` on."""
    if leaf.text == "sum":
        return _sum(reader, leaf, sub, sup, items, i)
    if leaf.text == "prod":
        return _prod(reader, leaf, sub, sup, items, i)
    if leaf.text == "int":
        return _open_integral(reader, leaf, sub, items, i)
    if leaf.text in OPTIMA:
        return _optimum(reader, leaf, sub, items, i)
    if leaf.text in ("nabla", "partial", "div"):
        return gradients.gradient(reader, leaf, sub, sup, items, i)
    raise Unread(f"{leaf.text} has no meaning here", leaf.start)


# ---------------------------------------------------------------------------------------- sums, products


def _bounds(reader: Reader, leaf: Leaf, sub: Surface | None, sup: Surface | None) -> list[Bound]:
    if sub is None:
        raise Unread(f"{leaf.text} over which index? Write it below", leaf.start)
    last = reader.read(sup) if sup is not None else None
    below = bare(sub)
    if isinstance(below, Statement) and len(below.sides) == 3:  # 1 <= i <= n
        low, index, high = below.sides
        return [(_index_name(index, leaf), reader.read(low), reader.read(high), None)]
    return [_bound(reader, leaf, bare(part), last) for part in listed(sub)]


def _index_name(surface: Surface | None, leaf: Leaf) -> str:
    head = head_of(surface) if surface is not None else None
    if head is None or head.sup is not None:
        raise Unread(
            f"{leaf.text} needs the name of its index below", surface.start if surface else leaf.start
        )
    return head.base + head.mark


def _bound(reader: Reader, leaf: Leaf, part: Surface, last: Node | None) -> Bound:
    if not isinstance(part, Statement) or len(part.sides) == 1:
        name = _index_name(part, leaf)
        low, high = _range(reader, name, part)
        return name, low, last or high, None
    side, value = part.sides
    relation, name = part.relations[0].text, _index_name(side, leaf)
    if relation == "=":
        if last is None:
            return name, reader.read(value), _range(reader, name, part)[1], None
        return name, reader.read(value), last, None
    low, high = _range(reader, name, part)
    if relation == "in":
        return name, low, high, None
    other = reader.read(value)
    if relation in (">", ">="):
        return name, _shifted(other, 1) if relation == ">" else other, last or high, None
    if relation in ("<", "<="):
        return name, low, _shifted(other, -1) if relation == "<" else other, None
    if relation == "!=":
        return name, low, last or high, other
    raise Unread("the bounds of this index are not understood", part.start)


def _shifted(bound: Node, by: int) -> Node:
    if isinstance(bound, Number):
        return Number(bound.value + by)
    return bound + node(1) if by == 1 else bound - node(1)


def _range(reader: Reader, name: str, place: Surface) -> tuple[Node, Node]:
    if name not in reader.vocabulary.ranges:
        raise Unread(f"{name} runs from where to where? Write its bounds", place.start)
    return reader.vocabulary.ranges[name]


def _over_states(reader: Reader, sub: Surface | None) -> list[Node] | None:
    """The variables of a sum over states (sum_z p(x|z) p(z)); None if an index is summed."""
    if sub is None:
        return None
    found: list[Node] = []
    for part in listed(sub):
        plain = bare(part)
        if isinstance(plain, Statement):
            if plain.relations and plain.relations[0].text != "in":
                return None
            plain = bare(plain.sides[0] or plain)
        head = head_of(plain)
        if head is None or head.base in reader.indices:
            return None
        meaning = names.meaning(reader, head, applied=False)
        if (
            meaning is None
            or meaning.kind != "variable"
            or (head.base in reader.vocabulary.ranges and not head.subs)
        ):
            return None
        found.append(names.variable(reader, meaning, head)[0])
    return found


def _sum(
    reader: Reader, leaf: Leaf, sub: Surface | None, sup: Surface | None, items: Items, i: int
) -> tuple[Node, int]:
    states = _over_states(reader, sub)
    if states is not None:
        reader.spans.append((leaf.start, items[-1].end, tuple(states)))
        return Integral(tuple(states), _rest(reader, leaf, items, i), discrete=True), len(items)
    bounds = _bounds(reader, leaf, sub, sup)
    with reader.bound(*(name for name, *_ in bounds)):
        body = _rest(reader, leaf, items, i)
    for name, first, last, skip in reversed(bounds):
        body = _over_data(reader, name, last, body) or Sum(name, first, last, body, skip)
    return body, len(items)


def _over_data(reader: Reader, index: str, last: Node, body: Node) -> Node | None:
    """A sum over the data x_1, ..., x_N, where the setting has a law of x: N times the mean under it."""
    law = reader.vocabulary.measures.get("x")
    x, one = Variable("x"), Variable("x", sample=Symbol(index))
    free = free_variables(body)
    if law is None or last != Symbol("N") or one not in free or x in free:
        return None

    def change(n: Node) -> Node:
        return x if n == one else rebuild(n, change)

    return Mul((last, Expectation((x,), law, change(body))))


def _rest(reader: Reader, leaf: Leaf, items: Items, i: int) -> Node:
    if i >= len(items):
        raise Unread(f"{leaf.text} of what? Nothing follows", leaf.start)
    return reader.product(items[i:])


def _prod(
    reader: Reader, leaf: Leaf, sub: Surface | None, sup: Surface | None, items: Items, i: int
) -> tuple[Node, int]:
    """The leading factors that contain the index."""
    bounds = _bounds(reader, leaf, sub, sup)
    indices = [name for name, *_ in bounds]
    end = i
    with reader.bound(*indices):
        while end < len(items):
            if isinstance(items[end], Leaf) and items[end].kind in ("TIMES", "SLASH") and end > i:  # type: ignore[attr-defined]
                _, after = reader.factor(items, end + 1) if end + 1 < len(items) else (None, end + 1)
                start = end + 1
            else:
                after, start = reader.factor(items, end)[1], end
            value = reader.product(items[start:after])
            if end > i and not any(isinstance(n, Symbol) and n.name in indices for n in walk(value)):
                break
            end = after
        if end == i:
            raise Unread("prod of what? Nothing follows", leaf.start)
        body = reader.product(items[i:end])
    for name, first, last, skip in reversed(bounds):
        if skip is not None:
            raise Unread("a product that leaves out a factor is not known", leaf.start)
        body = Prod(name, first, last, body)
    return body, end


# ---------------------------------------------------------------------------------------------- integrals


def _integrated(
    reader: Reader, surfaces: Sequence[Surface], place: tuple[int, int], body: Callable[[], Node]
) -> Node:
    """The integral over what stands behind each d: a variable, or the measure P of int f dP."""
    read = [reader.read(surface) for surface in surfaces]
    for value, surface in zip(read, surfaces, strict=True):
        if not isinstance(value, Variable | Range | Density):
            raise Unread("an integral is over a random variable, or by a measure", surface.start)
    variables = tuple(value for value in read if not isinstance(value, Density))
    measures = [value for value in read if isinstance(value, Density)]
    reader.measures += measures
    value = body()
    if variables:
        value = Integral(variables, value)
    for measure in measures:
        value = Expectation(left_variables(measure), measure, value)
    bound = (*variables, *(v for measure in measures for v in left_variables(measure)))
    reader.spans.append((*place, bound))
    return value


def _domain(reader: Reader, sub: Surface | None, sup: Surface | None) -> None:
    """Integrals are over the whole space: bounds may say so, and no more."""
    if sup is not None and "infty" not in flat(sup):
        raise Unread("integrals run over the whole space here; these bounds do not", sup.start)


def integral(reader: Reader, sign: IntegralSign) -> Node:
    """int f dz."""
    _domain(reader, sign.sub, sign.sup)
    place = (sign.start, sign.end)
    return _integrated(reader, sign.variables, place, lambda: reader.read(sign.body))


def _open_integral(reader: Reader, leaf: Leaf, sub: Surface | None, items: Items, i: int) -> tuple[Node, int]:
    """int dz f, and int_z f without a differential: they take the product that follows."""
    behind: list[Surface] = []
    while i < len(items) and isinstance(items[i], Differential):
        behind.append(items[i].variable)  # type: ignore[attr-defined]
        i += 1
    if behind:
        place = (leaf.start, items[-1].end)
        return _integrated(reader, behind, place, lambda: _rest(reader, leaf, items, i)), len(items)
    variables = _over_states(reader, sub)
    if not variables:
        raise Unread("this integral has no differential: over which variable is it?", leaf.start)
    reader.spans.append((leaf.start, items[-1].end, tuple(variables)))
    return Integral(tuple(variables), _rest(reader, leaf, items, i)), len(items)


# -------------------------------------------------------------------------------------------------- optima


def is_optimum(item: Surface) -> bool:
    """True of min, max, arg min, arg max, with their scripts."""
    item = bare(item)
    base = bare(item.base) if isinstance(item, Scripted) else item
    return isinstance(base, Leaf) and base.kind == "OPERATOR" and base.text in OPTIMA


def is_place(item: Surface) -> bool:
    """True of arg min and arg max."""
    item = bare(item)
    base = bare(item.base) if isinstance(item, Scripted) else item
    return is_optimum(item) and isinstance(base, Leaf) and OPTIMA[base.text][1]


def _optimum(reader: Reader, leaf: Leaf, sub: Surface | None, items: Items, i: int) -> tuple[Node, int]:
    if sub is None:
        over: tuple[str, ...] = ()
        limit = None
        if not reader.vocabulary.parameters:
            raise Unread(f"{leaf.text} over what? Write it below", leaf.start)
    else:
        parts = [_sought(reader, part) for part in listed(sub)]
        over = tuple(name for name, _ in parts)
        limit = next((limit for _, limit in parts if limit is not None), None)
    body, after, power = reader.operand(items, i)
    kind, arg = OPTIMA[leaf.text]
    return reader.raised(Optimum(kind, over, body, arg, limit), power), after


def _arguments(surface: Surface) -> tuple[Surface, ...]:
    """The P_r and P_g of Pi(P_r, P_g)."""
    return next((p.items for p in pieces(surface) if isinstance(p, Group) and p.bracket == "("), ())


def _sought(reader: Reader, surface: Surface) -> tuple[str, Node | None]:
    """The name below a min or max; with |f|_L <= K, f: |f|_L <= K or f in Lip_K also K."""
    plain = bare(surface)
    limit = name = None
    if isinstance(plain, Group) and plain.separators == (":",):
        name, plain = (bare(item) for item in plain.items)
    if isinstance(plain, Statement) and len(plain.sides) == 2:
        right = bare(plain.sides[1] or plain)
        if plain.relations[0].text == "<=":
            limit = reader.read(right, plain.end)
        elif len({flat(item) for item in _arguments(right)}) == 1 < len(_arguments(right)):
            raise Unread("a coupling is of two laws, such as \\Pi(P_r, P_g)", plain.start)
        elif isinstance(right, Scripted) and flat(right.base) == "Lip" and right.sub is not None:
            limit = reader.read(right.sub, plain.end)
        plain = bare(plain.sides[0] or plain)
    plain = name or plain
    while isinstance(plain, Scripted | Group) and head_of(plain) is None:
        plain = bare(plain.base if isinstance(plain, Scripted) else plain.items[0])
    head = head_of(plain)
    if head is None:
        raise Unread("write the name of what is sought", surface.start)
    found = names.meaning(reader, head, applied=False)
    if found is None:
        raise names.unknown(reader, head)
    if found.kind == "density":  # arg min over q is over its parameter
        return reader.vocabulary.densities[found.name].parameter or found.name, limit
    return names.parameter_name(found, head.sup) if found.kind == "parameter" else found.name, limit
