"""How LaTeX is read: every sentence of the language's description, on trees written out by hand."""

import pytest
from small_vocabularies import STEPS, K, T, d, eps, last, message, t, theta, tree, x, x0, x_before, xT, xt, z

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
    Optimum,
    Pow,
    Prod,
    Range,
    Sum,
    Symbol,
    Variable,
    node,
)

A, B, IDENTITY = Symbol("A"), Symbol("B"), Symbol("I")
p_x, p_z, p_xz = Density("p", (x,)), Density("p", (z,)), Density("p", (x, z))
likelihood, posterior, q = Density("p", (x,), (z,)), Density("p", (z,), (x,)), Density("q", (z,), (x,))
STANDARD = Normal(ANONYMOUS, node(0), IDENTITY)
one, two, j = node(1), node(2), Symbol("j")


def log(body: Node) -> Node:
    return Apply("log", body)


def mul(*factors: Node) -> Node:
    return Mul(factors)


def add(*terms: Node) -> Node:
    return Add(terms)


def e_q(body: Node) -> Node:
    return Expectation((z,), q, body)


SAME = [  # two spellings of one thing
    (r"\hat{\mu}_\theta(x_t, t)", r"\mu_\theta(x_t,t)"),
    (r"\bar{\alpha_t}", r"\bar{\alpha}_t"),
    (r"\tilde\mu_t(x_t, x_0)", r"\mu_q(x_t,x_0)"),
    (r"\mu_q", r"\mu_q(x_t, x_0)"),
    (r"\sigma_q^2(t)", r"\sigma_q(t)^2"),
    (r"\epsilon(x_t, \theta, t)", r"\epsilon_\theta(x_t, t)"),
    (r"\mu_q(x_0, x_t)", r"\mu_q(x_t, x_0)"),
    (r"p_\theta(x_{t-1}|x_t)", r"p(x_{t-1}|x_t,\theta)"),
    (r"p(x_{t-1}|x_t;\theta)", r"p(x_{t-1}\mid x_t)"),
    (r"q(x_1, \dots, x_T | x_0)", r"q(x_{1:T}|x_0)"),
    (r"\varepsilon_\theta(\mathbf x_t, t)", r"\epsilon_{\theta}(x_t,t)"),
    (r"x^{(i)}", "x_0"),
    (r"\frac{1}{2}x_t", r"\frac12{x}_t"),
    (r"\prod_{s=1}^{t} \alpha_s x_0", r"\left(\prod_{s=1}^{t} \alpha_s\right) x_0"),
    (r"KL(q(x_T|x_0) || p(x_T))", r"D_{KL}(q(x_T|x_0) \| p(x_T))"),
    (r"D_{\text{KL}}(q(x_T|x_0) \mid\mid p(x_T))", r"\mathcal{D}_{\mathrm{KL}}(q(x_T|x_0) , p(x_T))"),
    (r"\mathrm{KL}\left(q(x_T|x_0) \Big\| p(x_T)\right)", r"KL[q(x_T|x_0) | p(x_T)]"),
    (r"\mathcal{N}(x_t; 0, I)", r"\mathcal{N}(x_t | 0, \mathbf{I})"),
    (r"\mathcal{N}(x_t, 0, I)", r"\mathcal{N}(x_t; 0, I)"),
    (r"\sum_{t>1} \alpha_t", r"\sum_{t=2}^T \alpha_t"),
    (r"\sum_{t \geq 1} \alpha_t", r"\sum_t \alpha_t"),
    (r"\operatorname*{argmin}_\theta \alpha_t", r"\arg\min_{\theta} \alpha_t"),
    (r"\underset{\theta}{\mathrm{arg\,min}}\, \alpha_t", r"\argmin_\theta \alpha_t"),
    (r"\text{const}", r"\operatorname{const}"),
    (r"x_t + \text{constant}", r"x_t + \mathrm{const}"),
    (r"\log x_t - \log 2", r"\ln x_t - \ln 2"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_spellings_of_one_thing(first: str, second: str) -> None:
    assert tree(first, STEPS) == tree(second, STEPS)


DIFFERENT = [
    (r"\epsilon^*", r"\epsilon"),
    (r"\epsilon_\theta(x_t,t)", r"\epsilon"),
    (r"\mu_\theta", r"\mu_q"),
    (r"\bar\alpha_t", r"\alpha_t"),
    (r"\epsilon_{t-1}^*", r"\epsilon_{t-2}^*"),
    (r"p(x_t|\theta^*)", r"p(x_t|\theta)"),
    (r"p_{\theta'}(x_t)", r"p_\theta(x_t)"),
    (r"p(x_t|\theta^{\text{old}})", r"p(x_t|\theta^*)"),
]


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_names_that_differ(first: str, second: str) -> None:
    assert tree(first, STEPS) != tree(second, STEPS)


TREES = [
    ("p(x, z)", p_xz),
    ("p(x|z)p(z)", mul(likelihood, p_z)),
    ("q(z)", Density("q", (z,))),
    ("A - (A + B)", add(A, Neg(add(A, B)))),
    ("A(A + B)", mul(A, add(A, B))),
    (r"-\frac{1}{2}A", Neg(mul(Div(one, two), A))),
    ("A / B A", mul(Div(A, B), A)),
    (r"A^T A^{-1}", mul(Apply("transpose", A), Pow(A, Neg(one)))),
    (r"\mathrm{tr}(A) + |A|", add(Apply("tr", A), Apply("abs", A))),
    (r"\|x\|^2 + \|A\|_F", add(Pow(Norm(x), two), Norm(A, "F"))),
    (r"\log p(x) p(z)", log(mul(p_x, p_z))),
    (r"\log(p(x)) p(z)", mul(log(p_x), p_z)),
    (r"\log A \log B", mul(log(A), log(B))),
    (r"\log -A", log(Neg(A))),
    (r"\exp\left\{ A \right\} B", mul(Apply("exp", A), B)),
    (r"\mathbb{E}_{q(z|x)} p(z) p(x)", e_q(mul(p_z, p_x))),
    (r"\mathbf{E}_{q(z|x)} [p(z)] p(x)", mul(e_q(p_z), p_x)),
    (r"E_{z \sim q(z|x)} [p(z)]", e_q(p_z)),
    (r"\mathbb{E}_{x \sim p_{\text{data}}} D(x)",
     Expectation((x,), Density("p_data", (x,)), Call("D", (x,)))),
    (r"\mathbb{E}_{p_{data}} D(x)", Expectation((x,), Density("p_data", (x,)), Call("D", (x,)))),
    (r"\mathbb{E}_{z} p(z)", e_q(p_z)),
    (r"\mathbb{E} p(z)", e_q(p_z)),
    (r"\mathbb{E}_{q} p(z)", e_q(p_z)),
    (r"\mathbb{E}_{q(z|x)p(x)} A", Expectation((x,), p_x, e_q(A))),
    (r"\mathbb{E}_{x \sim p(x), z \sim q(z|x)} A", Expectation((x,), p_x, e_q(A))),
    (r"\mathbb{E}_{x, z \sim p(x, z)} A", Expectation((x, z), p_xz, A)),
    (r"\mathbb{E}_{\epsilon \sim \mathcal{N}(0, I)} A",
     Expectation((eps,), Normal(eps, node(0), IDENTITY), A)),
    (r"\mathbb{E}_{p(\epsilon)} A", Expectation((eps,), Normal(eps, node(0), IDENTITY), A)),
    (r"\int p(x|z) p(z) dz", Integral((z,), mul(likelihood, p_z))),
    (r"\int p(x|z) + p(z) dz", Integral((z,), add(likelihood, p_z))),
    (r"\int dz\, p(z) p(x)", Integral((z,), mul(p_z, p_x))),
    (r"\int \int p(x, z) dx dz", Integral((z,), Integral((x,), p_xz))),
    (r"\int p(x, z) dx dz", Integral((x, z), p_xz)),
    (r"\int_z p(x, z)", Integral((z,), p_xz)),
    (r"\int_{-\infty}^\infty p(x, z) dz", Integral((z,), p_xz)),
    (r"\int_{z \in \mathcal{Z}} p(x, z) dz", Integral((z,), p_xz)),
    (r"\int_{\mathbb{R}^d} dz p(x, z)", Integral((z,), p_xz)),
    (r"\sum_z p(x|z) p(z)", Integral((z,), mul(likelihood, p_z), True)),
    (r"\sum_{k=1}^K A B", Sum("k", one, K, mul(A, B))),
    (r"\sum_{1 < k \leq 5} A", Sum("k", two, node(5), A)),
    (r"\sum_{5 > k \geq 1} A", Sum("k", one, node(4), A)),
    (r"\sum_j \mu_j", Sum("j", one, d, Symbol("mu", (Symbol("j"),)))),
    (r"\sum_{j=1}^J (z_j - \mu_j)",
     Sum("j", one, d, add(Variable("z", component=j), Neg(Symbol("mu", (j,)))))),
    (r"\frac1K \sum_k p(z_k)",
     mul(Div(one, K), Sum("k", one, K, Density("p", (Variable("z", (), Symbol("k")),))))),
    (r"\sum_k p(z^{(k)})", Sum("k", one, K, Density("p", (Variable("z", (), Symbol("k")),)))),
    (r"\sum_{\beta=1}^K \beta", Sum("beta", one, K, Symbol("beta"))),
    (r"p(x | \mu + \sigma \epsilon)",
     Density("p", (x,), (Assigned(z, add(Call("mu", (x,)), mul(Call("sigma", (x,)), eps))),))),
    (r"p(x | z = G(z))", Density("p", (x,), (Assigned(z, Call("G", (z,))),))),
    (r"D(G(z))", Call("D", (Call("G", (z,)),))),
    (r"KL(q(z|x) \| p(z))", Divergence("KL", (q, p_z), (z,))),
    (r"KL(q \| p)", Divergence("KL", (q, p_z), (z,))),
    (r"KL(p_{data} \| \frac{p_{data} + p(x)}{2})",
     Divergence("KL", (Density("p_data", (x,)), Div(add(Density("p_data", (x,)), p_x), two)), (x,))),
    (r"KL(\mathcal{N}(\mu, I) \| \mathcal{N}(0, I))",
     Divergence("KL", (Normal(ANONYMOUS, Call("mu", (x,)), IDENTITY), STANDARD), (ANONYMOUS,))),
    (r"KL(q(z|x) \| \mathcal{N}(0, I))", Divergence("KL", (q, Normal(z, node(0), IDENTITY)), (z,))),
    (r"H(q(z|x)) + H(q(z|x), p(z))", add(Divergence("H", (q,), (z,)), Divergence("CE", (q, p_z), (z,)))),
    (r"\nabla_\theta \log p(x)", Gradient(theta, log(p_x))),
    (r"\nabla_x \log p(x)^T A", mul(Apply("transpose", Gradient(x, log(p_x))), A)),
    (r"\nabla_x \cdot \mu(x)", Gradient(x, Call("mu", (x,)), "div")),
    (r"\frac{\partial}{\partial x} \log p(x)", Gradient(x, log(p_x))),
    (r"\frac{\partial \log p(x)}{\partial \theta}", Gradient(theta, log(p_x))),
    (r"\nabla_x^2 p(x)", Gradient(x, p_x, "laplacian")),
    (r"\min_G \max_D D(x) + D(G(z))",
     Optimum("min", ("G",), Optimum("max", ("D",), add(Call("D", (x,)), Call("D", (Call("G", (z,)),)))))),
    (r"\sup_{\|D\|_L \leq 1} D(x) - B", Optimum("max", ("D",), add(Call("D", (x,)), Neg(B)), limit=one)),
    (r"A + \text{const}(\theta)", add(A, Const((theta,)))),
    (r"\exp(A)^2", Pow(Apply("exp", A), two)),
    (r"e^{A}", Apply("exp", A)),
    (r"\underbrace{A}_{\text{first}} - \underbrace{B}_{\text{second}}", add(A, Neg(B))),
    (r"A \underbrace{- B}_{\text{second}}", add(A, Neg(B))),
]  # fmt: skip


@pytest.mark.parametrize(("latex", "expected"), TREES, ids=[latex for latex, _ in TREES])
def test_what_is_printed(latex: str, expected: Node) -> None:
    assert tree(latex) == expected


def test_products_take_the_factors_with_their_index() -> None:
    step, end = Density("p", (x_before,), (xt,)), Density("p", (xT,))
    assert tree(r"\prod_{t=1}^T p(x_{t-1}|x_t) p(x_T)", STEPS) == mul(Prod("t", one, T, step), end)


def test_a_mean_over_steps() -> None:
    body = Pow(Norm(add(eps, Neg(Call("epsilon_theta", (xt, t))))), two)
    inside = Expectation(
        (x0,), Density("q", (x0,)), Expectation((eps,), Normal(eps, node(0), IDENTITY), body)
    )
    latex = r"\mathbb{E}_{t, x_0, \epsilon} \left[ \| \epsilon - \epsilon_\theta(x_t, t) \|^2 \right]"
    assert tree(latex, STEPS) == Div(Sum("t", one, T, inside), T)


def test_a_bare_q_takes_the_arguments_that_the_chain_wrote_last() -> None:
    text = "\\mathbb{E}_{q(x_t|x_0)} \\alpha_t x_t\n= \\mathbb{E}_q \\alpha_t x_t"
    assert last(text, STEPS) == Expectation((xt,), Density("q", (xt,), (x0,)), mul(Symbol("alpha", (t,)), xt))


def test_a_bare_q_is_not_that_of_a_divergence_that_binds_too_little() -> None:
    whole = Range("x", one, T)
    text = (
        "\\mathbb{E}_{q(x_{1:T}|x_0)} [KL(q(x_T|x_0) || p(x_T)) + \\log p(x_0|x_1)]\n"
        "= \\mathbb{E}_q [\\log p(x_0|x_1) + KL(q(x_T|x_0) || p(x_T))]"
    )
    found = last(text, STEPS)
    assert isinstance(found, Expectation)
    assert found.variables == (whole,)


def test_subscripts_are_levels_where_the_chain_writes_a_range() -> None:
    text = "\\int p(x, z_{1:T}) dz_{1:T}\n= \\int p(x|z_1) p(z_{1:T}) dz_{1:T}"
    first = Density("p", (x,), (Variable("z", (one,)),))
    assert last(text) == Integral((Range("z", one, T),), mul(first, Density("p", (Range("z", one, T),))))


@pytest.mark.parametrize("drawn", [r"z_1, \dots, z_K", "z^{(1)}, \\ldots, z^{(K)}", "z^{(1:K)}", "z_{1:K}"])
def test_samples(drawn: str) -> None:
    samples = Range("z", one, K, sample=True)
    body = Sum("k", one, K, Density("p", (Variable("z", (), Symbol("k")),)))
    found = tree(rf"\mathbb{{E}}_{{{drawn} \sim q(z|x)}} \left[ \sum_{{k=1}}^K p(z_k) \right]")
    assert found == Expectation((samples,), Density("q", (samples,), (x,)), body)


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        ("p(z_4)", "a level, a sample or a component"),
        (r"\mathbb{E} A", "unclear"),
        ("p(w)", "does not know w"),
        (r"\mux + x", "\\mux"),
        (r"\sum_m A", "bounds"),
        (r"\int p(z)", "no differential"),
        (r"\int_0^1 p(z) dz", "whole space"),
        (r"\int_0^1 dz p(z)", "whole space"),
        (r"\int_0^\infty p(z) dz", "whole space"),
        (r"\int_{z > 0} p(z) dz", "whole space"),
        (r"\int_{[0, 1]} p(z) dz", "whole space"),
        (r"\int_{\mathbb{R}_+} p(z) dz", "whole space"),
        (r"\mathbb{E}[z|x]_2", "no subscript"),
        (r"\nabla \log p(x)_2^T x", "no subscript"),
        (r"\exp_2 A", "no subscript"),
        (r"\max_\phi^2 A", "no superscript"),
        (r"\sum_z^5 p(x, z)", "all of them"),
        (r"\sum_{1 \leq j \leq 3}^5 A", "bounds"),
        (r"\sum_{1 \leq j \geq 3} A", "bounds"),
        (r"\frac{\partial^2}{\partial x} A", "different orders"),
        (r"\frac{\partial}{\partial x^2} A", "different orders"),
        ("e_3", "does not know e_3"),
        ("e'", "does not know e'"),
        ("p(x)'", "no prime"),
        (r"\log' A", "prime"),
        (r"\sum'_z p(x, z)", "prime"),
        (r"\int' p(x, z) dz", "no prime"),
        (r"KL'(q(z|x) \| p(z))", "does not know KL'"),
        (r"\mathbb{E}'_{q(z|x)} A", "does not know"),
        ("M = A\n= A\n= M (1 + 1)", "a factor of M, or its argument"),
        ("A +", "ends too early"),
        ("A = ", "after this relation"),
        (r"p(x, z) + \dots", "dots"),
        ("p", "p of what"),
        ("A < B", "no relation"),
        ("D(x, z)", "takes 1 argument"),
        (r"p(x') + 1", "where does x' come from"),
        (r"KL(q(z|x) \| p(x))", "different variables"),
    ],
)
def test_what_cannot_be_read_says_why(latex: str, words: str) -> None:
    assert words in message(latex)


def test_the_nearest_name_comes_first() -> None:
    text = message(r"\bar\gamma_t", STEPS)
    assert "bar_alpha" in text.splitlines()[-1].split("The setting knows")[0]
