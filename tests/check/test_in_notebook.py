"""What a student sees of a check in a real kernel, and what nbgrader would take marks off for."""

import nbformat
import pytest
from nbclient import NotebookClient

CELLS = {
    "set-up": """
import logging, sys, warnings
import torch
from tqdm import tqdm
from gentutor import check

def run(function, **inputs):
    with check.Exercise("01_pca/double") as ex:
        ex.call(function, x=2.0, returns="y").equals(4.0)
""",
    "right": "run(lambda x: 2 * x)",
    "noisy": """
def noisy(x):
    print("to standard output")
    print("to standard error", file=sys.stderr)
    warnings.warn("a warning")
    logging.warning("a log entry")
    list(tqdm([1, 2], desc="a bar"))
    torch.tensor(x, requires_grad=True).numpy(force=True)
    return float(torch.tensor([2 * x], requires_grad=True))  # torch warns
run(noisy)
""",
    "wrong": "run(lambda x: 3 * x)",
    "unwritten": "def unwritten(x):\n    raise NotImplementedError()\nrun(unwritten)",
    "error": "def broken(x):\n    return [x][7]\nrun(broken)",
    "after": "print('the kernel is alive')",
}


@pytest.fixture(scope="module")
def outputs():
    cells = [nbformat.v4.new_code_cell(source) for source in CELLS.values()]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=60).execute()
    return {name: cell.outputs for name, cell in zip(CELLS, notebook.cells, strict=True)}


def text(outputs):
    return "".join(output.text for output in outputs if output.output_type == "stream")


def test_nothing_goes_to_standard_error(outputs):
    streams = [o.name for cell in outputs.values() for o in cell if o.output_type == "stream"]
    assert set(streams) == {"stdout"}
    for said in ("to standard output", "to standard error", "a warning", "a log entry", "a bar: 100%"):
        assert said in text(outputs["noisy"])


def test_success_is_one_line(outputs):
    assert text(outputs["right"]).startswith("✓ double: ")
    assert text(outputs["right"]).count("\n") == 1
    assert text(outputs["noisy"]).splitlines()[-1].startswith("✓ double: ")
    assert text(outputs["after"]) == "the kernel is alive\n"


@pytest.mark.parametrize(
    ("cell", "first", "second"),
    [
        ("wrong", "✗ double · value of y", "not what the definition gives"),
        ("unwritten", "○ double · not written yet", "Write unwritten in its cell above"),
        ("error", "✗ double · error", "IndexError: list index out of range (line 2: return [x][7])"),
    ],
)
def test_failure_is_three_lines_in_place_of_a_traceback(outputs, cell, first, second):
    (output,) = outputs[cell]
    assert (output.output_type, output.ename) == ("error", "CheckFailed")
    assert len(output.traceback) == 3
    assert output.traceback[0] == first
    assert second in output.traceback[1]
    assert "[seed " in output.traceback[2]
