"""Planted answers of lab 03. Each docstring says what the student did."""

import math

import torch
from planting import Answers

from gentutor.models import elbo, gaussian

answers = Answers()

# --------------------------------------------------------------------------------------- exercise 1


@answers.wrong("kl_bits", fails="value of entropy")
def entropy(q):
    """Nats."""
    return -(q * torch.where(q > 0, q, 1.0).log()).sum(-1)


@answers.wrong("kl_bits", fails="value of cross_entropy")
def cross_entropy(q, p):
    """Nats for the one, bits for the other, and subtracts them."""
    return -(q * p.log()).sum(-1)


@answers.wrong("kl_bits", fails="value of kl")
def kl(q, p):
    """The arguments swapped."""
    return (p * (p / q.clamp(min=1e-12)).log2()).sum(-1)


@answers.wrong("kl_bits", fails="value of kl")
def kl(q, p):
    """The sign."""
    return (q * (p / torch.where(q > 0, q, p)).log2()).sum(-1)


@answers.wrong("kl_bits", fails="finite entropy with a letter that never comes")
def entropy(q):
    """0 log 0 is NaN."""
    return -(q * q.log2()).sum(-1)


@answers.wrong("kl_bits", fails="value of entropy")
def entropy(q):
    """An average over the letters where the formula has a sum."""
    return -(q * torch.where(q > 0, q, 1.0).log2()).mean(-1)


@answers.wrong("kl_bits", fails="shape of cross_entropy")
def cross_entropy(q, p):
    """One number for all rows."""
    return -(q * p.log2()).sum()


@answers.right("kl_bits")
def kl(q, p):
    """Straight from the definition, with torch's xlogy, changed to bits at the end."""
    return (torch.xlogy(q, q) - torch.xlogy(q, p)).sum(-1) / math.log(2)


@answers.right("kl_bits")
def entropy(q):
    """Loops in Python."""
    return torch.stack(
        [torch.tensor(-sum(float(v) * math.log2(v) for v in row if v > 0), dtype=q.dtype) for row in q]
    )


# --------------------------------------------------------------------------------------- exercise 2


@answers.wrong("upper_bound", fails="hole b: line 3")
def upper_bound():
    """The divergence from below: its arguments swapped."""
    return {"a": r"p(z|x) p(x)", "b": r"KL(q(z|x) \| p(z|x))"}


@answers.wrong("upper_bound", fails="hole b: line 3")
def upper_bound():
    """The prior in the divergence."""
    return {"a": r"p(z|x) p(x)", "b": r"KL(p(z) \| q(z|x))"}


@answers.wrong("upper_bound", fails="hole b: line 3")
def upper_bound():
    """The sign."""
    return {"a": r"p(z|x) p(x)", "b": r"-KL(p(z|x) \| q(z|x))"}


@answers.wrong("upper_bound", fails="hole a: forbidden")
def upper_bound():
    """The other split, from which the next line cannot be read off."""
    return {"a": r"p(x|z) p(z)", "b": r"KL(p(z|x) \| q(z|x))"}


@answers.wrong("upper_bound", fails="hole a: neighbour")
def upper_bound():
    """Cheats: copies the line above."""
    return {"a": r"p(x, z)", "b": r"KL(p(z|x) \| q(z|x))"}


@answers.wrong("upper_bound", fails="hole b: idle part")
def upper_bound():
    """Cheats: what is there, less log p(x), with a divergence that counts for nothing."""
    return {
        "a": r"p(z|x) p(x)",
        "b": r"\mathbb{E}_{p(z|x)}[\log \frac{p(z|x)}{q(z|x)}] + 0 KL(p(z|x) \| q(z|x))",
    }


@answers.wrong("upper_bound", fails="hole b: empty")
def upper_bound():
    """Cheats: hides the divergence in a constant."""
    return {"a": r"p(z|x) p(x)", "b": r"\text{const} + KL(p(z|x) \| q(z|x)) - \text{const}"}


@answers.right("upper_bound")
def upper_bound():
    """Another order, another spelling of the divergence."""
    return {"a": r"p(x) \cdot p(z \mid x)", "b": r"D_{KL}\left(p(z \mid x) \,||\, q(z \mid x)\right)"}


@answers.right("upper_bound")
def upper_bound():
    """With the subscripts of parameters."""
    return {
        "a": r"p_\theta(z|x) \, p_\theta(x)",
        "b": r"\mathcal{D}_{\mathrm{KL}}(p_\theta(z|x) \Vert q_\phi(z|x))",
    }


# --------------------------------------------------------------------------------------- exercise 3


@answers.wrong("kl_gaussian", fails="value of kl")
def kl_gaussian(mu_q, sigma_q, mu_p, sigma_p):
    """The arguments swapped."""
    distance = (sigma_p**2 + (mu_q - mu_p) ** 2) / (2 * sigma_q**2)
    return ((sigma_q / sigma_p).log() + distance - 0.5).sum(-1)


@answers.wrong("kl_gaussian", fails="value of kl")
def kl_gaussian(mu_q, sigma_q, mu_p, sigma_p):
    """An average over coordinates where the formula has a sum."""
    distance = (sigma_q**2 + (mu_q - mu_p) ** 2) / (2 * sigma_p**2)
    return ((sigma_p / sigma_q).log() + distance - 0.5).mean(-1)


@answers.wrong("kl_gaussian", fails="value of kl")
def kl_gaussian(mu_q, sigma_q, mu_p, sigma_p):
    """The entropy of q lost: no logarithm of its deviation."""
    distance = (sigma_q**2 + (mu_q - mu_p) ** 2) / (2 * sigma_p**2)
    return (sigma_p.log() + distance - 0.5).sum(-1)


@answers.wrong("kl_gaussian", fails="value of kl")
def kl_gaussian(mu_q, sigma_q, mu_p, sigma_p):
    """Takes the standard deviations for variances."""
    distance = (sigma_q + (mu_q - mu_p) ** 2) / (2 * sigma_p)
    return ((sigma_p / sigma_q).log() / 2 + distance - 0.5).sum(-1)


@answers.wrong("kl_gaussian", fails="value of kl")
def kl_gaussian(mu_q, sigma_q, mu_p, sigma_p):
    """The sign of the whole."""
    distance = (sigma_q**2 + (mu_q - mu_p) ** 2) / (2 * sigma_p**2)
    return -((sigma_p / sigma_q).log() + distance - 0.5).sum(-1)


@answers.wrong("kl_gaussian", fails="value of kl")
def kl_gaussian(mu_q, sigma_q, mu_p, sigma_p):
    """Bits."""
    distance = (sigma_q**2 + (mu_q - mu_p) ** 2) / (2 * sigma_p**2)
    return ((sigma_p / sigma_q).log() + distance - 0.5).sum(-1) / math.log(2)


@answers.wrong("kl_gaussian", fails="gradient by sigma_q")
def kl_gaussian(mu_q, sigma_q, mu_p, sigma_p):
    """Cuts the gradient in the logarithm."""
    distance = (sigma_q**2 + (mu_q - mu_p) ** 2) / (2 * sigma_p**2)
    return ((sigma_p / sigma_q.detach()).log() + distance - 0.5).sum(-1)


@answers.right("kl_gaussian")
def kl_gaussian(mu_q, sigma_q, mu_p, sigma_p):
    """Torch's own."""
    q, p = torch.distributions.Normal(mu_q, sigma_q), torch.distributions.Normal(mu_p, sigma_p)
    return torch.distributions.kl_divergence(q, p).sum(-1)


@answers.right("kl_gaussian")
def kl_gaussian(mu_q, sigma_q, mu_p, sigma_p):
    """By variances, coordinate by coordinate."""
    total = 0
    for i in range(mu_q.shape[1]):
        ratio = sigma_q[:, i] ** 2 / sigma_p[:, i] ** 2
        apart = (mu_p[:, i] - mu_q[:, i]) / sigma_p[:, i]
        total = total + (ratio - ratio.log() - 1 + apart**2) / 2
    return total


# --------------------------------------------------------------------------------------- exercise 4


@answers.wrong("elbo_exact", fails="value of ELBO")
def elbo_exact(x, W, b, sigma2, m, S):
    """Adds the divergence."""
    d, k = W.shape
    error = (x - W @ m - b).square().sum() + torch.trace(W @ S @ W.T)
    reconstruction = -(d * math.log(2 * math.pi * sigma2) + error / sigma2) / 2
    return reconstruction + (torch.trace(S) + m @ m - k - torch.logdet(S)) / 2


@answers.wrong("elbo_exact", fails="value of ELBO")
def elbo_exact(x, W, b, sigma2, m, S):
    """The posterior in the divergence, not the prior."""
    d, k = W.shape
    error = (x - W @ m - b).square().sum() + torch.trace(W @ S @ W.T)
    reconstruction = -(d * math.log(2 * math.pi * sigma2) + error / sigma2) / 2
    precision = torch.eye(k, dtype=x.dtype) + W.T @ W / sigma2
    apart = m - torch.linalg.solve(precision, W.T @ (x - b)) / sigma2
    inside = torch.trace(precision @ S) + apart @ precision @ apart - k - torch.logdet(S)
    return reconstruction - (inside - torch.logdet(precision)) / 2


@answers.wrong("elbo_exact", fails="value of ELBO")
def elbo_exact(x, W, b, sigma2, m, S):
    """The entropy of q lost."""
    d, k = W.shape
    error = (x - W @ m - b).square().sum() + torch.trace(W @ S @ W.T)
    reconstruction = -(d * math.log(2 * math.pi * sigma2) + error / sigma2) / 2
    return reconstruction - (torch.trace(S) + m @ m - k) / 2


@answers.wrong("elbo_exact", fails="value of ELBO")
def elbo_exact(x, W, b, sigma2, m, S):
    """The likelihood at the mean of q: what the spread costs is lost."""
    d, k = W.shape
    reconstruction = -(d * math.log(2 * math.pi * sigma2) + (x - W @ m - b).square().sum() / sigma2) / 2
    return reconstruction - (torch.trace(S) + m @ m - k - torch.logdet(S)) / 2


@answers.wrong("elbo_exact", fails="value of ELBO")
def elbo_exact(x, W, b, sigma2, m, S):
    """An average over the d numbers of x where a sum belongs."""
    d, k = W.shape
    error = (x - W @ m - b).square().mean() + torch.trace(W @ S @ W.T) / d
    reconstruction = -(math.log(2 * math.pi * sigma2) + error / sigma2) / 2
    return reconstruction - (torch.trace(S) + m @ m - k - torch.logdet(S)) / 2


@answers.wrong("elbo_exact", fails="value of ELBO")
def elbo_exact(x, W, b, sigma2, m, S):
    """The expectation under the prior, not under q."""
    d, k = W.shape
    error = (x - b).square().sum() + torch.trace(W @ W.T)
    reconstruction = -(d * math.log(2 * math.pi * sigma2) + error / sigma2) / 2
    return reconstruction - (torch.trace(S) + m @ m - k - torch.logdet(S)) / 2


@answers.wrong("elbo_exact", fails="value of ELBO")
def elbo_exact(x, W, b, sigma2, m, S):
    """Without the constants: where the bound is tight it is not the evidence."""
    _, k = W.shape
    error = (x - W @ m - b).square().sum() + torch.trace(W @ S @ W.T)
    return -error / sigma2 / 2 - (torch.trace(S) + m @ m - k - torch.logdet(S)) / 2


@answers.right("elbo_exact")
def elbo_exact(x, W, b, sigma2, m, S):
    """The evidence less the gap, which is the same number."""
    d, k = W.shape
    I_d, I_k = torch.eye(d, dtype=x.dtype), torch.eye(k, dtype=x.dtype)
    evidence = torch.distributions.MultivariateNormal(b, W @ W.T + sigma2 * I_d).log_prob(x)
    cov = torch.linalg.inv(I_k + W.T @ W / sigma2)
    posterior = torch.distributions.MultivariateNormal(cov @ W.T @ (x - b) / sigma2, (cov + cov.T) / 2)
    q = torch.distributions.MultivariateNormal(m, S)
    return evidence - torch.distributions.kl_divergence(q, posterior)


@answers.right("elbo_exact")
def elbo_exact(x, W, b, sigma2, m, S):
    """Energy and entropy."""
    d, k = W.shape
    log_2pi = math.log(2 * math.pi)
    residual = x - b - W @ m
    energy = -(d * (log_2pi + math.log(sigma2)) + (residual @ residual) / sigma2) / 2
    energy = energy - (S * (W.T @ W)).sum() / (2 * sigma2)
    energy = energy - (k * log_2pi + m @ m + S.diagonal().sum()) / 2
    return energy + (k * (1 + log_2pi) + torch.linalg.slogdet(S).logabsdet) / 2


# --------------------------------------------------------------------------------------- exercise 5


@answers.wrong("elbo_estimate", fails="value of ELBO")
def elbo_estimate(x, W, b, sigma2, m, L, eps):
    """Draws from the prior, not from q."""
    d, k = W.shape
    z = eps
    likelihood = gaussian.log_density(x, z @ W.T + b, sigma2 * torch.eye(d, dtype=x.dtype))
    prior = gaussian.log_density(z, torch.zeros_like(m), torch.eye(k, dtype=x.dtype))
    return (likelihood + prior - gaussian.log_density(z, m, L @ L.T)).mean()


@answers.wrong("elbo_estimate", fails="value of ELBO")
def elbo_estimate(x, W, b, sigma2, m, L, eps):
    """The entropy of q lost."""
    d, k = W.shape
    z = m + eps @ L.T
    likelihood = gaussian.log_density(x, z @ W.T + b, sigma2 * torch.eye(d, dtype=x.dtype))
    return (likelihood + gaussian.log_density(z, torch.zeros_like(m), torch.eye(k, dtype=x.dtype))).mean()


@answers.wrong("elbo_estimate", fails="value of ELBO")
def elbo_estimate(x, W, b, sigma2, m, L, eps):
    """The logarithm of the average: nearer to the evidence, but another bound."""
    d, k = W.shape
    z = m + eps @ L.T
    likelihood = gaussian.log_density(x, z @ W.T + b, sigma2 * torch.eye(d, dtype=x.dtype))
    prior = gaussian.log_density(z, torch.zeros_like(m), torch.eye(k, dtype=x.dtype))
    weights = likelihood + prior - gaussian.log_density(z, m, L @ L.T)
    return weights.logsumexp(0) - math.log(len(eps))


@answers.wrong("elbo_estimate", fails="value of ELBO")
def elbo_estimate(x, W, b, sigma2, m, L, eps):
    """A sum over the draws."""
    d, k = W.shape
    z = m + eps @ L.T
    likelihood = gaussian.log_density(x, z @ W.T + b, sigma2 * torch.eye(d, dtype=x.dtype))
    prior = gaussian.log_density(z, torch.zeros_like(m), torch.eye(k, dtype=x.dtype))
    return (likelihood + prior - gaussian.log_density(z, m, L @ L.T)).sum()


@answers.wrong("elbo_estimate", fails="gradient by m")
def elbo_estimate(x, W, b, sigma2, m, L, eps):
    """The draws cut from their parameters."""
    d, k = W.shape
    z = (m + eps @ L.T).detach()
    likelihood = gaussian.log_density(x, z @ W.T + b, sigma2 * torch.eye(d, dtype=x.dtype))
    prior = gaussian.log_density(z, torch.zeros_like(m), torch.eye(k, dtype=x.dtype))
    return (likelihood + prior - gaussian.log_density(z, m, L @ L.T)).mean()


@answers.wrong("elbo_estimate", fails="value of ELBO")
def elbo_estimate(x, W, b, sigma2, m, L, eps):
    """Draws noise of its own."""
    d, k = W.shape
    z = m + torch.randn_like(eps) @ L.T
    likelihood = gaussian.log_density(x, z @ W.T + b, sigma2 * torch.eye(d, dtype=x.dtype))
    prior = gaussian.log_density(z, torch.zeros_like(m), torch.eye(k, dtype=x.dtype))
    return (likelihood + prior - gaussian.log_density(z, m, L @ L.T)).mean()


@answers.wrong("elbo_estimate", fails="value of ELBO")
def elbo_estimate(x, W, b, sigma2, m, L, eps):
    """Multiplies the noise by L from the wrong side."""
    d, k = W.shape
    z = m + eps @ L
    likelihood = gaussian.log_density(x, z @ W.T + b, sigma2 * torch.eye(d, dtype=x.dtype))
    prior = gaussian.log_density(z, torch.zeros_like(m), torch.eye(k, dtype=x.dtype))
    return (likelihood + prior - gaussian.log_density(z, m, L @ L.T)).mean()


@answers.right("elbo_estimate")
def elbo_estimate(x, W, b, sigma2, m, L, eps):
    """Torch's distributions."""
    normal = torch.distributions.MultivariateNormal
    z = m + (L @ eps.T).T
    I_d, I_k = torch.eye(len(x), dtype=x.dtype), torch.eye(len(m), dtype=x.dtype)
    log_p = normal(z @ W.T + b, sigma2 * I_d).log_prob(x) + normal(0 * m, I_k).log_prob(z)
    return torch.mean(log_p - normal(m, scale_tril=L).log_prob(z))


@answers.right("elbo_estimate")
def elbo_estimate(x, W, b, sigma2, m, L, eps):
    """By hand, a draw at a time: q's density from the noise and the diagonal of L."""
    total = 0
    for e in eps:
        z = m + L @ e
        likelihood = -((x - W @ z - b) ** 2).sum() / (2 * sigma2) - len(x) / 2 * math.log(
            2 * math.pi * sigma2
        )
        total = total + likelihood - (z @ z) / 2 + (e @ e) / 2 + L.diagonal().log().sum()
    return total / len(eps)


# --------------------------------------------------------------------------------------- exercise 6


@answers.wrong("ascent_step", fails="value of new m")
def ascent_step(m, rho, x, W, b, sigma2, lr):
    """Goes downhill."""
    m, rho = m.clone().requires_grad_(), rho.clone().requires_grad_()
    bound = elbo.LinearGaussian(W, b, sigma2).elbo(x, m, (2 * rho).exp().diag())
    by_m, by_rho = torch.autograd.grad(bound, [m, rho])
    return m - lr * by_m, rho - lr * by_rho, bound


@answers.wrong("ascent_step", fails="value of ELBO")
def ascent_step(m, rho, x, W, b, sigma2, lr):
    """Takes rho for the logarithm of the variance."""
    m, rho = m.clone().requires_grad_(), rho.clone().requires_grad_()
    bound = elbo.LinearGaussian(W, b, sigma2).elbo(x, m, rho.exp().diag())
    by_m, by_rho = torch.autograd.grad(bound, [m, rho])
    return m + lr * by_m, rho + lr * by_rho, bound


@answers.wrong("ascent_step", fails="value of new rho")
def ascent_step(m, rho, x, W, b, sigma2, lr):
    """The entropy of q lost: the deviation shrinks for ever."""
    m, rho = m.clone().requires_grad_(), rho.clone().requires_grad_()
    bound = elbo.LinearGaussian(W, b, sigma2).elbo(x, m, (2 * rho).exp().diag())
    by_m, by_rho = torch.autograd.grad(bound - rho.sum(), [m, rho])
    return m + lr * by_m, rho + lr * by_rho, bound


@answers.wrong("ascent_step", fails="value of new rho")
def ascent_step(m, rho, x, W, b, sigma2, lr):
    """A step in the deviation, whose gradient is another."""
    m, sigma = m.clone().requires_grad_(), rho.exp().requires_grad_()
    bound = elbo.LinearGaussian(W, b, sigma2).elbo(x, m, (sigma**2).diag())
    by_m, by_sigma = torch.autograd.grad(bound, [m, sigma])
    return m + lr * by_m, rho + lr * by_sigma, bound


@answers.wrong("ascent_step", fails="side effect on m")
def ascent_step(m, rho, x, W, b, sigma2, lr):
    """Moves the caller's guess."""
    S = (2 * rho).exp()
    bound = elbo.LinearGaussian(W, b, sigma2).elbo(x, m, S.diag())
    by_m = (x - W @ m - b) @ W / sigma2 - m
    m += lr * by_m
    return m, rho + lr * (1 - S * (1 + W.square().sum(0) / sigma2)), bound


@answers.wrong("ascent_step", fails="value of ELBO")
def ascent_step(m, rho, x, W, b, sigma2, lr):
    """The ELBO after the step."""
    S = (2 * rho).exp()
    new_m = m + lr * ((x - W @ m - b) @ W / sigma2 - m)
    new_rho = rho + lr * (1 - S * (1 + W.square().sum(0) / sigma2))
    return new_m, new_rho, elbo.LinearGaussian(W, b, sigma2).elbo(x, new_m, (2 * new_rho).exp().diag())


@answers.right("ascent_step")
def ascent_step(m, rho, x, W, b, sigma2, lr):
    """The gradients by hand."""
    S = (2 * rho).exp()
    by_m = W.T @ (x - W @ m - b) / sigma2 - m
    by_rho = 1 - S - S * (W * W).sum(0) / sigma2
    return m + lr * by_m, rho + lr * by_rho, elbo.LinearGaussian(W, b, sigma2).elbo(x, m, S.diag())


@answers.right("ascent_step")
def ascent_step(m, rho, x, W, b, sigma2, lr):
    """An optimiser of torch's, downhill on the negative."""
    m, rho = torch.nn.Parameter(m.clone()), torch.nn.Parameter(rho.clone())
    optimiser = torch.optim.SGD([m, rho], lr=lr)
    loss = -elbo.LinearGaussian(W, b, sigma2).elbo(x, m, torch.diag(rho.exp() ** 2))
    loss.backward()
    optimiser.step()
    return m, rho, -loss


# --------------------------------------------------------------------------------------- exercise 7


@answers.wrong("two_levels", fails="hole a: line 2")
def two_levels():
    """The guess of the second level forgets the first."""
    return {"a": r"q(z_2|x)", "b": r"H(q(z_1|x))", "c": r"KL(q(z_2|z_1) \| p(z_2))"}


@answers.wrong("two_levels", fails="hole b: line 3")
def two_levels():
    """The entropy's sign."""
    return {
        "a": r"q(z_2|z_1)",
        "b": r"\mathbb{E}_{q(z_1|x)}[\log q(z_1|x)]",
        "c": r"KL(q(z_2|z_1) \| p(z_2))",
    }


@answers.wrong("two_levels", fails="hole b: line 3")
def two_levels():
    """The entropy lost: of z_1 under the prior's mean, not under q."""
    return {
        "a": r"q(z_2|z_1)",
        "b": r"-\mathbb{E}_{p(z_1)}[\log q(z_1|x)]",
        "c": r"KL(q(z_2|z_1) \| p(z_2))",
    }


@answers.wrong("two_levels", fails="hole c: line 3")
def two_levels():
    """The arguments of the divergence swapped."""
    return {"a": r"q(z_2|z_1)", "b": r"H(q(z_1|x))", "c": r"KL(p(z_2) \| q(z_2|z_1))"}


@answers.wrong("two_levels", fails="hole c: line 3")
def two_levels():
    """The posterior in the divergence, not the prior."""
    return {"a": r"q(z_2|z_1)", "b": r"H(q(z_1|x))", "c": r"KL(q(z_2|z_1) \| p(z_2|z_1))"}


@answers.wrong("two_levels", fails="hole b: idle part")
def two_levels():
    """Cheats: with a divergence that is 0 beside the entropy."""
    return {
        "a": r"q(z_2|z_1)",
        "b": r"H(q(z_1|x)) + KL(q(z_1|x) \| q(z_1|x))",
        "c": r"KL(q(z_2|z_1) \| p(z_2))",
    }


@answers.wrong("two_levels", fails="hole b: forbidden")
def two_levels():
    """Cheats: all that there is above, less what stands beside the hole."""
    return {
        "a": r"q(z_2|z_1)",
        "b": r"E_{q(z_{1:2}|x)}[\log \frac{p(x, z_{1:2})}{q(z_{1:2}|x)}]"
        r" - E_{q(z_{1:2}|x)}[\log p(x|z_1) + \log p(z_1|z_2)] + E_{q(z_1|x)}[KL(q(z_2|z_1) \| p(z_2))]",
        "c": r"KL(q(z_2|z_1) \| p(z_2))",
    }


@answers.right("two_levels")
def two_levels():
    """The entropy written out, another spelling of the divergence."""
    return {
        "a": r"q(z_2|z_1)",
        "b": r"\mathbb{E}_{q(z_1|x)} \left[ \log \frac{1}{q(z_1|x)} \right]",
        "c": r"\mathcal{D}_{KL}\big(q(z_2 \mid z_1) \mid\mid p(z_2)\big)",
    }


@answers.right("two_levels")
def two_levels():
    """An integral for the entropy, and the guess with the x that it does not need."""
    return {
        "a": r"q_\phi(z_2 \mid z_1, x)",
        "b": r"- \int q(z_1|x) \log q(z_1|x) \, dz_1",
        "c": r"D_{KL}(q(z_2|z_1) \,||\, p(z_2))",
    }
