"""From noise to data: plain functions, each a published algorithm, with a callback for every step."""

from collections.abc import Callable

import torch
from torch import Tensor

from gentutor.models.ddpm import Network, Variance, p_sample
from gentutor.models.schedules import Schedule

OnStep = Callable[[int, Tensor, Tensor], None]


@torch.no_grad()
def ancestral(
    schedule: Schedule,
    network: Network,
    x_T: Tensor,
    *,
    variance: Variance = "beta",
    clip: float | None = None,
    seed: int = 0,
    on_step: OnStep | None = None,
) -> Tensor:
    """x_{t-1} ~ p_θ(x_{t-1} | x_t) for t = T ... 1, without noise at t = 1: Ho et al. (2020), algorithm 2.

    Args:
        schedule: of as many steps as are taken: `schedule.respaced(n)` takes fewer.
        network: ε_θ(x_t, t).
        x_T: (B, ...), draws from N(0, I).
        variance, clip: as `p_mean_variance`.
        seed: of the noise of the steps.
        on_step: called with t, x_t and x̂_0(x_t, t) before each step, from t = T down to 1.

    Returns:
        x_0, (B, ...).
    """
    generator = torch.Generator(x_T.device).manual_seed(seed)
    schedule = schedule.to(x_T.device)
    x = x_T
    for step in range(schedule.T, 0, -1):
        t = torch.full((len(x),), step, device=x.device)
        z = torch.randn(x.shape, generator=generator, device=x.device, dtype=x.dtype)
        before, x_0 = p_sample(schedule, network, x, t, z, variance=variance, clip=clip)
        if on_step is not None:
            on_step(step, x, x_0)
        x = before
    return x
