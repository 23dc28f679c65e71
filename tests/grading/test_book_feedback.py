"""Feedback for whom something changed."""

import shutil

import book_course as bc
import pytest
from book_course import GOOD, UNIT, executed, submission

from gentutor.grading.book import Book


@pytest.fixture
def course(tmp_path_factory, tmp_path):
    """Three students have a mark and a page."""
    course = shutil.copytree(bc.new(tmp_path_factory), tmp_path / "course")
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        for student in ("ada", "bob", "cleo"):
            given = submission(student, GOOD)
            book.record(given, executed(given, {"check-double"}), "f")
        assert len(book.feedback(["ada", "bob", "cleo"]).written) == 3
    return course


def feedback_of(course, student):
    return course / "build" / "grading" / "feedback" / student / UNIT / f"{UNIT}.html"


def test_pages_are_made_anew_for_whom_something_changed(course):
    with Book.open(course, UNIT) as book:
        assert book.feedback(["ada", "bob", "cleo", "nobody"]).written == []
        given = submission("bob", GOOD)
        book.record(given, executed(given, {"check-square"}), "g")
        bc.by_hand(course, "cleo", "why", 1.0, "Think again.")
        pages = book.feedback(["ada", "bob", "cleo"])
        assert pages.written == [feedback_of(course, "bob"), feedback_of(course, "cleo")]
        assert "Think again." in feedback_of(course, "cleo").read_text(encoding="utf-8")
        assert "(Score: 3.0 / 9.0)" in feedback_of(course, "bob").read_text(encoding="utf-8")
        feedback_of(course, "ada").unlink()
        assert book.feedback(["ada", "bob", "cleo"]).written == [feedback_of(course, "ada")]


def test_several_processes_make_the_same_pages_and_one_that_fails_costs_no_other(course, monkeypatch):
    students = [f"s{k}" for k in range(6)]
    with Book.open(course, UNIT) as book:
        for student in students:
            given = submission(student, GOOD)
            book.record(given, executed(given, {"check-double"}), "f")
        spoilt = course / "build" / "grading" / "autograded" / "s3" / UNIT / f"{UNIT}.ipynb"
        spoilt.unlink()
        spoilt.write_text("no notebook")
        monkeypatch.setattr("gentutor.grading.book.feedback.WORTH_A_PROCESS", 3)
        pages = book.feedback(students, workers=2)
        assert sorted(pages.written) == [feedback_of(course, s) for s in students if s != "s3"]
        assert list(pages.failed) == ["s3"]
        first = feedback_of(course, "s0").read_text(encoding="utf-8")
        feedback_of(course, "s0").unlink()
        book.feedback(students)
        assert feedback_of(course, "s0").read_text(encoding="utf-8") == first
