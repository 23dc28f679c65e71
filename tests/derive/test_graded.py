"""Graded derivations: right answers in any style pass, cheats and slips do not."""

import pytest

from gentutor.derive.graded import grade, holes, lock, locked, without_rules

CHAIN = r"""
\log p(x)
= \mathbb{E}_{q(z|x)}[\log p(x)]
= \mathbb{E}_{q(z|x)}\left[\log \blank[p(z|x)]{a}\right]
= \blank[KL, E; not p(z|x)]{b} + KL(q(z|x) \| p(z|x))
"""
A = r"\frac{p(x,z)}{p(z|x)}"
B = r"\mathbb{E}_{q(z|x)}[\log p(x|z)] - KL(q(z|x) \| p(z))"
RATIO = r"\mathbb{E}_{q(z|x)}\left[\log\frac{p(x,z)}{q(z|x)}\right]"


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (A, B),
        (r"\frac{p(x|z) p(z)}{p(z|x)}", r"-KL(q(z|x) \| p(z)) + \mathbb{E}_{z \sim q(z|x)} \log p(x|z)"),
        (
            r"\frac{p_\theta(x, z)}{p_\theta(z|x)}",
            r"\mathbb{E}_q[\log p(x,z)] - \mathbb{E}_q[\log p(z)] - KL(q(z|x) \| p(z))",
        ),
    ],
)
def test_right_answers_pass(a, b):
    assert grade(CHAIN, {"a": a, "b": b}, "vae") == []


@pytest.mark.parametrize(
    ("label", "answer", "aspect"),
    [
        ("a", "p(x)", "neighbour"),
        ("a", r"p(x) \frac{p(z|x)}{p(z|x)}", "idle part"),
        ("a", r"\frac{p(x) p(z|x)}{p(z|x)}", "idle part"),
        ("a", r"\frac{p(x,z)}{p(z)}", "line 3"),
        ("b", r"\log p(x) - KL(q(z|x) \| p(z|x))", "required"),
        ("b", r"\mathbb{E}_{q(z|x)}[\log p(x)] - KL(q(z|x) \| p(z|x))", "forbidden"),
        ("b", RATIO, "required"),
        ("b", RATIO + r" + 0 KL(q(z|x) \| p(z))", "idle part"),
        ("b", RATIO + r" + KL(q(z|x) \| p(z)) - \mathbb{E}_{q(z|x)}[\log\frac{q(z|x)}{p(z)}]", "idle part"),
        ("b", RATIO + r" \cdot \frac{KL(q(z|x) \| p(z))}{KL(q(z|x) \| p(z))}", "idle part"),
        ("b", B + r" + KL(q(z|x) \| p(z)) - KL(q(z|x) \| p(z))", "idle part"),
        ("b", r"\mathbb{E}_{q(z|x)}[\log p(x|z)] + KL(q(z|x) \| p(z))", "line 4"),
        ("b", r"\mathbb{E}_{q(z|x)}[\log p(x|z)] - KL(p(z) \| q(z|x))", "line 4"),
        ("b", B + r" + \text{const}", "empty"),
        ("b", r"\dots", "reading"),
        ("b", r"1 \geq 0", "reading"),
        ("b", r"} + {", "reading"),
        ("b", B + "\n= 1", "reading"),
        ("b", r"\blank{a}", "reading"),
        ("b", r"\unheardof", "reading"),
        ("b", "", "not written yet"),
        ("b", None, "not written yet"),
        ("b", 3, "type"),
    ],
)
def test_slips_and_cheats_do_not(label, answer, aspect):
    answers = {"a": A, "b": B, label: answer}
    found = grade(CHAIN, answers, "vae")
    assert (found[0].label, found[0].aspect) == (label, aspect)


WIDE = r"""
KL(q(z|x) \| \mathcal{N}(z; 0, 4 I))
= \mathbb{E}_{q(z|x)}[\log q(z|x)] - \mathbb{E}_{q(z|x)}[\blank[not q]{a}]
"""


@pytest.mark.parametrize(
    ("answer", "aspects"),
    [
        (r"\log \mathcal{N}(z; 0, 4 I)", []),  # without I it would be read alike: that is no idle part
        (r"-\frac{d}{2} \log(8 \pi) - \frac{1}{8} z^T z", []),
        (r"\log \mathcal{N}(z; 0, 4 I) + 0 z^T z", ["idle part"]),
        (r"\log \mathcal{N}(z; 0, 2 I)", ["line 2"]),
    ],
)
def test_a_matrix_in_a_product_is_no_idle_part(answer, aspects):
    assert [finding.aspect for finding in grade(WIDE, {"a": answer}, "vae")] == aspects


@pytest.mark.parametrize(
    ("answer", "aspects"),
    [
        (r"\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2", []),
        (r"1 \cdot (\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j^2)", ["idle part"]),
        (r"\mu_j^2 + \sigma_j^2 - 1 - \log \sigma_j", ["line 2"]),
    ],
)
def test_a_chain_with_a_normal_prior_is_graded(answer, aspects):
    chain = r"""
given p(z) = \mathcal{N}(0, I)
KL(q(z|x) \| p(z))
= \frac{1}{2} \sum_{j=1}^{d} ( \blank{a} )
"""
    assert [finding.aspect for finding in grade(chain, {"a": answer}, "vae")] == aspects


@pytest.mark.parametrize("answer", [r"\mathbb{E}_{q(z|x)}[\log p(x|z)] - KL(p(z) \| q(z|x))", r"\log p(x)"])
def test_a_message_never_gives_the_answer_away(answer):
    for finding in grade(CHAIN, {"a": A, "b": answer}, "vae"):
        assert "belongs" not in finding.detail
        assert "p(x|z)" not in finding.detail


def test_every_hole_answers_for_itself():
    found = grade(CHAIN, {"a": r"\frac{p(x,z)}{p(z)}", "b": r"\log p(x)"}, "vae")
    assert {finding.label for finding in found} == {"a", "b"}


def test_rules_are_not_shown():
    assert [(hole.label, hole.line, hole.needed, hole.forbidden) for hole in holes(CHAIN)] == [
        ("a", 2, ("p(z|x)",), ()),
        ("b", 3, ("KL", "E"), ("p(z|x)",)),
    ]
    assert r"\blank{a}" in without_rules(CHAIN)
    assert "not" not in without_rules(CHAIN)


def test_a_chain_without_holes_and_two_holes_of_one_name_are_refused():
    with pytest.raises(ValueError, match="no hole"):
        grade(r"\log p(x)" + "\n" + r"= \log p(x)", {}, "vae")
    with pytest.raises(ValueError, match="one name"):
        holes(r"\blank{a}" + "\n" + r"= \blank{a}")


def test_a_locked_chain_cannot_be_exchanged():
    lock("exchanged", CHAIN, "vae")
    lock("exchanged", CHAIN, "vae")
    assert locked("exchanged") == (CHAIN, "vae")
    with pytest.raises(ValueError, match="locked"):
        lock("exchanged", r"p(x)" + "\n" + r"= \blank{a}", "vae")
    with pytest.raises(ValueError, match="was changed"):  # whichever of them came first
        locked("exchanged")
    with pytest.raises(NameError, match="has not been run"):
        locked("never")


TWO_LINES = r"""
\log p(x)
= \mathbb{E}_{q(z|x)}\left[\log \frac{p(x,z)}{\blank{a}}\right]
= \mathbb{E}_{q(z|x)}[\log p(x|z)] + \blank{b}
= \mathbb{E}_{q(z|x)}[\log p(x|z)] - KL(q(z|x) \| p(z)) + KL(q(z|x) \| p(z|x))
"""
REST = r"\mathbb{E}_{q(z|x)}\left[\log\frac{p(z)}{p(z|x)}\right]"
BOUND = r"""
\log p(x)
\geq \mathbb{E}_{q(z|x)}[\blank{a}]
= \blank{b} - KL(q(z|x) \| p(z))
"""
ONE_LINE = r"""
KL(q(z|x) \| p(z|x))
= \mathbb{E}_{q(z|x)}[\log \blank{a}] - \mathbb{E}_{q(z|x)}[\log \blank{b}] + \log p(x)
"""


@pytest.mark.parametrize(
    ("chain", "answers", "labels"),
    [
        (TWO_LINES, {"a": "p(z|x)", "b": REST}, ""),
        (TWO_LINES, {"a": "p(z)", "b": REST}, "a"),  # one mistake costs one hole
        (TWO_LINES, {"a": "p(z|x)", "b": REST.replace("p(z)", "p(x)")}, "b"),
        (TWO_LINES, {"a": "p(z)", "b": r"0 \cdot " + REST}, "ab"),  # agrees with the wrong line above
        (TWO_LINES, {"a": r"\unheardof", "b": REST}, "a"),
        (BOUND, {"a": r"\log\frac{p(x,z)}{q(z|x)}", "b": r"\mathbb{E}_{q(z|x)}[\log p(x|z)]"}, ""),
        # Under an inequality nothing is known of b but that it agrees with a: no smaller bound may slip in.
        (BOUND, {"a": r"\log\frac{p(x,z)}{p(z|x)} + 1", "b": r"\mathbb{E}_{q(z|x)}[\log p(x|z)] - 5"}, "ab"),
        (ONE_LINE, {"a": "q(z|x)", "b": "p(x,z)"}, ""),
        (ONE_LINE, {"a": "q(z|x)", "b": "p(x|z)"}, "b"),
        (ONE_LINE, {"a": "q(x|z)", "b": "p(x,z)"}, "a"),
        (ONE_LINE, {"a": "p(z|x)", "b": "p(x|z)"}, "ab"),
        (ONE_LINE, {"a": "p(x,z)", "b": "q(z|x)"}, "ab"),
    ],
)
def test_one_mistake_costs_one_hole(chain, answers, labels):
    assert "".join(finding.label for finding in grade(chain, answers, "vae")) == labels
