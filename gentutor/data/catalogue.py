"""The one way in: every data set by its name."""

import os
from difflib import get_close_matches

import torch
from torch import Tensor

from gentutor.data import toy
from gentutor.data.dataset import Dataset
from gentutor.data.digits import read_digits
from gentutor.data.idx import at_hand, read_idx_set

TEN_DIGITS = tuple("0123456789")
FASHION = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

IMAGES = {"digits": TEN_DIGITS, "mnist": TEN_DIGITS, "fashion-mnist": FASHION}
TOYS = {
    "eight-gaussians": (toy.eight_gaussians, tuple(f"mode {k}" for k in range(8))),
    "gaussian-grid": (toy.gaussian_grid, tuple(f"mode {k}" for k in range(25))),
    "swiss-roll": (toy.swiss_roll, ("inner half turn", "middle half turn", "outer half turn")),
    "two-moons": (toy.two_moons, ("upper moon", "lower moon")),
    "checkerboard": (toy.checkerboard, tuple(f"cell {k}" for k in range(8))),
}
NAMES = (*IMAGES, *TOYS)


def load(
    name: str,
    split: str = "train",
    *,
    n: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    root: str | os.PathLike[str] | None = None,
) -> Dataset:
    """The data set `name`: samples `x` (float32), labels `y` (int64, (n,)) and the labels' names.

    | name                     | x                        | n in train, test, all  |
    | ------------------------ | ------------------------ | ---------------------- |
    | `digits`                 | (n, 1, 8, 8) in [0, 1]   | 1,415, 382, 1,797      |
    | `mnist`, `fashion-mnist` | (n, 1, 28, 28) in [0, 1] | 60,000, 10,000, 70,000 |
    | the 2-D sets             | (n, 2), see `toy`        | as asked; no "all"     |

    The 2-D sets are `eight-gaussians`, `gaussian-grid`, `swiss-roll`, `two-moons` and `checkerboard`.

    Arguments:
        split: "train", "test", or for images "all": train, then test.
        n: how many samples. Of images, that many drawn at random without replacement (the first of a larger
            `n` under the same seed), or with None all in the order of the file. Of points, None is 10,000.
        seed: in [0, 2^31). It decides which images, or which points; train and test draw apart under every
            seed. The global random state is neither read nor changed.
        device: where `x` and `y` are put; the values are the same on each.
        root: where MNIST and Fashion-MNIST lie, as `MNIST/raw` and `FashionMNIST/raw`; with None
            `$GENTUTOR_DATA`. What is not there is looked for in the user's cache folder, else downloaded into
            the first of the two that can be written. A root that has the files is only read.

    Raises `ValueError` for an unknown name or split and for n or seed out of range, `DataError` for a file
    that is missing and cannot be downloaded, or is cut or corrupt.
    """
    _check_choice("data set", name, NAMES)
    _check_choice(
        f"split of {name}", split, ("train", "test", "all") if name in IMAGES else ("train", "test")
    )
    if n is not None and n < 1:
        raise ValueError(f"n is {n}, expected at least 1, or None for the default number")
    if not 0 <= seed < 2**31:
        raise ValueError(f"seed is {seed}, expected 0 <= seed < 2**31")

    generator = torch.Generator(device="cpu")
    if name in TOYS:
        draw, classes = TOYS[name]
        generator.manual_seed(2 * seed + (split == "test"))  # one stream for each pair of seed and split
        x, y = draw(10_000 if n is None else n, generator)
    else:
        classes = IMAGES[name]
        images, y = _read_images(name, split, root)
        if n is not None:
            if n > len(y):
                raise ValueError(f"n is {n:,}, but the split {split!r} of {name} has {len(y):,} samples")
            chosen = torch.randperm(len(y), generator=generator.manual_seed(seed), device="cpu")[:n]
            images, y = images[chosen], y[chosen]
        x = images.unsqueeze(1).to(torch.float32).div_(16 if name == "digits" else 255)
    return Dataset(name, x, y.to(torch.int64), classes).to(device)


def available(name: str, *, root: str | os.PathLike[str] | None = None) -> bool:
    """Whether `load(name)` finds all its files on this machine, so that it needs no network.

    It looks for the files without reading them: a corrupt one is only found by `load`. Raises `ValueError`
    for an unknown name.
    """
    _check_choice("data set", name, NAMES)
    return name == "digits" or name in TOYS or at_hand(name, root)


def _read_images(name: str, split: str, root: str | os.PathLike[str] | None) -> tuple[Tensor, Tensor]:
    if split == "all":
        train, test = _read_images(name, "train", root), _read_images(name, "test", root)
        return torch.cat((train[0], test[0])), torch.cat((train[1], test[1]))
    return read_digits(split) if name == "digits" else read_idx_set(name, split, root)


def _check_choice(what: str, given: str, choices: tuple[str, ...]) -> None:
    if given not in choices:
        near = get_close_matches(str(given).lower().replace("_", "-"), choices, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"unknown {what} {given!r}.{hint} There are {', '.join(map(repr, choices))}")
