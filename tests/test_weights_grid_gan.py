"""The plain GANs on 25 Gaussians, made by tools/gan_on_grid.py: what lecture 08 says of them."""

import pytest
import torch

from gentutor import weights
from gentutor.data import toy
from gentutor.models import gan

NAMES = [name for name in weights.names() if name.startswith("grid_gan-")]


def test_there_are_three():
    assert NAMES == ["grid_gan-0", "grid_gan-1", "grid_gan-2"]


@pytest.mark.parametrize("name", NAMES)
def test_good_samples_on_too_few_modes(name):
    """Counted with numpy's distances, on samples of their own: at least four of five are good, and at most
    half of the modes have half of their share."""
    G, record = gan.pretrained(name)
    assert record["command"] == "python tools/gan_on_grid.py"
    x, centres = G.sample(10_000, seed=5).numpy(), toy.gaussian_grid_centres().numpy()
    off = ((x[:, None] - centres) ** 2).sum(2) ** 0.5
    good = off.min(1) <= 0.15
    assert abs(good.mean() - record["figures"]["share"]) < 0.03
    assert good.mean() > 0.8
    counts = torch.bincount(torch.from_numpy(off.argmin(1)[good]), minlength=25)
    assert int((counts >= 200).sum()) <= 12
    assert record["figures"]["modes"] < 25
