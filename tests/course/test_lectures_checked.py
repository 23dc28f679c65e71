"""The notebook of the lectures' own chains: each is there as it is printed, and judged as it deserves."""

import tomllib
from pathlib import Path

import nbformat
import pytest

from gentutor.derive import check

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "course" / "lectures_checked.ipynb"
PRINTED = tomllib.loads((ROOT / "tests/derive/chains/lectures.toml").read_text(encoding="utf-8"))["chain"]
CELLS = {cell.id: cell.source.splitlines() for cell in nbformat.read(NOTEBOOK, as_version=4).cells}

each_chain = pytest.mark.parametrize("chain", PRINTED, ids=[chain["id"] for chain in PRINTED])


@each_chain
def test_a_chain_stands_as_it_is_printed(chain):
    """Line by line; and only one that is exact may be called the lecture's own."""
    magic, source, *lines = CELLS[chain["id"]]
    assert magic == f"%%derive {chain['setting']} as {chain['id'].replace('-', '_')}"
    assert source == "% " + ("" if chain["quote"] == "exact" else "after ") + chain["source"]
    assert [line.strip() for line in lines] == chain["lines"]
    assert [step.holds for step in check("\n".join(lines), chain["setting"]).steps] == chain["holds"]


@each_chain
def test_a_wrong_line_is_followed_by_the_one_that_holds(chain):
    corrected = CELLS.get(f"{chain['id']}-corrected")
    assert (corrected is None) == all(chain["holds"])
    if corrected is not None:
        assert check("\n".join(corrected[1:]), chain["setting"]).ok
        lines = [line.strip() for line in corrected[1:]]
        changed = [line not in lines for line in chain["lines"]]
        assert changed == [not holds for holds in chain["holds"]], "only the wrong line is changed"


def test_the_table_at_the_top_counts_all_of_them():
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    (output,) = next(cell for cell in cells if cell.id == "table").outputs
    verdicts = [holds for chain in PRINTED for holds in chain["holds"]]
    assert f"{sum(verdicts)} of {len(verdicts)} lines hold" in output.data["text/markdown"]
    assert all(f"`{chain['id'].replace('-', '_')}`" in output.data["text/markdown"] for chain in PRINTED)
