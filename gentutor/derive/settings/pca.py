"""The setting `pca`: samples as the columns of X, an encoder Phi, a decoder Theta, the SVD of X."""

from collections.abc import Callable, Mapping

import numpy as np

from gentutor.derive.setting import Facts, Setting, general
from gentutor.derive.tree import Apply, Div, Mul, Node, Norm, Pow, Sum, Symbol, node
from gentutor.derive.vocabulary import SymbolSpec, Vocabulary
from gentutor.derive.worlds.array import Array, Data, NotExact, scalar
from gentutor.derive.worlds.laws import cholesky
from gentutor.derive.worlds.world import Contents, Search, World

ONE = node(1)
X, THETA, PHI, U, S, LAMBDA, W = (Symbol(name) for name in ("X", "Theta", "Phi", "U", "S", "Lambda", "w"))
n, d, r, mu, EYE = (Symbol(name) for name in ("n", "d", "r", "mu", "I"))

VOCABULARY = Vocabulary(
    setting="pca",
    variables={},
    densities={},
    symbols={
        "X": SymbolSpec(about="the samples as columns, d x n"),
        "x": SymbolSpec(
            1, optional=True, about="a sample, a column of X; without an index any vector of d numbers"
        ),
        "bar_x": SymbolSpec(about="the mean of the samples"),
        "Theta": SymbolSpec(about="the decoder, d x r"),
        "Phi": SymbolSpec(about="the encoder, r x d"),
        "Z": SymbolSpec(about="the codes Phi X as columns, r x n"),
        "z": SymbolSpec(
            1,
            optional=True,
            about="a code, a column of Z = Phi X; without an index any vector of r numbers",
        ),
        "hat_X": SymbolSpec(about="the reconstruction Theta Phi X"),
        "hat_x": SymbolSpec(1, about="a column of the reconstruction Theta Phi X"),
        "S": SymbolSpec(about="the covariance of the samples, 1/n sum_mu (x_mu - bar x)(x_mu - bar x)^T"),
        "U": SymbolSpec(
            1, optional=True, about="the left singular vectors of X as columns; U_r the first r of them"
        ),
        "V": SymbolSpec(
            1, optional=True, about="the right singular vectors of X as columns; V_r the first r of them"
        ),
        "Sigma": SymbolSpec(
            1, optional=True, about="the singular values of X on a diagonal; Sigma_r the first r of them"
        ),
        "Lambda": SymbolSpec(
            1, optional=True, about="the eigenvalues of X X^T on a diagonal; of S where that is given"
        ),
        "sigma": SymbolSpec(1, about="a singular value of X, the largest first"),
        "lambda": SymbolSpec(
            1,
            optional=True,
            about="an eigenvalue, a diagonal element of Lambda; without an index a multiplier, any number",
        ),
        "u": SymbolSpec(1, about="a column of U"),
        "v": SymbolSpec(1, about="a column of V"),
        "w": SymbolSpec(about="any direction: a vector of d numbers"),
        "X_r": SymbolSpec(about="the best approximation of X of rank r"),
        "P_r": SymbolSpec(about="the projector U_r U_r^T"),
        "n": SymbolSpec(about="the number of samples"),
        "d": SymbolSpec(about="the dimension of a sample"),
        "r": SymbolSpec(about="the dimension of a code"),
        "mu": SymbolSpec(about="the index of a sample"),
        "i": SymbolSpec(about="an index"),
        "j": SymbolSpec(about="an index"),
        "I": SymbolSpec(1, optional=True, about="the identity matrix; I_r that of r rows"),
    },
    parameters=("Theta", "Phi", "w", "z"),
    spellings={
        "N": "n",
        "D": "d",
        "k": "r",
        "M": "r",
        "W": "Theta",
        "C": "S",
        "tilde_X": "hat_X",
        "tilde_x": "hat_x",
    },
    ranges={"mu": (ONE, n), "i": (ONE, d), "j": (ONE, d)},
)


def matrix(value: Data) -> Array:
    """A matrix, or a column."""
    return Array(value, (), "m" if value.ndim == 2 else "c")


def columns(value: Data, whole: bool = True) -> Callable[..., Array]:
    """M_r is the first r columns of a matrix M, x_mu (not `whole`) its column mu; M itself has no index."""

    def at(count: int = value.shape[1]) -> Array:
        if not 1 <= count <= value.shape[1]:
            raise NotExact(f"there is no column {count} of {value.shape[1]}")
        return matrix(value[:, :count] if whole else value[:, count - 1])

    return at


def numbers(values: Data, free: float | None = None) -> Callable[..., Array]:
    """sigma_i, zero beyond the last; without an index the number `free`."""

    def at(i: int | None = None) -> Array:
        if i is None and free is not None:
            return scalar(free)
        if i is None or i < 1:
            raise NotExact(f"there is no singular value number {i}")
        return scalar(values[i - 1] if i <= len(values) else 0.0)

    return at


def diagonal(values: Data) -> Callable[..., Array]:
    """Sigma, or Sigma_r with the first r values."""
    return lambda count=None: matrix(np.diag(values[:count]))


def identity(size: int | None = None) -> Array:
    """I of the size that its place asks for, or I_r."""
    return Array(np.asarray(1.0), (), "i") if size is None else matrix(np.eye(size))


def orthonormal(value: Data) -> Data:
    """Orthonormal columns that span the same: M L^{-T} with L L^T = M^T M."""
    return np.asarray(np.linalg.solve(cholesky(value.T @ value), value.T).T)


def matrices(rng: np.random.Generator, facts: Facts) -> World:
    """d < n, r < d; the mean of the samples is not zero unless that is given."""
    d_, n_ = int(rng.integers(4, 6)), int(rng.integers(6, 9))
    r_ = int(rng.integers(2, d_ - 1))
    samples = general(rng, d_, n_) + 0.4 * general(rng, d_, 1)
    some, multiplier = general(rng, d_), float(rng.uniform(0.4, 1.6))
    given = facts.given
    if "centred" in given:
        samples = samples - samples.mean(axis=1, keepdims=True)
    centred = samples - samples.mean(axis=1, keepdims=True)
    covariance = centred @ centred.T / n_
    left, values, right = np.linalg.svd(samples, full_matrices=False)
    squares, v = values**2, right.T
    if "second moment" in given:
        squares = squares / n_
    if "covariance" in given:
        squares, left = (flipped[..., ::-1] for flipped in np.linalg.eigh(covariance))
    best = left[:, :r_]
    svd: dict[str, Array | Callable[..., Array]] = {
        "U": columns(left),
        "u": columns(left, whole=False),
        "P_r": matrix(best @ best.T),
        "Lambda": diagonal(squares),
        "lambda": numbers(squares, free=multiplier),
    }
    if "covariance" not in given or "centred" in given:
        svd |= {
            "V": columns(v),
            "v": columns(v, whole=False),
            "Sigma": diagonal(values),
            "sigma": numbers(values),
            "X_r": matrix(best * values[:r_] @ v[:, :r_].T),
        }

    def make(parameters: Mapping[str, Data]) -> Contents:
        theta = best if "Theta = U_r" in given else parameters["Theta"].reshape(d_, r_)
        if "Theta orthonormal" in given and "Theta = U_r" not in given:
            theta = orthonormal(theta)
        if "Phi = U_r^T" in given:
            phi = best.T
        elif "Phi = Theta^T" in given:
            phi = theta.T
        elif "Phi = Theta^+" in given:
            phi = np.linalg.solve(theta.T @ theta, theta.T)
        else:
            phi = parameters["Phi"].reshape(r_, d_)
        w = parameters["w"]
        codes = phi @ samples
        return Contents(
            {},
            svd
            | {
                "X": matrix(samples),
                "x": lambda mu=None: matrix(some) if mu is None else columns(samples, whole=False)(mu),
                "bar_x": matrix(samples.mean(axis=1)),
                "S": matrix(covariance),
                "Theta": matrix(theta),
                "Phi": matrix(phi),
                "Z": matrix(codes),
                "z": lambda mu=None: (
                    matrix(parameters["z"]) if mu is None else columns(codes, whole=False)(mu)
                ),
                "hat_X": matrix(theta @ codes),
                "hat_x": columns(theta @ codes, whole=False),
                "w": matrix(w / np.sqrt(w @ w) if "w of length 1" in given else w),
                "I": identity,
            },
            searches={"Theta": Search(best.ravel()), "Phi": Search(best.T.ravel()), "w": Search(left[:, 0])},
        )

    fixed = {"Theta"} if "Theta = U_r" in given else set()
    if given & {"Phi = Theta^T", "Phi = U_r^T", "Phi = Theta^+"}:
        fixed.add("Phi")
    sizes = {"Theta": d_ * r_, "Phi": d_ * r_, "w": d_, "z": r_}
    parameters = {name: general(rng, size) for name, size in sizes.items() if name not in fixed}
    i, j = (int(k) for k in rng.permutation(d_)[:2] + 1)
    sizes_in_print = {"d": d_, "D": d_, "n": n_, "N": n_, "r": r_, "k": r_, "M": r_}
    integers = {**sizes_in_print, "mu": int(rng.integers(1, n_ + 1)), "i": i, "j": j}
    return World("matrix", integers, parameters, make, d=d_, seed=int(rng.integers(2**31)))


def _t(m: Node) -> Node:
    return Apply("transpose", m)


U_R = Symbol("U", (r,))
SPECTRAL = Mul((U, LAMBDA, _t(U)))
SAMPLES = Sum("mu", ONE, n, Symbol("x", (mu,)))

SETTING = Setting(
    VOCABULARY,
    {"matrix": matrices},
    given=(
        (PHI, _t(THETA), "Phi = Theta^T"),
        (THETA, _t(PHI), "Phi = Theta^T"),
        *((Mul((_t(THETA), THETA)), eye, "Theta orthonormal") for eye in (EYE, Symbol("I", (r,)))),
        (THETA, U_R, "Theta = U_r"),
        (PHI, _t(U_R), "Phi = U_r^T"),
        (PHI, Mul((Pow(Mul((_t(THETA), THETA)), node(-1)), _t(THETA))), "Phi = Theta^+"),
        (Symbol("bar_x"), node(0), "centred"),
        (SAMPLES, node(0), "centred"),
        (S, SPECTRAL, "covariance"),
        (Mul((Div(ONE, n), X, _t(X))), SPECTRAL, "second moment"),
        (Div(Mul((X, _t(X))), n), SPECTRAL, "second moment"),
        (Norm(W), ONE, "w of length 1"),
        (Mul((_t(W), W)), ONE, "w of length 1"),
        (Pow(Norm(W), node(2)), ONE, "w of length 1"),
    ),
)
