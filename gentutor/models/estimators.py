"""Two estimators of the gradient of an expectation, ∇ E_{z ~ N(μ, σ²)}[f(z)] with respect to μ and σ.

Both are right on average; they differ in their variance. Mohamed et al. (2020) survey them.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def reparameterized(f: Callable[[Tensor], Tensor], mu: Tensor, sigma: Tensor, eps: Tensor) -> Tensor:
    """f'(μ + σ eps) and f'(μ + σ eps) eps: the gradient moves inside E_eps, and through f.

    Kingma and Welling (2014), section 2.4.

    Args:
        f: differentiable, applied number by number: (n,) -> (n,).
        mu, sigma: (), sigma above 0.
        eps: (n,), drawn from N(0, 1).

    Returns:
        (n, 2): an estimate of (∂/∂μ, ∂/∂σ) from each draw.
    """
    z = (mu + sigma * eps).detach().requires_grad_()
    (slope,) = torch.autograd.grad(f(z).sum(), z)
    return torch.stack([slope, slope * eps], -1)


def score_function(f: Callable[[Tensor], Tensor], mu: Tensor, sigma: Tensor, eps: Tensor) -> Tensor:
    """f(z) ∇ log N(z; μ, σ²) at z = μ + σ eps, that is f(z) eps/σ and f(z) (eps² - 1)/σ.

    f need not be differentiable: Williams (1992), REINFORCE. Arguments and result as `reparameterized`.
    """
    value = f(mu + sigma * eps)
    return torch.stack([value * eps / sigma, value * (eps.square() - 1) / sigma], -1)
