"""Values of expressions in drawn worlds, against formulas written out in numpy."""

import numpy as np
import pytest
from scipy.integrate import quad

from gentutor.derive.reading.chain import read
from gentutor.derive.setting import Facts
from gentutor.derive.settings import setting_named
from gentutor.derive.tree import walk
from gentutor.derive.worlds.array import Misfit, NotExact
from gentutor.derive.worlds.evaluate import Scope, evaluate


def value(latex, setting, kind, seed=5):
    """The value of one line in one world, and that world."""
    chosen = setting_named(setting)
    chain = read(latex, chosen.vocabulary)
    assert chain.lines[0].error is None, chain.lines[0].error
    expression = chain.lines[0].claims[0].expression
    world = chosen.kinds[kind](np.random.default_rng(seed), Facts(tuple(walk(expression))))
    return evaluate(expression, Scope(world)), world


def tables(world):
    """p[x, z] and q[z | x] of a finite world of `vae`."""
    joint = world.contents.laws["p"].mass
    q = world.contents.laws["q"].mass
    return joint, q / q.sum(axis=1, keepdims=True)


FINITE = {
    r"\log p(x)": lambda p, q: np.log(p.sum(1)),
    r"p(z|x)": lambda p, q: p / p.sum(1, keepdims=True),
    r"KL(q(z|x) \| p(z))": lambda p, q: (q * np.log(q / p.sum(0))).sum(1),
    r"KL(p(z) \| q(z|x))": lambda p, q: (p.sum(0) * np.log(p.sum(0) / q)).sum(1),
    r"KL(q(z|x) \| p(z|x))": lambda p, q: (q * np.log(q * p.sum(1, keepdims=True) / p)).sum(1),
    r"H(q(z|x))": lambda p, q: -(q * np.log(q)).sum(1),
    r"\mathbb{E}_{q(z|x)}[\log p(x|z)]": lambda p, q: (q * np.log(p / p.sum(0))).sum(1),
    r"\mathbb{E}_{p(z)}[p(x|z)^2]": lambda p, q: (p.sum(0) * (p / p.sum(0)) ** 2).sum(1),
    r"\sum_z p(x|z) p(z)": lambda p, q: p.sum(1),
    r"\int \int p(x, z) \log p(x) dx dz": lambda p, q: (p.sum(1) * np.log(p.sum(1))).sum(),
    r"\mathbb{E}_{z^{(1)}, \dots, z^{(K)} \sim q(z|x)} \log \sum_{k=1}^K p(x|z^{(k)})": lambda p, q: np.array(
        [
            sum(
                q[x, a] * q[x, b] * q[x, c] * np.log(sum(p[x, k] / p[:, k].sum() for k in (a, b, c)))
                for a in range(4)
                for b in range(4)
                for c in range(4)
            )
            for x in range(3)
        ]
    ),
}


@pytest.mark.parametrize("latex", FINITE)
def test_finite_worlds_are_enumerated(latex):
    found, world = value(latex, "vae", "finite")
    wanted = FINITE[latex](*tables(world))
    assert np.allclose(found.data, wanted, rtol=1e-12)


def gaussian_parts(world):
    """The laws p and q (`test_laws` holds their conditionals to scipy), and the points of x."""
    p, q = world.contents.laws["p"], world.contents.laws["q"]
    x = np.array(world.free("x", "x").data)
    return p, q, x


def kl_normal(m, S, n, R):
    """KL(N(m, S) || N(n, R)) in closed form."""
    inverse = np.linalg.inv(R)
    gap = n - m
    return 0.5 * (
        np.trace(inverse @ S)
        - len(S)
        + np.linalg.slogdet(R)[1]
        - np.linalg.slogdet(S)[1]
        + gap @ inverse @ gap
    )


@pytest.mark.parametrize("kind", ["Gaussian", "one-dimensional Gaussian"])
def test_divergences_of_gaussians_have_their_closed_form(kind):
    found, world = value(r"KL(q(z|x) \| p(z|x))", "vae", kind)
    p, q, x = gaussian_parts(world)
    A, a, S = q.conditional(("z",), ("x",))
    B, b, R = p.conditional(("z",), ("x",))
    assert np.allclose(found.data, [kl_normal(A @ v + a, S, B @ v + b, R) for v in x], rtol=1e-11)
    entropy, _ = value(r"H(q(z|x))", "vae", kind)
    assert np.allclose(entropy.data, 0.5 * np.linalg.slogdet(2 * np.pi * np.e * S)[1], rtol=1e-12)


def test_an_expected_log_likelihood_is_exact():
    found, world = value(r"\mathbb{E}_{q(z|x)}[\log p(x|z)]", "vae", "Gaussian")
    p, q, x = gaussian_parts(world)
    A, a, S = q.conditional(("z",), ("x",))
    W, w, N = p.conditional(("x",), ("z",))
    inverse = np.linalg.inv(N)
    wanted = []
    for v in x:
        r = v - W @ (A @ v + a) - w
        quadratic = r @ inverse @ r + np.trace(W.T @ inverse @ W @ S)
        wanted.append(-0.5 * quadratic - 0.5 * np.linalg.slogdet(2 * np.pi * N)[1])
    assert np.allclose(found.data, wanted, rtol=1e-11)


def test_a_gradient_by_phi_is_the_slope_along_the_worlds_directions():
    found, world = value(r"\nabla_\phi \mathbb{E}_{q(z|x)}[\log p(x, z)]", "vae", "Gaussian")
    line = (
        read(r"\mathbb{E}_{q(z|x)}[\log p(x, z)]", setting_named("vae").vocabulary)
        .lines[0]
        .claims[0]
        .expression
    )
    h = 1e-5
    for k, direction in enumerate(world.directions("phi")):
        up, down = (
            evaluate(line, Scope(world.at(phi=world.parameters["phi"] + s * h * direction))) for s in (1, -1)
        )
        assert np.allclose(found.data[..., k], (up.data - down.data) / (2 * h), rtol=1e-6)


def test_the_score_of_a_gaussian_and_its_divergence():
    score, world = value(r"\nabla_{x_t} \log q(x_t|x_0)", "ddpm", "Gaussian")
    divergence, _ = value(r"\nabla_{x_t} \cdot \nabla_{x_t} \log q(x_t|x_0)", "ddpm", "Gaussian")
    t = world.integers["t"]
    A, a, S = world.contents.laws["q"].conditional((f"x_{t}",), ("x_0",))
    start, end = world.free("x_0", "x_0").data, world.free(f"x_{t}", "x_t").data
    for i, x_0 in enumerate(start):
        for j, x_t in enumerate(end):
            assert np.allclose(score.data[i, j], -np.linalg.solve(S, x_t - A @ x_0 - a), rtol=1e-9)
    assert np.allclose(divergence.data, -np.trace(np.linalg.inv(S)), rtol=1e-9)


def test_a_sum_over_steps_is_a_loop_and_a_level_one_density_stays_exact():
    found, world = value(
        r"\sum_{t=2}^T \mathbb{E}_{q(x_t|x_0)} KL(q(x_{t-1}|x_t, x_0) \| p(x_{t-1}|x_t))", "ddpm", "Gaussian"
    )
    q, p, total = world.contents.laws["q"], world.contents.laws["p"], 0.0
    start = world.free("x_0", "x_0").data
    for t in range(2, world.integers["T"] + 1):
        A, a, S = q.conditional((f"x_{t - 1}",), (f"x_{t}", "x_0"))
        B, b, R = p.conditional((f"x_{t - 1}",), (f"x_{t}",))
        G, g, V = q.conditional((f"x_{t}",), ("x_0",))
        inverse, values = np.linalg.inv(R), []
        for x_0 in start:
            m = G @ x_0 + g
            D = B - A[:, :2]
            mean = D @ m + b - A[:, 2:] @ x_0 - a
            quadratic = mean @ inverse @ mean + np.trace(D.T @ inverse @ D @ V)
            values.append(
                0.5
                * (np.trace(inverse @ S) - 2 + np.linalg.slogdet(R)[1] - np.linalg.slogdet(S)[1] + quadratic)
            )
        total = total + np.array(values)
    assert np.allclose(found.data, total, rtol=1e-10)


def test_a_mixture_is_integrated_on_the_line_only():
    latex = r"JSD(q(z|x) \| p(z))"
    with pytest.raises(NotExact):
        value(latex, "vae", "Gaussian")
    found, world = value(latex, "vae", "one-dimensional Gaussian")
    p, q, x = gaussian_parts(world)
    A, a, S = q.conditional(("z",), ("x",))
    _, m, R = p.conditional(("z",), ())

    def normal(z, mean, variance):
        return np.exp(-0.5 * (z - mean) ** 2 / variance) / np.sqrt(2 * np.pi * variance)

    for i, v in enumerate(x):
        mean = float((A @ v + a)[0])

        def integrand(z, mean=mean):
            f, g = normal(z, mean, S[0, 0]), normal(z, m[0], R[0, 0])
            return 0.5 * f * np.log(2 * f / (f + g)) + 0.5 * g * np.log(2 * g / (f + g))

        assert np.isclose(found.data[i], quad(integrand, -10, 10, epsabs=1e-13, limit=200)[0], rtol=1e-9)


@pytest.mark.parametrize(
    ("latex", "error"), [(r"x_t + \alpha_t", Misfit), (r"\nabla_{x_t} x_0 + \alpha_{t+9}", NotExact)]
)
def test_what_has_no_value_says_so(latex, error):
    with pytest.raises(error):
        value(latex, "ddpm", "Gaussian")


def test_states_cannot_be_calculated_with():
    with pytest.raises(NotExact, match="state"):
        value(r"\mathbb{E}_{q(z|x)}[z^2]", "vae", "finite")
