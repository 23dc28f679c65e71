"""What is said of a chain, in the notebook and on a terminal: marks, verdict, the line as typed.

`html.py` and `terminal.py` lay it out.
"""

import re
from typing import NamedTuple

from gentutor.derive.reading.layout import BLANK
from gentutor.derive.reading.surface.parser import parse
from gentutor.derive.report import Report, Step


class Mark(NamedTuple):
    """A verdict as a glyph and in words: no reader depends on the colour, or on the glyph."""

    glyph: str
    words: str

    def __str__(self) -> str:
        return f"{self.glyph} {self.words}"


MARKS = {
    "holds": Mark("✓", "holds"),
    "fails": Mark("✗", "does not follow"),
    "bridged": Mark("⋯", "bridged"),
    "undecided": Mark("?", "undecided"),
    "unread": Mark("⚠", "cannot be read"),
}
UNWRITTEN = Mark("○", "not written yet")
SAID = {  # of one line, of several
    "does not follow": ("does not follow", "do not follow"),
    "undecided": ("is undecided", "are undecided"),
    "cannot be read": ("cannot be read", "cannot be read"),
    "not written yet": ("is not written yet", "are not written yet"),
}


def mark(step: Step) -> Mark:
    """The verdict on a line. A line with an open hole, undecided for the checker, is unwritten for people."""
    return UNWRITTEN if BLANK.search(step.text) else MARKS[step.status]


def verdict(report: Report) -> str:
    """One or two sentences on the whole chain. Lines are counted from 1, as people count them."""
    if not report.steps:
        return "Not written yet."
    said = [_verdict_on_lines(report.steps)]
    if report.message:
        said.append(report.message[0].upper() + report.message[1:] + ".")
    return " ".join(said)


def _verdict_on_lines(steps: tuple[Step, ...]) -> str:
    wrong: dict[str, list[int]] = {}
    for step in steps:
        if not step.holds:
            wrong.setdefault(mark(step).words, []).append(step.number + 1)
    if not wrong:
        return {1: "The line holds.", 2: "Both lines hold."}.get(len(steps), f"All {len(steps)} lines hold.")
    said = []
    for words, numbers in wrong.items():
        one, several = SAID[words]
        *before, last = map(str, numbers)
        said.append(f"lines {', '.join(before)} and {last} {several}" if before else f"line {last} {one}")
    return "; ".join(said).capitalize() + "."


def compared(report: Report, step: Step) -> tuple[str, str]:
    """What the two values of a counterexample are values of: two lines, or the sides of one relation."""
    earlier = [s for s in report.steps[: step.number] if s.status not in ("unread", "bridged")]
    if not earlier or len(sides(step)) > 1:
        return "the left side", "the right side"
    return f"line {earlier[-1].number + 1}", f"line {step.number + 1}"


def numbers(report: Report, step: Step) -> list[str]:
    """The counterexample and the size of the difference, as sentences without mathematics."""
    said: list[str] = []
    if step.holds:  # a residual is rounding then
        return said
    found = step.counterexample
    if found:
        above, here = compared(report, step)
        at = "".join(f", {name} = {value}" for name, value in found.at.items())
        said.append(f"In {found.world}{at}: {above} is {found.above}, {here} is {found.here}.")
    if step.residual is not None:
        said.append(f"Largest difference, relative to the largest term: {step.residual:.2g}.")
    return said


def residual(report: Report, step: Step) -> tuple[str, str] | None:
    """The difference that has a name: what it is the difference of, and LaTeX. None if the words hold it."""
    found = step.diagnosis
    if found is None or found.residual is None or found.residual in found.words:
        return None
    above, here = compared(report, step)
    return f"{here} − {above}".capitalize(), found.residual


def proved(report: Report) -> tuple[str, str, str] | None:
    """What the chain proves: LaTeX of its first expression, a key of `RELATIONS`, LaTeX of the last."""
    relation = report.proves
    if relation is None:
        return None
    opening = report.steps[0]
    first = 0 if opening.relation in ("", "=", ":=") else -1  # `proves` begins at the opening's right side
    return sides(opening)[first], relation, sides(report.steps[-1])[-1]


# ------------------------------------------------------------------------------------------- the typed line

LAYOUT = re.compile(r"(?<!\\)[&$]|\\(?:nonumber|notag)(?![A-Za-z])|\\(?:tag|label)\*?\s*\{[^{}]*\}")
BRACKETS = re.compile(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)")  # one pair around all, at most one pair inside
TEXT = re.compile(r"\\(?:text(?:rm|it|bf|normal)?|mbox)\s*\{([^{}]*)\}")


def statement(step: Step) -> str:
    """LaTeX of what the line says, as it was typed, without layout marks and justification."""
    return _plain(step.text.rstrip().removesuffix(step.note))


def sides(step: Step) -> list[str]:
    """LaTeX of what stands before, between and after the relations of a line that can be read."""
    text = step.text.rstrip().removesuffix(step.note)
    found = parse(text).relations
    ends = [0, *(relation.end for relation in found)], [*(relation.start for relation in found), len(text)]
    parts = [text[start:end] for start, end in zip(*ends, strict=True)]
    # what \stackrel{..}{=} leaves around the relation
    parts = [re.sub(r"^[\s}:]+|\\(?:stackrel|overset)\b.*$", "", part) for part in parts]
    return [plain for part in parts if (plain := _plain(part))]


def note(step: Step) -> str:
    r"""The justification, mathematics between dollar signs: `\text{Let } x = 1` is `Let $x = 1$`."""
    latex = re.sub(r"\\q?quad\b", " ", _plain(step.note)).strip()
    bracketed = BRACKETS.fullmatch(latex)
    parts = [part.strip() for part in TEXT.split(bracketed[1] if bracketed else latex)]
    for i, part in enumerate(parts):
        if i % 2 == 0 and re.search(r"[\w\\]", part):
            parts[i] = f"${part}$"
    return re.sub(r" (?=[.,;:])", "", " ".join(part for part in parts if part))


def _plain(latex: str) -> str:
    return " ".join(LAYOUT.sub(" ", latex).split())


class Pointed(NamedTuple):
    """A message of the reader, taken apart: the source line, the column of its caret, what it says."""

    source: str
    column: int
    words: str


def pointed(message: str) -> Pointed | None:
    """The parts of a message with a caret under a character; None for a message without one."""
    lines = message.splitlines()
    for i, line in enumerate(lines):
        if i and line.strip() == "^":
            words = [*lines[: i - 1], *lines[i + 1 :]]
            return Pointed(lines[i - 1], line.index("^"), "\n".join(words).strip())
    return None
