"""A critic step of our WGAN-GP beside caogang/wgan-gp and EmilienDupont/wgan-gp, on one thread.

All three train the networks of caogang's gan_mnist.py, on MNIST batches of 50 that lie in memory. Both public
files are too old for today's Python and PyTorch: what `CAOGANG` and `EMILIEN` name is mended as the files are
loaded, and printed line by line; nothing else is changed. See README.md in this folder.
"""

import ast
import os
import statistics
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from timing import Epoch, interleaved, write_record
from torch import Tensor, nn

from gentutor.data import available, load
from gentutor.models import gan, wgan

ROOT = Path(__file__).resolve().parent.parent
COMMITS = {
    "caogang-wgan-gp": ("https://github.com/caogang/wgan-gp", "ae47a185ed2e938c39cf3eb2f06b32dc1b6a2064"),
    "emiliendupont-wgan-gp": (
        "https://github.com/EmilienDupont/wgan-gp",
        "ef82364f2a2ec452a52fbf4a739f95039ae76fe3",
    ),
}
CAOGANG = {
    "print netG": "print(netG)",
    "print netD": "print(netD)",
    "xrange": "range",
    "data.next()": "next(data)",
    "torch.FloatTensor([1])": "torch.tensor(1.0)",  # backward wants a gradient of the shape of the mean, ()
    ", volatile=True": "",  # has no effect today but a warning; the graph of G is cut by .data, as before
}
EMILIEN = {".data[0]": ".item()"}
BATCH, STEPS = 50, 40  # of caogang's; critic steps that are timed at once


def baseline(name: str) -> Path:
    """The folder of a public implementation, cloned where it is not at hand."""
    if named := os.environ.get("GENTUTOR_BASELINES"):
        return Path(named) / name
    folder = ROOT / "build" / "baselines" / name
    if not folder.exists():
        address, commit = COMMITS[name]
        subprocess.run(["git", "clone", "--filter=blob:none", address, folder], check=True)
        subprocess.run(["git", "-C", folder, "checkout", commit], check=True)
    return folder


def mended(path: Path, changes: dict[str, str]) -> ast.Module:
    """The file's code with old idioms replaced; prints which."""
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        if old not in text:
            raise click.ClickException(
                f"{path} has no {old!r}: it is not the commit that this was written for."
            )
        for number, line in enumerate(text.splitlines(), 1):
            if old in line:
                click.echo(f"  {path.name}:{number}: {old!r} -> {new!r}")
        text = text.replace(old, new)
    return ast.parse(text, str(path))


def module(name: str, **contents: Any) -> types.ModuleType:
    """A module that a public file imports and that is not needed for what is timed."""
    made = types.ModuleType(name)
    vars(made).update(contents)
    sys.modules[name] = made
    return made


def the_loop_over(name: str, body: list[ast.stmt]) -> tuple[int, ast.For]:
    """`for name in ...` among statements, and where it stands."""
    for i, part in enumerate(body):
        if isinstance(part, ast.For) and isinstance(part.target, ast.Name) and part.target.id == name:
            return i, part
    raise click.ClickException(f"there is no loop over {name}: it is not the commit this was written for")


def caogang(X: Tensor) -> tuple[dict[str, Any], Epoch]:
    """gan_mnist.py up to its loop, and the loop over the critic's steps, with STEPS of them."""

    def batches() -> Iterator[tuple[Any, None]]:
        flat = X.flatten(1).numpy()
        order = np.random.default_rng(0).permutation(len(flat))
        for i in range(0, len(flat) - BATCH + 1, BATCH):
            yield flat[order[i : i + BATCH]], None

    lib = module("tflib", print_model_settings=lambda _: None)
    for part in ("plot", "save_images", "mnist"):
        setattr(lib, part, module(f"tflib.{part}"))
    lib.mnist.load = lambda *_: [batches] * 3
    tree = mended(baseline("caogang-wgan-gp") / "gan_mnist.py", CAOGANG)
    at, loop = the_loop_over("iteration", tree.body)
    names: dict[str, Any] = {"__name__": "gan_mnist"}
    exec(compile(ast.Module(tree.body[:at], []), "gan_mnist.py", "exec"), names)
    _, critic_loop = the_loop_over("iter_d", loop.body)
    code = compile(ast.Module([critic_loop], []), "gan_mnist.py", "exec")
    names["CRITIC_ITERS"] = STEPS
    return names, lambda: exec(code, names)


class Pictures(gan.Generator):
    """caogang's generator, with pictures for flat rows and the ways in that the other two ask for."""

    def __init__(self, theirs: nn.Module) -> None:
        super().__init__()
        self.k, self.settings, self.theirs = 128, {}, theirs

    def forward(self, z: Tensor) -> Tensor:
        """(n, 128) -> (n, 1, 28, 28)."""
        return self.theirs(z).view(-1, 1, 28, 28)

    def sample_latent(self, n: int) -> Tensor:
        """Codes, (n, 128)."""
        return torch.randn(n, self.k)


def emilien(G: nn.Module, critic: nn.Module) -> Any:
    """EmilienDupont's `Trainer` of the two networks, with the optimiser of its main.py."""
    module("imageio")
    names: dict[str, Any] = {"__name__": "training"}
    tree = mended(baseline("emiliendupont-wgan-gp") / "training.py", EMILIEN)
    exec(compile(tree, "training.py", "exec"), names)
    optimisers = [torch.optim.Adam(net.parameters(), lr=1e-4, betas=(0.9, 0.99)) for net in (G, critic)]
    return names["Trainer"](G, critic, *optimisers)


def show_equal_losses(first: dict[str, Any], second: Any, x: Tensor) -> None:
    """On one batch, with the same weights, samples and eps, the three losses agree."""
    G, critic = second.G, second.D
    fake = G(G.sample_latent(BATCH)).detach()
    difference = float((critic(fake).mean() - critic(x).mean()).detach())
    torch.manual_seed(1)
    losses = [
        difference + float(first["calc_gradient_penalty"](critic, x.flatten(1), fake.flatten(1)).detach())
    ]
    torch.manual_seed(1)
    losses.append(difference + float(second._gradient_penalty(x, fake).detach()))
    torch.manual_seed(1)
    losses.append(difference + 10 * float(wgan.gradient_penalty(critic, x, fake, torch.rand(BATCH)).detach()))
    click.echo(
        "one batch, the same weights: caogang {:.5f}, EmilienDupont {:.5f}, ours {:.5f}".format(*losses)
    )
    if not np.allclose(losses, losses[2], rtol=1e-5):
        raise click.ClickException("The losses differ: what is timed would not be the same work.")


@click.command()
@click.option("--rounds", default=5, show_default=True, help="Interleaved turns of each.")
def main(rounds: int) -> None:
    """Time critic steps of each, in turns; write the medians to benchmarks/wgan.toml."""
    torch.set_num_threads(1)
    if not available("mnist"):
        raise click.ClickException("MNIST is not here; $GENTUTOR_DATA names where it lies.")
    X = load("mnist").x
    click.echo("mended in memory:")
    first, caogangs = caogang(X)
    second = emilien(Pictures(first["Generator"]()), first["Discriminator"]())
    batches = X[torch.randperm(len(X))[: STEPS * BATCH]].split(BATCH)
    show_equal_losses(first, second, batches[0])
    G, critic = Pictures(first["Generator"]()), first["Discriminator"]()

    def emiliens() -> None:
        for x in batches:
            second._critic_train_iteration(x)

    asked: dict[str, Any] = {"steps": 1, "n_critic": STEPS, "batch_size": BATCH, "betas": (0.5, 0.9)}
    epochs: dict[str, Epoch] = {
        "caogang/wgan-gp": caogangs,
        "EmilienDupont/wgan-gp": emiliens,
        "gentutor": lambda: wgan.train(G, critic, X, **asked, device="cpu"),
    }
    medians = {name: statistics.median(times) for name, times in interleaved(epochs, rounds).items()}
    for name, seconds in medians.items():
        click.echo(
            f"{name:24}{1000 * seconds / STEPS:7.1f} ms of CPU a critic step, "
            f"{seconds / medians['gentutor']:.2f} times ours"
        )
    click.echo(f"(ours with one step of G among {STEPS}, as wgan.train makes it)")
    write_record("wgan", rounds, {f"median_cpu_seconds_of_{STEPS}_critic_steps": medians})


if __name__ == "__main__":
    main()
