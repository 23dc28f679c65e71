"""Whose each file is, in every layout in which a class is handed over."""

import shutil
import zipfile
from datetime import datetime

import pytest
from intake_class import UNIT, Tree, folder, place, told, zipped

from gentutor.grading.intake import NothingToGrade, collect, latest
from gentutor.grading.records import Handed

both = pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])


@both
def test_nbgraders_layout(packed, tmp_path):
    tree: Tree = {
        "ada/01_pca/01_pca.ipynb": b"A",
        "ada/01_pca/timestamp.txt": b"2026-11-21 17:05:55.123 UTC\n",
        "ada/02_autoencoders/02_autoencoders.ipynb": b"other",
        "bob/01_pca/01_pca.ipynb": b"B",
        "bob/01_pca/timestamp.txt": b"2026-11-21 17:05:55 CET\n",
        "bob/01_pca/.ipynb_checkpoints/01_pca-checkpoint.ipynb": b"old",
        "eve/02_autoencoders/02_autoencoders.ipynb": b"other",
        "joe/01_pca": None,
        "sue": None,
    }
    intake = collect(place(tmp_path, tree, packed), UNIT)
    assert told(intake) == {"ada": b"A", "bob": b"B"}
    assert {each.student: each.at for each in intake.handed} == {
        "ada": datetime(2026, 11, 21, 17, 5, 55, 123000),
        "bob": datetime(2026, 11, 21, 16, 5, 55),
    }
    assert intake.absent == ["eve", "joe", "sue"]


@both
def test_a_folder_or_a_file_for_each_student(packed, tmp_path):
    tree: Tree = {
        "ada/01_pca.ipynb": b"A",
        "bob/homework/lab 1.ipynb": b"B",
        "bob/homework/notes.pdf": b"%PDF",
        "bob/data.zip": b"not looked into",
        "eve/work/01_pca/01_pca.ipynb": b"E",
        "eve/work/01_pca/01_pca.before-update.ipynb": b"older",
        "eve/work/02_autoencoders/02_autoencoders.ipynb": b"other",
        "joe.ipynb": b"J",
        "sue_01_pca.ipynb": b"S",
        "01_pca-tom.ipynb": b"T",
        "marks.csv": b"a,b",
        ".DS_Store": b"",
        "__MACOSX/ada/._01_pca.ipynb": b"",
    }
    intake = collect(place(tmp_path, tree, packed), UNIT)
    expected = {"ada": b"A", "bob": b"B", "eve": b"E", "joe": b"J", "sue": b"S", "tom": b"T"}
    assert told(intake) == expected
    assert intake.absent == []
    (passed_over,) = intake.passed_over
    assert passed_over.endswith("marks.csv")


@both
def test_moodle_with_folders(packed, tmp_path):
    tree: Tree = {
        "Ada Lovelace_123456_assignsubmission_file_/01_pca.ipynb": b"A",
        "Ada Lovelace_123456_assignsubmission_onlinetext_/onlinetext.html": b"<p>hello",
        "Ada Lovelace_123457_assignsubmission_file/01_pca.ipynb": b"another Ada",
        "Participant_88_assignsubmission_file/deep/er/01_pca.ipynb": b"P",
        "Bob_9_assignsubmission_onlinetext/onlinetext.html": b"<p>sorry",
        "Eve_10_assignsubmission_file/report.pdf": b"%PDF",
        "Joe_11_assignsubmission_file/handin.zip": zipped({"lab/01_pca.ipynb": b"J", "lab/x.png": b""}),
    }
    intake = collect(place(tmp_path, tree, packed), UNIT)
    assert told(intake) == {
        "Ada Lovelace_123456": b"A",
        "Ada Lovelace_123457": b"another Ada",
        "Participant_88": b"P",
        "Eve_10": "There is no notebook in it, but report.pdf. Hand in 01_pca.ipynb.",
        "Joe_11": b"J",
    }
    assert intake.absent == ["Bob_9"]


@both
def test_moodle_without_folders(packed, tmp_path):
    tree: Tree = {
        "Ada Lovelace_123456_assignsubmission_file_01_pca.ipynb": b"A",
        "Ada Lovelace_123456_assignsubmission_onlinetext_onlinetext.html": b"<p>hello",
        "Bob O Brien_77_assignsubmission_file_my_12_34_lab.ipynb": b"B",
        "Eve_10_assignsubmission_file_handin.zip": zipped({"01_pca.ipynb": b"E"}),
    }
    intake = collect(place(tmp_path, tree, packed), UNIT)
    assert told(intake) == {"Ada Lovelace_123456": b"A", "Bob O Brien_77": b"B", "Eve_10": b"E"}


@both
def test_canvas(packed, tmp_path):
    tree: Tree = {
        "lovelaceada_12345_678901_01_pca.ipynb": b"A",
        "hopper_grace_LATE_12346_678902_01_pca-2.ipynb": b"G2",
        "hopper_grace_LATE_12346_678900_01_pca-1.ipynb": b"G1",
        "latelate_12347_678903_my_1_2_lab.ipynb": b"L",
        "李小龍_LATE_12348_678904_01_pca.ipynb": b"K",
        "anon_x7Tq2_678905_01_pca.ipynb": b"N",
        "LATE_anon_y8_678906_01_pca.ipynb": b"M",
        "eve_12349_678907_report.pdf": b"%PDF",
        "joe_12350_678908_handin.zip": zipped({"01_pca.ipynb": b"J"}),
        "sue_12351_678909_01_pca.ipynb": b"S",
        "sue_12351_678910_scratch.ipynb": b"which?",
        "tom_12352_text.html": b"<p>",
        "uma_12353_678911_01_pca.ipynb": b"U",
        "uma_12353_678912_scratch-1.ipynb": b"which?",
    }
    intake = collect(place(tmp_path, tree, packed), UNIT)
    result = told(intake)
    for student in ("sue_12351", "uma_12353"):
        assert "There are 2 different notebooks" in result.pop(student)
    assert result == {
        "lovelaceada_12345": b"A",
        "hopper_grace_12346": b"G2",
        "latelate_12347": b"L",
        "李小龍_12348": b"K",
        "anon_x7Tq2": b"N",
        "anon_y8": b"M",
        "eve_12349": "There is no notebook in it, but eve_12349_678907_report.pdf. Hand in 01_pca.ipynb.",
        "joe_12350": b"J",
    }
    late = {each.student for each in intake.handed if each.late}
    assert late == {"hopper_grace_12346", "李小龍_12348", "anon_y8"}
    last, notes = latest(intake.handed)
    assert [each.attempt for each in last if each.student == "hopper_grace_12346"] == [3]
    assert list(notes) == ["hopper_grace_12346"]
    assert "2 times" in notes["hopper_grace_12346"][0]
    assert "01_pca-2.ipynb" in notes["hopper_grace_12346"][0]


def test_nbgraders_exchange_with_attempts(tmp_path):
    tree: Tree = {
        "ada+01_pca+2026-11-21 09:00:00 UTC+x1/01_pca.ipynb": b"first",
        "ada+01_pca+2026-11-21 10:00:00 UTC+x2/01_pca.ipynb": b"second",
        "ada+02_ae+2026-11-22 10:00:00 UTC+x2/02_ae.ipynb": b"other",
        "bob+01_pca+2026-11-21 10:00:00 UTC/01_pca.ipynb": b"B",
    }
    intake = collect(folder(tmp_path / "inbound", tree), UNIT)
    assert told(intake) == {"ada": b"second", "bob": b"B"}
    assert len(intake.handed) == 3


@both
def test_two_different_notebooks_are_refused_and_two_equal_ones_are_one(packed, tmp_path):
    tree: Tree = {
        "ada/01_pca.ipynb": b"one",
        "ada/01_pca final.ipynb": b"two",
        "bob/01_pca.ipynb": b"same",
        "bob/copy/01_pca.ipynb": b"same",
        "eve/a.zip": zipped({"01_pca.ipynb": b"one", "sub/01_pca.ipynb": b"two"}),
        "joe.ipynb": b"one",
        "joe/01_pca.ipynb": b"two",
        "sue/02_ae.ipynb": b"wrong one",
        "tom/01_pca/01_pca.ipynb": b"one",
        "tom/01_pca/timestamp.txt": b"2026-11-21 17:05:55 UTC",
        "tom/01_pca/old/01_pca.ipynb": b"two",
    }
    result = told(collect(place(tmp_path, tree, packed), UNIT))
    for student in ("ada", "eve", "joe", "tom"):
        assert "There are 2 different notebooks in it" in result[student]
        assert "Hand in one." in result[student]
    assert result["bob"] == b"same"
    assert result["sue"] == b"wrong one"  # what it is, is seen when it is read


def test_one_students_folder_zip_or_notebook(tmp_path):
    for name, tree in {"a": {"01_pca.ipynb": b"A"}, "b": {"01_pca/01_pca.ipynb": b"A"}}.items():
        ada = folder(tmp_path / name / "ada", tree)
        (notebook,) = ada.rglob("*.ipynb")
        assert told(collect(notebook, UNIT)) == {"ada": b"A"}
        packed = tmp_path / name / "ada.zip"
        packed.write_bytes(zipped(tree))
        assert told(collect(packed, UNIT)) == {"ada": b"A"}
        assert told(collect(notebook.parent, UNIT)) == {"ada": b"A"}
    renamed = shutil.copy(notebook, tmp_path / "bob.ipynb")
    assert told(collect(renamed, UNIT)) == {"bob": b"A"}


@pytest.mark.parametrize("top", ["class", "01_pca", "Lab 1 (Kurs ÄÖ)"])
@pytest.mark.parametrize(
    "tree",
    [
        {"ada/01_pca.ipynb": b"A", "bob/01_pca.ipynb": b"B"},
        {"ada.ipynb": b"A", "bob.ipynb": b"B"},
        {"ada/01_pca/01_pca.ipynb": b"A", "bob/01_pca/01_pca.ipynb": b"B"},
    ],
)
def test_a_zip_of_a_folder(tree, top, tmp_path):
    path = tmp_path / "class.zip"
    path.write_bytes(zipped({top: None} | {f"{top}/{name}": data for name, data in tree.items()}))
    assert told(collect(path, UNIT)) == {"ada": b"A", "bob": b"B"}


def test_a_zip_of_one_platform_folder(tmp_path):
    path = tmp_path / "moodle.zip"
    path.write_bytes(zipped({"Ada_5_assignsubmission_file/01_pca.ipynb": b"A"}))
    assert told(collect(path, UNIT)) == {"Ada_5": b"A"}


def test_names_that_macos_packed(tmp_path):
    """It writes UTF-8 without the flag that says so."""
    data = zipped({"Zoë/01_pca.ipynb": b"Z", "bob/01_pca.ipynb": b"B"})
    path = tmp_path / "class.zip"
    path.write_bytes(data.replace(b"\x00\x08\x08\x00", b"\x00\x00\x08\x00"))  # flags, then method
    with zipfile.ZipFile(path) as archive:
        assert "Zoë/01_pca.ipynb" not in archive.namelist()
    assert told(collect(path, UNIT)) == {"Zoë": b"Z", "bob": b"B"}


def test_a_notebook_that_says_not_whose_it_is(tmp_path):
    for beside in ("ada/01_pca.ipynb", "ada.ipynb"):
        tree: Tree = {"01_pca.ipynb": b"?", beside: b"A", "bob.ipynb.txt": b"B"}
        result = told(collect(folder(tmp_path / beside, tree), UNIT))
        assert result.pop("ada") == b"A"
        assert "no notebook in it, but bob.ipynb.txt" in result.pop("bob")
        (reason,) = result.values()
        assert "does not say whose it is" in reason


@pytest.mark.parametrize("kind", ["absent", "empty", "text", "broken.zip"])
def test_what_holds_no_submissions_is_said_with_what_was_expected(kind, tmp_path):
    path = tmp_path / kind
    if kind == "empty":
        path.mkdir()
    elif kind != "absent":
        path.write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(NothingToGrade, match=r"Expected a folder .* Moodle or Canvas") as error:
        collect(path, UNIT)
    assert str(path) in str(error.value)


def test_the_last_attempt_counts():
    def attempt(number: int, at: datetime | None = None) -> Handed:
        return Handed("ada", f"{number}", b"", at, attempt=number)

    day = datetime(2026, 11, 21)
    assert latest([attempt(2), attempt(3), attempt(1)])[0] == [attempt(3)]
    assert latest([attempt(1, day), attempt(9, day.replace(day=20))])[0] == [attempt(1, day)]
    assert latest([attempt(1)]) == ([attempt(1)], {})
