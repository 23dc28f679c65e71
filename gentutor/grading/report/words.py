"""Text that others wrote, made fit to be shown: it moves no cursor, draws no table and links to nothing."""

import re
from collections.abc import Iterable, Sequence

NUMBER = re.compile(r"[\d.]*")
LONGEST = 300  # characters of one remark


def one_line(text: str) -> str:
    """The text as one line of bounded length, without control characters."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= LONGEST else f"{text[:LONGEST]} ..."


def escaped(text: str) -> str:
    """The text on one line, as Markdown that shows just that."""
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", one_line(text))


def bullets(lines: Iterable[str]) -> list[str]:
    """A list in Markdown, a line for each of the texts."""
    return [f"- {escaped(line)}" for line in lines]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table in Markdown whose columns line up as plain text too; columns of numbers to the right."""
    lines = [header, *([escaped(cell) for cell in row] for row in rows)]
    columns = list(zip(*lines, strict=True))
    right = [any(column[1:]) and all(map(NUMBER.fullmatch, column[1:])) for column in columns]
    widths = [max(map(len, column)) for column in columns]
    rule = [f"{'-' * (width - 1)}:" if r else "-" * width for width, r in zip(widths, right, strict=True)]
    places = list(zip(right, widths, strict=True))
    cells = [
        [cell.rjust(width) if r else cell.ljust(width) for cell, (r, width) in zip(line, places, strict=True)]
        for line in lines
    ]
    return [f"| {' | '.join(line)} |" for line in (cells[0], rule, *cells[1:])]
