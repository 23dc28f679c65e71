"""Trees that differ only in how a formula is written have one normal form."""

from gentutor.derive.tree import (
    Add,
    Apply,
    Div,
    Expectation,
    Integral,
    Mul,
    Neg,
    Node,
    Norm,
    Number,
    Pow,
    node,
    rebuild,
)


def normal_form(n: Node) -> Node:
    """Sums and products flattened and ordered, quotients as powers, double minus and log exp undone."""
    n = rebuild(n, normal_form)
    match n:
        case Neg(Neg(body)):
            return body
        case Neg(Add(terms)):
            return normal_form(Add(tuple(Neg(term) for term in terms)))
        case Neg(body):
            return normal_form(Mul((node(-1), body)))
        case Div(above, below):
            return normal_form(Mul((above, Pow(below, node(-1)))))
        case Pow(Mul(factors), exponent) if exponent == node(-1):
            return normal_form(Mul(tuple(Pow(factor, exponent) for factor in factors)))
        case Pow(Number(value), exponent) if exponent == node(-1) and value:
            return Number(1 / value)
        case Norm(body, "2"):
            return Norm(body)
        case Apply("log", Apply("exp", body)):
            return body
        case Add(terms):
            return _flat(Add, terms, 0)
        case Mul(factors):
            return _flat(Mul, factors, 1)
        case Integral(variables, body):
            return Integral(variables, body)
        case Expectation(variables, measure, body):
            return Integral(variables, _flat(Mul, (measure, body), 1))
    return n


def _flat(kind: type[Add] | type[Mul], items: tuple[Node, ...], neutral: int) -> Node:
    flat: list[Node] = []
    for item in items:
        if isinstance(item, kind):
            flat += item.terms if isinstance(item, Add) else item.factors
        else:
            flat.append(item)
    numbers = [item.value for item in flat if isinstance(item, Number)]
    rest = sorted((item for item in flat if not isinstance(item, Number)), key=repr)
    number = node(neutral)
    for value in numbers:
        number = Number(number.value + value if kind is Add else number.value * value)  # type: ignore[attr-defined]
    if number != node(neutral) or not rest:
        rest = [number, *rest]
    return rest[0] if len(rest) == 1 else kind(tuple(rest))
