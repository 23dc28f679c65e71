"""nbgrader's gradebook as a file that must survive: checked, backed up, and changed in whole transactions.

nbgrader commits after every cell. Here its commits only reach the open transaction, which ends once for each
student: all of it is in the file, or nothing.
"""

import contextlib
import filecmp
import os
import shlex
import sqlite3
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, InvalidEntry
from sqlalchemy import Connection, NullPool, create_engine, event
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import scoped_session, sessionmaker

from gentutor.grading.book import files
from gentutor.grading.book.marks import BookError

KEPT_BACKUPS = 30


class OpenGradebook(Gradebook):
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

    def __init__(self, path: Path, backups: Path, course_id: str, patience: float) -> None:
        self.path, self.backups, self.course_id, self.patience = path, backups, course_id, patience
        self._backed_up = False
        if not path.exists():
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
        self._back_up()
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
        handle, new = tempfile.mkstemp(prefix=".new-", dir=self.path.parent)
        os.close(handle)
        try:
            with self._told(), Gradebook(f"sqlite:///{new}", self.course_id):
                pass
            os.replace(new, self.path)
        finally:
            Path(new).unlink(missing_ok=True)
        files.sync_folder(self.path.parent)

    def _check(self) -> None:
        problem = _damage(self.path, self.patience)
        if problem and "locked" in problem:
            raise BookError(self._locked())
        if problem:
            raise BookError(
                f"The gradebook {self.path} is damaged ({problem}): nothing is graded into it. {self._cure()}"
            )

    def _cure(self) -> str:
        good = next((b for b in sorted(self.backups.glob("*.db"), reverse=True) if not _damage(b)), None)
        if good is None:
            return f"There is no good backup in {self.backups}: put back a copy of your own, or move it away."
        path, aside = shlex.quote(str(self.path)), shlex.quote(f"{self.path}.damaged")
        return (
            f"The newest good backup is {good.name}. To take it:\n"
            f"    mv {path} {aside}; rm -f {path}-journal {path}-wal {path}-shm; cp {shlex.quote(str(good))} {path}\n"
            "and grade again: what the backup lacks is put in anew; points that a person gave since then are in "
            "the damaged file only."
        )

    def _back_up(self) -> None:
        """Once in a run: a copy of the gradebook before the first change, unless the last backup is the same."""
        if self._backed_up:
            return
        self.backups.mkdir(parents=True, exist_ok=True)
        handle, new = tempfile.mkstemp(prefix=".new-", dir=self.backups)
        try:
            with self._told(), contextlib.closing(sqlite3.connect(new)) as copy:
                with contextlib.closing(sqlite3.connect(self.path, timeout=self.patience)) as now:
                    now.backup(copy)
            os.fsync(handle)
            older = sorted(self.backups.glob("*.db"))
            if not older or not filecmp.cmp(new, older[-1], shallow=False):
                os.replace(new, self.backups / f"gradebook-{datetime.now():%Y%m%d-%H%M%S-%f}.db")
                files.sync_folder(self.backups)
                for old in older[: -KEPT_BACKUPS + 1]:
                    old.unlink(missing_ok=True)
        finally:
            os.close(handle)
            Path(new).unlink(missing_ok=True)
        self._backed_up = True

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what SQLite says into what to do."""
        try:
            yield
        except (SQLAlchemyError, InvalidEntry, sqlite3.Error) as error:
            said = str(getattr(error, "orig", error))
            if "locked" in said:
                raise BookError(self._locked()) from error
            if "disk is full" in said or "disk I/O" in said or "unable to open" in said:
                raise BookError(
                    f"The gradebook {self.path} could not be written ({said.splitlines()[0]}): make room on the "
                    "disk and give the command again. It is as it was."
                ) from error
            if "no such column" in said or "no such table" in said:
                raise BookError(
                    f"The gradebook {self.path} is of another version of nbgrader. Bring it up to date with "
                    "`nbgrader db upgrade`, which keeps a copy, and give the command again."
                ) from error
            if "malformed" in said or "not a database" in said:
                raise BookError(f"The gradebook {self.path} is damaged ({said}). {self._cure()}") from error
            raise

    def _locked(self) -> str:
        return (
            f"The gradebook {self.path} is being written by {_holders(self.path) or 'another program'}; it was "
            f"waited for, {self.patience:g} seconds long. Let that end, or close it, and give the command again: "
            "what was tried is kept."
        )


def _without_own_transactions(connection: Any, _: object) -> None:
    connection.isolation_level = None  # Python's sqlite3 would begin when it likes


def _begin(connection: Connection) -> None:
    # IMMEDIATE takes the right to write at once: it waits for others here, and not halfway.
    connection.exec_driver_sql(f"BEGIN {connection.get_execution_options()['transaction_mode']}")


def _damage(path: Path, patience: float = 5.0) -> str | None:
    """What is wrong with a gradebook's file, or None."""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=patience)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                return str(said)
            tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'student'")
            return None if tables.fetchone()[0] else "it is empty"
    except sqlite3.Error as error:
        return str(error)


def _holders(path: Path) -> str:
    """The processes that have a lock on the file, on Linux; else nothing."""
    try:
        inode = str(path.stat().st_ino)
        rows = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        pids = {row[-4] for row in rows if row[-3].rpartition(":")[2] == inode} - {
            str(os.getpid()),
            "-1",
            "0",
        }
        return ", ".join(f"process {pid} ({_command(pid)})" for pid in sorted(pids))
    except (OSError, IndexError):
        return ""


def _command(pid: str) -> str:
    try:
        return (
            Path(f"/proc/{pid}/cmdline")
            .read_bytes()
            .replace(b"\0", b" ")
            .decode(errors="replace")
            .strip()[:80]
        )
    except OSError:
        return "of another user"
