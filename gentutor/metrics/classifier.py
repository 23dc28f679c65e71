"""A small classifier of digits, whose features pictures are measured in."""

import math
import os
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from gentutor import train as training
from gentutor import weights
from gentutor.metrics.frechet import Moments


class Classifier(nn.Module):
    """p(y|x) = softmax(W f(x) + b)_y over ten classes, with features f(x) from two convolutions.

    Args:
        features: numbers in f(x).
        seed: draws the starting weights; the global random state is left alone.
    """

    def __init__(self, features: int = 64, seed: int = 0) -> None:
        super().__init__()
        self.settings: dict[str, Any] = {"features": features}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.to_features = nn.Sequential(
                nn.Conv2d(1, 32, 5, stride=2, padding=2), nn.ReLU(),  # (n, 1, 28, 28) -> (n, 32, 14, 14)
                nn.Conv2d(32, 64, 5, stride=2, padding=2), nn.ReLU(),  # (n, 64, 7, 7)
                nn.Flatten(), nn.Dropout(0.25), nn.Linear(64 * 7 * 7, features),
            )  # fmt: skip
            self.to_logits = nn.Sequential(nn.ReLU(), nn.Dropout(0.25), nn.Linear(features, 10))

    def forward(self, x: Tensor) -> Tensor:
        """Pictures in [0, 1], (n, 1, 28, 28), to logits, (n, 10)."""
        logits: Tensor = self.to_logits(self.to_features(x))
        return logits

    @torch.no_grad()
    def measure(self, x: Tensor, *, at_once: int = 1000) -> tuple[Tensor, Tensor]:
        """Features and classes of pictures: (n, 1, 28, 28) in [0, 1] -> (n, features), (n,) int64.

        Raises:
            ValueError: x holds no pictures of 28 x 28 in [0, 1].
        """
        if x.ndim != 4 or x.shape[1:] != (1, 28, 28) or len(x) == 0 or not ((x >= 0) & (x <= 1)).all():
            raise ValueError(
                f"x has shape {tuple(x.shape)}; expected (n, 1, 28, 28) with values in [0, 1]. "
                "Samples of a generator that ends in tanh are brought there by (x + 1) / 2"
            )
        was_training = self.training
        self.eval()
        features = torch.cat([self.to_features(some) for some in torch.split(x, at_once)])
        classes = self.to_logits(features).argmax(1)
        self.train(was_training)
        return features, classes


def train(
    model: Classifier,
    X: Tensor,
    y: Tensor,
    *,
    epochs: int,
    batch_size: int = 128,
    lr: float = 1e-3,
    seed: int = 0,
    device: str | torch.device = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
) -> Tensor:
    """Lowers the mean cross-entropy -log p(y|x) by Adam, at a learning rate that falls to 0 along a line.

    The draws of dropout come from the global random state of the device, under the seed and the step.

    Args:
        X: pictures in [0, 1], (n, 1, 28, 28).
        y: their classes, (n,), int64.
        epochs, batch_size, lr: an epoch takes every picture once, in an order of its own.
        seed: of order and dropout.
        device: "auto" is a GPU where there is one.
        checkpoint: a file to go on from and to keep the state in.

    Returns:
        The mean cross-entropy over each epoch, in nats: (epochs,). Epochs that were not reached are NaN.

    Raises:
        ValueError: the checkpoint is of another run.
        FloatingPointError: the loss became NaN or infinite.
    """
    device = training.device(device)
    model.to(device).train()
    X, y = X.to(device), y.to(device)
    per_epoch = math.ceil(len(X) / batch_size)
    steps = epochs * per_epoch
    optimiser = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    losses = torch.zeros(epochs, device=device)
    saved = None
    if checkpoint is not None:
        asked = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "seed": seed, "n": len(X)}
        saved = training.Checkpoint(
            checkpoint, asked | model.settings, model=model, optimiser=optimiser, losses=losses
        )
    order = torch.empty(0, device=device)
    progress = training.Progress(steps, "classifier", saved)
    for step in progress:
        epoch, batch = divmod(step, per_epoch)
        if batch == 0 or len(order) == 0:
            order = training.shuffled(len(X), epoch, seed, device)
        some = order[batch * batch_size : (batch + 1) * batch_size]
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            torch.manual_seed(1_000_003 * seed + step)
            loss = cross_entropy(model(X[some]), y[some])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.param_groups[0]["lr"] = lr * (1 - step / steps)
        optimiser.step()
        losses[epoch] += loss.detach() * len(some)
        progress.report(loss)
    losses[progress.done // per_epoch :] = math.nan
    return losses / len(X)


@dataclass(frozen=True)
class Reference:
    """What the pictures that a classifier learned from look like in its features, and their classes.

    Attributes:
        moments: the mean and the covariance of the features.
        counts: pictures in each class, (10,).
    """

    moments: Moments
    counts: Tensor


def pretrained(
    name: str | os.PathLike[str] = "classifier_mnist",
) -> tuple[Classifier, Reference, dict[str, Any]]:
    """The shipped classifier, or one that `gentutor train classifier` wrote; what it learned from, as its
    features see it, so that the data need not be at hand; and the record of its run.

    Raises:
        ValueError: there are no such weights.
    """
    state, record = weights.read(name)
    mean, cov, counts = (state.pop(f"reference.{part}") for part in ("mean", "cov", "counts"))
    model = Classifier(**record["model"])
    model.load_state_dict(state)
    return model.eval(), Reference(Moments(mean.double(), cov.double()), counts), record
