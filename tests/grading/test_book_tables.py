"""The marks as tables that nbgrader, Canvas and Moodle know."""

import csv
import io
import shutil

import book_course as bc
import pytest
from book_course import GOOD, UNIT, executed, submission

from gentutor.grading.book import Book
from gentutor.grading.book.tables import assignment
from gentutor.grading.intake.roster import Student


@pytest.fixture
def course(tmp_path_factory, tmp_path):
    """Ada and bob have a mark."""
    course = shutil.copytree(bc.new(tmp_path_factory), tmp_path / "course")
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        for student in ("ada", "bob"):
            given = submission(student, GOOD)
            book.record(given, executed(given, {"check-double"}), "f")
    return course


def table(path):
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_the_tables_are_what_canvas_and_moodle_take_in(course):
    """The columns are those that Canvas's gradebook_importer.rb and Moodle's importgradeslib.php look for."""
    with Book.open(course, UNIT) as book:
        for student, whole in (("zoë", "Zoë O'Brien, Jr"), ("mallory", "=cmd|'/c calc'!A1")):
            given = submission(student, GOOD)
            book.record(given, executed(given, {"check-double", "check-square"}), "f")
            bc.name(
                course, student, first=whole, last="@SUM(A1)", email=f"{student}@example.org", number="4711"
            )
        grades, canvas, moodle = book.tables()
        assert (canvas.name, moodle.name) == (
            f"canvas-{UNIT}.provisional.csv",
            f"moodle-{UNIT}.provisional.csv",
        )
        rows = {row[3]: row for row in table(canvas)}
        assert table(canvas)[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", UNIT]
        assert rows["zoë"] == ["'@SUM(A1), Zoë O'Brien, Jr", "4711", "", "zoë", "", "5"]
        assert rows["mallory"][0] == "'@SUM(A1), =cmd|'/c calc'!A1"
        rows = {row[2]: dict(zip(table(moodle)[0], row, strict=True)) for row in table(moodle)}
        assert rows["mallory"]["Full name"] == "'=cmd|'/c calc'!A1 @SUM(A1)"
        assert rows["zoë"]["Identifier"] == "Participant 4711"
        assert rows["zoë"]["Email address"] == "zoë@example.org"
        assert (rows["zoë"]["Grade"], rows["zoë"]["Maximum grade"]) == ("5", "9")
        assert rows["zoë"]["Feedback comments"] == "Provisional: 4 of the points wait for a person."
        assert "Last modified (grade)" in rows["zoë"]
        assert {row[3] for row in table(grades)[1:]} == {"ada", "bob", "zoë", "mallory"}
        for path in (grades, canvas, moodle):
            assert not [
                cell for row in table(path) for cell in row if cell.startswith(("=", "+", "-", "@", "\t"))
            ]

        for student in ("ada", "bob", "zoë", "mallory"):
            bc.by_hand(course, student, "why", 2.25, None)
        _, canvas, moodle = book.tables()
        assert (canvas.name, moodle.name) == (f"canvas-{UNIT}.csv", f"moodle-{UNIT}.csv")
        assert not list(canvas.parent.glob("*provisional*"))
        assert {row[3]: row[5] for row in table(canvas)[1:]}["zoë"] == "7.25"
        assert {row[7] for row in table(moodle)[1:]} == {""}


def test_a_roster_names_the_students_as_their_platform_does(course):
    canvas_row = {
        "Student": "Lovelace, Ada",
        "ID": "17",
        "SIS User ID": "S1",
        "SIS Login ID": "al",
        "Section": "2",
    }
    roster = [
        Student(
            "ada",
            full_name="Lovelace, Ada",
            number="17",
            row=canvas_row | {"Lab 77 (4711)": "", "Lab 7 (1)": ""},
        ),
        Student("bob", "bob@x.org", "Bob", "<b>Day</b>", number="9", row={"Identifier": "Participant 9"}),
        Student("dora", "dora@x.org", "Dora"),
    ]
    with Book.open(course, UNIT) as book:
        book.enrol(roster)
        grades, canvas, moodle = book.tables(roster)
        assert table(canvas)[0][5] == "Lab 77 (4711)"
        rows = {row[1]: row for row in table(canvas)}
        assert rows["17"] == ["Lovelace, Ada", "17", "S1", "al", "2", "2"]
        assert {row[0]: row[1:4] for row in table(moodle)}["Participant 9"] == [
            "Bob bDay/b",
            "bob",
            "bob@x.org",
        ]
        assert {row[3]: row[5] for row in table(grades)}["dora"] == "Dora", "who has handed in nothing"
        book.enrol([Student("bob", last_name="Night")])
        assert "Bob Night" in {row[1] for row in table(book.tables()[2])}
        assert book.marks("ada").points == 2


@pytest.mark.parametrize(
    ("unit", "headers", "expected"),
    [
        ("01_pca", ["Lab 1 (5)", "Lab 11 (6)"], "Lab 1 (5)"),
        ("01_pca", ["Lab 01: PCA (5)", "Lab 02 (6)", "Student", "Current Score"], "Lab 01: PCA (5)"),
        ("01_pca", ["01_pca (5)"], "01_pca (5)"),
        ("08_wgan_gp", ["Homework WGAN-GP (5)"], "Homework WGAN-GP (5)"),
        ("01_pca", ["Lab 1 (5)", "Quiz 1 (6)"], "01_pca"),
        ("01_pca", ["Lab 2 (1)"], "01_pca"),
        ("01_pca", [], "01_pca"),
    ],
)
def test_the_assignment_is_found_among_canvass_columns(unit, headers, expected):
    assert assignment(unit, headers) == expected
