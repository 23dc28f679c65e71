"""Trees print as LaTeX that reads back to the same tree."""

import numpy as np
import pytest
from small_vocabularies import K, T, d, eps, t, theta, tree, x, z

from gentutor.derive.showing.latex import to_latex
from gentutor.derive.tree import (
    ANONYMOUS,
    Add,
    Apply,
    Assigned,
    Call,
    Const,
    Density,
    Div,
    Divergence,
    Expectation,
    Gradient,
    Integral,
    Mul,
    Neg,
    Node,
    Norm,
    Normal,
    Number,
    Optimum,
    Pow,
    Prod,
    Sum,
    Symbol,
    Variable,
    node,
)

k = Symbol("k")
LEAVES: tuple[Node, ...] = (
    *(x, z, node(2), Number(node(1).value / 4), K, d, T, Symbol("A"), Symbol("beta")),
    *(
        Call("D", (x,)),
        Call("mu", (x,)),
        Density("p", (x,), (z,)),
        Density("q", (z,), (x,)),
        Density("p", (x, z)),
    ),
    *(
        Density("p", (x,), (), "old"),
        Density("p", (x,), (Assigned(z, Call("mu", (x,))),)),
        Variable("epsilon^*"),
    ),
    *(Symbol("mu", (node(1),)), Normal(z, node(0), Symbol("I"))),
)
q, p_z = Density("q", (z,), (x,)), Density("p", (z,))


def grown(rng: np.random.Generator, depth: int) -> Node:
    """A random tree of a shape that a reader can build."""

    def part() -> Node:
        return grown(rng, depth - 1)

    if depth == 0:
        return LEAVES[rng.integers(len(LEAVES))]
    copy = Density("p", (Variable("z", (), k),))
    choices = (
        lambda: Add((part(), part())),
        lambda: Add((part(), Neg(part()), part())),
        lambda: Neg(part()),
        lambda: Mul((part(), part())),
        lambda: Mul((part(), part(), part())),
        lambda: Div(part(), part()),
        lambda: Pow(part(), node(2)),
        lambda: Apply(("log", "exp", "sqrt", "tr", "abs", "transpose", "det")[rng.integers(7)], part()),
        lambda: Norm(part(), ("2", "F", "1")[rng.integers(3)]),
        lambda: Expectation((z,), q, part()),
        lambda: Expectation((eps,), Normal(eps, node(0), Symbol("I")), part()),
        lambda: Integral((z,), part()),
        lambda: Integral((z,), part(), True),
        lambda: Sum("k", node(1), K, Mul((copy, part()))),
        lambda: Prod("k", node(1), K, Mul((copy, part()))),
        lambda: Divergence("KL", (q, p_z), (z,)),
        lambda: Divergence("KL", (Normal(ANONYMOUS, part(), d), Normal(ANONYMOUS, d, part())), (ANONYMOUS,)),
        lambda: Divergence("H", (q,), (z,)),
        lambda: Gradient(x, part(), ("grad", "div", "laplacian", "hessian")[rng.integers(4)]),
        lambda: Gradient(theta, part()),
        lambda: Optimum(("min", "max")[rng.integers(2)], ("theta",), part(), bool(rng.integers(2))),
        lambda: Const((theta,)),
        lambda: Call("D", (part(),)),
    )  # fmt: skip
    return choices[rng.integers(len(choices))]()


@pytest.mark.parametrize("seed", range(400))
def test_a_tree_reads_back(seed: int) -> None:
    rng = np.random.default_rng(seed)
    expression = grown(rng, int(rng.integers(1, 5)))
    assert tree(to_latex(expression)) == expression


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\log p_\theta(x)", r"\log\left( p(x) \right)"),
        (r"E_z \log p(x|z)", r"\mathbb{E}_{z \sim q(z \mid x)}\left[ \log\left( p(x \mid z) \right) \right]"),
        (r"KL(q \| p)", r"\mathrm{KL}\left( q(z \mid x) \,\|\, p(z) \right)"),
        (r"p(x|\theta^{\text{old}})", r"p^{\text{old}}(x)"),
    ],
)
def test_the_reading_shows_what_was_understood(latex: str, expected: str) -> None:
    assert to_latex(tree(latex)) == expected


def test_an_index_is_shown() -> None:
    assert to_latex(Symbol("bar_alpha", (t - node(1),))) == r"\bar{\alpha}_{t - 1}"
    assert to_latex(Variable("epsilon^*", (t,))) == r"\epsilon_{t}^{*}"
