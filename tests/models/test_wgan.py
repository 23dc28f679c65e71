"""WGAN against finite differences, critics of known slopes, exact transport, and a loop written anew."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import stats
from torch import nn
from torch.func import functional_call

from gentutor.data import toy
from gentutor.metrics.modes import modes
from gentutor.metrics.transport import w1_assignment
from gentutor.models import gan, wgan


def random(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


class Smooth(nn.Module):
    """A critic with tanh, whose slope depends smoothly on its weights."""

    def __init__(self, d=3):
        super().__init__()
        self.a, self.b = nn.Parameter(random(4, d, seed=1)), nn.Parameter(random(4, seed=2))

    def forward(self, x):
        return torch.tanh(x.flatten(1) @ self.a.T) @ self.b


class Quadratic(nn.Module):
    """f(x) = x^T A x / 2, with the slope A x where A is symmetric."""

    def __init__(self, A):
        super().__init__()
        self.A = nn.Parameter(A)

    def forward(self, x):
        return ((x.flatten(1) @ self.A) * x.flatten(1)).sum(1) / 2


class Still(gan.Generator):
    """G(z) = z, whatever training does."""

    def __init__(self, k):
        super().__init__()
        self.k, self.settings, self.unused = k, {"k": k}, nn.Parameter(torch.zeros(()))

    def forward(self, z):
        return z + 0 * self.unused


# -------------------------------------------------------------------------------------- the penalty


@pytest.mark.parametrize("shape", [(5,), (1, 4, 3)])
def test_a_linear_critics_penalty_is_known(shape):
    """(||w|| - 1)², whatever the data and eps: the norm is over all numbers of a sample."""
    critic = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 1)).double()
    x, y, eps = random(8, *shape, seed=3), random(8, *shape, seed=4), torch.rand(8).double()
    norm = np.linalg.norm(critic[1].weight.detach().numpy())
    assert_allclose(wgan.gradient_norms(critic, x).detach().numpy(), np.full(8, norm), rtol=1e-12)
    penalty = wgan.gradient_penalty(critic, x, y, eps).detach()
    assert_allclose(float(penalty), (norm - 1) ** 2, rtol=1e-12)


@pytest.mark.parametrize("shape", [(4,), (1, 2, 2)])
def test_a_quadratic_critics_penalty_is_known_sample_by_sample(shape):
    B = random(4, 4, seed=5)
    critic = Quadratic(B + B.T)
    x, y, eps = random(9, *shape, seed=6), random(9, *shape, seed=7), torch.rand(9).double()
    between = np.stack(
        [e * a + (1 - e) * b for e, a, b in zip(*(v.numpy() for v in (eps, x, y)), strict=True)]
    )
    norms = np.linalg.norm(between.reshape(9, 4) @ (B + B.T).numpy(), axis=1)
    penalty = wgan.gradient_penalty(critic, x, y, eps).detach()
    assert_allclose(float(penalty), ((norms - 1) ** 2).mean(), rtol=1e-12)


def test_the_penaltys_gradient_is_that_of_finite_differences():
    critic = Smooth()
    x, y, eps = random(6, 3, seed=8), random(6, 3, seed=9), torch.rand(6).double()

    def penalty(a, b):
        class Frozen(nn.Module):
            def forward(self, x):
                return functional_call(critic, {"a": a, "b": b}, (x,))

        return wgan.gradient_penalty(Frozen(), x, y, eps)

    assert torch.autograd.gradcheck(penalty, (critic.a, critic.b))
    penalty(critic.a, critic.b).backward()
    assert critic.a.grad.abs().min() > 1e-6  # no gradient is lost on the way


def test_a_critic_without_slope_is_penalised_and_gets_no_nan():
    critic = gan.MLPDiscriminator(2, (5,))
    for parameter in critic.parameters():
        parameter.data.zero_()
    penalty = wgan.gradient_penalty(critic, torch.ones(4, 2), torch.zeros(4, 2), torch.rand(4))
    penalty.backward()
    assert float(penalty.detach()) == 1
    assert all(p.grad is None or p.grad.isfinite().all() for p in critic.parameters())


def test_the_penalty_sends_nothing_back_to_the_data():
    x = random(4, 3).requires_grad_()
    wgan.gradient_penalty(Smooth(), x, x + 1, torch.rand(4).double()).backward()
    assert x.grad is None


def test_clipping_is_what_is_printed():
    critic = gan.MLPDiscriminator(2, (50,))
    before = [p.detach().clone() for p in critic.parameters()]
    wgan.clip_weights(critic, 0.05)
    for ours, was in zip(critic.parameters(), before, strict=True):
        assert_allclose(ours.detach().numpy(), np.clip(was.numpy(), -0.05, 0.05))
    assert any((p.abs() == 0.05).any() for p in critic.parameters())


# --------------------------------------------------------------------- what the critic comes to know


def trained_critic(X, **asked):
    critic = gan.MLPDiscriminator(2, (64, 64))
    curve = wgan.train(Still(2), critic, X, **{"steps": 300, "batch_size": 256, "decay": True} | asked,
                       device="cpu")  # fmt: skip
    return critic, curve


@pytest.mark.parametrize("penalty", [10.0, 60.0])
def test_the_critics_difference_is_the_earth_movers_distance(penalty):
    """Between a law and its shift by w, where W_1 = |w| (and the exact assignment of two clouds says so).

    A linear critic of slope g has g |w| - λ (g - 1)², at most where g = 1 + |w| / (2 λ): the penalty lets the
    slope be a little more than 1, and the estimate with it.
    """
    X = torch.tensor([2.4, -1.8]) + random(4000, 2, dtype=torch.float32)
    exact, _ = w1_assignment(X[:800], random(800, 2, seed=1, dtype=torch.float32))
    assert_allclose(exact, 3.0, atol=0.1)
    slope = 1 + 3 / (2 * penalty)
    critic, curve = trained_critic(X, penalty=penalty, lr=1e-3)
    assert_allclose(float(curve[-50:, 0].mean()), 3 * slope, rtol=0.04)

    between = X[:500] * torch.rand(500, 1) + random(500, 2, seed=2, dtype=torch.float32) * 0.5
    norms = wgan.gradient_norms(critic, between).detach()
    assert_allclose(float(norms.mean()), slope, atol=0.06)
    assert float(norms.max()) < slope + 0.25


def test_a_clipped_critic_has_a_slope_that_its_weights_bound_and_does_not_use():
    """|f(x) - f(y)| <= prod_l ||W_l|| |x - y|, where clipping leaves ||W_l|| at most c sqrt(rows columns)."""
    X = torch.tensor([2.4, -1.8]) + random(4000, 2, dtype=torch.float32)
    c = 0.05
    critic, curve = trained_critic(X, penalty=0.0, clip=c, lr=1e-3)
    steepest = float(wgan.gradient_norms(critic, X).detach().max())
    assert steepest <= c**3 * math.sqrt(2 * 64) * 64 * math.sqrt(64)
    assert steepest < 0.9  # nowhere near 1: the difference is W_1 up to a factor that nobody knows
    assert 0 < float(curve[-1, 0]) < 0.9 * 3
    weights = torch.cat([p.detach().flatten() for p in critic.parameters()])
    assert float((weights.abs() > 0.99 * c).float().mean()) > 0.3  # they pile up at the ends


# ----------------------------------------------------------------------------------------- training


def by_hand(G, critic, X, *, steps, n_critic, penalty, clip, batch_size, lr, betas, decay, seed):
    """Algorithm 1 of Gulrajani et al., sample by sample in the penalty, with no shared pass."""
    generator = torch.Generator().manual_seed(seed)
    optimisers = [torch.optim.Adam(net.parameters(), lr=lr, betas=betas) for net in (G, critic)]
    estimate = None

    def step(optimiser, net, value, now):
        parameters = list(net.parameters())
        slopes = torch.autograd.grad(value, parameters, allow_unused=True)
        for parameter, slope in zip(parameters, slopes, strict=True):
            parameter.grad = slope if slope is not None else torch.zeros_like(parameter)
        optimiser.param_groups[0]["lr"] = lr * (1 - now / steps) if decay else lr
        optimiser.step()

    for now in range(steps):
        for _ in range(n_critic):
            x = X[torch.randint(len(X), (batch_size,), generator=generator)]
            fake = G(torch.randn(batch_size, G.k, generator=generator, dtype=X.dtype)).detach()
            value = critic(fake).mean() - critic(x).mean()
            estimate = -float(value.detach())
            if penalty:
                eps = torch.rand(batch_size, generator=generator, dtype=X.dtype)
                for e, a, b in zip(eps, x, fake, strict=True):
                    between = (e * a + (1 - e) * b)[None].requires_grad_()
                    (slope,) = torch.autograd.grad(critic(between)[0], between, create_graph=True)
                    value = value + penalty * (slope.square().sum().sqrt() - 1) ** 2 / batch_size
            step(optimisers[1], critic, value, now)
            if clip is not None:
                for parameter in critic.parameters():
                    parameter.data = parameter.data.clip(-clip, clip)
        value = -critic(G(torch.randn(batch_size, G.k, generator=generator, dtype=X.dtype))).mean()
        step(optimisers[0], G, value, now)
    return estimate


@pytest.mark.parametrize(
    ("n_critic", "penalty", "clip", "decay"),
    [(1, 10.0, None, False), (3, 0.4, None, True), (2, 0.0, 0.2, False)],
)
@pytest.mark.parametrize("kind", ["points", "pictures"])
def test_training_is_algorithm_1(n_critic, penalty, clip, decay, kind):
    asked = {"steps": 4, "n_critic": n_critic, "penalty": penalty, "clip": clip, "batch_size": 6, "lr": 1e-2}
    asked |= {"betas": (0.0, 0.9), "decay": decay, "seed": 3}
    if kind == "points":
        X, make = random(40, 2), lambda: (gan.MLPGenerator(3, 2, (8,)).double(), Smooth(2))
    else:
        X = random(20, 1, 28, 28)
        make = lambda: (gan.DCGANGenerator(3, 2).double(), Smooth(784))  # noqa: E731
    ours, theirs = make(), make()
    curve = wgan.train(*ours, X, **asked, device="cpu")
    estimate = by_hand(*theirs, X, **asked)
    assert_allclose(float(curve[-1, 0]), estimate, rtol=1e-5)
    for a, b in zip(ours, theirs, strict=True):
        for (name, value), other in zip(a.state_dict().items(), b.state_dict().values(), strict=True):
            assert_allclose(value.numpy(), other.numpy(), rtol=1e-5, atol=1e-7, err_msg=name)
        assert all(parameter.requires_grad for parameter in a.parameters())


def test_training_reaches_all_of_eight_gaussians():
    """A short run of what a lecture shows live."""
    X, _ = toy.eight_gaussians(20_000, torch.Generator().manual_seed(1))
    G = gan.MLPGenerator(2, 2, (64, 64, 64), scale=2.0)
    critic = gan.MLPDiscriminator(2, (64, 64, 64), scale=2.0)
    before, _ = w1_assignment(G.sample(500), X[:500])
    asked = {"n_critic": 2, "penalty": 1.0, "lr": 2e-3, "batch_size": 128, "decay": True}
    wgan.train(G, critic, X, steps=800, **asked, device="cpu")
    x = G.sample(2000)
    found = modes(x, toy.eight_gaussians_centres(), 0.1, within=2)
    assert found.covered == 8
    assert found.share > 0.5
    assert before > 1.5
    assert w1_assignment(x[:500], X[:500])[0] < 0.4  # of 500 true samples: some 0.13


@pytest.mark.parametrize("stop", [2, 9])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(stop, tmp_path, interrupt_at):
    X, asked = random(64, 2, dtype=torch.float32), {"steps": 11, "batch_size": 16, "decay": True}

    def make(seed=0):
        return gan.MLPGenerator(2, 2, (8,), seed=seed), gan.MLPDiscriminator(2, (8,), seed=seed)

    whole, stopped, resumed = make(), make(), make(9)
    curve = wgan.train(*whole, X, **asked, device="cpu")
    path = tmp_path / "run.checkpoint"
    with interrupt_at(stop), pytest.warns(UserWarning, match=f"interrupted after step {stop} of 11"):
        part = wgan.train(*stopped, X, **asked, device="cpu", checkpoint=path)
    assert part.isfinite().all(1).tolist() == [step < stop for step in range(11)]
    again = wgan.train(*resumed, X, **asked, device="cpu", checkpoint=path)
    assert torch.equal(again, curve)
    for ours, theirs in zip(resumed[0].parameters(), whole[0].parameters(), strict=True):
        assert torch.equal(ours, theirs)
    with pytest.raises(ValueError, match=r"another run: penalty = 10.0 there, 1.0 here"):
        wgan.train(*make(), X, **asked, penalty=1.0, device="cpu", checkpoint=path)


def test_eps_are_uniform_and_one_for_each_sample(monkeypatch):
    drawn, penalty = [], wgan.gradient_penalty

    def seen(critic, x_real, x_fake, eps):
        drawn.append(eps)
        return penalty(critic, x_real, x_fake, eps)

    monkeypatch.setattr(wgan, "gradient_penalty", seen)
    X = random(64, 2, dtype=torch.float32)
    wgan.train(
        gan.MLPGenerator(2, 2, (4,)), gan.MLPDiscriminator(2, (4,)), X, steps=20, n_critic=2, device="cpu"
    )
    eps = torch.cat(drawn).numpy()
    assert eps.shape == (20 * 2 * 64,)
    assert stats.kstest(eps, stats.uniform.cdf).pvalue > 1e-3


def test_bad_arguments_and_bad_data_are_named():
    X = random(50, 2, dtype=torch.float32)
    pair = gan.MLPGenerator(2, 2, (4,)), gan.MLPDiscriminator(2, (4,))
    with pytest.raises(ValueError, match=r"shape \(0, 2\), n_critic is 5; expected data"):
        wgan.train(*pair, X[:0], steps=1)
    with pytest.raises(ValueError, match="n_critic is 0; expected data, and n_critic of at least 1"):
        wgan.train(*pair, X, steps=1, n_critic=0)
    X[:] = math.nan
    with pytest.raises(FloatingPointError, match="WGAN: the loss is not finite from step 0"):
        wgan.train(*pair, X, steps=2, device="cpu")
