"""What nearest neighbours tell: precision and recall of samples, and whether they are copies of data."""

import torch
from torch import Tensor


def nearest(x: Tensor, X: Tensor, k: int = 1, *, at_once: int = 1000) -> tuple[Tensor, Tensor]:
    """Distances to the k rows of X that are nearest to each row of x, ascending, and their indices.

    Args:
        x: (n, d).
        X: (m, d), m >= k.
        at_once: how many rows of x are compared at a time.

    Returns:
        (n, k) and (n, k), int64.

    Raises:
        ValueError: shapes do not fit.
    """
    if x.ndim != 2 or X.ndim != 2 or x.shape[1] != X.shape[1] or not 1 <= k <= len(X):
        raise ValueError(
            f"x, X and k are {tuple(x.shape)}, {tuple(X.shape)}, {k}; expected (n, d), (m, d), k <= m"
        )
    found = [torch.cdist(some, X).topk(k, largest=False) for some in torch.split(x, at_once)]
    return torch.cat([f.values for f in found]), torch.cat([f.indices for f in found])


def precision_recall(fake: Tensor, real: Tensor, k: int = 3) -> tuple[float, float]:
    """The share of samples that lie among data, and the share of data that lie among samples.

    A point lies among others where it is in the ball about one of them that reaches to that one's k-th
    nearest neighbour of its own kind. Kynkäänniemi et al. (2019), equations 1 and 2.

    Args:
        fake, real: (n, d) and (m, d): numbers, or features of pictures.
        k: the paper's 3.

    Returns:
        Precision, recall.

    Raises:
        ValueError: shapes do not fit, or there are not more than k of each.
    """
    if min(len(fake), len(real)) <= k:
        raise ValueError(f"there are {len(fake)} and {len(real)} samples; expected more than k = {k} of each")
    return _share_within(fake, real, k), _share_within(real, fake, k)


def _share_within(x: Tensor, support: Tensor, k: int, at_once: int = 1000) -> float:
    radius = nearest(support, support, k + 1)[0][:, k]  # each is its own nearest
    within = [(torch.cdist(some, support) <= radius).any(1) for some in torch.split(x, at_once)]
    return float(torch.cat(within).double().mean())
