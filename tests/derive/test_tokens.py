"""The tokens of a formula: layout dropped, bars classified, differentials found."""

import pytest

from gentutor.derive.reading.tokens.scanner import tokenise
from gentutor.derive.reading.unread import Unread


def kinds(latex: str) -> str:
    return " ".join(token.type for token in tokenise(latex))


def values(latex: str) -> str:
    return " ".join(token.value for token in tokenise(latex))


@pytest.mark.parametrize(
    ("printed", "plain"),
    [
        (r"\left( x \right)", "(x)"),
        (r"\Big[ x \Big]", "[x]"),
        (r"\displaystyle x \, \; \! \quad z", "x z"),
        (r"\boldsymbol{x} \mathbf{z} \bm x", "x z x"),
        (r"\underbrace{x}_{\text{a name}} z", "{x} z"),
        (r"x \stackrel{(a)}{=} z", "x = z"),
        (r"x \overset{\text{iid}}{\sim} z", r"x \sim z"),
        (r"x \geq = z", r"x \geq z"),
        (r"\underset{\theta}{\arg\min} x", r"\arg\min_{\theta} x"),
        (r"\operatorname*{arg\,min}_{\theta} x", r"\arg\min_{\theta} x"),
        ("∑ε ≥ √x", r"\sum \epsilon \geq \sqrt x"),
        ("p(x \\,|\\, z)", "p(x | z)"),
        (r"KL(q \mid\mid p)", r"KL(q \Vert p)"),
        (r"a \lVert b \rVert", r"a \left\| b \right\|"),
        (r"\left. x \right.", "x"),
    ],
)
def test_layout_has_no_meaning(printed: str, plain: str) -> None:
    assert values(printed) == values(plain)


def test_fractions_and_scripts_take_one_digit() -> None:
    assert values(r"\frac12 34") == "frac 1 2 34"
    assert values("x^23") == "x ^ 2 3"
    assert values(r"\sqrt\frac12 34") == "sqrt frac 1 2 34"
    assert values(r"\frac{11}{10}") == "frac { 11 } { 10 }"
    assert values(r"\frac{\sqrt{16}}12") == "frac { sqrt { 16 } } 1 2"


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        ("p(x|z)", "NAME OPEN NAME SEP NAME CLOSE"),
        ("|x|", "OPEN NAME CLOSE"),
        ("KL(q||p)", "WORD OPEN NAME SEP NAME CLOSE"),
        (r"\|x\| \|z\|", "OPEN NAME CLOSE OPEN NAME CLOSE"),
        ("|x||z|", "OPEN NAME CLOSE OPEN NAME CLOSE"),
        (r"D(\|x\|)", "NAME OPEN OPEN NAME CLOSE CLOSE"),
        (r"p(x|\|z\|)", "NAME OPEN NAME SEP OPEN NAME CLOSE CLOSE"),
        (r"\left[ 2 \| x \| \right]", "OPEN NUMBER OPEN NAME CLOSE CLOSE"),
        (r"KL\left(q \left\| p \right. \right)", "WORD OPEN NAME SEP NAME CLOSE"),
    ],
)
def test_a_bar_is_a_fence_or_a_separator(latex: str, expected: str) -> None:
    assert kinds(latex) == expected


@pytest.mark.parametrize(
    ("latex", "expected"),
    [
        (r"\int p dz", "INT NAME D NAME"),
        (r"\int p \, \mathrm{d}\mathbf{z}", "INT NAME D NAME"),
        (r"\int p dx dz", "INT NAME D NAME AND NAME"),
        (r"\int\int p dx dz", "INT INT NAME D NAME D NAME"),
        (r"\int dz p", "OPERATOR DFIRST NAME NAME"),
        (r"\int_z p", "OPERATOR SUB NAME NAME"),
        (r"d z", "NAME NAME"),
        (r"\int (d x) dz", "INT OPEN NAME NAME CLOSE D NAME"),
    ],
)
def test_a_differential_needs_an_open_integral(latex: str, expected: str) -> None:
    assert kinds(latex) == expected


@pytest.mark.parametrize(
    ("latex", "position", "words"),
    [
        (r"x + \input{y}", 4, "\\input"),
        ("(x + z", 0, "never closed"),
        ("x)", 1, "closes nothing"),
        ("(x + {z)", 5, "not closed"),
        ("x + ?", 4, "character ?"),
    ],
)
def test_an_error_names_the_character(latex: str, position: int, words: str) -> None:
    with pytest.raises(Unread) as caught:
        tokenise(latex)
    assert caught.value.position == position
    assert words in caught.value.message
