"""Which variables an expression leaves free, and which an integral, expectation or divergence binds."""

from collections.abc import Iterable

from gentutor.derive.tree import (
    ANONYMOUS,
    Add,
    Assigned,
    Density,
    Div,
    Divergence,
    Expectation,
    Integral,
    Mul,
    Neg,
    Node,
    Norm,
    Normal,
    Number,
    Range,
    Symbol,
    Variable,
    children,
    walk,
)


def free_variables(expression: Node) -> frozenset[Node]:
    """The variables (`Variable`, without its component, and `Range`) that `expression` does not bind."""
    if isinstance(expression, Variable):
        plain = Variable(expression.name, expression.index, expression.sample)
        return frozenset() if plain == ANONYMOUS else frozenset({plain})
    if isinstance(expression, Range):
        return frozenset({expression})
    if isinstance(expression, Assigned):
        return free_variables(expression.value)
    if isinstance(expression, Norm) and expression.order == "L":
        return frozenset()  # |f|_L is of the function, although f is kept as f(x)
    inner = frozenset[Node]().union(*(free_variables(child) for child in children(expression)))
    if isinstance(expression, Expectation | Integral | Divergence):
        return frozenset(v for v in inner if not bound_by(v, expression.variables))
    return inner


def bound_variables(expression: Node) -> tuple[Node, ...]:
    """What the integrals, expectations and divergences in `expression` bind."""
    binders = (n for n in walk(expression) if isinstance(n, Expectation | Integral | Divergence))
    return tuple(variable for binder in binders for variable in binder.variables)


def left_variables(measure: Node) -> tuple[Node, ...]:
    """The variables that a density, or a product or mixture of densities, is a density of."""
    if isinstance(measure, Density):
        return measure.left
    if isinstance(measure, Normal):
        return (measure.left,)
    if isinstance(measure, Mul | Add | Div | Neg):
        found = dict.fromkeys(variable for part in children(measure) for variable in left_variables(part))
        return tuple(found)
    return ()


def bound_by(variable: Node, binders: Iterable[Node]) -> bool:
    """True if one of `binders` is `variable`, or a range that holds it."""
    return any(_covers(binder, variable) for binder in binders)


def _covers(binder: Node, variable: Node) -> bool:
    if isinstance(binder, Variable):
        return isinstance(variable, Variable) and (binder.name, binder.index, binder.sample) == (
            variable.name,
            variable.index,
            variable.sample,
        )
    if (
        not isinstance(binder, Range)
        or not isinstance(variable, Variable | Range)
        or variable.name != binder.name
    ):
        return False
    if isinstance(variable, Range):
        return variable.sample == binder.sample and not _below(variable.first, binder.first)
    place = variable.sample if binder.sample else next(iter(variable.index), None)
    return place is not None and not _below(place, binder.first) and not _below(binder.last, place)


def _below(a: Node, b: Node) -> bool:
    """a < b, where that is certain: two integers, or t - 1 and t."""
    (base_a, shift_a), (base_b, shift_b) = _shift(a), _shift(b)
    return base_a == base_b and shift_a < shift_b


def _shift(index: Node) -> tuple[Node | None, float]:
    """An index as a symbol plus an integer."""
    if isinstance(index, Number):
        return None, float(index.value)
    if isinstance(index, Neg) and isinstance(index.body, Number):
        return None, -float(index.body.value)
    if isinstance(index, Add) and isinstance(index.terms[0], Symbol):
        shifts = [_shift(term) for term in index.terms[1:]]
        if all(base is None for base, _ in shifts):
            return index.terms[0], sum(shift for _, shift in shifts)
    return index, 0.0
