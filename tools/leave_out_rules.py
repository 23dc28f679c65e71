"""Train DCGANs in which one rule is broken, and keep what comes of it in gentutor/weights.

    python tools/leave_out_rules.py            # three seeds for each network: half an hour on a busy core

The networks are half as wide as those of `gentutor train gan mnist`, and the runs short: they show what a
rule does for learning, not how far one can come. Lecture 07 shows the file, rules_mnist.safetensors.
"""

import math
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

import click  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402

from gentutor import weights  # noqa: E402
from gentutor.metrics import classifier  # noqa: E402
from gentutor.metrics.frechet import frechet_distance, moments  # noqa: E402
from gentutor.models import gan  # noqa: E402
from gentutor.recipes.gan import known  # noqa: E402
from gentutor.recipes.vae import machine  # noqa: E402

OUT = weights.FOLDER / "rules_mnist.safetensors"
K, WIDTH, MEASURED, KEPT = 64, 16, 5_000, 12
TRAINING = {"batch_size": 64, "lr": 2e-4}
Pair = tuple[gan.Generator, nn.Module]
Change = Callable[[nn.Module], nn.Module]


def change(model: nn.Module, how: Change) -> nn.Module:
    """Every layer of a DCGAN network, changed."""
    layers = [how(layer) for layer in model.layers]
    model.layers = nn.Sequential(*(one for one in layers if not isinstance(one, nn.Identity)))
    return model


def without(kind: type[nn.Module], instead: Callable[[], nn.Module] = nn.Identity) -> Change:
    """Every layer of a kind replaced."""
    return lambda layer: instead() if isinstance(layer, kind) else layer


def pooled(layer: nn.Module) -> nn.Module:
    """Rule 1 broken: no strides. D shrinks its maps by max pooling, G doubles them by repeating pixels."""
    if isinstance(layer, nn.Conv2d) and layer.stride == (2, 2):
        conv = nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1, bias=layer.bias is not None)
        return started(nn.Sequential(conv, nn.MaxPool2d(2, ceil_mode=True)))
    if isinstance(layer, nn.ConvTranspose2d) and layer.stride == (2, 2):
        size = {3: 7}.get(layer.kernel_size[0])  # 4 to 7, else doubled
        up = nn.Upsample(size=size) if size else nn.Upsample(scale_factor=2)
        conv = nn.Conv2d(layer.in_channels, layer.out_channels, 3, padding=1, bias=layer.bias is not None)
        return started(nn.Sequential(up, conv))
    return layer


def dense(G: gan.Generator, D: nn.Module) -> Pair:
    """Rule 3 broken: a dense layer of 256 after the code, and one before the logit, both with batch norm."""
    first, last = G.layers[0], D.layers[-1]
    w, c = first.out_channels, last.in_channels
    begin = [nn.Flatten(), nn.Linear(K, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU()]
    begin += [nn.Linear(256, w * 16, bias=False), nn.Unflatten(1, (w, 4, 4))]
    end = [nn.Flatten(), nn.Linear(c * 16, 256, bias=False), nn.BatchNorm1d(256), nn.LeakyReLU(0.2)]
    end += [nn.Linear(256, 1)]
    G.layers = nn.Sequential(*begin, *G.layers[1:])
    D.layers = nn.Sequential(*D.layers[:-1], *end)
    return G, D


def normed(G: gan.Generator, D: nn.Module) -> Pair:
    """Rule 2 broken the other way: batch norm also in G's last layer and D's first."""
    G.layers = nn.Sequential(*G.layers[:-1], started(nn.BatchNorm2d(1)), nn.Tanh())
    D.layers = nn.Sequential(D.layers[0], started(nn.BatchNorm2d(WIDTH)), *D.layers[1:])
    return G, D


def started(module: nn.Module) -> nn.Module:
    """With DCGAN's starting weights."""
    return module.apply(gan._dcgan_weights)


def both(how: Change) -> Callable[[gan.Generator, nn.Module], Pair]:
    """G and D changed in the same way."""
    return lambda G, D: (change(G, how), change(D, how))


BROKEN: dict[str, Callable[[gan.Generator, nn.Module], Pair]] = {
    "all five rules": lambda G, D: (G, D),
    "1: pooling and upsampling": both(pooled),
    "2: no batch norm": both(without(nn.BatchNorm2d)),
    "2: batch norm everywhere": normed,
    "3: dense hidden layers": dense,
    "4: sigmoid inside G": lambda G, D: (change(G, without(nn.ReLU, nn.Sigmoid)), D),
    "5: ReLU in D": lambda G, D: (G, change(D, without(nn.LeakyReLU, nn.ReLU))),
}


def run(name: str, X: Tensor, steps: int, seed: int) -> Tensor | None:
    """Samples in [0, 1] after training, (MEASURED, 1, 28, 28)."""
    torch.manual_seed(seed)
    G, D = BROKEN[name](gan.DCGANGenerator(K, WIDTH, seed), gan.DCGANDiscriminator(WIDTH, seed))
    gan.train(G, D, X, steps=steps, seed=seed, device="cpu", **TRAINING)
    return (G.sample(MEASURED) + 1) / 2


@click.command()
@click.option("--steps", default=1500, show_default=True)
@click.option("--seeds", default=3, show_default=True)
@click.option("--judge", default="classifier_mnist", show_default=True, help="Weights of the classifier.")
@click.option("--out", default=OUT, type=click.Path(path_type=Path), show_default=True)
def main(steps: int, seeds: int, judge: str, out: Path) -> None:
    """Train every network, measure its samples, keep a dozen."""
    model, learned_from, _ = classifier.pretrained(judge)
    X = known("mnist")
    kept, figures, began = {}, {}, time.perf_counter()
    for name in BROKEN:
        distances = []
        for seed in range(seeds):
            pictures = run(name, X, steps, seed)
            features, classes = model.measure(pictures)
            distances.append(round(frechet_distance(moments(features), learned_from.moments), 2))
            if seed == 0:
                kept[name] = pictures[:KEPT, 0].half()
                seen = int((torch.bincount(classes, minlength=10) > MEASURED / 200).sum())
        figures[name] = {"frechet": distances, "classes": seen}
        click.echo(f"{name:28s} {distances} {seen}")
    if not all(math.isfinite(d) for each in figures.values() for d in each["frechet"]):
        raise click.ClickException("a distance is not finite")
    record = {
        "command": f"python tools/leave_out_rules.py --steps {steps} --seeds {seeds}",
        "data": "mnist",
        "training": TRAINING | {"steps": steps},
        "seconds": round(time.perf_counter() - began),
        "machine": machine(torch.device("cpu")),
        "figures": figures,
    }
    weights.write(out, kept, record)


if __name__ == "__main__":
    main()
