"""Gaussian log-densities, entropies and divergences in closed form, in nats.

"Full" functions take a covariance matrix; "diagonal" ones take the logarithms of the variances, as networks
give them. Leading axes are batches and broadcast. Gradients flow through all of them.
"""

import math

import torch
from torch import Tensor

LOG_2PI = math.log(2 * math.pi)


def log_density(x: Tensor, mean: Tensor, cov: Tensor) -> Tensor:
    """log N(x; mean, cov) = -1/2 (d log 2π + log det cov + (x - mean)^T cov^-1 (x - mean)).

    Args:
        x, mean: (..., d).
        cov: (..., d, d), positive definite; its lower triangle is read.

    Returns:
        (...), in nats.

    Raises:
        ValueError: cov is not positive definite, or the shapes do not fit.
    """
    L = _cholesky(cov)
    _require_last(x - mean, L.shape[-1])
    whitened: Tensor = torch.linalg.solve_triangular(L, (x - mean)[..., None], upper=False)[
        ..., 0
    ]  # (..., d)
    return -(L.shape[-1] * LOG_2PI + _log_det(L) + whitened.square().sum(-1)) / 2


def log_density_diagonal(x: Tensor, mu: Tensor, log_var: Tensor) -> Tensor:
    """log N(x; mu, diag σ²) = -1/2 sum_i (log 2π + log σ_i² + (x_i - μ_i)² / σ_i²), log_var = log σ².

    Args:
        x, mu, log_var: (..., d).

    Returns:
        (...), in nats: summed over the d coordinates.
    """
    return -(LOG_2PI + log_var + (x - mu).square() * (-log_var).exp()).sum(-1) / 2


def entropy(cov: Tensor) -> Tensor:
    """H(N(m, cov)) = 1/2 (d (1 + log 2π) + log det cov), whatever m: (..., d, d) -> (...), in nats.

    Raises:
        ValueError: cov is not positive definite.
    """
    return (cov.shape[-1] * (1 + LOG_2PI) + _log_det(_cholesky(cov))) / 2


def kl(mean_q: Tensor, cov_q: Tensor, mean_p: Tensor, cov_p: Tensor) -> Tensor:
    """KL(N(m, S) || N(m', S')) = 1/2 (tr S'^-1 S + (m' - m)^T S'^-1 (m' - m) - d + log det S' / det S).

    Args:
        mean_q, mean_p: (..., d): m and m'.
        cov_q, cov_p: (..., d, d): S and S', positive definite.

    Returns:
        (...), in nats.

    Raises:
        ValueError: a covariance is not positive definite, or the shapes do not fit.
    """
    L_q, L_p = _cholesky(cov_q), _cholesky(cov_p)
    _require_last(mean_p - mean_q, L_p.shape[-1])
    _require_last(L_q, L_p.shape[-1])
    trace = _solve(L_p, L_q).square().sum((-2, -1))  # tr S'^-1 S
    distance = _solve(L_p, (mean_p - mean_q)[..., None]).square().sum((-2, -1))
    return (trace + distance - L_p.shape[-1] + _log_det(L_p) - _log_det(L_q)) / 2


def kl_diagonal(
    mu_q: Tensor, log_var_q: Tensor, mu_p: Tensor | float = 0.0, log_var_p: Tensor | float = 0.0
) -> Tensor:
    """KL(N(μ, diag σ²) || N(μ', diag σ'²)) = 1/2 sum_i ((σ_i² + (μ_i - μ'_i)²) / σ'_i² - 1 - log σ_i²/σ'_i²).

    The defaults are the standard normal, where it is 1/2 sum_i (σ_i² + μ_i² - 1 - log σ_i²): Kingma and
    Welling (2014), appendix B.

    Args:
        mu_q, log_var_q: (..., d): μ and log σ².
        mu_p, log_var_p: (..., d), or numbers: μ' and log σ'².

    Returns:
        (...), in nats: summed over the d coordinates.
    """
    precision = (-log_var_p).exp() if isinstance(log_var_p, Tensor) else math.exp(-log_var_p)
    log_ratio = log_var_q - log_var_p
    distance = (mu_q - mu_p).square() * precision
    terms: Tensor = log_ratio.exp() + distance - 1 - log_ratio
    return terms.sum(-1) / 2


def _cholesky(cov: Tensor) -> Tensor:
    """The lower L with L L^T = cov."""
    if cov.ndim < 2 or cov.shape[-1] != cov.shape[-2]:
        raise ValueError(f"the covariance has shape {tuple(cov.shape)}; expected (..., d, d)")
    factor = torch.linalg.cholesky_ex(cov)
    L: Tensor = factor.L
    if (factor.info != 0).any() or not L.isfinite().all():
        raise ValueError(
            "a covariance is not positive definite: its eigenvalues must all be above 0. "
            "Is it a standard deviation with a sign, or did a cluster shrink to a point?"
        )
    return L


def _log_det(L: Tensor) -> Tensor:
    """log det L L^T."""
    diagonal: Tensor = L.diagonal(dim1=-2, dim2=-1)
    return 2 * diagonal.log().sum(-1)


def _solve(L: Tensor, B: Tensor) -> Tensor:
    """L^-1 B, for a lower triangular L."""
    solved: Tensor = torch.linalg.solve_triangular(L, B, upper=False)
    return solved


def _require_last(values: Tensor, d: int) -> None:
    if values.shape[-1] != d:
        raise ValueError(f"{values.shape[-1]} coordinates, but the covariance is {d} by {d}")
