"""labs/ is what solutions/ releases: no more, no less, and no answer in it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from planting import ROOT, UNITS

SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
HIDDEN_TESTS = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)


def secret_lines(notebook) -> set[str]:
    """Lines of answers: inside the markers, and whole cells that a person marks."""
    blocks = [block for cell in notebook.cells for block in SOLUTION.findall(cell.source)]
    blocks += [cell.source for cell in notebook.cells if is_answer_in_words(cell)]
    lines = {line.strip() for block in blocks for line in block.splitlines()}
    return {line for line in lines if re.search(r"\w", line)}


def is_answer_in_words(cell) -> bool:
    info = cell.metadata.get("nbgrader", {})
    return bool(info.get("grade") and info.get("solution"))


def test_every_solution_is_released_and_nothing_else():
    assert sorted(path.name for path in (ROOT / "labs").iterdir()) == UNITS


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    """The folder of labs that nbgrader makes of solutions/, as `make labs` does."""
    root = tmp_path_factory.mktemp("released")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    shutil.copytree(ROOT / "solutions", root / "solutions")
    command = [sys.executable, "-m", "nbgrader", "generate_assignment", "--assignment=*"]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    return root / "labs"


@pytest.mark.parametrize("unit", UNITS)
def test_the_lab_is_what_its_source_releases_today(released, unit):
    fresh = nbformat.read(released / unit / f"{unit}.ipynb", as_version=4)
    committed = nbformat.read(ROOT / "labs" / unit / f"{unit}.ipynb", as_version=4)
    assert committed == fresh, "labs/ has drifted from solutions/: run `make labs`"


@pytest.mark.parametrize("unit", UNITS)
def test_no_line_of_an_answer_is_in_the_lab(unit):
    source = nbformat.read(ROOT / "solutions" / unit / f"{unit}.ipynb", as_version=4)
    lab = nbformat.read(ROOT / "labs" / unit / f"{unit}.ipynb", as_version=4)
    secret = secret_lines(source)
    assert secret
    released = {line.strip() for cell in lab.cells for line in cell.source.splitlines()}
    assert secret & released == set()
    text = "\n".join(cell.source for cell in lab.cells)
    assert not any(block in text for cell in source.cells for block in HIDDEN_TESTS.findall(cell.source))


@pytest.mark.parametrize("unit", UNITS)
def test_a_lab_is_laid_out_as_every_lab(unit):
    """Short cells, readable ids, outputs only where they were made, and answers in words with a rubric."""
    source = nbformat.read(ROOT / "solutions" / unit / f"{unit}.ipynb", as_version=4)
    for cell in source.cells:
        assert not re.fullmatch(r"[0-9a-f]{8}", cell.id), f"cell {cell.id} has a random id: name it"
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 25, cell.id
            assert cell.outputs == [], cell.id
        if cell.metadata.get("nbgrader", {}).get("grade") and cell.cell_type == "code":
            assert "raises-exception" in cell.metadata.tags, (
                f"{cell.id}: a failed check must not stop Run All"
            )
            exercise = cell.metadata.nbgrader.grade_id.removeprefix("check-")
            assert f'@check.exercise("{unit}/{exercise}"' in cell.source, cell.id
        if is_answer_in_words(cell):
            assert "**Rubric.**" in cell.source, cell.id
