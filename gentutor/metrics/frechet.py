"""The Fréchet distance between Gaussians, and between samples by their means and covariances."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """The mean, (d,), and the covariance, (d, d), of samples, in float64."""

    mean: Tensor
    cov: Tensor


def moments(features: Tensor) -> Moments:
    """Mean and unbiased covariance of (n, d), n >= 2.

    Raises:
        ValueError: there are fewer than two samples, or they are not finite.
    """
    if features.ndim != 2 or len(features) < 2 or not features.isfinite().all():
        raise ValueError(
            f"features have shape {tuple(features.shape)}; expected (n, d), finite, n of at least 2"
        )
    features = features.double()
    return Moments(features.mean(0), features.T.cov().reshape(features.shape[1], -1))


def frechet_distance(p: Moments, q: Moments) -> float:
    """||μ - μ'||² + tr(Σ + Σ' - 2 (Σ Σ')^(1/2)): the square of W_2(N(μ, Σ), N(μ', Σ')).

    Dowson and Landau (1982); on features of a classifier, Heusel et al. (2017). The trace of the root is the
    sum of the roots of the eigenvalues of Σ^(1/2) Σ' Σ^(1/2), which is symmetric; singular covariances are
    no special case. An estimate from n samples lies above the truth by some d/n times the features' spread.
    """
    values, vectors = torch.linalg.eigh(p.cov)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ q.cov @ root).clamp(min=0).sqrt().sum()
    distance = (p.mean - q.mean).square().sum() + p.cov.trace() + q.cov.trace() - 2 * cross
    return float(distance.clamp(min=0))  # rounding may leave it a little below 0
