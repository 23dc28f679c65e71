"""Classes that hand in: as folders, as zips, honest or not; and what became of each student."""

import io
import json
import time
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from gentutor import workbook
from gentutor.grading.intake import Intake, collect, latest, rebuild
from gentutor.grading.records import Handed, Refused, Submission

ROOT = Path(__file__).resolve().parents[2]
UNIT = "01_pca"
HONEST = (ROOT / "labs" / UNIT / f"{UNIT}.ipynb").read_bytes()
Tree = dict[str, bytes | None]  # by path what is in it; None for a folder


def folder(root: Path, tree: Tree) -> Path:
    for name, data in tree.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if data is None:
            path.mkdir(parents=True)
        else:
            path.write_bytes(data)
    return root


def zipped(tree: Tree) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in tree.items():
            archive.writestr(name if data is not None else f"{name}/", data or b"")
    return buffer.getvalue()


def place(tmp_path: Path, tree: Tree, packed: bool) -> Path:
    """The tree as a folder, or as a zip."""
    if not packed:
        return folder(tmp_path / "class", tree)
    path = tmp_path / "class.zip"
    path.write_bytes(zipped(tree))
    return path


def told(intake: Intake) -> dict[str, object]:
    """By student: the content of the last attempt, or the reason."""
    last, _ = latest(intake.handed)
    return {each.student: each.data for each in last} | {each.student: each.reason for each in intake.refused}


def lab(folder: str, unit: str = UNIT) -> NotebookNode:
    return nbformat.read(ROOT / folder / unit / f"{unit}.ipynb", as_version=4)


RELEASE, MASTER = lab("labs"), lab("solutions")


def outcomes(path: Path) -> dict[str, str]:
    """By student: "graded", or why not."""
    intake = collect(path, UNIT)
    last, _ = latest(intake.handed)
    rebuilt = [rebuild(each, RELEASE, MASTER, UNIT) for each in last]
    refused = [each for each in [*intake.refused, *rebuilt] if isinstance(each, Refused)]
    for each in refused:
        assert each.reason.endswith(".")
        assert each.reason.isprintable()
        assert len(each.reason) < 700
        assert each.origin.isprintable()
    graded = {each.student: "graded" for each in rebuilt if isinstance(each, Submission)}
    return graded | {each.student: each.reason for each in refused}


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Within, no more than `size` bytes are held at any moment, and no more than 4 s of CPU are used."""
    tracemalloc.start()
    began = time.process_time()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
        assert time.process_time() - began < 4
    finally:
        tracemalloc.stop()


def with_bob(tmp_path: Path) -> Path:
    """The folder of a class in which bob is honest."""
    (tmp_path / "class" / "bob").mkdir(parents=True)
    (tmp_path / "class" / "bob" / "01_pca.ipynb").write_bytes(HONEST)
    return tmp_path / "class"


def only_eve(group: Path) -> str:
    """Why eve was refused; bob was not."""
    result = outcomes(group)
    assert result.pop("bob") == "graded"
    assert list(result) == ["eve"]
    return result["eve"]


def handed(notebook: NotebookNode | bytes, **changes: object) -> Handed:
    data = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
    return Handed("ada", "ada.ipynb", data, **changes)


def rebuilt(notebook: NotebookNode | bytes) -> Submission:
    submission = rebuild(handed(notebook), RELEASE, MASTER, UNIT)
    assert isinstance(submission, Submission), submission
    return submission


def cell(notebook: NotebookNode, id_: str) -> NotebookNode:
    (found,) = (each for each in notebook.cells if each.id == id_)
    return found


def copied() -> NotebookNode:
    """A student's copy, as `gentutor lab` makes it."""
    notebook = deepcopy(RELEASE)
    digests = {each.id: workbook._digest(each) for each in RELEASE.cells}
    record = {"unit": UNIT, "release": workbook.fingerprint(RELEASE), "cells": digests}
    notebook.metadata["gentutor"] = record
    return notebook


def answered() -> NotebookNode:
    """A student's copy with all answers, outputs, a kernel of another name and a cell more."""
    notebook = copied()
    for each in notebook.cells:
        if each.metadata.get("nbgrader", {}).get("solution"):
            each.source = cell(MASTER, each.id).source
        if each.cell_type == "code":
            each.outputs = [nbformat.v4.new_output("stream", text="done\n")]
            each.execution_count = 3
    notebook.metadata.kernelspec.name = "my-env"
    notebook.cells.insert(7, new_code_cell("print('mine')", id="mine"))
    return notebook
