"""A report as HTML for a notebook: a table with one row a line, mathematics between dollar signs.

It must be readable where little is kept. JupyterLab's sanitiser, which every output meets in a notebook that
was saved and not run, drops `<style>`, `role`, `aria-*` and every colour that is no plain one; other viewers
drop all style. So the meaning is in words, table headers and `<details>`. A colour stands only behind a
verdict, with a text colour of its own: the contrast is 6 to 1 or more, in light and dark themes alike.
MathJax gives a screen reader the mathematics as MathML; where there is no MathJax, the LaTeX can be read.
"""

import re
from html import escape

from gentutor.derive.reading.layout import BLANK
from gentutor.derive.report import LATEX, Report, Step
from gentutor.derive.showing import show

COLOURS = {
    "holds": "#1b6b3a",
    "bridged": "#555b63",
    "fails": "#b3261e",
    "undecided": "#7a4b00",
    "unread": "#7a4b00",
}
FOR_MATHJAX = (  # spellings that it does not know
    (re.compile(r"\\bm(?![A-Za-z])"), r"\\boldsymbol"),
    (BLANK, r"\\boxed{\\text{\1}}"),
)
LEFT = "text-align: left; vertical-align: baseline"
TYPED = "font-family: monospace"  # a caret stands under a character
PROSE = "margin: 0.4em 0; max-width: 46em; white-space: normal"


def html(report: Report) -> str:
    """The chain as mathematics; the same report gives the same text, byte for byte."""
    if not report.steps:
        return f"<p>{show.UNWRITTEN.glyph} {escape(show.verdict(report))}</p>"
    notes = any(step.note for step in report.steps)
    headers = ["Line", "Verdict", "Statement", *(["Justification"] if notes else [])]
    head = "".join(f'<th scope="col" style="{LEFT}">{name}</th>' for name in headers)
    rows = "\n".join(_row(report, step, notes) for step in report.steps)
    return f"<table>\n{_caption(report)}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody>\n</table>"


def _caption(report: Report) -> str:
    glyph = show.MARKS["holds" if report.ok else "fails"].glyph
    said = f"<strong>{glyph} {escape(show.verdict(report))}</strong>"
    proved = show.proved(report)
    if proved:
        first, relation, last = proved
        said += f" Proved: {_mathematics(f'{first} {LATEX[relation]} {last}')}"
    return f'<caption style="caption-side: top; {LEFT}; padding: 0.5em">{said}</caption>'


def _row(report: Report, step: Step, notes: bool) -> str:
    badge = (
        f'<span style="background-color: {COLOURS[step.status]}; color: #ffffff; padding: 1px 7px; '
        f'border-radius: 9px; white-space: nowrap">{show.mark(step)}</span>'
    )
    cells = [
        f'<th scope="row" style="{LEFT}">{step.number + 1}</th>',
        f'<td style="{LEFT}">{badge}</td>',
        f'<td style="{LEFT}">{_statement(step)}{_below(report, step)}</td>',
    ]
    if notes:
        cells.append(f'<td style="{LEFT}">{escape(show.note(step))}</td>')
    return f"<tr>{''.join(cells)}</tr>"


def _statement(step: Step) -> str:
    if step.status != "unread":
        return _mathematics(show.statement(step))
    pointed = show.pointed(step.message)
    if not pointed:
        return f'<pre style="{TYPED}">{escape(step.text)}</pre>'
    before, here = pointed.source[: pointed.column], pointed.source[pointed.column : pointed.column + 1]
    after = pointed.source[pointed.column + 1 :]
    mark = f'<mark style="background-color: #ffd54a; color: #000000">{escape(here) or " "}</mark>'
    caret = " " * pointed.column + "^"
    return f'<pre style="{TYPED}">{escape(before)}{mark}{escape(after)}\n{caret}</pre>'


def _below(report: Report, step: Step) -> str:
    """What stands under a line: the message or the diagnosis, the numbers, the repair, and the reading."""
    said = []
    pointed = show.pointed(step.message)
    words = pointed.words if pointed else step.message
    if words:  # it may quote what was typed, which is not to be set as mathematics
        lines = "<br>".join(escape(line) for line in words.splitlines())
        said.append(f'<p class="mathjax_ignore tex2jax_ignore" style="{PROSE}">{lines}</p>')
    diagnosis = step.diagnosis
    if diagnosis:
        said.append(f'<p style="{PROSE}"><strong>{escape(diagnosis.words)}</strong></p>')
    found = " ".join(show.numbers(report, step))
    if found:
        said.append(f'<p style="{PROSE}">{escape(found)}</p>')
    residual = show.residual(report, step)
    if residual:
        said.append(f'<p style="{PROSE}">{residual[0]}: {_mathematics(residual[1])}</p>')
    if diagnosis and diagnosis.repair:
        said.append(f'<p style="{PROSE}">This would hold: {_mathematics(diagnosis.repair)}</p>')
    if step.reading and step.status != "bridged":
        said.append(f"<details><summary>how it was read</summary>{_mathematics(step.reading)}</details>")
    return "".join(said)


def _mathematics(latex: str) -> str:
    for spelling, known in FOR_MATHJAX:
        latex = spelling.sub(known, latex)
    return rf"$\displaystyle {escape(latex)}$"
