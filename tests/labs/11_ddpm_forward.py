"""Planted answers of lab 11. Each docstring says what the student did."""

import math

import torch
from planting import Answers

from gentutor.models import ddpm, gaussian, schedules

answers = Answers()

# --------------------------------------------------------------------------------------- exercise 1


@answers.wrong("one_more", fails="hole a: line 2")
def one_more():
    """The variance for its root."""
    return {
        "a": r"(1 - \bar{\alpha}_{t-1})",
        "b": r"\alpha_t (1 - \bar{\alpha}_{t-1}) + (1 - \alpha_t)",
        "c": r"1 - \bar{\alpha}_t",
    }


@answers.wrong("one_more", fails="hole a: line 2")
def one_more():
    """The product off by one."""
    return {
        "a": r"\sqrt{1 - \bar{\alpha}_t}",
        "b": r"\alpha_t (1 - \bar{\alpha}_{t-1}) + (1 - \alpha_t)",
        "c": r"1 - \bar{\alpha}_t",
    }


@answers.wrong("one_more", fails="hole a: line 2")
def one_more():
    """One factor for the product: the noise of the last step alone."""
    return {
        "a": r"\sqrt{1 - \alpha_{t-1}}",
        "b": r"\alpha_t (1 - \bar{\alpha}_{t-1}) + (1 - \alpha_t)",
        "c": r"1 - \bar{\alpha}_t",
    }


@answers.wrong("one_more", fails="hole b: line 3")
def one_more():
    """Deviations added, where variances are."""
    return {
        "a": r"\sqrt{1 - \bar{\alpha}_{t-1}}",
        "b": r"\sqrt{\alpha_t (1 - \bar{\alpha}_{t-1})} + \sqrt{1 - \alpha_t}",
        "c": r"1 - \bar{\alpha}_t",
    }


@answers.wrong("one_more", fails="hole b: line 3")
def one_more():
    """The old noise is not shrunk by the step."""
    return {
        "a": r"\sqrt{1 - \bar{\alpha}_{t-1}}",
        "b": r"(1 - \bar{\alpha}_{t-1}) + (1 - \alpha_t)",
        "c": r"1 - \bar{\alpha}_t",
    }


@answers.wrong("one_more", fails="hole c: line 4")
def one_more():
    """Alpha for its product at the end."""
    return {
        "a": r"\sqrt{1 - \bar{\alpha}_{t-1}}",
        "b": r"\alpha_t (1 - \bar{\alpha}_{t-1}) + (1 - \alpha_t)",
        "c": r"1 - \alpha_t",
    }


@answers.wrong("one_more", fails="hole b: forbidden")
def one_more():
    """Cheats: the last line is taken up to hide that nothing was merged."""
    return {
        "a": r"\sqrt{1 - \bar{\alpha}_{t-1}}",
        "b": r"1 - \bar{\alpha}_t",
        "c": r"1 - \alpha_t \bar{\alpha}_{t-1}",
    }


@answers.wrong("one_more", fails="hole b: neighbour")
def one_more():
    """Cheats: nothing is simplified, the line is written twice."""
    return {
        "a": r"\sqrt{1 - \bar{\alpha}_{t-1}}",
        "b": r"\alpha_t (1 - \bar{\alpha}_{t-1}) + (1 - \alpha_t)",
        "c": r"\alpha_t (1 - \bar{\alpha}_{t-1}) + (1 - \alpha_t)",
    }


@answers.wrong("one_more", fails="hole c: idle part")
def one_more():
    """Cheats: a term added and subtracted."""
    return {
        "a": r"\sqrt{1 - \bar{\alpha}_{t-1}}",
        "b": r"\alpha_t (1 - \bar{\alpha}_{t-1}) + (1 - \alpha_t)",
        "c": r"1 - \bar{\alpha}_t + \alpha_t - \alpha_t",
    }


@answers.right("one_more")
def one_more():
    """By beta, and the last factor split off."""
    return {
        "a": r"\sqrt{\bar{\beta}_{t-1}}",
        "b": r"\beta_t + (1 - \beta_t) (1 - \bar{\alpha}_{t-1})",
        "c": r"1 - \alpha_t \bar{\alpha}_{t-1}",
    }


@answers.right("one_more")
def one_more():
    """With products, and roots squared as the lecture has them."""
    return {
        "a": r"\sqrt{1 - \prod_{i=1}^{t-1} \alpha_i}",
        "b": r"\sqrt{\alpha_t - \alpha_t \bar{\alpha}_{t-1}}^2 + \sqrt{1 - \alpha_t}^2",
        "c": r"1 - \prod_{i=1}^{t} \alpha_i",
    }


# --------------------------------------------------------------------------------------- exercise 2


@answers.wrong("quadratic_schedule", fails="value of betas")
def quadratic_schedule(T, beta_1, beta_T):
    """A straight line for beta itself: the linear schedule."""
    betas = torch.linspace(beta_1, beta_T, T, dtype=torch.float64)
    betas = torch.cat([torch.zeros(1, dtype=torch.float64), betas])
    return betas, torch.cumprod(1 - betas, 0)


@answers.wrong("quadratic_schedule", fails="value of betas")
def quadratic_schedule(T, beta_1, beta_T):
    """The root for beta."""
    betas = torch.linspace(beta_1**0.5, beta_T**0.5, T, dtype=torch.float64)
    betas = torch.cat([torch.zeros(1, dtype=torch.float64), betas])
    return betas, torch.cumprod(1 - betas, 0)


@answers.wrong("quadratic_schedule", fails="value of betas")
def quadratic_schedule(T, beta_1, beta_T):
    """The line begins at the data, with T + 1 points."""
    betas = torch.linspace(beta_1**0.5, beta_T**0.5, T + 1, dtype=torch.float64) ** 2
    betas[0] = 0
    return betas, torch.cumprod(1 - betas, 0)


@answers.wrong("quadratic_schedule", fails="shape of betas")
def quadratic_schedule(T, beta_1, beta_T):
    """No entry for the data."""
    betas = torch.linspace(beta_1**0.5, beta_T**0.5, T, dtype=torch.float64) ** 2
    return betas, torch.cumprod(1 - betas, 0)


@answers.wrong("quadratic_schedule", fails="dtype of betas")
def quadratic_schedule(T, beta_1, beta_T):
    """In float32."""
    betas = torch.cat([torch.zeros(1), torch.linspace(beta_1**0.5, beta_T**0.5, T) ** 2])
    return betas, torch.cumprod(1 - betas, 0)


@answers.wrong("quadratic_schedule", fails="value of alphas_cumprod")
def quadratic_schedule(T, beta_1, beta_T):
    """The product off by one: that of the steps before t."""
    betas = torch.linspace(beta_1**0.5, beta_T**0.5, T, dtype=torch.float64) ** 2
    betas = torch.cat([torch.zeros(1, dtype=torch.float64), betas])
    products = torch.cumprod(1 - betas, 0)
    return betas, torch.cat([products[:1], products[:-1]])


@answers.wrong("quadratic_schedule", fails="value of alphas_cumprod")
def quadratic_schedule(T, beta_1, beta_T):
    """One less the product of the betas."""
    betas = torch.linspace(beta_1**0.5, beta_T**0.5, T, dtype=torch.float64) ** 2
    betas = torch.cat([torch.zeros(1, dtype=torch.float64), betas])
    return betas, 1 - torch.cumprod(betas, 0)


@answers.wrong("quadratic_schedule", fails="value of alphas_cumprod")
def quadratic_schedule(T, beta_1, beta_T):
    """The limit of small steps, exp(-sum of beta), for the product."""
    betas = torch.linspace(beta_1**0.5, beta_T**0.5, T, dtype=torch.float64) ** 2
    betas = torch.cat([torch.zeros(1, dtype=torch.float64), betas])
    return betas, torch.exp(-betas.cumsum(0))


@answers.wrong("quadratic_schedule", fails="package's solution")
def quadratic_schedule(T, beta_1, beta_T):
    """Lets the package do it."""
    made = schedules.quadratic(T, beta_1, beta_T)
    return made.betas, made.alphas_cumprod


@answers.right("quadratic_schedule")
def quadratic_schedule(T, beta_1, beta_T):
    """By logarithms."""
    u = torch.arange(T, dtype=torch.float64) / (T - 1)
    betas = torch.zeros(T + 1, dtype=torch.float64)
    betas[1:] = (math.sqrt(beta_1) * (1 - u) + math.sqrt(beta_T) * u).square()
    return betas, torch.log1p(-betas).cumsum(0).exp()


@answers.right("quadratic_schedule")
def quadratic_schedule(T, beta_1, beta_T):
    """A loop over Python's floats."""
    betas, left = [0.0], [1.0]
    step = (beta_T**0.5 - beta_1**0.5) / (T - 1)
    for k in range(T):
        betas.append((beta_1**0.5 + k * step) ** 2)
        left.append(left[-1] * (1 - betas[-1]))
    return torch.tensor(betas, dtype=torch.float64), torch.tensor(left, dtype=torch.float64)


# --------------------------------------------------------------------------------------- exercise 3


@answers.wrong("forward_step", fails="value of x_t")
def forward_step(x, beta, eps):
    """Beta for its root, as one lecture prints it."""
    return torch.sqrt(1 - beta) * x + beta * eps


@answers.wrong("forward_step", fails="value of x_t")
def forward_step(x, beta, eps):
    """Nothing is shrunk."""
    return x + torch.sqrt(beta) * eps


@answers.wrong("forward_step", fails="value of x_t")
def forward_step(x, beta, eps):
    """The factor of x without its root."""
    return (1 - beta) * x + torch.sqrt(beta) * eps


@answers.wrong("forward_step", fails="value of x_t")
def forward_step(x, beta, eps):
    """The two factors exchanged."""
    return torch.sqrt(beta) * x + torch.sqrt(1 - beta) * eps


@answers.wrong("forward_step", fails="value of x_t")
def forward_step(x, beta, eps):
    """Noise of its own instead of the one that was given."""
    return torch.sqrt(1 - beta) * x + torch.sqrt(beta) * torch.randn_like(x)


@answers.wrong("forward_step", fails="value of x_t")
def forward_step(x, beta, eps):
    """One number of noise for a whole sample."""
    one = eps.flatten(1)[:, 0].view(-1, *[1] * (x.ndim - 1))
    return torch.sqrt(1 - beta) * x + torch.sqrt(beta) * one


@answers.wrong("forward_step", fails="side effect on x")
def forward_step(x, beta, eps):
    """In place."""
    x *= torch.sqrt(1 - beta)
    x += torch.sqrt(beta) * eps
    return x


@answers.right("forward_step")
def forward_step(x, beta, eps):
    """By alpha, with Python's numbers."""
    alpha = 1 - float(beta)
    return alpha**0.5 * x + eps * math.sqrt(1 - alpha)


@answers.right("forward_step")
def forward_step(x, beta, eps):
    """By an angle: the squares of the factors add up to 1."""
    angle = torch.asin(torch.sqrt(beta))
    return torch.cos(angle) * x + torch.sin(angle) * eps


# --------------------------------------------------------------------------------------- exercise 4


@answers.wrong("q_sample", fails="value of x_t")
def q_sample(schedule, x_0, t):
    """Sqrt(alpha) for sqrt(alpha-bar): one step instead of t."""
    eps = torch.randn_like(x_0)
    alpha = schedule.alphas[t].reshape(-1, *[1] * (x_0.dim() - 1))
    return alpha.sqrt() * x_0 + (1 - alpha).sqrt() * eps, eps


@answers.wrong("q_sample", fails="value of x_t")
def q_sample(schedule, x_0, t):
    """The product off by one."""
    eps = torch.randn_like(x_0)
    bar = schedule.alphas_cumprod[(t - 1).clamp(min=0)].reshape(-1, *[1] * (x_0.dim() - 1))
    return bar.sqrt() * x_0 + (1 - bar).sqrt() * eps, eps


@answers.wrong("q_sample", fails="value of x_t")
def q_sample(schedule, x_0, t):
    """The same t for the whole batch."""
    eps = torch.randn_like(x_0)
    bar = schedule.alphas_cumprod[t[0]]
    return bar.sqrt() * x_0 + (1 - bar).sqrt() * eps, eps


@answers.wrong("q_sample", fails="value of x_t")
def q_sample(schedule, x_0, t):
    """The variance for the standard deviation."""
    eps = torch.randn_like(x_0)
    bar = schedule.alphas_cumprod[t].reshape(-1, *[1] * (x_0.dim() - 1))
    return bar.sqrt() * x_0 + (1 - bar) * eps, eps


@answers.wrong("q_sample", fails="value of x_t")
def q_sample(schedule, x_0, t):
    """Beta at t for all that was added up to t."""
    eps = torch.randn_like(x_0)
    shape = (-1, *[1] * (x_0.dim() - 1))
    bar, beta = schedule.alphas_cumprod[t].reshape(shape), schedule.betas[t].reshape(shape)
    return bar.sqrt() * x_0 + beta.sqrt() * eps, eps


@answers.wrong("q_sample", fails="shape of eps")
def q_sample(schedule, x_0, t):
    """Noise of the wrong shape: one number for a whole sample."""
    eps = torch.randn(len(x_0), *[1] * (x_0.dim() - 1), dtype=x_0.dtype)
    bar = schedule.alphas_cumprod[t].reshape(-1, *[1] * (x_0.dim() - 1))
    return bar.sqrt() * x_0 + (1 - bar).sqrt() * eps, eps


@answers.wrong("q_sample", fails="noise of its own")
def q_sample(schedule, x_0, t):
    """The same noise for every sample of the batch."""
    eps = torch.randn_like(x_0[:1]).expand(x_0.shape).clone()
    bar = schedule.alphas_cumprod[t].reshape(-1, *[1] * (x_0.dim() - 1))
    return bar.sqrt() * x_0 + (1 - bar).sqrt() * eps, eps


@answers.wrong("q_sample", fails="distribution of eps")
def q_sample(schedule, x_0, t):
    """Uniform noise."""
    eps = torch.rand_like(x_0)
    bar = schedule.alphas_cumprod[t].reshape(-1, *[1] * (x_0.dim() - 1))
    return bar.sqrt() * x_0 + (1 - bar).sqrt() * eps, eps


@answers.wrong("q_sample", fails="noise of its own")
def q_sample(schedule, x_0, t):
    """Returns what was added, for the noise itself: at t = 0 it is 0."""
    bar = schedule.alphas_cumprod[t].reshape(-1, *[1] * (x_0.dim() - 1))
    added = (1 - bar).sqrt() * torch.randn_like(x_0)
    return bar.sqrt() * x_0 + added, added


@answers.wrong("q_sample", fails="error")
def q_sample(schedule, x_0, t):
    """A column, which multiplies points, but not pictures."""
    eps = torch.randn_like(x_0)
    bar = schedule.alphas_cumprod[t][:, None]
    return bar.sqrt() * x_0 + (1 - bar).sqrt() * eps, eps


@answers.wrong("q_sample", fails="dtype of eps")
def q_sample(schedule, x_0, t):
    """Noise in float32, whatever the data are in."""
    eps = torch.randn(x_0.shape)
    bar = schedule.alphas_cumprod[t].reshape(-1, *[1] * (x_0.dim() - 1))
    return bar.sqrt() * x_0 + (1 - bar).sqrt() * eps, eps


@answers.wrong("q_sample", fails="new noise")
def q_sample(schedule, x_0, t):
    """Seeds in the function."""
    torch.manual_seed(0)
    eps = torch.randn_like(x_0)
    bar = schedule.alphas_cumprod[t].reshape(-1, *[1] * (x_0.dim() - 1))
    return bar.sqrt() * x_0 + (1 - bar).sqrt() * eps, eps


@answers.wrong("q_sample", fails="package's solution")
def q_sample(schedule, x_0, t):
    """Lets the package do it."""
    eps = torch.randn_like(x_0)
    return ddpm.q_sample(schedule, x_0, t, eps), eps


@answers.right("q_sample")
def q_sample(schedule, x_0, t):
    """Sample by sample."""
    x_t, noises = [], []
    for x, k in zip(x_0, t.tolist(), strict=True):
        share = float(schedule.alphas_cumprod[k])
        noises.append(torch.empty_like(x).normal_())
        x_t.append(math.sqrt(share) * x + math.sqrt(1 - share) * noises[-1])
    return torch.stack(x_t), torch.stack(noises)


@answers.right("q_sample")
def q_sample(schedule, x_0, t):
    """By einsum, and by torch's own law."""
    noise = torch.distributions.Normal(torch.zeros_like(x_0), 1.0).sample()
    share = torch.cumprod(1 - schedule.betas, 0).index_select(0, t)
    signal = torch.einsum("n,n...->n...", share**0.5, x_0)
    return signal + torch.einsum("n,n...->n...", (1 - share) ** 0.5, noise), noise


# --------------------------------------------------------------------------------------- exercise 5


@answers.wrong("walk", fails="value of x_1 on the path")
def walk(schedule, x_0, eps):
    """Beta for its root."""
    xs = [x_0]
    for beta, noise in zip(schedule.betas[1:], eps, strict=True):
        xs.append(torch.sqrt(1 - beta) * xs[-1] + beta * noise)
    return torch.stack(xs)


@answers.wrong("walk", fails="value of x_1 on the path")
def walk(schedule, x_0, eps):
    """Off by one: the first step takes the beta of the data, which is 0."""
    xs = [x_0]
    for beta, noise in zip(schedule.betas[:-1], eps, strict=True):
        xs.append(torch.sqrt(1 - beta) * xs[-1] + torch.sqrt(beta) * noise)
    return torch.stack(xs)


@answers.wrong("walk", fails="value of x_1 on the path")
def walk(schedule, x_0, eps):
    """From the last step to the first."""
    xs = [x_0]
    for beta, noise in zip(schedule.betas[1:].flip(0), eps.flip(0), strict=True):
        xs.append(torch.sqrt(1 - beta) * xs[-1] + torch.sqrt(beta) * noise)
    return torch.stack(xs)


@answers.wrong("walk", fails="value of x_2 on the path")
def walk(schedule, x_0, eps):
    """The same noise in every step."""
    xs = [x_0]
    for beta in schedule.betas[1:]:
        xs.append(torch.sqrt(1 - beta) * xs[-1] + torch.sqrt(beta) * eps[0])
    return torch.stack(xs)


@answers.wrong("walk", fails="value of x_2 on the path")
def walk(schedule, x_0, eps):
    """Jumps to each x_t: each has the right law, but they are no path."""
    xs = [x_0]
    for bar, noise in zip(schedule.alphas_cumprod[1:], eps, strict=True):
        xs.append(torch.sqrt(bar) * x_0 + torch.sqrt(1 - bar) * noise)
    return torch.stack(xs)


@answers.wrong("walk", fails="value of x_2 on the path")
def walk(schedule, x_0, eps):
    """The whole product in each step: sqrt(alpha-bar) for sqrt(alpha)."""
    xs = [x_0]
    for bar, noise in zip(schedule.alphas_cumprod[1:], eps, strict=True):
        xs.append(torch.sqrt(bar) * xs[-1] + torch.sqrt(1 - bar) * noise)
    return torch.stack(xs)


@answers.wrong("walk", fails="shape of path")
def walk(schedule, x_0, eps):
    """Leaves out where the path begins."""
    xs, x = [], x_0
    for beta, noise in zip(schedule.betas[1:], eps, strict=True):
        x = torch.sqrt(1 - beta) * x + torch.sqrt(beta) * noise
        xs.append(x)
    return torch.stack(xs)


@answers.wrong("walk", fails="side effect on x_0")
def walk(schedule, x_0, eps):
    """One tensor, changed in place, and bar T + 1 times."""
    xs = [x_0]
    for beta, noise in zip(schedule.betas[1:], eps, strict=True):
        x_0.mul_(torch.sqrt(1 - beta)).add_(torch.sqrt(beta) * noise)
        xs.append(x_0)
    return torch.stack(xs)


@answers.right("walk")
def walk(schedule, x_0, eps):
    """Into a tensor that is there already."""
    places = torch.empty(len(eps) + 1, *x_0.shape, dtype=x_0.dtype)
    places[0] = x_0
    for k in range(len(eps)):
        alpha = schedule.alphas[k + 1]
        places[k + 1] = alpha**0.5 * places[k] + (1 - alpha) ** 0.5 * eps[k]
    return places


@answers.right("walk")
def walk(schedule, x_0, eps):
    """Divided by what is left of the signal, a walk is a plain sum."""
    scale = schedule.alphas_cumprod.sqrt().view(-1, *[1] * x_0.ndim)
    grain = schedule.betas.sqrt().view(-1, *[1] * x_0.ndim)[1:]
    sums = torch.cat([x_0[None], x_0 + (grain * eps / scale[1:]).cumsum(0)])
    return scale * sums


# --------------------------------------------------------------------------------------- exercise 6


@answers.wrong("merged", fails="value of place where the jump lands")
def merged(schedule, eps):
    """The sum of the noises, over the root of their number."""
    return eps.sum(0) / math.sqrt(len(eps))


@answers.wrong("merged", fails="value of place where the jump lands")
def merged(schedule, eps):
    """The mean of the noises."""
    return eps.mean(0)


@answers.wrong("merged", fails="value of place where the jump lands")
def merged(schedule, eps):
    """Forgets that later steps shrink earlier noise."""
    weights = schedule.betas[1:].sqrt()
    total = torch.einsum("t,t...->...", weights, eps)
    return total / (1 - schedule.alphas_cumprod[-1]).sqrt()


@answers.wrong("merged", fails="value of place where the jump lands")
def merged(schedule, eps):
    """Shrinks by the steps before, not by those after."""
    weights = (schedule.betas[1:] * schedule.alphas_cumprod[:-1]).sqrt()
    total = torch.einsum("t,t...->...", weights, eps)
    return total / (1 - schedule.alphas_cumprod[-1]).sqrt()


@answers.wrong("merged", fails="value of place where the jump lands")
def merged(schedule, eps):
    """Does not divide by the factor of the noise in the jump."""
    total = torch.zeros_like(eps[0])
    for alpha, noise in zip(schedule.alphas[1:], eps, strict=True):
        total = alpha.sqrt() * total + (1 - alpha).sqrt() * noise
    return total


@answers.wrong("merged", fails="value of place where the jump lands")
def merged(schedule, eps):
    """Divides by the variance."""
    total = torch.zeros_like(eps[0])
    for alpha, noise in zip(schedule.alphas[1:], eps, strict=True):
        total = alpha.sqrt() * total + (1 - alpha).sqrt() * noise
    return total / (1 - schedule.alphas_cumprod[-1])


@answers.wrong("merged", fails="shape of noise")
def merged(schedule, eps):
    """Weighs the noises, and does not add them up."""
    left = schedule.alphas_cumprod
    weights = (schedule.betas[1:] * left[-1] / left[1:] / (1 - left[-1])).sqrt()
    return weights.view(-1, *[1] * (eps.ndim - 1)) * eps


@answers.wrong("merged", fails="package's solution")
def merged(schedule, eps):
    """Lets the package find the noise."""
    x = torch.zeros_like(eps[0])
    for alpha, noise in zip(schedule.alphas[1:], eps, strict=True):
        x = alpha.sqrt() * x + (1 - alpha).sqrt() * noise
    t = torch.full((len(x),), schedule.T)
    return ddpm.predict_eps_from_x0(schedule, x, t, torch.zeros_like(x))


@answers.right("merged")
def merged(schedule, eps):
    """The weights first."""
    left = schedule.alphas_cumprod
    weights = (schedule.betas[1:] * left[-1] / left[1:] / (1 - left[-1])).sqrt()
    return torch.einsum("t,t...->...", weights, eps)


@answers.right("merged")
def merged(schedule, eps):
    """Two at a time, as in the derivation: one noise so far, and one more."""
    one = eps[0]
    for k in range(2, len(eps) + 1):
        alpha, before = schedule.alphas[k], schedule.alphas_cumprod[k - 1]
        two = (alpha * (1 - before)).sqrt() * one + (1 - alpha).sqrt() * eps[k - 1]
        one = two / (1 - alpha * before).sqrt()
    return one


# --------------------------------------------------------------------------------------- exercise 7


@answers.wrong("kl_at_end", fails="value of divergence")
def kl_at_end(schedule, x_0):
    """The mean over the numbers for the sum."""
    bar = schedule.alphas_cumprod[-1]
    return (bar * x_0**2 - bar - torch.log(1 - bar)).flatten(1).mean(1) / 2


@answers.wrong("kl_at_end", fails="shape of divergence")
def kl_at_end(schedule, x_0):
    """The sum over the batch too."""
    bar = schedule.alphas_cumprod[-1]
    return (bar * x_0**2 - bar - torch.log(1 - bar)).sum() / 2


@answers.wrong("kl_at_end", fails="value of divergence")
def kl_at_end(schedule, x_0):
    """Alpha of the last step for the product."""
    bar = schedule.alphas[-1]
    return (bar * x_0**2 - bar - torch.log(1 - bar)).flatten(1).sum(1) / 2


@answers.wrong("kl_at_end", fails="value of divergence")
def kl_at_end(schedule, x_0):
    """The divergence the other way round."""
    bar = schedule.alphas_cumprod[-1]
    terms = (1 + bar * x_0**2) / (1 - bar) - 1 + torch.log(1 - bar)
    return terms.flatten(1).sum(1) / 2


@answers.wrong("kl_at_end", fails="value of divergence")
def kl_at_end(schedule, x_0):
    """The standard deviation where the variance belongs."""
    bar = schedule.alphas_cumprod[-1]
    deviation = (1 - bar).sqrt()
    return (bar * x_0**2 + deviation - 1 - torch.log(deviation)).flatten(1).sum(1) / 2


@answers.wrong("kl_at_end", fails="value of divergence")
def kl_at_end(schedule, x_0):
    """Forgets the mean: the root of alpha-bar times x_0 is not 0."""
    bar = schedule.alphas_cumprod[-1]
    return (-bar - torch.log(1 - bar)).expand(x_0.shape).flatten(1).sum(1) / 2


@answers.wrong("kl_at_end", fails="value of divergence")
def kl_at_end(schedule, x_0):
    """In bits."""
    bar = schedule.alphas_cumprod[-1]
    terms = bar * x_0**2 - bar - torch.log(1 - bar)
    return terms.flatten(1).sum(1) / (2 * math.log(2))


@answers.wrong("kl_at_end", fails="shape of divergence")
def kl_at_end(schedule, x_0):
    """Sums over the last axis alone: right for points, not for pictures."""
    bar = schedule.alphas_cumprod[-1]
    return (bar * x_0**2 - bar - torch.log(1 - bar)).sum(-1) / 2


@answers.wrong("kl_at_end", fails="package's solution")
def kl_at_end(schedule, x_0):
    """Lets the package do it."""
    bar = schedule.alphas_cumprod[-1]
    return gaussian.kl_diagonal(bar.sqrt() * x_0.flatten(1), torch.log(1 - bar))


@answers.right("kl_at_end")
def kl_at_end(schedule, x_0):
    """By torch's own laws."""
    bar = schedule.alphas_cumprod[-1]
    end = torch.distributions.Normal(bar.sqrt() * x_0, (1 - bar).sqrt())
    noise = torch.distributions.Normal(torch.zeros_like(x_0), torch.ones_like(x_0))
    return torch.distributions.kl_divergence(end, noise).flatten(1).sum(1)


@answers.right("kl_at_end")
def kl_at_end(schedule, x_0):
    """As the formula is printed, sample by sample."""
    bar, d = schedule.alphas_cumprod[schedule.T], x_0[0].numel()
    each = [bar * x.norm() ** 2 - d * bar - d * torch.log1p(-bar) for x in x_0]
    return 0.5 * torch.stack(each)


# --------------------------------------------------------------------------------------- exercise 8


@answers.wrong("least_T", fails="enough steps")
def least_T(x_0, beta_1, beta_T, most):
    """Nats for bits."""
    x, T, nats = x_0.flatten(1), 0, math.inf
    while nats > most:
        T += 1
        bar = schedules.linear(T, beta_1, beta_T).alphas_cumprod[-1]
        nats = gaussian.kl_diagonal(bar.sqrt() * x, torch.log(1 - bar)).mean() / x.shape[1]
    return T


@answers.wrong("least_T", fails="least T")
def least_T(x_0, beta_1, beta_T, most):
    """The bits of a whole sample for those of a number."""
    x, T, bits = x_0.flatten(1), 0, math.inf
    while bits > most:
        T += 1
        bar = schedules.linear(T, beta_1, beta_T).alphas_cumprod[-1]
        bits = gaussian.kl_diagonal(bar.sqrt() * x, torch.log(1 - bar)).mean() / math.log(2)
    return T


@answers.wrong("least_T", fails="least T")
def least_T(x_0, beta_1, beta_T, most):
    """One too many: counts once more after it is enough."""
    x, T, bits = x_0.flatten(1), 1, math.inf
    while bits > most:
        bar = schedules.linear(T, beta_1, beta_T).alphas_cumprod[-1]
        nats = gaussian.kl_diagonal(bar.sqrt() * x, torch.log(1 - bar)).mean()
        bits = nats / (x.shape[1] * math.log(2))
        T += 1
    return T


@answers.wrong("least_T", fails="enough steps")
def least_T(x_0, beta_1, beta_T, most):
    """One too few: the last that is not enough."""
    x, T, bits = x_0.flatten(1), 0, math.inf
    while bits > most:
        T += 1
        bar = schedules.linear(T, beta_1, beta_T).alphas_cumprod[-1]
        nats = gaussian.kl_diagonal(bar.sqrt() * x, torch.log(1 - bar)).mean()
        bits = nats / (x.shape[1] * math.log(2))
    return T - 1


@answers.wrong("least_T", fails="least T")
def least_T(x_0, beta_1, beta_T, most):
    """Stops early on one long schedule, where the betas are still small."""
    x, long = x_0.flatten(1), schedules.linear(1000, beta_1, beta_T)
    for t in range(1, 1001):
        bar = long.alphas_cumprod[t]
        nats = gaussian.kl_diagonal(bar.sqrt() * x, torch.log(1 - bar)).mean()
        if nats / (x.shape[1] * math.log(2)) <= most:
            return t


@answers.wrong("least_T", fails="least T")
def least_T(x_0, beta_1, beta_T, most):
    """The worst sample for the mean."""
    x, T, bits = x_0.flatten(1), 0, math.inf
    while bits > most:
        T += 1
        bar = schedules.linear(T, beta_1, beta_T).alphas_cumprod[-1]
        nats = gaussian.kl_diagonal(bar.sqrt() * x, torch.log(1 - bar)).max()
        bits = nats / (x.shape[1] * math.log(2))
    return T


@answers.wrong("least_T", fails="least T")
def least_T(x_0, beta_1, beta_T, most):
    """What is left of the signal, for the divergence."""
    T = 1
    while schedules.linear(T, beta_1, beta_T).alphas_cumprod[-1] > most:
        T += 1
    return T


@answers.right("least_T")
def least_T(x_0, beta_1, beta_T, most):
    """By halves: the divergence falls with T."""
    low, high, size = 0, 4096, x_0.square().mean()
    while high - low > 1:
        middle = (low + high) // 2
        bar = schedules.linear(middle, beta_1, beta_T).alphas_cumprod[-1]
        enough = (bar * size - bar - torch.log1p(-bar)) / (2 * math.log(2)) <= most
        low, high = (low, middle) if enough else (middle, high)
    return high


@answers.right("least_T")
def least_T(x_0, beta_1, beta_T, most):
    """With no help of the package, as a tensor."""
    d = x_0[0].numel()
    for T in range(1, 10_000):
        bar = float((1 - torch.linspace(beta_1, beta_T, T, dtype=torch.float64)).prod())
        each = bar * x_0.flatten(1).square().sum(1) - d * bar - d * math.log(1 - bar)
        if each.mean() / 2 / d / math.log(2) <= most:
            return torch.tensor(T)
