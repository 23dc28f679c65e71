"""Planted answers of lab 08. Each docstring says what the student did."""

import torch
from planting import Answers
from torch.nn import functional as F

from gentutor.metrics.transport import w1_sorted
from gentutor.models import wgan

answers = Answers()

# --------------------------------------------------------------------------------------- exercise 1


@answers.wrong("mixture", fails="hole a: line 2")
def mixture():
    """The weights exchanged."""
    return {
        "a": r"\frac{1}{3} \mathbb{E}_{x \sim P_r}[f(x)] + \frac{2}{3} \mathbb{E}_{x \sim P_g}[f(x)]",
        "b": r"\mathbb{E}_{x \sim P_r}[f(x)] - \mathbb{E}_{x \sim P_g}[f(x)]",
        "c": r"\|x - y\|",
    }


@answers.wrong("mixture", fails="hole a: line 2")
def mixture():
    """The dual of the lecture, as if all samples came from the generator."""
    return {
        "a": r"\mathbb{E}_{x \sim P_g}[f(x)]",
        "b": r"\mathbb{E}_{x \sim P_r}[f(x)] - \mathbb{E}_{x \sim P_g}[f(x)]",
        "c": r"\|x - y\|",
    }


@answers.wrong("mixture", fails="hole a: line 2")
def mixture():
    """The sign of the generated part."""
    return {
        "a": r"\frac{2}{3} \mathbb{E}_{x \sim P_r}[f(x)] - \frac{1}{3} \mathbb{E}_{x \sim P_g}[f(x)]",
        "b": r"\mathbb{E}_{x \sim P_r}[f(x)] - \mathbb{E}_{x \sim P_g}[f(x)]",
        "c": r"\|x - y\|",
    }


@answers.wrong("mixture", fails="hole b: line 3")
def mixture():
    """The third twice: before the supremum and in it."""
    return {
        "a": r"\frac{2}{3} \mathbb{E}_{x \sim P_r}[f(x)] + \frac{1}{3} \mathbb{E}_{x \sim P_g}[f(x)]",
        "b": r"\frac{1}{3} \mathbb{E}_{x \sim P_r}[f(x)] - \frac{1}{3} \mathbb{E}_{x \sim P_g}[f(x)]",
        "c": r"\|x - y\|",
    }


@answers.wrong("mixture", fails="hole b: line 3")
def mixture():
    """A sum where the dual has a difference."""
    return {
        "a": r"\frac{2}{3} \mathbb{E}_{x \sim P_r}[f(x)] + \frac{1}{3} \mathbb{E}_{x \sim P_g}[f(x)]",
        "b": r"\mathbb{E}_{x \sim P_r}[f(x)] + \mathbb{E}_{x \sim P_g}[f(x)]",
        "c": r"\|x - y\|",
    }


@answers.wrong("mixture", fails="hole c: line 4")
def mixture():
    """The squared distance, which is another transport."""
    return {
        "a": r"\frac{2}{3} \mathbb{E}_{x \sim P_r}[f(x)] + \frac{1}{3} \mathbb{E}_{x \sim P_g}[f(x)]",
        "b": r"\mathbb{E}_{x \sim P_r}[f(x)] - \mathbb{E}_{x \sim P_g}[f(x)]",
        "c": r"\|x - y\|^2",
    }


@answers.wrong("mixture", fails="hole a: idle part")
def mixture():
    """Cheats: a term added and subtracted."""
    return {
        "a": r"\frac{2}{3} \mathbb{E}_{x \sim P_r}[f(x)] + \frac{1}{3} \mathbb{E}_{x \sim P_g}[f(x)]"
        r" + \mathbb{E}_{x \sim P_g}[f(x)] - \mathbb{E}_{x \sim P_g}[f(x)]",
        "b": r"\mathbb{E}_{x \sim P_r}[f(x)] - \mathbb{E}_{x \sim P_g}[f(x)]",
        "c": r"\|x - y\|",
    }


@answers.wrong("mixture", fails="hole b: required")
def mixture():
    """Cheats: names the distance that is to be derived."""
    return {
        "a": r"\frac{2}{3} \mathbb{E}_{x \sim P_r}[f(x)] + \frac{1}{3} \mathbb{E}_{x \sim P_g}[f(x)]",
        "b": r"W_1(P_r, P_g)",
        "c": r"\|x - y\|",
    }


@answers.wrong("mixture", fails="hole c: forbidden")
def mixture():
    """Cheats: copies the difference of the line above, and adds the distance."""
    return {
        "a": r"\frac{2}{3} \mathbb{E}_{x \sim P_r}[f(x)] + \frac{1}{3} \mathbb{E}_{x \sim P_g}[f(x)]",
        "b": r"\mathbb{E}_{x \sim P_r}[f(x)] - \mathbb{E}_{x \sim P_g}[f(x)]",
        "c": r"\|x - y\| + f(x) - f(x)",
    }


@answers.right("mixture")
def mixture():
    """The third put outside, and the haulier's way back: the supremum is over f and -f alike."""
    return {
        "a": r"\frac{1}{3} \left( 2 \mathbb{E}_{x \sim P_r}[f(x)] + \mathbb{E}_{x \sim P_g}[f(x)] \right)",
        "b": r"\mathbb{E}_{x \sim P_g}[f(x)] - \mathbb{E}_{x \sim P_r}[f(x)]",
        "c": r"\|y - x\|",
    }


@answers.right("mixture")
def mixture():
    """Generated samples by their codes."""
    return {
        "a": r"\frac{2}{3} \mathbb{E}_{x \sim P_r}[f(x)] + \frac{1}{3} \mathbb{E}_{z \sim p(z)}[f(G(z))]",
        "b": r"\mathbb{E}_{x \sim P_r}[f(x)] - \mathbb{E}_{z \sim p(z)}[f(G(z))]",
        "c": r"\| x - y \|_2",
    }


# --------------------------------------------------------------------------------------- exercise 2


@answers.wrong("w1", fails="value of distance")
def w1(x, y):
    """Sorts nothing: the cost of an arbitrary plan."""
    return (x - y).abs().mean()


@answers.wrong("w1", fails="value of distance")
def w1(x, y):
    """Sorts one of the two."""
    return (x.sort().values - y).abs().mean()


@answers.wrong("w1", fails="value of distance")
def w1(x, y):
    """The sum for the mean."""
    return (x.sort().values - y.sort().values).abs().sum()


@answers.wrong("w1", fails="value of distance")
def w1(x, y):
    """The squares: W_2 squared."""
    return (x.sort().values - y.sort().values).square().mean()


@answers.wrong("w1", fails="value of distance")
def w1(x, y):
    """The difference of the means: what a linear critic sees."""
    return (x.mean() - y.mean()).abs()


@answers.wrong("w1", fails="gradient by x")
def w1(x, y):
    """Sorts outside of the graph."""
    return (torch.tensor(sorted(x.tolist()), dtype=x.dtype) - y.sort().values).abs().mean()


@answers.wrong("w1", fails="package's solution")
def w1(x, y):
    """Lets the package do it."""
    return w1_sorted(x, y)


@answers.right("w1")
def w1(x, y):
    """By indices, from the largest down."""
    return (x[x.argsort(descending=True)] - y[y.argsort(descending=True)]).abs().sum() / len(x)


@answers.right("w1")
def w1(x, y):
    """The area between the two distribution functions."""
    both, order = torch.cat([x, y]).sort()
    steps = torch.where(order < len(x), 1, -1).cumsum(0)[:-1]
    return (steps.abs() * both.diff()).sum() / len(x)


# --------------------------------------------------------------------------------------- exercise 3


@answers.wrong("marks", fails="value of marks")
def marks(w, x):
    """A sigmoid at the end: a discriminator."""
    h = F.leaky_relu(F.linear(x, w["W1"], w["b1"]), 0.2)
    h = F.leaky_relu(F.linear(h, w["W2"], w["b2"]), 0.2)
    return (h @ w["w3"] + w["b3"]).sigmoid()


@answers.wrong("marks", fails="mark of a sample by itself")
def marks(w, x):
    """Batch norm after the first layer."""
    h = F.linear(x, w["W1"], w["b1"])
    h = F.leaky_relu((h - h.mean(0)) / (h.var(0, unbiased=False) + 1e-5).sqrt(), 0.2)
    h = F.leaky_relu(F.linear(h, w["W2"], w["b2"]), 0.2)
    return h @ w["w3"] + w["b3"]


@answers.wrong("marks", fails="mark of a sample by itself")
def marks(w, x):
    """A softmax over the batch, so that the marks are probabilities."""
    h = F.leaky_relu(F.linear(x, w["W1"], w["b1"]), 0.2)
    h = F.leaky_relu(F.linear(h, w["W2"], w["b2"]), 0.2)
    return (h @ w["w3"] + w["b3"]).softmax(0)


@answers.wrong("marks", fails="value of marks")
def marks(w, x):
    """PyTorch's own slope of leaky ReLU, 0.01."""
    h = F.leaky_relu(F.linear(x, w["W1"], w["b1"]))
    h = F.leaky_relu(F.linear(h, w["W2"], w["b2"]))
    return h @ w["w3"] + w["b3"]


@answers.wrong("marks", fails="value of marks")
def marks(w, x):
    """Leaky ReLU after the last layer too, so that marks below zero are pressed together."""
    h = F.leaky_relu(F.linear(x, w["W1"], w["b1"]), 0.2)
    h = F.leaky_relu(F.linear(h, w["W2"], w["b2"]), 0.2)
    return F.leaky_relu(h @ w["w3"] + w["b3"], 0.2)


@answers.wrong("marks", fails="shape of marks")
def marks(w, x):
    """The mean over the batch at once."""
    h = F.leaky_relu(F.linear(x, w["W1"], w["b1"]), 0.2)
    h = F.leaky_relu(F.linear(h, w["W2"], w["b2"]), 0.2)
    return (h @ w["w3"] + w["b3"]).mean()


@answers.right("marks")
def marks(w, x):
    """Sample by sample, with a loop over layers."""
    found = []
    for h in x:
        for i in "12":
            h = w[f"W{i}"] @ h + w[f"b{i}"]
            h = torch.where(h > 0, h, 0.2 * h)
        found.append(w["w3"].dot(h) + w["b3"])
    return torch.stack(found)


@answers.right("marks")
def marks(w, x):
    """Leaky ReLU as a maximum."""
    h = x @ w["W1"].T + w["b1"]
    h = torch.maximum(h, h / 5) @ w["W2"].T + w["b2"]
    return (torch.maximum(h, h / 5) * w["w3"]).sum(-1) + w["b3"]


# --------------------------------------------------------------------------------------- exercise 4


@answers.wrong("interpolate", fails="distribution of eps")
def interpolate(x_real, x_fake):
    """A normal eps for a uniform one."""
    eps = torch.randn(len(x_real), *[1] * (x_real.ndim - 1), dtype=x_real.dtype)
    return eps * x_real + (1 - eps) * x_fake


@answers.wrong("interpolate", fails="eps of its own")
def interpolate(x_real, x_fake):
    """One eps for the batch."""
    eps = torch.rand(1, dtype=x_real.dtype)
    return eps * x_real + (1 - eps) * x_fake


@answers.wrong("interpolate", fails="one eps for a sample")
def interpolate(x_real, x_fake):
    """An eps for every pixel: a point in a box, not on the line."""
    eps = torch.rand_like(x_real)
    return eps * x_real + (1 - eps) * x_fake


@answers.wrong("interpolate", fails="eps of its own")
def interpolate(x_real, x_fake):
    """Always the middle."""
    return (x_real + x_fake) / 2


@answers.wrong("interpolate", fails="one eps for a sample")
def interpolate(x_real, x_fake):
    """The weights do not sum to one: two draws."""
    shape = (len(x_real), *[1] * (x_real.ndim - 1))
    return torch.rand(shape, dtype=x_real.dtype) * x_real + torch.rand(shape, dtype=x_real.dtype) * x_fake


@answers.wrong("interpolate", fails="one eps for a sample")
def interpolate(x_real, x_fake):
    """A view for pictures only, so that on them eps counts rows of pixels, not samples."""
    eps = torch.rand(x_real.shape[-1], dtype=x_real.dtype)
    return eps * x_real + (1 - eps) * x_fake


@answers.wrong("interpolate", fails="new eps")
def interpolate(x_real, x_fake):
    """Seeds in the function."""
    torch.manual_seed(0)
    eps = torch.rand(len(x_real), *[1] * (x_real.ndim - 1), dtype=x_real.dtype)
    return eps * x_real + (1 - eps) * x_fake


@answers.right("interpolate")
def interpolate(x_real, x_fake):
    """From the other end, and flat."""
    t = torch.rand(x_real.shape[0], 1).to(x_real)
    way = (x_real - x_fake).flatten(1)
    return x_fake + (t * way).view_as(x_fake)


@answers.right("interpolate")
def interpolate(x_real, x_fake):
    """PyTorch's own line, sample by sample."""
    draws = torch.empty(len(x_real), dtype=x_real.dtype).uniform_()
    return torch.stack([torch.lerp(a, b, e) for a, b, e in zip(x_real, x_fake, draws, strict=True)])


# --------------------------------------------------------------------------------------- exercise 5


@answers.wrong("gradient_penalty", fails="value of penalty")
def gradient_penalty(critic, x_hat):
    """The norm over the whole batch."""
    x_hat = x_hat.clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    return (slope.norm() - 1).square()


@answers.wrong("gradient_penalty", fails="gradient by critic")
def gradient_penalty(critic, x_hat):
    """No create_graph: a constant that nothing is learned from."""
    x_hat = x_hat.clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


@answers.wrong("gradient_penalty", fails="value of penalty")
def gradient_penalty(critic, x_hat):
    """The norm over the second axis alone: of pictures, over the channels."""
    x_hat = x_hat.clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    return (slope.norm(dim=1) - 1).square().mean()


@answers.wrong("gradient_penalty", fails="value of penalty")
def gradient_penalty(critic, x_hat):
    """The square of the norm for the norm."""
    x_hat = x_hat.clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    return (slope.flatten(1).square().sum(1) - 1).square().mean()


@answers.wrong("gradient_penalty", fails="value of penalty")
def gradient_penalty(critic, x_hat):
    """Asks for no slope at all, where it should be 1."""
    x_hat = x_hat.clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    return slope.flatten(1).square().sum(1).mean()


@answers.wrong("gradient_penalty", fails="value of penalty")
def gradient_penalty(critic, x_hat):
    """The slope of the mean mark: n times too small."""
    x_hat = x_hat.clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x_hat).mean(), x_hat, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


@answers.wrong("gradient_penalty", fails="value of penalty")
def gradient_penalty(critic, x_hat):
    """One-sided: slopes below 1 are free."""
    x_hat = x_hat.clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).clamp(min=0).square().mean()


@answers.wrong("gradient_penalty", fails="package's solution")
def gradient_penalty(critic, x_hat):
    """Lets the package do it."""
    return (wgan.gradient_norms(critic, x_hat) - 1).square().mean()


@answers.right("gradient_penalty")
def gradient_penalty(critic, x_hat):
    """Sample by sample."""
    total = 0.0
    for sample in x_hat:
        x = sample[None].detach().clone().requires_grad_(True)
        (slope,) = torch.autograd.grad(critic(x).squeeze(), x, create_graph=True)
        total = total + (slope.pow(2).sum().sqrt() - 1) ** 2
    return total / len(x_hat)


@answers.right("gradient_penalty")
def gradient_penalty(critic, x_hat):
    """With grad_outputs of ones, as in much code."""
    x = x_hat.detach().requires_grad_(True)
    marks = critic(x)
    ones = torch.ones_like(marks)
    slope = torch.autograd.grad(marks, x, grad_outputs=ones, create_graph=True, retain_graph=True)[0]
    return torch.mean((torch.sqrt(slope.reshape(len(x), -1).pow(2).sum(1)) - 1) ** 2)


# --------------------------------------------------------------------------------------- exercise 6


@answers.wrong("critic_phase", fails="value of loss of the first step")
def critic_phase(critic, optimizer, x_real, x_fake, eps, penalty):
    """The penalty subtracted, as it is printed in one lecture."""
    losses = []
    for x, x_made, e in zip(x_real, x_fake, eps, strict=True):
        loss = critic(x_made).mean() - critic(x).mean()
        loss = loss - penalty * wgan.gradient_penalty(critic, x, x_made, e)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


@answers.wrong("critic_phase", fails="value of loss of the first step")
def critic_phase(critic, optimizer, x_real, x_fake, eps, penalty):
    """Real and generated exchanged: the critic praises what is generated."""
    losses = []
    for x, x_made, e in zip(x_real, x_fake, eps, strict=True):
        loss = critic(x).mean() - critic(x_made).mean()
        loss = loss + penalty * wgan.gradient_penalty(critic, x, x_made, e)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


@answers.wrong("critic_phase", fails="value of layers.0.weight of critic afterwards")
def critic_phase(critic, optimizer, x_real, x_fake, eps, penalty):
    """Gradients of earlier steps are not put to zero."""
    losses = []
    for x, x_made, e in zip(x_real, x_fake, eps, strict=True):
        loss = critic(x_made).mean() - critic(x).mean()
        loss = loss + penalty * wgan.gradient_penalty(critic, x, x_made, e)
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


@answers.wrong("critic_phase", fails="value of loss of the first step")
def critic_phase(critic, optimizer, x_real, x_fake, eps, penalty):
    """A sigmoid on the marks."""
    losses = []
    for x, x_made, e in zip(x_real, x_fake, eps, strict=True):
        loss = critic(x_made).sigmoid().mean() - critic(x).sigmoid().mean()
        loss = loss + penalty * wgan.gradient_penalty(critic, x, x_made, e)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


@answers.wrong("critic_phase", fails="value of loss of the first step")
def critic_phase(critic, optimizer, x_real, x_fake, eps, penalty):
    """The discriminator's loss."""
    losses = []
    for x, x_made, e in zip(x_real, x_fake, eps, strict=True):
        loss = F.softplus(critic(x_made)).mean() + F.softplus(-critic(x)).mean()
        loss = loss + penalty * wgan.gradient_penalty(critic, x, x_made, e)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


@answers.wrong("critic_phase", fails="value of layers.0.weight of critic afterwards")
def critic_phase(critic, optimizer, x_real, x_fake, eps, penalty):
    """The penalty as a number, through which nothing is learned."""
    losses = []
    for x, x_made, e in zip(x_real, x_fake, eps, strict=True):
        loss = critic(x_made).mean() - critic(x).mean()
        loss = loss + penalty * wgan.gradient_penalty(critic, x, x_made, e).item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


@answers.wrong("critic_phase", fails="value of layers.0.weight of critic afterwards")
def critic_phase(critic, optimizer, x_real, x_fake, eps, penalty):
    """One step at the end for all batches."""
    losses = []
    optimizer.zero_grad()
    for x, x_made, e in zip(x_real, x_fake, eps, strict=True):
        loss = critic(x_made).mean() - critic(x).mean()
        loss = loss + penalty * wgan.gradient_penalty(critic, x, x_made, e)
        loss.backward()
        losses.append(loss.detach())
    optimizer.step()
    return torch.stack(losses)


@answers.wrong("critic_phase", fails="value of layers.0.weight of critic afterwards")
def critic_phase(critic, optimizer, x_real, x_fake, eps, penalty):
    """Clips the weights as well."""
    losses = []
    for x, x_made, e in zip(x_real, x_fake, eps, strict=True):
        loss = critic(x_made).mean() - critic(x).mean()
        loss = loss + penalty * wgan.gradient_penalty(critic, x, x_made, e)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        for weight in critic.parameters():
            weight.data.clamp_(-0.01, 0.01)
        losses.append(loss.detach())
    return torch.stack(losses)


@answers.right("critic_phase")
def critic_phase(critic, optimizer, x_real, x_fake, eps, penalty):
    """The penalty written out, and real and generated samples in one batch."""
    losses = torch.zeros(len(x_real), dtype=x_real.dtype)
    for k in range(len(x_real)):
        optimizer.zero_grad()
        marks = critic(torch.cat([x_real[k], x_fake[k]]))
        real, made = marks.chunk(2)
        e = eps[k][:, None]
        x_hat = (x_fake[k] + e * (x_real[k] - x_fake[k])).requires_grad_()
        (slope,) = torch.autograd.grad(critic(x_hat).sum(), x_hat, create_graph=True)
        loss = (made - real + penalty * (slope.norm(dim=1) - 1) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses[k] = loss.item()
    return losses


@answers.right("critic_phase")
def critic_phase(critic, optimizer, x_real, x_fake, eps, penalty):
    """Goes down in two parts."""
    losses = []
    for x, x_made, e in zip(x_real, x_fake, eps, strict=True):
        critic.zero_grad()
        gain = critic(x).mean() - critic(x_made).mean()
        (-gain).backward()
        price = penalty * wgan.gradient_penalty(critic, x, x_made, e)
        price.backward()
        optimizer.step()
        losses.append((price - gain).detach())
    return torch.stack(losses)


# --------------------------------------------------------------------------------------- exercise 7


@answers.wrong("train", fails="value of layers.0.weight of G afterwards")
def train(G, critic, G_optimizer, critic_optimizer, X, rows, z, eps, penalty):
    """The generator goes up the critic's loss the wrong way: it seeks low marks."""
    estimates = []
    for s in range(len(rows)):
        for j in range(rows.shape[1]):
            x, x_made = X[rows[s, j]], G(z[s, j]).detach()
            estimate = critic(x).mean() - critic(x_made).mean()
            loss = penalty * wgan.gradient_penalty(critic, x, x_made, eps[s, j]) - estimate
            critic_optimizer.zero_grad()
            loss.backward()
            critic_optimizer.step()
        G_optimizer.zero_grad()
        critic(G(z[s, -1])).mean().backward()
        G_optimizer.step()
        estimates.append(estimate.detach())
    return torch.stack(estimates)


@answers.wrong("train", fails="value of layers.0.weight of G afterwards")
def train(G, critic, G_optimizer, critic_optimizer, X, rows, z, eps, penalty):
    """A step of G after every step of the critic."""
    estimates = []
    for s in range(len(rows)):
        for j in range(rows.shape[1]):
            x, x_made = X[rows[s, j]], G(z[s, j]).detach()
            estimate = critic(x).mean() - critic(x_made).mean()
            loss = penalty * wgan.gradient_penalty(critic, x, x_made, eps[s, j]) - estimate
            critic_optimizer.zero_grad()
            loss.backward()
            critic_optimizer.step()
            G_optimizer.zero_grad()
            (-critic(G(z[s, -1])).mean()).backward()
            G_optimizer.step()
        estimates.append(estimate.detach())
    return torch.stack(estimates)


@answers.wrong("train", fails="value of layers.0.weight of G afterwards")
def train(G, critic, G_optimizer, critic_optimizer, X, rows, z, eps, penalty):
    """What G's step leaves behind in the critic is not put to zero."""
    estimates = []
    for s in range(len(rows)):
        for j in range(rows.shape[1]):
            x, x_made = X[rows[s, j]], G(z[s, j]).detach()
            estimate = critic(x).mean() - critic(x_made).mean()
            loss = penalty * wgan.gradient_penalty(critic, x, x_made, eps[s, j]) - estimate
            loss.backward()
            critic_optimizer.step()
        G_optimizer.zero_grad()
        critic_optimizer.zero_grad()
        (-critic(G(z[s, -1])).mean()).backward()
        G_optimizer.step()
        estimates.append(estimate.detach())
    return torch.stack(estimates)


@answers.wrong("train", fails="value of layers.0.weight of G afterwards")
def train(G, critic, G_optimizer, critic_optimizer, X, rows, z, eps, penalty):
    """No detach, and what the critic's steps leave behind in G is not put to zero."""
    estimates = []
    for s in range(len(rows)):
        G_optimizer.zero_grad()
        for j in range(rows.shape[1]):
            x, x_made = X[rows[s, j]], G(z[s, j])
            estimate = critic(x).mean() - critic(x_made).mean()
            loss = penalty * wgan.gradient_penalty(critic, x, x_made, eps[s, j]) - estimate
            critic_optimizer.zero_grad()
            loss.backward()
            critic_optimizer.step()
        (-critic(G(z[s, -1])).mean()).backward()
        G_optimizer.step()
        estimates.append(estimate.detach())
    return torch.stack(estimates)


@answers.wrong("train", fails="value of layers.0.weight of G afterwards")
def train(G, critic, G_optimizer, critic_optimizer, X, rows, z, eps, penalty):
    """The generator first, against a critic that has learned nothing."""
    estimates = []
    for s in range(len(rows)):
        G_optimizer.zero_grad()
        (-critic(G(z[s, -1])).mean()).backward()
        G_optimizer.step()
        for j in range(rows.shape[1]):
            x, x_made = X[rows[s, j]], G(z[s, j]).detach()
            estimate = critic(x).mean() - critic(x_made).mean()
            loss = penalty * wgan.gradient_penalty(critic, x, x_made, eps[s, j]) - estimate
            critic_optimizer.zero_grad()
            loss.backward()
            critic_optimizer.step()
        estimates.append(estimate.detach())
    return torch.stack(estimates)


@answers.wrong("train", fails="error")
def train(G, critic, G_optimizer, critic_optimizer, X, rows, z, eps, penalty):
    """Detaches the samples in G's step too, so that no gradient reaches G."""
    estimates = []
    for s in range(len(rows)):
        for j in range(rows.shape[1]):
            x, x_made = X[rows[s, j]], G(z[s, j]).detach()
            estimate = critic(x).mean() - critic(x_made).mean()
            loss = penalty * wgan.gradient_penalty(critic, x, x_made, eps[s, j]) - estimate
            critic_optimizer.zero_grad()
            loss.backward()
            critic_optimizer.step()
        critic.requires_grad_(False)
        (-critic(G(z[s, -1]).detach()).mean()).backward()
        G_optimizer.step()
        critic.requires_grad_(True)
        estimates.append(estimate.detach())
    return torch.stack(estimates)


@answers.wrong("train", fails="value of estimates")
def train(G, critic, G_optimizer, critic_optimizer, X, rows, z, eps, penalty):
    """Returns the critic's loss for its estimate."""
    estimates = []
    for s in range(len(rows)):
        for j in range(rows.shape[1]):
            x, x_made = X[rows[s, j]], G(z[s, j]).detach()
            estimate = critic(x).mean() - critic(x_made).mean()
            loss = penalty * wgan.gradient_penalty(critic, x, x_made, eps[s, j]) - estimate
            critic_optimizer.zero_grad()
            loss.backward()
            critic_optimizer.step()
        G_optimizer.zero_grad()
        (-critic(G(z[s, -1])).mean()).backward()
        G_optimizer.step()
        estimates.append(loss.detach())
    return torch.stack(estimates)


@answers.wrong("train", fails="shape of estimates")
def train(G, critic, G_optimizer, critic_optimizer, X, rows, z, eps, penalty):
    """An estimate for every step of the critic."""
    estimates = []
    for s in range(len(rows)):
        for j in range(rows.shape[1]):
            x, x_made = X[rows[s, j]], G(z[s, j]).detach()
            estimate = critic(x).mean() - critic(x_made).mean()
            loss = penalty * wgan.gradient_penalty(critic, x, x_made, eps[s, j]) - estimate
            critic_optimizer.zero_grad()
            loss.backward()
            critic_optimizer.step()
            estimates.append(estimate.detach())
        G_optimizer.zero_grad()
        (-critic(G(z[s, -1])).mean()).backward()
        G_optimizer.step()
    return torch.stack(estimates)


@answers.right("train")
def train(G, critic, G_optimizer, critic_optimizer, X, rows, z, eps, penalty):
    """The critic frozen while G moves, and the codes of all batches at once."""
    found = torch.empty(len(rows), dtype=X.dtype)
    for s, (batches, noise) in enumerate(zip(rows, eps, strict=True)):
        with torch.no_grad():
            made = [G(codes) for codes in z[s, :-1]]
        for batch, x_made, e in zip(batches, made, noise, strict=True):
            critic_optimizer.zero_grad()
            real, fake = critic(torch.cat([X[batch], x_made])).chunk(2)
            found[s] = (real.mean() - fake.mean()).item()
            price = penalty * wgan.gradient_penalty(critic, X[batch], x_made, e)
            (fake.mean() - real.mean() + price).backward()
            critic_optimizer.step()
        critic.requires_grad_(False)
        G_optimizer.zero_grad()
        critic(G(z[s, -1])).mean().neg().backward()
        G_optimizer.step()
        critic.requires_grad_(True)
    return found


@answers.right("train")
def train(G, critic, G_optimizer, critic_optimizer, X, rows, z, eps, penalty):
    """No detach, but everything put to zero before each step; the gradients taken by hand."""
    estimates = []
    for s, n_critic in enumerate([rows.shape[1]] * rows.shape[0]):
        for j in range(n_critic):
            x, x_made = X[rows[s, j]], G(z[s, j])
            estimate = critic(x).mean() - critic(x_made).mean()
            loss = penalty * wgan.gradient_penalty(critic, x, x_made, eps[s, j]) - estimate
            for net in (G, critic):
                net.zero_grad()
            loss.backward()
            critic_optimizer.step()
        estimates.append(estimate.item())
        own = list(G.parameters())
        slopes = torch.autograd.grad(-critic(G(z[s, -1])).mean(), own)
        for weight, slope in zip(own, slopes, strict=True):
            weight.grad = slope
        G_optimizer.step()
    return torch.tensor(estimates, dtype=X.dtype)
