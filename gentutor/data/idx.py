"""MNIST and Fashion-MNIST: finding, downloading and decoding their four IDX files.

The files lie as torchvision lays them out, in `<root>/MNIST/raw/` and `<root>/FashionMNIST/raw/`. They are
decoded from their `.gz` straight into memory: nothing is unpacked to disk, so the root may be read-only.

Format and data: Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits";
H. Xiao, K. Rasul and R. Vollgraf (2017), "Fashion-MNIST", arXiv:1708.07747 (MIT licence).
"""

import gzip
import hashlib
import math
import os
import socket
import struct
import sys
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from platformdirs import user_cache_path
from torch import Tensor

from gentutor.data.dataset import DataError

FOLDERS = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}  # also the names of torchvision's classes
SIZES = {"train": 60_000, "test": 10_000}
PREFIXES = {"train": "train", "test": "t10k"}
TIMEOUT = 30  # seconds without an answer before a mirror is given up; by default Python waits for ever


def read_idx_set(name: str, split: str, root: str | os.PathLike[str] | None) -> tuple[Tensor, Tensor]:
    """Images (n, 28, 28) and labels (n,), both uint8 on the CPU and in the order of the file.

    `split` is "train" (n = 60,000) or "test" (n = 10,000). Raises `DataError` for a file that is missing
    and cannot be downloaded, or is corrupt.
    """
    n, prefix = SIZES[split], PREFIXES[split]
    places = raw_folders(name, root)
    images = _read(name, f"{prefix}-images-idx3-ubyte", (n, 28, 28), places)
    labels = _read(name, f"{prefix}-labels-idx1-ubyte", (n,), places)
    return images, labels


def at_hand(name: str, root: str | os.PathLike[str] | None) -> bool:
    """Whether all four files of the set are there, packed or unpacked. Their content is not looked at."""
    places = raw_folders(name, root)
    stems = (
        f"{prefix}-{kind}-ubyte" for prefix in PREFIXES.values() for kind in ("images-idx3", "labels-idx1")
    )
    return all(_find(stem, places) for stem in stems)


def raw_folders(name: str, root: str | os.PathLike[str] | None) -> list[Path]:
    """Where the set's files may lie, in the order of search: the root, then the user's cache folder.

    The root is `root`, else `$GENTUTOR_DATA`; with neither the cache folder is the only place.
    """
    cache = user_cache_path("gentutor", appauthor=False)
    first = Path(root or os.environ.get("GENTUTOR_DATA") or cache).expanduser()
    return [place / FOLDERS[name] / "raw" for place in dict.fromkeys((first, cache))]


def _find(stem: str, places: list[Path]) -> Path | None:
    candidates = (place / file for place in places for file in (f"{stem}.gz", stem))
    return next((path for path in candidates if path.is_file()), None)


def _read(name: str, stem: str, shape: tuple[int, ...], places: list[Path]) -> Tensor:
    path = _find(stem, places) or _download(name, f"{stem}.gz", places)
    if path.suffix != ".gz":
        return decode_idx(path.read_bytes(), shape, path)
    packed = path.read_bytes()
    expected = dict(_torchvision_set(name).resources)[path.name]
    found = hashlib.md5(packed, usedforsecurity=False).hexdigest()
    if found != expected:
        raise _corrupt(path, f"its MD5 sum is {found}, expected {expected}")
    return decode_idx(gzip.decompress(packed), shape, path)


def decode_idx(content: bytes, shape: tuple[int, ...], path: Path) -> Tensor:
    """The uint8 array of the given shape that an unpacked IDX file holds.

    The format: two zero bytes, 8 for unsigned bytes, the number of dimensions, each dimension as a
    big-endian uint32, then the values. `path` is named by the `DataError` for a file that differs.
    """
    header = struct.pack(f">HBB{len(shape)}I", 0, 8, len(shape), *shape)
    found = content[: len(header)]
    if found != header:
        raise _corrupt(
            path,
            f"its header is {found.hex(' ')!r}, expected {header.hex(' ')!r} for uint8 {shape}",
        )
    size = len(header) + math.prod(shape)
    if len(content) != size:
        raise _corrupt(path, f"it holds {len(content):,} bytes unpacked, expected {size:,}")
    values = np.frombuffer(content, np.uint8, offset=len(header)).reshape(shape)
    return torch.from_numpy(values.copy())  # a copy, for the buffer of `content` is read-only


def _corrupt(path: Path, reason: str) -> DataError:
    return DataError(
        f"{path} is cut or corrupt: {reason}. "
        "Delete it and load again to download it, or replace it with a whole copy."
    )


def _torchvision_set(name: str) -> Any:
    # Imported only here: it takes about a second, and what needs no MD5 sum or mirror can do without.
    import torchvision.datasets  # type: ignore[import-untyped]

    return getattr(torchvision.datasets, FOLDERS[name])


def _download(name: str, file: str, places: list[Path]) -> Path:
    """Fetch a file from the first of torchvision's mirrors that has it to the first writable place."""
    source = _torchvision_set(name)
    problems = []
    for place in places:
        try:
            place.mkdir(parents=True, exist_ok=True)
            scratch = TemporaryDirectory(prefix="download-", dir=place)
        except OSError as error:  # a read-only root: the next place is the cache
            problems.append(str(error))
            continue
        with scratch:
            for mirror in source.mirrors:
                try:
                    _download_url(mirror + file, scratch.name, dict(source.resources)[file])
                except (RuntimeError, OSError, HTTPException) as error:
                    problems.append(f"{mirror}{file}: {error}")
                else:  # moved only when whole and checked, so that a cut download is never taken for the file
                    return Path(scratch.name, file).replace(place / file)
        break
    listed = "\n    ".join
    raise DataError(
        f"{name} is not on this machine and could not be downloaded:\n    {listed(problems)}\n"
        f"Put these four files, packed or unpacked,\n    {listed(file for file, _ in source.resources)}\n"
        f"into the first of these folders that you can write to\n    {listed(map(str, places))}\n"
        f"or set $GENTUTOR_DATA to a folder that has them in its {FOLDERS[name]}/raw. "
        'load("digits") and the 2-D sets need no download.'
    )


def _download_url(url: str, folder: str, md5: str) -> None:
    from torchvision.datasets.utils import download_url  # type: ignore[import-untyped]

    print(f"Downloading {url}", file=sys.stderr)
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(TIMEOUT)
    try:
        download_url(url, folder, md5=md5)
    finally:
        socket.setdefaulttimeout(timeout)
