"""Wasserstein GANs: a critic f that is nearly 1-Lipschitz, by clipping (Arjovsky et al. 2017) or by a penalty
on its gradient (Gulrajani et al. 2017), and G that moves its samples up f.

W_1(p, q) = max over 1-Lipschitz f of E_p[f(x)] - E_q[f(x)] (Kantorovich and Rubinstein). The networks are
those of `gentutor.models.gan`; what is a discriminator's logit there is the critic's value here.
"""

import math
import os
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from gentutor import train as training
from gentutor.models.gan import Generator


def gradient_norms(critic: nn.Module, x: Tensor) -> Tensor:
    """||∇_x f(x)||_2 over all numbers of a sample: (n, ...) -> (n,). Gradients flow on to f's weights.

    The slope of the norm is taken as 0 where the gradient is 0.
    """
    x = x.detach().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    norms: Tensor = torch.linalg.vector_norm(slope.flatten(1), dim=1)
    return norms


def gradient_penalty(critic: nn.Module, x_real: Tensor, x_fake: Tensor, eps: Tensor) -> Tensor:
    """E[(||∇f(x̂)||_2 - 1)²] at x̂ = eps x + (1 - eps) x̃: Gulrajani et al. (2017), equation 3.

    Args:
        critic: gives one number a sample that depends on that sample alone: no batch norm (section 4).
        x_real, x_fake: x and x̃, (n, ...).
        eps: (n,), drawn from U[0, 1], one for each sample.

    Returns:
        (), to be multiplied by λ and added to the critic's loss.
    """
    eps = eps.view(-1, *[1] * (x_real.ndim - 1))
    return (gradient_norms(critic, eps * x_real + (1 - eps) * x_fake) - 1).square().mean()


@torch.no_grad()
def clip_weights(critic: nn.Module, c: float) -> None:
    """Every weight w of f becomes min(max(w, -c), c): Arjovsky et al. (2017), algorithm 1, line 7."""
    for weight in critic.parameters():
        weight.clamp_(-c, c)


def train(
    G: Generator,
    critic: nn.Module,
    X: Tensor,
    *,
    steps: int,
    n_critic: int = 5,
    penalty: float = 10.0,
    clip: float | None = None,
    batch_size: int = 64,
    lr: float = 1e-4,
    betas: tuple[float, float] = (0.0, 0.9),
    decay: bool = False,
    seed: int = 0,
    device: str | torch.device = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
    on_step: Callable[[int, Generator, nn.Module], None] | None = None,
) -> Tensor:
    """min over G, max over 1-Lipschitz f of E[f(x)] - E[f(G(z))]: Gulrajani et al. (2017), algorithm 1.

    The defaults are the paper's. Both networks are trained in place and left on `device`.

    Args:
        X: (n, ...), the data; every batch is drawn anew from it.
        steps: steps of G.
        n_critic: steps of f before each step of G.
        penalty: λ, the weight of the gradient penalty; 0 leaves it out.
        clip: c, to which weights are clipped after each step of f; None leaves them.
        batch_size, lr, betas: of both.
        decay: whether the learning rate falls to 0 along a straight line.
        seed: of batches, codes and eps.
        device: "auto" is a GPU where there is one.
        checkpoint: a file to go on from and to keep the state in; the same values come out as without a stop.
        on_step: called with the number of steps done, G and f, after each.

    Returns:
        After each step of G, from its last batch: E[f(x)] - E[f(G(z))], which estimates W_1 where f is good,
        and the penalty without its weight, (steps, 2); NaN where the run did not get to.

    Raises:
        ValueError: there are no data, or the checkpoint is of another run.
        FloatingPointError: the critic's loss became NaN or infinite.
    """
    if len(X) == 0 or n_critic < 1:
        raise ValueError(
            f"X has shape {tuple(X.shape)}, n_critic is {n_critic}; expected data, and n_critic of at least 1"
        )
    device = training.device(device)
    G.to(device).train()
    critic.to(device).train()
    X = X.to(device)
    generator = torch.Generator(device).manual_seed(seed)
    G_optimiser = torch.optim.Adam(G.parameters(), lr=lr, betas=betas, fused=True)
    f_optimiser = torch.optim.Adam(critic.parameters(), lr=lr, betas=betas, fused=True)
    curve = torch.full((steps, 2), math.nan, device=device)
    saved = None
    if checkpoint is not None:
        asked: dict[str, Any] = {
            "steps": steps,
            "n_critic": n_critic,
            "penalty": penalty,
            "clip": clip,
            "seed": seed,
        }
        asked |= {"batch_size": batch_size, "lr": lr, "betas": list(betas), "decay": decay, "n": len(X)}
        saved = training.Checkpoint(
            checkpoint, asked | {f"G.{key}": value for key, value in G.settings.items()},
            G=G, critic=critic, G_optimiser=G_optimiser, f_optimiser=f_optimiser,
            generator=generator, curve=curve,
        )  # fmt: skip

    def codes() -> Tensor:
        return torch.randn(batch_size, G.k, generator=generator, device=device, dtype=X.dtype)

    progress = training.Progress(steps, "WGAN", saved)
    for step in progress:
        if decay:
            for optimiser in (G_optimiser, f_optimiser):
                optimiser.param_groups[0]["lr"] = lr * (1 - step / steps)

        for _ in range(n_critic):
            x_real = X[torch.randint(len(X), (batch_size,), generator=generator, device=device)]
            with torch.no_grad():
                x_fake = G(codes())
            f_real, f_fake = critic(torch.cat([x_real, x_fake])).chunk(2)
            W = f_real.mean() - f_fake.mean()
            GP = torch.zeros_like(W)
            if penalty:
                eps = torch.rand(batch_size, generator=generator, device=device, dtype=X.dtype)
                GP = gradient_penalty(critic, x_real, x_fake, eps)
            f_optimiser.zero_grad()
            (penalty * GP - W).backward()
            f_optimiser.step()
            if clip is not None:
                clip_weights(critic, clip)

        critic.requires_grad_(False)  # the slope goes through f, and leaves f alone
        G_optimiser.zero_grad()
        (-critic(G(codes())).mean()).backward()
        G_optimiser.step()
        critic.requires_grad_(True)

        curve[step] = torch.stack([W, GP]).detach()
        progress.report(W + GP)
        if on_step is not None:
            on_step(step + 1, G, critic)
    return curve
