"""No verdict on a planted answer depends on the salt: tools/many_salts.py, under two salts."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import toy
from planting import ROOT, UNITS, cell_of

from gentutor.check import SALT_VARIABLE, Draw, seed_for

FLAKY = """@check.exercise("99_toy/double")
def judge(ex):
    x = torch.tensor(float(ex.draw.integer(0, 2)))
    ex.call(double, x=x, returns="y").equals(2 * x)"""
PLANTED = '''from planting import Answers

answers = Answers()


@answers.wrong("double", fails="value of y")
def double(x):
    """Squares."""
    return x * x


@answers.right("double")
def double(x):
    """Divides."""
    return 2 * x * x / x
'''


def many_salts(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(root / "tools" / "many_salts.py"), *arguments]
    return subprocess.run(command, capture_output=True, encoding="utf-8", timeout=600)


@pytest.mark.parametrize("unit", UNITS)
def test_no_verdict_depends_on_the_salt(unit):
    tried = many_salts(ROOT, unit, "--salts", "2")
    assert tried.returncode == 0, tried.stdout + tried.stderr


def test_a_check_with_careless_inputs_is_found(tmp_path, monkeypatch):
    """Drawn from 0, 1, 2: of 0 and 2 the square is the double, and nothing is divided by 0."""
    for name in ("tools/many_salts.py", "tests/labs/planting.py", "tests/labs/figures.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "tests" / "labs" / "99_toy.py").write_text(PLANTED)
    (tmp_path / "solutions" / "99_toy").mkdir(parents=True)
    (tmp_path / "docs").mkdir()
    notebook = toy.master()
    cell_of(notebook, "check-double").source = FLAKY
    nbformat.write(notebook, tmp_path / "solutions" / "99_toy" / "99_toy.ipynb")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    tried = many_salts(tmp_path, "99_toy", "--salts", "12", "--keep")

    drawn = {}
    for salt in map(str, range(12)):
        monkeypatch.setenv(SALT_VARIABLE, salt)
        drawn[salt] = Draw(seed_for("99_toy/double")).integer(0, 2)
    assert set(drawn.values()) == {0, 1, 2}
    squares = [f"salt {salt}: passed (Squares.)" for salt, x in drawn.items() if x != 1]
    divides = [f"salt {salt}: double · finite y: holds NaN" for salt, x in drawn.items() if x == 0]
    assert tried.returncode == 1, tried.stderr
    *lines, _ = tried.stdout.splitlines()
    assert len(lines) == len(squares + divides)
    for line, said in zip(lines, squares + divides, strict=True):
        assert line.startswith(f"99_toy, double, {said}")
    kept = (tmp_path / "docs" / "grading_figures.toml").read_text()
    assert kept == f"[99_toy]\nsalts = 12\nverdicts = 36\nwrong_verdicts = {len(lines)}\n"
