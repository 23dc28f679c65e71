"""Gradients, divergences of vector fields and Laplacians: by what, and how far they reach."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gentutor.derive.reading.meaning import names
from gentutor.derive.reading.meaning.scope import free_variables
from gentutor.derive.reading.surface.heads import flat, head_of, undecorated
from gentutor.derive.reading.surface.pieces import (
    Fraction,
    Items,
    Leaf,
    Scripted,
    Surface,
    bare,
    bracket_at,
    operator_of,
    scripts_at,
    side_by_side,
    stem,
)
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import Apply, Density, Gradient, Node, Symbol, Variable, walk

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader


def _point(reader: Reader, surface: Surface) -> Node:
    """What a derivative is taken by: a variable, a parameter, a matrix."""
    head = head_of(surface)
    found = names.meaning(reader, head, applied=False) if head is not None else None
    if found is not None and found.kind in ("function", "density"):
        return Symbol(found.name)
    return reader.read(surface)


def gradient(
    reader: Reader, leaf: Leaf, sub: Surface | None, sup: Surface | None, items: Items, i: int
) -> tuple[Node, int]:
    """nabla_x, partial_x and div with what they take."""
    kind = "div" if leaf.text == "div" else "grad"
    if sup is not None:
        if flat(sup) != "2":
            raise Unread("only a second derivative is known", sup.start)
        kind = "laplacian"
    if i < len(items) and isinstance(items[i], Leaf) and items[i].kind == "TIMES" and kind == "grad":  # type: ignore[attr-defined]
        kind, i = "div", i + 1
    if kind == "grad" and i < len(items) and _is_transposed_nabla(items[i]):
        kind, i = "hessian", i + 1
    body, after, power, transposed = _reach(reader, items, i)
    wrt = _point(reader, sub) if sub is not None else _unprinted_point(reader, body, leaf)
    if reader.slope is None and isinstance(wrt, Variable):
        reader.slope = wrt
    if leaf.text == "partial" and isinstance(wrt, Symbol) and wrt.name in reader.usage.components:  # by x_i
        wrt = _component(_default_point(body, leaf), wrt)
    value = reader.raised(Gradient(wrt, body, kind), power)
    return Apply("transpose", value) if transposed else value, after


def laplacian(reader: Reader, sub: Surface, items: Items, i: int) -> tuple[Node, int]:
    """Delta_x f."""
    body, after, power = reader.operand(items, i)
    return reader.raised(Gradient(_point(reader, sub), body, "laplacian"), power), after


def _component(variable: Node, index: Node) -> Node:
    assert isinstance(variable, Variable)
    return replace(variable, component=index)


def _unprinted_point(reader: Reader, body: Node, leaf: Leaf) -> Node:
    """By what the chain's first gradient is, unless that has another name in this body: x' for x.

    So nabla log p(y|x_t) below nabla log p(x_t|y) is by x_t, and nabla log p(y) is nothing.
    """
    first = reader.slope
    free = {v for v in free_variables(body) if isinstance(v, Variable)}
    if first is None or (first not in free and any(_alike(v, first) for v in free)):
        return _default_point(body, leaf)
    return first if free else _default_point(body, leaf)


def _alike(a: Node, b: Node) -> bool:
    """Whether two variables are called x, if one perhaps x' or x_t."""
    return isinstance(a, Variable) and isinstance(b, Variable) and undecorated(a.name) == undecorated(b.name)


def _default_point(body: Node, leaf: Leaf) -> Node:
    """What a gradient without subscript is by: what a density is of, else x, else the first free variable."""
    for n in walk(body):
        if isinstance(n, Density) and len(n.left) == 1 and isinstance(n.left[0], Variable):
            return n.left[0]
    found = sorted(free_variables(body), key=lambda v: (getattr(v, "name", "") != "x", str(v)))
    if not found:
        raise Unread("the gradient by which variable? Write it below", leaf.start)
    return found[0]


def _is_transposed_nabla(item: Surface) -> bool:
    return operator_of(item) == "nabla" and _is_transposed(item)


def _is_transposed(item: Surface) -> bool:
    """True of what has a T above."""
    item = bare(item)
    return isinstance(item, Scripted) and item.sup is not None and flat(item.sup) in ("T", "top")


def _reach(reader: Reader, items: Items, i: int) -> tuple[Node, int, Surface | None, bool]:
    """What a gradient takes. In nabla log p(x)^T s(x) the transpose ends it, and is that of the gradient."""
    if bracket_at(items, i) is None:
        for k in range(i, len(items)):
            group = bracket_at(items, k)
            if group is not None and _is_transposed(items[k]) and scripts_at(items, k)[0] is None:
                return reader.product((*items[i:k], group)), k + 1, None, True
    # nabla p(x) / p(x), nabla p(x) . s(x) and nabla p nabla q are products: what nabla takes ends there.
    stop = next((k for k in range(i + 1, len(items)) if _ends(items[k])), None)
    body, after, power = reader.operand(items, i, stop)
    return body, after, power, False


def _ends(item: Surface) -> bool:
    leaf = stem(item)
    return isinstance(leaf, Leaf) and (leaf.kind in ("TIMES", "SLASH") or leaf.text == "nabla")


def derivative(reader: Reader, fraction: Fraction, items: Items, i: int) -> tuple[Node, int] | None:
    """\\frac{\\partial}{\\partial x} f and \\frac{\\partial f}{\\partial x}; None for other fractions."""
    above, below = side_by_side(fraction.numerator), side_by_side(fraction.denominator)
    at_a_point = len(below) == 3 and bracket_at(below, 2) is not None  # d / d D(x)
    if not (len(below) == 2 or at_a_point) or not (_is_d(above[0]) and _is_d(below[0])):
        return None
    wrt = bare(below[1])
    if _is_squared(above[0]) != _is_squared(wrt):
        raise Unread("above and below stand derivatives of different orders", fraction.start)
    kind = "laplacian" if _is_squared(wrt) else "grad"
    if isinstance(wrt, Scripted) and kind == "laplacian":
        wrt = Scripted(wrt.start, wrt.end, wrt.base, wrt.sub, None, wrt.primes) if wrt.sub else wrt.base
    point = reader.product(below[1:]) if at_a_point else _point(reader, wrt)
    if len(above) > 1:
        return Gradient(point, reader.product(above[1:]), kind), i
    body, after, power, transposed = _reach(reader, items, i)
    value = reader.raised(Gradient(point, body, kind), power)
    return Apply("transpose", value) if transposed else value, after


def _is_squared(surface: Surface) -> bool:
    surface = bare(surface)
    return isinstance(surface, Scripted) and surface.sup is not None and flat(surface.sup) == "2"


def _is_d(surface: Surface) -> bool:
    surface = stem(surface) if _is_squared(surface) else bare(surface)
    return isinstance(surface, Leaf) and (
        surface.text == "partial" or (surface.kind, surface.text) == ("NAME", "d")
    )
