"""Generative adversarial networks (Goodfellow et al. 2014): G makes samples of noise, D tells them from data.

Codes z are (n, k), drawn from N(0, I); D gives one logit a sample, (n,), with D(x) = sigmoid(logit) the
probability that x is data. Every loss is computed from logits, so that none takes the log of a rounded 0.
"""

import itertools
import math
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from gentutor import train as training
from gentutor import weights

Loss = Literal["minimax", "non_saturating", "least_squares", "wasserstein"]
LOSSES: tuple[Loss, ...] = ("minimax", "non_saturating", "least_squares", "wasserstein")

# --------------------------------------------------------------------------------------- the losses


def discriminator_loss(real: Tensor, fake: Tensor, loss: Loss = "non_saturating") -> Tensor:
    """What D descends on, as a mean over a batch.

    - "minimax" and "non_saturating": -E[log D(x)] - E[log(1 - D(G(z)))], which is -V(D, G) of Goodfellow et
      al. (2014), equation 1, and twice the binary cross-entropy with targets 1 and 0;
    - "least_squares": (E[(D(x) - 1)²] + E[D(G(z))²]) / 2: Mao et al. (2017), equation 2, a = 0, b = 1;
    - "wasserstein": E[D(G(z))] - E[D(x)]: Arjovsky et al. (2017), algorithm 1.

    In the last two D is the number that the network puts out, not its sigmoid.

    Args:
        real: D's logits of data, (n,).
        fake: D's logits of samples of G, (m,).
    """
    if loss in (
        "minimax",
        "non_saturating",
    ):  # -log sigmoid(y) = softplus(-y), -log(1 - sigmoid(y)) = softplus(y)
        return softplus(-real).mean() + softplus(fake).mean()
    if loss == "least_squares":
        return ((real - 1).square().mean() + fake.square().mean()) / 2
    if loss == "wasserstein":
        return fake.mean() - real.mean()
    raise _no_such(loss)


def generator_loss(fake: Tensor, loss: Loss = "non_saturating") -> Tensor:
    """What G descends on, as a mean over a batch; fake holds D's logits of samples of G, (m,).

    - "minimax": E[log(1 - D(G(z)))]. Its slope in the logit is -D: gone where D is sure (it saturates);
    - "non_saturating": -E[log D(G(z))], with the slope D - 1 (Goodfellow et al. 2014, section 3);
    - "least_squares": E[(D(G(z)) - 1)²] / 2: Mao et al. (2017), equation 2, c = 1;
    - "wasserstein": -E[D(G(z))].
    """
    if loss == "minimax":
        return -softplus(fake).mean()
    if loss == "non_saturating":
        return softplus(-fake).mean()
    if loss == "least_squares":
        return (fake - 1).square().mean() / 2
    if loss == "wasserstein":
        return -fake.mean()
    raise _no_such(loss)


def _no_such(loss: str) -> ValueError:
    return ValueError(f"there is no loss {loss!r}. There are {', '.join(LOSSES)}")


# ------------------------------------------------------------------------------------- the networks


class Generator(nn.Module):
    """x = G(z), z ~ N(0, I): one can draw from its law, but not write the density down.

    Attributes:
        k: numbers in a code.
        settings: the arguments that it was built with, as plain values.
    """

    k: int
    settings: dict[str, Any]

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0, *, at_once: int = 1000) -> Tensor:
        """n samples, with batch norm as it is when training is over: (n, ...); at_once are made at a time."""
        weight = next(self.parameters())
        generator = torch.Generator(weight.device).manual_seed(seed)
        z = torch.randn(n, self.k, generator=generator, device=weight.device, dtype=weight.dtype)
        was_training = self.training
        self.eval()
        x = torch.cat([self(some) for some in torch.split(z, at_once)])
        self.train(was_training)
        return x


class DCGANGenerator(Generator):
    """Codes to pictures of 28 x 28 in [-1, 1] by the five rules of Radford et al. (2016), section 3.

    Rule 1: convolutions with a stride, no pooling. Rule 2: batch norm, save in G's last layer and D's first.
    Rule 3: no fully connected hidden layers. Rule 4: ReLU in G, tanh at its end. Rule 5: leaky ReLU in D.

    Args:
        k: numbers in a code.
        width: channels of the largest maps; they double towards the code.
        seed: draws the starting weights; the global random state is left alone.
    """

    def __init__(self, k: int = 64, width: int = 32, seed: int = 0) -> None:
        super().__init__()
        self.k, self.settings = k, {"k": k, "width": width}
        w = width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.layers = nn.Sequential(
                nn.ConvTranspose2d(k, 4 * w, 4, bias=False),  # (n, k, 1, 1) -> (n, 4w, 4, 4): rule 3
                nn.BatchNorm2d(4 * w), nn.ReLU(),  # rules 2 and 4
                nn.ConvTranspose2d(4 * w, 2 * w, 3, stride=2, padding=1, bias=False),  # rule 1: (n, 2w, 7, 7)
                nn.BatchNorm2d(2 * w), nn.ReLU(),
                nn.ConvTranspose2d(2 * w, w, 4, stride=2, padding=1, bias=False),  # (n, w, 14, 14)
                nn.BatchNorm2d(w), nn.ReLU(),
                nn.ConvTranspose2d(w, 1, 4, stride=2, padding=1), nn.Tanh(),  # (n, 1, 28, 28)
            )  # fmt: skip
            self.apply(_dcgan_weights)
        self.to(memory_format=torch.channels_last)  # a pixel's channels side by side: faster

    def forward(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, 1, 28, 28) in [-1, 1]."""
        x: Tensor = self.layers(z[:, :, None, None])
        return x


class DCGANDiscriminator(nn.Module):
    """Pictures of 28 x 28 to logits, by the same rules. Arguments as `DCGANGenerator`."""

    def __init__(self, width: int = 32, seed: int = 0) -> None:
        super().__init__()
        w = width
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + 1)  # not the generator's draws
            self.layers = nn.Sequential(
                nn.Conv2d(1, w, 4, stride=2, padding=1), nn.LeakyReLU(0.2),  # rules 1 and 5: (n, w, 14, 14)
                nn.Conv2d(w, 2 * w, 4, stride=2, padding=1, bias=False),  # (n, 2w, 7, 7)
                nn.BatchNorm2d(2 * w), nn.LeakyReLU(0.2),  # rule 2
                nn.Conv2d(2 * w, 4 * w, 3, stride=2, padding=1, bias=False),  # (n, 4w, 4, 4)
                nn.BatchNorm2d(4 * w), nn.LeakyReLU(0.2),
                nn.Conv2d(4 * w, 1, 4),  # (n, 1, 1, 1): rule 3
            )  # fmt: skip
            self.apply(_dcgan_weights)
        self.to(memory_format=torch.channels_last)

    def forward(self, x: Tensor) -> Tensor:
        """(n, 1, 28, 28) -> (n,), logits."""
        logits: Tensor = self.layers(x)
        return logits.flatten()


def _dcgan_weights(module: nn.Module) -> None:
    """N(0, 0.02²) for convolutions, N(1, 0.02²) for the scales of batch norm (the same paper, section 4)."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


class MLPGenerator(Generator):
    """x = s y(z), y by hidden layers with ReLU: for points of the plane and other short vectors.

    Args:
        k: numbers in a code.
        d: numbers in a sample.
        hidden: widths of the hidden layers.
        scale: s, about the reach of the data, so that the layers meet numbers near 1 on either side.
        seed: draws the starting weights, PyTorch's usual ones; the global random state is left alone.
    """

    def __init__(
        self, k: int = 2, d: int = 2, hidden: Sequence[int] = (128, 128), scale: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__()
        self.k, self.scale = k, scale
        self.settings = {"k": k, "d": d, "hidden": list(hidden), "scale": scale}
        self.layers = _mlp(k, hidden, d, seed)

    def forward(self, z: Tensor) -> Tensor:
        """(n, k) -> (n, d)."""
        y: Tensor = self.layers(z)
        return self.scale * y


class MLPDiscriminator(nn.Module):
    """The logits s y(x / s); arguments as `MLPGenerator`. Ending in no sigmoid, it is a critic as well."""

    def __init__(
        self, d: int = 2, hidden: Sequence[int] = (128, 128), scale: float = 1.0, seed: int = 0
    ) -> None:
        super().__init__()
        self.scale = scale
        self.layers = _mlp(d, hidden, 1, seed + 1)  # not the generator's draws

    def forward(self, x: Tensor) -> Tensor:
        """(n, d) -> (n,), logits."""
        y: Tensor = self.layers(x / self.scale)
        return self.scale * y.flatten()


def _mlp(inputs: int, hidden: Sequence[int], outputs: int, seed: int) -> nn.Sequential:
    widths = [inputs, *hidden]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(widths[-1], outputs))


NETWORKS: dict[str, tuple[Callable[..., Generator], Callable[..., nn.Module]]] = {
    "dcgan": (DCGANGenerator, DCGANDiscriminator),
    "mlp": (MLPGenerator, MLPDiscriminator),
}

# ----------------------------------------------------------------------------------------- training


def train(
    G: Generator,
    D: nn.Module,
    X: Tensor,
    *,
    steps: int,
    k: int = 1,
    loss: Loss = "non_saturating",
    batch_size: int = 128,
    lr: float = 2e-4,
    betas: tuple[float, float] = (0.5, 0.999),
    decay: bool = False,
    seed: int = 0,
    device: str | torch.device = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
    on_step: Callable[[int, Generator, nn.Module], None] | None = None,
) -> Tensor:
    """min over G, max over D of V(D, G) by turns: Goodfellow et al. (2014), algorithm 1, by Adam.

    There is no loss that both descend on: neither returned curve says how good the samples are. Both networks
    are trained in place and left on `device`.

    Args:
        X: (n, ...), the data; every batch is drawn anew from it.
        steps: steps of G.
        k: steps of D before each step of G.
        loss: one of `LOSSES`.
        batch_size, lr, betas: of both; those of DCGAN.
        decay: whether the learning rate falls to 0 along a straight line.
        seed: of batches and codes.
        device: "auto" is a GPU where there is one.
        checkpoint: a file to go on from and to keep the state in; the same values come out as without a stop.
        on_step: called with the number of steps done, G and D, after each.

    Returns:
        D's and G's loss at each step, (steps, 2); NaN where the run did not get to.

    Raises:
        ValueError: there are no data, no such loss, or the checkpoint is of another run.
        FloatingPointError: a loss became NaN or infinite.
    """
    if loss not in LOSSES:
        raise _no_such(loss)
    if len(X) == 0 or k < 1:
        raise ValueError(f"X has shape {tuple(X.shape)} and k is {k}; expected data, and k of at least 1")
    device = training.device(device)
    G.to(device).train()
    D.to(device).train()
    X = X.to(device)
    generator = torch.Generator(device).manual_seed(seed)
    G_optimiser = torch.optim.Adam(G.parameters(), lr=lr, betas=betas, fused=True)
    D_optimiser = torch.optim.Adam(D.parameters(), lr=lr, betas=betas, fused=True)
    losses = torch.full((steps, 2), math.nan, device=device)
    saved = None
    if checkpoint is not None:
        asked = {
            "steps": steps,
            "k": k,
            "loss": loss,
            "batch_size": batch_size,
            "lr": lr,
            "betas": list(betas),
        }
        asked |= {
            "decay": decay,
            "seed": seed,
            "n": len(X),
            **{f"G.{key}": v for key, v in G.settings.items()},
        }
        saved = training.Checkpoint(
            checkpoint, asked, G=G, D=D, G_optimiser=G_optimiser, D_optimiser=D_optimiser,
            generator=generator, losses=losses,
        )  # fmt: skip

    def codes() -> Tensor:
        return torch.randn(batch_size, G.k, generator=generator, device=device, dtype=X.dtype)

    progress = training.Progress(steps, "GAN", saved)
    for step in progress:
        if decay:
            for optimiser in (G_optimiser, D_optimiser):
                optimiser.param_groups[0]["lr"] = lr * (1 - step / steps)

        for _ in range(k):  # D's phase: data up, samples down. G stands still
            x = X[torch.randint(len(X), (batch_size,), generator=generator, device=device)]
            with torch.no_grad():
                fake = G(codes())
            D_loss = discriminator_loss(D(x), D(fake), loss)  # two batches: batch norm must not mix them
            D_optimiser.zero_grad()
            D_loss.backward()  # type: ignore[no-untyped-call]
            D_optimiser.step()

        D.requires_grad_(False)  # G's phase: the slope goes through D, and leaves D alone
        G_loss = generator_loss(D(G(codes())), loss)
        G_optimiser.zero_grad()
        G_loss.backward()  # type: ignore[no-untyped-call]
        G_optimiser.step()
        D.requires_grad_(True)

        losses[step] = torch.stack([D_loss, G_loss]).detach()
        progress.report(D_loss + G_loss)
        if on_step is not None:
            on_step(step + 1, G, D)
    return losses


def pretrained(name: str | os.PathLike[str]) -> tuple[Generator, dict[str, Any]]:
    """A trained generator and the record of its run: `gan_mnist` or `wgan_grid-0`, say, or the path of a file
    that `gentutor train gan` or `wgan` wrote. It is in evaluation mode.

    Raises:
        ValueError: there are no such weights.
    """
    state, record = weights.read(name)
    G = NETWORKS[record["network"]][0](**record["model"])
    G.load_state_dict(state)
    return G.eval(), record
