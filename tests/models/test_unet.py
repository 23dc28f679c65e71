"""The U-Net against its formulas in numpy, and what must hold of any network that predicts noise."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from gentutor.models import unet
from gentutor.models.unet import UNet


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def shaken(net, seed=1):
    """Every weight moved a little: branches that start at 0 say something."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.1 * torch.randn(p.shape, generator=generator, dtype=p.dtype)
    return net


def small(**settings):
    return shaken(UNet(**{"widths": (8, 16), "blocks": (1, 1)} | settings).double())


# ---------------------------------------------------------------------------------------- the parts


def test_the_embedding_is_the_papers_waves():
    t, d = [0, 1, 7, 999], 6
    expected = [
        [f(k / 10_000 ** (2 * i / d)) for f in (math.sin, math.cos) for i in range(d // 2)] for k in t
    ]
    found = unet.time_embedding(torch.tensor(t), d)
    assert_allclose(found.numpy(), expected, atol=1e-4)
    assert found.dtype == torch.float32
    assert_allclose(
        unet.time_embedding(torch.tensor([0.5]), 2).numpy(), [[math.sin(0.5), math.cos(0.5)]], rtol=1e-6
    )


def test_no_two_times_look_alike():
    e = unet.time_embedding(torch.arange(1001), 64)
    apart = torch.cdist(e, e, compute_mode="donot_use_mm_for_euclid_dist") + 9 * torch.eye(1001)
    assert apart.min() > 0.5


def test_an_odd_embedding_is_named():
    with pytest.raises(ValueError, match="d is 5; expected an even number"):
        unet.time_embedding(torch.tensor([1]), 5)


def normed(h, groups=8):
    """Group norm in numpy: each sample's groups of channels have mean 0 and variance 1."""
    parts = h.reshape(len(h), groups, -1)
    parts = (parts - parts.mean(2, keepdims=True)) / np.sqrt(parts.var(2, keepdims=True) + 1e-5)
    return parts.reshape(h.shape)


def test_adagn_is_its_formula_and_starts_as_the_plain_norm():
    layer, h, e = unet.AdaGN(16, 5).double(), random(3, 16, 4, 2, seed=1), random(3, 5, seed=2)
    assert_allclose(layer(h, e).detach().numpy(), normed(h.numpy()), rtol=1e-10)
    shaken(layer)
    y = e.numpy() @ layer.y.weight.detach().numpy().T + layer.y.bias.detach().numpy()
    y_s, y_b = y[:, :16, None, None], y[:, 16:, None, None]
    assert_allclose(layer(h, e).detach().numpy(), y_s * normed(h.numpy()) + y_b, rtol=1e-10)


def test_attention_is_its_formula_place_by_place():
    layer, h = shaken(unet.Attention(8, heads=2).double()), random(2, 8, 3, 2, seed=1)
    P = {name: p.detach().numpy() for name, p in layer.named_parameters()}
    x = normed(h.numpy()) * P["norm.weight"][:, None, None] + P["norm.bias"][:, None, None]
    qkv = np.einsum("oc,bcp->bop", P["qkv.weight"][:, :, 0, 0], x.reshape(2, 8, 6)) + P["qkv.bias"][:, None]
    out = np.zeros((2, 8, 6))
    for b in range(2):
        for head in range(2):
            q, k, v = (qkv[b, 8 * i + 4 * head : 8 * i + 4 * head + 4] for i in range(3))  # (4, places)
            for here in range(6):
                weight = np.exp([q[:, here] @ k[:, there] / math.sqrt(4) for there in range(6)])
                out[b, 4 * head : 4 * head + 4, here] = v @ (weight / weight.sum())
    out = np.einsum("oc,bcp->bop", P["out.weight"][:, :, 0, 0], out) + P["out.bias"][:, None]
    assert_allclose(layer(h).detach().numpy(), h.numpy() + out.reshape(h.shape), rtol=1e-9, atol=1e-12)


def test_attention_knows_no_places():
    layer, h = shaken(unet.Attention(8).double()), random(2, 8, 3, 4, seed=1)
    order = torch.randperm(12, generator=torch.Generator().manual_seed(2))

    def moved(x):
        return x.flatten(2)[:, :, order].view_as(x)

    assert_allclose(layer(moved(h)).detach().numpy(), moved(layer(h)).detach().numpy(), rtol=1e-10)


@pytest.mark.parametrize(("before", "after"), [(8, 8), (8, 16)])
def test_a_block_starts_as_what_stands_beside_it(before, after):
    block, h, e = unet.ResBlock(before, after, 5).double(), random(2, before, 4, 4), random(2, 5)
    beside = h if before == after else block.shortcut(h)
    assert torch.equal(block(h, e), beside)
    shaken(block)
    assert not torch.allclose(block(h, e), beside)
    assert not torch.allclose(block(h, e), block(h, 2 * e))


def test_doubling_repeats_each_place_and_odd_sides_come_back():
    layer, h = unet._Double(8, 3).double(), random(2, 8, 3, 2)
    repeated = h.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert_allclose(layer(h, (6, 4)).detach().numpy(), layer.conv(repeated).detach().numpy(), rtol=1e-12)
    assert layer(h, (5, 3)).shape == (2, 3, 5, 3)


# -------------------------------------------------------------------------------------------- the whole


@pytest.mark.parametrize(
    ("side", "settings"),
    [
        ((28, 28), {}),
        ((32, 32), {"widths": (8, 8, 16), "blocks": (2, 1, 2), "channels": 3}),
        ((28, 28), {"widths": (16,), "blocks": (2,), "patch": 1}),
        ((27, 13), {"widths": (8, 16, 24), "blocks": (1, 0, 1), "patch": 1}),
        ((14, 18), {"widths": (8, 16, 16), "blocks": (1, 1, 1), "patch": 2}),
        ((9, 15), {"patch": 3}),
    ],
)
def test_the_noise_has_the_pictures_shape(side, settings):
    net = UNet(**{"widths": (8, 16), "blocks": (1, 1)} | settings)
    x = random(2, settings.get("channels", 1), *side, dtype=torch.float32)
    eps = net(x, torch.tensor([1, 30]))
    assert (eps.shape, eps.dtype) == (x.shape, torch.float32)
    assert not eps.any()  # it starts at the mean of all noise
    assert shaken(net)(x, torch.tensor([1, 30])).std() > 0.01


@pytest.mark.parametrize(
    "settings", [{"widths": (16, 32)}, {"widths": (16, 16, 32), "blocks": (1, 2, 1), "patch": 1}]
)
def test_a_gradient_reaches_every_parameter(settings):
    """Of 16 channels up: where a group has one channel alone, the norm takes off the bias before it."""
    net = small(**settings)
    net(random(3, 1, 8, 8), torch.tensor([1, 40, 900])).square().mean().backward()
    silent = [name for name, p in net.named_parameters() if p.grad is None or not p.grad.abs().max() > 1e-9]
    assert silent == []


def test_each_sample_is_answered_for_itself():
    """By its own time, whatever stands beside it and wherever it stands."""
    net, x, t = small(), random(5, 1, 8, 8, seed=2), torch.tensor([3, 500, 3, 77, 1000])
    eps = net(x, t).detach()
    alone = torch.cat([net(x[i : i + 1], t[i : i + 1]) for i in range(5)]).detach()
    assert_allclose(eps.numpy(), alone.numpy(), rtol=1e-9, atol=1e-12)
    order = torch.tensor([4, 2, 0, 1, 3])
    assert_allclose(net(x[order], t[order]).detach().numpy(), eps[order].numpy(), rtol=1e-9, atol=1e-12)


def test_it_uses_the_time():
    net, x = small(), random(1, 1, 8, 8).expand(6, 1, 8, 8)
    eps = net(x, torch.tensor([1, 2, 10, 100, 999, 1000])).detach().flatten(1)
    apart = torch.cdist(eps, eps) + 9 * torch.eye(6)
    assert apart.min() > 1e-3


def test_a_patch_is_a_place_of_the_map():
    """A picture that repeats one patch is, but for the border, one value on the map, and comes back so."""
    net = small(widths=(8,), blocks=(1,))
    x = random(1, 1, 2, 2).repeat(1, 1, 32, 32)  # twelve convolutions: the border is felt twelve places deep
    eps = net(x, torch.tensor([5])).detach()[0, 0]
    inner = eps[26:38, 26:38]
    assert_allclose(inner.numpy(), inner[:2, :2].repeat(6, 6).numpy(), rtol=1e-9, atol=1e-12)
    assert inner.std() > 1e-3


@pytest.mark.parametrize("dims", [(2,), (3,), (2, 3)])
def test_on_one_level_kernels_that_are_their_mirror_images_mirror_pictures(dims):
    """No place is told from another, but by its distance from the border."""
    net = small(widths=(8,), blocks=(2,), patch=1)
    with torch.no_grad():
        for layer in net.modules():
            if isinstance(layer, nn.Conv2d):
                layer.weight += layer.weight.flip(dims)
    x, t = random(2, 1, 6, 7), torch.tensor([4, 90])
    assert_allclose(net(x.flip(dims), t).detach().numpy(), net(x, t).flip(dims).detach().numpy(), atol=1e-9)
    assert not torch.allclose(net(x.flip(dims), t), net(x, t))


def test_under_autocast_the_noise_is_in_single_precision():
    net, x = shaken(UNet(widths=(8, 16), blocks=(1, 1))), random(2, 1, 8, 8, dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        eps = net(x, torch.tensor([1, 2]))
    assert eps.dtype == torch.float32
    assert_allclose(eps.detach().numpy(), net(x, torch.tensor([1, 2])).detach().numpy(), atol=0.1)


def test_its_settings_make_it_again():
    net = UNet(3, (8, 16), (2, 1), patch=1)
    again = UNet(**net.settings, seed=5)
    again.load_state_dict(net.state_dict())
    x, t = random(1, 3, 8, 8, dtype=torch.float32), torch.tensor([3])
    assert torch.equal(shaken(again)(x, t), shaken(net)(x, t))


def test_the_seed_decides_the_weights_and_nothing_else_does():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (UNet(widths=(8,), blocks=(1,), seed=s).first.weight for s in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("widths", "blocks"), [((), ()), ((8, 16), (1,)), ((8, 12), (1, 1)), ((16,), (1, 1))]
)
def test_levels_that_do_not_fit_are_named(widths, blocks):
    with pytest.raises(
        ValueError, match="expected a number in each for every level, and widths that are multiples"
    ):
        UNet(widths=widths, blocks=blocks)


@pytest.mark.parametrize("shape", [(1, 28, 28), (2, 1, 27, 28), (2, 1, 28, 27)])
def test_pictures_that_do_not_fit_are_named(shape):
    with pytest.raises(ValueError, match=r"expected \(B, C, H, W\), H and W multiples of 2"):
        UNet(widths=(8,), blocks=(1,))(torch.zeros(shape), torch.ones(shape[0]))
