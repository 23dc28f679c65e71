"""A report as text: aligned columns, folded to a width, the caret under the character that cannot be read."""

import textwrap

from gentutor.derive.report import RELATIONS, Report, Step
from gentutor.derive.showing import show

WIDTH = 100  # where nothing else is known, as in a saved notebook
COLOURS = {"holds": "32", "bridged": "2", "fails": "31", "undecided": "33", "unread": "33"}
GAP = "  "


def text(report: Report, width: int = WIDTH, colour: bool = False, readings: bool = False) -> str:
    """The chain as it was typed, a mark on every line, what is wrong under the line, and the verdict.

    Args:
        report: what `check` found.
        width: in characters; 60 at least.
        colour: with ANSI colours of the marks.
        readings: also how each line was read; a line that is wrong shows it in any case.
    """
    if not report.steps:
        return f"{show.UNWRITTEN.glyph} {show.verdict(report)}"
    width = max(width, 60)
    digits = len(str(len(report.steps)))
    marks = max(len(str(show.mark(step))) for step in report.steps)
    margin = " " * (digits + len(GAP) + marks + len(GAP))
    blocks = []
    for step in report.steps:
        mark = str(show.mark(step))
        padding = " " * (marks - len(mark))
        if colour:
            mark = f"\033[{COLOURS[step.status]}m{mark}\033[0m"
        line = _line(step, width - len(margin))
        head = f"{step.number + 1:>{digits}}{GAP}{mark}{padding}{GAP}"
        blocks += [head + line[0], *(margin + rest for rest in line[1:])]
        blocks += [(margin + rest).rstrip() for rest in _below(report, step, width - len(margin), readings)]
    blocks += [*([""] if blocks[-1] else []), *_fold(show.verdict(report), width)]
    proved = show.proved(report)
    if proved:
        first, relation, last = proved
        blocks += _fold(f"Proved: {first}  {RELATIONS[relation]}  {last}", width, hanging=4)
    return "\n".join(blocks)


def _line(step: Step, width: int) -> list[str]:
    if step.status == "unread":
        pointed = show.pointed(step.message)
        return _excerpt(pointed, width) if pointed else _fold(step.text, width, hanging=4)
    note = show.note(step).replace("$", "")
    return _fold(f"{show.statement(step)}    {note}".rstrip(), width, hanging=4)


def _below(report: Report, step: Step, width: int, readings: bool) -> list[str]:
    """What stands under a line: the message or the diagnosis, the numbers, the repair, the reading."""
    pointed = show.pointed(step.message)
    diagnosis = step.diagnosis
    words = (pointed.words if pointed else step.message).splitlines()
    words += [diagnosis.words.replace("$", "")] if diagnosis else []  # where $ has its mathematics in HTML
    said = [folded for sentence in words + show.numbers(report, step) for folded in _fold(sentence, width)]
    residual = show.residual(report, step)
    if residual:
        said += _fold(": ".join(residual), width, hanging=4)
    if diagnosis and diagnosis.repair:
        said += _fold(f"This would hold: {diagnosis.repair}", width, hanging=4)
    if step.reading and (not step.holds or (readings and step.status != "bridged")):
        said += _fold(f"Read as: {step.reading}", width, hanging=4)
    return [*said, ""] if said else []


def _excerpt(pointed: show.Pointed, width: int) -> list[str]:
    """The source line and the caret under it, cut at both ends to fit."""
    source, column = pointed.source, pointed.column
    start = max(0, min(column - width // 2, len(source) - width))
    end = start + width
    before, after = "…" if start else "", "…" if end < len(source) else ""
    return [
        before + source[start:end][len(before) : width - len(after)] + after,
        " " * (column - start) + "^",
    ]


def _fold(line: str, width: int, hanging: int = 0) -> list[str]:
    return textwrap.wrap(line, width, subsequent_indent=" " * hanging, break_on_hyphens=False) or [""]
