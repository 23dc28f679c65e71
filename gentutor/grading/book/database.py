"""nbgrader's gradebook as a file that must survive: checked, backed up, and changed in whole transactions.

nbgrader commits after every cell. Here its commits only reach the open transaction, which ends once for each
student: all of it is in the file, or nothing.
"""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, InvalidEntry  # type: ignore[import-untyped]
from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import scoped_session, sessionmaker

from gentutor.grading.book import backups, files
from gentutor.grading.book.marks import BookError


class OpenGradebook(Gradebook):  # type: ignore[misc]  # nbgrader has no types
    """nbgrader's gradebook within a transaction of ours: its commits and its closing wait for our own."""

    def __init__(self, connection: Connection, course_id: str) -> None:
        # Not nbgrader's own: that opens the file for itself, and commits.
        self.engine = connection.engine
        self.db = scoped_session(
            sessionmaker(bind=connection, join_transaction_mode="rollback_only", autoflush=False)
        )
        self.course_id = course_id
        self.authenticator = None

    def close(self) -> None:
        """Nothing: nbgrader's preprocessors close what they were given, and the next one needs it."""


class Database:
    """The gradebook's file. Every error about it is a BookError that says what to do.

    `patience` is how many seconds to wait for another program that is writing to it.
    """

    def __init__(self, path: Path, backups_folder: Path, course_id: str, patience: float) -> None:
        self.path, self.course_id, self.patience = path, course_id, patience
        self._backups, self._backed_up = backups_folder, False
        if not path.exists():
            with files.writing_to(path.parent), self._told():
                self._create()
        self._check()
        self._engine = create_engine(
            f"sqlite:///{path}", poolclass=NullPool, connect_args={"timeout": patience}
        )
        event.listen(self._engine, "connect", _without_own_transactions)
        event.listen(self._engine, "begin", _begin)

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    @contextlib.contextmanager
    def reading(self) -> Iterator[OpenGradebook]:
        """The gradebook, as it is at this moment."""
        with self._open("DEFERRED") as gradebook:
            yield gradebook

    @contextlib.contextmanager
    def changing(self) -> Iterator[OpenGradebook]:
        """The gradebook, to be changed by all that happens in the `with`, or by nothing of it."""
        if not self._backed_up:
            with self._told():
                backups.make(self.path, self._backups, self.patience)
            self._backed_up = True
        with self._open("IMMEDIATE") as gradebook:
            yield gradebook

    @contextlib.contextmanager
    def _open(self, mode: str) -> Iterator[OpenGradebook]:
        with self._told(), self._engine.connect() as connection:
            connection = connection.execution_options(transaction_mode=mode)
            with connection.begin():
                gradebook = OpenGradebook(connection, self.course_id)
                try:
                    yield gradebook
                    gradebook.db.commit()
                finally:
                    gradebook.db.remove()

    def _create(self) -> None:
        """An empty gradebook of nbgrader's, complete from the moment it has its name."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle, new = tempfile.mkstemp(prefix=files.BEGUN, dir=self.path.parent)
        os.close(handle)
        try:
            Gradebook(f"sqlite:///{new}", self.course_id).close()
            os.replace(new, self.path)
        finally:
            Path(new).unlink(missing_ok=True)
        files.sync_folder(self.path.parent)

    def _check(self) -> None:
        problem = backups.damage(self.path, self.patience)
        if problem and "locked" in problem:
            raise BookError(self._locked())
        if problem:
            raise BookError(self._damaged(problem))

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite says into what to do."""
        try:
            yield
        except (SQLAlchemyError, InvalidEntry, sqlite3.Error) as error:
            said = str(getattr(error, "orig", error))
            if "locked" in said:
                raise BookError(self._locked()) from error
            if any(word in said for word in ("full", "disk I/O", "unable to open", "readonly")):
                raise BookError(
                    f"The gradebook {self.path} could not be written or backed up ({said}): make room on the "
                    "disk, or let yourself write there, and give the command again. It is as it was."
                ) from error
            if "no such column" in said or "no such table" in said:
                raise BookError(
                    f"The gradebook {self.path} is of another version of nbgrader. Bring it up to date with "
                    "`nbgrader db upgrade`, which keeps a copy, and give the command again."
                ) from error
            if "malformed" in said or "not a database" in said:
                raise BookError(self._damaged(said)) from error
            raise

    def _damaged(self, problem: str) -> str:
        way_back = backups.way_back(self.path, self._backups)
        return f"The gradebook {self.path} is damaged ({problem}): nothing is graded into it. {way_back}"

    def _locked(self) -> str:
        who = _holders(self.path) or "another program"
        return (
            f"The gradebook {self.path} is being written by {who}, for more than the {self.patience:g} "
            "seconds that it was waited for. Let that end, or close it, and give the command again: what was "
            "tried is kept."
        )


def _without_own_transactions(connection: Any, _: object) -> None:
    connection.isolation_level = None  # Python's sqlite3 would begin when it likes


def _begin(connection: Connection) -> None:
    # IMMEDIATE takes the right to write at once: it waits for others here, and not halfway.
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options()['transaction_mode']}")


def _holders(path: Path) -> str:
    """The processes that have a lock on the file, on Linux; else nothing."""
    try:
        inode = str(path.stat().st_ino)
        rows = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        pids = {row[-4] for row in rows if row[-3].rpartition(":")[2] == inode}
    except (OSError, IndexError):
        return ""
    others = sorted(pids - {str(os.getpid()), "-1", "0"})  # -1: of a file, or of another container
    return ", ".join(f"process {pid} ({_command(pid)})" for pid in others)


def _command(pid: str) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "that has ended"
    return b" ".join(words).decode(errors="replace").strip()[:80]
