"""Principal component analysis, and the linear autoencoder that learns the same subspace.

The mathematics writes samples as columns: x -> Theta Phi x, with Phi the encoder, (r, d), and Theta the
decoder, (d, r). The code keeps one sample a row, as data sets do, so that X is (n, d), the codes are
Y = X Phi^T, (n, r), and the reconstruction is Y Theta^T, (n, d).
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from gentutor import train as training

# ------------------------------------------------------------------------------------- closed form


@dataclass(frozen=True)
class PCA:
    """x_hat = mean + Theta Theta^T (x - mean): the best affine reconstruction through r numbers.

    Attributes:
        mean: (d,), the mean of the samples.
        Theta: (d, r), orthonormal columns, the leading principal directions. The encoder is Phi = Theta^T.
        singular_values: (min(n, d),), all singular values of the centred data, descending.
        n: the number of samples that it was fitted to.
    """

    mean: Tensor
    Theta: Tensor
    singular_values: Tensor
    n: int

    def encode(self, X: Tensor) -> Tensor:
        """y = Theta^T (x - mean): samples (n, d) to codes (n, r)."""
        return (X - self.mean) @ self.Theta

    def decode(self, Y: Tensor) -> Tensor:
        """x_hat = mean + Theta y: codes (n, r) to samples (n, d)."""
        return self.mean + Y @ self.Theta.T

    def reconstruct(self, X: Tensor) -> Tensor:
        """x_hat = mean + Theta Theta^T (x - mean): samples (n, d) to samples (n, d)."""
        return self.decode(self.encode(X))


def fit(X: Tensor, r: int) -> PCA:
    """argmin over Theta of n^-1 ||X_c - Theta Theta^T X_c||_F^2, by the SVD of the centred data X_c.

    The columns of Theta are the right singular vectors of X_c (samples as rows) that belong to its r largest
    singular values (Eckart and Young 1936), each signed so that its entry of largest magnitude is positive.
    Where the data span fewer than r directions, the other columns are orthonormal but otherwise arbitrary.

    Args:
        X: (n, d), one sample a row. Computed in float64 on X's device; returned in X's dtype if that is
            float32 or float64, else (integers, half precision) in float32.
        r: the number of components, 0 <= r <= min(n, d).

    Raises:
        TypeError: X is complex, or r is not an integer.
        ValueError: X is not a matrix with at least one sample and one feature, holds NaN or infinity, or r
            is out of range.
    """
    X64, dtype = _as_samples(X)
    n, d = X64.shape
    r = _as_integer(r)
    if not 0 <= r <= min(n, d):
        raise ValueError(f"r = {r}, but {n} samples of {d} features have 0 to {min(n, d)} components")
    mean = X64.mean(0)
    R = torch.linalg.qr(X64 - mean, mode="r").R  # (min(n, d), d): same singular values and directions as X_c,
    _, s, Vh = torch.linalg.svd(R, full_matrices=False)  # and the (n, d) left factor is never formed
    Theta = Vh[:r].T  # (d, r)
    if r > 0:
        largest = Theta.gather(0, Theta.abs().argmax(0, keepdim=True))  # (1, r)
        Theta = Theta * torch.where(largest < 0, -1.0, 1.0)
    return PCA(mean.to(dtype), Theta.to(dtype), s.to(dtype), n)


def squared_error(X: Tensor, X_hat: Tensor) -> Tensor:
    """n^-1 ||X - X_hat||_F^2: squared error a sample, summed over its d features; (n, d), (n, d) -> ().

    Raises:
        ValueError: the shapes differ, or are not (n, d).
    """
    if X.ndim != 2 or X.shape != X_hat.shape:
        raise ValueError(f"shapes {tuple(X.shape)} and {tuple(X_hat.shape)}; expected the same (n, d)")
    return (X - X_hat).square().sum(1).mean()


def tail_error(singular_values: Tensor, n: int, r: int) -> Tensor:
    """n^-1 sum_{i > r} s_i^2: what the best r components leave of the training data (Eckart and Young 1936).

    Args:
        singular_values: (k,), of the centred data, descending.
        n: number of samples.
        r: number of components kept.

    Raises:
        ValueError: r is negative.
    """
    if r < 0:
        raise ValueError(f"r = {r}; expected 0 or more components")
    return singular_values[r:].square().sum() / n


def largest_angle(A: Tensor, B: Tensor) -> float:
    """max over a in col(A) of the angle between a and col(B), in degrees: 0 for the same column space.

    The largest principal angle between two subspaces of equal dimension, from its sine, the largest singular
    value of (I - Q_A Q_A^T) Q_B, which keeps its digits where the angle is small (Bjorck and Golub 1973).

    Args:
        A, B: (d, r), bases of the two subspaces in their columns, not necessarily orthonormal.

    Raises:
        ValueError: the shapes differ, or the columns of one are linearly dependent.
    """
    if A.ndim != 2 or A.shape != B.shape or A.shape[1] > A.shape[0]:
        raise ValueError(
            f"shapes {tuple(A.shape)} and {tuple(B.shape)}; expected the same (d, r) with r <= d"
        )
    A, B = A.detach().double(), B.detach().double()
    for name, M in (("first", A), ("second", B)):
        if torch.linalg.matrix_rank(M) < M.shape[1]:
            raise ValueError(f"the columns of the {name} matrix are linearly dependent; expected a basis")
    Q_A, Q_B = torch.linalg.qr(A).Q, torch.linalg.qr(B).Q
    sine = torch.linalg.matrix_norm(Q_B - Q_A @ (Q_A.T @ Q_B), ord=2)
    return float(sine.clamp(max=1).asin().rad2deg())


# ------------------------------------------------------------------------------- linear autoencoder


def gradients(Theta: Tensor, Phi: Tensor, X: Tensor) -> tuple[Tensor, Tensor]:
    """dL/dTheta = -2/n E Y^T and dL/dPhi = -2/n Theta^T E X^T, with Y = Phi X and E = X - Theta Y (columns).

    Args:
        Theta: (d, r).
        Phi: (r, d).
        X: (n, d), one sample a row.

    Returns:
        The gradients of n^-1 ||X - Theta Phi X||_F^2: (d, r), (r, d).
    """
    Y = X @ Phi.T
    E = X - Y @ Theta.T
    return -2 / len(X) * E.T @ Y, -2 / len(X) * Theta.T @ E.T @ X


class LinearAutoencoder(nn.Module):
    """x_hat = Theta Phi x, with Phi and Theta free: nothing ties the decoder to the encoder.

    Args:
        d: features of a sample.
        r: length of the code.
        generator: draws the starting weights, normal with variance 1/(10 d).
    """

    def __init__(self, d: int, r: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        scale = (10 * d) ** -0.5  # small, so that the first steps grow the leading directions
        self.Phi = nn.Parameter(scale * torch.randn(r, d, generator=generator))
        self.Theta = nn.Parameter(scale * torch.randn(d, r, generator=generator))

    def encode(self, X: Tensor) -> Tensor:
        """y = Phi x: (n, d) -> (n, r)."""
        return X @ self.Phi.T

    def decode(self, Y: Tensor) -> Tensor:
        """x_hat = Theta y: (n, r) -> (n, d)."""
        return Y @ self.Theta.T

    def forward(self, X: Tensor) -> Tensor:
        """x_hat = Theta Phi x: (n, d) -> (n, d)."""
        return self.decode(self.encode(X))


def train(
    X: Tensor,
    r: int,
    *,
    steps: int = 1000,
    lr: float = 0.1,
    momentum: float = 0.9,
    seed: int = 0,
    device: str | torch.device = "auto",
    on_step: Callable[[int, LinearAutoencoder], None] | None = None,
) -> tuple[LinearAutoencoder, Tensor]:
    """argmin over Theta, Phi of n^-1 ||X - Theta Phi X||_F^2, by gradient descent with Nesterov's momentum.

    Every step takes all samples. X is used as it is: remove the mean first, or Theta spends a column on it.

    Args:
        X: (n, d), one sample a row, of any real dtype; trained in float32, or float64 if X is.
        r: length of the code, 1 <= r <= d.
        steps, lr, momentum: of `torch.optim.SGD`. With the default momentum lr should stay below
            0.1 n / s_1^2, s_1 the largest singular value of X: 0.14 for the digits, 0.02 for MNIST.
        seed: draws the starting weights.
        device: "auto" is a GPU where there is one.
        on_step: called with the step's number and the model before each update.

    Returns:
        The model, and the loss before each update, (steps,).

    Raises:
        TypeError, ValueError: as `fit`.
        FloatingPointError: the loss became NaN or infinite; the message names the step.
    """
    X64, dtype = _as_samples(X)
    r = _as_integer(r)
    if not 1 <= r <= X64.shape[1]:
        raise ValueError(f"r = {r}; expected 1 to {X64.shape[1]}, the number of features")
    device = training.device(device)
    X = X64.to(device, dtype)
    model = LinearAutoencoder(X.shape[1], r, torch.Generator().manual_seed(seed)).to(device, dtype)
    optimiser = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum, nesterov=momentum > 0)
    losses = torch.empty(steps, device=device, dtype=dtype)

    progress = training.Progress(steps, "linear autoencoder")
    for step in progress:
        if on_step is not None:
            on_step(step, model)
        loss = squared_error(X, model(X))
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        losses[step] = loss.detach()
        progress.report(loss)
    return model, losses


def _as_integer(r: int) -> int:
    """r as a Python int; NumPy's integers are taken too."""
    if isinstance(r, bool) or not hasattr(r, "__index__"):
        raise TypeError(f"r is {r!r}; expected an integer, the number of components")
    return operator.index(r)


def _as_samples(X: Tensor) -> tuple[Tensor, torch.dtype]:
    """X checked and in float64, and the dtype in which results are returned."""
    if X.is_complex():
        raise TypeError(f"X is {X.dtype}; expected real numbers")
    if X.ndim != 2 or 0 in X.shape:
        raise ValueError(
            f"X has shape {tuple(X.shape)}; expected (n, d) with n, d >= 1: one sample a row. "
            "For images, X.flatten(1)."
        )
    X64 = X.double()
    bad = ~X64.isfinite()
    if bad.any():
        row, column = bad.nonzero()[0].tolist()
        raise ValueError(
            f"X holds {int(bad.sum())} entries that are NaN or infinite, the first in sample {row}, "
            f"feature {column}. Remove or fill them first."
        )
    return X64, X.dtype if X.dtype in (torch.float32, torch.float64) else torch.float32
