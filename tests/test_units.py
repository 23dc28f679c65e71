"""Units are found by the folder names of the released labs, and by any of their names."""

from pathlib import Path

import pytest

from gentutor import units


@pytest.fixture
def labs(tmp_path: Path) -> Path:
    for name in ("10_score", "01_pca", "08_wgan_gp", "draft_pca", "02_empty", ".ipynb_checkpoints"):
        (tmp_path / name).mkdir()
        if name != "02_empty":
            (tmp_path / name / f"{name}.ipynb").write_text("{}")
    (tmp_path / "01_pca" / "01_pca.before-update.ipynb").write_text("{}")
    (tmp_path / "README.md").write_text("")
    return tmp_path


def test_units_are_the_released_labs_by_number(labs):
    assert units.units(labs) == [
        units.Unit("01", "pca", labs / "01_pca" / "01_pca.ipynb"),
        units.Unit("08", "wgan_gp", labs / "08_wgan_gp" / "08_wgan_gp.ipynb"),
        units.Unit("10", "score", labs / "10_score" / "10_score.ipynb"),
    ]


def test_no_folder_of_labs_means_no_units(tmp_path):
    assert units.units(tmp_path / "labs") == []


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        *((spelling, "01_pca") for spelling in ("01", "1", "pca", "01_pca", "PCA", " 01 ")),
        *((spelling, "08_wgan_gp") for spelling in ("08", "8", "wgan_gp", "wgan-gp", "08-wgan-gp")),
        *((spelling, "10_score") for spelling in ("10", "score")),
    ],
)
def test_find_takes_number_slug_or_both(labs, spelling, name):
    assert units.find(spelling, labs).name == name


@pytest.mark.parametrize(("asked", "hint"), [("pac", "Did you mean pca?"), ("scores", "Did you mean score?")])
def test_find_suggests_a_near_spelling_and_lists_all(labs, asked, hint):
    with pytest.raises(units.UnknownUnit) as error:
        units.find(asked, labs)
    assert hint in str(error.value)
    assert "01_pca, 08_wgan_gp, 10_score" in str(error.value)


def test_find_without_any_lab_says_so(tmp_path):
    with pytest.raises(units.UnknownUnit, match="none yet"):
        units.find("01", tmp_path)


def test_course_root_is_the_clone_or_none(tmp_path, monkeypatch):
    monkeypatch.setattr(units, "PACKAGE", tmp_path / "gentutor")
    assert units.course_root() is None
    assert units.labs_folder() == tmp_path / "gentutor" / "labs"
    (tmp_path / "labs").mkdir()
    (tmp_path / "course").mkdir()
    assert units.course_root() == tmp_path
    assert units.labs_folder() == tmp_path / "labs"
