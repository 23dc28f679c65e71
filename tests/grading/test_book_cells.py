"""A lab that its author changes after the class has handed in."""

import shutil

import book_course as bc
import pytest
from book_course import CELLS, COMMENTS, GOOD, GRADES, KINDS, UNIT, executed, record, rows, submission

from gentutor.grading.book import Book, BookError


@pytest.fixture
def new_course(tmp_path_factory):
    return bc.new(tmp_path_factory)


@pytest.fixture
def course(new_course, tmp_path):
    return shutil.copytree(new_course, tmp_path / "course")


def another_lab():
    """The tiny lab with one more exercise, and without `square`."""
    lab = bc.solution()
    lab.cells = [cell for cell in lab.cells if "square" not in cell.id]
    answer = "def cube(x):\n    ### BEGIN SOLUTION\n    return x**3\n    ### END SOLUTION"
    lab.cells += [
        bc.graded("cube", "code", answer, solution=True),
        bc.graded("check-cube", "code", "assert cube(2) == 8", grade=True, locked=True, points=5),
        bc.graded("how", "markdown", "In words.", grade=True, solution=True, points=1),
    ]
    return lab


def test_a_lab_that_changed_after_it_was_handed_in_costs_no_persons_mark(course, new_course, tmp_path):
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        record(book, "ada", GOOD, {"check-double", "check-square"})
        record(book, "bob", GOOD, {"check-double"})
        bc.by_hand(course, "ada", "why", 4.0, "Yes.")
        book.prepare(another_lab())
        marks = book.marks("ada")
        assert {n: (m.points, m.most) for n, m in marks.cells.items()} == {
            "check-double": (2, 2),
            "why": (4, 4),
            "check-cube": (0, 5),
            "how": (0, 1),
        }
        assert marks.provisional
        assert ("ada", "why", None, "Yes.") in rows(course, COMMENTS)
        fresh = shutil.copytree(new_course, tmp_path / "fresh")
        with Book.open(fresh, UNIT) as other:
            other.prepare(another_lab())
        assert rows(course, CELLS) == rows(fresh, CELLS)
        assert rows(course, KINDS) == rows(fresh, KINDS)

        given = submission("ada", {"cube": "def cube(x):\n    return x**3"}, lab=another_lab())
        marks = book.record(given, executed(given, {"check-cube"}), "g")
        assert marks.automatic == {"check-double": 0, "check-cube": 5, "why": 0, "how": 0}
        assert len(rows(course, GRADES)) == 8
        assert len(rows(course, COMMENTS)) == 8, "two questions and two functions for each of two students"


@pytest.mark.parametrize("given", ["points", "a comment"])
def test_a_cell_with_a_persons_mark_is_not_taken_away(course, given):
    lab = bc.solution()
    lab.cells = [cell for cell in lab.cells if cell.id != "why"]
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        record(book, "ada", GOOD, {"check-double", "check-square"})
        bc.by_hand(
            course, "ada", "why", 4.0 if given == "points" else None, None if given == "points" else "Hm."
        )
        before = rows(course, CELLS), rows(course, KINDS), rows(course, GRADES), rows(course, COMMENTS)
        with pytest.raises(
            BookError, match=r"no longer has the cell why.*person gave there, to ada.*Nothing was"
        ):
            book.prepare(lab)
        assert (
            rows(course, CELLS),
            rows(course, KINDS),
            rows(course, GRADES),
            rows(course, COMMENTS),
        ) == before


def test_points_that_an_author_changes_are_todays(course):
    lab = bc.solution()
    next(cell for cell in lab.cells if cell.id == "check-double").metadata.nbgrader.points = 7
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        record(book, "ada", GOOD, {"check-double"})
        book.prepare(lab)
        assert book.marks("ada").most == 14
