"""Noise schedules of diffusion models: β_1, ..., β_T, and what follows from them, in float64.

Index t is the papers': x_0 is data and x_T nearly noise. Every tensor has T + 1 entries; entry 0 belongs to
the data, to which no noise was added: β_0 = 0 and α̅_0 = 1.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

COSINE_OFFSET = 0.008  # s of Nichol and Dhariwal (2021), section 3.2
LARGEST_BETA = 0.999  # "to prevent singularities at the end": the same place


class Schedule:
    """q(x_t | x_{t-1}) = N(√(1 - β_t) x_{t-1}, β_t I), t = 1 ... T: Ho et al. (2020), equation 2.

    Args:
        betas: β_1 ... β_T, (T,), each above 0 and below 1.
        timesteps: what a network is told in place of t, (T,); None tells it t. A schedule of fewer steps,
            `respaced`, keeps the steps that the network was trained with.

    Attributes, all (T + 1,) and in float64 but the last:
        betas: β_t.
        alphas: α_t = 1 - β_t.
        alphas_cumprod: α̅_t = α_1 ... α_t, the share of the data's variance that is left in x_t.
        posterior_variance: β̃_t = (1 - α̅_{t-1}) / (1 - α̅_t) β_t (equation 7), which is 0 at t = 1.
        timesteps: int64; 0 at the data.

    Raises:
        ValueError: a β is not above 0 and below 1.
    """

    def __init__(self, betas: Tensor, timesteps: Tensor | None = None) -> None:
        betas = betas.detach().to(torch.float64)
        if betas.ndim != 1 or len(betas) == 0 or not ((betas > 0) & (betas < 1)).all():
            raise ValueError(
                f"betas has shape {tuple(betas.shape)} and reaches from {_end(betas, torch.min)} to "
                f"{_end(betas, torch.max)}; expected (T,), each above 0 and below 1. "
                "Fewer steps with the same noise in the end: see Schedule.respaced"
            )
        T = len(betas)
        if timesteps is None:
            timesteps = torch.arange(1, T + 1, device=betas.device)
        if timesteps.shape != (T,):
            raise ValueError(f"timesteps has shape {tuple(timesteps.shape)}; expected ({T},), one for each β")
        zero = betas.new_zeros(1)
        self.betas = torch.cat([zero, betas])
        self.timesteps = torch.cat([zero.to(timesteps.dtype), timesteps])
        self.alphas = 1 - self.betas
        self.alphas_cumprod = self.alphas.cumprod(0)
        before = torch.cat([zero + 1, self.alphas_cumprod[:-1]])  # α̅_{t-1}
        self.posterior_variance = torch.cat(
            [zero, ((1 - before) / (1 - self.alphas_cumprod))[1:] * betas]  # 0 / 0 at the data
        )

    @property
    def T(self) -> int:
        """The number of steps."""
        return len(self.betas) - 1

    def to(self, device: str | torch.device) -> "Schedule":
        """The same schedule on a device, so that indexing by tensors there waits for nothing."""
        return Schedule(self.betas[1:].to(device), self.timesteps[1:].to(device))

    def respaced(self, steps: int) -> "Schedule":
        """A schedule of fewer steps through the same marginals: β'_i = 1 - α̅_{S_i} / α̅_{S_{i-1}}.

        S_0 = 0 < S_1 < ... < S_steps = T are spread evenly. Nichol and Dhariwal (2021), section 4, who spread
        them from S_1 = 1.

        Raises:
            ValueError: steps is not one of 1 ... T.
        """
        if not 1 <= steps <= self.T:
            raise ValueError(f"steps is {steps}; expected at least 1, and at most the schedule's {self.T}")
        S = torch.linspace(0, self.T, steps + 1, dtype=torch.float64).round().long().to(self.betas.device)
        kept = self.alphas_cumprod[S]
        return Schedule(1 - kept[1:] / kept[:-1], self.timesteps[S[1:]])


def linear(T: int = 1000, beta_1: float = 1e-4, beta_T: float = 0.02) -> Schedule:
    """β_t on a straight line from β_1 to β_T: Ho et al. (2020), section 4, with its ends."""
    return Schedule(torch.linspace(beta_1, beta_T, _steps(T), dtype=torch.float64))


def quadratic(T: int = 1000, beta_1: float = 1e-4, beta_T: float = 0.02) -> Schedule:
    """√β_t on a straight line from √β_1 to √β_T: one of those that Ho et al. (2020), appendix B, tried."""
    return Schedule(torch.linspace(beta_1**0.5, beta_T**0.5, _steps(T), dtype=torch.float64).square())


def cosine(T: int = 1000, s: float = COSINE_OFFSET) -> Schedule:
    """α̅_t = f(t) / f(0), f(t) = cos²((t/T + s) / (1 + s) π/2): Nichol and Dhariwal (2021), equation 17.

    Here β_t = min(1 - α̅_t / α̅_{t-1}, 0.999), so that the last α̅ is that of the cut β, not f(T) / f(0) = 0.
    """
    u = torch.arange(_steps(T) + 1, dtype=torch.float64) / T
    f = ((u + s) / (1 + s) * math.pi / 2).cos().square()
    return Schedule((1 - f[1:] / f[:-1]).clamp(max=LARGEST_BETA))


SCHEDULES: dict[str, Callable[..., Schedule]] = {"linear": linear, "cosine": cosine, "quadratic": quadratic}


def _steps(T: int) -> int:
    if T < 1:
        raise ValueError(f"T is {T}; expected at least one step")
    return T


def _end(betas: Tensor, end: Callable[[Tensor], Tensor]) -> float:
    return float(end(betas)) if betas.numel() else math.nan
