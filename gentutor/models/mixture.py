"""Mixtures of Gaussians: data whose every x_t has a law in closed form, and hence an exact noise predictor.

A sampler that is driven by that predictor must give back the data's law: what it does not give back is the
sampler's own mistake, since nothing was learned.
"""

import math

import torch
from torch import Tensor

from gentutor.models.schedules import Schedule

LOG_2PI = math.log(2 * math.pi)


class GaussianMixture:
    """p(x) = Σ_k w_k N(x; m_k, S_k). One component makes it a Gaussian.

    Args:
        weights: w, (K,), above 0 and of sum 1.
        means: m, (K, d).
        covariances: S, (K, d, d), symmetric, positive definite.

    Raises:
        ValueError: shapes do not fit, weights do not add up to 1, or a covariance is not positive definite.
    """

    def __init__(self, weights: Tensor, means: Tensor, covariances: Tensor) -> None:
        K, d = means.shape if means.ndim == 2 else (0, 0)
        if K == 0 or weights.shape != (K,) or covariances.shape != (K, d, d):
            raise ValueError(
                f"weights, means and covariances are {tuple(weights.shape)}, {tuple(means.shape)} and "
                f"{tuple(covariances.shape)}; expected (K,), (K, d) and (K, d, d)"
            )
        if not (weights > 0).all() or abs(float(weights.double().sum()) - 1) > 1e-5:
            raise ValueError(f"weights is {weights.tolist()}; expected numbers above 0 that add up to 1")
        # Diagonal in the basis U_k, every α̅ S_k + (1 - α̅) I is: no factorisation at each step.
        variances, U = torch.linalg.eigh(covariances)
        if not (variances > 0).all():
            raise ValueError("a covariance is not positive definite: its eigenvalues must all be above 0")
        self.weights, self.means, self.covariances = weights, means, covariances
        self._variances, self._U = variances, U  # (K, d), (K, d, d)

    @classmethod
    def isotropic(cls, centres: Tensor, sigma: float) -> "GaussianMixture":
        """p(x) = 1/K Σ_k N(x; c_k, σ² I), c (K, d): as `toy.eight_gaussians` and `toy.gaussian_grid`."""
        K, d = centres.shape
        cov = sigma**2 * torch.eye(d, dtype=centres.dtype, device=centres.device)
        return cls(centres.new_full((K,), 1 / K), centres, cov.expand(K, d, d))

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """n draws, (n, d)."""
        k = torch.multinomial(self.weights, n, replacement=True, generator=generator)
        z = torch.randn(
            n, self.means.shape[1], generator=generator, dtype=self.means.dtype, device=self.means.device
        )
        root = self._U * self._variances.sqrt()[:, None, :]  # U Λ^(1/2)
        x: Tensor = self.means[k] + (root[k] @ z[..., None])[..., 0]
        return x

    def log_density(self, x: Tensor) -> Tensor:
        """log p(x), in nats: (B, d) -> (B,)."""
        one = x.new_ones(len(x), 1, 1)
        return self._in_bases(x, one)[0].logsumexp(1)

    def eps(self, schedule: Schedule, x_t: Tensor, t: Tensor) -> Tensor:
        """E[ε | x_t] = -√(1 - α̅_t) ∇ log q(x_t), the best prediction of the noise in squared error.

        q(x_t) = Σ_k w_k N(√α̅_t m_k, α̅_t S_k + (1 - α̅_t) I). The equality: Vincent (2011), section 4; in
        these letters Dhariwal and Nichol (2021), equation 11.

        Args:
            x_t: (B, d).
            t: (B,), 1 ... T.

        Returns:
            (B, d).
        """
        kept = schedule.alphas_cumprod[t].to(x_t)[:, None, None]  # α̅_t: (B, 1, 1)
        log_joint, precise = self._in_bases(x_t, kept)
        share = log_joint.softmax(1)  # of each component in what made x_t: (B, K)
        score = -torch.einsum("bk,kde,bke->bd", share, self._U, precise)
        return -(1 - kept[:, 0]).sqrt() * score

    def _in_bases(self, x: Tensor, kept: Tensor) -> tuple[Tensor, Tensor]:
        """log w_k N(x; √α̅ m_k, C_k) and U_k^T C_k^-1 (x - √α̅ m_k), C = α̅ S + (1 - α̅) I: (B, K), (B, K, d)."""
        away = x[:, None] - kept.sqrt() * self.means  # (B, K, d)
        y = torch.einsum("ked,bke->bkd", self._U, away)
        variances = kept * self._variances + (1 - kept)
        log_normal = -(LOG_2PI + variances.log() + y.square() / variances).sum(-1) / 2
        return self.weights.log() + log_normal, y / variances


class ExactNoise:
    """ε*(x_t, t) = E[ε | x_t] for data from a mixture, to be used as a network: the best that any can be.

    Args:
        weights, means, covariances: of the `GaussianMixture`.
        betas: β_1 ... β_T, (T,), of the `Schedule`.
    """

    def __init__(self, weights: Tensor, means: Tensor, covariances: Tensor, betas: Tensor) -> None:
        self.mixture, self.schedule = GaussianMixture(weights, means, covariances), Schedule(betas)

    def __call__(self, x_t: Tensor, t: Tensor) -> Tensor:
        """x_t: (B, d), t: (B,), 1 ... T -> (B, d)."""
        return self.mixture.eps(self.schedule, x_t, t)
