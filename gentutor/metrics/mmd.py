"""Maximum mean discrepancy with a Gaussian kernel, and its permutation test (Gretton et al. 2012)."""

import torch
from torch import Tensor


def mmd2(x: Tensor, y: Tensor, bandwidth: float | None = None) -> float:
    """MMD²_u = E[k(x, x')] + E[k(y, y')] - 2 E[k(x, y)], k(a, b) = exp(-||a - b||² / (2 h²)), x' != x.

    Unbiased, so that it may be below 0: Gretton et al. (2012), lemma 6.

    Args:
        x, y: (n, d) and (m, d), at least two samples each.
        bandwidth: h; None takes the median distance within x and y together.

    Raises:
        ValueError: shapes do not fit, or values are not finite.
    """
    K = _kernel(x, y, bandwidth)
    return float(_statistics(K, _members(len(x), len(K), K)[None])[0])


def mmd_test(
    x: Tensor, y: Tensor, bandwidth: float | None = None, *, permutations: int = 999, seed: int = 0
) -> float:
    """The p-value of MMD²_u where x and y have one law: the share of relabellings that give as much or more.

    p = (1 + #{MMD²_u of a relabelling >= MMD²_u}) / (1 + permutations): exact at every level that is a
    multiple of 1 / (1 + permutations), whatever the law. Arguments as `mmd2`; seed draws the relabellings.
    """
    K = _kernel(x, y, bandwidth)
    n, N = len(x), len(K)
    generator = torch.Generator().manual_seed(seed)
    picks = [torch.randperm(N, generator=generator)[:n] for _ in range(permutations)]
    A = torch.zeros(permutations + 1, N, dtype=K.dtype, device=K.device)
    A[0] = _members(n, N, K)
    A[1:].scatter_(1, torch.stack(picks).to(K.device), 1.0)
    statistics = _statistics(K, A)
    rounding = 1e-9 * float(K.mean())  # equal samples give equal values, whatever the order of the sum
    return (1 + int((statistics[1:] >= statistics[0] - rounding).sum())) / (1 + permutations)


def _kernel(x: Tensor, y: Tensor, bandwidth: float | None) -> Tensor:
    """k between all pairs of x and y together, (n + m, n + m), with 0 on the diagonal: x' != x."""
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(f"x and y have shapes {tuple(x.shape)}, {tuple(y.shape)}; expected (n, d), (m, d)")
    both = torch.cat([x, y]).double()
    if not both.isfinite().all():
        raise ValueError("x or y holds NaN or infinity")
    distance = torch.cdist(both, both, compute_mode="donot_use_mm_for_euclid_dist")
    if bandwidth is None:
        bandwidth = float(distance[*torch.triu_indices(len(both), len(both), 1)].median())
    if bandwidth <= 0:
        raise ValueError(f"the bandwidth is {bandwidth}; expected a number above 0 (are all samples equal?)")
    return (distance / bandwidth).square().div(-2).exp().fill_diagonal_(0)


def _members(n: int, N: int, K: Tensor) -> Tensor:
    return (torch.arange(N, device=K.device) < n).to(K.dtype)


def _statistics(K: Tensor, A: Tensor) -> Tensor:
    """MMD²_u for every row of A (P, N), 1 for those called x and 0 for those called y: (P,)."""
    n = int(A[0].sum())
    m = len(K) - n
    rows = A @ K  # (P, N)
    xx, xy = (rows * A).sum(1), (rows * (1 - A)).sum(1)
    yy = K.sum() - xx - 2 * xy
    return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2 * xy / (n * m)
