"""A student's own copy of a released lab: made once, never overwritten, updated to a new release on request.

The copy records what it was made from in the notebook's metadata, under "gentutor": the unit's name, the
release's fingerprint and the digest of each cell's text. So it is known which texts the student has changed,
though the next release changes others.
"""

import hashlib
import json
import os
import re
from collections import defaultdict
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

import nbformat
from nbformat import NotebookNode, v4

from gentutor.units import Unit

CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
NEW_CELL: dict[str, Any] = {
    "code": v4.new_code_cell,
    "markdown": v4.new_markdown_cell,
    "raw": v4.new_raw_cell,
}


class UnreadableNotebook(ValueError):
    """A file that should be a notebook is none, or is cut off."""


@dataclass(frozen=True)
class Carried:
    """What `carry_answers` did: the names of the answers carried, and the student's other changed cells."""

    answers: list[str] = field(default_factory=list)
    homeless: list[NotebookNode] = field(default_factory=list)  # answers with no place in the release: kept
    extra: list[NotebookNode] = field(default_factory=list)  # cells of the student's own: kept
    edited: list[NotebookNode] = field(default_factory=list)  # given cells: the release's text is taken

    def sentences(self) -> list[str]:
        """The same in words, a sentence for each kind of cell that occurs."""
        told = [f"Answers carried over: {', '.join(self.answers) or 'none'}. Outputs are not: run the cells."]
        if self.extra:
            told.append(f"Cells of your own, kept in place: {len(self.extra)}.")
        if self.homeless:
            told.append(
                f"Answers without a place in the new release, kept with a note: {_names(self.homeless)}."
            )
        if self.edited:
            told.append(f"Given cells that differed and now have the release's text: {_names(self.edited)}.")
        return told


def path_of(unit: Unit, folder: Path) -> Path:
    """Where the student's copy of the unit's lab lies, under the course's or any other folder."""
    return folder / "work" / unit.name / f"{unit.name}.ipynb"


def state(path: Path, unit: Unit) -> Literal["absent", "current", "behind", "unknown"]:
    """How the copy at `path` stands to the unit's release; "unknown": it does not say what it was made from.

    Raises UnreadableNotebook.
    """
    if not path.exists():
        return "absent"
    made_from = _record(read(path)).get("release")
    if made_from is None:
        return "unknown"
    return "current" if made_from == fingerprint(read(unit.lab)) else "behind"


def create(path: Path, unit: Unit) -> None:
    """Make the student's copy of the unit's released lab. Raises FileExistsError where `path` is taken."""
    if path.exists():
        raise FileExistsError(f"{path} is already there and is not overwritten")
    release = read(unit.lab)
    _write(path, _stamped(release, unit, release))


def update(path: Path, unit: Unit) -> tuple[Carried, Path]:
    """Carry the answers at `path` into the unit's release; returns what was carried, and the old file's path.

    The old file is kept beside the new one, which takes its place at once or not at all.
    """
    release = read(unit.lab)
    notebook, carried = carry_answers(read(path), release)
    kept = _keep_beside(path)
    _write(path, _stamped(notebook, unit, release))
    return carried, kept


def fingerprint(release: NotebookNode) -> str:
    """SHA-256 over the cells' ids, types, texts and nbgrader metadata: another release has another one."""
    cells = [[cell.get("id"), cell.cell_type, cell.source, _nbgrader(cell)] for cell in release.cells]
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()


def read(path: Path) -> NotebookNode:
    """The notebook in the file. Raises UnreadableNotebook, which names the file and says what to do."""
    try:
        # Not nbformat.read, which gives lost and doubled cell ids new random ones.
        text = path.read_bytes().decode("utf-8-sig")
        notebook: NotebookNode = v4.reads(text)  # type: ignore[no-untyped-call]
        texts = [text for cell in notebook.cells for text in (cell.source, cell.cell_type)]
        if notebook.nbformat == 4 and all(isinstance(text, str) for text in texts):
            return notebook
        problem = "it is not a notebook of format 4"
    except OSError as error:
        problem = error.strerror or str(error)
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        problem = f"it is not a notebook, or it is cut off ({error})"
    raise UnreadableNotebook(
        f"Cannot read {path}: {problem}. To get a fresh copy and lose nothing, rename this file "
        f"(to {path.stem}.broken{path.suffix}, say) and give the command again."
    )


def carry_answers(student: NotebookNode, release: NotebookNode) -> tuple[NotebookNode, Carried]:
    """The release with the student's answers and own cells in it. Neither argument is changed.

    The text of each solution cell (nbgrader's `solution: true`) is the student's, found by cell id, else by
    grade_id; of a solution cell that was split or doubled, the first answer counts. Cells that the release
    does not know stay after the known cell that they followed, without their metadata. So do the other parts
    of a split cell, and answers to which the release has no solution cell, these with a note above. All else
    is the release's. A text that is empty, the release's, or recorded as the old release's is no answer.
    """
    notebook, carried = deepcopy(release), Carried()
    recorded = _dict(_record(student).get("cells"))
    own: dict[int, list[NotebookNode]] = defaultdict(list)  # by the release's cell that they follow
    ids = {cell.id for cell in release.cells}
    answered: set[int] = set()
    last = -1
    for cell, home in zip(student.cells, _homes(student.cells, release.cells), strict=True):
        last = last if home is None else home
        given: Any = None if home is None else release.cells[home]
        releases = [recorded.get(str(cell.get("id")))]  # digests of the text that the releases have here
        if given:
            releases += [recorded.get(given.id), _digest(given)]
        if not cell.source.strip() or _digest(cell) in releases:
            continue
        if home is not None and _is_solution(given) and home not in answered:
            answered.add(home)
            carried.answers.append(_name(given))
            notebook.cells[home].source = cell.source
            _carry_attachments(cell, notebook.cells[home])
        elif _is_solution(cell) and not _is_solution(given):
            carried.homeless.append(cell)
            note = f"*This answer (`{_name(cell)}`) has no place in the new release. It is kept here:*"
            own[last] += [_own_cell("markdown", note, ids), _own_copy(cell, ids)]
        elif given is None or _is_solution(given):
            carried.extra.append(cell)
            own[last].append(_own_copy(cell, ids))
        else:
            carried.edited.append(cell)
    notebook.cells = own[-1] + [
        cell for index, known in enumerate(notebook.cells) for cell in (known, *own[index])
    ]
    return notebook, carried


def _homes(cells: list[NotebookNode], release: list[NotebookNode]) -> list[int | None]:
    """For each cell the index of the release's cell that it is: by id, else by grade_id, else by equal text.

    Only a solution cell can be several: a copy that a student made of a given cell is the student's own.
    """
    by_id = {str(known.get("id")): index for index, known in enumerate(release)}
    by_grade_id = {
        str(_nbgrader(known).get("grade_id")): i for i, known in enumerate(release) if _nbgrader(known)
    }
    homes = [by_id.get(str(cell.get("id"))) for cell in cells]
    found = set(homes)
    for k, cell in enumerate(cells):
        if homes[k] is None:
            index = by_grade_id.get(str(_nbgrader(cell).get("grade_id")))
            if index is not None and (index not in found or _is_solution(release[index])):
                homes[k] = index
                found.add(index)
    for k, cell in enumerate(cells):
        if homes[k] is None:
            same = (i for i, known in enumerate(release) if known.source.strip() == cell.source.strip())
            homes[k] = next((index for index in same if index not in found), None)
            found.add(homes[k])
    return homes


def _own_copy(cell: NotebookNode, ids: set[str]) -> NotebookNode:
    """The student's cell without its metadata and outputs, and with its id if that is free."""
    kind = cell.cell_type if cell.cell_type in NEW_CELL else "markdown"
    copy = _own_cell(kind, cell.source, ids, str(cell.get("id")))
    _carry_attachments(cell, copy)
    return copy


def _own_cell(kind: str, source: str, ids: set[str], wanted: str = "") -> NotebookNode:
    """A new cell; its id, `wanted` if that is free, joins `ids`."""
    candidates = (wanted, *(f"own-{n}" for n in range(len(ids) + 1)))
    free = next(id_ for id_ in candidates if CELL_ID.fullmatch(id_) and id_ not in ids)
    ids.add(free)
    cell: NotebookNode = NEW_CELL[kind](source, id=free)
    return cell


def _carry_attachments(cell: NotebookNode, to: NotebookNode) -> None:
    """Pictures that the student pasted into a text go where the text goes."""
    if cell.get("attachments") and to.cell_type != "code":
        to.attachments = deepcopy(cell.attachments)


def _stamped(notebook: NotebookNode, unit: Unit, release: NotebookNode) -> NotebookNode:
    """`notebook`, in which is recorded what it was made from."""
    digests = {cell.id: _digest(cell) for cell in release.cells}
    notebook.metadata["gentutor"] = {"unit": unit.name, "release": fingerprint(release), "cells": digests}
    return notebook


def _write(path: Path, notebook: NotebookNode) -> None:
    """Write the notebook to `path` at once or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with new.open("w", encoding="utf-8", newline="\n") as file:
            file.write(nbformat.writes(notebook) + "\n")  # type: ignore[no-untyped-call]
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def _keep_beside(path: Path) -> Path:
    """Copy the file to the first free name like 01_pca.before-update.ipynb, 01_pca.before-update-2.ipynb."""
    names = (f"{path.stem}.before-update{f'-{n}' if n > 1 else ''}{path.suffix}" for n in count(1))
    kept = next(path.with_name(name) for name in names if not path.with_name(name).exists())
    with kept.open("xb") as file:
        file.write(path.read_bytes())
    return kept


def _record(notebook: NotebookNode) -> dict[str, Any]:
    return _dict(notebook.metadata.get("gentutor"))


def _nbgrader(cell: NotebookNode) -> dict[str, Any]:
    return _dict(cell.metadata.get("nbgrader"))


def _dict(value: object) -> dict[str, Any]:
    """`value` where it is a dictionary: metadata are the student's to change, and may be anything."""
    return value if isinstance(value, dict) else {}


def _is_solution(cell: NotebookNode | None) -> bool:
    return cell is not None and _nbgrader(cell).get("solution") is True


def _digest(cell: NotebookNode) -> str:
    return hashlib.sha256(cell.source.strip().encode()).hexdigest()[:16]


def _names(cells: list[NotebookNode]) -> str:
    return ", ".join(map(_name, cells))


def _name(cell: NotebookNode) -> str:
    """What a message calls the cell: its grade_id, or else how its text begins."""
    grade_id = _nbgrader(cell).get("grade_id")
    return str(grade_id) if grade_id else f'"{cell.source.strip()[:40].partition(chr(10))[0]}"'
