"""Shipped generators and the classifier: small, with the record of their run, as good as the record says."""

import pytest
import torch

from gentutor import data, weights
from gentutor.data import toy
from gentutor.metrics.modes import modes
from gentutor.models import gan
from gentutor.recipes import classifier as classifier_recipes
from gentutor.recipes import gan as recipes
from gentutor.recipes import pictures

SEEDS = range(5)
SHIPPED = {
    "gan_mnist": ("gan", "mnist"),
    **{f"wgan_grid-{seed}": ("wgan", "grid") for seed in SEEDS},
}


def test_every_recipe_is_shipped():
    assert set(SHIPPED.values()) == {(f, name) for f, table in recipes.RECIPES.items() for name in table}
    there = {name for name in weights.names() if name.startswith(("gan_", "wgan_"))}
    assert there == set(SHIPPED)
    assert {f"classifier_{name}" for name in classifier_recipes.RECIPES} == {
        name for name in weights.names() if name.startswith("classifier_")
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_small_with_the_command_the_seed_the_time_and_the_figures(name):
    family, recipe = SHIPPED[name]
    _, record = gan.pretrained(name)
    assert (weights.FOLDER / f"{name}.safetensors").stat().st_size < 3e6
    assert record["command"] == f"gentutor train {family} {recipe} --seed {record['seed']}"
    assert record["training"] == recipes.RECIPES[family][recipe].training
    assert record["data"] == recipes.RECIPES[family][recipe].data
    assert 100 <= len(record["curve"]) <= 200
    assert record["seconds"] > 0
    assert "torch 2." in record["machine"]


def test_the_classifier_has_its_record():
    _, record = weights.read("classifier_mnist")
    assert record["command"] == f"gentutor train classifier mnist --seed {record['seed']}"
    assert record["training"] == classifier_recipes.RECIPES["mnist"]
    assert (weights.FOLDER / "classifier_mnist.safetensors").stat().st_size < 3e6


@pytest.mark.parametrize("seed", SEEDS)
def test_each_seed_reaches_all_25_gaussians(seed):
    """VEEGAN: 24.6 modes and 40% good samples; PacGAN: 24.8 and 93.6% (Lin et al. 2018, table 1)."""
    G, record = gan.pretrained(f"wgan_grid-{seed}")
    assert record["seed"] == seed
    assert record["figures"]["modes"] == 25
    fresh = modes(G.sample(10_000, seed=77), toy.gaussian_grid_centres(), toy.GAUSSIAN_GRID_SIGMA)
    assert fresh.covered == 25
    assert fresh.share >= 0.9
    assert abs(fresh.share - record["figures"]["share"]) < 0.03
    assert fresh.counts.min() > 10_000 / 25 / 3  # none is starved


def test_the_dcgan_is_nearer_to_mnist_than_a_gaussian_with_all_ten_classes():
    found = gan.pretrained("gan_mnist")[1]["figures"]
    assert found["frechet_test"] < found["frechet"] < found["frechet_gaussian"] < found["frechet_noise"]
    assert found["classes"] == 10
    assert found["reverse_kl"] < 0.05


def test_the_dcgans_figures_are_those_recorded():
    G, record = gan.pretrained("gan_mnist")
    if not data.available("mnist"):
        pytest.skip("mnist is not here; $GENTUTOR_DATA names where it lies")
    found = recipes.figures_of_pictures(G)
    assert found.keys() == record["figures"].keys()
    for key, value in found.items():
        assert value == pytest.approx(record["figures"][key], rel=0.01, abs=0.005), key


def test_a_gaussian_fit_has_the_moments_of_the_data():
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(4000, 2, generator=generator) * torch.tensor([0.08, 0.03])
    directions = torch.linalg.qr(torch.randn(16, 2, generator=generator)).Q
    X = (0.5 + codes @ directions.T).view(-1, 1, 4, 4)
    drawn = pictures.gaussian_fit(X, 4000, r=2)
    assert drawn.shape == X.shape
    assert (drawn.flatten(1).T.cov() - X.flatten(1).T.cov()).abs().max() < 4e-4  # of up to 6.4e-3
    assert (drawn.mean(0) - X.mean(0)).abs().max() < 0.01


def test_a_long_curve_is_thinned_by_means():
    curve = torch.arange(1001.0)[:, None].expand(-1, 2)
    thin = recipes.thinned(curve)
    assert thin.shape == (167, 2)
    assert thin[0].tolist() == [2.5, 2.5]  # of 0 ... 5
    assert thin[-1, 0] == (996 + 1000) / 2
    assert torch.equal(recipes.thinned(curve[:150]), curve[:150])
