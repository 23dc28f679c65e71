"""MNIST and Fashion-MNIST: reading, refusing and fetching their files."""

import contextlib
import http.server
import re
import shutil
import threading

import numpy as np
import pytest
import torch
import torchvision.datasets

from gentutor.data import DataError, available, load

IMAGES, LABELS = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"


def write(folder, contents):
    for file, content in contents.items():
        (folder / file).write_bytes(content)


def listing(folder):
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in (folder, *folder.rglob("*"))}


# The published files: facts known from elsewhere, and torchvision's own reading.


@pytest.mark.parametrize(
    ("name", "split", "counts", "first", "mean"),
    [
        (
            "mnist",
            "train",
            [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949],
            [5, 0, 4, 1, 9, 2, 1, 3, 1, 4],
            0.1307,
        ),
        (
            "mnist",
            "test",
            [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009],
            [7, 2, 1, 0, 4, 1, 4, 9, 5, 9],
            0.1325,
        ),
        ("fashion-mnist", "train", [6000] * 10, [9, 0, 0, 3, 0, 2, 7, 2, 5, 5], 0.2860),
        ("fashion-mnist", "test", [1000] * 10, [9, 2, 1, 1, 6, 1, 4, 6, 5, 7], 0.2868),
    ],
)
def test_published_facts(real_root, name, split, counts, first, mean):
    data = load(name, split, root=real_root)
    assert data.x.shape == (sum(counts), 1, 28, 28)
    assert data.x.dtype == torch.float32
    assert (data.x.min(), data.x.max()) == (0, 1)
    assert data.x.double().mean().item() == pytest.approx(mean, abs=5e-5)
    assert data.y.dtype == torch.int64
    assert data.y.bincount().tolist() == counts
    assert data.y[:10].tolist() == first


@pytest.mark.parametrize(
    ("name", "torchvision_name"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")]
)
def test_torchvision_reads_the_same(real_root, tmp_path, name, torchvision_name):
    raw = tmp_path / "copy" / torchvision_name / "raw"
    shutil.copytree(real_root / torchvision_name / "raw", raw)
    raw.chmod(0o755)
    theirs = getattr(torchvision.datasets, torchvision_name)
    expected = [theirs(tmp_path / "copy", train=train, download=True) for train in (True, False)]  # unpacks
    for packed in raw.glob("*.gz"):
        packed.unlink()
    for root in (real_root, tmp_path / "copy"):  # from the packed files, then from the unpacked
        data = load(name, "all", root=root)
        assert len(data) == 70_000
        assert torch.equal(data.y, torch.cat([part.targets for part in expected]))
        pixels = torch.cat([part.data for part in expected])
        assert torch.equal((data.x[:, 0] * 255).round().to(torch.uint8), pixels)
    assert [label.split(" - ")[0] for label in expected[0].classes] == list(data.classes)


# Files made up for the purpose: what is read, and from where.


@pytest.mark.parametrize("kind", ["packed", "made_up"])
def test_values_come_from_the_file(kind, made_up, published, raw, request):
    write(raw, request.getfixturevalue(kind))
    data = load("mnist", "test", root=raw.parents[1])
    pixels = np.frombuffer(made_up[IMAGES][16:], np.uint8).reshape(10_000, 1, 28, 28)
    np.testing.assert_array_equal(data.x.numpy(), pixels.astype(np.float32) / np.float32(255))
    np.testing.assert_array_equal(data.y.numpy(), list(made_up[LABELS][8:]))


def test_packed_files_are_preferred_since_they_can_be_checked(packed, made_up, published, raw):
    write(raw, packed | {IMAGES: b"not looked at"})
    assert len(load("mnist", "test", root=raw.parents[1])) == 10_000


def test_order_of_places(made_up, packed, published, raw, cache, monkeypatch):
    cached = cache / "MNIST" / "raw"
    cached.mkdir(parents=True)
    write(cached, made_up)
    monkeypatch.setenv("GENTUTOR_DATA", str(raw.parents[1]))  # empty so far: the cache serves
    assert load("mnist", "test").x.mean() > 0.4
    black = dict.fromkeys([IMAGES], made_up[IMAGES][:16] + bytes(7_840_000))
    write(raw, black)  # now the environment's folder has the images, the cache the labels
    assert load("mnist", "test").x.max() == 0
    argument = raw.parents[2] / "argument"
    shutil.copytree(cache, argument)
    assert load("mnist", "test", root=argument).x.mean() > 0.4


def test_a_root_with_the_files_is_only_read(packed, published, raw, cache, tmp_path):
    write(raw, packed)
    before = listing(tmp_path)
    load("mnist", "test", root=raw.parents[1])
    assert listing(tmp_path) == before
    assert not cache.exists()


def test_available(made_up, packed, raw, cache, monkeypatch):
    monkeypatch.setenv("GENTUTOR_DATA", str(raw.parents[1]))
    train = {file.replace("t10k", "train"): b"" for file in packed}
    write(raw, packed)
    assert not available("mnist")  # the training files are missing
    write(raw, train)
    assert available("mnist")
    assert not available("fashion-mnist")
    assert not available("mnist", root=raw)
    assert not cache.exists()
    assert available("digits")
    assert available("swiss-roll")


# Corrupt files.


@pytest.mark.parametrize("file", [f"{IMAGES}.gz", f"{LABELS}.gz"])
@pytest.mark.parametrize(
    "damage", [lambda b: b[:-1], lambda b: b[:50] + bytes([b[50] ^ 1]) + b[51:], lambda b: b""]
)
def test_cut_or_changed_packed_file(packed, published, raw, file, damage):
    write(raw, packed | {file: damage(packed[file])})
    with pytest.raises(
        DataError, match=re.escape(str(raw / file)) + " is cut or corrupt: its MD5 .* Delete it"
    ):
        load("mnist", "test", root=raw.parents[1])


@pytest.mark.parametrize("file", [IMAGES, LABELS])
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda b: b[:-1], "bytes unpacked, expected"),
        (lambda b: b + b"\0", "bytes unpacked, expected"),
        (lambda b: b[:6], "its header is"),
        (lambda b: b"", "its header is ''"),
        (lambda b: b"\x1f\x8b" + b[2:], "its header is '1f 8b 08"),  # another magic number
        (lambda b: b[:2] + b"\x0d" + b[3:], "its header is '00 00 0d"),  # floats, not bytes
        (lambda b: b[:6] + b"\x27\x0f" + b[8:], "its header is"),  # 9,999 samples
    ],
)
def test_wrong_unpacked_file(made_up, raw, file, damage, reason):
    write(raw, made_up | {file: damage(made_up[file])})
    with pytest.raises(DataError, match=re.escape(f"{raw / file} is cut or corrupt: ") + f".*{reason}"):
        load("mnist", "test", root=raw.parents[1])


# Fetching, from a server on this machine.


@contextlib.contextmanager
def mirror(folder, cut=0):
    """The address of a server of the files in `folder` that hangs up `cut` bytes before the end of each."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args):
            super().__init__(*args, directory=folder)

        def copyfile(self, source, outputfile):
            content = source.read()
            outputfile.write(content[: len(content) - cut])

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()
            thread.join()


def test_download_once(packed, published, raw, cache, monkeypatch, capsys):
    write(raw, packed)
    dead = "http://127.0.0.1:9/"
    with mirror(raw) as address:
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [dead, address])
        first = load("mnist", "test")
    progress = capsys.readouterr().err
    assert f"Downloading {address}{IMAGES}.gz" in progress
    assert "100%" in progress
    assert {path.name: path.read_bytes() for path in cache.rglob("*") if path.is_file()} == packed
    assert [path.name for path in (cache / "MNIST" / "raw").iterdir() if path.is_dir()] == []
    again = load("mnist", "test")  # the server is gone
    assert torch.equal(first.x, again.x)


def test_download_goes_to_the_root_or_past_one_that_cannot_be_written(
    packed, published, raw, cache, tmp_path, monkeypatch
):
    write(raw, packed)
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder would have to be made")
    with mirror(raw) as address:
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
        load("mnist", "test", root=tmp_path / "new")
        assert not cache.exists()
        assert (tmp_path / "new" / "MNIST" / "raw" / f"{IMAGES}.gz").read_bytes() == packed[f"{IMAGES}.gz"]
        load("mnist", "test", root=blocked)
    assert len(list(cache.rglob("*.gz"))) == 2


@pytest.mark.parametrize("changed", [False, True])
def test_a_bad_download_leaves_nothing(packed, published, raw, cache, monkeypatch, changed):
    write(raw, {file: content[::-1] if changed else content for file, content in packed.items()})
    with mirror(raw, cut=0 if changed else 1) as address:
        monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [address])
        with pytest.raises(DataError, match=re.escape(address)):
            load("mnist", "test")
    assert [path for path in cache.rglob("*") if path.name != "MNIST" and path.name != "raw"] == []


@pytest.mark.parametrize(("name", "folder"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
def test_no_network(tmp_path, cache, name, folder):
    with pytest.raises(DataError) as error:
        load(name, root=tmp_path / "mine")
    message = str(error.value)
    for part in ("train", "t10k"):
        assert f"{part}-images-idx3-ubyte.gz" in message
        assert f"{part}-labels-idx1-ubyte.gz" in message
    for root in (tmp_path / "mine", cache):
        assert str(root / folder / "raw") in message
    assert "$GENTUTOR_DATA" in message
    assert 'load("digits")' in message
