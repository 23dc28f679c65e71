"""Planted answers of lab 04. Each docstring says what the student did."""

import torch
from planting import Answers
from torch.nn import functional as F

from gentutor.models import gaussian, vae

answers = Answers()

# --------------------------------------------------------------------------------------- exercise 1


@answers.wrong("wide_prior", fails="hole a: line 2")
def wide_prior():
    """Takes 4 for the standard deviation."""
    return {
        "a": r"\log \mathcal{N}(z; 0, 16 I)",
        "b": r"\frac{\mu_j^2 + \sigma_j^2}{4}",
        "c": r"\frac{\mu_j^2 + \sigma_j^2}{4} - 1 - \log \frac{\sigma_j^2}{4}",
    }


@answers.wrong("wide_prior", fails="hole b: line 3")
def wide_prior():
    """What the spread of q costs is lost: the density at the mean."""
    return {
        "a": r"\log \mathcal{N}(z; 0, 4 I)",
        "b": r"\frac{\mu_j^2}{4}",
        "c": r"\frac{\mu_j^2 + \sigma_j^2}{4} - 1 - \log \frac{\sigma_j^2}{4}",
    }


@answers.wrong("wide_prior", fails="hole c: line 4")
def wide_prior():
    """The sign of the logarithm."""
    return {
        "a": r"\log \mathcal{N}(z; 0, 4 I)",
        "b": r"\frac{\mu_j^2 + \sigma_j^2}{4}",
        "c": r"\frac{\mu_j^2 + \sigma_j^2}{4} - 1 + \log \frac{\sigma_j^2}{4}",
    }


@answers.wrong("wide_prior", fails="hole c: line 4")
def wide_prior():
    """The formula of the lecture, for the narrow prior."""
    return {
        "a": r"\log \mathcal{N}(z; 0, 4 I)",
        "b": r"\frac{\mu_j^2 + \sigma_j^2}{4}",
        "c": r"\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2",
    }


@answers.wrong("wide_prior", fails="hole c: line 4")
def wide_prior():
    """The square in the logarithm lost."""
    return {
        "a": r"\log \mathcal{N}(z; 0, 4 I)",
        "b": r"\frac{\mu_j^2 + \sigma_j^2}{4}",
        "c": r"\frac{\mu_j^2 + \sigma_j^2}{4} - 1 - \log \frac{\sigma_j}{2}",
    }


@answers.wrong("wide_prior", fails="hole a: forbidden")
def wide_prior():
    """Cheats: says with q and the divergence what the line says anyway."""
    return {
        "a": r"\log q(z|x) - KL(q(z|x) \| \mathcal{N}(z; 0, 4 I))",
        "b": r"\frac{\mu_j^2 + \sigma_j^2}{4}",
        "c": r"\frac{\mu_j^2 + \sigma_j^2}{4} - 1 - \log \frac{\sigma_j^2}{4}",
    }


@answers.wrong("wide_prior", fails="hole b: forbidden")
def wide_prior():
    """Cheats: leaves the expectation as it stands."""
    return {
        "a": r"\log \mathcal{N}(z; 0, 4 I)",
        "b": r"\frac{1}{4 J} \mathbb{E}_{q(z|x)}[z^T z]",
        "c": r"\frac{\mu_j^2 + \sigma_j^2}{4} - 1 - \log \frac{\sigma_j^2}{4}",
    }


@answers.wrong("wide_prior", fails="hole c: idle part")
def wide_prior():
    """Cheats: a term added and subtracted, to be another line."""
    return {
        "a": r"\log \mathcal{N}(z; 0, 4 I)",
        "b": r"\frac{\mu_j^2 + \sigma_j^2}{4}",
        "c": r"\frac{\mu_j^2 + \sigma_j^2}{4} - 1 - \log \frac{\sigma_j^2}{4} + \sigma_j - \sigma_j",
    }


@answers.right("wide_prior")
def wide_prior():
    """The logarithms apart."""
    return {
        "a": r"\log \mathcal{N}(z; 0, 4 I)",
        "b": r"\frac{1}{4} (\sigma_j^2 + \mu_j^2)",
        "c": r"\frac{1}{4} \mu_j^2 + \frac{1}{4} \sigma_j^2 + \log 4 - 2 \log \sigma_j - 1",
    }


@answers.right("wide_prior")
def wide_prior():
    """The density written out."""
    return {
        "a": r"-\frac{J}{2} \log(8 \pi) - \frac{\|z\|^2}{8}",
        "b": r"\left(\frac{\mu_j}{2}\right)^2 + \left(\frac{\sigma_j}{2}\right)^2",
        "c": r"\frac{\mu_j^2}{4} + \frac{\sigma_j^2}{4} - \log \frac{\sigma_j^2}{4} - 1",
    }


# --------------------------------------------------------------------------------------- exercise 2


@answers.wrong("reparameterize", fails="value of z")
def reparameterize(mu, log_var, eps):
    """The log-variance for the standard deviation."""
    return mu + log_var * eps


@answers.wrong("reparameterize", fails="value of z")
def reparameterize(mu, log_var, eps):
    """The variance for the standard deviation."""
    return mu + log_var.exp() * eps


@answers.wrong("reparameterize", fails="value of z")
def reparameterize(mu, log_var, eps):
    """No noise: an autoencoder."""
    return mu


@answers.wrong("reparameterize", fails="value of z")
def reparameterize(mu, log_var, eps):
    """One noise for the whole batch."""
    return mu + (log_var / 2).exp() * eps[0]


@answers.wrong("reparameterize", fails="gradient by mu")
def reparameterize(mu, log_var, eps):
    """Cuts the gradient by the mean with .data."""
    return mu.data + (log_var / 2).exp() * eps


@answers.wrong("reparameterize", fails="gradient by log_var")
def reparameterize(mu, log_var, eps):
    """Takes the deviation without a gradient."""
    with torch.no_grad():
        sigma = (log_var / 2).exp()
    return mu + sigma * eps


@answers.wrong("reparameterize", fails="side effect on mu")
def reparameterize(mu, log_var, eps):
    """Adds the noise to the caller's means."""
    mu += (log_var / 2).exp() * eps
    return mu


@answers.wrong("reparameterize", fails="package's solution")
def reparameterize(mu, log_var, eps):
    """Lets the package do it."""
    return vae.reparameterize(mu, log_var, eps)


@answers.right("reparameterize")
def reparameterize(mu, log_var, eps):
    """Takes the square root last."""
    return torch.addcmul(mu, log_var.exp().sqrt(), eps)


@answers.right("reparameterize")
def reparameterize(mu, log_var, eps):
    """Row by row."""
    return torch.stack([m + e * torch.exp(0.5 * v) for m, v, e in zip(mu, log_var, eps, strict=True)])


# --------------------------------------------------------------------------------------- exercise 3


@answers.wrong("sample_codes", fails="noise of its own")
def sample_codes(mu, log_var):
    """One noise for the whole batch."""
    return mu + (log_var / 2).exp() * torch.randn(mu.shape[1], dtype=mu.dtype)


@answers.wrong("sample_codes", fails="distribution of the noise")
def sample_codes(mu, log_var):
    """Uniform noise."""
    return mu + (log_var / 2).exp() * torch.rand_like(mu)


@answers.wrong("sample_codes", fails="distribution of the noise")
def sample_codes(mu, log_var):
    """The variance for the standard deviation."""
    return mu + log_var.exp() * torch.randn_like(mu)


@answers.wrong("sample_codes", fails="noise of its own")
def sample_codes(mu, log_var):
    """One noise for all numbers of a code."""
    return mu + (log_var / 2).exp() * torch.randn(len(mu), 1, dtype=mu.dtype)


@answers.wrong("sample_codes", fails="noise of its own")
def sample_codes(mu, log_var):
    """Draws for half of the batch, and uses it twice."""
    eps = torch.randn(len(mu) // 2, mu.shape[1], dtype=mu.dtype).repeat(2, 1)
    return mu + (log_var / 2).exp() * eps


@answers.wrong("sample_codes", fails="gradient by mu")
def sample_codes(mu, log_var):
    """PyTorch's draw that lets no gradient through."""
    return torch.distributions.Normal(mu, (log_var / 2).exp()).sample()


@answers.wrong("sample_codes", fails="new noise")
def sample_codes(mu, log_var):
    """Seeds in the function, so that the noise is the same in every call."""
    torch.manual_seed(0)
    return mu + (log_var / 2).exp() * torch.randn_like(mu)


@answers.right("sample_codes")
def sample_codes(mu, log_var):
    """PyTorch's draw that lets gradients through."""
    return torch.distributions.Normal(mu, (log_var / 2).exp()).rsample()


@answers.right("sample_codes")
def sample_codes(mu, log_var):
    """Noise of single precision."""
    return mu + (log_var / 2).exp() * torch.randn(mu.shape)


@answers.right("sample_codes")
def sample_codes(mu, log_var):
    """The inverse of the distribution function, and the other sign."""
    return mu - torch.special.ndtri(torch.rand_like(mu)) * log_var.exp().sqrt()


# --------------------------------------------------------------------------------------- exercise 4


@answers.wrong("kl", fails="value of KL")
def kl(mu, log_var):
    """The sign."""
    return (1 + log_var - mu**2 - log_var.exp()).sum(-1) / 2


@answers.wrong("kl", fails="value of KL")
def kl(mu, log_var):
    """The half lost."""
    return (mu**2 + log_var.exp() - 1 - log_var).sum(-1)


@answers.wrong("kl", fails="value of KL")
def kl(mu, log_var):
    """A mean over the numbers of the code where the formula has a sum."""
    return (mu**2 + log_var.exp() - 1 - log_var).mean(-1) / 2


@answers.wrong("kl", fails="value of KL")
def kl(mu, log_var):
    """The log-variance for the standard deviation."""
    return (mu**2 + log_var**2 - 1 - (log_var**2).log()).sum(-1) / 2


@answers.wrong("kl", fails="value of KL")
def kl(mu, log_var):
    """The log-variance for the logarithm of the standard deviation."""
    return (mu**2 + (2 * log_var).exp() - 1 - 2 * log_var).sum(-1) / 2


@answers.wrong("kl", fails="value of KL")
def kl(mu, log_var):
    """The other direction, from the prior to q."""
    return ((1 + mu**2) / log_var.exp() - 1 + log_var).sum(-1) / 2


@answers.wrong("kl", fails="shape of KL")
def kl(mu, log_var):
    """One number for the batch."""
    return (mu**2 + log_var.exp() - 1 - log_var).sum(-1).mean() / 2


@answers.wrong("kl", fails="gradient by log_var")
def kl(mu, log_var):
    """Cuts the gradient in the logarithm."""
    return (mu**2 + log_var.exp() - 1 - log_var.data).sum(-1) / 2


@answers.right("kl")
def kl(mu, log_var):
    """Torch's own."""
    q = torch.distributions.Normal(mu, (log_var / 2).exp())
    return torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum(1)


@answers.right("kl")
def kl(mu, log_var):
    """The norm of the mean, and the rest."""
    return 0.5 * torch.linalg.vector_norm(mu, dim=1) ** 2 + 0.5 * (torch.expm1(log_var) - log_var).sum(1)


# --------------------------------------------------------------------------------------- exercise 5


@answers.wrong("elbo", fails="value of log-likelihood")
def log_likelihood(x, logits):
    """The sigmoid twice: the loss takes logits, and gets probabilities."""
    return -F.binary_cross_entropy_with_logits(logits.sigmoid(), x, reduction="none").sum(-1)


@answers.wrong("elbo", fails="value of log-likelihood")
def log_likelihood(x, logits):
    """A mean over pixels where the formula has a sum."""
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").mean(-1)


@answers.wrong("elbo", fails="value of log-likelihood")
def log_likelihood(x, logits):
    """The sign: the error, not the log-likelihood."""
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


@answers.wrong("elbo", fails="shape of log-likelihood")
def log_likelihood(x, logits):
    """One sum over the whole batch."""
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="sum")


@answers.wrong("elbo", fails="gradient by logits")
def log_likelihood(x, logits):
    """Cuts the gradient where pixels are white."""
    return (x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits.detach())).sum(-1)


@answers.wrong("elbo", fails="finite log-likelihood of a sure decoder")
def log_likelihood(x, logits):
    """The logarithm of a sigmoid that is 0."""
    s = logits.sigmoid()
    return (x * s.log() + (1 - x) * (1 - s).log()).sum(-1)


@answers.wrong("elbo", fails="value of log-likelihood of a sure decoder")
def log_likelihood(x, logits):
    """PyTorch's loss of probabilities, which cuts off at -100."""
    return -F.binary_cross_entropy(logits.sigmoid(), x, reduction="none").sum(-1)


@answers.wrong("elbo", fails="value of ELBO")
def elbo(x, logits, mu, log_var):
    """Adds the divergence."""
    return log_likelihood(x, logits) + gaussian.kl_diagonal(mu, log_var)


@answers.right("elbo")
def log_likelihood(x, logits):
    """The formula, with the two logarithms that are sure of themselves."""
    return (x * F.logsigmoid(logits) + (1 - x) * F.logsigmoid(-logits)).sum(1)


@answers.right("elbo")
def elbo(x, logits, mu, log_var):
    """All in one, with nothing from above."""
    divergence = (mu.square() + log_var.exp() - 1 - log_var) / 2
    return (x * logits - F.softplus(logits)).sum(1) - divergence.sum(1)


# --------------------------------------------------------------------------------------- exercise 6


@answers.wrong("wide_guess", fails="hole a: line 2")
def wide_guess():
    """The sign of the entropy."""
    return {
        "a": r"-\log \sigma_j",
        "b": r"\frac{1}{\sigma_j} \nabla_\phi \sigma_j",
        "c": r"\mu(x) + \sigma(x) \epsilon",
    }


@answers.wrong("wide_guess", fails="hole a: line 2")
def wide_guess():
    """The half lost: the logarithm of the variance."""
    return {
        "a": r"\log \sigma_j^2",
        "b": r"\frac{1}{\sigma_j} \nabla_\phi \sigma_j",
        "c": r"\mu(x) + \sigma(x) \epsilon",
    }


@answers.wrong("wide_guess", fails="hole b: line 3")
def wide_guess():
    """The chain rule forgotten."""
    return {
        "a": r"\log \sigma_j",
        "b": r"\nabla_\phi \sigma_j",
        "c": r"\mu(x) + \sigma(x) \epsilon",
    }


@answers.wrong("wide_guess", fails="hole c: line 4")
def wide_guess():
    """The variance for the standard deviation."""
    return {
        "a": r"\log \sigma_j",
        "b": r"\frac{1}{\sigma_j} \nabla_\phi \sigma_j",
        "c": r"\mu(x) + \sigma(x)^2 \epsilon",
    }


@answers.wrong("wide_guess", fails="hole c: line 4")
def wide_guess():
    """No noise."""
    return {
        "a": r"\log \sigma_j",
        "b": r"\frac{1}{\sigma_j} \nabla_\phi \sigma_j",
        "c": r"\mu(x)",
    }


@answers.wrong("wide_guess", fails="hole a: forbidden")
def wide_guess():
    """Cheats: names the entropy, and spreads it over the sum."""
    return {
        "a": r"\frac{1}{J} H(q(z|x))",
        "b": r"\frac{1}{\sigma_j} \nabla_\phi \sigma_j",
        "c": r"\mu(x) + \sigma(x) \epsilon",
    }


@answers.wrong("wide_guess", fails="hole b: forbidden")
def wide_guess():
    """Cheats: copies the line above."""
    return {
        "a": r"\log \sigma_j",
        "b": r"\nabla_\phi \log \sigma_j",
        "c": r"\mu(x) + \sigma(x) \epsilon",
    }


@answers.wrong("wide_guess", fails="hole c: reading")
def wide_guess():
    """Cheats: leaves the code as it was."""
    return {"a": r"\log \sigma_j", "b": r"\frac{1}{\sigma_j} \nabla_\phi \sigma_j", "c": "z"}


@answers.right("wide_guess")
def wide_guess():
    """By the variance."""
    return {
        "a": r"\frac{1}{2} \log \sigma_j^2",
        "b": r"\frac{1}{2 \sigma_j^2} \nabla_\phi \sigma_j^2",
        "c": r"z = \mu_\phi(x) + \sigma_\phi(x) \odot \epsilon",
    }


@answers.right("wide_guess")
def wide_guess():
    """The noise with the other sign has the same law."""
    return {
        "a": r"\log(\sigma_j)",
        "b": r"\frac{\nabla_\phi \sigma_j}{\sigma_j}",
        "c": r"\mu(x) - \sigma(x) \epsilon",
    }


# --------------------------------------------------------------------------------------- exercise 7


@answers.wrong("training_step", fails="value of W1 of the new weights")
def training_step(w, x, eps, lr):
    """Goes uphill."""
    w = {name: value.clone().requires_grad_() for name, value in w.items()}
    mu, log_var = encoder(w, x)
    logits = decoder(w, vae.reparameterize(mu, log_var, eps))
    error = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
    loss = (error + gaussian.kl_diagonal(mu, log_var)).mean()
    gradients = torch.autograd.grad(loss, list(w.values()))
    new = {name: value + lr * g for (name, value), g in zip(w.items(), gradients, strict=True)}
    return new, loss


@answers.wrong("training_step", fails="value of the loss")
def training_step(w, x, eps, lr):
    """A sum over the batch where the formula has a mean."""
    w = {name: value.clone().requires_grad_() for name, value in w.items()}
    mu, log_var = encoder(w, x)
    logits = decoder(w, vae.reparameterize(mu, log_var, eps))
    error = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
    loss = (error + gaussian.kl_diagonal(mu, log_var)).sum()
    gradients = torch.autograd.grad(loss, list(w.values()))
    new = {name: value - lr * g for (name, value), g in zip(w.items(), gradients, strict=True)}
    return new, loss


@answers.wrong("training_step", fails="value of the loss")
def training_step(w, x, eps, lr):
    """PyTorch's default, a mean over pixels too."""
    w = {name: value.clone().requires_grad_() for name, value in w.items()}
    mu, log_var = encoder(w, x)
    logits = decoder(w, vae.reparameterize(mu, log_var, eps))
    loss = F.binary_cross_entropy_with_logits(logits, x) + gaussian.kl_diagonal(mu, log_var).mean()
    gradients = torch.autograd.grad(loss, list(w.values()))
    new = {name: value - lr * g for (name, value), g in zip(w.items(), gradients, strict=True)}
    return new, loss


@answers.wrong("training_step", fails="value of the loss")
def training_step(w, x, eps, lr):
    """One noise for the whole batch."""
    w = {name: value.clone().requires_grad_() for name, value in w.items()}
    mu, log_var = encoder(w, x)
    logits = decoder(w, vae.reparameterize(mu, log_var, eps[:1]))
    error = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
    loss = (error + gaussian.kl_diagonal(mu, log_var)).mean()
    gradients = torch.autograd.grad(loss, list(w.values()))
    new = {name: value - lr * g for (name, value), g in zip(w.items(), gradients, strict=True)}
    return new, loss


@answers.wrong("training_step", fails="value of W3 of the new weights")
def training_step(w, x, eps, lr):
    """Draws the codes without a gradient: the encoder learns from the divergence alone."""
    w = {name: value.clone().requires_grad_() for name, value in w.items()}
    mu, log_var = encoder(w, x)
    with torch.no_grad():
        z = vae.reparameterize(mu, log_var, eps)
    error = F.binary_cross_entropy_with_logits(decoder(w, z), x, reduction="none").sum(-1)
    loss = (error + gaussian.kl_diagonal(mu, log_var)).mean()
    gradients = torch.autograd.grad(loss, list(w.values()))
    new = {name: value - lr * g for (name, value), g in zip(w.items(), gradients, strict=True)}
    return new, loss


@answers.wrong("training_step", fails="value of W3 of the new weights")
def training_step(w, x, eps, lr):
    """The encoder's step from where the decoder has gone already."""
    decoding = ("W1", "b1", "W2", "b2")
    for names in (decoding, [name for name in w if name not in decoding]):
        w = {name: value.detach().clone().requires_grad_(name in names) for name, value in w.items()}
        mu, log_var = encoder(w, x)
        logits = decoder(w, vae.reparameterize(mu, log_var, eps))
        error = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
        loss = (error + gaussian.kl_diagonal(mu, log_var)).mean()
        before = loss if names is decoding else before
        loss.backward()
        w = {name: value - lr * value.grad if name in names else value for name, value in w.items()}
    return w, before


@answers.wrong("training_step", fails="side effect on w")
def training_step(w, x, eps, lr):
    """Updates the caller's weights."""
    for value in w.values():
        value.requires_grad_()
    mu, log_var = encoder(w, x)
    logits = decoder(w, vae.reparameterize(mu, log_var, eps))
    error = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
    loss = (error + gaussian.kl_diagonal(mu, log_var)).mean()
    loss.backward()
    for value in w.values():
        value.data -= lr * value.grad
    return w, loss


@answers.wrong("training_step", fails="type of the new weights")
def training_step(w, x, eps, lr):
    """A list of the new weights."""
    values = [value.clone().requires_grad_() for value in w.values()]
    named = dict(zip(w, values, strict=True))
    mu, log_var = encoder(named, x)
    logits = decoder(named, vae.reparameterize(mu, log_var, eps))
    error = F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
    loss = (error + gaussian.kl_diagonal(mu, log_var)).mean()
    gradients = torch.autograd.grad(loss, values)
    return [value - lr * g for value, g in zip(values, gradients, strict=True)], loss


@answers.right("training_step")
def training_step(w, x, eps, lr):
    """An optimiser of torch's."""
    w = {name: torch.nn.Parameter(value.clone()) for name, value in w.items()}
    optimiser = torch.optim.SGD(w.values(), lr=lr)
    mu, log_var = encoder(w, x)
    y = decoder(w, mu + (0.5 * log_var).exp() * eps)
    bound = (x * y - F.softplus(y)).sum(1) - (mu**2 + log_var.exp() - 1 - log_var).sum(1) / 2
    (-bound.mean()).backward()
    optimiser.step()
    return w, -bound.mean()


@answers.right("training_step")
def training_step(w, x, eps, lr):
    """The gradient as a function of the weights; the names in another order."""

    def loss(w):
        mu, log_var = encoder(w, x)
        y = decoder(w, vae.reparameterize(mu, log_var, eps))
        errors = F.binary_cross_entropy_with_logits(y, x, reduction="sum")
        return (errors + gaussian.kl_diagonal(mu, log_var).sum()) / len(x)

    gradients, before = torch.func.grad_and_value(loss)(w)
    return {name: w[name] - lr * gradients[name] for name in reversed(w)}, before


# --------------------------------------------------------------------------------------- exercise 8


@answers.wrong("find", fails="picture of clear_eight")
def clear_eight():
    """Leaves the handle where it was: it lies among the 5s."""
    return tuple(pad.z.tolist())


@answers.wrong("find", fails="picture of clear_eight")
def clear_eight():
    """Another digit, far out, as clear as can be."""
    return -2.3, -0.7


@answers.wrong("find", fails="picture of clear_eight")
def clear_eight():
    """An 8, but not a clear one."""
    return 0.1, -0.4


@answers.wrong("find", fails="place of clear_eight")
def clear_eight():
    """Far outside of the plane."""
    return -20.0, -35.0


@answers.wrong("find", fails="return value")
def clear_eight():
    """A tensor, as the pad has it."""
    return torch.tensor([-0.2, -0.35])


@answers.wrong("find", fails="type of z_1 of clear_eight")
def clear_eight():
    """Numbers in words."""
    return "-0.20", "-0.35"


@answers.wrong("find", fails="picture of between_three_and_nine")
def between_three_and_nine():
    """A clear 3."""
    return -0.7, 2.2


@answers.wrong("find", fails="picture of between_three_and_nine")
def between_three_and_nine():
    """Halfway in the plane, which is not halfway between the pictures."""
    return -1.2, 1.2


@answers.right("find")
def clear_eight():
    """Elsewhere on the island, in tensors."""
    return torch.tensor(-0.3), torch.tensor(-0.3)


@answers.right("find")
def between_three_and_nine():
    """Another place on the border, in a list."""
    return [-1.4, 1.5]
