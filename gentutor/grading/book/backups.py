"""Copies of the gradebook from before each run that changed it, and the way back to one."""

import contextlib
import filecmp
import os
import shlex
import sqlite3
import tempfile
from datetime import datetime
from pathlib import Path

from gentutor.grading.book import files

KEPT = 30


def damage(path: Path, patience: float = 5.0) -> str | None:
    """What is wrong with a gradebook's file, or None; that it is locked after `patience` seconds, too."""
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=patience)) as connection:
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if said != "ok":
                return str(said)
            tables = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'student'")
            return None if tables.fetchone()[0] else "it is empty"
    except sqlite3.Error as error:
        return str(error)


def make(path: Path, folder: Path, patience: float) -> None:
    """Copy the gradebook into the folder, by SQLite's own means, unless the last copy is the same.

    The newest copies are kept. Raises BookError and sqlite3.Error.
    """
    with files.writing_to(folder):
        _make(path, folder, patience)


def _make(path: Path, folder: Path, patience: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    handle, new = tempfile.mkstemp(prefix=files.BEGUN, dir=folder)
    try:
        with contextlib.ExitStack() as stack:
            copy = stack.enter_context(contextlib.closing(sqlite3.connect(new)))
            now = stack.enter_context(contextlib.closing(sqlite3.connect(path, timeout=patience)))
            now.backup(copy)
        os.fsync(handle)
        older = sorted(folder.glob("*.db"))
        if not older or not filecmp.cmp(new, older[-1], shallow=False):
            os.replace(new, folder / f"gradebook-{datetime.now():%Y%m%d-%H%M%S-%f}.db")
            files.sync_folder(folder)
            for old in older[: -KEPT + 1]:
                old.unlink(missing_ok=True)
    finally:
        os.close(handle)
        Path(new).unlink(missing_ok=True)


def way_back(path: Path, folder: Path) -> str:
    """How to put the newest good copy in the place of the gradebook at `path`."""
    good = next((copy for copy in sorted(folder.glob("*.db"), reverse=True) if not damage(copy)), None)
    if good is None:
        return f"There is no good backup in {folder}: put back a copy of your own, or move it away."
    here, aside, there = (shlex.quote(str(p)) for p in (path, f"{path}.damaged", good))
    return (
        f"The newest good backup is {good.name}. To take it:\n"
        f"    mv {here} {aside}; rm -f {here}-journal {here}-wal {here}-shm; cp {there} {here}\n"
        "and grade again: what the backup lacks is put in anew. Points that a person gave since then are in "
        "the damaged file only."
    )
