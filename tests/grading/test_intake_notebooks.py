"""What is no notebook is refused for its student, with the reason, and the others are graded."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from intake_class import HONEST, UNIT, at_most, only_eve, outcomes, with_bob

from gentutor.grading.intake import collect


@pytest.fixture
def group(tmp_path: Path) -> Path:
    return with_bob(tmp_path)


def notebook(**changes: object) -> bytes:
    return json.dumps(json.loads(HONEST) | changes).encode()


def cell(**changes: object) -> bytes:
    fresh = {
        "cell_type": "code",
        "id": "x",
        "metadata": {},
        "source": "1",
        "outputs": [],
        "execution_count": None,
    }
    return notebook(cells=[fresh | changes])


NOTEBOOKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is empty"),
    "spaces": (lambda: b" \n" * 100, "is empty"),
    "cut off": (lambda: HONEST[: len(HONEST) // 2], "is cut off"),
    "cut off at a brace": (lambda: HONEST.rstrip()[:-1], "is cut off"),
    "text": (lambda: b"Dear Sir or Madam,", "is no notebook"),
    "a program": (lambda: b"import torch\nprint(1)\n", "is no notebook"),
    "picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is no text"),
    "UTF-16": (lambda: HONEST.decode().encode("utf-16"), "is no text"),
    "list": (lambda: b"[]", "is no notebook"),
    "number": (lambda: b"1" * 100_000, "is no notebook"),
    "null": (lambda: b"null", "is no notebook"),
    "object": (lambda: b"{}", "is no notebook of format 4"),
    "format 3": (lambda: notebook(nbformat=3, worksheets=[]), "old format. Open it in JupyterLab"),
    "format true": (lambda: notebook(nbformat=True), "is no notebook of format 4"),
    "format 4.0": (lambda: notebook(nbformat="4"), "is no notebook of format 4"),
    "no cells": (lambda: notebook(cells=[]), "no exercise of lab 01_pca"),
    "cells are none": (lambda: notebook(cells=None), "no list of cells"),
    "cells are an object": (lambda: notebook(cells={"0": {}}), "no list of cells"),
    "a cell is a list": (lambda: notebook(cells=[[]]), "number 1, that is none"),
    "a cell is a text": (lambda: notebook(cells=["import torch"]), "that is none"),
    "source is a number": (lambda: cell(source=1), "source is no text"),
    "source is an object": (lambda: cell(source={"a": "b"}), "source is no text"),
    "source is a list of numbers": (lambda: cell(source=["a", 1]), "source is no text"),
    "source is missing": (lambda: cell(source=None), "source is no text"),
    "unknown kind": (lambda: cell(cell_type="heading"), "neither code nor text"),
    "kind is a list": (lambda: cell(cell_type=["code"]), "neither code nor text"),
    "NUL": (lambda: cell(source="a\0b"), "characters that are none"),
    "lone surrogate": (lambda: cell(source="a\ud800b"), "characters that are none"),
    "a million cells": (lambda: notebook(cells=[0] * 1_000_000), "has 1,000,000 cells, of at most 1,000"),
    "millions of parts": (
        lambda: b'{"nbformat": 4, "cells": [' + b"[]," * 3_000_000 + b"[]]}",
        "too many parts",
    ),
    "a long cell": (lambda: cell(source="x" * 3_000_000), "3,000,000 characters"),
    "nested lists": (
        lambda: b'{"nbformat": 4, "cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "nested too",
    ),
    "nested objects": (
        lambda: b'{"nbformat": 4, "a": ' + b'{"a": ' * 100_000 + b"1" + b"}" * 100_001,
        "nested",
    ),
}


@pytest.mark.parametrize("kind", NOTEBOOKS)
def test_what_is_no_notebook(kind, group):
    make, reason = NOTEBOOKS[kind]
    (group / "eve.ipynb").write_bytes(make())
    with at_most(200_000_000):
        assert reason in only_eve(group)


def harmless() -> dict[str, object]:
    """An honest lab in which all that is not read is as bad as it can be."""
    lab = json.loads(HONEST)
    deep: object = 1
    for _ in range(900):
        deep = {"a": [deep]} if isinstance(deep, int) else {"a": deep}
    lab["metadata"] |= {"deep": deep, "\ud800": "\0", "kernelspec": [], "gentutor": [1]}
    for each in lab["cells"]:
        each["metadata"] = each["metadata"] | {"collapsed": deep, "\0": "\ud800"}
        if each["cell_type"] == "code":
            each["outputs"] = [{"output_type": "stream", "text": "\0\ud800" * 100}, 3, None]
            each["execution_count"] = "many"
    return lab


def test_what_is_not_read_does_no_harm(group):
    (group / "eve.ipynb").write_bytes(b"\xef\xbb\xbf" + json.dumps(harmless()).encode())
    assert outcomes(group) == {"bob": "graded", "eve": "graded"}


def test_timestamps_that_are_none(group):
    for number, text in enumerate([b"", b"yesterday", b"\xff\xfe", b"2026-99-99 99:99:99 XYZ", b"9" * 5000]):
        student = group / f"s{number}" / UNIT
        student.mkdir(parents=True)
        (student / "01_pca.ipynb").write_bytes(HONEST)
        (student / "timestamp.txt").write_bytes(text)
    intake = collect(group, UNIT)
    assert len(intake.handed) == 6
    assert {each.at for each in intake.handed} == {None}


def test_a_class_of_which_every_second_is_broken(tmp_path):
    """The batch goes on, and each is told."""
    for number in range(40):
        data = HONEST if number % 2 else HONEST[: number * 50]
        (tmp_path / f"student{number:02}.ipynb").write_bytes(data)
    result = outcomes(tmp_path)
    assert len(result) == 40
    assert [result[f"student{number:02}"] == "graded" for number in range(40)] == [False, True] * 20
