"""What cells showed: read from a process that may send anything, and put into a notebook."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import nbformat
from nbformat import NotebookNode

from gentutor.grading.lab import Lab, nbgrader
from gentutor.grading.records import Output, Submission, Tried, error_output
from gentutor.grading.trial.shell import CUT

MOST_OUTPUTS = 200  # of a cell


def read_outputs(told: Any, most: int | None = None) -> list[Output]:
    """The outputs among what was told, each of a known form; what has another is left out.

    `most` bounds a student's: how many characters are kept. Of a check's nothing may be lost, since the error
    that fails it comes last.
    """
    outputs = told if isinstance(told, list) else []
    if most is None:
        return [output for output in map(_read, outputs) if output is not None]
    kept: list[Output] = []
    for output in map(_read, outputs[:MOST_OUTPUTS]):
        most -= length(output)
        if most < 0:
            return [*kept, {"output_type": "stream", "name": "stdout", "text": CUT}]
        kept += [output] if output is not None else []
    return kept


def length(value: Any) -> int:
    """How many characters there are in it."""
    if isinstance(value, dict):
        return sum(map(length, value)) + sum(map(length, value.values()))
    return sum(map(length, value)) if isinstance(value, list) else len(str(value))


def _read(told: Any) -> Output | None:
    if not isinstance(told, dict):
        return None
    kind = told.get("output_type")
    if kind == "stream" and told.get("name") in ("stdout", "stderr"):
        return {"output_type": kind, "name": told["name"], "text": _text(told.get("text"))}
    if kind == "error":
        lines = told.get("traceback")
        lines = [_text(line) for line in lines] if isinstance(lines, list) else []
        return {**error_output(_text(told.get("ename")), _text(told.get("evalue"))), "traceback": lines}
    if kind in ("display_data", "execute_result") and isinstance(told.get("data"), dict):
        data = {_text(mime): _data(value, mime) for mime, value in told["data"].items()}
        more = {"execution_count": None} if kind == "execute_result" else {}
        return {"output_type": kind, "data": data, "metadata": {}, **more}
    return None


def _text(value: Any) -> str:
    """Text that can be written as UTF-8."""
    text = value if isinstance(value, str) else str(type(value).__name__)
    return text.encode(errors="replace").decode()


def _data(value: Any, mime: str) -> Any:
    """A display's data: text, or the plain object that a mime type of JSON takes."""
    if not mime.endswith("json"):
        return _text(value)
    if isinstance(value, dict):
        return {_text(key): _data(item, mime) for key, item in value.items()}
    if isinstance(value, list):
        return [_data(item, mime) for item in value]
    if isinstance(value, int) and abs(value) >= 1 << 63:  # Python writes no number of ten thousand digits
        return _text(value)
    return value if value is None or isinstance(value, bool | int | float) else _text(value)


def executed(
    lab: Lab, submission: Submission, tried: Tried, class_outputs: Mapping[str, list[Output]]
) -> NotebookNode:
    """The submission's notebook as if it had run in one place.

    A check that did not run bears an error: nbgrader takes a check without outputs as passed.
    """
    notebook = deepcopy(submission.notebook)
    count = 0
    for cell in notebook.cells:
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        shown = tried.outputs.get(cell.id)
        if shown is None and lab.kinds.get(cell.id) == "class":
            shown = class_outputs.get(cell.id)
        info = nbgrader(cell)
        if shown is None and not (info.get("grade") and not info.get("solution")):
            continue
        if shown is None:
            shown = [error_output("NotRun", f"this was not run: {tried.stopped or 'nothing came of it'}")]
        count += 1
        cell.execution_count = count
        cell.outputs = nbformat.from_dict(deepcopy(shown))  # type: ignore[no-untyped-call]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
    return notebook
