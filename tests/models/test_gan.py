"""GANs against PyTorch's cross-entropy, quadrature, the optimal discriminator, and a loop written anew."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import integrate, stats
from torch import nn
from torch.nn import functional as F

from gentutor.models import gan

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


# --------------------------------------------------------------------------------------- the losses


@pytest.mark.parametrize("loss", ["minimax", "non_saturating"])
def test_the_discriminators_loss_is_twice_the_cross_entropy(loss):
    real, fake = 3 * random(9, seed=1), 2 * random(9, seed=2)
    targets = torch.cat([torch.ones(9), torch.zeros(9)]).double()
    theirs = 2 * F.binary_cross_entropy_with_logits(torch.cat([real, fake]), targets)
    assert_allclose(float(gan.discriminator_loss(real, fake, loss)), float(theirs), rtol=1e-12)


def test_the_losses_are_the_papers():
    real, fake = 3 * random(7, seed=1), 2 * random(5, seed=2)  # batches of two sizes
    r, f = real.numpy(), fake.numpy()
    D_f = 1 / (1 + np.exp(-f))
    expected = {
        "minimax": np.log(1 - D_f).mean(),
        "non_saturating": -np.log(D_f).mean(),
        "least_squares": ((f - 1) ** 2).mean() / 2,
        "wasserstein": -f.mean(),
    }
    assert tuple(expected) == gan.LOSSES
    for loss, value in expected.items():
        assert_allclose(float(gan.generator_loss(fake, loss)), value, rtol=1e-12)
    squares = (((r - 1) ** 2).mean() + (f**2).mean()) / 2
    assert_allclose(float(gan.discriminator_loss(real, fake, "least_squares")), squares, rtol=1e-12)
    assert_allclose(float(gan.discriminator_loss(real, fake, "wasserstein")), f.mean() - r.mean(), rtol=1e-12)


def slopes(loss, logits):
    y = torch.as_tensor(logits, dtype=torch.float64).requires_grad_()
    (len(y) * gan.generator_loss(y, loss)).backward()
    return y.grad.numpy()


def test_the_generators_slopes_are_the_closed_forms_and_one_of_them_vanishes():
    y = np.array([-40.0, -8.0, -1.3, 0.0, 0.4, 5.0, 40.0])
    D = 1 / (1 + np.exp(-y))
    assert_allclose(slopes("minimax", y), -D, rtol=1e-12)
    assert_allclose(slopes("non_saturating", y), D - 1, rtol=1e-12, atol=1e-16)
    assert_allclose(slopes("least_squares", y), y - 1, rtol=1e-12)
    assert_allclose(slopes("wasserstein", y), -np.ones(7), rtol=1e-12)
    assert abs(slopes("minimax", y)[0]) < 1e-17  # D is sure of a sample: G learns nothing
    assert abs(slopes("non_saturating", y)[0]) > 0.999


@pytest.mark.parametrize("loss", gan.LOSSES)
def test_losses_and_slopes_are_finite_where_a_probability_rounds_to_0(loss):
    real = torch.tensor([-500.0, 500.0], requires_grad=True)
    fake = torch.tensor([-500.0, 500.0], requires_grad=True)
    (gan.discriminator_loss(real, fake, loss) + gan.generator_loss(fake, loss)).backward()
    assert real.grad.isfinite().all()
    assert fake.grad.isfinite().all()
    assert gan.discriminator_loss(real, fake, loss).isfinite()


def test_a_loss_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"no loss 'hinge'\. There are minimax, non_saturating"):
        gan.generator_loss(torch.zeros(2), "hinge")
    with pytest.raises(ValueError, match="no loss 'hinge'"):
        gan.discriminator_loss(torch.zeros(2), torch.zeros(2), "hinge")


# ------------------------------------------------------------------------ the optimal discriminator

P, Q = stats.norm(-0.5, 1.0), stats.norm(0.8, 0.6)  # data, and what G makes


def test_at_its_best_the_value_is_the_jensen_shannon_divergence():
    """V(D*, G) = -log 4 + 2 JSD: Goodfellow et al. (2014), theorem 1. Both sides by quadrature."""

    def kl_to_mean(a, b):
        return integrate.quad(
            lambda x: a.pdf(x) * (a.logpdf(x) - np.logaddexp(a.logpdf(x), b.logpdf(x)) + math.log(2)),
            -9, 9, limit=200,
        )[0]  # fmt: skip

    jsd = (kl_to_mean(P, Q) + kl_to_mean(Q, P)) / 2
    u = (np.arange(200_000) + 0.5) / 200_000  # equal steps of probability: means over them are expectations
    real, fake = (torch.from_numpy(P.logpdf(x) - Q.logpdf(x)) for x in (P.ppf(u), Q.ppf(u)))
    value = -float(gan.discriminator_loss(real, fake, "minimax"))
    assert_allclose(value, -math.log(4) + 2 * jsd, atol=2e-5)
    assert -float(gan.discriminator_loss(real + 0.1, fake + 0.1)) < value  # any other D has less
    assert -float(gan.discriminator_loss(0.9 * real, 0.9 * fake)) < value


def test_a_trained_discriminator_comes_to_the_ratio_of_the_densities():
    """D*(x) = p(x) / (p(x) + q(x)): the same, proposition 1."""
    D = gan.MLPDiscriminator(1, (32, 32))
    optimiser = torch.optim.Adam(D.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    steps = 800
    for step in range(steps):
        e = torch.randn(2, 1024, 1, generator=generator)
        loss = gan.discriminator_loss(D(-0.5 + e[0]), D(0.8 + 0.6 * e[1]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.param_groups[0]["lr"] = 3e-3 * (1 - step / steps)
        optimiser.step()
    x = np.linspace(-2.0, 2.0, 81)
    exact = P.pdf(x) / (P.pdf(x) + Q.pdf(x))
    found = D(torch.from_numpy(x[:, None]).float()).sigmoid().detach().numpy()
    assert np.abs(found - exact).max() < 0.05
    assert exact.min() < 0.35  # not a flat line that anything fits
    assert exact.max() > 0.95


# ------------------------------------------------------------------------------------- the networks


def test_the_dcgan_keeps_its_five_rules():
    G, D = gan.DCGANGenerator(), gan.DCGANDiscriminator()
    kinds = [[type(m) for m in net.modules() if not list(m.children())] for net in (G, D)]
    C, T, B = nn.Conv2d, nn.ConvTranspose2d, nn.BatchNorm2d
    assert kinds[0] == [T, B, nn.ReLU, T, B, nn.ReLU, T, B, nn.ReLU, T, nn.Tanh]
    assert kinds[1] == [C, nn.LeakyReLU, C, B, nn.LeakyReLU, C, B, nn.LeakyReLU, C]
    strides = [m.stride for net in (G, D) for m in net.modules() if isinstance(m, C | T)]
    assert strides == [(1, 1), (2, 2), (2, 2), (2, 2), (2, 2), (2, 2), (2, 2), (1, 1)]
    assert {m.negative_slope for m in D.modules() if isinstance(m, nn.LeakyReLU)} == {0.2}


def test_the_networks_have_the_shapes_that_they_name():
    x = gan.DCGANGenerator(5, 4)(torch.randn(3, 5))
    assert x.shape == (3, 1, 28, 28)
    assert x.abs().max() <= 1
    assert gan.DCGANDiscriminator(4)(x).shape == (3,)
    assert gan.MLPGenerator(3, 2, (7,))(torch.randn(6, 3)).shape == (6, 2)
    assert gan.MLPDiscriminator(2, ())(torch.randn(6, 2)).shape == (6,)


def test_the_starting_weights_are_those_of_the_paper():
    G = gan.DCGANGenerator(64, 32)
    scales = torch.cat([m.weight for m in G.modules() if isinstance(m, nn.BatchNorm2d)]).detach()
    weights = torch.cat(
        [m.weight.flatten() for m in G.modules() if isinstance(m, nn.ConvTranspose2d)]
    ).detach()
    assert stats.kstest(weights.numpy()[::50], stats.norm(0, 0.02).cdf).pvalue > 1e-3
    assert stats.kstest(scales.numpy(), stats.norm(1, 0.02).cdf).pvalue > 1e-3


def test_the_mlp_is_the_one_that_is_printed():
    G, D = gan.MLPGenerator(2, 3, (4,), scale=2.5).double(), gan.MLPDiscriminator(3, (4,), scale=2.5).double()
    z = random(6, 2)
    W1, b1, W2, b2 = (p.detach().numpy() for p in G.parameters())
    x = 2.5 * (np.maximum(z.numpy() @ W1.T + b1, 0) @ W2.T + b2)
    assert_allclose(G(z).detach().numpy(), x, rtol=1e-12)
    W1, b1, W2, b2 = (p.detach().numpy() for p in D.parameters())
    y = 2.5 * (np.maximum(x / 2.5 @ W1.T + b1, 0) @ W2.T + b2)
    assert_allclose(D(torch.from_numpy(x)).detach().numpy(), y[:, 0], rtol=1e-12)


@pytest.mark.parametrize("make", [gan.MLPGenerator, gan.MLPDiscriminator, gan.DCGANGenerator])
def test_the_seed_decides_the_weights_and_nothing_else_does(make):
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again, other = (next(make(seed=s).parameters()) for s in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_samples_are_drawn_as_when_training_is_over():
    G = gan.DCGANGenerator(3, 2)
    G.train()
    counted = G.layers[1].num_batches_tracked.clone()
    whole, cut = G.sample(30, seed=4), G.sample(30, seed=4, at_once=7)
    assert_allclose(cut.numpy(), whole.numpy(), atol=1e-6)  # a batch's own statistics would tell
    assert G.training
    assert torch.equal(G.layers[1].num_batches_tracked, counted)
    assert not torch.equal(whole, G.sample(30, seed=5))


# ----------------------------------------------------------------------------------------- training


def by_hand(G, D, X, *, steps, k, loss, batch_size, lr, betas, decay, seed):
    """Algorithm 1 with torch's cross-entropy, gradients asked for by name, and no shared pass."""
    G.train()
    D.train()
    generator = torch.Generator().manual_seed(seed)
    optimisers = [torch.optim.Adam(net.parameters(), lr=lr, betas=betas) for net in (G, D)]
    bce = F.binary_cross_entropy_with_logits

    def step(optimiser, net, value, now):
        parameters = list(net.parameters())
        for parameter, slope in zip(parameters, torch.autograd.grad(value, parameters), strict=True):
            parameter.grad = slope
        optimiser.param_groups[0]["lr"] = lr * (1 - now / steps) if decay else lr
        optimiser.step()

    for now in range(steps):
        for _ in range(k):
            x = X[torch.randint(len(X), (batch_size,), generator=generator)]
            fake = G(torch.randn(batch_size, G.k, generator=generator, dtype=X.dtype))
            real_logits, fake_logits = D(x), D(fake)
            if loss == "least_squares":
                value = (F.mse_loss(real_logits, torch.ones_like(real_logits)) + (fake_logits**2).mean()) / 2
            else:
                value = bce(real_logits, torch.ones_like(real_logits)) + bce(
                    fake_logits, torch.zeros_like(fake_logits)
                )
            step(optimisers[1], D, value, now)
        logits = D(G(torch.randn(batch_size, G.k, generator=generator, dtype=X.dtype)))
        value = {
            "minimax": lambda y: -bce(y, torch.zeros_like(y)),
            "non_saturating": lambda y: bce(y, torch.ones_like(y)),
            "least_squares": lambda y: F.mse_loss(y, torch.ones_like(y)) / 2,
        }[loss](logits)
        step(optimisers[0], G, value, now)


@pytest.mark.parametrize(
    ("loss", "k", "decay"), [("non_saturating", 1, False), ("minimax", 3, True), ("least_squares", 2, False)]
)
@pytest.mark.parametrize("kind", ["mlp", "dcgan"])
def test_training_is_algorithm_1(loss, k, decay, kind):
    asked = {"steps": 4, "k": k, "loss": loss, "batch_size": 6, "lr": 1e-2, "betas": (0.5, 0.99)}
    asked |= {"decay": decay, "seed": 3}
    if kind == "mlp":
        X, make = random(40, 2), lambda: (gan.MLPGenerator(3, 2, (8,)), gan.MLPDiscriminator(2, (8,)))
    else:  # with batch norm, whose statistics must be those of one batch at a time
        X, make = random(20, 1, 28, 28), lambda: (gan.DCGANGenerator(3, 2), gan.DCGANDiscriminator(2))
    ours, theirs = [[net.double() for net in make()] for _ in range(2)]
    losses = gan.train(*ours, X, **asked, device="cpu")
    by_hand(*theirs, X, **asked)
    assert losses.isfinite().all()
    for a, b in zip(ours, theirs, strict=True):
        for (name, value), other in zip(a.state_dict().items(), b.state_dict().values(), strict=True):
            assert_allclose(value.numpy(), other.numpy(), rtol=1e-6, atol=1e-8, err_msg=name)
        assert all(parameter.requires_grad for parameter in a.parameters())


@pytest.mark.parametrize("device", DEVICES)
def test_training_finds_a_gaussian(device):
    X = torch.tensor([1.5, -0.5]) + 0.5 * random(5000, 2, dtype=torch.float32)
    G, D = gan.MLPGenerator(2, 2, (32,)), gan.MLPDiscriminator(2, (32,))
    before = G.sample(2000).mean(0)
    losses = gan.train(G, D, X, steps=800, lr=2e-3, decay=True, device=device)
    x = G.sample(2000).cpu()
    assert float((before - torch.tensor([1.5, -0.5])).norm()) > 1
    assert float((x.mean(0) - torch.tensor([1.5, -0.5])).norm()) < 0.25
    assert_allclose(x.std(0).numpy(), 0.5, atol=0.2)
    assert losses.shape == (800, 2)
    assert abs(float(losses[-100:, 0].mean()) - math.log(4)) < 0.15  # D can no longer tell


@pytest.mark.parametrize("stop", [3, 10])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(stop, tmp_path, interrupt_at):
    X, asked = random(64, 2, dtype=torch.float32), {"steps": 12, "k": 2, "batch_size": 16, "decay": True}

    def make(seed=0):
        return gan.MLPGenerator(2, 2, (8,), seed=seed), gan.MLPDiscriminator(2, (8,), seed=seed)

    whole, stopped, resumed = make(), make(), make(9)  # a resumed run's own weights do not matter
    curve = gan.train(*whole, X, **asked, device="cpu")
    path = tmp_path / "run.checkpoint"
    with interrupt_at(stop), pytest.warns(UserWarning, match=f"interrupted after step {stop} of 12"):
        part = gan.train(*stopped, X, **asked, device="cpu", checkpoint=path)
    assert part.isfinite().all(1).tolist() == [step < stop for step in range(12)]
    again = gan.train(*resumed, X, **asked, device="cpu", checkpoint=path)
    assert torch.equal(again, curve)
    for ours, theirs in zip(resumed[0].parameters(), whole[0].parameters(), strict=True):
        assert torch.equal(ours, theirs)
    with pytest.raises(ValueError, match="another run: loss = 'non_saturating' there, 'minimax' here"):
        gan.train(*make(), X, **asked, loss="minimax", device="cpu", checkpoint=path)


def test_each_step_is_told():
    told = []
    G, D = gan.MLPGenerator(2, 2, (4,)), gan.MLPDiscriminator(2, (4,))
    gan.train(G, D, random(9, 2, dtype=torch.float32), steps=3, device="cpu",
              on_step=lambda *now: told.append(now))  # fmt: skip
    assert told == [(1, G, D), (2, G, D), (3, G, D)]


def test_bad_arguments_and_bad_data_are_named():
    X = random(50, 2, dtype=torch.float32)
    pair = gan.MLPGenerator(2, 2, (4,)), gan.MLPDiscriminator(2, (4,))
    with pytest.raises(ValueError, match=r"shape \(0, 2\) and k is 1; expected data"):
        gan.train(*pair, X[:0], steps=1)
    with pytest.raises(ValueError, match="k is 0; expected data, and k of at least 1"):
        gan.train(*pair, X, steps=1, k=0)
    with pytest.raises(ValueError, match="no loss 'hinge'"):
        gan.train(*pair, X, steps=1, loss="hinge")
    X[:] = math.nan
    with pytest.raises(FloatingPointError, match="GAN: the loss is not finite from step 0"):
        gan.train(*pair, X, steps=2, device="cpu")
