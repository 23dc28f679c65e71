"""The setting `pca` against numpy: its matrices, what `given` makes of them, gradients, and chains."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from gentutor.derive.checker import check
from gentutor.derive.setting import Facts
from gentutor.derive.settings.pca import SETTING, matrices
from gentutor.derive.tree import Apply, Div, Gradient, Mul, Node, Norm, Optimum, Pow, Sum, Symbol, node
from gentutor.derive.worlds.array import Array, Data, NotExact
from gentutor.derive.worlds.evaluate import Scope, evaluate
from gentutor.derive.worlds.world import World

X, THETA, PHI, EYE, U, r, d, n = (Symbol(name) for name in ("X", "Theta", "Phi", "I", "U", "r", "d", "n"))
RESIDUAL = X - Mul((THETA, PHI, X))
LOSS = Pow(Norm(RESIDUAL, "F"), node(2))
CHAINS = tomllib.loads((Path(__file__).parent / "chains" / "pca.toml").read_text(encoding="utf-8"))["chain"]


def t(m: Node) -> Node:
    return Apply("transpose", m)


def world(seed: int, *given: str) -> World:
    return matrices(np.random.default_rng(seed), Facts((), frozenset(given)))


def value(expression: Node, where: World) -> Data:
    return evaluate(expression, Scope(where)).data


def numbers(where: World) -> tuple[Data, Data, Data]:
    """X, Theta, Phi."""
    return tuple(value(name, where) for name in (X, THETA, PHI))  # type: ignore[return-value]


SEEDS = pytest.mark.parametrize("seed", [0, 1, 2, 3])


@SEEDS
def test_worlds_are_in_general_position(seed: int) -> None:
    where = world(seed)
    x, theta, phi = numbers(where)
    columns, size, rank = (where.integers[name] for name in ("n", "d", "r"))
    assert x.shape == (size, columns)
    assert theta.shape == phi.T.shape == (size, rank)
    assert 1 < rank < size < columns
    singular = np.linalg.svd(x, compute_uv=False)
    assert np.diff(singular).max() < -1e-3
    assert np.abs(x.mean(axis=1)).max() > 1e-3
    assert np.abs(theta.T @ theta - np.eye(rank)).max() > 0.1


@SEEDS
def test_loss_as_norm_as_trace_and_sample_by_sample(seed: int) -> None:
    where = world(seed)
    x, theta, phi = numbers(where)
    by_hand = sum(((column - theta @ phi @ column) ** 2).sum() for column in x.T)
    mu = Symbol("mu")
    sample = Symbol("x", (mu,))
    one_by_one = Sum("mu", node(1), n, Pow(Norm(sample - Mul((THETA, PHI, sample))), node(2)))
    for expression in (LOSS, Apply("tr", Mul((t(RESIDUAL), RESIDUAL))), one_by_one):
        assert value(expression, where) == pytest.approx(by_hand, rel=1e-12)


@SEEDS
def test_singular_vectors_are_those_of_x(seed: int) -> None:
    where = world(seed)
    x = value(X, where)
    left, singular = value(U, where), np.array([value(Symbol("sigma", (node(i),)), where) for i in (1, 2, 3)])
    assert singular == pytest.approx(np.sqrt(np.linalg.eigvalsh(x @ x.T)[::-1][:3]))
    for i in (1, 2, 3):
        u = value(Symbol("u", (node(i),)), where)
        assert u == pytest.approx(left[:, i - 1])
        assert x @ x.T @ u == pytest.approx(singular[i - 1] ** 2 * u)
    V, Sigma = Symbol("V"), Symbol("Sigma")
    assert value(Mul((U, Sigma, t(V))), where) == pytest.approx(x)
    first = Symbol("U", (r,))
    assert value(first, where) == pytest.approx(left[:, : where.integers["r"]])
    best = value(Symbol("X_r"), where)
    assert np.linalg.matrix_rank(best, tol=1e-9) == where.integers["r"]
    assert ((x - best) ** 2).sum() == pytest.approx(
        (np.linalg.svd(x, compute_uv=False)[where.integers["r"] :] ** 2).sum()
    )
    assert value(Symbol("P_r"), where) @ x == pytest.approx(best)
    assert value(Symbol("sigma", (node(99),)), where) == 0


@SEEDS
def test_given_narrows_the_worlds(seed: int) -> None:
    x, theta, phi = numbers(world(seed, "Phi = Theta^T"))
    assert np.array_equal(phi, theta.T)
    assert np.abs(theta.T @ theta - np.eye(theta.shape[1])).max() > 0.1
    x, theta, phi = numbers(world(seed, "Phi = Theta^T", "Theta orthonormal"))
    assert phi @ theta == pytest.approx(np.eye(len(phi)), abs=1e-12)
    x, theta, phi = numbers(world(seed, "Theta = U_r"))
    assert np.abs(phi - theta.T).max() > 0.1
    assert theta @ theta.T @ x == pytest.approx(value(Symbol("X_r"), world(seed, "Theta = U_r")))
    x, theta, phi = numbers(world(seed, "Phi = Theta^+"))
    assert phi == pytest.approx(np.linalg.pinv(theta))
    x, theta, phi = numbers(world(seed, "Phi = U_r^T", "Theta = U_r"))
    assert np.array_equal(phi, theta.T)
    assert numbers(world(seed, "centred"))[0].mean(axis=1) == pytest.approx(np.zeros(len(x)), abs=1e-12)


@SEEDS
def test_eigenvalues_are_of_what_is_given(seed: int) -> None:
    def eigen(where: World) -> tuple[Data, Data]:
        count = where.integers["d"]
        return value(U, where), np.array(
            [value(Symbol("lambda", (node(i + 1),)), where) for i in range(count)]
        )

    where = world(seed)
    x = value(X, where)
    u, eigenvalues = eigen(where)
    assert u * eigenvalues @ u.T == pytest.approx(x @ x.T)
    u, eigenvalues = eigen(world(seed, "second moment"))
    assert u * eigenvalues @ u.T == pytest.approx(x @ x.T / x.shape[1])
    u, eigenvalues = eigen(world(seed, "covariance"))
    assert u * eigenvalues @ u.T == pytest.approx(np.cov(x, bias=True))
    assert value(Symbol("S"), where) == pytest.approx(np.cov(x, bias=True))
    with pytest.raises(NotExact):  # V and sigma belong to X, U then to its covariance
        value(Symbol("sigma", (node(1),)), world(seed, "covariance"))


def by_finite_differences(where: World, name: str, shape: tuple[int, ...]) -> Data:
    start, step = where.parameters[name], 1e-6
    slopes = [
        (
            value(LOSS, where.at(**{name: start + step * e}))
            - value(LOSS, where.at(**{name: start - step * e}))
        )
        / (2 * step)
        for e in np.eye(start.size)
    ]
    return np.reshape(slopes, shape)


@SEEDS
def test_gradient_by_a_matrix_has_its_shape(seed: int) -> None:
    where = world(seed)
    x, theta, phi = numbers(where)
    for name, shape, formula in (
        ("Theta", theta.shape, -2 * (x - theta @ phi @ x) @ x.T @ phi.T),
        ("Phi", phi.shape, -2 * theta.T @ (x - theta @ phi @ x) @ x.T),
    ):
        gradient = value(Gradient(Symbol(name), LOSS), where)
        assert gradient == pytest.approx(by_finite_differences(where, name, shape), rel=1e-6, abs=1e-6)
        assert gradient == pytest.approx(formula)
    tied = world(seed, "Phi = Theta^T")
    gradient = value(Gradient(THETA, LOSS), tied)
    assert gradient == pytest.approx(by_finite_differences(tied, "Theta", theta.shape), rel=1e-6, abs=1e-6)
    where = world(seed)
    w, S = where.parameters["w"], value(Symbol("S"), where)
    W = Symbol("w")
    assert value(Gradient(W, Mul((t(W), Symbol("S"), W))), where) == pytest.approx(2 * S @ w)


def test_no_gradient_by_what_is_tied() -> None:
    for given in (("Theta orthonormal",), ("Theta = U_r",)):
        with pytest.raises(NotExact):
            value(Gradient(THETA, LOSS), world(0, *given))


@SEEDS
def test_least_squares_error_is_what_eckart_and_young_say(seed: int) -> None:
    def rest(where: World) -> float:
        return float((np.linalg.svd(value(X, where), compute_uv=False)[where.integers["r"] :] ** 2).sum())

    where = world(seed)
    assert value(Optimum("min", ("Theta", "Phi"), LOSS), where) == pytest.approx(rest(where), rel=1e-10)
    where = world(seed, "Phi = Theta^T", "Theta orthonormal")
    assert value(Optimum("min", ("Theta",), LOSS), where) == pytest.approx(rest(where), rel=1e-10)


def test_identity_takes_the_size_of_its_place() -> None:
    where = world(0, "Theta orthonormal", "Phi = Theta^T")
    size, rank = where.integers["d"], where.integers["r"]
    assert value(Mul((t(THETA), THETA)) - EYE, where) == pytest.approx(np.zeros((rank, rank)), abs=1e-12)
    x, theta, _ = numbers(where)
    projector = np.eye(size) - theta @ theta.T
    assert value(Mul((EYE - Mul((THETA, t(THETA))), X)), where) == pytest.approx(projector @ x)
    assert value(Mul((Pow(EYE + EYE, node(-1)), t(EYE), X)), where) == pytest.approx(x / 2)
    assert value(Apply("tr", Symbol("I", (r,))), where) == rank
    for open_size in (Apply("tr", EYE), Norm(EYE, "F"), EYE + 1, Apply("log", EYE)):
        with pytest.raises(NotExact):
            value(open_size, where)
    assert isinstance(evaluate(Div(EYE, node(2)) + EYE, Scope(where)), Array)


def test_given_is_honoured_in_both_directions() -> None:
    assert SETTING.honoured(PHI, t(THETA)) == SETTING.honoured(t(THETA), PHI) == "Phi = Theta^T"
    assert SETTING.honoured(Mul((t(THETA), THETA)), Symbol("I", (r,))) == "Theta orthonormal"
    assert SETTING.honoured(PHI, THETA) is None


@pytest.mark.parametrize("chain", CHAINS, ids=[chain["id"] for chain in CHAINS])
def test_chain(chain: dict[str, list[str]]) -> None:
    report = check("\n".join(chain["lines"]), "pca")
    assert [step.holds for step in report.steps] == chain["holds"], report
