"""What students wrote and what their cells displayed, made harmless for the browser of whoever reads it.

Formgrader and the feedback pages put a notebook's HTML, SVG, scripts and the HTML within its markdown into
their own page, which may give marks. So before a notebook is written for them, its outputs are built anew
from the few kinds that are known to do nothing but show, and its texts go through `markup.py`. Widgets keep
the text that stands for them. Nothing is judged by what is left: the marks are given before.
"""

import base64
import binascii
from collections.abc import Callable
from typing import Any

from nbformat import NotebookNode, from_dict

from gentutor.grading.book.markup import html, markdown

MOST_CODE = (
    20_000  # characters of a cell; the pages colour code in a time that is quadratic, for "a.a.a." say
)
MOST_CODE_IN_ALL = 200_000  # of cells that nbgrader does not know
MOST_ESCAPES = 1_000  # of a terminal, in one text; the pages take ten microseconds for each


def make(notebook: NotebookNode) -> None:
    """Make every text and every output of the notebook harmless, in place."""
    ids = [cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in notebook.cells]
    taken = tuple(name + more for name in ids if name for more in ("", "-comment", "_extra_credit"))
    room = MOST_CODE_IN_ALL
    for cell in notebook.cells:
        if cell.cell_type == "code":
            known = "nbgrader" in cell.metadata
            cell.source = _code(cell.source, MOST_CODE if known else min(MOST_CODE, room))
            room -= 0 if known else len(cell.source)
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
            kept[kind] = markdown(_text(value), taken=taken)
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


def _code(text: str, most: int) -> str:
    """The code, or its beginning: the whole of it is kept where it was received."""
    if len(text) <= most:
        return text
    return f"{text[: max(most, 0)]}\n# of {len(text):,} characters, the rest is not shown here"


def _coloured(value: Any) -> str:
    """Text in which a terminal's colours stay, if there are not too many."""
    text = _text(value)
    return text if text.count("\x1b") <= MOST_ESCAPES else text.replace("\x1b", "")
