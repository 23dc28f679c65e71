"""`gentutor doctor`: what is there, what is missing, what for, and how to mend it."""

import json
import sys
from pathlib import Path

import pytest

from gentutor import doctor, units


def row(name: str) -> doctor.Row:
    return next(doctor.examine([check for check in doctor.all_checks() if check.name == name]))


def check(look: object, needed: bool = True) -> doctor.Check:
    assert callable(look)
    return doctor.Check("thing", look, needed, "what it is for", "how to mend it")


def broken() -> str:
    raise RuntimeError("operator torchvision::nms\n does not exist")


@pytest.mark.parametrize(("needed", "state"), [(True, "NEEDED"), (False, "optional")])
def test_what_is_missing_says_what_it_is_for_and_how_to_mend_it(needed, state):
    (missing,) = doctor.examine([check(broken, needed)])
    assert missing.state == state
    shown = str(missing)
    assert "operator torchvision::nms does not exist" in shown
    assert "for: what it is for" in shown
    assert "mend: how to mend it" in shown


def test_what_is_there_is_one_short_row():
    (there,) = doctor.examine([check(lambda: "1.2.3")])
    assert str(there).split() == ["ok", "thing", "1.2.3"]


def test_an_error_without_a_message_is_named_by_its_kind():
    def look() -> str:
        raise KeyError

    (missing,) = doctor.examine([check(look)])
    assert missing.found == "KeyError"


def test_one_failing_check_does_not_hide_the_next():
    assert [r.state for r in doctor.examine([check(broken), check(lambda: "x")])] == ["NEEDED", "ok"]


def test_every_row_reads_in_80_columns_of_plain_text():
    for each in doctor.all_checks():
        shown = str(doctor.Row(each, "not found: " + "some words " * 20, "NEEDED"))
        assert all(len(line) <= 80 for line in shown.splitlines() if " " in line.strip()), shown
        assert shown.isascii()
        assert each.purpose
        assert each.mend


def test_the_names_cover_what_labs_need():
    needed = {each.name for each in doctor.all_checks() if each.needed}
    assert needed == {
        "Python", "torch", "device", "digits", "labs", "work folder", "JupyterLab", "kernel"
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["Python", "torch", "device", "digits", "JupyterLab", "Notebook", "nbgrader"]
)
def test_what_the_tests_themselves_run_on_is_found(name):
    assert row(name).state == "ok"


def test_a_torchvision_that_does_not_load_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    assert row("torch").state == "NEEDED"
    assert "torchvision" in str(row("torch"))


def test_mnist_is_looked_for_where_the_data_lie(monkeypatch, tmp_path):
    for variable in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA", "GENTUTOR_DATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    assert row("mnist").state == "optional"
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{part}-ubyte").write_bytes(b"")
    assert row("mnist").state == "ok"
    assert row("fashion-mnist").state == "optional"


def stray_kernel(folder: Path) -> None:
    """What another Python leaves behind: a kernel "python3" that is not this environment's."""
    (folder / "kernels" / "python3").mkdir(parents=True)
    spec = {"argv": [str(folder / "python"), "{connection_file}"], "display_name": "x", "language": "python"}
    (folder / "kernels" / "python3" / "kernel.json").write_text(json.dumps(spec))


def test_the_kernel_is_this_environments_whatever_else_is_installed(monkeypatch, tmp_path):
    stray_kernel(tmp_path / "jupyter")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    assert row("kernel").state == "ok"


def test_a_kernel_that_is_not_this_environments_is_needed(monkeypatch, tmp_path):
    stray_kernel(tmp_path / "jupyter")
    monkeypatch.setattr(doctor.jupyter, "environment", lambda: {"JUPYTER_PATH": str(tmp_path / "jupyter")})
    assert row("kernel").state == "NEEDED"


def test_labs_and_the_work_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(units, "PACKAGE", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert row("labs").state == "NEEDED"
    assert str(tmp_path / "labs") in row("labs").found
    (tmp_path / "labs" / "01_pca").mkdir(parents=True)
    (tmp_path / "labs" / "01_pca" / "01_pca.ipynb").write_text("{}")
    assert row("labs").found == "01_pca"
    assert row("work folder").found.startswith(str(tmp_path / "work"))
    monkeypatch.setattr(doctor, "ENOUGH_DISK", 1e18)
    assert row("work folder").state == "NEEDED"
    assert "free" in row("work folder").found
