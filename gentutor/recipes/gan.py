"""The shipped generators: what each was trained on, how, and what is measured on its samples.

`gentutor train gan NAME` and `gentutor train wgan NAME` run one of them and write its weights and its record.
"""

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gentutor import data, weights
from gentutor import train as training
from gentutor.data import toy
from gentutor.metrics import classifier
from gentutor.metrics.modes import modes, reverse_kl
from gentutor.models import gan, wgan
from gentutor.recipes import pictures
from gentutor.recipes.vae import machine

POINTS = 2_500  # as Srivastava et al. (2017), section 4.1
KNOWN_POINTS = 100_000  # that a generator of points learns from


@dataclass(frozen=True)
class Recipe:
    """One run.

    Attributes:
        data: "mnist", or the name of a law in `gentutor.data.toy`.
        network: of `gan.NETWORKS`.
        generator, opponent: the arguments of the two networks.
        training: the arguments of `gan.train` or `wgan.train`.
        half: whether the weights are stored in half precision; the figures are of what is stored.
    """

    data: str
    network: str
    generator: dict[str, Any]
    opponent: dict[str, Any]
    training: dict[str, Any]
    half: bool = False


POINTS_NETWORK = {"hidden": (128, 128, 128), "scale": 4.0}

RECIPES = {
    "gan": {
        "mnist": Recipe(
            "mnist",
            "dcgan",
            {"k": 64, "width": 32},
            {"width": 32},
            {"steps": 16_000, "batch_size": 128, "lr": 2e-4, "decay": True},
            half=True,
        ),
    },
    "wgan": {
        "grid": Recipe(
            "gaussian_grid",
            "mlp",
            {"k": 2} | POINTS_NETWORK,
            POINTS_NETWORK,
            {"steps": 20_000, "n_critic": 2, "penalty": 1.0, "batch_size": 128, "lr": 2e-3, "decay": True},
        ),
    },
}


def run(
    family: str,
    name: str,
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    steps: int | None = None,
    device: str | torch.device = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
) -> dict[str, Any] | None:
    """Trains the recipe `name` of a family, measures its samples, and writes weights and record to `path`.

    Args:
        family: "gan" or "wgan".
        seed: of the starting weights, batches, codes and points.
        steps: another number than the recipe's.
        checkpoint: as `gan.train`.

    Returns:
        The record; None where the run was interrupted, and nothing but the checkpoint was written.
    """
    recipe = RECIPES[family][name]
    device = training.device(device)
    asked = recipe.training | ({"steps": steps} if steps else {})
    X = known(recipe.data, seed).to(device)
    make_generator, make_opponent = gan.NETWORKS[recipe.network]
    G, opponent = make_generator(**recipe.generator, seed=seed), make_opponent(**recipe.opponent, seed=seed)

    began = time.perf_counter()
    trainers: dict[str, Callable[..., Tensor]] = {"gan": gan.train, "wgan": wgan.train}
    curve = trainers[family](G, opponent, X, **asked, seed=seed, device=device, checkpoint=checkpoint)
    seconds = training.seconds_taken(checkpoint) if checkpoint else time.perf_counter() - began
    if not curve.isfinite().all():
        return None

    state = {
        key: value.half() if recipe.half and value.is_floating_point() else value
        for key, value in G.state_dict().items()
    }
    G.load_state_dict(state)
    record = {
        "command": f"gentutor train {family} {name} --seed {seed}" + (f" --steps {steps}" if steps else ""),
        "data": recipe.data,
        "network": recipe.network,
        "model": G.settings,
        "opponent": recipe.opponent,
        "training": asked,
        "seed": seed,
        "seconds": round(seconds),
        "machine": machine(device),
        "figures": figures_of_points(G) if recipe.network == "mlp" else figures_of_pictures(G),
        "curve": [[round(value, 4) for value in row] for row in thinned(curve).tolist()],
    }
    weights.write(path, state, record)
    return record


def known(name: str, seed: int = 0) -> Tensor:
    """What is learned from: pictures in [-1, 1], or points drawn from their law."""
    if name == "mnist":
        return 2 * data.load("mnist").x - 1
    law = getattr(toy, name)
    points: Tensor = law(KNOWN_POINTS, torch.Generator().manual_seed(seed))[0]
    return points


def thinned(curve: Tensor, most: int = 200) -> Tensor:
    """Means over stretches of a curve, (steps, c) -> (at most `most`, c)."""
    return torch.stack([stretch.mean(0) for stretch in torch.split(curve, math.ceil(len(curve) / most))])


def figures_of_points(G: gan.Generator) -> dict[str, float]:
    """Modes covered and the share of good samples among 2,500 points of the grid of 25 Gaussians."""
    found = modes(G.sample(POINTS).cpu(), toy.gaussian_grid_centres(), toy.GAUSSIAN_GRID_SIGMA)
    return {"modes": found.covered, "share": round(found.share, 4)}


def figures_of_pictures(G: gan.Generator) -> dict[str, float]:
    """What 10,000 pictures of G are measured by, beside those of a test set, a Gaussian fit and noise.

    - frechet, precision, recall: as `pictures.Quality`; frechet_test, frechet_gaussian, frechet_noise;
    - classes: how many of the ten the classifier sees; reverse_kl: over them, in nats.
    """
    device = next(G.parameters()).device
    found = pictures.quality({"gan": (G.sample(pictures.NUMBER) + 1) / 2} | pictures.yardsticks(device))
    ours, counts = found["gan"], torch.tensor(found["gan"].counts)
    reference = classifier.pretrained("classifier_mnist")[1]
    figures = {"frechet": ours.frechet}
    figures |= {f"frechet_{row}": found[row].frechet for row in ("test", "gaussian", "noise")}
    figures |= {"classes": int((counts > 0).sum()), "reverse_kl": reverse_kl(counts, reference.counts)}
    figures |= {"precision": ours.precision, "recall": ours.recall}
    return {key: round(value, 4) for key, value in figures.items()}
