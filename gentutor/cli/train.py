"""`gentutor train`: models whose weights are shipped, trained anew."""

import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click


@click.group()
def train() -> None:
    """Train anew the models whose weights are shipped."""


def _training_options(command: Callable[..., None]) -> Callable[..., None]:
    """What every `gentutor train` command takes."""
    for decorate in (
        click.option(
            "--resume", is_flag=True, help="Go on from the checkpoint that lies beside the weights."
        ),
        click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1 ..."),
        click.option("--seed", default=0, show_default=True, type=click.IntRange(0, 2**31 - 1)),
        click.option(
            "--out",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Default: ./FAMILY_NAME.safetensors",
        ),
        click.argument("name"),
    ):
        command = decorate(command)
    return command


@train.command("vae")
@_training_options
@click.option("--epochs", type=click.IntRange(1), help="Another number than the recipe's.")
def train_vae(**asked: Any) -> None:
    """Train a variational autoencoder; write its weights, with command, seed, wall time and figures.

    NAME is one of mnist-50, mnist-2, digits-2, digits-5, digits-10, digits-20. Ctrl-C keeps a checkpoint.

    \b
    Examples:
      gentutor train vae digits-2
      gentutor train vae mnist-50 --device cuda --out mine.safetensors
      gentutor train vae mnist-50 --resume
    """
    from gentutor.recipes import vae

    _train("vae", vae.RECIPES, vae.run, unit=" nats", **asked)


@train.command("gan")
@_training_options
@click.option("--steps", type=click.IntRange(1), help="Another number than the recipe's.")
def train_gan(**asked: Any) -> None:
    """Train a generative adversarial network; write the generator, with command, seed, wall time and figures.

    NAME is mnist: a DCGAN for 28 x 28. Ctrl-C keeps a checkpoint.

    \b
    Examples:
      gentutor train gan mnist
      gentutor train gan mnist --resume
    """
    from gentutor.recipes import gan

    _train("gan", gan.RECIPES["gan"], partial(gan.run, "gan"), **asked)


@train.command("wgan")
@_training_options
@click.option("--steps", type=click.IntRange(1), help="Another number than the recipe's.")
def train_wgan(**asked: Any) -> None:
    """Train a WGAN with gradient penalty; write the generator, with command, seed, wall time and figures.

    NAME is grid: the grid of 25 Gaussians. Ctrl-C keeps a checkpoint.

    \b
    Examples:
      gentutor train wgan grid --seed 3 --out wgan_grid-3.safetensors
      gentutor train wgan grid --resume
    """
    from gentutor.recipes import gan

    _train("wgan", gan.RECIPES["wgan"], partial(gan.run, "wgan"), **asked)


@train.command("ddpm")
@_training_options
@click.option("--steps", type=click.IntRange(1), help="Another number than the recipe's.")
def train_ddpm(**asked: Any) -> None:
    """Train a diffusion model; write its weights and some samples, with command, seed, wall time and figures.

    NAME is mnist. Ctrl-C keeps a checkpoint. Then 10,000 digits are sampled: 20 minutes on two cores.

    \b
    Examples:
      gentutor train ddpm mnist
      gentutor train ddpm mnist --resume
    """
    from gentutor.recipes import ddpm

    _train("ddpm", ddpm.RECIPES, ddpm.run, **asked)


@train.command("classifier")
@_training_options
@click.option("--epochs", type=click.IntRange(1), help="Another number than the recipe's.")
def train_classifier(**asked: Any) -> None:
    """Train the classifier in whose features pictures are measured; write its weights and its record.

    NAME is mnist. Ctrl-C keeps a checkpoint.

    \b
    Examples:
      gentutor train classifier mnist
    """
    from gentutor.recipes import classifier

    _train("classifier", classifier.RECIPES, classifier.run, **asked)


def _train(
    family: str,
    recipes: Mapping[str, object],
    run: Callable[..., dict[str, Any] | None],
    *,
    name: str,
    out: Path | None,
    resume: bool,
    unit: str = "",
    **asked: Any,
) -> None:
    """Runs the recipe `name`, and says what came of it."""
    from gentutor.data import DataError

    if name not in recipes:
        raise click.UsageError(f"There is no recipe {name!r}. There are {', '.join(recipes)}.")
    out = out or Path(f"{family}_{name}.safetensors")
    checkpoint = out.with_suffix(".checkpoint")
    if checkpoint.exists() and not resume:
        raise click.UsageError(f"{checkpoint} is there: go on from it by --resume, or remove it.")
    try:
        record = run(name, out, checkpoint=checkpoint, **asked)
    except (DataError, ValueError, FloatingPointError, RuntimeError) as error:
        raise click.ClickException(str(error)) from error
    if record is None:
        click.echo(f"Stopped; {checkpoint} has the state. The same command with --resume goes on.", err=True)
        sys.exit(130)
    checkpoint.unlink()
    click.echo(f"{out}: {record['seconds']} s on {record['machine']}")
    for figure, value in record["figures"].items():
        click.echo(f"  {figure.replace('_', ' ')}: {value}{unit}")
