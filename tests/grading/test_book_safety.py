"""Nothing is lost: killed graders, full disks, locked and damaged gradebooks, two graders at once."""

import multiprocessing
import shutil
import sqlite3
import subprocess
from contextlib import closing, contextmanager

import book_course as bc
import book_grader
import pytest
from book_course import GOOD, UNIT, executed, submission

from gentutor.grading.book import Book, BookError
from gentutor.grading.records import Tried


@pytest.fixture
def course(tmp_path_factory, tmp_path):
    return shutil.copytree(bc.new(tmp_path_factory), tmp_path / "a course")


def gradebook(course):
    return course / "build" / "grading" / "gradebook.db"


def backups(course):
    return sorted((course / "build" / "grading" / "backups").iterdir())


CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["book_grader"])


@contextmanager
def started(act, *arguments):
    """A process that does `act`, and what it tells; it is killed in the end."""
    told, tell = CONTEXT.Pipe(duplex=False)
    process = CONTEXT.Process(target=act, args=(*arguments, tell))
    process.start()
    tell.close()
    try:
        yield process, told
    finally:
        process.kill()
        process.join()
        process.close()
        told.close()


def record(course, student="ada", passed=("check-double",), fingerprint="f", **options):
    given = submission(student, GOOD)
    with Book.open(course, UNIT, **options) as book:
        book.prepare(bc.solution())
        return book.record(given, executed(given, set(passed)), fingerprint)


def test_a_grader_killed_at_any_moment_loses_no_mark_and_the_next_goes_on(course):
    with started(book_grader.rounds, course, 20) as (_, told):
        left = [told.recv() for _ in range(20)]
        assert told.recv() == "whole"
    assert any(len(set(marks)) > 1 for marks in left), f"no kill fell into the midst of a run: {left}"


@pytest.mark.parametrize("most", [10, 2_000, 60_000])  # journal, notebook, gradebook
def test_a_disk_that_fills_up_costs_nothing_and_is_told(course, most):
    book_grader.grade(course, 0)
    with started(book_grader.starve, course, most) as (_, told):
        said = told.recv()
    assert "could not be written" in said
    assert "make room on the disk" in said
    seen = book_grader.state(course)
    assert sum(points == (0.0, 3.0) for points in seen.values()) == 2
    assert sum(points == (2.0, 0.0) for points in seen.values()) == 8
    assert not list((course / "build" / "grading").rglob(".new-*"))
    book_grader.grade(course, 1)
    assert set(book_grader.state(course).values()) == {(0.0, 3.0)}


def test_a_second_grader_is_told_who_grades_and_how_to_wait(course):
    with started(book_grader.hold, course) as (first, told):
        assert told.recv() == "open"
        said = rf"being graded already \({UNIT} since 20.*process {first.pid} on .*kill {first.pid}\)"
        with pytest.raises(BookError, match=said), Book.open(course, UNIT):
            pass
    assert record(course).points == 2


def test_a_gradebook_that_another_program_writes_to_is_waited_for_and_then_named(course):
    with closing(sqlite3.connect(gradebook(course))) as other:
        other.execute("BEGIN IMMEDIATE")
        with Book.open(course, UNIT, patience=0.3) as book:
            book.save_result("f", "ada", Tried({"double": []}))
            with pytest.raises(
                BookError, match=r"is being written by .*0\.3 seconds.*what was tried is kept"
            ):
                book.prepare(bc.solution())
            given = submission("ada", GOOD)
            other.commit()
            book.prepare(bc.solution())
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(BookError, match="is being written"):
                book.record(given, executed(given, {"check-double"}), "f")
            assert not (course / "build" / "grading" / "autograded" / "ada").exists()
            other.rollback()
            assert book.result("f", "ada") == Tried({"double": []})
            assert book.record(given, executed(given, {"check-double"}), "f").points == 2


def test_who_writes_to_the_gradebook_is_named(course):
    with started(book_grader.lock, gradebook(course)) as (other, told):
        assert told.recv() == "held"
        with pytest.raises(BookError, match=rf"process {other.pid} \(.*python"):
            record(course, patience=0.2)


@pytest.mark.parametrize("damage", ["middle", "cut", "text", "empty"])
def test_a_damaged_gradebook_is_refused_and_the_way_back_is_told(course, damage):
    record(course, "ada")
    record(course, "bob")  # before which ada's mark is backed up
    path = gradebook(course)
    whole = path.read_bytes()
    middle = bytearray(whole)
    middle[4096 * 3 : -4096] = b"\x5a" * len(middle[4096 * 3 : -4096])
    path.write_bytes(
        {"middle": bytes(middle), "cut": whole[: len(whole) // 2], "text": b"not one", "empty": b""}[damage]
    )
    (course / "build" / "grading" / "backups" / "gradebook-99999999-0.db").write_bytes(b"a backup cut off")
    with pytest.raises(BookError, match="is damaged") as told:
        record(course, "cleo")
    good = backups(course)[-2].name
    assert good in str(told.value)
    (line,) = [line for line in str(told.value).splitlines() if line.startswith("    ")]
    subprocess.run(line, shell=True, check=True)
    assert path.with_name("gradebook.db.damaged").exists()
    with Book.open(course, UNIT) as book:
        assert book.is_recorded("f", "ada")
        assert not book.is_recorded("f", "bob"), "the journal says so, but the backup is older"
    assert record(course, "bob").points == 2


def test_a_damaged_gradebook_without_a_backup_is_left_alone(course):
    gradebook(course).write_bytes(b"not one")
    shutil.rmtree(course / "build" / "grading" / "backups", ignore_errors=True)
    with pytest.raises(BookError, match="no good backup"):
        record(course)
    assert gradebook(course).read_bytes() == b"not one"


def test_each_run_that_changes_something_backs_up_what_was_before(course):
    before = sqlite3.connect(gradebook(course))
    with closing(before):
        old = list(before.iterdump())
    record(course, "ada")
    (first,) = backups(course)
    with closing(sqlite3.connect(first)) as kept:
        assert list(kept.iterdump()) == old
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        book.prepare(bc.solution())
    assert len(backups(course)) == 2, "after the first run, and not twice in the second"
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
    assert len(backups(course)) == 2, "nothing has changed since"


def test_thirty_backups_are_kept_the_newest(course):
    record(course, "ada")
    (first,) = backups(course)
    for k in range(40):
        shutil.copy(first, first.with_name(f"gradebook-2000{k:04}.db"))
    record(course, "bob")
    assert len(backups(course)) == 30
    assert first in backups(course)
    assert first.with_name("gradebook-20000011.db") not in backups(course)
    assert first.with_name("gradebook-20000012.db") in backups(course)


def test_an_exception_on_the_way_leaves_the_marks_as_they_were(course, monkeypatch):
    from gentutor.grading.book import recording

    record(course, "ada", ("check-double",))

    def power_cut(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(recording, "write_with_time", power_cut)
    with pytest.raises(KeyboardInterrupt):
        record(course, "ada", ("check-square",), "g")
    with pytest.raises(KeyboardInterrupt):
        record(course, "bob", ("check-square",))
    assert book_grader.state(course) == {"ada": (2.0, 0.0)}
    with Book.open(course, UNIT) as book:
        assert not book.is_recorded("g", "ada")
