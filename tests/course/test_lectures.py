"""What holds for every lecture as it is committed. That its outputs are true is nbval's part."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "course").glob("*.ipynb"))
LECTURES = [path for path in NOTEBOOKS if path.name[0].isdigit()]
READ = [
    path for path in NOTEBOOKS if path.stem != "index"
]  # from top to bottom: the lectures, and what goes with them
UNITS = {path.name for path in (ROOT / "labs").iterdir()}


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_every_unit_has_a_lecture_and_a_line_in_the_index():
    assert {path.stem for path in LECTURES} == UNITS
    index = "".join(cell.source for cell in read(ROOT / "course" / "index.ipynb").cells)
    for unit in UNITS:
        assert f"]({unit}.ipynb)" in index
        assert f"](../work/{unit}/{unit}.ipynb)" in index


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_fit_to_read(path):
    """Readable ids, short cells, code that was run in order without an error, nothing on standard error."""
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    for cell in read(path).cells:
        assert not re.fullmatch(r"[0-9a-f]{8}", cell.id), f"cell {cell.id} has a random id: name it"
    for cell in cells:
        assert len(cell.source.splitlines()) <= 25, cell.id
        for output in cell.outputs:
            assert output.output_type != "error", cell.id
            assert output.get("name") != "stderr", cell.id
            assert "\r" not in output.get("text", ""), f"{cell.id}: run it by `make lectures`"


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_a_code_cell_stands_under_a_heading_or_text_of_its_own(path):
    """At most three code cells in a row: one idea each, with words between."""
    kinds = "".join(cell.cell_type[0] for cell in read(path).cells)
    assert kinds.startswith("m")
    assert kinds.count("m") > kinds.count("c") / 2
    assert "cccc" not in kinds


@pytest.mark.parametrize("path", READ, ids=lambda path: path.stem)
def test_every_picture_has_a_text(path):
    pictures = 0
    for cell in code_cells(path):
        for i, output in enumerate(cell.outputs):
            if "image/png" in output.get("data", {}):
                pictures += 1
                text = output.metadata["image/png"]["alt"]
                assert len(text.split()) >= 10, f"{cell.id}: say what is to be seen"
                assert cell.outputs[i + 1].data["text/markdown"] == f"*{text}*", cell.id
    assert pictures


def test_what_a_lab_shows_has_a_text_too():
    """Figures in notebooks go through `plot.show`, which asks for one."""
    for path in [*READ, *(ROOT / "solutions").glob("*/*.ipynb")]:
        for cell in code_cells(path):
            assert "plt.show(" not in cell.source, cell.id
            if "subplots(" in cell.source or "image_grid(" in cell.source:
                assert "plot.show(" in cell.source, cell.id
