"""Random and broken LaTeX: a message within a second, never another exception."""

import random
import re
import time

import pytest
from small_vocabularies import LATENT, STEPS

from gentutor.derive.reading.chain import Chain, read
from gentutor.derive.showing.latex import to_latex

LINES = [
    r"\log p(x) = \mathbb{E}_{q_\phi(z|x)}\left[\log \frac{p_\theta(x,z)}{q_\phi(z|x)}\right] + KL(q \| p)",
    r"\geq \int \log \left(p_{\theta}(x|z) \frac{p_{\theta}(z)}{q_{\phi}(z)} \right) q_{\phi}(z) dz",
    r"= \sqrt{\prod_{i=1}^t \alpha_i} \mathbf{x}_0 + \sqrt{1 - \bar\alpha_t} \epsilon_0 \quad \text{as } x",
    r"\propto \exp\left\{-\frac{1}{2}\left[\frac{(x_t - \sqrt{\alpha_t}x_0)^2}{1-\alpha_t}\right]\right\}",
    r"= \arg\min_\theta \mathbb{E}_q \sum_{t=2}^T \| \epsilon - \epsilon_\theta(x_t, t) \|^2 + \text{const}",
]
PIECES = sorted({piece for line in LINES for piece in re.findall(r"\\[a-zA-Z]+|.", line)})
PIECES += [
    r"\blank{a}",
    "|",
    r"\nabla",
    r"\begin{align}",
    "&",
    "\\\\",
    r"\underbrace{",
    r"\overset",
    r"\input{f}",
    "\0",
    "é",
]


def everything(text: str) -> Chain:
    """Reads, and prints whatever was read."""
    chain = read(text, STEPS if len(text) % 2 else LATENT, {"a": text[:9]})
    for line in chain.lines:
        assert line.error is None or line.error.pointed()
        for claim in line.claims:
            to_latex(claim.expression)
    return chain


def broken(rng: random.Random) -> str:
    text = rng.choice(LINES)
    for _ in range(rng.randint(1, 4)):
        i, j = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        text = rng.choice(
            (text[:i] + text[i + 2 :], text[:i] + rng.choice(PIECES) + text[i:], text[:i] + text[j:])
        )
    return text


@pytest.mark.parametrize("seed", range(20))
def test_broken_lines(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(50):
        everything(broken(rng))
        everything("".join(rng.choices(PIECES, k=rng.randint(1, 60))))


@pytest.mark.parametrize(
    "text",
    [
        r"\frac{1}{" * 200 + "x" + "}" * 200,
        "{" * 10**6,
        "x" * 10**6,
        "= x\n" * 250_000,
        r"\log " * 900 + "x",
        "-" * 4000 + "x",
        r"\sqrt" * 900 + " 2",
        r"\bar" * 900 + " x",
        "|" * 3000,
        r"\sum_i " * 600 + "x",
        r"\prod_{i=1}^2 " * 30 + "x_i",
        "p(x) / " * 500 + "1",
        "KL(" * 35 + "p" + "||q)" * 35,
        "E_{2" * 19 + "x" + "}" * 19 + "x",
        r"\underbrace{" * 300 + "x" + "}" * 300,
        "x =: L\n" + "= L + L =: L\n" * 150,
        r"\input{/etc/passwd}",
    ],
    ids=lambda text: text[:12].strip(),
)
def test_large_and_deep(text: str) -> None:
    start = time.process_time()
    chain = everything(text)
    assert time.process_time() - start < 1
    assert any(line.error for line in chain.lines)
