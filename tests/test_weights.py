"""Shipped weights: small, with the record of their run, and as good as the record says."""

import json

import pytest
import torch
from safetensors.torch import save_file

from gentutor import data, weights
from gentutor.models import vae
from gentutor.recipes import vae as recipes

SHIPPED = [name for name in weights.names() if name.startswith("vae_")]


def test_every_recipe_is_shipped():
    assert sorted(f"vae_{name}" for name in recipes.RECIPES) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_small_with_the_command_the_seed_the_time_and_the_figures(name):
    path = weights.FOLDER / f"{name}.safetensors"
    _, record = vae.pretrained(name)
    assert path.stat().st_size < 3e6
    recipe = recipes.RECIPES[name.removeprefix("vae_")]
    assert record["command"] == f"gentutor train vae {name.removeprefix('vae_')} --seed {record['seed']}"
    assert record["training"] == recipe.training
    assert record["data"] == recipe.data
    assert len(record["curve"]) == recipe.training["epochs"]
    assert record["seconds"] > 0
    assert "torch 2." in record["machine"]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_elbo_on_test_data_is_the_one_recorded(name):
    model, record = vae.pretrained(name)
    if not data.available(record["data"]):
        pytest.skip(f"{record['data']} is not here; $GENTUTOR_DATA names where it lies")
    X = data.load(record["data"], "test").x.flatten(1)
    if record["training"].get("binarize"):
        X = recipes.binarized(X)
    with torch.no_grad():
        eps = torch.randn(len(X), model.k, generator=torch.Generator().manual_seed(7))
        reconstruction, kl = model.elbo_terms(X, eps)
    assert abs(float(kl.mean()) - record["figures"]["kl"]) < 0.01
    assert abs(float((reconstruction - kl).mean()) - record["figures"]["elbo"]) < 0.8


def test_the_long_run_is_at_least_as_good_as_the_published_one():
    """86.76 nats: Burda et al. (2016), table 1, one stochastic layer, k = 1; tried anew on 300 images."""
    model, record = vae.pretrained("vae_mnist-50")
    assert record["figures"]["negative_log_likelihood"] <= 86.76
    if not data.available("mnist"):
        pytest.skip("mnist is not here; $GENTUTOR_DATA names where it lies")
    X = recipes.binarized(data.load("mnist", "test").x.flatten(1))[::200]
    elbo = recipes.figures(model, X, 0)["elbo"]
    bound = float(model.log_evidence(X, 500).mean())
    assert elbo + 2 < bound < elbo + 12  # what the importance weights win: some 5 nats


def test_half_precision_comes_back_as_single():
    state, _ = weights.read("vae_mnist-2")
    assert {value.dtype for value in state.values()} == {torch.float32}


def test_what_is_written_is_read(tmp_path):
    state = {"a": torch.arange(6.0).reshape(2, 3), "b": torch.tensor(2.5)}
    weights.write(tmp_path / "new" / "x.safetensors", state, {"seed": 3, "note": "μ"})
    back, record = weights.read(tmp_path / "new" / "x.safetensors")
    assert record == {"seed": 3, "note": "μ"}
    assert all(torch.equal(back[key], state[key]) for key in state)


def test_what_cannot_be_used_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no weights 'vae_mnist-3'\. There are .*vae_digits-2"):
        vae.pretrained("vae_mnist-3")
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"no weights")
    with pytest.raises(ValueError, match="holds no weights with a record"):
        weights.read(path)
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="holds no weights with a record"):
        weights.read(path)
    save_file({"a": torch.zeros(2)}, path, {"record": json.dumps({"seed": 1})})
    assert weights.read(path)[1] == {"seed": 1}
