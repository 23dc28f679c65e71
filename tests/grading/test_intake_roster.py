"""The roster tells whose the platforms' names and numbers are."""

from pathlib import Path

import pytest
from intake_class import UNIT, Tree, place, told

from gentutor.grading.intake import Roster, RosterError, collect

MOODLE = """\ufeffIdentifier,"Full name","ID number","Email address",Status,Grade
"Participant 123456","Ada Lovelace",s1,ada@uni.edu,"Submitted for grading",
"Participant 123457","Ada Lovelace",s2,ada2@uni.edu,"Submitted for grading",
"Participant 123458","Seán O'Brien",s3,sean@uni.edu,"Submitted for grading",
"Participant 123459","Absent Student",,absent@uni.edu,"No submission",
"""
CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,"Lab 1 (99)"
,,,,,Manual Posting
    Points Possible,,,,,22.0
"Lovelace, Ada",12345,u1,ada,Course,
"Hopper, Grace",12346,u2,grace,Course,
"Müller, Zoë",12347,u3,zoe,Course,
"""
PLAIN = "id;first_name;last_name;email\nada;Ada;Lovelace;ada@uni.edu\nseán;Seán;O'Brien;\n李;小龍;李;\n"


def roster(tmp_path: Path, text: str) -> Roster:
    path = tmp_path / "roster.csv"
    path.write_text(text, encoding="utf-8")
    return Roster.read(path)


def test_the_roster_that_moodle_gives(tmp_path):
    tree: Tree = {
        "Ada Lovelace_123457_assignsubmission_file/01_pca.ipynb": b"A2",
        "Ada Lovelace_123456_assignsubmission_file/01_pca.ipynb": b"A1",
        "Seán OBrien_999_assignsubmission_file/01_pca.ipynb": b"S",
        "Ada Lovelace_5_assignsubmission_file/01_pca.ipynb": b"which?",
        "Stranger_7_assignsubmission_file/01_pca.ipynb": b"X",
    }
    intake = collect(place(tmp_path, tree, True), UNIT, roster=roster(tmp_path, MOODLE))
    expected = {"s1": b"A1", "s2": b"A2", "s3": b"S", "Ada Lovelace_5": b"which?", "Stranger_7": b"X"}
    assert told(intake) == expected
    assert intake.absent == ["absent@uni.edu"]
    assert intake.notes == {
        "Ada Lovelace_5": ["Fits 2 students of the roster: s1, s2."],
        "Stranger_7": ["Is not on the roster."],
    }


def test_the_roster_that_canvas_gives(tmp_path):
    tree: Tree = {
        "lovelaceada_12345_1_01_pca.ipynb": b"A",
        "müllerzoë_99_2_01_pca.ipynb": b"Z",
        "u3x_LATE_12346_3_01_pca.ipynb": b"G",
    }
    intake = collect(place(tmp_path, tree, True), UNIT, roster=roster(tmp_path, CANVAS))
    assert told(intake) == {"ada": b"A", "zoe": b"Z", "grace": b"G"}
    assert intake.notes == {}
    assert intake.absent == []


def test_a_roster_of_ones_own(tmp_path):
    tree: Tree = {
        "ada@uni.edu.ipynb": b"A",
        "O'Brien, Seán/01_pca.ipynb": b"S",
        "小龍 李/01_pca.ipynb": b"L",
    }
    listed = roster(tmp_path, PLAIN)
    assert [student.email for student in listed.students] == ["ada@uni.edu", "", ""]
    intake = collect(place(tmp_path, tree, False), UNIT, roster=listed)
    assert told(intake) == {"ada": b"A", "seán": b"S", "李": b"L"}


def test_one_student_under_two_names_is_one(tmp_path):
    tree: Tree = {"ada.ipynb": b"same", "Ada Lovelace/01_pca.ipynb": b"same"}
    intake = collect(place(tmp_path, tree, False), UNIT, roster=roster(tmp_path, PLAIN))
    assert told(intake) == {"ada": b"same"}
    assert intake.absent == ["seán", "李"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "names no students"),
        ("hello\nworld\n", "header is 'hello'"),
        ("id,name\nada,Ada\nada,Ada L\n", "more than one row for ada"),
        ("id,name\n".encode("utf-16"), "save it as CSV UTF-8"),
        (b"\x89PNG\r\n\x1a\n", "save it as CSV UTF-8"),
        ('id,name\n"ada,Ada\n', "no CSV file"),
        (None, "Cannot read"),
    ],
)
def test_what_is_no_roster_is_said_with_what_was_expected(text, said, tmp_path):
    path = tmp_path / "roster.csv"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RosterError, match=said) as error:
        Roster.read(path)
    assert str(path) in str(error.value)
