"""The shipped diffusion model: small, with the record of its run, and as good as it was to become."""

import time

import pytest
import torch
from safetensors import safe_open

from gentutor import data, weights
from gentutor.metrics import classifier
from gentutor.metrics.neighbours import nearest, precision_recall
from gentutor.models import ddpm
from gentutor.recipes import ddpm as recipes

NAME = "ddpm_mnist"
PATH = weights.FOLDER / f"{NAME}.safetensors"


@pytest.fixture(scope="module")
def shipped():
    return ddpm.pretrained(NAME)


@pytest.fixture(scope="module")
def record(shipped):
    return shipped[2]


def plain(settings):
    return {key: list(v) if isinstance(v, tuple) else v for key, v in settings.items()}


def test_small_with_the_command_the_seed_the_time_and_the_machine(record):
    assert PATH.stat().st_size < 8e6
    assert record["command"] == f"gentutor train ddpm mnist --seed {record['seed']}"
    assert record["seconds"] > 60
    assert record["sampling_seconds"] > 10
    assert "torch 2." in record["machine"]
    assert 100 <= len(record["curve"]) <= 200
    assert record["curve"][-1][0] < 0.2 * record["curve"][0][0]  # the first is a mean of 75 steps


def test_the_recipe_is_that_of_the_record(record):
    recipe = recipes.RECIPES["mnist"]
    for key in ("data", "network", "schedule", "schedule_settings", "training", "sampling"):
        assert record[key] == getattr(recipe, key), key
    assert record["model"].items() >= plain(recipe.model).items()


def test_the_weights_are_in_half_precision_and_the_samples_in_grey_values():
    with safe_open(PATH, framework="pt") as file:
        stored = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    samples, chains = stored.pop("samples"), stored.pop("chains")
    assert {value.dtype for value in stored.values()} == {torch.float16}
    assert (samples.shape, samples.dtype) == ((100, 1, 28, 28), torch.uint8)
    assert (chains.shape, chains.dtype) == ((2, 11, 16, 1, 28, 28), torch.uint8)


def test_the_chains_go_from_noise_to_the_samples():
    kept, _ = weights.read(NAME)
    x_t, x_0 = kept["chains"]
    assert torch.equal(x_t[-1], kept["samples"][:16])
    assert torch.equal(x_0[-1], x_t[-1])
    off = (x_0 - x_t[-1]).square().flatten(1).mean(1)  # of x̂_0 from what came of it, from t = T on
    assert off[0] > 10 * off[9]
    left = (x_t[0].flatten() - 127.5).abs() < 127.5  # what is not cut at black or white: N(0, 1) within 1
    assert abs(float(left.double().mean()) - 0.683) < 0.02


# -------------------------------------------------------------------------------------------- quality


def test_the_table_has_every_row_of_ten_thousand(record):
    assert set(record["quality"]) == {"test", "ddpm", "gan", "vae", "gaussian", "noise"}
    for row, found in record["quality"].items():
        assert sum(found["counts"]) == 10_000, row
    figures = {key: value for key, value in record["quality"]["ddpm"].items() if key != "counts"}
    assert record["figures"] == figures


def test_the_samples_are_nearer_to_mnist_than_a_fifth_of_a_gaussian_fit(record):
    frechet = {row: found["frechet"] for row, found in record["quality"].items()}
    assert frechet["test"] < frechet["ddpm"] < frechet["gaussian"] / 5
    assert frechet["gaussian"] < frechet["noise"]


def test_every_class_comes_as_often_as_in_the_training_set(record):
    found = record["quality"]["ddpm"]
    _, reference, _ = classifier.pretrained("classifier_mnist")
    shares = torch.tensor(found["counts"]) / 10_000
    error = float((shares - reference.counts / reference.counts.sum()).abs().max())
    assert error <= 0.02
    assert found["share_error"] == pytest.approx(error, abs=1e-4)


def test_the_samples_lie_among_test_digits_and_test_digits_among_them(record):
    """A Gaussian fit has the precision, 0.63, since blurs are near to everything; but no recall, 0.10."""
    table = record["quality"]
    assert table["ddpm"]["precision"] > 0.6
    assert table["ddpm"]["recall"] > 0.6
    assert table["gaussian"]["recall"] < 0.3
    assert table["noise"]["precision"] < 0.05


def test_the_samples_are_no_copies(record):
    """A copy would lie much nearer to its training digit than a test digit does to its neighbour."""
    table = record["quality"]
    assert table["ddpm"]["nearest"] > 0.8 * table["test"]["nearest"]
    if not data.available("mnist"):
        pytest.skip("mnist is not here; $GENTUTOR_DATA names where it lies")
    samples = weights.read(NAME)[0]["samples"].flatten(1) / 255
    train = data.load("mnist").x.flatten(1)
    assert float(nearest(samples, train)[0].min()) > 1  # in pixels of [0, 1]: not one of a hundred


def grey(x):
    """The share of pixels that are neither black nor white: 8% in MNIST, 30% in draws of a Gaussian fit."""
    return float(((x > 0.1) & (x < 0.9)).double().mean())


def test_fresh_samples_are_drawn_in_seconds_and_are_digits(shipped):
    """White on black, of most classes, and among test digits, as 82% of other test digits are."""
    network, schedule, record = shipped
    began = time.process_time()
    x, _ = recipes.sample(network, schedule, record["sampling"] | {"steps": 50}, 16, seed=77)
    assert time.process_time() - began < 8
    assert (x.shape, x.min() >= 0, x.max() <= 1) == ((16, 1, 28, 28), True, True)
    assert 0.05 < grey(x) < 0.12
    judge, _, _ = classifier.pretrained("classifier_mnist")
    features, classes = judge.measure(x)
    assert len(classes.unique()) >= 6
    if not data.available("mnist"):
        pytest.skip("mnist is not here; $GENTUTOR_DATA names where it lies")
    real, _ = judge.measure(data.load("mnist", "test").x[:5000])
    assert precision_recall(features, real)[0] > 0.5


def test_the_kept_samples_are_black_and_white_and_of_all_classes():
    samples = weights.read(NAME)[0]["samples"] / 255
    assert 0.06 < grey(samples) < 0.11
    judge, _, _ = classifier.pretrained("classifier_mnist")
    assert len(judge.measure(samples)[1].unique()) == 10
