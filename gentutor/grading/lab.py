"""Which cells of a lab are the class's, the student's and the judge's.

A given cell that depends on no answer computes the same for every student. Such cells are the class's: they
run once, and every trial takes over what they bound and showed (see `trial/template.py`). What depends on an
answer runs in the student's process, and the checks run in the judge's.
"""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from gentutor import workbook
from gentutor.grading import names
from gentutor.grading.records import Cell, Job, Kind, Limits, Submission
from gentutor.units import PACKAGE


class LabError(ValueError):
    """The lab itself cannot be graded: it is missing, has drifted, or a cell of its own fails."""


@dataclass(frozen=True)
class Lab:
    """One unit's lab as the grader needs it.

    Attributes:
        unit: its name, "01_pca".
        release: the notebook that students got, from labs/.
        master: the notebook with answers and hidden tests, from solutions/.
    """

    unit: str
    release: NotebookNode = field(repr=False)
    master: NotebookNode = field(repr=False)

    @classmethod
    def load(cls, course: Path, unit: str) -> "Lab":
        """The lab of a course's folder. Raises LabError, which says what is missing and how to mend it."""
        paths = [course / folder / unit / f"{unit}.ipynb" for folder in ("labs", "solutions")]
        for path in paths:
            if not path.exists():
                raise LabError(
                    f"There is no {path}. Grading needs both labs/ and solutions/: run `make labs`."
                )
        lab = cls(unit, *map(workbook.read, paths))
        if [cell.id for cell in lab.release.cells] != [cell.id for cell in lab.master.cells]:
            raise LabError(f"labs/{unit} is not what solutions/{unit} releases today: run `make labs`.")
        return lab

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all that decides a mark: cells, texts and points of release and master."""
        return workbook.fingerprint(self.master)

    @cached_property
    def exercises(self) -> dict[str, float]:
        """The points of each graded cell, by grade id."""
        infos = [nbgrader(cell) for cell in self.master.cells]
        return {info["grade_id"]: float(info["points"]) for info in infos if info.get("grade")}

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """Of each code cell by its id."""
        return self._sorted[0]

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """Names that come from the student's process: those of answers, and of given cells that use them."""
        return self._sorted[1]

    @cached_property
    def _sorted(self) -> tuple[dict[str, Kind], tuple[str, ...]]:
        kinds: dict[str, Kind] = {}
        code = [cell for cell in self.master.cells if cell.cell_type == "code"]
        found = {cell.id: names.of(cell.source) for cell in code}
        students: set[str] = set()  # a function of the class's may name what is bound after it
        while True:
            before = set(students)
            for cell in code:
                info, own = nbgrader(cell), found[cell.id]
                if info.get("grade") and not info.get("solution"):
                    kinds[cell.id] = "check"
                elif info.get("solution") or own.asks or own.reads & students:
                    kinds[cell.id] = "student"
                    students |= own.binds
                else:
                    kinds[cell.id] = "class"
            if students == before:
                return kinds, tuple(sorted(students))

    def payload(self) -> bytes:
        """What the warm process is given: the given cells' texts, and nothing that a student may not see."""
        cells = [
            {"id": cell.id, "source": cell.source, "reads": sorted(names.of(cell.source).reads)}
            for cell in self.release.cells
            if self.kinds.get(cell.id) == "class"
        ]
        return json.dumps({"unit": self.unit, "cells": cells}).encode()

    def job(self, submission: Submission, salt: str, limits: Limits) -> Job:
        """The submission's trial as plain data."""
        cells = []
        for cell in submission.notebook.cells:
            kind = self.kinds.get(cell.id, "student")
            if cell.cell_type == "code" and cell.source.strip():
                cells.append(Cell(cell.id, kind, "" if kind == "class" else cell.source))
        return Job(submission.student, self.fingerprint, tuple(cells), self.answers, salt, limits)


def nbgrader(cell: NotebookNode) -> dict[str, Any]:
    """The cell's record of nbgrader's, {} where it has none."""
    record: dict[str, Any] = cell.metadata.get("nbgrader", {})
    return record


@cache
def own_code() -> str:
    """Version and digest of the package as it is in this process."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{version('gentutor')}, code {digest.hexdigest()[:12]}"


def fingerprint(submission: Submission, lab: Lab, limits: Limits, sandbox: bool) -> str:
    """SHA-256 over all that decides a submission's marks: the same again need not be tried again.

    The package's code is part of it, since the checks are; and whether there was a sandbox, without which a
    mark is worth less.
    """
    cells = [[cell.id, cell.cell_type, cell.source] for cell in submission.notebook.cells]
    about = [lab.fingerprint, own_code(), sandbox, str(submission.at), submission.late, repr(limits)]
    text = json.dumps([about, cells])
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
