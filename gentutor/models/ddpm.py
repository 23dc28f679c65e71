"""Denoising diffusion probabilistic models (Ho et al. 2020): noise is added to data step by step, and a
network learns to take it off again.

Index t is the paper's: x_0 is data, x_T nearly noise. Pictures are in [-1, 1]. A network is any function
ε_θ(x_t, t) of x_t, (B, ...), and t, (B,), that returns the noise in x_t; it is told `schedule.timesteps[t]`.
x, t and the schedule lie on one device: `Schedule.to`.
"""

import copy
import math
import os
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, silu
from torch.special import log_ndtr

from gentutor import train as training
from gentutor import weights
from gentutor.models.schedules import SCHEDULES, Schedule
from gentutor.models.unet import UNet, time_embedding

Network = Callable[[Tensor, Tensor], Tensor]
Variance = Literal["beta", "posterior"]

# ------------------------------------------------------------------------------ the forward process


def q_sample(schedule: Schedule, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
    """x_t = √α̅_t x_0 + √(1 - α̅_t) ε, ε ~ N(0, I): Ho et al. (2020), equation 4.

    Args:
        x_0, eps: (B, ...), of one shape.
        t: (B,), int64 in 0 ... T; 0 leaves the data as they are.

    Returns:
        (B, ...).

    Raises:
        ValueError: ε has another shape than x_0, or t is not (B,).
    """
    if eps.shape != x_0.shape:
        raise ValueError(f"eps has shape {tuple(eps.shape)} and x_0 {tuple(x_0.shape)}; expected the same")
    return _at(schedule.alphas_cumprod.sqrt(), t, x_0) * x_0 + _at(_noise(schedule), t, x_0) * eps


def q_posterior_mean_variance(
    schedule: Schedule, x_0: Tensor, x_t: Tensor, t: Tensor
) -> tuple[Tensor, Tensor]:
    """q(x_{t-1} | x_t, x_0) = N(μ̃_t, β̃_t I): Ho et al. (2020), equations 6 and 7.

    μ̃_t = √α̅_{t-1} β_t / (1 - α̅_t) x_0 + √α_t (1 - α̅_{t-1}) / (1 - α̅_t) x_t,
    β̃_t = (1 - α̅_{t-1}) / (1 - α̅_t) β_t.

    Args:
        x_0, x_t: (B, ...).
        t: (B,), int64 in 1 ... T.

    Returns:
        The mean, (B, ...), and the variance, (B, 1, ...), which is 0 at t = 1.
    """
    kept, before = schedule.alphas_cumprod, schedule.alphas_cumprod.roll(1)  # α̅_t, α̅_{t-1}
    of_x_0 = before.sqrt() * schedule.betas / (1 - kept)
    of_x_t = schedule.alphas.sqrt() * (1 - before) / (1 - kept)
    mean = _at(of_x_0, t, x_0) * x_0 + _at(of_x_t, t, x_t) * x_t
    return mean, _at(schedule.posterior_variance, t, x_t)


def predict_x0_from_eps(schedule: Schedule, x_t: Tensor, t: Tensor, eps: Tensor) -> Tensor:
    """x̂_0 = (x_t - √(1 - α̅_t) ε) / √α̅_t: Ho et al. (2020), equation 15."""
    return (x_t - _at(_noise(schedule), t, x_t) * eps) / _at(schedule.alphas_cumprod.sqrt(), t, x_t)


def predict_eps_from_x0(schedule: Schedule, x_t: Tensor, t: Tensor, x_0: Tensor) -> Tensor:
    """ε = (x_t - √α̅_t x_0) / √(1 - α̅_t), for t of at least 1: the same equation, solved for ε."""
    return (x_t - _at(schedule.alphas_cumprod.sqrt(), t, x_t) * x_0) / _at(_noise(schedule), t, x_t)


def _noise(schedule: Schedule) -> Tensor:
    return (1 - schedule.alphas_cumprod).sqrt()


def _at(values: Tensor, t: Tensor, x: Tensor) -> Tensor:
    """values[t] for each sample, computed in float64, to multiply x with: (B, 1, ...) of x's dtype."""
    if t.shape != x.shape[:1]:
        raise ValueError(f"t has shape {tuple(t.shape)}; expected ({len(x)},), a time for each sample")
    return values[t].to(x).view(-1, *[1] * (x.ndim - 1))


# ------------------------------------------------------------------------------ the reverse process


def p_mean_variance(
    schedule: Schedule,
    network: Network,
    x_t: Tensor,
    t: Tensor,
    *,
    variance: Variance = "beta",
    clip: float | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """p_θ(x_{t-1} | x_t) = N(μ_θ(x_t, t), σ_t² I): Ho et al. (2020), equations 1 and 11.

    μ_θ = μ̃_t(x_t, x̂_0) = (x_t - β_t / √(1 - α̅_t) ε_θ(x_t, t)) / √α_t, where x̂_0 is not clipped.

    Args:
        x_t: (B, ...).
        t: (B,), int64 in 1 ... T.
        variance: σ_t² = β_t, which is best for data from N(0, I), or β̃_t, which is best for data at one point
            (section 3.2). At t = 1, where β̃_1 = 0, the latter takes β̃_2, as Ho et al. do.
        clip: x̂_0 is cut to [-clip, clip], which is right for pictures alone; None leaves it.

    Returns:
        μ_θ, (B, ...), σ_t², (B, 1, ...), and x̂_0, (B, ...).
    """
    eps = network(x_t, schedule.timesteps[t])
    x_0 = predict_x0_from_eps(schedule, x_t, t, eps)
    if clip is not None:
        x_0 = x_0.clamp(-clip, clip)
    mean, _ = q_posterior_mean_variance(schedule, x_0, x_t, t)
    if variance == "beta":
        sigma2 = schedule.betas
    elif variance == "posterior":
        sigma2 = schedule.posterior_variance.clone()
        sigma2[1] = sigma2[2] if schedule.T > 1 else schedule.betas[1]
    else:
        raise ValueError(f'variance is {variance!r}; expected "beta" or "posterior"')
    return mean, _at(sigma2, t, x_t), x_0


def p_sample(
    schedule: Schedule,
    network: Network,
    x_t: Tensor,
    t: Tensor,
    z: Tensor,
    *,
    variance: Variance = "beta",
    clip: float | None = None,
) -> tuple[Tensor, Tensor]:
    """x_{t-1} = μ_θ(x_t, t) + σ_t z, at t = 1 the mean alone: Ho et al. (2020), algorithm 2, lines 3 and 4.

    Args:
        x_t, z: (B, ...); z from N(0, I).
        t: (B,), int64 in 1 ... T.
        variance, clip: as `p_mean_variance`.

    Returns:
        x_{t-1} and x̂_0(x_t, t), (B, ...) each.
    """
    mean, sigma2, x_0 = p_mean_variance(schedule, network, x_t, t, variance=variance, clip=clip)
    sigma = sigma2.sqrt() * (t > 1).view_as(sigma2)  # at t = 1 noise would only blur the picture
    return mean + sigma * z, x_0


# --------------------------------------------------------------------------------------- the losses


def simple_loss(schedule: Schedule, network: Network, x_0: Tensor, t: Tensor, eps: Tensor) -> Tensor:
    """L_simple = E ||ε - ε_θ(√α̅_t x_0 + √(1 - α̅_t) ε, t)||², as a mean over all numbers of the batch.

    Ho et al. (2020), equation 14.

    Args:
        x_0, eps: (B, ...).
        t: (B,), int64 in 1 ... T, drawn for each sample.

    Returns:
        (); 1 for a network that answers 0, whatever the shape of x_0.
    """
    x_t = q_sample(schedule, x_0, t, eps)
    return mse_loss(network(x_t, schedule.timesteps[t]).to(eps), eps)


@torch.no_grad()
def bound(
    schedule: Schedule,
    network: Network,
    x_0: Tensor,
    *,
    levels: int | None = None,
    variance: Variance = "beta",
    clip: float | None = None,
    seed: int = 0,
) -> Tensor:
    """-log p(x_0) <= L_0 + ... + L_T, term by term, in bits per dimension: Ho et al. (2020), equation 5.

    L_0 = -log p_θ(x_0 | x_1), L_{t-1} = KL(q(x_{t-1} | x_t, x_0) || p_θ(x_{t-1} | x_t)),
    L_T = KL(q(x_T | x_0) || N(0, I)); each x_t is drawn once from q(x_t | x_0).

    Args:
        x_0: (B, ...), d numbers a sample.
        levels: how many values, evenly spread over [-1, 1], a number of x_0 can have; L_0 is then the
            probability of the cell around it (equation 13). None takes x_0 as real numbers, and L_0 as a
            density, whose bits depend on the unit.
        variance, clip: as `p_mean_variance`.
        seed: of the noise.

    Returns:
        (B, T + 1): L_0, ..., L_T. Their sum is the bound; times d log 2 it is in nats.

    Raises:
        ValueError: levels is below 2.
    """
    if levels is not None and levels < 2:
        raise ValueError(f"levels is {levels}; expected at least 2, or None for real numbers")
    schedule = schedule.to(x_0.device)
    generator = torch.Generator(x_0.device).manual_seed(seed)
    B, d = len(x_0), x_0[0].numel()
    terms = []
    for step in range(1, schedule.T + 1):
        t = torch.full((B,), step, device=x_0.device)
        eps = torch.randn(x_0.shape, generator=generator, device=x_0.device, dtype=x_0.dtype)
        x_t = q_sample(schedule, x_0, t, eps)
        mean, sigma2, _ = p_mean_variance(schedule, network, x_t, t, variance=variance, clip=clip)
        if step == 1:
            term = -_log_cell(x_0, mean, sigma2, levels)
        else:
            target, target_variance = q_posterior_mean_variance(schedule, x_0, x_t, t)
            ratio = target_variance / sigma2
            term = ((target - mean).square() / sigma2 + ratio - 1 - ratio.log()) / 2
        terms.append(term.flatten(1).sum(1))
    kept = schedule.alphas_cumprod[-1].to(x_0)
    last = (kept * x_0.square() - kept - torch.log1p(-kept)) / 2  # KL(N(√α̅ x_0, 1 - α̅) || N(0, 1))
    terms.append(last.flatten(1).sum(1))
    return torch.stack(terms, dim=1) / (d * math.log(2))


def _log_cell(x: Tensor, mean: Tensor, variance: Tensor, levels: int | None) -> Tensor:
    """log N(x; mean, variance), or log of the probability of x's cell; the outer cells reach to infinity."""
    if levels is None:
        return -((x - mean).square() / variance + variance.log() + math.log(2 * math.pi)) / 2
    half = 1 / (levels - 1)
    away, sigma = x.double() - mean.double(), variance.double().sqrt()
    low = ((away - half) / sigma).where(x > half - 1, -torch.inf)
    high = ((away + half) / sigma).where(x < 1 - half, torch.inf)
    mirrored = low + high > 0  # far above the mean both logarithms would be 0, and their difference lost
    low, high = torch.where(mirrored, -high, low), torch.where(mirrored, -low, high)
    log_low, log_high = log_ndtr(low), log_ndtr(high)
    log_probability: Tensor = log_high + torch.expm1(log_low - log_high).neg().log()
    return log_probability.to(variance.dtype)


# ------------------------------------------------------------------------------ a network for points


class MLP(nn.Module):
    """ε_θ(x_t, t) for points: layers as wide as each other, each told the time, with shortcuts.

    Args:
        d: numbers in a point.
        width: of the hidden layers, even.
        depth: hidden layers after the first.
        seed: draws the starting weights; the global random state is left alone.
    """

    def __init__(self, d: int = 2, width: int = 128, depth: int = 3, seed: int = 0) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {"d": d, "width": width, "depth": depth}
        self.width = width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.first = nn.Linear(d, width)
            self.time = nn.Linear(width, width)
            self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
            self.last = nn.Linear(width, d)
        nn.init.zeros_(self.last.weight)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        """x_t: (B, d), t: (B,) -> (B, d)."""
        e = self.time(time_embedding(t, self.width).to(x_t.dtype))  # (B, width)
        h = self.first(x_t)
        for layer in self.hidden:
            h = h + layer(silu(h + e))
        y: Tensor = self.last(silu(h))
        return y


NETWORKS: dict[str, Callable[..., nn.Module]] = {"mlp": MLP, "unet": UNet}

# ----------------------------------------------------------------------------------------- training


def train(
    network: nn.Module,
    X: Tensor,
    schedule: Schedule,
    *,
    steps: int,
    batch_size: int = 128,
    lr: float = 1e-3,
    decay: bool = True,
    ema: float = 0.999,
    bf16: bool = False,
    seed: int = 0,
    device: str | torch.device = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
    on_step: Callable[[int, nn.Module], None] | None = None,
) -> Tensor:
    """min over θ of L_simple, t ~ U{1 ... T}: Ho et al. (2020), algorithm 1, by Adam.

    The network is trained in place, left on `device`, and ends with the running average of its weights, as in
    the paper's appendix B: the average samples better than the last weights.

    Args:
        X: (n, ...), the data; every batch is drawn anew from it.
        steps, batch_size, lr: of Adam.
        decay: whether the learning rate falls to 0 along a straight line.
        ema: the weight of the past in the average; less in the first steps, which would be mostly the start.
        bf16: whether the network computes in bfloat16; its weights and the loss stay in float32.
        seed: of batches, times and noise.
        device: "auto" is a GPU where there is one.
        checkpoint: a file to go on from and to keep the state in; the same values come out as without a stop.
        on_step: called with the number of steps done and the network as it learns, after each.

    Returns:
        The loss at each step, (steps,); NaN where the run did not get to.

    Raises:
        ValueError: there are no data, or the checkpoint is of another run.
        FloatingPointError: the loss became NaN or infinite.
    """
    if len(X) == 0:
        raise ValueError(f"X has shape {tuple(X.shape)}; expected data")
    device = training.device(device)
    network.to(device).train()
    X, schedule = X.to(device), schedule.to(device)
    average = copy.deepcopy(network).requires_grad_(False)
    generator = torch.Generator(device).manual_seed(seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=lr, fused=True)
    losses = torch.full((steps,), math.nan, device=device)
    saved = None
    if checkpoint is not None:
        asked = {"steps": steps, "batch_size": batch_size, "lr": lr, "decay": decay, "ema": ema}
        asked |= {"bf16": bf16, "seed": seed, "n": len(X), "T": schedule.T}
        asked |= {"alphas_cumprod_T": float(schedule.alphas_cumprod[-1])}
        asked |= {f"network.{key}": value for key, value in vars(network).get("settings", {}).items()}
        saved = training.Checkpoint(
            checkpoint, asked, network=network, average=average, optimiser=optimiser,
            generator=generator, losses=losses,
        )  # fmt: skip

    progress = training.Progress(steps, "DDPM", saved)
    for step in progress:
        if decay:
            optimiser.param_groups[0]["lr"] = lr * (1 - step / steps)
        x_0 = X[torch.randint(len(X), (batch_size,), generator=generator, device=device)]
        t = torch.randint(1, schedule.T + 1, (batch_size,), generator=generator, device=device)
        eps = torch.randn(x_0.shape, generator=generator, device=device, dtype=X.dtype)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            loss = simple_loss(schedule, network, x_0, t, eps)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        new = max(1 - ema, 9 / (10 + step))  # the share of this step's weights
        with torch.no_grad():  # else a graph would grow from step to step
            torch._foreach_lerp_(list(average.parameters()), list(network.parameters()), new)

        losses[step] = loss.detach()
        progress.report(loss)
        if on_step is not None:
            on_step(step + 1, network)
    network.load_state_dict(network.state_dict() | dict(average.named_parameters()))
    return losses


def pretrained(name: str | os.PathLike[str]) -> tuple[nn.Module, Schedule, dict[str, Any]]:
    """A trained network, its schedule, and the record of its run: `ddpm_mnist`, or the path of a file that
    `gentutor train ddpm` wrote. It is in evaluation mode.

    Raises:
        ValueError: there are no such weights.
    """
    state, record = weights.read(name)
    state = {key: value for key, value in state.items() if key not in ("samples", "chains")}
    network = NETWORKS[record["network"]](**record["model"])
    network.load_state_dict(state)
    return network.eval(), SCHEDULES[record["schedule"]](**record["schedule_settings"]), record
