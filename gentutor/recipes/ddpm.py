"""The shipped diffusion model: what it was trained on, how, and what is measured on its samples.

`gentutor train ddpm NAME` runs a recipe and writes its weights and its record.
"""

import os
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

from gentutor import data, weights
from gentutor import train as training
from gentutor.models import ddpm, gan, samplers, vae
from gentutor.models.schedules import SCHEDULES, Schedule
from gentutor.recipes import pictures
from gentutor.recipes.gan import thinned
from gentutor.recipes.vae import machine

AT_ONCE = 250  # pictures that are sampled together
SHOWN, FRAMES = 16, 11  # chains that are kept with their way, and how many x_t of each
KEPT = 100  # samples that are shipped


@dataclass(frozen=True)
class Recipe:
    """One run.

    Attributes:
        data: "mnist".
        network, model: of `ddpm.NETWORKS`, and its arguments.
        schedule, schedule_settings: of `schedules.SCHEDULES`, and its arguments.
        training: the arguments of `ddpm.train`.
        sampling: the number of steps, and the arguments of `samplers.ancestral`.
    """

    data: str
    network: str
    model: dict[str, Any]
    schedule: str
    schedule_settings: dict[str, Any]
    training: dict[str, Any]
    sampling: dict[str, Any]


RECIPES = {
    "mnist": Recipe(
        "mnist",
        "unet",
        {"widths": (64, 128), "blocks": (1, 1), "patch": 2},
        "cosine",
        {"T": 1000},
        {"steps": 15_000, "batch_size": 64, "lr": 1e-3, "ema": 0.999},
        {"steps": 100, "variance": "posterior", "clip": 1.0},
    ),
}


def run(
    name: str,
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    steps: int | None = None,
    device: str | torch.device = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
) -> dict[str, Any] | None:
    """Trains the recipe `name`, measures 10,000 samples, and writes weights, samples and record to `path`.

    Args:
        seed: of the starting weights, batches, times, noise and samples.
        steps: another number of steps of Adam than the recipe's.
        checkpoint: as `ddpm.train`.

    Returns:
        The record; None where the run was interrupted, and nothing but the checkpoint was written.
    """
    recipe = RECIPES[name]
    device = training.device(device)
    bf16 = training.fast_bf16(device)
    asked = recipe.training | ({"steps": steps} if steps else {})
    network = ddpm.NETWORKS[recipe.network](**recipe.model, seed=seed)
    schedule = SCHEDULES[recipe.schedule](**recipe.schedule_settings)
    X = 2 * data.load(recipe.data).x.to(device) - 1

    began = time.perf_counter()
    losses = ddpm.train(
        network, X, schedule, **asked, bf16=bf16, seed=seed, device=device, checkpoint=checkpoint
    )
    seconds = training.seconds_taken(checkpoint) if checkpoint else time.perf_counter() - began
    if not losses.isfinite().all():
        return None

    state = {key: value.half() for key, value in network.state_dict().items()}
    network.load_state_dict(state)  # what is measured is what is stored
    network.eval()
    try:
        began = time.perf_counter()
        samples, chains = sample(network, schedule, recipe.sampling, pictures.NUMBER, seed=seed, bf16=bf16)
        sampling_seconds = time.perf_counter() - began
        rows = {"ddpm": samples} | others(device) | pictures.yardsticks(device)
        table = {row: found.rounded() for row, found in pictures.quality(rows).items()}
        for row, found in table.items():
            found["nearest"] = round(pictures.to_nearest(rows[row]), 4)
    except KeyboardInterrupt:  # training is over, and its checkpoint kept
        return None
    record = {
        "command": f"gentutor train ddpm {name} --seed {seed}" + (f" --steps {steps}" if steps else ""),
        "data": recipe.data,
        "network": recipe.network,
        "model": network.settings,
        "schedule": recipe.schedule,
        "schedule_settings": recipe.schedule_settings,
        "training": asked,
        "sampling": recipe.sampling,
        "bf16": bf16,
        "seed": seed,
        "seconds": round(seconds),
        "sampling_seconds": round(sampling_seconds),
        "machine": machine(device),
        "figures": {key: value for key, value in table["ddpm"].items() if key != "counts"},
        "quality": table,
        "curve": [[round(value, 5)] for value in thinned(losses[:, None]).flatten().tolist()],
    }
    kept = {"samples": samples[:KEPT], "chains": chains}
    weights.write(path, state | {key: as_bytes(value) for key, value in kept.items()}, record)
    return record


def sample(
    network: nn.Module,
    schedule: Schedule,
    sampling: dict[str, Any],
    n: int,
    *,
    seed: int = 0,
    bf16: bool = False,
) -> tuple[Tensor, Tensor]:
    """n pictures in [0, 1], (n, 1, 28, 28), and the way of the first few, (2, 11, 16, 1, 28, 28).

    The two are x_t and x̂_0; the last of the eleven is x_0.
    """
    device = next(network.parameters()).device
    respaced = schedule.respaced(sampling["steps"]).to(device)
    arguments = {key: value for key, value in sampling.items() if key != "steps"}
    generator = torch.Generator(device).manual_seed(seed)
    frames = torch.linspace(respaced.T, 0, FRAMES).round().tolist()
    way: list[Tensor] = []

    def keep(t: int, x_t: Tensor, x_0: Tensor) -> None:
        if t in frames and len(way) < FRAMES - 1:
            way.append(torch.stack([x_t[:SHOWN], x_0[:SHOWN]]))

    made: list[Tensor] = []
    batches = [AT_ONCE] * (n // AT_ONCE) + [n % AT_ONCE] * (n % AT_ONCE > 0)
    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
        for k, size in enumerate(tqdm(batches, desc="samples", disable=None)):
            x_T = torch.randn(size, 1, 28, 28, generator=generator, device=device)
            made.append(
                samplers.ancestral(respaced, network, x_T, **arguments, seed=seed + 1 + k, on_step=keep)
            )
    x_0 = torch.cat(made)
    way.append(torch.stack([x_0[:SHOWN]] * 2))
    return ((x_0 + 1) / 2).clamp(0, 1), ((torch.stack(way, dim=1) + 1) / 2).clamp(0, 1)


def others(device: torch.device) -> dict[str, Tensor]:
    """10,000 digits each of the shipped DCGAN and VAE, in [0, 1]."""
    G = gan.pretrained("gan_mnist")[0].to(device)
    V = vae.pretrained("vae_mnist-50")[0].to(device)
    return {
        "gan": (G.sample(pictures.NUMBER) + 1) / 2,
        "vae": V.sample(pictures.NUMBER).view(-1, 1, 28, 28),
    }


def as_bytes(x: Tensor) -> Tensor:
    """Grey values of [0, 1] as whole numbers of 0 ... 255."""
    return (255 * x).round().to(torch.uint8)
