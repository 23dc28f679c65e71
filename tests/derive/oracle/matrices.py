"""The second evaluator for `pca`: numpy arrays, columns as (d, 1), and no thought of anything else."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from oracle.grid import STENCIL, STEP, Data, Unsupported

from gentutor.derive import tree as T


@dataclass(frozen=True)
class Matrices:
    """X, a decoder Theta, an encoder Phi, a direction w, all drawn; what is given is put in their place."""

    drawn: Mapping[str, Data]
    integers: Mapping[str, int]
    given: frozenset[str]

    @cached_property
    def X(self) -> Data:
        X = self.drawn["X"]
        return X - X.mean(1, keepdims=True) if "centred" in self.given else X

    @cached_property
    def covariance(self) -> Data:
        away = self.X - self.X.mean(1, keepdims=True)
        return away @ away.T / self.X.shape[1]

    @cached_property
    def eigen(self) -> tuple[Data, Data]:
        """Eigenvalues, the largest first, and eigenvectors of what Lambda and U belong to."""
        matrix = self.X @ self.X.T
        if "second moment" in self.given:
            matrix = matrix / self.X.shape[1]
        values, vectors = np.linalg.eigh(self.covariance if "covariance" in self.given else matrix)
        return values[::-1], vectors[:, ::-1]

    @cached_property
    def Theta(self) -> Data:
        if "Theta = U_r" in self.given:
            return self.eigen[1][:, : self.integers["r"]]
        theta = self.drawn["Theta"]
        if "Theta orthonormal" in self.given:
            u, _, v = np.linalg.svd(theta, full_matrices=False)
            return u @ v
        return theta

    @cached_property
    def Phi(self) -> Data:
        if "Phi = U_r^T" in self.given:
            return self.eigen[1][:, : self.integers["r"]].T
        if "Phi = Theta^T" in self.given:
            return self.Theta.T
        return np.linalg.pinv(self.Theta) if "Phi = Theta^+" in self.given else self.drawn["Phi"]

    @cached_property
    def w(self) -> Data:
        w = self.drawn["w"]
        return w / np.linalg.norm(w) if "w of length 1" in self.given else w

    def symbol(self, name: str, index: tuple[int, ...]) -> Data:
        values, U = self.eigen
        r, n = self.integers["r"], self.X.shape[1]
        plain = {"X": self.X, "Theta": self.Theta, "Phi": self.Phi, "w": self.w, "S": self.covariance}
        plain |= {
            "Z": self.Phi @ self.X,
            "hat_X": self.Theta @ self.Phi @ self.X,
            "U": U,
            "Lambda": np.diag(values),
        }
        plain |= {"P_r": U[:, :r] @ U[:, :r].T, "x": self.drawn["x"], "bar_x": self.X.mean(1, keepdims=True)}
        plain |= {"X_r": U[:, :r] @ U[:, :r].T @ self.X}
        u, singular, vt = np.linalg.svd(self.X, full_matrices=False)
        V = vt.T * np.sign((u * U[:, : len(singular)]).sum(0)) if U.shape == u.shape else vt.T
        plain |= {"V": V, "Sigma": np.diag(singular)}
        if not index and name in plain:
            if name in ("X_r", "V", "Sigma") and self.given & {"covariance", "second moment"}:
                raise Unsupported(name)
            return plain[name]
        if len(index) != 1 or index[0] < 1:
            raise Unsupported(name)
        (i,) = index
        svd = not self.given & {"covariance", "second moment"}
        columns = {"x": self.X, "z": plain["Z"], "hat_x": plain["hat_X"], "u": U}
        if name in columns and i <= columns[name].shape[1]:
            return columns[name][:, i - 1 : i]
        if svd and name == "v" and i <= V.shape[1]:
            return V[:, i - 1 : i]
        if svd and name in ("V", "Sigma") and i <= len(singular):
            return V[:, :i] if name == "V" else np.diag(singular[:i])
        if name == "U" and i <= U.shape[1]:
            return U[:, :i]
        if name == "Lambda" and i <= len(values):
            return np.diag(values[:i])
        if name == "I":
            return np.eye(i)
        if name == "lambda" or (name == "sigma" and svd):
            value = values[i - 1] if i <= min(len(values), n) else 0.0
            return np.asarray(value if name == "lambda" else np.sqrt(max(value, 0.0)))
        raise Unsupported(name)

    def value(self, n: T.Node, integers: Mapping[str, int], direction: int = 0) -> Data:
        def at(child: T.Node, **more: int) -> Data:
            return self.value(child, {**integers, **more}, direction)

        match n:
            case T.Number(value):
                return np.asarray(float(value))
            case T.Symbol(name, ()) if name in integers:
                return np.asarray(float(integers[name]))
            case T.Symbol("I", ()):
                return np.asarray(np.inf)  # of the size that its neighbours have: see below
            case T.Symbol(name, index):
                return self.symbol(name, tuple(round(float(at(i))) for i in index))
            case T.Neg(body):
                return -at(body)
            case T.Add(terms):
                values = [at(term) for term in terms]
                sizes = {value.shape for value in values if value.ndim}
                if len(sizes) > 1:
                    raise Unsupported("sizes do not fit")
                if sizes:
                    (size,) = sizes
                    values = [value if value.ndim else _eye(value, size) for value in values]
                return np.asarray(sum(values[1:], values[0]))
            case T.Mul(factors):
                total = np.asarray(1.0)
                for factor in factors:
                    total = _times(total, at(factor))
                return total
            case T.Div(above, below):
                return _times(at(above), 1 / _scalar(at(below)))
            case T.Pow(T.Norm(body, ("" | "F")), exponent) if exponent == T.node(2):
                return np.asarray((at(body) ** 2).sum())
            case T.Pow(base, exponent):
                value, power = at(base), round(float(at(exponent)))
                if value.ndim == 0:
                    return value ** float(at(exponent))
                if value.shape[1] == 1 and power == 2:
                    return np.asarray((value**2).sum())
                return np.linalg.matrix_power(value, power)
            case T.Norm(body, ("" | "2" | "F") as order):
                value = at(body)
                if order == "2" and value.ndim and min(value.shape) > 1:
                    return np.asarray(np.linalg.norm(value, 2))
                return np.asarray(np.sqrt((value**2).sum()))
            case T.Apply("tr", body):
                value = at(body)
                return np.asarray(np.trace(value)) if value.ndim else value
            case T.Apply("transpose", body):
                return at(body).T
            case T.Apply("sqrt", body):
                return np.sqrt(_scalar(at(body)))
            case T.Sum(index, first, last, body, skip):
                span = range(int(at(first)), int(at(last)) + 1)
                left_out = None if skip is None else int(at(skip))
                values = [at(body, **{index: i}) for i in span if i != left_out]
                return np.asarray(sum(values[1:], values[0])) if values else np.asarray(0.0)
            case T.Gradient(T.Symbol(name, ()), body, "grad") if name in ("Theta", "Phi", "w"):
                return self._slope(name, body, integers, direction)
        raise Unsupported(type(n).__name__)

    def _slope(self, name: str, body: T.Node, integers: Mapping[str, int], direction: int) -> Data:
        """The matrix of derivatives of a number."""
        if self.given:
            raise Unsupported("a derivative under a constraint")
        slope = np.zeros_like(self.drawn[name])
        for place in np.ndindex(slope.shape):
            for k, weight in STENCIL.items():
                for sign in (1, -1):
                    moved = self.drawn[name].copy()
                    moved[place] += sign * k * STEP
                    other = replace(self, drawn={**self.drawn, name: moved})
                    slope[place] += (
                        sign * weight / STEP * float(_scalar(other.value(body, integers, direction)))
                    )
        return slope


def _eye(value: Data, size: tuple[int, ...]) -> Data:
    """Where a matrix is needed, the sign of an identity (infinity) becomes the identity; 0 is any zero."""
    if np.isinf(value) and size[0] == size[1]:
        return float(np.sign(value)) * np.eye(size[0])
    if value == 0:
        return np.zeros(size)
    raise Unsupported("a number beside a matrix")


def _scalar(value: Data) -> Data:
    if value.ndim and value.size != 1:
        raise Unsupported("a matrix where a number belongs")
    return value.reshape(())


def _times(a: Data, b: Data) -> Data:
    for one, other in ((a, b), (b, a)):
        if not one.ndim and np.isinf(one):
            if other.ndim == 0 and other != 1:
                raise Unsupported("a multiple of the identity")
            return other * np.sign(one) if other.ndim else one * other
    if a.ndim == 0 or b.ndim == 0:
        return np.asarray(a * b)
    if a.shape[1] == 1 and b.shape == a.shape:
        return np.asarray((a * b).sum())
    if a.shape[1] != b.shape[0]:
        raise Unsupported("sizes do not fit")
    product = a @ b
    return product.reshape(()) if product.shape == (1, 1) else product


def matrices(rng: np.random.Generator, given: frozenset[str]) -> Matrices:
    """d = 4, n = 6, r = 2."""
    d, n, r = 4, 6, 2
    shapes = {"X": (d, n), "Theta": (d, r), "Phi": (r, d), "w": (d, 1), "x": (d, 1)}
    drawn = {
        name: rng.uniform(0.2, 1.2, shape) * rng.choice([-1, 1], shape) for name, shape in shapes.items()
    }
    i, j = (int(k) for k in rng.permutation(d)[:2] + 1)
    integers = {"d": d, "n": n, "r": r, "k": r, "mu": int(rng.integers(1, n + 1)), "i": i, "j": j}
    return Matrices(drawn, integers, given)


def extremes(world: Matrices) -> list[Matrices]:
    """The world; with the best decoder, encoder and direction; and with small and large ones."""
    U, r = world.eigen[1], world.integers["r"]
    best = {"Theta": U[:, :r], "Phi": U[:, :r].T, "w": U[:, :1]}
    moved = [best, *({name: size * world.drawn[name] for name in best} for size in (0.05, 5.0))]
    return [world, *(replace(world, drawn={**world.drawn, **change}) for change in moved)]


def off(above: T.Node, relation: str, here: T.Node, world: Matrices) -> float:
    """By how much a claim is off in this world, relative to the size of both sides."""
    if relation not in ("=", ">=", "<=") or any(
        isinstance(n, T.Const) for s in (above, here) for n in T.walk(s)
    ):
        raise Unsupported(relation)
    a, b = (world.value(side, world.integers) for side in (above, here))
    zero = np.all(a == 0) or np.all(b == 0)
    if a.shape != b.shape and ((a.ndim, b.ndim) == (2, 2) or not zero):
        raise Unsupported("sizes do not fit")
    size = max(np.abs(a).max(), np.abs(b).max(), 1e-300)
    if not np.isfinite(size):
        raise Unsupported("not finite")
    gap = {"=": np.abs(a - b), ">=": b - a, "<=": a - b}[relation]
    return max(0.0, float(gap.max() / size))
