"""A small lab with all kinds of cells, its solution and its release, without a line of the real labs."""

import re
from copy import deepcopy

from nbformat import NotebookNode, v4

from gentutor.grading.lab import Lab
from gentutor.grading.records import Submission

UNIT = "99_toy"

SETUP = "import torch\n\nfrom gentutor import check"
DATA = 'X = torch.arange(12.0).double().reshape(4, 3)\nprint("the data")'
DOUBLE = '''def double(x):
    """Twice x."""
    ### BEGIN SOLUTION
    return 2 * x
    ### END SOLUTION'''
CHECK_DOUBLE = """@check.exercise("99_toy/double")
def judge(ex):
    x, w = ex.draw.normal(4, 3), ex.draw.normal(4, 3)
    value, by_x = ex.call(double, x=x, returns="value", wrt="x", weights=(w,))
    value.equals(2 * x)
    by_x.equals(2 * w)
    ### BEGIN HIDDEN TESTS
    row = ex.draw.normal(5)
    ex.call(double, x=row, returns="value of a row").equals(2 * row)
    ### END HIDDEN TESTS"""
TOTAL = 'total = float(X.sum())\nprint("the total is", total)'
USE = 'print("doubled:", float(double(X).sum()))'
STEP = '''def step(layer, x):
    """Adds the mean of x (n, d) to the weight (1, d) of the layer."""
    ### BEGIN SOLUTION
    with torch.no_grad():
        layer.weight += x.mean(0)
    ### END SOLUTION'''
CHECK_STEP = """@check.exercise("99_toy/step")
def judge(ex):
    state = {"weight": ex.draw.normal(1, 3), "bias": ex.draw.normal(1)}
    layer = check.Made("torch.nn.Linear", {"in_features": 3, "out_features": 1}, state)
    x = ex.draw.normal(6, 3)
    _, after = ex.call(step, layer=layer, x=x, returns="nothing", changes="layer")
    after["weight"].equals(state["weight"] + x.mean(0))
    after["bias"].equals(state["bias"])"""
ASK = 'print("yours" if check.passed("99_toy/double") else "ours")'
WORDS = "Because it is twice as much.\n\n**Rubric.** One point."


def _cell(cell_id: str, source: str, kind: str = "", points: int = 0) -> NotebookNode:
    make = v4.new_markdown_cell if kind == "words" else v4.new_code_cell
    cell = make(source, id=cell_id)
    if kind:
        cell.metadata["nbgrader"] = {
            "grade": kind in ("check", "words"),
            "grade_id": cell_id,
            "locked": kind == "check",
            "schema_version": 3,
            "solution": kind in ("answer", "words"),
            "task": False,
        }
        if points:
            cell.metadata["nbgrader"]["points"] = points
    if kind == "check":
        cell.metadata["tags"] = ["raises-exception"]
    return cell


def master() -> NotebookNode:
    """The instructor's notebook."""
    return v4.new_notebook(
        cells=[
            _cell("setup", SETUP),
            _cell("data", DATA),
            _cell("double", DOUBLE, "answer"),
            _cell("check-double", CHECK_DOUBLE, "check", 3),
            _cell("total", TOTAL),
            _cell("use", USE),
            _cell("step", STEP, "answer"),
            _cell("check-step", CHECK_STEP, "check", 2),
            _cell("ask", ASK),
            _cell("words", WORDS, "words", 4),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


def release() -> NotebookNode:
    """What students get."""
    notebook = master()
    for cell in notebook.cells:
        if cell.id == "words":
            cell.source = "*Your answer here.*"
        solved = r" *### BEGIN SOLUTION.*?### END SOLUTION"
        cell.source = re.sub(solved, "    raise NotImplementedError()", cell.source, flags=re.DOTALL)
        hidden = r"\n *### BEGIN HIDDEN TESTS.*### END HIDDEN TESTS"
        cell.source = re.sub(hidden, "", cell.source, flags=re.DOTALL)
    return notebook


def lab() -> Lab:
    """The lab as the grader has it."""
    return Lab(UNIT, release(), master())


def submission(student: str = "ada", solved: bool = True, **answers: str) -> Submission:
    """A rebuilt submission: the solution or the untouched lab, with the texts of some cells replaced.

    A name that no cell has is put before the first check, as a cell of the student's own.
    """
    notebook = deepcopy(master())
    for cell, given in zip(notebook.cells, release().cells, strict=True):
        if not solved and cell.metadata.get("nbgrader", {}).get("solution"):
            cell.source = given.source
        if cell.id in answers:
            cell.source = answers.pop(cell.id)
    for name, source in answers.items():
        notebook.cells.insert(3, v4.new_code_cell(source, id=name))
    return Submission(student, notebook, None, False, (), b"")
