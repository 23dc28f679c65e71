"""How a report looks, in HTML and as text. Verdicts come from the checker where it is quick, else by hand."""

import re
import string
import subprocess
import sys
from html.parser import HTMLParser

import pytest

from gentutor.derive import check
from gentutor.derive.report import Counterexample, Diagnosis, Report, Step
from gentutor.derive.showing import show
from gentutor.derive.showing.html import COLOURS, html
from gentutor.derive.showing.terminal import text

GOOD = r"""
\log p_{\theta}(x) &= \log \int p(x|z) p(z) \, dz \\
  &= \log \int \frac{p(x,z)}{q(z|x)} q(z|x) \, dz \qquad (\text{multiply and divide by } q(z|x)) \\
  &= \dots \\
  &\geq \mathbb{E}_{q(z|x)} \log \frac{p(x,z)}{q(z|x)}
"""
WRONG = r"""\log p(x)
\geq \mathbb{E}_{q(z|x)} \log p(x|z) - KL(q(z|x) \| p(z|x))
= \frac{1}{y}
= \blank{a}
\approx 1"""


@pytest.fixture(scope="module")
def good() -> Report:
    return check(GOOD, setting="vae")


@pytest.fixture(scope="module")
def wrong() -> Report:
    return check(WRONG, setting="vae")


class Elements(HTMLParser):
    """The elements of a page as (tag, attributes, text inside), in the order in which they end."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open, self.all = [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag != "br":
            self.open.append((tag, dict(attrs), []))

    def handle_data(self, data):
        for _, _, inside in self.open:
            inside.append(data)

    def handle_endtag(self, tag):
        opened, attributes, inside = self.open.pop()
        assert opened == tag
        self.all.append((tag, attributes, "".join(inside)))

    def texts(self, tag, **attributes):
        return [t for name, has, t in self.all if name == tag and attributes.items() <= has.items()]


def test_every_line_has_its_number_a_glyph_and_words_its_formula_and_its_justification(good):
    page = Elements(html(good))
    assert page.texts("th", scope="col") == ["Line", "Verdict", "Statement", "Justification"]
    assert page.texts("th", scope="row") == ["1", "2", "3", "4"]
    assert page.texts("span") == ["✓ holds", "✓ holds", "⋯ bridged", "✓ holds"]
    statements, notes = page.texts("td")[1::3], page.texts("td")[2::3]
    assert statements[1].startswith(
        r"$\displaystyle = \log \int \frac{p(x,z)}{q(z|x)} q(z|x) \, dz$how it was read"
    )
    assert statements[2] == r"$\displaystyle = \dots$"
    assert notes == ["", "multiply and divide by $q(z|x)$", "", ""]
    assert page.texts("caption") == [
        r"✓ All 4 lines hold. Proved: $\displaystyle \log p_{\theta}(x) \geq "
        r"\mathbb{E}_{q(z|x)} \log \frac{p(x,z)}{q(z|x)}$"
    ]


def test_what_is_wrong_stands_under_its_line_words_before_numbers(wrong):
    page = Elements(html(wrong))
    failed, unread, unwritten, _ = page.texts("td")[3::2]
    places = [
        failed.index(said)
        for said in (
            "The prior $p(z)$ belongs here",
            "In finite world",
            "This would hold: $",
            "how it was read",
        )
    ]
    assert places == sorted(places)
    assert re.search(r"line 1 is -?\d[\d.]*, line 2 is -?\d[\d.]*\.", failed)
    assert unread.startswith("= \\frac{1}{y}\n" + " " * 11 + "^the setting vae does not know y. ")
    assert page.texts("mark") == ["y"]
    assert r"\boxed{\text{a}}" in unwritten
    assert page.texts("span")[1:] == [
        "✗ does not follow",
        "⚠ cannot be read",
        "○ not written yet",
        "? undecided",
    ]
    assert page.texts("caption") == [
        "✗ Line 2 does not follow; line 3 cannot be read; line 4 is not written yet; line 5 is undecided."
    ]


def test_a_report_gives_the_same_bundle_every_time(wrong):
    bundle = wrong._repr_mimebundle_()
    assert bundle == check(WRONG, setting="vae")._repr_mimebundle_()
    assert bundle["text/plain"] == str(wrong)
    assert set(bundle) == {"text/html", "text/plain"}
    assert not re.search(
        r"\d\.\d{6}", bundle["text/html"] + bundle["text/plain"]
    )  # no noise of floating point


def test_html_is_made_of_what_a_sanitiser_keeps(good, wrong):
    for report in (good, wrong):
        for tag, attributes, _ in Elements(html(report)).all:
            assert tag not in ("style", "script")
            assert attributes.keys() <= {"style", "scope", "class"}
            assert "var(" not in attributes.get("style", "")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as WCAG 2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("status", COLOURS)
def test_a_verdict_can_be_read_on_its_colour(status):
    assert contrast("#ffffff", "#767676") == pytest.approx(4.54, abs=0.01)  # the grey that everyone quotes
    assert contrast("#ffffff", COLOURS[status]) >= 6


def by_hand(**changes) -> Report:
    """A chain of two lines, with changes to the second."""
    second = {"text": "= 2", "relation": "=", "status": "fails", "reading": "= 2"} | changes
    return Report("vae", (Step(0, "1", "", "holds", "1"), Step(1, **second)))


def test_nothing_that_was_typed_becomes_markup():
    line = r"= <script>alert('x')</script> & $a$"
    report = by_hand(
        text=line, status="unread", message=f"{line}\n  ^\nno <b>bold</b> $a$ and $b$", reading=""
    )
    page = Elements(html(report))
    assert "script" not in {tag for tag, _, _ in page.all}
    assert page.texts("pre") == [f"{line}\n  ^"]  # and MathJax leaves <pre> alone
    assert page.texts("p", **{"class": "mathjax_ignore tex2jax_ignore"}) == ["no <b>bold</b> $a$ and $b$"]
    assert "a &lt; b" in html(by_hand(diagnosis=Diagnosis("a < b", repair="= a < b")))


def test_a_residual_that_the_words_name_is_not_named_twice():
    named = r"\log 2"
    once = by_hand(diagnosis=Diagnosis("Look at the sign.", residual=named))
    assert r"Line 2 − line 1: $\displaystyle \log 2$" in html(once)
    assert r"Line 2 − line 1: \log 2" in text(once)
    assert html(by_hand(diagnosis=Diagnosis(rf"It is off by ${named}$.", residual=named))).count(named) == 1


def test_numbers_are_rounded_and_say_which_lines_they_belong_to():
    report = by_hand(residual=0.123456, counterexample=Counterexample("finite world 3", {"x": "2"}, "1", "2"))
    said = [
        "In finite world 3, x = 2: line 1 is 1, line 2 is 2.",
        "Largest difference, relative to the largest term: 0.12.",
    ]
    assert show.numbers(report, report.steps[1]) == said
    two = by_hand(text="= 1 = 2", counterexample=Counterexample("finite world 3", {}, "1", "2"))
    assert show.numbers(two, two.steps[1]) == ["In finite world 3: the left side is 1, the right side is 2."]


@pytest.mark.parametrize(
    ("line", "sides"),
    [
        (r"= \log p(x)", [r"\log p(x)"]),
        (r"a &\stackrel{\text{Jensen}}{\geq} b", ["a", "b"]),
        (
            r"& \overset{(1)}{=} \boldsymbol{x}_t = \mathbf{E}_{z} z",
            [r"\boldsymbol{x}_t", r"\mathbf{E}_{z} z"],
        ),
        (r"\mathcal{L} := \mathbb{E}_{z \sim q} z \nonumber", [r"\mathcal{L}", r"\mathbb{E}_{z \sim q} z"]),
        ("= $a$ = b", ["a", "b"]),
    ],
)
def test_the_sides_of_a_line_are_as_they_were_typed(line, sides):
    assert show.sides(Step(0, line, "", "holds")) == sides


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        (r"\quad (\text{Bayes' Rule})", "Bayes' Rule"),
        (r"\qquad \text{Let } \bar{\alpha}_t = a", r"Let $\bar{\alpha}_t = a$"),
        (r"&& \text{since } a = 1, \textrm{see above}.", "since $a = 1,$ see above."),
        (r"\quad (p(x) \text{ does not depend on } z)", r"$p(x)$ does not depend on $z$"),
        (r"\tag{1}", ""),
    ],
)
def test_a_justification_is_text_with_mathematics_in_it(typed, shown):
    assert show.note(Step(1, f"= a {typed}", "=", "holds", note=typed)) == shown


def test_what_is_proved_begins_where_the_opening_may_be_relied_on():
    opening = Step(0, r"a \geq b", ">=", "holds")
    report = Report("vae", (opening, Step(1, "= c", "=", "holds")))
    assert show.proved(report) == ("b", "=", "c")
    equation = Step(0, "a = b", "=", "holds")
    assert show.proved(Report("vae", (equation, *report.steps[1:]))) == ("a", "=", "c")


def test_a_chain_that_is_not_written_says_so_and_nothing_else():
    report = check("raise NotImplementedError()", setting="vae")
    assert html(report) == "<p>○ Not written yet.</p>"
    assert text(report) == "○ Not written yet."


def test_relations_that_do_not_compose_prove_nothing():
    report = check("\\log p(x)\n\\geq \\log p(x) - KL(q(z|x)\\|p(z|x))\n\\leq \\log p(x)", setting="vae")
    assert "Proved" not in str(report)
    assert "do not compose" in str(report)


# ------------------------------------------------------------------------------------------------ text


def test_text_folds_to_the_width_under_its_own_column(wrong):
    lines = text(wrong, width=70, readings=True).splitlines()
    assert max(map(len, lines)) <= 70
    column = lines[0].index(r"\log p(x)")
    margins = {line[:column] for line in lines[: lines.index("")]} - {""}
    assert margins <= {" " * column, "1  ✓ holds            ", "2  ✗ does not follow  "}


def test_the_caret_stands_under_its_character(wrong):
    lines = str(wrong).splitlines()
    row = next(i for i, line in enumerate(lines) if line.strip() == "^")
    assert lines[row - 1][lines[row].index("^")] == "y"


@pytest.mark.parametrize("column", [0, 3, 60, 150, 198, 199, 200])
def test_the_caret_stands_under_its_character_in_a_line_cut_at_both_ends(column):
    line = (string.ascii_letters * 4)[:200]
    report = by_hand(
        text=line, status="unread", message=f"{line}\n{' ' * column}^\nwhat is this?", reading=""
    )
    lines = text(report, width=60).splitlines()
    row = next(i for i, said in enumerate(lines) if said.strip() == "^")
    caret = lines[row].index("^")
    shown = lines[row - 1][caret : caret + 1]
    assert shown == line[column : column + 1]
    assert len(lines[row - 1]) <= 60
    assert ("…" in lines[row - 1][:30]) == (column > 20)
    assert lines[row - 1].endswith("…") == (column < 180)


def test_colour_adds_nothing_but_colour(wrong):
    coloured = text(wrong, colour=True)
    assert coloured != text(wrong)
    assert re.sub(r"\033\[\d+m", "", coloured) == text(wrong)


def test_readings_on_demand_and_always_for_a_wrong_line(good, wrong):
    assert "Read as" not in text(good)
    assert text(good, readings=True).count("Read as") == 3  # dots have none
    assert text(wrong).count("Read as") == 3


def test_a_report_is_shown_without_torch_and_without_ipython():
    code = (
        "import sys; from gentutor.derive import check\n"
        "check('1', setting='vae')._repr_mimebundle_()\n"
        "print({'torch', 'IPython'} & {*sys.modules})"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"
