"""Counting: modes of a mixture that samples reach, and classes that they fall into."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Modes:
    """What samples reach of a mixture with known centres.

    Attributes:
        counts: good samples at each centre, (K,), int64.
        n: all samples, good or not.
    """

    counts: Tensor
    n: int

    @property
    def covered(self) -> int:
        """Modes that at least one good sample reaches."""
        return int((self.counts > 0).sum())

    @property
    def share(self) -> float:
        """Good samples among all."""
        return int(self.counts.sum()) / self.n


def modes(x: Tensor, centres: Tensor, sigma: float, within: float = 3.0) -> Modes:
    """Samples x_i with min_k ||x_i - c_k|| <= 3 σ are good, and count for the centre that they are next to.

    Srivastava et al. (2017), "VEEGAN", section 4.1, and Lin et al. (2018), "PacGAN", section 4.1, who take
    2,500 samples. Of the mixture itself a share of 1 - e^(-9/2) = 0.989 is good in the plane.

    Args:
        x: (n, d).
        centres: (K, d).
        sigma: the standard deviation per coordinate.
        within: how many sigma a good sample may lie off.

    Raises:
        ValueError: there are no samples, they are not finite, or shapes do not fit.
    """
    if x.ndim != 2 or centres.ndim != 2 or x.shape[1] != centres.shape[1] or len(x) == 0:
        raise ValueError(
            f"x and centres have shapes {tuple(x.shape)}, {tuple(centres.shape)}; expected (n, d), (K, d)"
        )
    if not x.isfinite().all():
        raise ValueError("x holds NaN or infinity: the generator that made it has diverged")
    distance, nearest = torch.cdist(x, centres.to(x), compute_mode="donot_use_mm_for_euclid_dist").min(1)
    return Modes(torch.bincount(nearest[distance <= within * sigma], minlength=len(centres)), len(x))


def reverse_kl(counts: Tensor, reference: Tensor) -> float:
    """KL(p_g || p) = sum_y p_g(y) log(p_g(y) / p(y)) over classes, in nats; 0 log 0 = 0.

    It is 0 where classes come in the right shares, and log(K/m) where m of K equal ones come equally often.
    Lin et al. (2018), section 4.2.

    Args:
        counts: of samples in each class, (K,), at least one sample in all.
        reference: counts, or shares, of data in each class, (K,). A class that they lack but samples have
            makes the value infinite.

    Raises:
        ValueError: shapes do not fit, or there is nothing in either.
    """
    if counts.shape != reference.shape or counts.ndim != 1 or counts.sum() <= 0 or reference.sum() <= 0:
        raise ValueError(
            f"counts are {counts.tolist()}, {reference.tolist()}; expected (K,), (K,), not all 0"
        )
    p_g, p = counts.double() / counts.sum(), reference.double() / reference.sum()
    return float((torch.xlogy(p_g, p_g) - torch.xlogy(p_g, p)).sum())
