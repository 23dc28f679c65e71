"""The earth mover's distance W_1 between two sets of samples of one size, exactly."""

import torch
from scipy.optimize import linear_sum_assignment  # type: ignore[import-untyped]
from torch import Tensor


def w1_sorted(x: Tensor, y: Tensor) -> Tensor:
    """W_1 = n^-1 sum_i |x_(i) - y_(i)| on the line: sand is moved without crossing. (n,), (n,) -> ().

    Gradients flow to both. Raises ValueError where the shapes do not fit.
    """
    if x.ndim != 1 or x.shape != y.shape or len(x) == 0:
        raise ValueError(f"x and y have shapes {tuple(x.shape)}, {tuple(y.shape)}; expected (n,), (n,)")
    return (x.sort().values - y.sort().values).abs().mean()


def w1_assignment(x: Tensor, y: Tensor) -> tuple[float, Tensor]:
    """W_1 = min over permutations s of n^-1 sum_i ||x_i - y_s(i)||, and the s that attains it.

    For sets of one size some optimal plan is a permutation (Birkhoff's theorem). The time grows as n³: up to
    some 2,000 points.

    Args:
        x, y: (n, d).

    Returns:
        W_1 and s, (n,), int64.

    Raises:
        ValueError: the shapes do not fit.
    """
    if x.ndim != 2 or x.shape != y.shape or len(x) == 0:
        raise ValueError(f"x and y have shapes {tuple(x.shape)}, {tuple(y.shape)}; expected (n, d), (n, d)")
    cost = torch.cdist(x.double(), y.double(), compute_mode="donot_use_mm_for_euclid_dist").cpu()
    rows, columns = linear_sum_assignment(cost.numpy())
    s = torch.from_numpy(columns)
    return float(cost[torch.from_numpy(rows), s].mean()), s
