"""What the book writes, against what plain nbgrader writes for the same notebooks."""

import re
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import book_course as bc
import nbformat
import pytest
from book_course import (
    AT,
    BAD,
    CELLS,
    COMMENTS,
    GOOD,
    GRADES,
    KINDS,
    UNIT,
    executed,
    record,
    rows,
    submission,
)
from nbformat import v4

from gentutor.grading.book import Book, BookError
from gentutor.grading.records import Tried

NAMES = ("Ada", "Zoë O'Brien", '名 "x" &c')


@pytest.fixture
def course(tmp_path_factory, tmp_path):
    return shutil.copytree(bc.new(tmp_path_factory), tmp_path / "course")


def test_cells_and_marks_are_those_of_plain_nbgrader_which_goes_on_with_the_tree(tmp_path):
    ours, plain = bc.make(tmp_path / "ours"), bc.make(tmp_path / "plain")
    with Book.open(ours, UNIT) as book:
        book.prepare(bc.solution())
        record(book, NAMES[0], GOOD, {"check-double", "check-square"})
        record(book, NAMES[1], BAD, {"check-square"}, at=AT + timedelta(days=1))
        record(book, NAMES[2], {}, set(), at=None)
        marks = {name: book.marks(name) for name in NAMES}
        tables = {path.name: path.read_text(encoding="utf-8") for path in book.tables()}

    queries = (CELLS, KINDS, GRADES, COMMENTS)
    recorded = [rows(ours, query) for query in queries]
    submitted = "build/grading/submitted"
    shutil.copytree(ours / submitted, plain / submitted)
    bc.nbgrader(
        [plain, "generate_assignment", UNIT],
        [plain, "autograde", UNIT, "--create"],
        [ours, "generate_assignment", UNIT, "--force"],
        [ours, "autograde", UNIT, "--force", f"--student={NAMES[1]}"],
        [ours, "generate_feedback", UNIT],
        [ours, "export"],
    )
    assert all(recorded)
    assert [rows(plain, query) for query in queries] == recorded
    assert [rows(ours, query) for query in queries] == recorded
    assert {n: (m.points, m.most, m.provisional) for n, m in marks.items()} == {
        NAMES[0]: (5.0, 9.0, True),
        NAMES[1]: (3.0, 9.0, True),
        NAMES[2]: (0.0, 9.0, False),
    }
    for name in NAMES:
        page = (ours / "build" / "grading" / "feedback" / name / UNIT / f"{UNIT}.html").read_text(
            encoding="utf-8"
        )
        assert f"(Score: {marks[name].points:.1f} / 9.0)" in page
    theirs = (ours / "build" / "grading" / "grades.csv").read_text(encoding="utf-8")
    cut = re.compile(r",[^,]*$", re.MULTILINE)  # our last column
    unquoted = tables["grades.csv"].replace('"名 ""x"" &c"', NAMES[2])  # nbgrader does not quote
    assert cut.sub("", unquoted).split() == theirs.split()


def test_a_second_grading_changes_the_checks_marks_and_keeps_a_persons(course):
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        record(book, "ada", GOOD, {"check-double", "check-square"})
        bc.by_hand(course, "ada", "why", 3.5, "Well said.")
        bc.by_hand(course, "ada", "check-square", 1.0, None)
        assert book.marks("ada").points == 2 + 1 + 3.5
        assert not book.marks("ada").provisional
        assert book.is_recorded("f", "ada")
        marks = record(book, "ada", BAD, {"check-double"}, "g")
        book.prepare(bc.solution())
    assert marks.points == 2 + 1 + 3.5
    assert marks.automatic == {"check-double": 2, "check-square": 0, "why": None}
    assert marks.cells["why"].needs_person, "nbgrader asks a person to look again"
    assert ("ada", "why", None, "Well said.") in rows(course, COMMENTS)


def test_a_late_submission_is_fined_as_the_course_says(course):
    with (course / "nbgrader_config.py").open("a") as config:
        config.write("\nc.LateSubmissionPlugin.penalty_method = 'zero'\n")
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        record(book, "punctual", GOOD, {"check-double"})
        due = AT + timedelta(hours=1)
        with closing(sqlite3.connect(course / "build" / "grading" / "gradebook.db")) as connection:
            connection.execute("UPDATE assignment SET duedate = ?", (f"{due:%Y-%m-%d %H:%M:%S.%f}",))
            connection.commit()
        book.prepare(bc.solution())
        on_time = record(book, "punctual", GOOD, {"check-double"})
        late = record(book, "late", GOOD, {"check-double"}, at=AT + timedelta(hours=3))
        unknown = record(book, "unknown", GOOD, {"check-double"}, at=None)
    assert (on_time.points, on_time.penalty, on_time.seconds_late) == (2, 0, 0)
    assert (late.points, late.penalty, late.seconds_late) == (0, 2, 7200)
    assert (unknown.points, unknown.penalty, unknown.at) == (2, 0, None)


def test_a_check_that_has_not_run_is_no_pass(course):
    given = submission("ada", GOOD)
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        with pytest.raises(ValueError, match="check-double has not run"):
            book.record(given, given.notebook, "f")
        with pytest.raises(KeyError):
            book.marks("ada")
        assert not (course / "build" / "grading" / "autograded").exists()


def test_what_was_handed_in_is_kept_for_ever(course):
    with Book.open(course, UNIT) as book:
        first = submission("ada", GOOD)
        again = replace(first, original=b"another")
        paths = [book.keep_original(given) for given in (first, again, first)]
    assert paths[0] == paths[2] != paths[1]
    assert [path.read_bytes() for path in paths[:2]] == [first.original, b"another"]


NO_IDS = ["", ".", "..", "a/b", "a\\b", ".hid", "a\0", "a\n", " a", "a ", "\ud800", "ж" * 200]


@pytest.mark.parametrize("student", NO_IDS)
def test_an_id_that_is_no_folders_name_is_refused(course, student):
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        given = replace(submission("x", GOOD), student=student)
        for act in (
            lambda: book.record(given, executed(given), "f"),
            lambda: book.keep_original(given),
            lambda: book.save_result("f", student, Tried({})),
        ):
            with pytest.raises(BookError, match="cannot be a student's id"):
                act()
    assert rows(course, "SELECT id FROM student") == []


def test_the_longest_name_a_folder_can_have_is_recorded(course):
    name = "ж" * 127
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        book.save_result("f", name, Tried({"double": []}, noticed=("a", "b")))
        book.keep_original(submission(name, GOOD))
        assert record(book, name, GOOD, {"check-double"}).points == 2
        assert book.is_recorded("f", name)
        assert book.result("f", name) == Tried({"double": []}, noticed=("a", "b"))
        assert len(book.feedback([name]).written) == 1


def test_only_what_the_gradebook_really_has_counts_as_recorded(course):
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        assert not book.is_recorded("f", "ada")
        record(book, "ada", GOOD, {"check-double"})
        assert book.is_recorded("f", "ada")
        assert not book.is_recorded("another", "ada")
        assert not book.is_recorded("f", "bob")
        autograded = course / "build" / "grading" / "autograded" / "ada" / UNIT / f"{UNIT}.ipynb"
        assert not autograded.stat().st_mode & 0o222, "as nbgrader protects them"
        autograded.rename(autograded.with_suffix(".gone"))
        assert not book.is_recorded("f", "ada")
        autograded.with_suffix(".gone").rename(autograded)
        assert book.is_recorded("f", "ada")
        with closing(sqlite3.connect(course / "build" / "grading" / "gradebook.db")) as connection:
            connection.execute(
                "UPDATE grade SET auto_score = 3 WHERE auto_score = 0"
            )  # graded over, by others
            connection.commit()
        assert not book.is_recorded("f", "ada")
        record(book, "ada", GOOD, {"check-double"})
        assert book.is_recorded("f", "ada")


def test_long_outputs_are_cut_as_nbgrader_cuts_them(course):
    given = submission("ada", GOOD)
    ran = executed(given, {"check-double"})
    ran.cells[1].outputs = [v4.new_output("stream", text="line\n" * 5000)]
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        book.record(given, ran, "f")
    path = course / "build" / "grading" / "autograded" / "ada" / UNIT / f"{UNIT}.ipynb"
    text = nbformat.read(path, as_version=4).cells[1].outputs[0].text
    assert len(text.splitlines()) == 1000
    assert text.endswith("... Output truncated ...")


def test_a_folder_that_is_no_course_is_refused(tmp_path):
    with pytest.raises(BookError, match=r"no nbgrader_config.py"), Book.open(tmp_path, UNIT):
        pass


def test_the_salt_is_the_courses_own_and_never_empty(course):
    with Book.open(course, UNIT) as book:
        salt = book.salt
    path = course / "build" / "grading" / "salt"
    assert re.fullmatch("[0-9a-f]{32}", salt)
    with Book.open(course, UNIT) as book:
        assert book.salt == salt == path.read_text()
        path.write_text("")
        with pytest.raises(BookError, match="holds no salt"):
            _ = book.salt
