"""A text as a chain: lines, relations, justifications, what was given, holes, and what cannot stand."""

import pytest
from small_vocabularies import LATENT, STEPS, message, theta, whole, x, z

from gentutor.derive.reading.chain import read
from gentutor.derive.tree import Add, Apply, Blank, Density, Dots, Normal, Symbol, Variable, node

A, B = Symbol("A"), Symbol("B")
p_z = Density("p", (z,))


def claims(text: str) -> list[tuple[str, object]]:
    return [(claim.relation, claim.expression) for line in whole(text).lines for claim in line.claims]


def test_every_relation() -> None:
    text = "A\n= B\n\\geq A\n\\leq B\n\\propto A\n\\sim B\n\\approx A\n:= B"
    assert [relation for relation, _ in claims(text)] == ["", "=", ">=", "<=", "propto", "~", "approx", ":="]


def test_a_line_may_hold_two_relations() -> None:
    assert claims("A = B\n= A \\geq B") == [("", A), ("=", B), ("=", A), (">=", B)]


@pytest.mark.parametrize(
    "text",
    [
        "A\n= B",
        "\n# a comment\nA\n\n% another\n= B   % why",
        "\\begin{align*}\nA \\\\\n&= B \\\\\n\\end{align*}",
        "$$\nA\n= B\n$$",
        "\\[ A \\\\ = B \\]",
        "A \\\\\n&= B, \\quad (\\text{because})",
        "A\n= B \\tag{3}",
        "A\n&= B & \\text{as } A = B",
        "A\n= B \\text{ by symmetry}",
        "A\n= B \\qquad (12)",
        "A\n= B.",
        "### BEGIN SOLUTION\nA\n= B\n### END SOLUTION",
    ],
)
def test_what_surrounds_the_formulas_has_no_meaning(text: str) -> None:
    assert claims(text) == [("", A), ("=", B)]


def test_the_justification_is_kept() -> None:
    lines = whole("A\n= B \\quad (\\text{Bayes' Rule})\n= A + \\text{const}").lines
    assert "Bayes' Rule" in lines[1].note
    assert lines[2].note == ""


def test_an_unknown_left_side_defines() -> None:
    assert claims("\\mathcal{L}(\\theta) = A + B\n= \\mathcal{L}") == [("", Add((A, B))), ("=", Add((A, B)))]
    assert claims("\\text{ELBO} := A\n= \\text{ELBO}") == [("", A), ("=", A)]
    assert claims("A + B =: L\n= L") == [("", Add((A, B))), ("=", Add((A, B)))]


def test_dots_claim_nothing() -> None:
    assert claims("A\n= \\dots\n= B")[1] == ("=", Dots())


def test_what_is_given() -> None:
    chain = whole("given p(z) = \\mathcal{N}(0, I), A = B^T\nA\n= B")
    assert chain.given == (
        (p_z, "=", Normal(z, node(0), Symbol("I"))),
        (A, "=", Apply("transpose", B)),
    )
    assert [line.number for line in chain.lines] == [0, 1]


def test_a_normal_law_takes_the_variable_of_the_density_before() -> None:
    assert claims("p(z)\n= \\mathcal{N}(0, I)")[1] == ("=", Normal(z, node(0), Symbol("I")))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("= A", "begins with an expression"),
        ("A\nB", "begins with its relation"),
        ("A\n=", "nothing stands after"),
        ("A = \\log p(x) = \\zeta", "does not know zeta"),
        ("\\mathbb{E}_{q(z|x)} p(z)\n= p(z)", "stands outside its"),
        ("\\int p(x, z) dz\n= p(x, z)", "stands outside its"),
        ("A\n= p(z')", "where does z' come from"),
        ("A\n" + "= A\n" * 300, "at most 200 lines"),
        ("A" * 6000, "at most 5000"),
    ],
)
def test_what_cannot_stand(text: str, words: str) -> None:
    assert words in message(text)


def test_a_caret_stands_under_the_character() -> None:
    line, caret, *_ = message("A\n= \\log p(x) + \\zeta").splitlines()
    assert line[caret.index("^") :].startswith("\\zeta")


def test_the_caret_of_an_escaped_variable_stands_outside_the_expectation() -> None:
    line, caret, *_ = message("\\mathbb{E}_{q(z|x)} p(z)\n= \\mathbb{E}_{q(z|x)} [p(z)] + p(z)").splitlines()
    assert line[: caret.index("^")].endswith("+ p(")


def test_a_line_that_cannot_be_read_does_not_hide_the_others() -> None:
    lines = read("A\n= \\zeta\n= B", LATENT).lines
    assert [line.error is None for line in lines] == [True, False, True]


def test_holes() -> None:
    text = "\\log p(x)\n= A \\blank{a} - B"
    open_chain = read(text, LATENT)
    assert open_chain.unwritten
    assert not open_chain.lines[1].written
    assert Blank("a") in open_chain.lines[1].claims[0].expression.terms[0].factors  # type: ignore[attr-defined]
    filled = read(text, LATENT, {"a": "A + B"})
    assert not filled.unwritten
    assert (
        filled.lines[1].claims == read("A\n= A (A + B) - B", LATENT).lines[1].claims
        or filled.lines[1].written
    )
    first = filled.lines[1].claims[0].expression.terms[0]  # type: ignore[attr-defined]
    assert first.factors == (A, Add((A, B)))


def test_a_hole_may_hold_the_arguments_of_a_density() -> None:
    chain = read("p(\\blank{a})", LATENT, {"a": "x|z"})
    assert chain.lines[0].claims[0].expression == Density("p", (x,), (z,))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("A} + {B", "brace"),
        ("A % B", "comment"),
        ("A \\\\ = B", "more than one"),
        ("A = B", "relation"),
        ("\\dots", "dots"),
    ],
)
def test_an_answer_stays_in_its_hole(answer: str, words: str) -> None:
    error = read("A\n= B + \\blank{a}", LATENT, {"a": answer}).lines[1].error
    assert error is not None
    assert words in error.message


def test_nothing_written_yet() -> None:
    assert read("A\nraise NotImplementedError()", LATENT).unwritten
    assert read("", LATENT).lines == ()


def test_marked_parameters_are_kept() -> None:
    old = whole("\\log p(x|\\theta^{\\text{old}})").lines[0].claims[0].expression
    assert old == Apply("log", Density("p", (x,), (), "old"))
    assert theta != Symbol("theta_old")


def test_a_bare_data_point_is_the_first_level() -> None:
    first = whole("p(x)", STEPS).lines[0].claims[0].expression
    assert first == Density("p", (Variable("x", (node(0),)),))
