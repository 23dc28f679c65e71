"""Planted answers of lab 07. Each docstring says what the student did."""

import torch
from planting import Answers
from torch.nn import functional as F

from gentutor.models import gan

answers = Answers()

# --------------------------------------------------------------------------------------- exercise 1


@answers.wrong("uneven", fails="hole a: line 2")
def uneven():
    """The lecture's optimum, for even batches."""
    mixture = r"\frac{p_{data} + 2 p_g}{3}"
    return {
        "a": r"\frac{p_{data}(x)}{p_{data}(x) + p_g(x)}",
        "b": r"\frac{p_g(x)}{p_{data}(x) + p_g(x)}",
        "c": rf"KL(p_{{data}} \| {mixture}) + 2 KL(p_g \| {mixture})",
    }


@answers.wrong("uneven", fails="hole a: line 2")
def uneven():
    """The 2 on the wrong law."""
    mixture = r"\frac{p_{data} + 2 p_g}{3}"
    return {
        "a": r"\frac{2 p_{data}(x)}{2 p_{data}(x) + p_g(x)}",
        "b": r"\frac{p_g(x)}{2 p_{data}(x) + p_g(x)}",
        "c": rf"KL(p_{{data}} \| {mixture}) + 2 KL(p_g \| {mixture})",
    }


@answers.wrong("uneven", fails="hole b: line 2")
def uneven():
    """The two parts do not add up to 1."""
    mixture = r"\frac{p_{data} + 2 p_g}{3}"
    return {
        "a": r"\frac{p_{data}(x)}{p_{data}(x) + 2 p_g(x)}",
        "b": r"\frac{p_g(x)}{p_{data}(x) + 2 p_g(x)}",
        "c": rf"KL(p_{{data}} \| {mixture}) + 2 KL(p_g \| {mixture})",
    }


@answers.wrong("uneven", fails="hole c: line 3")
def uneven():
    """The weight of the second divergence lost."""
    mixture = r"\frac{p_{data} + 2 p_g}{3}"
    return {
        "a": r"\frac{p_{data}(x)}{p_{data}(x) + 2 p_g(x)}",
        "b": r"\frac{2 p_g(x)}{p_{data}(x) + 2 p_g(x)}",
        "c": rf"KL(p_{{data}} \| {mixture}) + KL(p_g \| {mixture})",
    }


@answers.wrong("uneven", fails="hole c: line 3")
def uneven():
    """The other direction of both divergences."""
    mixture = r"\frac{p_{data} + 2 p_g}{3}"
    return {
        "a": r"\frac{p_{data}(x)}{p_{data}(x) + 2 p_g(x)}",
        "b": r"\frac{2 p_g(x)}{p_{data}(x) + 2 p_g(x)}",
        "c": rf"KL({mixture} \| p_{{data}}) + 2 KL({mixture} \| p_g)",
    }


@answers.wrong("uneven", fails="hole c: forbidden")
def uneven():
    """Cheats: copies the line above, and takes the constants off again."""
    a = r"\frac{p_{data}(x)}{p_{data}(x) + 2 p_g(x)}"
    b = r"\frac{2 p_g(x)}{p_{data}(x) + 2 p_g(x)}"
    above = rf"\mathbb{{E}}_{{x \sim p_{{data}}}}[\log {a}] + 2 \, \mathbb{{E}}_{{x \sim p_g}}[\log {b}]"
    return {"a": a, "b": b, "c": rf"{above} - 2 \log 2 + 3 \log 3 + KL(p_g \| p_g)"}


@answers.wrong("uneven", fails="hole c: idle part")
def uneven():
    """Cheats: adds a divergence that is 0."""
    mixture = r"\frac{p_{data} + 2 p_g}{3}"
    return {
        "a": r"\frac{p_{data}(x)}{p_{data}(x) + 2 p_g(x)}",
        "b": r"\frac{2 p_g(x)}{p_{data}(x) + 2 p_g(x)}",
        "c": rf"KL(p_{{data}} \| {mixture}) + 2 KL(p_g \| {mixture}) + KL(p_g \| p_g)",
    }


@answers.right("uneven")
def uneven():
    """Divided through, and the mixture written as a sum."""
    mixture = r"\frac{1}{3} p_{data} + \frac{2}{3} p_g"
    return {
        "a": r"\frac{1}{1 + 2 p_g(x) / p_{data}(x)}",
        "b": r"\left( 1 - \frac{p_{data}(x)}{p_{data}(x) + 2 p_g(x)} \right)",
        "c": rf"2 KL(p_g \| {mixture}) + KL(p_{{data}} \| {mixture})",
    }


@answers.right("uneven")
def uneven():
    """As a sigmoid of the log ratio."""
    mixture = r"\frac{p_{data} + 2 p_g}{3}"
    return {
        "a": r"\sigma(\log p_{data}(x) - \log p_g(x) - \log 2)",
        "b": r"\sigma(\log 2 + \log p_g(x) - \log p_{data}(x))",
        "c": rf"D_{{KL}}(p_{{data}} \| {mixture}) + 2 \, D_{{KL}}(p_g \| {mixture})",
    }


# --------------------------------------------------------------------------------------- exercise 2


@answers.wrong("losses", fails="value of D's loss")
def discriminator_loss(real, fake):
    """Real and fake labels swapped."""
    return F.softplus(real).mean() + F.softplus(-fake).mean()


@answers.wrong("losses", fails="value of D's loss")
def discriminator_loss(real, fake):
    """The value of the game, not what D descends."""
    return F.logsigmoid(real).mean() + F.logsigmoid(-fake).mean()


@answers.wrong("losses", fails="value of D's loss")
def discriminator_loss(real, fake):
    """One mean over both batches, as PyTorch's cross-entropy takes it."""
    labels = torch.cat([torch.ones_like(real), torch.zeros_like(fake)])
    return F.binary_cross_entropy_with_logits(torch.cat([real, fake]), labels)


@answers.wrong("losses", fails="value of D's loss")
def discriminator_loss(real, fake):
    """The bracket: log D where log(1 - D) is meant."""
    return F.softplus(-real).mean() - (1 - F.logsigmoid(fake)).mean()


@answers.wrong("losses", fails="finite D's loss where D is sure and wrong")
def discriminator_loss(real, fake):
    """The logarithm of a probability that is 0."""
    return -(real.sigmoid().log().mean() + (1 - fake.sigmoid()).log().mean())


@answers.wrong("losses", fails="value of D's loss where D is sure and wrong")
def discriminator_loss(real, fake):
    """PyTorch's loss of probabilities, which cuts off at -100."""
    p, q = real.sigmoid(), fake.sigmoid()
    on_real = F.binary_cross_entropy(p, torch.ones_like(p))
    return on_real + F.binary_cross_entropy(q, torch.zeros_like(q))


@answers.wrong("losses", fails="gradient by fake")
def discriminator_loss(real, fake):
    """Detaches the logits of made points, where the made points are meant: D learns from data alone."""
    return F.softplus(-real).mean() + F.softplus(fake.detach()).mean()


@answers.wrong("losses", fails="shape of D's loss")
def discriminator_loss(real, fake):
    """One number for each sample."""
    return torch.cat([F.softplus(-real), F.softplus(fake)])


@answers.wrong("losses", fails="value of the saturating loss")
def saturating_loss(fake):
    """The sign: what D descends."""
    return F.softplus(fake).mean()


@answers.wrong("losses", fails="value of the saturating loss")
def saturating_loss(fake):
    """The non-saturating loss in the place of the saturating one."""
    return F.softplus(-fake).mean()


@answers.wrong("losses", fails="value of the non-saturating loss")
def non_saturating_loss(fake):
    """The saturating loss where the other one is asked."""
    return -F.softplus(fake).mean()


@answers.wrong("losses", fails="finite the non-saturating loss where D is sure")
def non_saturating_loss(fake):
    """The logarithm of a sigmoid."""
    return -fake.sigmoid().log().mean()


@answers.right("losses")
def discriminator_loss(real, fake):
    """PyTorch's cross-entropy, batch by batch."""
    on_real = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    return on_real + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))


@answers.right("losses")
def saturating_loss(fake):
    """The log of the sigmoid of the negative logit."""
    return F.logsigmoid(-fake).sum() / len(fake)


@answers.right("losses")
def non_saturating_loss(fake):
    """log(e^0 + e^-a), summed by torch."""
    return torch.logaddexp(torch.zeros_like(fake), -fake).mean()


# --------------------------------------------------------------------------------------- exercise 3


@answers.wrong("best", fails="value of D*")
def best_discriminator(log_p, log_q):
    """The probability that a point is made."""
    return (log_q - log_p).sigmoid()


@answers.wrong("best", fails="value of D*")
def best_discriminator(log_p, log_q):
    """The logit in place of the probability."""
    return log_p - log_q


@answers.wrong("best", fails="value of D*")
def best_discriminator(log_p, log_q):
    """Logarithms put into the formula for densities."""
    return log_p / (log_p + log_q)


@answers.wrong("best", fails="finite D* where both densities are 0")
def best_discriminator(log_p, log_q):
    """0 divided by 0, far out."""
    return log_p.exp() / (log_p.exp() + log_q.exp())


@answers.wrong("best", fails="value of D* where both densities are 0")
def best_discriminator(log_p, log_q):
    """A small number in the denominator, which wins far out."""
    return log_p.exp() / (log_p.exp() + log_q.exp() + 1e-30)


@answers.wrong("best", fails="value of V")
def best_value(p, q):
    """The Jensen-Shannon divergence alone."""
    m = (p + q) / 2
    return (torch.xlogy(p, p / m) + torch.xlogy(q, q / m)).sum() / 2


@answers.wrong("best", fails="value of V")
def best_value(p, q):
    """The second term with D* where 1 - D* belongs."""
    D = p / (p + q)
    return (torch.xlogy(p, D) + torch.xlogy(q, D)).sum()


@answers.wrong("best", fails="value of V")
def best_value(p, q):
    """A mean over states in place of the expectation."""
    D = p / (p + q)
    return (D.log() + (1 - D).log()).mean()


@answers.wrong("best", fails="finite V where a state is missing")
def best_value(p, q):
    """0 times the logarithm of 0."""
    D = p / (p + q)
    return (p * D.log() + q * (1 - D).log()).sum()


@answers.right("best")
def best_discriminator(log_p, log_q):
    """A softmax over the two laws."""
    return torch.stack([log_p, log_q]).softmax(0)[0]


@answers.right("best")
def best_value(p, q):
    """Twice the divergence, less log 4."""
    m = (p + q) / 2
    divergence = torch.special.entr(m).sum() - (torch.special.entr(p) + torch.special.entr(q)).sum() / 2
    return 2 * divergence - torch.log(torch.tensor(4.0, dtype=p.dtype))


# --------------------------------------------------------------------------------------- exercise 4


@answers.wrong("objectives", fails="gradient by G of D's loss")
def discriminator_objective(G, D, x, z):
    """The detach forgotten."""
    return gan.discriminator_loss(D(x), D(G(z)))


@answers.wrong("objectives", fails="type of layers.0.weight of gradient by D")
def discriminator_objective(G, D, x, z):
    """Everything under no_grad."""
    with torch.no_grad():
        real, fake = D(x), D(G(z))
    return gan.discriminator_loss(real, fake) + 0 * next(D.parameters()).sum().detach().requires_grad_()


@answers.wrong("objectives", fails="value of layers.0.weight of gradient by D")
def discriminator_objective(G, D, x, z):
    """The detach misplaced: behind D."""
    return gan.discriminator_loss(D(x), D(G(z)).detach())


@answers.wrong("objectives", fails="value of D's loss")
def discriminator_objective(G, D, x, z):
    """Real and fake labels swapped."""
    with torch.no_grad():
        made = G(z)
    return gan.discriminator_loss(D(made), D(x))


@answers.wrong("objectives", fails="value of D's loss with batch norm")
def discriminator_objective(G, D, x, z):
    """Batch norm on a mixed batch."""
    with torch.no_grad():
        made = G(z)
    logits = D(torch.cat([x, made]))
    return gan.discriminator_loss(logits[: len(x)], logits[len(x) :])


@answers.wrong("objectives", fails="value of D's loss with batch norm")
def discriminator_objective(G, D, x, z):
    """Batch norm as it is when training is over."""
    with torch.no_grad():
        made = G.eval()(z)
    return gan.discriminator_loss(D.eval()(x), D(made))


@answers.wrong("objectives", fails="value of G's loss")
def generator_objective(G, D, z):
    """The saturating loss where the other one is asked."""
    return gan.generator_loss(D(G(z)), "minimax")


@answers.wrong("objectives", fails="value of G's loss")
def generator_objective(G, D, z):
    """D's loss on made points: G would help D."""
    return F.softplus(D(G(z))).mean()


@answers.wrong("objectives", fails="type of layers.0.weight of gradient by G")
def generator_objective(G, D, z):
    """The detach in the wrong phase."""
    return gan.generator_loss(D(G(z).detach()))


@answers.right("objectives")
def discriminator_objective(G, D, x, z):
    """By detach, with the losses written out."""
    return F.softplus(-D(x)).mean() + F.softplus(D(G(z).detach())).mean()


@answers.right("objectives")
def generator_objective(G, D, z):
    """D's weights taken out of the graph meanwhile."""
    for weight in D.parameters():
        weight.requires_grad_(False)
    loss = -F.logsigmoid(D(G(z))).mean()
    for weight in D.parameters():
        weight.requires_grad_(True)
    return loss


# --------------------------------------------------------------------------------------- exercise 5


@answers.wrong("alternate", fails="value of layers.0.weight of D afterwards")
def alternate(G, D, opt_G, opt_D, rounds):
    """No zero_grad anywhere: gradients pile up."""
    for xs, zs, z in rounds:
        for x, z_D in zip(xs, zs, strict=True):
            gan.discriminator_loss(D(x), D(G(z_D).detach())).backward()
            opt_D.step()
        gan.generator_loss(D(G(z))).backward()
        opt_G.step()


@answers.wrong("alternate", fails="value of layers.0.weight of D afterwards")
def alternate(G, D, opt_G, opt_D, rounds):
    """Clears after the step: what G's phase leaves in D comes into its next step."""
    for xs, zs, z in rounds:
        for x, z_D in zip(xs, zs, strict=True):
            gan.discriminator_loss(D(x), D(G(z_D).detach())).backward()
            opt_D.step()
            opt_D.zero_grad()
        gan.generator_loss(D(G(z))).backward()
        opt_G.step()
        opt_G.zero_grad()


@answers.wrong("alternate", fails="value of layers.0.weight of G afterwards")
def alternate(G, D, opt_G, opt_D, rounds):
    """The detach forgotten, and G's gradients not cleared: D's phase moves G the wrong way."""
    for xs, zs, z in rounds:
        for x, z_D in zip(xs, zs, strict=True):
            opt_D.zero_grad()
            gan.discriminator_loss(D(x), D(G(z_D))).backward()
            opt_D.step()
        gan.generator_loss(D(G(z))).backward()
        opt_G.step()
        opt_G.zero_grad()


@answers.wrong("alternate", fails="value of layers.0.weight of G afterwards")
def alternate(G, D, opt_G, opt_D, rounds):
    """The detach in G's phase: G does not move."""
    for xs, zs, z in rounds:
        for x, z_D in zip(xs, zs, strict=True):
            opt_D.zero_grad()
            gan.discriminator_loss(D(x), D(G(z_D).detach())).backward()
            opt_D.step()
        opt_G.zero_grad()
        gan.generator_loss(D(G(z).detach())).backward()
        opt_G.step()


@answers.wrong("alternate", fails="value of layers.0.weight of G afterwards")
def alternate(G, D, opt_G, opt_D, rounds):
    """The saturating loss where the other one is asked."""
    for xs, zs, z in rounds:
        for x, z_D in zip(xs, zs, strict=True):
            opt_D.zero_grad()
            gan.discriminator_loss(D(x), D(G(z_D).detach())).backward()
            opt_D.step()
        opt_G.zero_grad()
        gan.generator_loss(D(G(z)), "minimax").backward()
        opt_G.step()


@answers.wrong("alternate", fails="value of layers.0.weight of D afterwards")
def alternate(G, D, opt_G, opt_D, rounds):
    """G's phase moves D as well."""
    for xs, zs, z in rounds:
        for x, z_D in zip(xs, zs, strict=True):
            opt_D.zero_grad()
            gan.discriminator_loss(D(x), D(G(z_D).detach())).backward()
            opt_D.step()
        opt_G.zero_grad(), opt_D.zero_grad()
        gan.generator_loss(D(G(z))).backward()
        opt_G.step(), opt_D.step()


@answers.wrong("alternate", fails="value of layers.0.weight of D afterwards")
def alternate(G, D, opt_G, opt_D, rounds):
    """A step of G for each step of D."""
    for xs, zs, z in rounds:
        for x, z_D in zip(xs, zs, strict=True):
            opt_D.zero_grad()
            gan.discriminator_loss(D(x), D(G(z_D).detach())).backward()
            opt_D.step()
            opt_G.zero_grad()
            gan.generator_loss(D(G(z))).backward()
            opt_G.step()


@answers.wrong("alternate", fails="value of layers.0.weight of D afterwards")
def alternate(G, D, opt_G, opt_D, rounds):
    """One step of D on all k batches together."""
    for xs, zs, z in rounds:
        opt_D.zero_grad()
        gan.discriminator_loss(D(xs.flatten(0, 1)), D(G(zs.flatten(0, 1)).detach())).backward()
        opt_D.step()
        opt_G.zero_grad()
        gan.generator_loss(D(G(z))).backward()
        opt_G.step()


@answers.wrong("alternate", fails="value of layers.0.weight of D afterwards")
def alternate(G, D, opt_G, opt_D, rounds):
    """Real and fake labels swapped."""
    for xs, zs, z in rounds:
        for x, z_D in zip(xs, zs, strict=True):
            opt_D.zero_grad()
            gan.discriminator_loss(D(G(z_D).detach()), D(x)).backward()
            opt_D.step()
        opt_G.zero_grad()
        gan.generator_loss(D(G(z))).backward()
        opt_G.step()


@answers.right("alternate")
def alternate(G, D, opt_G, opt_D, rounds):
    """With D's gradients switched off in G's phase, and losses written out."""
    for xs, zs, z in rounds:
        for i in range(len(xs)):
            made = G(zs[i]).detach()
            opt_D.zero_grad()
            (F.softplus(-D(xs[i])).mean() + F.softplus(D(made)).mean()).backward()
            opt_D.step()
        D.requires_grad_(False)
        opt_G.zero_grad()
        F.softplus(-D(G(z))).mean().backward()
        opt_G.step()
        D.requires_grad_(True)


@answers.right("alternate")
def alternate(G, D, opt_G, opt_D, rounds):
    """The gradients asked for by name, two backward passes for D."""
    for xs, zs, z in rounds:
        for x, z_D in zip(xs, zs, strict=True):
            for weight in D.parameters():
                weight.grad = None
            (-F.logsigmoid(D(x))).mean().backward()
            (-F.logsigmoid(-D(G(z_D).detach()))).mean().backward()
            opt_D.step()
        weights = list(G.parameters())
        slopes = torch.autograd.grad(-F.logsigmoid(D(G(z))).mean(), weights)
        for weight, slope in zip(weights, slopes, strict=True):
            weight.grad = slope
        opt_G.step()


# --------------------------------------------------------------------------------------- exercise 6


@answers.wrong("squared", fails="hole a: line 2")
def squared():
    """The sign."""
    return {"a": r"2 (1 - D(G(z)))", "b": r"-2 D(G(z)) (1 - D(G(z)))^2"}


@answers.wrong("squared", fails="hole a: line 2")
def squared():
    """The 2 lost."""
    return {"a": r"-(1 - D(G(z)))", "b": r"-2 D(G(z)) (1 - D(G(z)))^2"}


@answers.wrong("squared", fails="hole b: line 3")
def squared():
    """The slope of the sigmoid taken for 1 - D."""
    return {"a": r"-2 (1 - D(G(z)))", "b": r"-2 (1 - D(G(z)))^2"}


@answers.wrong("squared", fails="hole b: line 3")
def squared():
    """The factor of the first line lost in the second."""
    return {"a": r"-2 (1 - D(G(z)))", "b": r"-2 D(G(z)) (1 - D(G(z)))"}


@answers.wrong("squared", fails="hole b: line 3")
def squared():
    """The weight of the non-saturating loss, as in the lecture."""
    return {"a": r"-2 (1 - D(G(z)))", "b": r"-(1 - D(G(z)))"}


@answers.wrong("squared", fails="hole b: line 3")
def squared():
    """Cheats: leaves the work to a ratio of gradients."""
    ratio = r"\frac{\nabla_\theta D(G_\theta(z))}{\nabla_\theta a(G_\theta(z))}"
    return {"a": r"-2 (1 - D(G(z)))", "b": rf"-2 (1 - D(G(z))) {ratio}"}


@answers.wrong("squared", fails="hole a: idle part")
def squared():
    """Cheats: adds D and takes it off again."""
    return {"a": r"(-2 (1 - D(G(z))) + D(G(z)) - D(G(z)))", "b": r"-2 D(G(z)) (1 - D(G(z)))^2"}


@answers.right("squared")
def squared():
    """Multiplied out."""
    return {"a": r"2 (D(G(z)) - 1)", "b": r"(4 D(G(z))^2 - 2 D(G(z)) - 2 D(G(z))^3)"}


@answers.right("squared")
def squared():
    """With the parameters written at the networks."""
    return {
        "a": r"(2 D_\phi(G_\theta(z)) - 2)",
        "b": r"2 D_\phi(G_\theta(z)) (1 - D_\phi(G_\theta(z))) (D_\phi(G_\theta(z)) - 1)",
    }


# --------------------------------------------------------------------------------------- exercise 7


@answers.wrong("count", fails="value of covered")
def count_modes(x, centres, radius):
    """Every centre within reach counts, not the nearest alone."""
    near = torch.cdist(x, centres) <= radius
    return int(near.any(0).sum()), float(near.any(1).double().mean())


@answers.wrong("count", fails="value of covered")
def count_modes(x, centres, radius):
    """Any sample covers the mode that it is nearest to, good or not."""
    distance, nearest = torch.cdist(x, centres).min(1)
    return len(nearest.unique()), float((distance <= radius).double().mean())


@answers.wrong("count", fails="value of covered")
def count_modes(x, centres, radius):
    """Counts good samples in place of modes."""
    good = torch.cdist(x, centres).min(1).values <= radius
    return int(good.sum()), float(good.double().mean())


@answers.wrong("count", fails="value of share")
def count_modes(x, centres, radius):
    """The share of modes in place of the share of samples."""
    distance, nearest = torch.cdist(x, centres).min(1)
    covered = len(nearest[distance <= radius].unique())
    return covered, covered / len(centres)


@answers.wrong("count", fails="value of share")
def count_modes(x, centres, radius):
    """How many good samples there are, not their share."""
    distance, nearest = torch.cdist(x, centres).min(1)
    return len(nearest[distance <= radius].unique()), int((distance <= radius).sum())


@answers.wrong("count", fails="value of covered")
def count_modes(x, centres, radius):
    """The two numbers in the other order."""
    distance, nearest = torch.cdist(x, centres).min(1)
    good = distance <= radius
    return float(good.double().mean()), len(nearest[good].unique())


@answers.wrong("count", fails="return value")
def count_modes(x, centres, radius):
    """One of the two numbers only."""
    distance, nearest = torch.cdist(x, centres).min(1)
    return len(nearest[distance <= radius].unique())


@answers.right("count")
def count_modes(x, centres, radius):
    """By a histogram, as tensors."""
    distance, nearest = (x[:, None] - centres).norm(dim=2).min(1)
    counts = torch.bincount(nearest[distance <= radius], minlength=len(centres))
    return (counts > 0).sum(), counts.sum() / len(x)


@answers.right("count")
def count_modes(x, centres, radius):
    """In plain Python, sample by sample."""
    modes, good = set(), 0
    for point in x:
        distance = [float((point - centre).norm()) for centre in centres]
        if min(distance) <= radius:
            good += 1
            modes.add(distance.index(min(distance)))
    return len(modes), good / len(x)
