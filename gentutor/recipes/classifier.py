"""The shipped classifier in whose features pictures are measured: `gentutor train classifier NAME`."""

import os
import time
from typing import Any

import torch

from gentutor import data, weights
from gentutor import train as training
from gentutor.metrics import classifier
from gentutor.metrics.frechet import moments
from gentutor.recipes.vae import machine

RECIPES: dict[str, dict[str, Any]] = {"mnist": {"epochs": 8, "batch_size": 128, "lr": 1e-3}}


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

    Arguments and result as `gentutor.recipes.vae.run`.
    """
    asked = RECIPES[name] | ({"epochs": epochs} if epochs else {})
    device = training.device(device)
    known, test = (data.load(name, split) for split in ("train", "test"))
    model = classifier.Classifier(seed=seed)

    began = time.perf_counter()
    losses = classifier.train(
        model, known.x, known.y, **asked, seed=seed, device=device, checkpoint=checkpoint
    )
    seconds = training.seconds_taken(checkpoint) if checkpoint else time.perf_counter() - began
    if not losses.isfinite().all():
        return None

    state = {key: value.half() for key, value in model.state_dict().items()}
    model.load_state_dict({key: value.float() for key, value in state.items()})
    found = model.measure(test.x.to(device))[1].cpu()
    record = {
        "command": f"gentutor train classifier {name} --seed {seed}"
        + (f" --epochs {epochs}" if epochs else ""),
        "data": name,
        "model": model.settings,
        "training": asked,
        "seed": seed,
        "seconds": round(seconds),
        "machine": machine(device),
        "figures": {"test_accuracy": round(float((found == test.y).double().mean()), 4)},
        "curve": [round(value, 4) for value in losses.tolist()],
    }
    seen = moments(model.measure(known.x.to(device))[0])
    reference = {"mean": seen.mean, "cov": seen.cov, "counts": torch.bincount(known.y, minlength=10)}
    weights.write(path, state | {f"reference.{key}": value for key, value in reference.items()}, record)
    return record
