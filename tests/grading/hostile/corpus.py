"""What a hostile submission is: an edited notebook of lab 01, and the outcome that it must have, as data.

Three notebooks are edited: the *untouched* release; the *hollow* one, whose answers have the right shapes and
wrong values, so that whatever makes a comparison lie gains marks; and the *solved* one, which has them all.
An attack must gain nothing; an accident must cost the exercise that it befell and no other.
"""

import textwrap
from collections.abc import Callable, Iterable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import nbformat
from nbformat import NotebookNode, v4
from planting import ROOT, cell_of, submission

UNIT = "01_pca"
Base = Literal["untouched", "hollow", "solved"]

RELEASE = nbformat.read(ROOT / "labs" / UNIT / f"{UNIT}.ipynb", as_version=4)
SOLVED = submission(
    ROOT / "labs" / UNIT / f"{UNIT}.ipynb", ROOT / "solutions" / UNIT / f"{UNIT}.ipynb", planted={}
)

# Points of each exercise that a check gives, in the lab's order.
POINTS = {
    cell.metadata.nbgrader.grade_id.removeprefix("check-"): cell.metadata.nbgrader.points
    for cell in RELEASE.cells
    if cell.metadata.get("nbgrader", {}).get("grade_id", "").startswith("check-")
}

HOLLOW = {
    "fit": """
        def fit(X, r):
            return X[0] * 0, torch.eye(X.shape[1], r, dtype=X.dtype)
        """,
    "encode_decode": """
        def encode(X, mean, Theta):
            return X @ Theta * 0

        def decode(Y, mean, Theta):
            return Y @ Theta.T * 0
        """,
    "errors": """
        def squared_error(X, X_hat):
            return (X_hat * 0).sum()

        def tail_error(singular_values, n, r):
            return singular_values.sum() * 0
        """,
    "kept": """
        def kept_answers():
            return {"a": "0", "b": "0", "c": "0"}
        """,
    "gradient_step": """
        def gradient_step(Theta, Phi, X, lr):
            return Theta * 0, Phi * 0, X.sum() * 0
        """,
    "largest_angle": """
        def largest_angle(A, B):
            return A.sum() * 0
        """,
}

# What an attack prints where it got through. It is put together at run time, so that no source contains it.
GOT_THROUGH = "GOT THROUGH"
PRELUDE = """
    def got_through(*what):
        print("GOT " + "THROUGH", *what)
    """


@dataclass(frozen=True)
class World:
    """What the attacker knows of the grading machine, which is everything: nothing rests on a hidden path.

    Attributes:
        course: the instructor's clone, with solutions/ and build/grading/.
        secret: a file in the home folder that only the instructor should read.
        port, socket: where a server listens on this machine, by TCP and by a Unix socket.
        mark: the start of a path under which attacks leave files, and a word in the command lines of what
            they leave running.
    """

    course: Path
    secret: Path
    port: int
    socket: str
    mark: str


@dataclass
class Lab:
    """A notebook in the making. `data`, where it is set, is handed in in the notebook's place."""

    notebook: NotebookNode
    world: World
    data: bytes | None = None

    @property
    def cells(self) -> list[NotebookNode]:
        return self.notebook.cells

    def cell(self, name: str) -> NotebookNode:
        """The cell with that nbgrader id."""
        return cell_of(self.notebook, name)

    def answer(self, exercise: str, source: str) -> None:
        """Hands in another answer to the exercise."""
        self.cell(exercise).source = text(source)

    def own(self, source: str, *, after: str = "setup", kind: str = "code") -> None:
        """A cell of the student's own, below the cell with that id, or nbgrader id."""
        new = {"code": v4.new_code_cell, "markdown": v4.new_markdown_cell}[kind](text(source))
        names = [(c.get("id"), c.metadata.get("nbgrader", {}).get("grade_id")) for c in self.cells]
        self.cells.insert(1 + next(i for i, known in enumerate(names) if after in known), new)

    def attack(self, source: str, *, after: str = "setup") -> None:
        """The same, with `got_through` defined and the names of `World` bound."""
        w = self.world
        known = f"COURSE, SECRET, PORT = {str(w.course)!r}, {str(w.secret)!r}, {w.port}\n"
        known += f"SOCKET, MARK = {w.socket!r}, {w.mark!r}\n"
        self.own(text(PRELUDE) + "\n\n" + known + text(source), after=after)


@dataclass(frozen=True)
class Case:
    """A submission and the outcome that it must have.

    Attributes:
        name: the student's id.
        kind: the class of attack or accident.
        what: what the student did.
        base: the notebook that is edited.
        edit: edits it.
        costs: exercises of a solved lab that it loses.
        refused: whether it cannot be graded at all.
        says: a pattern that what is said of this student must contain: a note, a reason, a message.
        seconds: what its trial may take, on the wall.
        place: writes it to disk, where that is part of the attack.
    """

    name: str
    kind: str
    what: str
    base: Base
    edit: Callable[[Lab], None]
    costs: tuple[str, ...] = ()
    refused: bool = False
    says: str = ""
    seconds: float = 15.0
    place: Callable[[Lab, Path], None] | None = field(default=None)

    def made(self, world: World) -> Lab:
        """The edited notebook."""
        lab = Lab(deepcopy(RELEASE if self.base == "untouched" else SOLVED), world)
        if self.base == "hollow":
            for exercise, source in HOLLOW.items():
                lab.answer(exercise, source)
        self.edit(lab)
        return lab

    @property
    def marks(self) -> dict[str, float]:
        """Points by exercise, exactly."""
        kept = () if self.base != "solved" or self.refused else POINTS.keys() - set(self.costs)
        return {exercise: most if exercise in kept else 0.0 for exercise, most in POINTS.items()}


CASES: dict[str, Case] = {}


def text(source: str) -> str:
    """The source without the indentation that it has in these files."""
    return textwrap.dedent(source).strip("\n") + "\n"


def case(
    base: Base = "solved",
    *,
    costs: Iterable[str] = (),
    refused: bool = False,
    says: str = "",
    seconds: float = 15.0,
) -> Callable[[Callable[[Lab], None]], Callable[[Lab], None]]:
    """The decorated function edits a lab; its name, its docstring and its file name the case."""

    def add(edit: Callable[[Lab], None]) -> Callable[[Lab], None]:
        name = edit.__name__.replace("_", "-")
        kind = edit.__module__.rpartition(".")[2]
        assert name not in CASES, name
        CASES[name] = Case(name, kind, edit.__doc__ or "", base, edit, tuple(costs), refused, says, seconds)
        return edit

    return add


EVERYTHING = tuple(POINTS)
