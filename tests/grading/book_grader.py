"""Graders in processes of their own, to be killed, starved and raced."""

import json
import os
import random
import resource
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path

import book_course as bc

from gentutor.grading.book import Book, BookError
from gentutor.grading.records import Tried

STUDENTS = [f"s{k}" for k in range(10)]


def grade(course: Path, turn: int, after_two: Callable[[], None] = lambda: None) -> None:
    """Grade the class anew: in even turns the first check passes alone, in odd ones the second."""
    passed = {("check-double", "check-square")[turn % 2]}
    with Book.open(course, bc.UNIT) as book:
        book.prepare(bc.solution())
        for student in STUDENTS:
            if student == STUDENTS[2]:
                after_two()
            mark = f"{student}-{turn}"
            if book.is_recorded(mark, student):
                continue
            given = bc.submission(student, bc.GOOD | {"why": f"Turn {turn}."})
            if book.result(mark, student) is None:
                book.save_result(mark, student, Tried({"double": []}, cpu_seconds=turn))
            assert book.result(mark, student).cpu_seconds == turn
            book.keep_original(given)
            book.record(given, bc.executed(given, passed), mark)
        book.tables()


def state(course: Path) -> dict[str, tuple[float, float]]:
    """By student the points of both checks, read by SQL; the gradebook must be whole."""
    with closing(sqlite3.connect(course / "build" / "grading" / "gradebook.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        found = connection.execute(
            """SELECT student_id, base_cell.name, auto_score FROM grade
            JOIN base_cell ON base_cell.id = grade.cell_id
            JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
            JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id"""
        ).fetchall()
    points = {(student, cell): score for student, cell, score in found}
    students = {student for student, _ in points}
    return {s: (points[s, "check-double"], points[s, "check-square"]) for s in students}


WHOLE = {(2.0, 0.0), (0.0, 3.0)}


def rounds(course: Path, many: int, told: Connection) -> None:
    """So many graders one after another, each killed -9 at a random moment, then one that may end.

    Tells what marks each kill left.
    """
    start = time.monotonic()
    grade(course, 0)
    takes = time.monotonic() - start
    dice = random.Random(7)
    for turn in range(1, many + 1):
        child = os.fork()
        if child == 0:
            grade(course, turn)
            os._exit(0)
        time.sleep(takes * dice.random())
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        seen = state(course)
        assert set(seen) == set(STUDENTS), seen
        assert set(seen.values()) <= WHOLE, seen
        for step in ("submitted", "autograded"):
            for path in (course / "build" / "grading" / step).rglob("*.ipynb"):
                json.loads(path.read_bytes())
        told.send(sorted(seen.values()))
    grade(course, many)
    assert set(state(course).values()) == {sorted(WHOLE, reverse=True)[many % 2]}
    assert not list((course / "build" / "grading").rglob(".new-*"))
    told.send("whole")


def hold(course: Path, told: Connection) -> None:
    """Open the book, say so, and wait."""
    with Book.open(course, bc.UNIT):
        told.send("open")
        time.sleep(60)


def starve(course: Path, most: int, told: Connection) -> None:
    """Grade; after two students no file may grow beyond so many bytes: what a full disk is to a program."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        grade(course, 1, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)))
    except BookError as error:
        told.send(str(error))
    else:
        told.send("nothing was wrong")


def lock(gradebook: Path, told: Connection) -> None:
    """Write to the gradebook, as another program would."""
    with closing(sqlite3.connect(gradebook)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        told.send("held")
        time.sleep(60)
