"""Bytes become a notebook of which only plain, bounded text is kept: what a student may have a say in.

Of a cell that is its type, its text, its id, nbgrader's marks on it, its tags and pasted pictures; of the
notebook the record that `gentutor lab` left. All else is dropped here, unread: outputs, metadata, kernel.
"""

import json
import re
from typing import Any

from nbformat import NotebookNode, from_dict

from gentutor.workbook import CELL_ID

MAX_CELLS = 1000
MAX_TEXT = 2_000_000  # characters in all cells; a lab has some 40,000
MAX_VALUES = 1_000_000  # lists and objects of the JSON text, each of which costs up to 100 bytes
_TYPES = ("code", "markdown", "raw")
_PICTURES = ("image/png", "image/jpeg", "image/gif")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_FRESH = "Hand in the lab's own file, as JupyterLab saves it"


class Unusable(ValueError):
    """No notebook that can be graded: why, and what would mend it."""


def understood(data: bytes) -> NotebookNode:
    """The notebook in the bytes. Raises Unusable, and nothing else."""
    notebook = _json(data)
    version = notebook.get("nbformat")
    if type(version) is not int or version != 4:
        old = type(version) is int and version in (1, 2, 3)
        raise Unusable(
            "is a notebook of an old format. Open it in JupyterLab, save it, and hand in again"
            if old
            else f"is no notebook of format 4. {_FRESH}"
        )
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise Unusable(f"has no list of cells. {_FRESH}")
    if len(cells) > MAX_CELLS:
        raise Unusable(
            f"has {len(cells):,} cells, of at most {MAX_CELLS:,}. Delete those that are not needed"
        )
    kept = [_cell(cell, number) for number, cell in enumerate(cells, 1)]
    size = sum(len(cell["source"]) for cell in kept)
    if size > MAX_TEXT:
        raise Unusable(f"has {size:,} characters in its cells, of at most {MAX_TEXT:,}. Shorten them")
    record = _record(_dict(_dict(notebook.get("metadata")).get("gentutor")))
    plain: NotebookNode = from_dict({"cells": kept, "metadata": {"gentutor": record}})  # type: ignore[no-untyped-call]
    return plain


def _json(data: bytes) -> dict[str, Any]:
    if not data.strip():
        raise Unusable("is empty. Save the notebook, and hand in again")
    if data.count(b"{") + data.count(b"[") > MAX_VALUES:
        raise Unusable("has too many parts. Clear all outputs, save, and hand in again")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Unusable(f"is no text, so no notebook. {_FRESH}") from error
    except RecursionError as error:
        raise Unusable(f"is nested too deeply. {_FRESH}") from error
    except json.JSONDecodeError as error:
        cut = (
            data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and error.pos >= len(error.doc.rstrip()) - 1
        )
        problem = "is cut off" if cut else "is no notebook"
        raise Unusable(f"{problem} (line {error.lineno}: {error.msg}). {_FRESH}") from error
    except ValueError as error:  # a number of thousands of digits
        raise Unusable(f"is no notebook that can be read. {_FRESH}") from error
    if not isinstance(notebook, dict):
        raise Unusable(f"is no notebook. {_FRESH}")
    return notebook


def _cell(cell: Any, number: int) -> dict[str, Any]:
    """What is kept of a cell."""
    if not isinstance(cell, dict):
        raise Unusable(f"has a cell, number {number}, that is none. {_FRESH}")
    kind, lines = cell.get("cell_type"), cell.get("source")
    if kind not in _TYPES:
        raise Unusable(f"has a cell, number {number}, that is neither code nor text. {_FRESH}")
    if isinstance(lines, list) and all(isinstance(line, str) for line in lines):
        lines = "".join(lines)
    if not isinstance(lines, str):
        raise Unusable(f"has a cell, number {number}, whose source is no text. {_FRESH}")
    if "\0" in lines or not _is_unicode(lines):
        raise Unusable(f"has a cell, number {number}, with characters that are none. Delete the cell's text")
    metadata = _dict(cell.get("metadata"))
    id_, tags = cell.get("id"), metadata.get("tags")
    return {
        "cell_type": kind,
        "source": lines,
        "id": id_ if isinstance(id_, str) and CELL_ID.fullmatch(id_) else "",
        "metadata": {
            "nbgrader": _marks(_dict(metadata.get("nbgrader"))),
            "tags": [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else [],
        },
        "attachments": _pictures(cell.get("attachments")),
    }


def _marks(nbgrader: dict[str, Any]) -> dict[str, Any]:
    """nbgrader's marks on the cell, as far as they have the form that nbgrader gives them."""
    marks: dict[str, Any] = {
        key: nbgrader[key]
        for key in ("grade", "solution", "locked", "task")
        if isinstance(nbgrader.get(key), bool)
    }
    if isinstance(nbgrader.get("points"), int | float):
        marks["points"] = nbgrader["points"]
    grade_id = nbgrader.get("grade_id")
    if isinstance(grade_id, str) and re.fullmatch(r"[a-zA-Z0-9_-]{1,100}", grade_id):
        marks["grade_id"] = grade_id
    return marks


def _record(record: dict[str, Any]) -> dict[str, Any]:
    """What `gentutor lab` recorded: the unit, the release, and digests of its cells."""
    kept: dict[str, Any] = {
        key: record[key] for key in ("unit", "release") if isinstance(record.get(key), str) and record[key]
    }
    digests = _dict(record.get("cells"))
    return kept | {"cells": {id_: text for id_, text in digests.items() if isinstance(text, str)}}


def _pictures(attachments: Any) -> dict[str, dict[str, str]]:
    """The pasted pictures that are nothing but pictures: an SVG can hold scripts."""
    found = {}
    for name, bundle in _dict(attachments).items():
        pictures = {
            kind: data
            for kind, data in _dict(bundle).items()
            if kind in _PICTURES and isinstance(data, str) and _BASE64.fullmatch(data)
        }
        if pictures and _is_unicode(name):
            found[name] = pictures
    return found


def _is_unicode(text: str) -> bool:
    """Whether the text has no half of a surrogate pair, which no file can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
