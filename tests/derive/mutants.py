"""The mistakes that people make, as operators on trees: every mutant differs from a line in one place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace

from gentutor.derive import tree as T

ONE, TWO = T.node(1), T.node(2)
Operator = Callable[[T.Node], Iterator[T.Node]]


@dataclass(frozen=True)
class Mutant:
    """What was done, and the line after it."""

    operator: str
    relation: str
    expression: T.Node


def mutants(relation: str, expression: T.Node, names: tuple[str, ...]) -> list[Mutant]:
    """All mutants of a line; `names` are the densities of the setting."""
    turned = {">=": "<=", "<=": ">="}
    found = [Mutant("turned inequality", turned[relation], expression)] if relation in turned else []
    found.append(Mutant("sign", relation, T.Neg(expression)))
    for operator, change in OPERATORS.items():
        for other in places(expression, change):
            found.append(Mutant(operator, relation, other))
    for other in places(expression, lambda n: _renamed(n, names)):
        found.append(Mutant("p for q", relation, other))
    unique: dict[tuple[str, T.Node], Mutant] = {}
    for mutant in found:
        if (mutant.relation, mutant.expression) != (relation, expression):
            unique.setdefault((mutant.relation, mutant.expression), mutant)
    return list(unique.values())


def places(n: T.Node, change: Operator) -> Iterator[T.Node]:
    """n with one node changed, at every place in turn."""
    yield from change(n)
    for field in fields(n):
        value = getattr(n, field.name)
        if isinstance(value, T.Node) and field.name not in ("sample",):
            for other in places(value, change):
                yield replace(n, **{field.name: other})
        elif isinstance(value, tuple) and field.name not in ("variables", "over"):
            for i, item in enumerate(value):
                if isinstance(item, T.Node):
                    for other in places(item, change):
                        yield replace(n, **{field.name: (*value[:i], other, *value[i + 1 :])})


# ----------------------------------------------------------------------------------------------- operators


def sign(n: T.Node) -> Iterator[T.Node]:
    """a + b to a - b."""
    if isinstance(n, T.Add):
        for i, term in enumerate(n.terms):
            other = term.body if isinstance(term, T.Neg) else T.Neg(term)
            yield T.Add((*n.terms[:i], other, *n.terms[i + 1 :]))


def swapped(n: T.Node) -> Iterator[T.Node]:
    """KL(p||q) to KL(q||p)."""
    if isinstance(n, T.Divergence) and n.kind in ("KL", "CE"):
        yield replace(n, arguments=n.arguments[::-1])


def conditioned(n: T.Node) -> Iterator[T.Node]:
    """p(z|x) for p(z) and the reverse; of several conditions one is lost."""
    if not isinstance(n, T.Density) or len(n.left) != 1 or not isinstance(n.left[0], T.Variable):
        return
    for i in range(len(n.given)):
        yield replace(n, given=(*n.given[:i], *n.given[i + 1 :]))
    (left,) = n.left
    if not n.given and left.name in ("x", "z") and not left.index:
        yield replace(n, given=(T.Variable("z" if left.name == "x" else "x"),))
    if len(n.given) == 1 and isinstance(n.given[0], T.Variable):
        other = n.given[0]
        if (
            other.name == left.name
            and other.index
            and other.index != (T.node(0),)
            and left.index != (T.node(0),)
        ):
            yield replace(n, given=(other, T.Variable(left.name, (T.node(0),))))
        yield replace(n, left=n.given, given=n.left)  # the conditional turned round


def dropped(n: T.Node) -> Iterator[T.Node]:
    """A term or a factor lost."""
    if isinstance(n, T.Add):
        for i in range(len(n.terms)):
            rest = (*n.terms[:i], *n.terms[i + 1 :])
            yield rest[0] if len(rest) == 1 else T.Add(rest)
    if isinstance(n, T.Mul):
        for i in range(len(n.factors)):
            rest = (*n.factors[:i], *n.factors[i + 1 :])
            yield rest[0] if len(rest) == 1 else T.Mul(rest)
    if isinstance(n, T.Div) and n.numerator != ONE:
        yield T.Div(ONE, n.denominator)
        yield n.numerator


def root(n: T.Node) -> Iterator[T.Node]:
    """A root or a square lost, or one too many."""
    if isinstance(n, T.Apply) and n.function == "sqrt":
        yield n.body
    if isinstance(n, T.Pow) and n.exponent == TWO:
        yield n.base
    if isinstance(n, T.Call) and n.name in ("sigma", "sigma_q"):
        yield T.Pow(n, TWO)
    if isinstance(n, T.Symbol) and n.name in ("alpha", "bar_alpha", "beta") and n.index:
        yield T.Apply("sqrt", n)


def factor(n: T.Node) -> Iterator[T.Node]:
    """A factor 2 too much or too little."""
    if n == TWO:
        yield ONE
    if isinstance(n, T.Div) and n.denominator == TWO:
        yield n.numerator
    if isinstance(n, T.Divergence | T.Expectation | T.Sum | T.Norm):
        yield T.Mul((TWO, n))
        yield T.Mul((T.Div(ONE, TWO), n))


def step(n: T.Node) -> Iterator[T.Node]:
    """t for t - 1 and the reverse, in a coefficient or a variable; a sum that begins or ends one off."""
    if isinstance(n, T.Symbol | T.Variable) and len(n.index) == 1:
        (index,) = n.index
        match index:
            case T.Symbol(_, ()):
                yield replace(n, index=(index - 1,))
            case T.Add((T.Symbol() as t, T.Neg(T.Number()))):
                yield replace(n, index=(t,))
    if isinstance(n, T.Sum | T.Prod):
        match n.first:
            case T.Number(value):
                yield replace(n, first=T.node(2 if value == 1 else 1))
        yield replace(n, last=n.last - 1)


def bars(n: T.Node) -> Iterator[T.Node]:
    """alpha for bar alpha and the reverse."""
    other = {"alpha": "bar_alpha", "bar_alpha": "alpha", "beta": "tilde_beta", "tilde_beta": "beta"}
    if isinstance(n, T.Symbol) and n.name in other and n.index:
        yield replace(n, name=other[n.name])


def logs(n: T.Node) -> Iterator[T.Node]:
    """A log lost; the log of an expectation for the expectation of a log."""
    if isinstance(n, T.Apply) and n.function == "log":
        yield n.body
        if isinstance(n.body, T.Expectation):
            yield replace(n.body, body=T.Apply("log", n.body.body))
    if isinstance(n, T.Expectation) and isinstance(n.body, T.Apply) and n.body.function == "log":
        yield T.Apply("log", replace(n, body=n.body.body))


def measure(n: T.Node) -> Iterator[T.Node]:
    """An expectation under another density of the same variable."""
    if isinstance(n, T.Expectation) and isinstance(n.measure, T.Density):
        density = n.measure
        yield replace(n, measure=replace(density, name="p" if density.name == "q" else "q"))
        if density.given:
            yield replace(n, measure=replace(density, name="p", given=()))


def _renamed(n: T.Node, names: tuple[str, ...]) -> Iterator[T.Node]:
    if isinstance(n, T.Density) and n.name in names:
        for name in names:
            if name != n.name:
                yield replace(n, name=name)


OPERATORS: dict[str, Operator] = {
    "sign": sign,
    "swapped divergence": swapped,
    "posterior for prior": conditioned,
    "dropped term": dropped,
    "root or square": root,
    "factor 2": factor,
    "t and t-1": step,
    "alpha and bar alpha": bars,
    "log": logs,
    "wrong measure": measure,
}
