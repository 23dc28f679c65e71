"""A training step and a sampling step of our DDPM beside denoising-diffusion-pytorch and diffusers.

The two libraries are used as their own documentation shows; ours comes in two sizes, each within 5% of the
parameters of the one it stands beside. The networks differ, so that equal work is shown in two ways: with the
same network inside, all three compute the same loss and the same sampling step; and `--losses` trains each
network alike, and compares what it comes to on the test set. See README.md in this folder.
"""

import statistics
import tomllib
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import click
import torch
from denoising_diffusion_pytorch import GaussianDiffusion, Unet
from diffusers import DDPMScheduler, UNet2DModel
from timing import Epoch, interleaved, write_record
from torch import Tensor, nn
from torch.nn.functional import mse_loss
from torch.utils.flop_counter import FlopCounterMode

from gentutor.data import available, load
from gentutor.models import ddpm, samplers
from gentutor.models.schedules import linear
from gentutor.models.unet import UNet

LUCIDRAINS = f"denoising-diffusion-pytorch {version('denoising-diffusion-pytorch')}"
DIFFUSERS = f"diffusers {version('diffusers')}"
BESIDE_LUCIDRAINS = "gentutor beside denoising-diffusion-pytorch"
BESIDE_DIFFUSERS = "gentutor beside diffusers"
SCHEDULE = linear(T=1000)
LR = 1e-3
BATCH, STEPS = 64, 2  # steps that are timed at once
LONG = 500  # steps of training after which the losses are compared
ROOT = Path(__file__).resolve().parent.parent
RECORD = Path(__file__).with_suffix(".toml")


def of_lucidrains(seed: int = 0) -> Unet:
    """The network of denoising-diffusion-pytorch: as its README makes it, for 28 x 28."""
    torch.manual_seed(seed)
    return Unet(dim=32, dim_mults=(1, 2, 4), channels=1, flash_attn=True)


def of_diffusers(seed: int = 0) -> UNet2DModel:
    """The network of diffusers: as its tutorial makes it, with three levels for six, and attention in one."""
    torch.manual_seed(seed)
    return UNet2DModel(
        sample_size=28,
        in_channels=1,
        out_channels=1,
        layers_per_block=2,
        block_out_channels=(32, 64, 128),
        down_block_types=("DownBlock2D", "DownBlock2D", "AttnDownBlock2D"),
        up_block_types=("AttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        norm_num_groups=8,  # for 32, which would norm each of the 32 channels by itself
    )


def beside_lucidrains(seed: int = 0) -> UNet:
    """Ours, of 3% more parameters."""
    return UNet(widths=(32, 64, 128), blocks=(0, 1, 1), patch=1, seed=seed)


def beside_diffusers(seed: int = 0) -> UNet:
    """Ours, of 1% fewer parameters."""
    return UNet(widths=(32, 64, 136), blocks=(0, 1, 2), patch=1, seed=seed)


class Told(nn.Module):
    """A public network as our ε_θ(x_t, t): it counts t from 0, and may wrap its answer."""

    def __init__(self, theirs: nn.Module) -> None:
        super().__init__()
        self.theirs = theirs

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        """x_t: (B, C, H, W), t: (B,) in 1 ... T -> (B, C, H, W)."""
        answer = self.theirs(x_t, t - 1)
        return answer if isinstance(answer, Tensor) else answer.sample


# ---------------------------------------------------------------- the two libraries, as they are documented


def diffusion(net: Unet) -> GaussianDiffusion:
    """denoising-diffusion-pytorch's, of the linear schedule and the noise, which are ours too."""
    return GaussianDiffusion(
        net, image_size=28, timesteps=SCHEDULE.T, objective="pred_noise", beta_schedule="linear"
    )


def train_lucidrains(net: Unet, X: Tensor, bf16: bool = False) -> Epoch:
    """STEPS of the README's loop; X in [0, 1]."""
    model = diffusion(net)
    optimiser = torch.optim.Adam(model.parameters(), lr=LR)

    def epoch() -> None:
        for x in X.split(BATCH):
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                loss = model(x)
            loss.backward()
            optimiser.step()
            optimiser.zero_grad()

    return epoch


def train_diffusers(net: UNet2DModel, X: Tensor, bf16: bool = False) -> Epoch:
    """STEPS of the tutorial's `train_loop`."""
    scheduler = DDPMScheduler(num_train_timesteps=SCHEDULE.T)
    optimiser = torch.optim.AdamW(net.parameters(), lr=LR)
    X = 2 * X - 1

    def epoch() -> None:
        for x in X.split(BATCH):
            noise = torch.randn(x.shape)
            timesteps = torch.randint(0, scheduler.config.num_train_timesteps, (len(x),))
            noisy = scheduler.add_noise(x, noise, timesteps)
            with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
                noise_pred = net(noisy, timesteps, return_dict=False)[0]
                loss = mse_loss(noise_pred, noise)
            loss.backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()

    return epoch


def sample_lucidrains(net: Unet, x_T: Tensor) -> Epoch:
    """The first STEPS of `p_sample_loop`, which are all alike."""
    model = diffusion(net).eval()

    def epoch() -> None:
        x = x_T
        for t in range(SCHEDULE.T - 1, SCHEDULE.T - 1 - STEPS, -1):
            x, _ = model.p_sample(x, t)

    return epoch


def sample_diffusers(net: UNet2DModel, x_T: Tensor) -> Epoch:
    """STEPS of the loop of `DDPMPipeline`."""
    scheduler = DDPMScheduler(num_train_timesteps=SCHEDULE.T)
    scheduler.set_timesteps(STEPS)

    @torch.no_grad()
    def epoch() -> None:
        x = x_T
        for t in scheduler.timesteps:
            x = scheduler.step(net(x, t).sample, t, x).prev_sample

    return epoch


# ------------------------------------------------------------------------------------------------- ours


def train_ours(net: UNet, X: Tensor, bf16: bool = False) -> Epoch:
    """STEPS of `ddpm.train`, which also keeps the average of the weights."""
    X = 2 * X - 1
    return lambda: ddpm.train(net, X, SCHEDULE, steps=STEPS, batch_size=BATCH, lr=LR, bf16=bf16, device="cpu")


def sample_ours(net: UNet, x_T: Tensor) -> Epoch:
    """`samplers.ancestral` in STEPS steps."""
    return lambda: samplers.ancestral(SCHEDULE.respaced(STEPS), net, x_T, variance="posterior", clip=1.0)


class Side(NamedTuple):
    """One of those that are compared: network of a seed, and steps of training and of sampling."""

    build: Callable[[int], Any]
    train: Callable[..., Epoch]
    sample: Callable[[Any, Tensor], Epoch]


SIDES = {
    LUCIDRAINS: Side(of_lucidrains, train_lucidrains, sample_lucidrains),
    DIFFUSERS: Side(of_diffusers, train_diffusers, sample_diffusers),
    BESIDE_LUCIDRAINS: Side(beside_lucidrains, train_ours, sample_ours),
    BESIDE_DIFFUSERS: Side(beside_diffusers, train_ours, sample_ours),
}
OURS = {BESIDE_LUCIDRAINS: LUCIDRAINS, BESIDE_DIFFUSERS: DIFFUSERS}

# ------------------------------------------------------------------------------------------- equal work


def show_equal_work(x: Tensor) -> None:
    """With the same network inside, the losses agree on a batch, and so does a sampling step.

    x: (B, 1, 28, 28), in [0, 1].
    """
    x, eps = 2 * x - 1, torch.randn(x.shape)
    t = torch.randint(1, SCHEDULE.T + 1, x.shape[:1])
    half = SCHEDULE.T // 2
    first, second = of_lucidrains().eval(), of_diffusers().eval()
    model, scheduler = diffusion(first), DDPMScheduler(num_train_timesteps=SCHEDULE.T)

    def sampled(step: Callable[[], Tensor]) -> Tensor:
        torch.manual_seed(1)
        return step()

    with torch.no_grad():
        theirs = {
            LUCIDRAINS: (
                model.p_losses(x, t - 1, noise=eps),
                sampled(lambda: model.p_sample(eps, half - 1)[0]),
            ),
            DIFFUSERS: (
                mse_loss(second(scheduler.add_noise(x, eps, t - 1), t - 1).sample, eps),
                sampled(lambda: scheduler.step(second(eps, half - 1).sample, half - 1, eps).prev_sample),
            ),
        }
        for name, net in {LUCIDRAINS: Told(first), DIFFUSERS: Told(second)}.items():
            ours = ddpm.simple_loss(SCHEDULE, net, x, t, eps)
            z = sampled(lambda: torch.randn(x.shape))
            at = torch.full_like(t, half)
            step, _ = ddpm.p_sample(SCHEDULE, net, eps, at, z, variance="posterior", clip=1.0)
            loss, their_step = theirs[name]
            apart = float((step - their_step).abs().max())
            click.echo(
                f"the same network, one batch: {name} has loss {float(loss):.5f}, ours {float(ours):.5f}; "
                f"the steps to x_{half - 1} are at most {apart:.0e} apart"
            )
            if not torch.allclose(loss, ours, rtol=1e-4) or apart > 1e-3:
                raise click.ClickException("They differ: what is timed would not be the same work.")


# ----------------------------------------------------------------------------------------- equal loss


@torch.no_grad()
def validation_loss(network: nn.Module, x: Tensor) -> float:
    """The simple loss on pictures, (n, 1, 28, 28) in [0, 1]: the same t and noise whatever the network.

    The times are spread evenly over 1 ... T.
    """
    generator = torch.Generator().manual_seed(0)
    t = (1 + torch.arange(len(x)) * SCHEDULE.T // len(x))[torch.randperm(len(x), generator=generator)]
    eps = torch.randn(x.shape, generator=generator)
    network.eval()
    parts = zip((2 * x - 1).split(500), t.split(500), eps.split(500), strict=True)
    return sum(float(ddpm.simple_loss(SCHEDULE, network, *part)) * len(part[0]) for part in parts) / len(x)


def loss_of(name: str, seed: int) -> float:
    """The loss on the test set after LONG steps of `ddpm.train`, whose draws are the same for all.

    A run that was stopped goes on from its checkpoint, in build/ddpm.
    """
    network = SIDES[name].build(seed)
    if name not in OURS:
        network = Told(network)
    network.to(memory_format=torch.channels_last)  # faster, and the same but for rounding
    asked: dict[str, Any] = {"steps": LONG, "batch_size": BATCH, "lr": LR, "seed": seed, "device": "cpu"}
    checkpoint = ROOT / "build" / "ddpm" / f"{name}-{seed}.pt"
    losses = ddpm.train(network, 2 * load("mnist").x - 1, SCHEDULE, **asked, checkpoint=checkpoint)
    if not losses.isfinite().all():  # interrupted
        raise click.Abort
    return validation_loss(network, load("mnist", "test").x)


# ---------------------------------------------------------------------------------------------- timing


def timed(X: Tensor, rounds: int) -> dict[str, dict[str, float]]:
    """What is measured of each, by its name; X: (STEPS BATCH, 1, 28, 28) in [0, 1]."""
    nets = {name: side.build(0) for name, side in SIDES.items()}
    tables: dict[str, dict[str, float]] = {
        "million_parameters": {
            name: sum(p.numel() for p in net.parameters()) / 1e6 for name, net in nets.items()
        },
        "gflop_of_a_training_step": {},
    }
    for name, net in nets.items():
        with FlopCounterMode(display=False) as counter:
            SIDES[name].train(net, X)()
        tables["gflop_of_a_training_step"][name] = counter.get_total_flops() / STEPS / 1e9
    x_T = torch.randn(BATCH, 1, 28, 28)
    kinds: dict[str, dict[str, Epoch]] = {
        "training": {name: SIDES[name].train(net, X) for name, net in nets.items()},
        "training_in_bfloat16": {name: SIDES[name].train(net, X, bf16=True) for name, net in nets.items()},
        "sampling": {name: SIDES[name].sample(net, x_T) for name, net in nets.items()},
    }
    for kind, epochs in kinds.items():
        times = interleaved(epochs, rounds)
        tables[f"median_cpu_seconds_of_a_step_of_{kind}"] = {
            name: statistics.median(found) / STEPS for name, found in times.items()
        }
    return tables


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Interleaved turns of each.")
@click.option(
    "--losses",
    "seeds",
    multiple=True,
    type=int,
    metavar="SEED",
    help=f"Instead, train each for {LONG} steps from this seed: an hour of CPU. Can be given again.",
)
def main(rounds: int, seeds: tuple[int, ...]) -> None:
    """Time each in turns, or compare what they learn; keep what was found in benchmarks/ddpm.toml."""
    torch.set_num_threads(1)
    if not available("mnist"):
        raise click.ClickException("MNIST is not here; $GENTUTOR_DATA names where it lies.")
    record = tomllib.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    tables = {key: value for key, value in record.items() if isinstance(value, dict)}
    if seeds:
        rounds = record.get("rounds", rounds)
        found = {
            f"validation_loss_after_{LONG}_steps_from_seed_{seed}": {
                name: loss_of(name, seed) for name in SIDES
            }
            for seed in seeds
        }
    else:
        x = load("mnist", n=STEPS * BATCH).x
        show_equal_work(x[:BATCH])
        found = timed(x, rounds)
    tables |= found
    for title, table in sorted(tables.items()):
        click.echo(title)
        for ours, theirs in OURS.items():
            a, b = table[theirs], table[ours]
            click.echo(f"  {theirs:34}{a:9.4g}   ours beside it {b:9.4g}   {a / b:.2f} times")
    write_record("ddpm", rounds, dict(sorted(tables.items())))


if __name__ == "__main__":
    main()
