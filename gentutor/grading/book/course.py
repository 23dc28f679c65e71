"""Where a course keeps what grading writes, as its own nbgrader_config.py says, and the lock on it.

Two graders at once would overwrite each other's notebooks, so the first holds `build/grading/.lock` until it
ends, however it ends: the system lets go of the lock of a process that was killed.
"""

import contextlib
import fcntl
import json
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nbgrader.coursedir import CourseDirectory  # type: ignore[import-untyped]
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from gentutor.grading.book.marks import BookError

SALT = re.compile(r"[0-9a-f]{32}")
# A student's id is a folder's name, here and for nbgrader, whose patterns find none that begins with a dot.
STUDENT = re.compile(r"(?![.\s])[^/\\\x00-\x1f\x7f\ud800-\udfff]+(?<!\s)")


@dataclass(frozen=True)
class Course:
    """A course folder as nbgrader is set up in it.

    Attributes:
        config: what its nbgrader_config.py sets.
        work: the folder of all that grading writes.
        gradebook: nbgrader's database, a SQLite file.
    """

    root: Path
    config: Config
    work: Path
    gradebook: Path
    directory: CourseDirectory

    @classmethod
    def load(cls, root: Path) -> "Course":
        """Read the course's nbgrader_config.py, which also makes the salt. Raises BookError."""
        root = root.resolve()
        if not (root / "nbgrader_config.py").is_file():
            raise BookError(f"{root} has no nbgrader_config.py: name the folder of the course.")
        config = PyFileConfigLoader("nbgrader_config.py", path=str(root)).load_config()
        directory = CourseDirectory(config=config)
        kind, _, path = str(directory.db_url).partition(":///")
        if kind != "sqlite" or not path:
            raise BookError(
                f"The gradebook is {directory.db_url}, and only SQLite files can be locked and backed up "
                "here: set CourseDirectory.db_url in nbgrader_config.py to sqlite:///..."
            )
        return cls(root, config, root / "build" / "grading", Path(path), directory)

    @property
    def salt(self) -> str:
        """The course's secret, from which the inputs of the checks are drawn."""
        path = self.work / "salt"
        salt = path.read_text().strip()
        if not SALT.fullmatch(salt):
            raise BookError(f"{path} holds no salt: put back your copy of it, or delete it for a new one.")
        return salt

    def folder(self, step: str, student: str, unit: str) -> Path:
        """The folder of a student's unit in nbgrader's tree; `step` is submitted, autograded or feedback.

        Raises BookError for an id that cannot be a folder's name.
        """
        if not STUDENT.fullmatch(student) or len(student.encode()) > 255:
            raise BookError(
                f"{student!r} cannot be a student's id: it must be usable as a folder's name (no slash, no "
                "dot in front, no control character, no space at an end, at most 255 bytes). Rename it."
            )
        pattern = getattr(self.directory, f"{step}_directory")
        return Path(self.directory.format_path(pattern, student, unit))

    @contextlib.contextmanager
    def locked(self, unit: str) -> Iterator[None]:
        """Keep every other grader of this course out. Raises BookError, which says who is in."""
        self.work.mkdir(parents=True, exist_ok=True)
        # lockf, not flock: a forked child must not keep the lock when this process is gone.
        with (self.work / ".lock").open("a+") as file:
            try:
                fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                file.seek(0)
                raise BookError(_who(file.read())) from None
            file.truncate(0)
            now = datetime.now().astimezone().isoformat(" ", "seconds")
            holder = {"unit": unit, "since": now, "pid": os.getpid(), "host": socket.gethostname()}
            file.write(json.dumps(holder))
            file.flush()
            yield


def _who(text: str) -> str:
    """What a second grader is told, from what the first has left in the lock."""
    try:
        holder = json.loads(text)
        who = f"{holder['unit']} since {holder['since']}, process {holder['pid']} on {holder['host']}"
        stop = f"kill {holder['pid']}"
    except (ValueError, TypeError, KeyError):
        who, stop = "it has not said yet which unit", "kill and its process id"
    return (
        f"This course is being graded already ({who}). Wait until that has ended and give the command again; "
        f"or stop it (Ctrl-C there, or {stop}): nothing is lost, and the next run goes on where it stopped."
    )
