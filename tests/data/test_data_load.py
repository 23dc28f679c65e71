"""What holds for every data set, and the embedded digits."""

import random

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from gentutor.data import NAMES, Dataset, load

LOCAL = [name for name in NAMES if "mnist" not in name]


def test_digits_are_scikit_learns():
    theirs = load_digits()
    data = load("digits", "all")
    np.testing.assert_array_equal(data.x[:, 0].numpy() * 16, theirs.images)
    np.testing.assert_array_equal(data.y.numpy(), theirs.target)
    assert data.classes == tuple(map(str, theirs.target_names))
    assert data.x.shape == (1797, 1, 8, 8)


def test_digits_splits_part_the_set_between_two_writers():
    train, test, both = (load("digits", split) for split in ("train", "test", "all"))
    assert torch.equal(torch.cat((train.x, test.x)), both.x)
    assert torch.equal(torch.cat((train.y, test.y)), both.y)
    assert (len(train), len(test)) == (1415, 382)
    sheet = [*range(10)] * 3  # what each writer begins with
    assert test.y[:30].tolist() == sheet
    images = [{tuple(row) for row in part.x.flatten(1).tolist()} for part in (train, test)]
    assert not images[0] & images[1]


@pytest.mark.parametrize("name", LOCAL)
@pytest.mark.parametrize("split", ["train", "test"])
def test_form(name, split):
    data = load(name, split, n=300)
    assert isinstance(data, Dataset)
    assert data.name == name
    assert len(data) == 300
    assert data.x.shape == ((300, 1, 8, 8) if name == "digits" else (300, 2))
    assert data.x.dtype == torch.float32
    assert data.y.shape == (300,)
    assert data.y.dtype == torch.int64
    assert len(set(data.classes)) == len(data.classes)
    assert set(data.y.tolist()) == set(range(len(data.classes)))


@pytest.mark.parametrize("name", LOCAL)
def test_seed_decides_and_the_global_state_does_not(name):
    first = load(name, n=100, seed=3)
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    random.seed(7)
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    again = load(name, n=100, seed=3)
    assert torch.equal(first.x, again.x)
    assert torch.equal(first.y, again.y)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
    assert random.getstate() == before[2]
    assert not torch.equal(first.x, load(name, n=100, seed=4).x)


@pytest.mark.parametrize("name", [name for name in LOCAL if name != "digits"])
def test_train_and_test_streams_share_no_point(name):
    drawn = [load(name, split, n=500, seed=seed).x for split in ("train", "test") for seed in range(3)]
    assert len(torch.cat(drawn).unique(dim=0)) == 6 * 500
    assert len(load(name)) == 10_000


def test_subset_is_drawn_without_replacement_and_keeps_labels():
    every = load("digits")
    label_of = {tuple(x): y for x, y in zip(every.x.flatten(1).tolist(), every.y.tolist(), strict=True)}
    assert len(label_of) == len(every)  # no two images are the same, so that an image tells its place
    part = load("digits", n=400, seed=1)
    rows = [tuple(x) for x in part.x.flatten(1).tolist()]
    assert len(set(rows)) == 400
    assert [label_of[row] for row in rows] == part.y.tolist()
    assert not torch.equal(part.x, every.x[:400])
    assert torch.equal(load("digits", n=150, seed=1).x, part.x[:150])
    assert sorted(load("digits", n=1415).x.flatten(1).tolist()) == sorted(every.x.flatten(1).tolist())


def test_to_moves_both_tensors():
    data = load("digits", n=5)
    moved = data.to("meta")
    assert (moved.x.device.type, moved.y.device.type) == ("meta", "meta")
    assert (moved.name, moved.classes) == (data.name, data.classes)
    assert data.to("cpu").x is data.x
    assert load("two-moons", n=5, device="meta").x.is_meta


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", LOCAL)
def test_values_are_the_same_on_a_gpu(name):
    data = load(name, n=200, device="cuda")
    assert (data.x.device.type, data.y.device.type) == ("cuda", "cuda")
    assert torch.equal(data.x.cpu(), load(name, n=200).x)
    assert "on cuda" in repr(data)


@pytest.mark.parametrize("name", LOCAL)
def test_torchs_defaults_do_not_matter(name):
    expected = load(name, n=20)
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    try:
        data = load(name, n=20)
    finally:
        torch.set_default_device(None)
        torch.set_default_dtype(torch.float32)
    assert data.x.dtype == torch.float32
    assert torch.equal(data.x, expected.x)


def test_repr_states_shape_dtype_and_range():
    assert repr(load("digits")) == (
        "Dataset('digits', x: (1415, 1, 8, 8) float32 in [0, 1], y: (1415,) int64, 10 classes, on cpu)"
    )


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("MNIST", "mnist"),
        ("fashion_mnist", "fashion-mnist"),
        ("swissroll", "swiss-roll"),
        ("digit", "digits"),
    ],
)
def test_unknown_name_suggests_the_near_one(given, meant):
    with pytest.raises(ValueError, match=f"unknown data set '{given}'. Did you mean '{meant}'?") as error:
        load(given)
    assert all(repr(name) in str(error.value) for name in NAMES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "xyz"}, r"unknown data set 'xyz'\. There are 'digits'"),
        ({"name": "digits", "split": "tests"}, "unknown split of digits 'tests'.* 'train', 'test', 'all'"),
        ({"name": "two-moons", "split": "all"}, "unknown split of two-moons 'all'.* 'train', 'test'$"),
        ({"name": "digits", "n": 1416}, "n is 1,416, but the split 'train' of digits has 1,415 samples"),
        ({"name": "digits", "n": 0}, "n is 0, expected at least 1"),
        ({"name": "two-moons", "n": -3}, "n is -3, expected at least 1"),
        ({"name": "two-moons", "seed": -1}, "seed is -1, expected 0 <= seed"),
        ({"name": "digits", "seed": 2**31}, "seed is 2147483648, expected 0 <= seed"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        load(**arguments)
