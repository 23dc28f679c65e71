"""Planted answers of lab 12. Each docstring says what the student did."""

import torch
from planting import Answers

from gentutor.models import ddpm, samplers
from gentutor.models.schedules import Schedule

answers = Answers()

# --------------------------------------------------------------------------------------- exercise 1


@answers.wrong("signal", fails="hole a: line 3")
def signal():
    """The root of the data's coefficient lost."""
    return {
        "a": r"\frac{\bar{\alpha}_{t-1} \beta_t}{1 - \bar{\alpha}_t}",
        "b": r"\frac{\bar{\alpha}_{t-1} \beta_t}{(1 - \bar{\alpha}_{t-1}) (1 - \bar{\alpha}_t)}",
        "c": r"\text{SNR}(t-1) - \text{SNR}(t)",
    }


@answers.wrong("signal", fails="hole a: line 3")
def signal():
    """Index off by one: the product at t, not at t - 1."""
    return {
        "a": r"\frac{\sqrt{\bar{\alpha}_t} \beta_t}{1 - \bar{\alpha}_t}",
        "b": r"\frac{\bar{\alpha}_{t-1} \beta_t}{(1 - \bar{\alpha}_{t-1}) (1 - \bar{\alpha}_t)}",
        "c": r"\text{SNR}(t-1) - \text{SNR}(t)",
    }


@answers.wrong("signal", fails="hole a: line 3")
def signal():
    """The coefficient of x_t, not that of x_0."""
    return {
        "a": r"\frac{\sqrt{\alpha_t} (1 - \bar{\alpha}_{t-1})}{1 - \bar{\alpha}_t}",
        "b": r"\frac{\bar{\alpha}_{t-1} \beta_t}{(1 - \bar{\alpha}_{t-1}) (1 - \bar{\alpha}_t)}",
        "c": r"\text{SNR}(t-1) - \text{SNR}(t)",
    }


@answers.wrong("signal", fails="hole b: line 4")
def signal():
    """One β of the square is not struck against that of the variance."""
    return {
        "a": r"\frac{\sqrt{\bar{\alpha}_{t-1}} \beta_t}{1 - \bar{\alpha}_t}",
        "b": r"\frac{\bar{\alpha}_{t-1} \beta_t^2}{(1 - \bar{\alpha}_{t-1}) (1 - \bar{\alpha}_t)}",
        "c": r"\text{SNR}(t-1) - \text{SNR}(t)",
    }


@answers.wrong("signal", fails="hole c: line 5")
def signal():
    """The sign: the signal grows as t falls."""
    return {
        "a": r"\frac{\sqrt{\bar{\alpha}_{t-1}} \beta_t}{1 - \bar{\alpha}_t}",
        "b": r"\frac{\bar{\alpha}_{t-1} \beta_t}{(1 - \bar{\alpha}_{t-1}) (1 - \bar{\alpha}_t)}",
        "c": r"\text{SNR}(t) - \text{SNR}(t-1)",
    }


@answers.wrong("signal", fails="hole c: line 5")
def signal():
    """The half twice: it stands in front already."""
    return {
        "a": r"\frac{\sqrt{\bar{\alpha}_{t-1}} \beta_t}{1 - \bar{\alpha}_t}",
        "b": r"\frac{\bar{\alpha}_{t-1} \beta_t}{(1 - \bar{\alpha}_{t-1}) (1 - \bar{\alpha}_t)}",
        "c": r"\frac{1}{2} \left( \text{SNR}(t-1) - \text{SNR}(t) \right)",
    }


@answers.wrong("signal", fails="hole b: forbidden")
def signal():
    """Cheats: leaves the variance as it was."""
    return {
        "a": r"\frac{\sqrt{\bar{\alpha}_{t-1}} \beta_t}{1 - \bar{\alpha}_t}",
        "b": r"\frac{1}{\sigma_q^2(t)} \frac{\bar{\alpha}_{t-1} \beta_t^2}{(1 - \bar{\alpha}_t)^2}",
        "c": r"\text{SNR}(t-1) - \text{SNR}(t)",
    }


@answers.wrong("signal", fails="hole b: neighbour")
def signal():
    """Cheats: the last line twice."""
    return {
        "a": r"\frac{\sqrt{\bar{\alpha}_{t-1}} \beta_t}{1 - \bar{\alpha}_t}",
        "b": r"\text{SNR}(t-1) - \text{SNR}(t)",
        "c": r"\text{SNR}(t-1) - \text{SNR}(t)",
    }


@answers.wrong("signal", fails="hole c: idle part")
def signal():
    """Cheats: the line above, with a difference that is nothing."""
    return {
        "a": r"\frac{\sqrt{\bar{\alpha}_{t-1}} \beta_t}{1 - \bar{\alpha}_t}",
        "b": r"\frac{\bar{\alpha}_{t-1} \beta_t}{(1 - \bar{\alpha}_{t-1}) (1 - \bar{\alpha}_t)}",
        "c": r"\frac{\bar{\alpha}_{t-1} \beta_t}{(1 - \bar{\alpha}_{t-1}) (1 - \bar{\alpha}_t)}"
        r" + \text{SNR}(t) - \text{SNR}(t)",
    }


@answers.right("signal")
def signal():
    """With α in place of β, and the difference of the products."""
    return {
        "a": r"\sqrt{\bar{\alpha}_{t-1}} \frac{1 - \alpha_t}{1 - \bar{\alpha}_t}",
        "b": r"\frac{\bar{\alpha}_{t-1} - \bar{\alpha}_t}{(1 - \bar{\alpha}_{t-1}) (1 - \bar{\alpha}_t)}",
        "c": r"- \text{SNR}(t) + \text{SNR}(t-1)",
    }


@answers.right("signal")
def signal():
    """The other sign in the norm, and the posterior's variance by its name."""
    return {
        "a": r"- \frac{\beta_t \sqrt{\bar{\alpha}_{t-1}}}{1 - \bar{\alpha}_t}",
        "b": r"\frac{\bar{\alpha}_{t-1} \beta_t^2}{\tilde{\beta}_t (1 - \bar{\alpha}_t)^2}",
        "c": r"\left( \frac{\text{SNR}(t-1)}{\text{SNR}(t)} - 1 \right) \text{SNR}(t)",
    }


# --------------------------------------------------------------------------------------- exercise 2


@answers.wrong("posterior", fails="value of mean")
def posterior(betas, bar, x_0, x_t, t):
    """The root of α̅ where that of α belongs, at x_t."""
    beta, now, before = (v.reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas[t], bar[t], bar[t - 1]))
    mean = (before.sqrt() * beta * x_0 + now.sqrt() * (1 - before) * x_t) / (1 - now)
    return mean, betas[t] * (1 - bar[t - 1]) / (1 - bar[t])


@answers.wrong("posterior", fails="value of mean")
def posterior(betas, bar, x_0, x_t, t):
    """The root of α where that of α̅ belongs, at x_0."""
    beta, now, before = (v.reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas[t], bar[t], bar[t - 1]))
    mean = ((1 - beta).sqrt() * beta * x_0 + (1 - beta).sqrt() * (1 - before) * x_t) / (1 - now)
    return mean, betas[t] * (1 - bar[t - 1]) / (1 - bar[t])


@answers.wrong("posterior", fails="value of mean")
def posterior(betas, bar, x_0, x_t, t):
    """Index off by one: α̅_t for α̅_{t-1}."""
    beta, now = (v.reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas[t], bar[t]))
    mean = (now.sqrt() * beta * x_0 + (1 - beta).sqrt() * (1 - now) * x_t) / (1 - now)
    return mean, betas[t] * (1 - bar[t - 1]) / (1 - bar[t])


@answers.wrong("posterior", fails="value of mean")
def posterior(betas, bar, x_0, x_t, t):
    """The root of β for β."""
    beta, now, before = (v.reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas[t], bar[t], bar[t - 1]))
    mean = (before.sqrt() * beta.sqrt() * x_0 + (1 - beta).sqrt() * (1 - before) * x_t) / (1 - now)
    return mean, betas[t] * (1 - bar[t - 1]) / (1 - bar[t])


@answers.wrong("posterior", fails="value of mean")
def posterior(betas, bar, x_0, x_t, t):
    """One time for the whole batch: the first sample's."""
    beta, now, before = betas[t[0]], bar[t[0]], bar[t[0] - 1]
    mean = (before.sqrt() * beta * x_0 + (1 - beta).sqrt() * (1 - before) * x_t) / (1 - now)
    return mean, betas[t] * (1 - bar[t - 1]) / (1 - bar[t])


@answers.wrong("posterior", fails="value of variance")
def posterior(betas, bar, x_0, x_t, t):
    """The standard deviation for the variance."""
    beta, now, before = (v.reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas[t], bar[t], bar[t - 1]))
    mean = (before.sqrt() * beta * x_0 + (1 - beta).sqrt() * (1 - before) * x_t) / (1 - now)
    return mean, (betas[t] * (1 - bar[t - 1]) / (1 - bar[t])).sqrt()


@answers.wrong("posterior", fails="value of variance")
def posterior(betas, bar, x_0, x_t, t):
    """The variance of the forward step."""
    beta, now, before = (v.reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas[t], bar[t], bar[t - 1]))
    mean = (before.sqrt() * beta * x_0 + (1 - beta).sqrt() * (1 - before) * x_t) / (1 - now)
    return mean, betas[t]


@answers.wrong("posterior", fails="error")
def posterior(betas, bar, x_0, x_t, t):
    """Works for points only."""
    beta, now, before = betas[t][:, None], bar[t][:, None], bar[t - 1][:, None]
    mean = (before.sqrt() * beta * x_0 + (1 - beta).sqrt() * (1 - before) * x_t) / (1 - now)
    return mean, (beta * (1 - before) / (1 - now))[:, 0]


@answers.wrong("posterior", fails="package's solution")
def posterior(betas, bar, x_0, x_t, t):
    """Lets the package do it."""
    mean, variance = ddpm.q_posterior_mean_variance(Schedule(betas[1:]), x_0, x_t, t)
    return mean, variance.flatten()


@answers.right("posterior")
def posterior(betas, bar, x_0, x_t, t):
    """Sample by sample, by precisions: what each of the two knows of x_{t-1}."""
    means, variances = [], []
    for data, noisy, s in zip(x_0, x_t, t.tolist(), strict=True):
        if s == 1:
            means.append(data)
            variances.append(torch.zeros((), dtype=x_t.dtype))
            continue
        alpha = 1 - betas[s]
        precision = alpha / betas[s] + 1 / (1 - bar[s - 1])
        pull = alpha.sqrt() * noisy / betas[s] + bar[s - 1].sqrt() * data / (1 - bar[s - 1])
        means.append(pull / precision)
        variances.append(1 / precision)
    return torch.stack(means), torch.stack(variances)


@answers.right("posterior")
def posterior(betas, bar, x_0, x_t, t):
    """All coefficients first, for every t, and the batch last of all axes."""
    before = torch.cat([bar.new_ones(1), bar[:-1]])
    safe = torch.where(bar < 1, 1 - bar, torch.ones_like(bar))
    data, noisy = before**0.5 * betas / safe, (1 - betas) ** 0.5 * (1 - before) / safe
    mean = data[t] * x_0.movedim(0, -1) + noisy[t] * x_t.movedim(0, -1)
    return mean.movedim(-1, 0), (betas * (1 - before) / safe)[t]


# --------------------------------------------------------------------------------------- exercise 3


@answers.wrong("from_noise", fails="value of mean")
def from_noise(betas, bar, x_t, t, eps):
    """The lost root, as it is printed in one lecture: 1 - α̅ below the noise."""
    beta, now = (v[t].reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas, bar))
    x_0 = (x_t - (1 - now).sqrt() * eps) / now.sqrt()
    return x_0, (x_t - beta / (1 - now) * eps) / (1 - beta).sqrt()


@answers.wrong("from_noise", fails="value of mean")
def from_noise(betas, bar, x_t, t, eps):
    """An extra factor at the noise: the root of 1 - α̅ of the step before."""
    beta, now, before = (v.reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas[t], bar[t], bar[t - 1]))
    x_0 = (x_t - (1 - now).sqrt() * eps) / now.sqrt()
    return x_0, (x_t - beta * ((1 - before) / (1 - now)).sqrt() * eps) / (1 - beta).sqrt()


@answers.wrong("from_noise", fails="value of mean")
def from_noise(betas, bar, x_t, t, eps):
    """The root of α̅ for that of α, in front."""
    beta, now = (v[t].reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas, bar))
    x_0 = (x_t - (1 - now).sqrt() * eps) / now.sqrt()
    return x_0, (x_t - beta / (1 - now).sqrt() * eps) / now.sqrt()


@answers.wrong("from_noise", fails="value of x_0")
def from_noise(betas, bar, x_t, t, eps):
    """α where α̅ belongs, in the data."""
    beta, now = (v[t].reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas, bar))
    x_0 = (x_t - beta.sqrt() * eps) / (1 - beta).sqrt()
    return x_0, (x_t - beta / (1 - now).sqrt() * eps) / (1 - beta).sqrt()


@answers.wrong("from_noise", fails="value of mean")
def from_noise(betas, bar, x_t, t, eps):
    """The root of β for β."""
    beta, now = (v[t].reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas, bar))
    x_0 = (x_t - (1 - now).sqrt() * eps) / now.sqrt()
    return x_0, (x_t - beta.sqrt() / (1 - now).sqrt() * eps) / (1 - beta).sqrt()


@answers.wrong("from_noise", fails="value of x_0")
def from_noise(betas, bar, x_t, t, eps):
    """Clips the data to [-1, 1], as for pictures."""
    beta, now = (v[t].reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas, bar))
    x_0 = ((x_t - (1 - now).sqrt() * eps) / now.sqrt()).clamp(-1, 1)
    return x_0, (x_t - beta / (1 - now).sqrt() * eps) / (1 - beta).sqrt()


@answers.wrong("from_noise", fails="value of x_0")
def from_noise(betas, bar, x_t, t, eps):
    """Index off by one: counts steps from 0."""
    beta, now = (v[t - 1].reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas, bar))
    x_0 = (x_t - (1 - now).sqrt() * eps) / now.sqrt()
    return x_0, (x_t - beta / (1 - now + 1e-20).sqrt() * eps) / (1 - beta).sqrt()


@answers.wrong("from_noise", fails="value of x_0")
def from_noise(betas, bar, x_t, t, eps):
    """The same t for the batch: its largest."""
    beta, now = betas[t.max()], bar[t.max()]
    x_0 = (x_t - (1 - now).sqrt() * eps) / now.sqrt()
    return x_0, (x_t - beta / (1 - now).sqrt() * eps) / (1 - beta).sqrt()


@answers.right("from_noise")
def from_noise(betas, bar, x_t, t, eps):
    """The mean by way of the data, as exercise 2 has it."""
    beta, now, before = (v.reshape(-1, *[1] * (x_t.ndim - 1)) for v in (betas[t], bar[t], bar[t - 1]))
    data = now.rsqrt() * x_t - (1 / now - 1).sqrt() * eps
    kept = before.sqrt() * beta / (1 - now) * data
    return data, kept + (1 - beta).sqrt() * (1 - before) / (1 - now) * x_t


@answers.right("from_noise")
def from_noise(betas, bar, x_t, t, eps):
    """Sample by sample."""
    pairs = []
    for x, e, s in zip(x_t, eps, t.tolist(), strict=True):
        rest = (1 - bar[s]) ** 0.5
        mean = (x - betas[s] / rest * e) * (1 - betas[s]) ** -0.5
        pairs.append((bar[s] ** -0.5 * (x - rest * e), mean))
    data, means = zip(*pairs, strict=True)
    return torch.stack(data), torch.stack(means)


# --------------------------------------------------------------------------------------- exercise 4


@answers.wrong("noise_loss", fails="times")
def noise_loss(network, bar, x_0):
    """Draws t from 0 ... T - 1."""
    t = torch.randint(0, len(bar) - 1, (len(x_0),))
    eps = torch.randn_like(x_0)
    noisy = bar[t][:, None].sqrt() * x_0 + (1 - bar[t][:, None]).sqrt() * eps
    return (network(noisy, t) - eps).pow(2).mean(), t, eps


@answers.wrong("noise_loss", fails="times")
def noise_loss(network, bar, x_0):
    """One t for the whole batch."""
    t = torch.randint(1, len(bar), (1,)).expand(len(x_0))
    eps = torch.randn_like(x_0)
    noisy = bar[t][:, None].sqrt() * x_0 + (1 - bar[t][:, None]).sqrt() * eps
    return (network(noisy, t) - eps).pow(2).mean(), t, eps


@answers.wrong("noise_loss", fails="distribution of t")
def noise_loss(network, bar, x_0):
    """Small t more often than large ones."""
    t = 1 + ((len(bar) - 1) * torch.rand(len(x_0)).square()).long()
    eps = torch.randn_like(x_0)
    noisy = bar[t][:, None].sqrt() * x_0 + (1 - bar[t][:, None]).sqrt() * eps
    return (network(noisy, t) - eps).pow(2).mean(), t, eps


@answers.wrong("noise_loss", fails="value of loss")
def noise_loss(network, bar, x_0):
    """The sum over the batch."""
    t = torch.randint(1, len(bar), (len(x_0),))
    eps = torch.randn_like(x_0)
    noisy = bar[t][:, None].sqrt() * x_0 + (1 - bar[t][:, None]).sqrt() * eps
    return (network(noisy, t) - eps).pow(2).sum(), t, eps


@answers.wrong("noise_loss", fails="value of loss")
def noise_loss(network, bar, x_0):
    """The squared length of a sample's error, not the mean over its numbers."""
    t = torch.randint(1, len(bar), (len(x_0),))
    eps = torch.randn_like(x_0)
    noisy = bar[t][:, None].sqrt() * x_0 + (1 - bar[t][:, None]).sqrt() * eps
    return (network(noisy, t) - eps).pow(2).sum(1).mean(), t, eps


@answers.wrong("noise_loss", fails="value of loss")
def noise_loss(network, bar, x_0):
    """The time is not passed: the network is told 0."""
    t = torch.randint(1, len(bar), (len(x_0),))
    eps = torch.randn_like(x_0)
    noisy = bar[t][:, None].sqrt() * x_0 + (1 - bar[t][:, None]).sqrt() * eps
    return (network(noisy, torch.zeros_like(t)) - eps).pow(2).mean(), t, eps


@answers.wrong("noise_loss", fails="value of loss")
def noise_loss(network, bar, x_0):
    """A single forward step's noise: the root of α for that of α̅."""
    t = torch.randint(1, len(bar), (len(x_0),))
    eps = torch.randn_like(x_0)
    alpha = (bar[t] / bar[t - 1])[:, None]
    noisy = alpha.sqrt() * x_0 + (1 - alpha).sqrt() * eps
    return (network(noisy, t) - eps).pow(2).mean(), t, eps


@answers.wrong("noise_loss", fails="value of loss")
def noise_loss(network, bar, x_0):
    """The variance for the standard deviation, at the noise."""
    t = torch.randint(1, len(bar), (len(x_0),))
    eps = torch.randn_like(x_0)
    noisy = bar[t][:, None].sqrt() * x_0 + (1 - bar[t][:, None]) * eps
    return (network(noisy, t) - eps).pow(2).mean(), t, eps


@answers.wrong("noise_loss", fails="distribution of eps")
def noise_loss(network, bar, x_0):
    """Uniform noise."""
    t = torch.randint(1, len(bar), (len(x_0),))
    eps = torch.rand_like(x_0)
    noisy = bar[t][:, None].sqrt() * x_0 + (1 - bar[t][:, None]).sqrt() * eps
    return (network(noisy, t) - eps).pow(2).mean(), t, eps


@answers.wrong("noise_loss", fails="gradient by network")
def noise_loss(network, bar, x_0):
    """Takes the network's answer out of the graph."""
    t = torch.randint(1, len(bar), (len(x_0),))
    eps = torch.randn_like(x_0)
    noisy = bar[t][:, None].sqrt() * x_0 + (1 - bar[t][:, None]).sqrt() * eps
    return (network(noisy, t).detach() - eps).pow(2).mean(), t, eps


@answers.wrong("noise_loss", fails="new noise")
def noise_loss(network, bar, x_0):
    """Seeds in the function, so that every batch has the same noise."""
    torch.manual_seed(0)
    t = torch.randint(1, len(bar), (len(x_0),))
    eps = torch.randn_like(x_0)
    noisy = bar[t][:, None].sqrt() * x_0 + (1 - bar[t][:, None]).sqrt() * eps
    return (network(noisy, t) - eps).pow(2).mean(), t, eps


@answers.right("noise_loss")
def noise_loss(network, bar, x_0):
    """Times by rounding up, and PyTorch's own squared error."""
    n, T = x_0.shape[0], bar.shape[0] - 1
    t = (T * (1 - torch.rand(n))).ceil().long().clamp(1, T)
    eps = torch.empty_like(x_0).normal_()
    noisy = torch.sqrt(bar[t]).unsqueeze(1) * x_0 + torch.sqrt(1 - bar[t]).unsqueeze(1) * eps
    return torch.nn.functional.mse_loss(network(noisy, t), eps), t, eps


@answers.right("noise_loss")
def noise_loss(network, bar, x_0):
    """A distribution for each, and the error one number after the other."""
    t = torch.multinomial(torch.ones(len(bar) - 1), len(x_0), replacement=True) + 1
    eps = torch.distributions.Normal(torch.zeros_like(x_0), 1.0).sample()
    scale = torch.stack([bar[t].sqrt(), (1 - bar[t]).sqrt()])
    error = eps - network(torch.einsum("n,nd->nd", scale[0], x_0) + eps * scale[1].view(-1, 1), t)
    return torch.sum(error * error) / error.numel(), t, eps


# --------------------------------------------------------------------------------------- exercise 5


@answers.wrong("sample", fails="value of last step")
def sample(network, betas, bar, x_T):
    """Noise in the last step, too."""
    way = [x_T]
    for s in range(len(bar) - 1, 0, -1):
        guess = network(way[-1], torch.full((len(x_T),), s))
        mean = (way[-1] - betas[s] / (1 - bar[s]).sqrt() * guess) / (1 - betas[s]).sqrt()
        way.append(mean + betas[s].sqrt() * torch.randn_like(mean))
    return torch.stack(way).flip(0)


@answers.wrong("sample", fails="mean of the steps")
def sample(network, betas, bar, x_T):
    """Divides by the root of α̅, not of α: the same in the last step alone."""
    way = [x_T]
    for s in range(len(bar) - 1, 0, -1):
        guess = network(way[-1], torch.full((len(x_T),), s))
        mean = (way[-1] - betas[s] / (1 - bar[s]).sqrt() * guess) / bar[s].sqrt()
        way.append(mean + (s > 1) * betas[s].sqrt() * torch.randn_like(mean))
    return torch.stack(way).flip(0)


@answers.wrong("sample", fails="value of last step")
def sample(network, betas, bar, x_T):
    """The lost root below the noise."""
    way = [x_T]
    for s in range(len(bar) - 1, 0, -1):
        guess = network(way[-1], torch.full((len(x_T),), s))
        mean = (way[-1] - betas[s] / (1 - bar[s]) * guess) / (1 - betas[s]).sqrt()
        way.append(mean + (s > 1) * betas[s].sqrt() * torch.randn_like(mean))
    return torch.stack(way).flip(0)


@answers.wrong("sample", fails="distribution of noise of the steps")
def sample(network, betas, bar, x_T):
    """β for its root at z."""
    way = [x_T]
    for s in range(len(bar) - 1, 0, -1):
        guess = network(way[-1], torch.full((len(x_T),), s))
        mean = (way[-1] - betas[s] / (1 - bar[s]).sqrt() * guess) / (1 - betas[s]).sqrt()
        way.append(mean + (s > 1) * betas[s] * torch.randn_like(mean))
    return torch.stack(way).flip(0)


@answers.wrong("sample", fails="distribution of noise of the steps")
def sample(network, betas, bar, x_T):
    """An extra factor at z, the root of 1 - α̅ of the step before, as it is printed in one lecture."""
    way = [x_T]
    for s in range(len(bar) - 1, 0, -1):
        guess = network(way[-1], torch.full((len(x_T),), s))
        mean = (way[-1] - betas[s] / (1 - bar[s]).sqrt() * guess) / (1 - betas[s]).sqrt()
        way.append(mean + (s > 1) * ((1 - bar[s - 1]) * betas[s]).sqrt() * torch.randn_like(mean))
    return torch.stack(way).flip(0)


@answers.wrong("sample", fails="noise of its own")
def sample(network, betas, bar, x_T):
    """No noise at all."""
    way = [x_T]
    for s in range(len(bar) - 1, 0, -1):
        guess = network(way[-1], torch.full((len(x_T),), s))
        way.append((way[-1] - betas[s] / (1 - bar[s]).sqrt() * guess) / (1 - betas[s]).sqrt())
    return torch.stack(way).flip(0)


@answers.wrong("sample", fails="noise of its own")
def sample(network, betas, bar, x_T):
    """One noise for all steps."""
    way, z = [x_T], torch.randn_like(x_T)
    for s in range(len(bar) - 1, 0, -1):
        guess = network(way[-1], torch.full((len(x_T),), s))
        mean = (way[-1] - betas[s] / (1 - bar[s]).sqrt() * guess) / (1 - betas[s]).sqrt()
        way.append(mean + (s > 1) * betas[s].sqrt() * z)
    return torch.stack(way).flip(0)


@answers.wrong("sample", fails="value of last step")
def sample(network, betas, bar, x_T):
    """The time is off by one: the network is told t + 1."""
    way = [x_T]
    for s in range(len(bar) - 1, 0, -1):
        guess = network(way[-1], torch.full((len(x_T),), min(s + 1, len(bar) - 1)))
        mean = (way[-1] - betas[s] / (1 - bar[s]).sqrt() * guess) / (1 - betas[s]).sqrt()
        way.append(mean + (s > 1) * betas[s].sqrt() * torch.randn_like(mean))
    return torch.stack(way).flip(0)


@answers.wrong("sample", fails="value of last step")
def sample(network, betas, bar, x_T):
    """Clips the guess of the data to [-1, 1], as for pictures."""
    way = [x_T]
    for s in range(len(bar) - 1, 0, -1):
        x, guess = way[-1], network(way[-1], torch.full((len(x_T),), s))
        data = ((x - (1 - bar[s]).sqrt() * guess) / bar[s].sqrt()).clamp(-1, 1)
        kept = bar[s - 1].sqrt() * betas[s] / (1 - bar[s])
        mean = kept * data + (1 - betas[s]).sqrt() * (1 - bar[s - 1]) / (1 - bar[s]) * x
        way.append(mean + (s > 1) * betas[s].sqrt() * torch.randn_like(mean))
    return torch.stack(way).flip(0)


@answers.wrong("sample", fails="value of x_T on the way")
def sample(network, betas, bar, x_T):
    """Returns the way as it was gone: noise first."""
    way = [x_T]
    for s in range(len(bar) - 1, 0, -1):
        guess = network(way[-1], torch.full((len(x_T),), s))
        mean = (way[-1] - betas[s] / (1 - bar[s]).sqrt() * guess) / (1 - betas[s]).sqrt()
        way.append(mean + (s > 1) * betas[s].sqrt() * torch.randn_like(mean))
    return torch.stack(way)


@answers.wrong("sample", fails="shape of way")
def sample(network, betas, bar, x_T):
    """Returns the sample alone."""
    x = x_T
    for s in range(len(bar) - 1, 0, -1):
        guess = network(x, torch.full((len(x_T),), s))
        mean = (x - betas[s] / (1 - bar[s]).sqrt() * guess) / (1 - betas[s]).sqrt()
        x = mean + (s > 1) * betas[s].sqrt() * torch.randn_like(mean)
    return x


@answers.wrong("sample", fails="package's solution")
def sample(network, betas, bar, x_T):
    """Lets the package do it."""
    way = []
    last = samplers.ancestral(Schedule(betas[1:]), network, x_T, on_step=lambda t, x_t, x_0: way.append(x_t))
    return torch.stack([last, *way[::-1]])


@answers.right("sample")
def sample(network, betas, bar, x_T):
    """By way of the data and the posterior's mean, into a tensor made beforehand."""
    T = betas.shape[0] - 1
    way = torch.empty(T + 1, *x_T.shape, dtype=x_T.dtype)
    way[T] = x_T
    for s in torch.arange(T, 0, -1):
        x, now, before = way[s], bar[s], bar[s - 1]
        guess = network(x, s.repeat(x.shape[0]))
        data = (x - (1 - now) ** 0.5 * guess) / now**0.5
        near, far = (1 - betas[s]) ** 0.5 * (1 - before), before**0.5 * betas[s]
        way[s - 1] = (near * x + far * data) / (1 - now)
        if s > 1:
            way[s - 1] += torch.normal(0.0, float(betas[s]) ** 0.5, x.shape, dtype=x.dtype)
    return way


@answers.right("sample")
def sample(network, betas, bar, x_T):
    """All noise drawn beforehand, and put to zero for the last step; a call for each step back."""
    T = len(betas) - 1
    noise = torch.randn(T + 1, *x_T.shape).to(x_T)
    noise[1] = 0

    def onwards(x, s):
        if s == 0:
            return [x]
        guess = network(x, torch.tensor([s] * len(x)))
        mean = torch.rsqrt(1 - betas[s]) * x
        mean = mean - betas[s] * torch.rsqrt((1 - betas[s]) * (1 - bar[s])) * guess
        return [*onwards(mean + torch.sqrt(betas[s]) * noise[s], s - 1), x]

    return torch.stack(onwards(x_T, T))
