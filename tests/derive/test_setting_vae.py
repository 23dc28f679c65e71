"""What the other evaluator, which lives in one dimension, cannot tell of the settings vae and latents."""

import pytest

from gentutor.derive import check

LOST_DIMENSION = [  # true lines, each with d, J or k; 1 is no dimension
    (
        r"KL(\mathcal{N}(\mu, \Sigma) \| \mathcal{N}(0, I))",
        r"\frac12 (tr(\Sigma) + \mu^T \mu - k - \log\det\Sigma)",
    ),
    (r"KL(q(z|x) \| \mathcal{N}(0, I))", r"\frac12 (\|\mu\|^2 + tr(\sigma^2) - d - tr(\log\sigma^2))"),
    (r"H(q(z|x))", r"\frac{J}{2} (1 + \log(2\pi)) + \frac12 \mathrm{tr} \log\Sigma"),
    (r"H(q(z|x))", r"\frac12 (d + d \log(2\pi) + \log|\Sigma|)"),
]


@pytest.mark.parametrize(("opening", "line"), LOST_DIMENSION)
def test_one_is_no_dimension(opening, line):
    assert check(f"{opening}\n= {line}", "vae").ok
    for letter in ("- k", "- d", "{J}", "(d"):
        lost = line.replace(letter, letter[:-1] + "1") if letter != "{J}" else line.replace("{J}", "{1}")
        assert lost == line or not check(f"{opening}\n= {lost}", "vae").ok


@pytest.mark.parametrize("seed", range(5))
def test_a_guess_turned_round_fails_in_every_draw(seed):
    """q(x|z) below the bound: H(p(x)) may exceed KL + H(q(z)), where x is spread and z is not."""
    above = r"\mathbb{E}_{p(x)}[\log p(x)]"
    below = r"\mathbb{E}_{p(x)} \mathbb{E}_{q(z|x)} \left[\log \frac{p(x, z)}{q(x|z)}\right]"
    text = above + "\n" + r"\geq " + below + r"\," * seed  # the text seeds the worlds
    assert check(text, "latents").steps[1].status == "fails"


def test_a_premise_is_told():
    """What a line of EM takes as given stands beside it, and makes no equation true."""
    new, old = r"\log p(x;\theta^{(t+1)})", r"\log p(x;\theta^{(t)})"
    step = check(f"{new}\n\\geq {old}", "vae").steps[1]
    assert step.status == "holds"
    assert "M step" in step.message
    assert not check(f"{new}\n\\leq {old}", "vae").ok
    assert not check(f"{new}\n= {old}", "vae").ok
    assert not check(new.replace("(t+1)", "*") + f"\n\\geq {old}", "vae").ok


def test_the_mean_of_the_estimator_is_the_bound():
    """Kingma & Welling (2014), eq. 6, with L samples; without 1/L it is L times as much."""
    drawn = r"\mathbb{E}_{z^{(1)}, \dots, z^{(L)} \sim q(z|x)}"
    weight = r"\log p(x, z^{(l)}) - \log q(z^{(l)}|x)"
    bound = r"\mathbb{E}_{q(z|x)}[\log p(x, z) - \log q(z|x)]"
    assert check(rf"{drawn}[\frac{{1}}{{L}} \sum_{{l=1}}^L ({weight})]" + f"\n= {bound}", "vae").ok
    assert not check(rf"{drawn}[\sum_{{l=1}}^L ({weight})]" + f"\n= {bound}", "vae").ok
