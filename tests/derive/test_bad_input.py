"""What people type by mistake, paste from a PDF or print around a formula: read where clear, else named."""

import pytest

from gentutor.derive import check

EVIDENCE = r"\log p(x)"

UNREAD = [  # a line, and what its message says
    (
        r"\geq E_q(z|x)[\log p(x, z) - \log q(z|x)]",
        r"braces are missing below the E: write \mathbb{E}_{q(z|x)}",
    ),
    (r"= \mathbb{E}_p(z)[\log p(x)]", r"write \mathbb{E}_{p(z)}"),
    (r"= \log ptheta(x)", r"ptheta is a product of letters; write p_{\theta}"),
    (r"= \mathbb{E}_{qphi(z|x)}[\log p(x)]", r"write q_{\phi}"),
    (r"= \log p_theta(x)", r"write \theta"),
    (r"= \log pdata(x)", r"write p_{data}"),
    (r"= \mahtbb{E}_{q(z|x)}[\log p(x)]", r"Did you mean \mathbb?"),
    (r"= \logp(x)", r"\log p?"),
    ("= \\log p(x)\x07", "U+0007"),
    (r"given p(z) = \mathcal{N}(0, I)", "stands before the chain"),
]


@pytest.mark.parametrize(("line", "message"), UNREAD)
def test_a_slip_is_named(line, message):
    step = check(f"{EVIDENCE}\n{line}", "vae").steps[1]
    assert step.status == "unread"
    assert message in step.message


READ = [  # lines that say log p(x) in a way of their own
    "= \\log\u00a0p(x)\u200b",
    "= log p_\U0001d703(x) − \\log 1",
    "= \\log \\int p(x\u2223z) p(z) dz",
    "= \U0001d53c_{q_ϕ(z|x)}[\\log p(x, z) – \\log q(z|x)] + KL(q(z|x) ∥ p(z|x))",
    "= ½ \\log p(x) + \\frac{1}{2} \\log p(x)",
    r"= DKL(q(z|x) \| p(z|x)) + \mathbb{E}_{q(z|x)}[\log p(x, z) - \log q(z|x)]",
    r"= D_KL(q(z|x) \| p(z|x)) + \mathbb{E}_{q(z|x)}[\log p(x, z) - \log q(z|x)]",
    r"= \log p(x) \qquad (2.3)",
    r"= \log p(x), \quad (3a)",
    r"= \log p(x) (4)",
    r"= \log p(x) \tag{5}",
    r"= \log p(x) \quad \text{(6)}",
    r"= \log p(x) \qquad \blacksquare",
    r"= \cancel{\log p(z)} {\color{red} - \log p(z)} + \boxed{\log p(x)}",
    r"= \textcolor{red}{\log p(x)} \underbrace{- KL(q(z|x) \| p(z))}_{\leq 0} \smash{+ KL(q(z|x) \| p(z))}",
    r"= \sqrt[3]{-1 + 9} \log p(x) - \log p(x)",
]


@pytest.mark.parametrize("line", READ)
def test_what_is_clear_is_read(line):
    report = check(f"{EVIDENCE}\n{line}", "vae")
    assert report.ok, report.steps[1].message


def test_a_number_that_belongs_to_the_formula_is_kept():
    assert check("3\n= 2 (1) + 1", "vae").ok
    assert not check("3\n= 2 (1)", "vae").ok


def test_a_name_that_nothing_defines_is_unread():
    assert check("L(\\theta)\n\\geq \\log p(x)", "vae").steps[0].status == "unread"
    assert check("L(\\theta)", "vae").steps[0].status == "unread"
