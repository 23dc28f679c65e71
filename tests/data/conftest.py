import gzip
import hashlib
import os
import struct
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets

import gentutor.data.idx

FILES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
REAL_ROOT = os.environ.get("GENTUTOR_DATA")


@pytest.fixture
def real_root() -> Path:
    """The folder with the real MNIST and Fashion-MNIST files."""
    if not REAL_ROOT or not all(Path(REAL_ROOT, name, "raw").is_dir() for name in ("MNIST", "FashionMNIST")):
        pytest.skip("$GENTUTOR_DATA names no folder with the MNIST and Fashion-MNIST files")
    return Path(REAL_ROOT)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache folder in place of the user's, no $GENTUTOR_DATA, and no mirror that answers."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(gentutor.data.idx, "user_cache_path", lambda *_, **__: folder)
    monkeypatch.delenv("GENTUTOR_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", ["http://127.0.0.1:9/"])  # the discard port
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "mirrors", ["http://127.0.0.1:9/"])
    return folder


@pytest.fixture(scope="session")
def made_up() -> dict[str, bytes]:
    """The two unpacked files of a test split, of MNIST's size but with content of our own."""
    rng = np.random.default_rng(20)
    images = np.repeat(rng.integers(0, 256, (10_000, 28, 1), np.uint8), 28, axis=2)
    labels = rng.integers(0, 10, 10_000, np.uint8)
    return {
        FILES[0]: struct.pack(">4I", 2051, 10_000, 28, 28) + images.tobytes(),
        FILES[1]: struct.pack(">2I", 2049, 10_000) + labels.tobytes(),
    }


@pytest.fixture(scope="session")
def packed(made_up) -> dict[str, bytes]:
    return {f"{file}.gz": gzip.compress(content, 1) for file, content in made_up.items()}


@pytest.fixture
def published(packed, monkeypatch) -> None:
    """Torchvision's list of MD5 sums, changed to those of the made-up files."""
    sums = dict(torchvision.datasets.MNIST.resources)
    sums |= {file: hashlib.md5(content).hexdigest() for file, content in packed.items()}
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", list(sums.items()))


@pytest.fixture
def raw(tmp_path) -> Path:
    """An empty `MNIST/raw` under `tmp_path / "root"`."""
    folder = tmp_path / "root" / "MNIST" / "raw"
    folder.mkdir(parents=True)
    return folder
