"""The Kullback-Leibler divergence and the evidence lower bound, in worlds where both are known exactly.

For any q, log p(x) = ELBO(q) + KL(q(z|x) || p(z|x)). The linear Gaussian model has every term in closed
form. In a Gaussian mixture z is the number of a cluster, and EM raises the ELBO by q and by the parameters
in turn.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from gentutor import train as training
from gentutor.models import gaussian

# ---------------------------------------------------------------------------- finite distributions


def entropy(p: Tensor, base: float = math.e) -> Tensor:
    """H(p) = -sum_k p_k log p_k, where 0 log 0 = 0: (..., K) -> (...), in nats, or in bits for base 2.

    Raises:
        ValueError: p is no distribution: negative, or its sum is not 1.
    """
    _require_distribution(p)
    return -torch.xlogy(p, p).sum(-1) / math.log(base)


def cross_entropy(p: Tensor, q: Tensor, base: float = math.e) -> Tensor:
    """H_c(p, q) = -sum_k p_k log q_k: the mean length of messages drawn from p in the best code for q.

    Args:
        p, q: (..., K), distributions. Where q_k = 0 < p_k the value is infinite.
        base: e for nats, 2 for bits.

    Raises:
        ValueError: p or q is no distribution.
    """
    _require_distribution(p)
    _require_distribution(q)
    return -torch.xlogy(p, q).sum(-1) / math.log(base)


def kl(p: Tensor, q: Tensor, base: float = math.e) -> Tensor:
    """KL(p || q) = sum_k p_k log(p_k / q_k) = H_c(p, q) - H(p): arguments and errors of `cross_entropy`."""
    return cross_entropy(p, q, base) - entropy(p, base)


def _require_distribution(p: Tensor) -> None:
    if not ((p >= 0).all() and ((p.sum(-1) - 1).abs() < 1e-6).all()):
        raise ValueError("expected a distribution: numbers of at least 0 with the sum 1 along the last axis")


# ---------------------------------------------------------------------------- linear Gaussian model


@dataclass(frozen=True)
class LinearGaussian:
    """p(z) = N(0, I), p(x|z) = N(W z + b, σ² I): a code of k numbers, an observation of d.

    Tipping and Bishop (1999) call it probabilistic PCA. Below x is (..., d) and z is (..., k), values are
    (...) in nats, and q(z|x) = N(m, S) is any Gaussian.

    Attributes:
        W: (d, k).
        b: (d,).
        sigma2: the noise's variance σ², above 0.
    """

    W: Tensor
    b: Tensor
    sigma2: float

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x|z)."""
        error = (x - z @ self.W.T - self.b).square().sum(-1)
        return -(len(self.b) * math.log(2 * math.pi * self.sigma2) + error / self.sigma2) / 2

    def log_joint(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x, z) = log p(x|z) + log p(z)."""
        return self.log_likelihood(x, z) + gaussian.log_density_diagonal(
            z, torch.zeros_like(z), torch.zeros_like(z)
        )

    def evidence(self, x: Tensor) -> Tensor:
        """log p(x) = log N(x; b, W W^T + σ² I): the integral over z, exactly."""
        noise = self.sigma2 * torch.eye(len(self.b), dtype=self.W.dtype)
        return gaussian.log_density(x, self.b, self.W @ self.W.T + noise)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """m (..., k) and S (k, k) of p(z|x) = N(m, S): S^-1 = I + W^T W / σ², m = S W^T (x - b) / σ²."""
        precision = torch.eye(self.W.shape[1], dtype=self.W.dtype) + self.W.T @ self.W / self.sigma2
        S = torch.linalg.inv(precision)
        return (x - self.b) @ self.W @ S / self.sigma2, S

    def elbo_terms(self, x: Tensor, m: Tensor, S: Tensor) -> tuple[Tensor, Tensor]:
        """E_q[log p(x|z)] and KL(q(z|x) || p(z)), whose difference is the ELBO; m (..., k), S (..., k, k).

        E_q ||x - Wz - b||² = ||x - Wm - b||² + tr W S W^T: the error at the mean, and what q's spread adds.
        """
        spread = ((self.W @ S) * self.W).sum((-2, -1))  # tr W S W^T
        reconstruction = self.log_likelihood(x, m) - spread / (2 * self.sigma2)
        return reconstruction, gaussian.kl(m, S, torch.zeros_like(m), torch.eye(m.shape[-1], dtype=m.dtype))

    def elbo(self, x: Tensor, m: Tensor, S: Tensor) -> Tensor:
        """ELBO = E_q[log p(x|z)] - KL(q(z|x) || p(z)), exactly."""
        reconstruction, divergence = self.elbo_terms(x, m, S)
        return reconstruction - divergence

    def log_weights(self, x: Tensor, m: Tensor, L: Tensor, eps: Tensor) -> Tensor:
        """log p(x, z) - log q(z|x) at z = m + L eps: its mean over eps ~ N(0, I) estimates the ELBO.

        Args:
            x: (d,).
            m: (k,).
            L: (k, k), lower triangular, S = L L^T.
            eps: (n, k).

        Returns:
            (n,).
        """
        z = m + eps @ L.T  # (n, k): reparameterised, so gradients reach m and L
        return self.log_joint(x, z) - gaussian.log_density(z, m, L @ L.T)


def fit(
    model: LinearGaussian,
    x: Tensor,
    *,
    diagonal: bool = False,
    samples: int | None = None,
    steps: int = 400,
    lr: float = 0.05,
    seed: int = 0,
) -> tuple[Tensor, Tensor, Tensor]:
    """argmax over q = N(m, L L^T) of the ELBO at one x, by Adam from the prior, m = 0 and L = I.

    Args:
        x: (d,).
        diagonal: whether q is held to independent coordinates ("mean field": Blei et al. 2017).
        samples: draws of z in each step's estimate; None takes the closed form.
        steps, lr: of the ascent.
        seed: of the draws.

    Returns:
        m (k,), S (k, k), and the exact ELBO before each step, (steps,).

    Raises:
        ValueError: x is not one observation of finite numbers.
    """
    if x.shape != model.b.shape or not x.isfinite().all():
        raise ValueError(f"x is {x}; expected one observation, {len(model.b)} finite numbers")
    k = model.W.shape[1]
    generator = torch.Generator().manual_seed(seed)
    m = torch.zeros(k, dtype=model.W.dtype, requires_grad=True)
    log_scale = torch.zeros(k, dtype=model.W.dtype, requires_grad=True)  # L's diagonal, kept positive by exp
    below = torch.zeros(k, k, dtype=model.W.dtype, requires_grad=True)  # L below its diagonal
    free = [m, log_scale] if diagonal else [m, log_scale, below]
    optimiser = torch.optim.Adam(free, lr=lr, maximize=True)
    elbos = torch.empty(steps, dtype=model.W.dtype)

    progress = training.Progress(steps, "ELBO ascent")
    for step in progress:
        L = log_scale.exp().diag() + below.tril(-1)
        objective = exact = model.elbo(x, m, L @ L.T)
        if samples is not None:
            eps = torch.randn(samples, k, generator=generator, dtype=m.dtype)
            objective = model.log_weights(x, m, L, eps).mean()
        optimiser.zero_grad()
        objective.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        elbos[step] = exact.detach()
        progress.report(-exact)
    L = (log_scale.exp().diag() + below.tril(-1)).detach()
    return m.detach(), L @ L.T, elbos


# --------------------------------------------------------------------------------- Gaussian mixture


@dataclass(frozen=True)
class Mixture:
    """p(z = k) = π_k, p(x | z = k) = N(x; μ_k, Σ_k). Samples X are (n, d), one a row.

    Attributes:
        pi: (K,), positive, with the sum 1.
        mu: (K, d).
        Sigma: (K, d, d).
    """

    pi: Tensor
    mu: Tensor
    Sigma: Tensor

    def log_joint(self, X: Tensor) -> Tensor:
        """log p(x_i, z = k) = log π_k + log N(x_i; μ_k, Σ_k): (n, d) -> (n, K)."""
        return self.pi.log() + gaussian.log_density(X[:, None], self.mu, self.Sigma)

    def evidence(self, X: Tensor) -> Tensor:
        """sum_i log p(x_i) = sum_i log sum_k p(x_i, z = k): (n, d) -> ()."""
        return self.log_joint(X).logsumexp(1).sum()

    def elbo(self, X: Tensor, R: Tensor) -> Tensor:
        """sum_i sum_k R_ik (log p(x_i, z = k) - log R_ik), R_ik = q(z = k | x_i): (n, d), (n, K) -> ()."""
        return (R * self.log_joint(X)).sum() - torch.xlogy(R, R).sum()


def e_step(mixture: Mixture, X: Tensor) -> tuple[Tensor, Tensor]:
    """argmax over q of the ELBO: R_ik = p(z = k | x_i). Returns R (n, K) and the ELBO, now the evidence."""
    R = mixture.log_joint(X).softmax(1)
    return R, mixture.elbo(X, R)


def m_step(X: Tensor, R: Tensor) -> tuple[Mixture, Tensor]:
    """argmax over π, μ, Σ of the ELBO: shares, means and covariances weighted by R (n, K), and the ELBO.

    Raises:
        ValueError: a cluster has shrunk to a point or a line, where the likelihood has no maximum.
    """
    n_k = R.sum(0)  # (K,): how many samples each cluster answers for
    mu = R.T @ X / n_k[:, None]
    apart = X[:, None] - mu  # (n, K, d)
    Sigma = torch.einsum("nk,nki,nkj->kij", R, apart, apart) / n_k[:, None, None]
    mixture = Mixture(n_k / len(X), mu, Sigma)
    return mixture, mixture.elbo(X, R)


def em(X: Tensor, mixture: Mixture, steps: int) -> tuple[Mixture, Tensor]:
    """Coordinate ascent on the ELBO from `mixture`: E step, M step, and so on (Neal and Hinton 1998).

    Returns:
        The mixture after the last M step, and the ELBO after each half step, (2 steps,), which never falls.
    """
    elbos = []
    for _ in range(steps):
        R, after_e = e_step(mixture, X)
        mixture, after_m = m_step(X, R)
        elbos += [after_e, after_m]
    return mixture, torch.stack(elbos)
