"""The shipped VAEs: what each was trained on, how, and what is measured on it.

`gentutor train vae NAME` runs one of them and writes its weights and its record.
"""

import math
import os
import platform
import time
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gentutor import data, weights
from gentutor import train as training
from gentutor.models import vae


@dataclass(frozen=True)
class Recipe:
    """One run: `model` and `training` are the arguments of `vae.VAE` and `vae.train`.

    Attributes:
        data: the name of the data set.
        samples: importance samples of the test's log-likelihood; 0 where only the ELBO is measured.
        half: whether the weights are stored in half precision; the figures are of what is stored.
    """

    data: str
    model: dict[str, Any]
    training: dict[str, Any]
    samples: int = 0
    half: bool = False


# On 8 x 8 pixels of 17 grey levels the cross-entropy buys a code of some 4 nats, whatever its length; a
# Gaussian whose variance is learned makes use of every further dimension.
DIGITS_MODEL = {"hidden": (200,), "likelihood": "gaussian"}
DIGITS_TRAINING = {"epochs": 300, "batch_size": 64, "lr": 2e-3, "decay": True}

RECIPES = {
    "mnist-50": Recipe(
        "mnist",
        {"k": 50, "hidden": (400, 400)},
        {"epochs": 700, "batch_size": 128, "lr": 1e-3, "decay": True, "binarize": True},
        samples=5000,
        half=True,
    ),
    "mnist-2": Recipe(
        "mnist",
        {"k": 2, "hidden": (400, 400), "activation": "relu"},
        {"epochs": 150, "batch_size": 128, "lr": 1e-3, "decay": True},
        half=True,
    ),
    **{f"digits-{k}": Recipe("digits", DIGITS_MODEL | {"k": k}, DIGITS_TRAINING) for k in (2, 5, 10, 20)},
}


def run(
    name: str,
    path: str | os.PathLike[str],
    *,
    seed: int = 0,
    epochs: int | None = None,
    device: str | torch.device = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
) -> dict[str, Any] | None:
    """Trains the recipe `name`, measures it on test data, and writes weights and record to `path`.

    Args:
        seed: of the starting weights, the order, the noise and the pixels.
        epochs: another number than the recipe's.
        checkpoint: as `vae.train`.

    Returns:
        The record; None where the run was interrupted, and nothing but the checkpoint was written.
    """
    recipe = RECIPES[name]
    device = training.device(device)
    asked = recipe.training | ({"epochs": epochs} if epochs else {})
    X, X_test = (data.load(recipe.data, split).x.flatten(1).to(device) for split in ("train", "test"))
    model = vae.VAE(X.shape[1], **recipe.model, seed=seed)

    began = time.perf_counter()
    terms = vae.train(model, X, **asked, seed=seed, device=device, checkpoint=checkpoint)
    seconds = training.seconds_taken(checkpoint) if checkpoint else time.perf_counter() - began
    if not terms.isfinite().all():
        return None

    state = {key: value.half() if recipe.half else value for key, value in model.state_dict().items()}
    model.load_state_dict({key: value.float() for key, value in state.items()})
    if asked.get("binarize"):
        X_test = binarized(X_test)
    found = figures(model, X_test, recipe.samples)
    if not all(map(math.isfinite, found.values())):
        return None
    record = {
        "command": f"gentutor train vae {name} --seed {seed}" + (f" --epochs {epochs}" if epochs else ""),
        "data": recipe.data,
        "model": model.settings,
        "training": asked,
        "seed": seed,
        "seconds": round(seconds),
        "machine": machine(device),
        "figures": found,
        "curve": [[round(value, 2) for value in row] for row in terms.tolist()],
    }
    weights.write(path, state, record)
    return record


def binarized(X: Tensor, seed: int = 0) -> Tensor:
    """Pixels that are 1 with their grey value as the probability, the same under one seed on any device."""
    return torch.bernoulli(X.cpu(), generator=torch.Generator().manual_seed(seed)).to(X.device)


@torch.no_grad()
def figures(model: vae.VAE, X: Tensor, samples: int) -> dict[str, float]:
    """What is measured on test samples X, (n, d): the two terms of the ELBO, and -log p(x), in nats."""
    generator = torch.Generator(X.device).manual_seed(0)
    eps = torch.randn(len(X), model.k, generator=generator, device=X.device)
    reconstruction, kl = model.elbo_terms(X, eps)
    found = {"reconstruction": reconstruction.mean(), "kl": kl.mean(), "elbo": (reconstruction - kl).mean()}
    if samples:
        found["negative_log_likelihood"] = -model.log_evidence(X, samples).mean()
    return {key: round(float(value), 3) for key, value in found.items()}


def machine(device: torch.device) -> str:
    """The kind of machine that a run took place on."""
    kind = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine()
    threads = "" if device.type == "cuda" else f", {torch.get_num_threads()} threads"
    return f"{kind}{threads}, torch {torch.__version__}"
