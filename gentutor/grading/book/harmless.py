"""What students wrote and what their cells displayed, made harmless for the browser of whoever reads it.

Formgrader and the feedback pages put a notebook's HTML, SVG, scripts and the HTML within its markdown into
their own page, which may give marks. So before a notebook is written for them, its outputs are built anew
from the few kinds that are known to do nothing but show, and its texts go through `markup.py`. Widgets keep
the text that stands for them. Nothing is judged by what is left: the marks are given before.
"""

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any

from nbformat import NotebookNode, from_dict

from gentutor.grading.book.markup import html, markdown

# Characters that are shown. The pages read a line like "a.a.a." or "![![![" in a time that is quadratic.
MOST_TEXT = 20_000  # of a cell
MOST_TEXT_IN_ALL = 200_000  # of cells that nbgrader does not know
LONGEST_LINE, LONGEST_PARAGRAPH = 1_000, 5_000  # of code and of words; longer ones are broken
MOST_HTML_IN_ALL = 400_000  # of outputs; bleach takes twenty microseconds for each
MOST_ESCAPES = 1_000  # of a terminal, in one text; the pages take ten microseconds for each


def make(notebook: NotebookNode) -> None:
    """Make every text and every output of the notebook harmless, in place."""
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in notebook.cells]
    taken = tuple(name + more for name in ids if name for more in ("", "-comment", "_extra_credit"))
    room, html_room = MOST_TEXT_IN_ALL, MOST_HTML_IN_ALL
    for cell in notebook.cells:
        known = "nbgrader" in cell.metadata
        longest = LONGEST_LINE if cell.cell_type == "code" else LONGEST_PARAGRAPH
        cell.source = _bounded(cell.source, MOST_TEXT if known else min(MOST_TEXT, room), longest)
        room -= 0 if known else len(cell.source)
        if cell.cell_type == "code":
            html_room = _leave_out_html(cell.outputs, html_room)
            made = [output(given, taken) for given in cell.outputs]
            cell.outputs = [new for new in made if new is not None]
        elif cell.cell_type == "raw":
            cell.source = cell.source.replace("<", "< ")  # the pages take it for HTML
        else:
            pictures = _attachments(cell.pop("attachments", None))
            if pictures:
                cell.attachments = from_dict(pictures)  # type: ignore[no-untyped-call]
            cell.source = markdown(cell.source, tuple(pictures), taken)


def output(given: Any, taken: tuple[str, ...] = ()) -> NotebookNode | None:
    """The output with nothing in it but what is known to be harmless; None for what is no output."""
    kind = given.get("output_type")
    new: dict[str, Any]
    if kind == "stream":
        name = "stderr" if given.get("name") == "stderr" else "stdout"
        new = {"output_type": kind, "name": name, "text": _coloured(given.get("text"))}
    elif kind == "error":
        lines = given.get("traceback")
        new = {
            "output_type": kind,
            "ename": _text(given.get("ename")),
            "evalue": _text(given.get("evalue")),
            "traceback": [_coloured(line) for line in lines] if isinstance(lines, list) else [],
        }
    elif kind in ("display_data", "execute_result"):
        data, metadata = given.get("data"), given.get("metadata")
        new = {"output_type": kind, "data": _data(data, taken), "metadata": _sizes(metadata)}
        if kind == "execute_result":
            count = given.get("execution_count")
            new["execution_count"] = count if isinstance(count, int) else None
    else:
        return None
    node: NotebookNode = from_dict(new)  # type: ignore[no-untyped-call]
    return node


def _data(data: Any, taken: tuple[str, ...]) -> dict[str, str]:
    data = data if isinstance(data, dict) else {}
    kept = {}
    for kind, value in data.items():
        if kind == "text/markdown":
            text = _bounded(_text(value), MOST_TEXT, LONGEST_PARAGRAPH)
            kept[kind] = markdown(text, taken=taken)
        elif kind in SHOWN and (shown := SHOWN[kind](_text(value))):
            kept["text/html" if kind == "image/svg+xml" else kind] = shown
    kinds = ", ".join(_text(kind)[:80] for kind in data)
    return kept or {"text/plain": f"[not shown: {kinds or 'nothing'}]"}


def _picture(text: str) -> str | None:
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    return base64.b64encode(raw).decode()


def _svg(text: str) -> str:
    """An image element, in which a browser runs no script and fetches nothing."""
    data = base64.b64encode(text.encode(errors="replace")).decode()
    return f'<img alt="drawing" src="data:image/svg+xml;base64,{data}">'


SHOWN: dict[str, Callable[[str], str | None]] = {
    "text/plain": str,
    "text/latex": str,  # the pages escape it, and MathJax's "Safe" extension guards its links
    "text/html": html,
    "image/png": _picture,
    "image/jpeg": _picture,
    "image/gif": _picture,
    "image/svg+xml": _svg,
}


def _sizes(metadata: Any) -> dict[str, Any]:
    """Of the metadata, how large a picture is to be shown."""
    kept = {}
    for kind, sizes in metadata.items() if isinstance(metadata, dict) else ():
        if kind in SHOWN and kind.startswith("image/") and isinstance(sizes, dict):
            kept[kind] = {k: v for k, v in sizes.items() if k in ("width", "height") and type(v) is int}
    return kept


def _attachments(given: Any) -> dict[str, dict[str, str]]:
    """The pictures that were pasted into a text, by name."""
    kept: dict[str, dict[str, str]] = {}
    for name, kinds in given.items() if isinstance(given, dict) else ():
        for kind in ("image/png", "image/jpeg", "image/gif"):
            picture = _picture(_text(kinds.get(kind))) if isinstance(kinds, dict) else None
            if picture:
                kept[name] = {kind: picture}
    return kept


def _text(value: Any) -> str:
    """Text as nbformat has it: a string, or a list of lines. Lone surrogates, which no file holds, go."""
    joined = "".join(map(str, value)) if isinstance(value, list) else value
    return joined.encode(errors="replace").decode() if isinstance(joined, str) else ""


def _bounded(text: str, most: int, longest: int) -> str:
    """The text, or its beginning, with no line that is too long: the whole is kept where it was received."""
    shown = re.sub(f"(.{{{longest}}})(?=.)", r"\1\n", text[: max(most, 0)])
    return shown if len(text) <= most else f"{shown}\n# of {len(text):,} characters, the rest is not shown"


def _leave_out_html(outputs: list[NotebookNode], room: int) -> int:
    """Takes the HTML away from which on there is no room for it; returns the room that is left."""
    for given in outputs:
        data = given.get("data")
        if isinstance(data, dict) and "text/html" in data:
            room -= len(_text(data["text/html"]))
            if room < 0:
                del data["text/html"]
    return room


def _coloured(value: Any) -> str:
    """Text in which a terminal's colours stay, if there are not too many."""
    text = _text(value)
    return text if text.count("\x1b") <= MOST_ESCAPES else text.replace("\x1b", "")
