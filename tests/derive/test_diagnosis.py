"""The mistakes that lectures and students make, each named by what it is."""

import time
import tomllib
from pathlib import Path

import pytest
from trial import CHAINS, chains

from gentutor.derive import check

LECTURES = {printed.id: printed for printed in chains(CHAINS / "lectures.toml")}


def diagnosis(above, line, setting):
    return check(f"{above}\n{line}", setting).steps[-1].diagnosis


@pytest.mark.parametrize(
    ("lecture", "kind", "words", "residual"),
    [
        (
            "oxford-elbo",
            "posterior for prior",
            [r"The prior $p(z)$ belongs here, not the posterior $p(z \mid x)$"],
            r"\mathrm{KL}\left( q(z \mid x) \,\|\, p(z) \right) - "
            r"\mathrm{KL}\left( q(z \mid x) \,\|\, p(z \mid x) \right)",
        ),
        ("uw-forward-step", "root", ["square root is lost", r"\sqrt{1 - \alpha_{t}}"], None),
        ("uw-posterior-proof", "factor", ["one half too many", "counted twice"], None),
        ("generative-models-gan-minimax", "log of the difference", [r"\log\left( 1 - D(G(z)) \right)"], None),
    ],
)
def test_the_wrong_lines_of_the_lectures(lecture, kind, words, residual):
    report = check(LECTURES[lecture].text, LECTURES[lecture].setting)
    wrong = [step for step in report.steps if not step.holds]
    assert len(wrong) == 1
    found = wrong[0].diagnosis
    assert found.kind == kind
    assert all(word in found.words for word in words)
    assert found.residual == residual
    if residual:
        assert f"${residual}$" in found.words
    mended = [step.text for step in report.steps]
    mended[wrong[0].number] = found.repair
    assert check("\n".join(mended), LECTURES[lecture].setting).ok


ELBO = r"\mathbb{E}_{q(z|x)}[\log p(x|z)] - KL(q(z|x) \| p(z))"
RATIO = r"\mathbb{E}_{q(z|x)}\left[\log\frac{p(x,z)}{q(z|x)}\right]"
STEP = r"\log q(x_t|x_{t-1})"
MU = r"\mu_q(x_t, x_0)"
V = "V(D, G)"

MISTAKES = [  # (setting, the line above, the wrong line, kind, a part of what belongs there)
    (
        "vae",
        RATIO,
        r"= \mathbb{E}_{q(z|x)}[\log p(x|z)] - KL(p(z) \| q(z|x))",
        "swapped arguments",
        r"q(z \mid x) \,\|\, p(z)",
    ),
    ("vae", RATIO, r"= \mathbb{E}_{q(z|x)}[\log p(x|z)] + KL(q(z|x) \| p(z))", "sign", "minus"),
    ("vae", RATIO, r"= \mathbb{E}_{p(z)}[\log p(x|z)] - KL(q(z|x) \| p(z))", "wrong measure", r"q(z \mid x)"),
    (
        "vae",
        RATIO,
        r"= \mathbb{E}_{p(z|x)}[\log p(x|z)] - KL(q(z|x) \| p(z))",
        "wrong measure",
        r"q(z \mid x)",
    ),
    (
        "vae",
        RATIO,
        r"= \log \mathbb{E}_{q(z|x)}[p(x|z)] - KL(q(z|x) \| p(z))",
        "log and expectation",
        "expectation of the log",
    ),
    ("vae", RATIO, r"= \mathbb{E}_{q(z|x)}[\log p(x|z)]", "lost term", r"\mathrm{KL}"),
    ("vae", RATIO, r"= \mathbb{E}_{q(z|x)}[\log p(x, z)]", "lost term", r"\operatorname{H}"),
    ("vae", RATIO, r"= \mathbb{E}_{q(z|x)}[\log p(x, z)] - H(q(z|x))", "sign", "plus"),
    ("vae", RATIO, r"= \mathbb{E}_{q(z|x)}[p(x|z)] - KL(q(z|x) \| p(z))", "log", r"\log"),
    ("vae", RATIO, r"= \log p(x) - KL(p(z|x) \| q(z|x))", "swapped arguments", ""),
    ("vae", RATIO, r"= \log p(x) + KL(q(z|x) \| p(z|x))", "sign", "minus"),
    ("vae", RATIO, r"= \log p(x) - KL(q(z|x) \| p(z))", "posterior for prior", "The posterior"),
    ("vae", r"\log p(x)", "= " + ELBO, "relation", r"\geq"),
    ("vae", r"\log p(x)", r"\leq " + ELBO, "relation", r"\geq"),
    ("vae", r"\log p(x)", f"= {ELBO}" + r" - KL(q(z|x) \| p(z|x))", "sign", "plus"),
    (
        "vae",
        r"\log p(x)",
        r"= \mathbb{E}_{p(z)}[\log p(x|z)]",
        "log and expectation",
        "log of the expectation",
    ),
    ("vae", r"\log p(x)", r"= \log \int p(x|z) p(z|x) dz", "posterior for prior", "The prior"),
    (
        "vae",
        r"\log p(x)",
        r"\geq \mathbb{E}_{q(z|x)}[\log p(x|z)] - KL(p(z) \| q(z|x))",
        "swapped arguments",
        "",
    ),
    (
        "ddpm",
        "x_t",
        r"= \sqrt{\alpha_t} x_0 + \sqrt{1-\alpha_t} \epsilon",
        "another symbol",
        r"\bar{\alpha}_{t}",
    ),
    (
        "ddpm",
        "x_t",
        r"= \sqrt{\bar\alpha_t} x_0 + (1-\bar\alpha_t) \epsilon",
        "root",
        r"\sqrt{1 - \bar{\alpha}_{t}}",
    ),
    (
        "ddpm",
        "x_t",
        r"= \bar\alpha_t x_0 + \sqrt{1-\bar\alpha_t} \epsilon",
        "root",
        r"\sqrt{\bar{\alpha}_{t}}",
    ),
    (
        "ddpm",
        "x_t",
        r"= \sqrt{\bar\alpha_{t-1}} x_0 + \sqrt{1-\bar\alpha_{t-1}} \epsilon",
        "index",
        "off by one",
    ),
    (
        "ddpm",
        "q(x_t|x_0)",
        r"= \mathcal{N}(x_t; \sqrt{\bar\alpha_t} x_0, \sqrt{1-\bar\alpha_t} I)",
        "root",
        "too many",
    ),
    (
        "ddpm",
        "q(x_t|x_0)",
        r"= \mathcal{N}(x_t; \sqrt{\alpha_t} x_0, (1-\alpha_t) I)",
        "another symbol",
        r"\bar{\alpha}_{t}",
    ),
    (
        "ddpm",
        MU,
        r"= \frac{1}{\sqrt{\alpha_t}} (x_t + \frac{1-\alpha_t}{\sqrt{1-\bar\alpha_t}} \epsilon_0)",
        "sign",
        "minus",
    ),
    (
        "ddpm",
        MU,
        r"= \frac{1}{\alpha_t} (x_t - \frac{1-\alpha_t}{\sqrt{1-\bar\alpha_t}} \epsilon_0)",
        "root",
        r"\sqrt{\alpha_{t}}",
    ),
    (
        "ddpm",
        STEP,
        r"= -\frac{\|x_t-\sqrt{\alpha_t}x_{t-1}\|^2}{1-\alpha_t} - \frac d2\log(2\pi(1-\alpha_t))",
        "factor",
        "One half is lost",
    ),
    (
        "ddpm",
        STEP,
        r"= -\frac12 \frac{\|x_t-\sqrt{\alpha_t}x_{t-1}\|^2}{2(1-\alpha_t)} - \frac d2\log(2\pi(1-\alpha_t))",
        "factor",
        "too many",
    ),
    (
        "ddpm",
        STEP,
        r"= \frac{\|x_t-\sqrt{\alpha_t}x_{t-1}\|^2}{2(1-\alpha_t)} - \frac d2\log(2\pi(1-\alpha_t))",
        "sign",
        "minus",
    ),
    ("gan", V, r"= \mathbb{E}_{p_{data}}[\log D(x)] - \mathbb{E}_{p_g}[\log(1-D(x))]", "sign", "plus"),
    (
        "gan",
        V,
        r"= \mathbb{E}_{p_{data}}[\log D(x)] + \mathbb{E}_{p_z}[1 - \log D(G(z))]",
        "log of the difference",
        "",
    ),
    (
        "pca",
        r"n^{-1} \sum_{\mu=1}^n \|x_\mu-\Theta\Phi x_\mu\|_2^2",
        r"= n^{-1} \|X-\Theta\Phi X\|_F",
        "square",
        "",
    ),
]


@pytest.mark.parametrize(("setting", "above", "line", "kind", "part"), MISTAKES)
def test_a_mistake_is_named(setting, above, line, kind, part):
    found = diagnosis(above, line, setting)
    assert found is not None
    assert found.kind == kind
    assert part in found.words
    if found.repair:
        assert check(f"{above}\n{found.repair}", setting).ok


SLIPS = tomllib.loads(Path(__file__).with_name("slips.toml").read_text(encoding="utf-8"))["slip"]


@pytest.mark.parametrize(
    "slip", SLIPS, ids=lambda slip: f"{slip['setting']}-{slip['kind'].replace(' ', '-')}"
)
def test_a_slip_is_named(slip):
    found = diagnosis(slip["above"], slip["line"], slip["setting"])
    assert found is not None
    assert found.kind == slip["kind"]
    assert slip["words"] in found.words
    assert check(f"{slip['above']}\n{found.repair}", slip["setting"]).ok


def test_every_kind_of_slip_is_tried_in_two_settings():
    settings = {}
    for slip in SLIPS:
        settings.setdefault(slip["kind"], set()).add(slip["setting"])
    assert {kind for kind, used in settings.items() if len(used) < 2} == set()


@pytest.mark.parametrize(
    ("setting", "above", "line", "kind"),
    [
        (
            "vae",
            r"\arg\max_\phi \mathbb{E}_{q(z|x)}[\log p(x|z)] - KL(q(z|x)\|p(z))",
            r"= \arg\min_\phi KL(p(z|x)\|q(z|x))",
            "swapped arguments",
        ),
        (
            "gan",
            r"\arg\min_\theta KL(p_{data}\|p_\theta)",
            r"= \arg\min_\theta \mathbb{E}_{x\sim p_{data}}\log p_\theta(x)",
            "direction",
        ),
    ],
)
def test_a_wrong_arg_min_is_diagnosed_at_once(setting, above, line, kind):
    check(f"{above}\n{above}", setting)  # what is loaded once
    start = time.process_time()
    found = diagnosis(above, line, setting)
    assert found.kind == kind
    assert time.process_time() - start < 3  # 0.3 s is usual


def test_what_no_single_repair_mends_gets_none():
    found = diagnosis(r"\log p(x)", r"= \mathbb{E}_{q(z|x)}[\log p(z|x) p(z)] + KL(p(z) \| q(z|x))", "vae")
    assert found is None or found.kind in ("residual", "lost term")


def test_a_counterexample_gives_both_values():
    step = check("\n".join([r"\log p(x)", r"= \log p(x) + 1"]), "vae").steps[1]
    assert float(step.counterexample.here) == pytest.approx(float(step.counterexample.above) + 1, abs=2e-3)
    assert step.counterexample.at.keys() == {"x"}
