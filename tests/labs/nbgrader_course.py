"""A course in a folder of its own, in which plain nbgrader works, or `gentutor grade`."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from planting import ROOT

Marks = dict[str, tuple[float | None, float, bool]]


@dataclass(frozen=True)
class Course:
    """A copy of the committed tree's solutions of one unit, and what grading writes."""

    root: Path
    unit: str

    @classmethod
    def made(cls, root: Path, unit: str) -> "Course":
        """A new course in that folder, with the unit released."""
        course = cls(root, unit)
        shutil.copytree(ROOT / "solutions" / unit, root / "solutions" / unit)
        shutil.copy(ROOT / "nbgrader_config.py", root)
        course.nbgrader("generate_assignment", unit)
        return course

    def copied(self, root: Path) -> "Course":
        """The same course, its salt too, in a folder of its own."""
        shutil.copytree(self.root, root)
        return Course(root, self.unit)

    def nbgrader(self, *arguments: str) -> str:
        """What nbgrader says; fails where it does."""
        return self._run("-m", "nbgrader", *arguments)

    def grade(self, handed_in: Path, *options: str) -> str:
        """What `gentutor grade` says of a class; fails where it does."""
        main = "from gentutor.cli import main; main()"
        return self._run("-c", main, "grade", self.unit, str(handed_in), "--folder", str(self.root), *options)

    def _run(self, *arguments: str) -> str:
        command = [sys.executable, *arguments]
        run = subprocess.run(command, cwd=self.root, capture_output=True, encoding="utf-8", timeout=3600)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout + run.stderr

    def notebook(self, *parts: str) -> Path:
        """The path of the unit's notebook in these folders."""
        return self.root.joinpath(*parts, self.unit, f"{self.unit}.ipynb")

    @property
    def release(self) -> Path:
        """What students get."""
        return self.notebook("labs")

    @property
    def solution(self) -> Path:
        """What the instructor wrote."""
        return self.notebook("solutions")

    @property
    def submitted(self) -> Path:
        """Where nbgrader looks for what was handed in."""
        return self.root / "build" / "grading" / "submitted"

    def hand_in(self, copies: Mapping[str, NotebookNode], folder: Path | None = None) -> Path:
        """Puts a notebook for each student into a folder as nbgrader has it; returns the folder."""
        folder = folder or self.submitted
        for student, notebook in copies.items():
            path = folder / student / self.unit / f"{self.unit}.ipynb"
            path.parent.mkdir(parents=True)
            nbformat.write(notebook, path)
        return folder

    def autograded(self, student: str) -> NotebookNode:
        """The student's notebook after grading."""
        path = self.notebook("build", "grading", "autograded", student)
        return nbformat.read(path, as_version=4)

    def marks(self, student: str) -> Marks:
        """By graded cell: automatic marks (None while a person's are due), most there are, are they due."""
        return self.all_marks()[student]

    def all_marks(self) -> dict[str, Marks]:
        """The same of each student."""
        with Gradebook(f"sqlite:///{self.root / 'build' / 'grading' / 'gradebook.db'}") as gradebook:
            return {
                submission.student.id: {
                    g.name: (g.auto_score, g.max_score, g.needs_manual_grade)
                    for notebook in submission.notebooks
                    for g in notebook.grades
                }
                for submission in gradebook.assignment_submissions(self.unit)
            }
