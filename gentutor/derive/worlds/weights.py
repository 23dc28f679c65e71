"""Splitting an integrand into positive weights and the rest, for quadrature.

`by_weight(q (log p + p / q))` is [(q, log p), (p, 1)]: under the weight q the rest is a polynomial in a
Gaussian world, under q the ratio p/q is none, but q p/q is a weight itself.
"""

from dataclasses import replace
from functools import lru_cache
from itertools import product

from gentutor.derive.tree import (
    Add,
    Apply,
    Density,
    Div,
    Expectation,
    Gradient,
    Integral,
    Mul,
    Neg,
    Node,
    Normal,
    Number,
    Pow,
    Prod,
    node,
)

LINEAR = ("transpose", "tr")  # functions under which a scalar weight may be drawn out
Term = tuple[tuple[Node, ...], tuple[Node, ...]]  # weights, the rest


@lru_cache(maxsize=4096)
def by_weight(integrand: Node) -> list[tuple[Node | None, Node]]:
    """Pairs of a weight (None: there is none) and the sum of all that stands under it."""
    groups: dict[tuple[Node, ...], list[Node]] = {}
    for weights, rest in _terms(integrand):
        groups.setdefault(_cancelled(weights), []).append(_product(rest))
    return [
        (_product(weights) if weights else None, rests[0] if len(rests) == 1 else Add(tuple(rests)))
        for weights, rests in groups.items()
    ]


def _product(factors: tuple[Node, ...]) -> Node:
    if not factors:
        return node(1)
    return factors[0] if len(factors) == 1 else Mul(factors)


def _cancelled(weights: tuple[Node, ...]) -> tuple[Node, ...]:
    """The weights without pairs w, 1/w."""
    kept = list(weights)
    for weight in weights:
        inverse = Pow(weight, node(-1))
        if weight in kept and inverse in kept:
            kept.remove(weight)
            kept.remove(inverse)
    return tuple(kept)


def _terms(n: Node) -> list[Term]:
    """n as a sum of products, expanded only where a summand brings weights of its own."""
    if _is_weight(n):
        return [((n,), ())]
    if isinstance(n, Add):
        return [term for part in n.terms for term in _terms(part)]
    if isinstance(n, Neg):
        return [(weights, (node(-1), *rest)) for weights, rest in _terms(n.body)]
    if isinstance(n, Mul):
        parts = [_terms(factor) if _brings_weight(factor) else [((), (factor,))] for factor in n.factors]
        return [
            (sum((weights for weights, _ in chosen), ()), sum((rest for _, rest in chosen), ()))
            for chosen in product(*parts)
        ]
    if isinstance(n, Apply) and n.function in LINEAR and _brings_weight(n.body):
        return [(weights, (replace(n, body=_product(rest)),)) for weights, rest in _terms(n.body)]
    if isinstance(n, Gradient) and _brings_weight(n.body):
        return [term for weights, rest in _terms(n.body) for term in _terms_of_derivative(n, weights, rest)]
    if isinstance(n, Div):
        below = _inverse(n.denominator)
        above = _terms(n.numerator) if _brings_weight(n.numerator) else [((), (n.numerator,))]
        return [((*weights, *below[0]), (*rest, *below[1])) for weights, rest in above]
    return [((), (n,))]


def _terms_of_derivative(n: Gradient, weights: tuple[Node, ...], rest: tuple[Node, ...]) -> list[Term]:
    """The derivative of weights * rest as weights times what is left of it: nabla p = p nabla log p."""
    body = _product(rest)
    slope = Gradient(n.wrt, Add(tuple(Apply("log", weight) for weight in weights)))
    if not weights:
        return [((), (replace(n, body=body),))]
    if n.kind == "grad" and not rest:
        return [(weights, (slope,))]
    if n.kind == "grad":
        return [(weights, (replace(n, body=body),)), (weights, (body, Apply("transpose", slope)))]
    if n.kind == "div":
        along = replace(n, body=body) if rest else node(0)
        return [(weights, (along,)), (weights, (Apply("transpose", slope), body))]
    if n.kind == "laplacian" and not rest:
        return [(weights, (replace(slope, kind="laplacian"),)), (weights, (Pow(slope, node(2)),))]
    return [((), (replace(n, body=_product((*weights, *rest))),))]


def _inverse(n: Node) -> Term:
    """1/n, as weights and rest."""
    if _is_weight(n):
        return (Pow(n, node(-1)),), ()
    if isinstance(n, Mul):
        parts = [_inverse(factor) for factor in n.factors]
        return sum((weights for weights, _ in parts), ()), sum((rest for _, rest in parts), ())
    if isinstance(n, Div):
        (above, rest_above), (weights, rest) = _inverse(n.numerator), _weigh(n.denominator)
        return (*above, *weights), (*rest_above, *rest)
    return (), (Pow(n, node(-1)),)


def _weigh(n: Node) -> Term:
    terms = _terms(n)
    return terms[0] if len(terms) == 1 else ((), (n,))


def _is_weight(n: Node) -> bool:
    """A density, an exponential, or a power, root or indexed product of such."""
    if isinstance(n, Density | Normal) or (isinstance(n, Apply) and n.function == "exp"):
        return True
    if isinstance(n, Pow):
        return isinstance(n.exponent, Number | Neg | Div) and _is_weight(n.base)
    if isinstance(n, Apply) and n.function == "sqrt":
        return _is_weight(n.body)
    if isinstance(n, Prod | Integral):
        return _only_weights(n.body)
    return isinstance(n, Expectation) and _only_weights(n.measure) and _only_weights(n.body)


def _only_weights(n: Node) -> bool:
    if isinstance(n, Mul):
        return all(map(_only_weights, n.factors))
    if isinstance(n, Div):
        return _only_weights(n.numerator) and _only_weights(n.denominator)
    return _is_weight(n)


def _brings_weight(n: Node) -> bool:
    """Whether n, written as a sum of products, has a weight among its factors."""
    if _is_weight(n):
        return True
    if isinstance(n, Add):
        return any(map(_brings_weight, n.terms))
    if isinstance(n, Mul):
        return any(map(_brings_weight, n.factors))
    if isinstance(n, Div):
        return _brings_weight(n.numerator) or _brings_weight(n.denominator)
    if isinstance(n, Apply):
        return n.function in LINEAR and _brings_weight(n.body)
    return isinstance(n, Neg | Gradient) and _brings_weight(n.body)
