"""The variational autoencoder (Kingma and Welling 2014): p(z) = N(0, I), networks for p(x|z) and q(z|x).

Samples x are (n, d), one a row, codes z are (n, k); every value is in nats, one for each sample.
"""

import math
import os
from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from gentutor import train as training
from gentutor import weights
from gentutor.models import gaussian

Activation = Literal["tanh", "relu"]
Likelihood = Literal["bernoulli", "gaussian"]

# ------------------------------------------------------------------------------------- the networks


class GaussianMLP(nn.Module):
    """N(μ, diag σ²) with h = tanh(W_3 x + b_3), μ = W_4 h + b_4, log σ² = W_5 h + b_5.

    The encoder q(z|x) of Kingma and Welling (2014), appendix C.2, and with x and z exchanged their Gaussian
    decoder.

    Args:
        d: the length of what comes in.
        k: the length of μ.
        hidden: widths of the hidden layers; () makes μ and log σ² linear in x.
        activation: of the hidden layers.
        one_variance: log σ² is one learned number instead, the same in all directions and for every x.
    """

    def __init__(
        self,
        d: int,
        k: int,
        hidden: Sequence[int] = (400,),
        activation: Activation = "tanh",
        one_variance: bool = False,
    ) -> None:
        super().__init__()
        self.h = _layers(d, hidden, activation)
        width = [d, *hidden][-1]
        self.mu = nn.Linear(width, k)
        self.log_var = nn.Parameter(torch.zeros(())) if one_variance else nn.Linear(width, k)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """μ and log σ²: (n, d) -> (n, k), (n, k)."""
        h = self.h(x)
        mu: Tensor = self.mu(h)
        log_var = self.log_var(h) if isinstance(self.log_var, nn.Module) else self.log_var.expand_as(mu)
        return mu, log_var


class BernoulliMLP(nn.Module):
    """p(x_i = 1 | z) = sigmoid(y_i), with y = W_2 tanh(W_1 z + b_1) + b_2 (the same, appendix C.1)."""

    def __init__(
        self, k: int, d: int, hidden: Sequence[int] = (400,), activation: Activation = "tanh"
    ) -> None:
        super().__init__()
        self.h = _layers(k, hidden, activation)
        self.logits = nn.Linear([k, *hidden][-1], d)

    def forward(self, z: Tensor) -> Tensor:
        """The logits y: (n, k) -> (n, d)."""
        logits: Tensor = self.logits(self.h(z))
        return logits


def _layers(d: int, hidden: Sequence[int], activation: Activation) -> nn.Sequential:
    if activation not in ("tanh", "relu"):
        raise ValueError(f"activation is {activation!r}; expected 'tanh' or 'relu'")
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(d, width), nn.Tanh() if activation == "tanh" else nn.ReLU()]
        d = width
    return nn.Sequential(*layers)


# ---------------------------------------------------------------------------------------- the model


def reparameterize(mu: Tensor, log_var: Tensor, eps: Tensor) -> Tensor:
    """z = μ + σ eps, which has the law N(μ, diag σ²) where eps ~ N(0, I); log_var = log σ².

    The draw no longer depends on μ and σ, so gradients reach them. Kingma and Welling (2014), section 2.4.
    """
    return mu + (log_var / 2).exp() * eps


def bernoulli_log_likelihood(x: Tensor, logits: Tensor) -> Tensor:
    """log p(x|y) = sum_i (x_i y_i - log(1 + e^y_i)), p(x_i = 1) = sigmoid(y_i): (..., d), (..., d) -> (...).

    Right for logits of any size. x is data: no gradient flows to it.
    """
    value: Tensor = _BernoulliLogLikelihood.apply(logits, x)
    return value


class _BernoulliLogLikelihood(torch.autograd.Function):
    """PyTorch's own costs twice as much on a CPU, where it takes log1p number by number.

    log(1 + e^y) = max(y, 0) - log sigmoid(|y|), whose sigmoid lies in [1/2, 1]; its slope is sigmoid(y).
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, x: Tensor) -> Tensor:
        ctx.save_for_backward(logits, x)
        softplus = logits.clamp(min=0).sub_(logits.abs().sigmoid_().log_())
        return (x * logits).sum(-1) - softplus.sum(-1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        logits, x = ctx.saved_tensors
        return (x - logits.sigmoid()) * grad[..., None], None


class VAE(nn.Module):
    """log p(x) >= ELBO(x) = E_q(z|x)[log p(x|z)] - KL(q(z|x) || N(0, I)).

    Args:
        d: numbers in a sample.
        k: numbers in a code.
        hidden: widths of the encoder's hidden layers; the decoder has the same in reverse.
        activation: "tanh" as in the paper, or "relu".
        likelihood: "bernoulli" for pixels that are 0 or 1 (for grey values in between it is the usual
            cross-entropy, which is no density); "gaussian" for real numbers, with one learned variance.
        seed: draws the starting weights, PyTorch's usual ones; the global random state is left alone.
    """

    def __init__(
        self,
        d: int,
        k: int,
        hidden: Sequence[int] = (400,),
        activation: Activation = "tanh",
        likelihood: Likelihood = "bernoulli",
        seed: int = 0,
    ) -> None:
        super().__init__()
        if likelihood not in ("bernoulli", "gaussian"):
            raise ValueError(f"likelihood is {likelihood!r}; expected 'bernoulli' or 'gaussian'")
        self.settings: dict[str, Any] = {
            "d": d, "k": k, "hidden": list(hidden), "activation": activation, "likelihood": likelihood,
        }  # fmt: skip
        self.k = k
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = GaussianMLP(d, k, hidden, activation)
            backwards = list(hidden)[::-1]
            self.decoder: BernoulliMLP | GaussianMLP
            if likelihood == "bernoulli":
                self.decoder = BernoulliMLP(k, d, backwards, activation)
            else:
                self.decoder = GaussianMLP(k, d, backwards, activation, one_variance=True)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """μ and log σ² of q(z|x): (n, d) -> (n, k), (n, k)."""
        mu, log_var = self.encoder(x)
        return mu, log_var

    def decode(self, z: Tensor) -> Tensor:
        """E[x|z], which is the picture to look at: (n, k) -> (n, d)."""
        if isinstance(self.decoder, BernoulliMLP):
            return torch.sigmoid(self.decoder(z))
        mean: Tensor = self.decoder(z)[0]
        return mean

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x|z), summed over the d numbers of a sample: (n, d), (n, k) -> (n,)."""
        if isinstance(self.decoder, BernoulliMLP):
            return bernoulli_log_likelihood(x, self.decoder(z))
        return gaussian.log_density_diagonal(x, *self.decoder(z))

    def elbo_terms(self, x: Tensor, eps: Tensor) -> tuple[Tensor, Tensor]:
        """log p(x|z) at z = μ + σ eps, which estimates E_q[log p(x|z)], and KL(q(z|x) || p(z)) exactly.

        The ELBO is their difference: Kingma and Welling (2014), equation 10, with L = 1.

        Args:
            x: (n, d).
            eps: (n, k), drawn from N(0, I).

        Returns:
            (n,) and (n,).
        """
        mu, log_var = self.encode(x)
        z = reparameterize(mu, log_var, eps)
        return self.log_likelihood(x, z), gaussian.kl_diagonal(mu, log_var)

    def log_weights(self, x: Tensor, eps: Tensor) -> Tensor:
        """log p(x, z) - log q(z|x) at z = μ + σ eps, whose mean estimates the ELBO too.

        Args:
            x: (n, d).
            eps: (samples, n, k), drawn from N(0, I).

        Returns:
            (samples, n).
        """
        mu, log_var = self.encode(x)
        z = reparameterize(mu, log_var, eps)
        zero = torch.zeros_like(z)
        log_joint = self.log_likelihood(x.expand(len(eps), *x.shape), z) + gaussian.log_density_diagonal(
            z, zero, zero
        )
        return log_joint - gaussian.log_density_diagonal(z, mu, log_var)

    @torch.no_grad()
    def log_evidence(self, x: Tensor, samples: int = 5000, seed: int = 0, *, at_once: int = 5_000) -> Tensor:
        """log p(x) >= log S^-1 sum_s p(x, z_s) / q(z_s|x), z_s ~ q(z|x): (n, d) -> (n,).

        A bound in expectation that grows to log p(x) with S: Burda et al. (2016), equation 8 and theorem 1.

        Args:
            samples: S.
            seed: of the draws.
            at_once: how many codes are decoded at a time; so many stay in the cache of a CPU.

        Returns:
            (n,), NaN for samples that were not reached because of an interrupt.
        """
        generator = torch.Generator(x.device).manual_seed(seed)
        rows = max(1, at_once // samples)
        values = torch.full((len(x),), math.nan, device=x.device, dtype=x.dtype)
        progress = training.Progress(math.ceil(len(x) / rows), "log evidence")
        for step in progress:
            some = x[step * rows : (step + 1) * rows]
            eps = torch.randn(samples, len(some), self.k, generator=generator, device=x.device, dtype=x.dtype)
            log_w = self.log_weights(some, eps)
            values[step * rows : (step + 1) * rows] = log_w.logsumexp(0) - math.log(samples)
        return values

    @torch.no_grad()
    def sample(self, n: int, seed: int = 0) -> Tensor:
        """E[x|z] at z ~ N(0, I): (n, d)."""
        weight = next(self.parameters())
        generator = torch.Generator(weight.device).manual_seed(seed)
        return self.decode(
            torch.randn(n, self.k, generator=generator, device=weight.device, dtype=weight.dtype)
        )


# ----------------------------------------------------------------------------------------- training


def train(
    model: VAE,
    X: Tensor,
    *,
    epochs: int,
    batch_size: int = 128,
    lr: float = 1e-3,
    decay: bool = False,
    beta: float = 1.0,
    binarize: bool = False,
    seed: int = 0,
    device: str | torch.device = "auto",
    checkpoint: str | os.PathLike[str] | None = None,
    on_epoch: Callable[[int, VAE], None] | None = None,
) -> Tensor:
    """Raises the mean ELBO over X by Adam: Kingma and Welling (2014), algorithm 1, with L = 1.

    The model is trained in place and left on `device`, X and all.

    Args:
        X: (n, d), one sample a row.
        epochs, batch_size, lr: an epoch takes every sample once, in an order of its own.
        decay: whether the learning rate falls to 0 along a quarter of a cosine.
        beta: weight of the KL term; 1 is the ELBO.
        binarize: draw every pixel anew in each epoch, 1 with its grey value as the probability.
        seed: of order, eps and pixels.
        device: "auto" is a GPU where there is one.
        checkpoint: a file to go on from and to keep the state in; the same values come out as without a stop.
        on_epoch: called with the number of epochs done, and the model, after each.

    Returns:
        Means over each epoch of E_q[log p(x|z)] and the KL, in nats: (epochs, 2).
        Epochs that were not reached are NaN.

    Raises:
        ValueError: X does not fit the model, or the checkpoint is of another run.
        FloatingPointError: the loss became NaN or infinite.
    """
    if X.ndim != 2 or X.shape[1] != model.settings["d"] or len(X) == 0:
        raise ValueError(
            f"X has shape {tuple(X.shape)}; expected (n, {model.settings['d']}). For images, X.flatten(1)."
        )
    device = training.device(device)
    model.to(device)
    X = X.to(device)
    n, per_epoch = len(X), math.ceil(len(X) / batch_size)
    steps = epochs * per_epoch
    generator = torch.Generator(device).manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    terms = torch.zeros(epochs, 2, device=device, dtype=X.dtype)
    saved = None
    if checkpoint is not None:
        asked = {"epochs": epochs, "batch_size": batch_size, "lr": lr, "decay": decay, "beta": beta}
        asked |= {"binarize": binarize, "seed": seed, "n": n, **model.settings}
        saved = training.Checkpoint(
            checkpoint, asked, model=model, optimiser=optimiser, generator=generator, terms=terms
        )

    order = torch.empty(0, device=device)
    progress = training.Progress(steps, "VAE", saved)
    for step in progress:
        epoch, batch = divmod(step, per_epoch)
        if batch == 0 or len(order) == 0:  # a new epoch, or one that a checkpoint left in its middle
            order = training.shuffled(n, epoch, seed, device)
        x = X.index_select(0, order[batch * batch_size : (batch + 1) * batch_size])
        if binarize:
            x = torch.bernoulli(x, generator=generator)
        eps = torch.randn(len(x), model.k, generator=generator, device=device, dtype=x.dtype)
        reconstruction, kl = model.elbo_terms(x, eps)
        loss = (beta * kl - reconstruction).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if decay:
            optimiser.param_groups[0]["lr"] = lr * math.cos(math.pi / 2 * step / steps)
        optimiser.step()
        terms[epoch] += torch.stack([reconstruction, kl]).detach().sum(1)
        progress.report(loss)
        if on_epoch is not None and batch == per_epoch - 1:
            on_epoch(epoch + 1, model)
    terms[progress.done // per_epoch :] = math.nan
    return terms / n


# ------------------------------------------------------------------------------ looking at the codes


def manifold(n: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """n x n codes of length 2 that cut N(0, I) into cells of equal mass: z = (Φ^-1(u_i), Φ^-1(u_j)).

    u_i = (i + 1/2)/n, Φ the cumulative distribution of N(0, 1); rows of a picture go down, so that the first
    row holds the largest z_2. Kingma and Welling (2014), figure 4.

    Returns:
        (n, n, 2): [row, column] holds (z_1, z_2).
    """
    u = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    z = torch.special.ndtri(u)
    z2, z1 = torch.meshgrid(z.flip(0), z, indexing="ij")
    return torch.stack([z1, z2], -1).to(dtype)


def kl_by_dimension(mu: Tensor, log_var: Tensor) -> Tensor:
    """The mean over samples of KL(N(μ_i, σ_i²) || N(0, 1)) for each i: (n, k), (n, k) -> (k,), in nats.

    A dimension with none carries nothing: the decoder gets noise from it, and learns to ignore it.
    """
    return gaussian.kl_diagonal(mu[..., None], log_var[..., None]).mean(0)


def pretrained(name: str | os.PathLike[str]) -> tuple[VAE, dict[str, Any]]:
    """A trained VAE and the record of its run: `vae_mnist-50`, say, or the path of a file that
    `gentutor train vae` wrote.

    Raises:
        ValueError: there are no such weights.
    """
    state, record = weights.read(name)
    model = VAE(**record["model"])
    model.load_state_dict(state)
    return model, record
