"""An epoch of our VAE beside pytorch/examples and pythae: 784-400-20, batches of 128, MNIST, one thread.

See README.md in this folder. Nothing of theirs is changed: the example's file is run as it is, in a folder
where it finds the data; pythae is called as its documentation shows.
"""

import contextlib
import gzip
import logging
import math
import os
import runpy
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import torch
from timing import Epoch, interleaved, write_record
from torch import Tensor, nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from gentutor.data import idx, load
from gentutor.models import vae

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ("https://github.com/pytorch/examples", "77f55b912142e11fcfdf5b530231fb9c52f181e8")
BATCH = 128


def baselines() -> Path:
    """The folder with `pytorch-examples-vae/main.py`, cloned where it is not at hand."""
    if named := os.environ.get("GENTUTOR_BASELINES"):
        return Path(named)
    folder = ROOT / "build" / "baselines"
    if not (folder / "pytorch-examples-vae").exists():
        clone = folder / "examples"
        address, commit = EXAMPLES
        subprocess.run(["git", "clone", "--filter=blob:none", address, clone], check=True)
        subprocess.run(["git", "-C", clone, "checkout", commit], check=True)
        shutil.copytree(clone / "vae", folder / "pytorch-examples-vae")
    return folder


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What the others print and draw as they train is left in, and sent nowhere."""
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        yield


def pytorch_example(folder: Path, raw: Path) -> dict[str, Any]:
    """The names that pytorch/examples' vae/main.py defines, run in `folder`/vae with MNIST in ../data."""
    (folder / "vae").mkdir()
    there = folder / "data" / "MNIST" / "raw"
    there.mkdir(parents=True)
    for path in raw.iterdir():
        shutil.copy(path, there)
        if path.suffix == ".gz":
            (there / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
    argv, sys.argv = sys.argv, ["main.py", "--no-accel", f"--batch-size={BATCH}"]
    try:
        with contextlib.chdir(folder / "vae"), quiet():
            return runpy.run_path(str(baselines() / "pytorch-examples-vae" / "main.py"), run_name="example")
    finally:
        sys.argv = argv


def pythae_trainer(X: Tensor, folder: Path) -> Any:
    """pythae's trainer for the same network, on images held in memory."""
    try:
        from pythae.data.datasets import BaseDataset
        from pythae.models import VAE, VAEConfig
        from pythae.models.base.base_utils import ModelOutput
        from pythae.models.nn import BaseDecoder, BaseEncoder
        from pythae.trainers import BaseTrainer, BaseTrainerConfig
    except ImportError as error:
        raise click.ClickException(f"{error}. benchmarks/README.md says how to install it.") from error
    logging.disable(logging.CRITICAL)

    class Encoder(BaseEncoder):
        def __init__(self) -> None:
            super().__init__()
            self.latent_dim = 20
            self.h, self.mu, self.log_var = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)

        def forward(self, x: Tensor) -> Any:
            h = F.relu(self.h(x.reshape(-1, 784)))
            return ModelOutput(embedding=self.mu(h), log_covariance=self.log_var(h))

    class Decoder(BaseDecoder):
        def __init__(self) -> None:
            super().__init__()
            self.h, self.out = nn.Linear(20, 400), nn.Linear(400, 784)

        def forward(self, z: Tensor) -> Any:
            picture = torch.sigmoid(self.out(F.relu(self.h(z))))
            return ModelOutput(reconstruction=picture.reshape(-1, 1, 28, 28))

    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=20, reconstruction_loss="bce")
    trainer = BaseTrainer(
        model=VAE(config, encoder=Encoder(), decoder=Decoder()),
        train_dataset=BaseDataset(X.view(-1, 1, 28, 28), torch.zeros(len(X))),
        training_config=BaseTrainerConfig(
            output_dir=str(folder / "pythae"),
            num_epochs=1,
            per_device_train_batch_size=BATCH,
            learning_rate=1e-3,
            no_cuda=True,
        ),
    )
    trainer.prepare_training()
    return trainer


def ours() -> vae.VAE:
    """The same network as a `gentutor.models.vae.VAE`."""
    return vae.VAE(784, 20, (400,), activation="relu")


def show_equal_losses(example: dict[str, Any], trainer: Any, x: Tensor) -> None:
    """On one batch, with one set of weights and the same draw of eps, the three losses agree."""
    model, theirs, images = ours(), example["model"], x.view(-1, 1, 28, 28)
    start = [parameter.detach().clone() for parameter in theirs.parameters()]  # the three have one order
    for other in (model, nn.ModuleList([trainer.model.encoder, trainer.model.decoder])):
        for parameter, value in zip(other.parameters(), start, strict=True):
            parameter.data.copy_(value)
    with torch.no_grad():
        torch.manual_seed(1)
        picture, mu, log_var = theirs(images)
        first = example["loss_function"](picture, images, mu, log_var) / len(x)
        torch.manual_seed(1)
        second = trainer.model({"data": images}).loss
        torch.manual_seed(1)
        reconstruction, kl = model.elbo_terms(x, torch.randn(len(x), 20))
        third = (kl - reconstruction).mean()
    click.echo(
        f"one batch, the same weights: pytorch/examples {first:.4f}, pythae {second:.4f}, ours {third:.4f}"
    )
    if not (torch.isclose(first, third, rtol=1e-5) and torch.isclose(second, third, rtol=1e-5)):
        raise click.ClickException("The losses differ: what is timed would not be the same work.")


def matrix_products(X: Tensor) -> Epoch:
    """The products that an epoch cannot do without: forward, and back to weights and inputs."""
    shapes = [(784, 400), (400, 20), (400, 20), (20, 400), (400, 784)]
    weights = [torch.randn(shape) for shape in shapes]
    inputs = [torch.randn(BATCH, shape[0]) for shape in shapes]
    back = [torch.randn(BATCH, shape[1]) for shape in shapes]

    def epoch() -> None:
        for _ in range(math.ceil(len(X) / BATCH)):
            for i, (x, w, g) in enumerate(zip(inputs, weights, back, strict=True)):
                x @ w
                x.T @ g
                if i:  # nobody asks for the gradient of the images
                    g @ w.T

    return epoch


def where_the_time_goes(X: Tensor) -> list[tuple[str, float]]:
    """The shares of an epoch's CPU time by kind of operation, of our loop."""
    kinds = {
        "matrix products": ("addmm", "::mm"),
        "Bernoulli log-likelihood": ("BernoulliLogLikelihood", "::log_", "::sigmoid"),
        "Adam": ("_fused_adam", "Adam"),
        "picking the batch": ("::index",),
    }
    model = ours()
    vae.train(model, X[: 20 * BATCH], epochs=1, device="cpu")
    with profile(activities=[ProfilerActivity.CPU]) as recorded:
        vae.train(model, X[: 100 * BATCH], epochs=1, device="cpu")
    rest = "all else: activations, KL, sums, and the calls themselves"
    spent = dict.fromkeys([*kinds, rest], 0.0)
    for event in recorded.key_averages():
        kind = next((k for k, parts in kinds.items() if any(part in event.key for part in parts)), rest)
        spent[kind] += event.self_cpu_time_total
    total = sum(spent.values())
    return [(kind, time / total) for kind, time in spent.items()]


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Interleaved epochs of each.")
def main(rounds: int) -> None:
    """Time an epoch of each, in turns; write the medians to benchmarks/vae.toml."""
    torch.set_num_threads(1)
    raw = next((folder for folder in idx.raw_folders("mnist", None) if folder.exists()), None)
    if raw is None:
        raise click.ClickException("MNIST is not here; $GENTUTOR_DATA names where it lies.")
    X = load("mnist").x.flatten(1)
    with tempfile.TemporaryDirectory() as folder:
        example, trainer = pytorch_example(Path(folder), raw), pythae_trainer(X, Path(folder))
        show_equal_losses(example, trainer, X[:BATCH])
        model = ours()
        epochs: dict[str, Epoch] = {
            "pytorch/examples": lambda: example["train"](1),
            "pythae 0.1.2": lambda: trainer.train_step(1),
            "gentutor": lambda: vae.train(model, X, epochs=1, batch_size=BATCH, device="cpu"),
            "matrix products alone": matrix_products(X),
        }
        with quiet():
            times = interleaved(epochs, rounds)
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, seconds in medians.items():
        click.echo(
            f"{name:24}{seconds:7.2f} s of CPU an epoch, {seconds / medians['gentutor']:.2f} times ours"
        )
    shares = where_the_time_goes(X)
    for kind, share in shares:
        click.echo(f"{100 * share:5.0f}% {kind}")
    write_record(
        "vae", rounds, {"median_cpu_seconds_of_an_epoch": medians, "share_of_our_time": dict(shares)}
    )


if __name__ == "__main__":
    main()
