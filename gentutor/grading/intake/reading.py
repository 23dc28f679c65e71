"""The files of a folder that students could write to, read once and without following a link.

A student's "notebook" may be a link to the solutions, a pipe that never ends or a device, and may be
exchanged while we look. So every folder is opened from its parent's descriptor, nothing is opened through a
link or waited for, and what a file is, is asked of the open file.
"""

import os
import stat
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

MAX_FILE = 20_000_000  # bytes; a lab with its outputs has some 200 KB, and 20 MB with many animations
MAX_FILES = 10_000  # files in one folder of a class: more is an environment or a data set handed in
MAX_DEPTH = 12
_IGNORED = ("__MACOSX", "__pycache__", "Thumbs.db", "desktop.ini")
_OPEN = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


@dataclass(frozen=True)
class Item:
    """A file or folder that was found: where, and what is in it or why that cannot be used.

    Attributes:
        parts: the names on the way to it, from the folder or archive that was given.
        data: its bytes, where it is a notebook, an archive or a timestamp; else None.
        problem: why it cannot be used, or "".
        folder: whether it is a folder.
        unsafe: whether the problem alone is a reason to refuse all that came with it.
    """

    parts: tuple[str, ...]
    data: bytes | None = field(default=None, repr=False)
    problem: str = ""
    folder: bool = False
    unsafe: bool = False

    @property
    def suffix(self) -> str:
        """The ending of its name in lower case: ".ipynb"."""
        return os.path.splitext(self.parts[-1])[1].lower()


def megabytes(size: int) -> str:
    """The size in words: "4.2 GB", "100 MB"."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 0.1):.{0 if size >= 1e7 else 1}f} MB"


def too_large(size: int) -> str:
    """Why a notebook of `size` bytes is not read, and what would mend it."""
    return (
        f"is too large: {megabytes(size)}, of at most {megabytes(MAX_FILE)}. "
        "Clear all outputs, save, and hand in again"
    )


def is_wanted(name: str) -> bool:
    """Whether the file's content is of use: of all others only the name is looked at."""
    return name.lower().endswith((".ipynb", ".zip")) or name == "timestamp.txt"


def is_ignored(name: str) -> bool:
    """Whether it is what systems and editors leave about: .DS_Store, .ipynb_checkpoints, .git."""
    return name.startswith(".") or name in _IGNORED


def file(path: Path) -> Item:
    """The one file at `path`."""
    parent = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return _file(parent, (path.name,))
    finally:
        os.close(parent)


def folder(path: Path) -> list[Item]:
    """All files and folders below `path`, by name. Raises OSError where it is no folder that can be read."""
    top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found: list[Item] = []
        for name in _names(top):
            with closing(_walk(top, (name,))) as walk:
                found += islice(walk, MAX_FILES)
                if next(walk, None):
                    problem = f"holds more than {MAX_FILES:,} files. Hand in the notebook alone"
                    found.append(Item((name,), problem=problem, unsafe=True))
        return found
    finally:
        os.close(top)


def _names(descriptor: int) -> list[str]:
    with os.scandir(descriptor) as entries:
        return sorted(entry.name for entry in entries if not is_ignored(entry.name))


def _walk(parent: int, parts: tuple[str, ...]) -> Generator[Item]:
    """The file or folder, and all below it."""
    try:
        mode = os.stat(parts[-1], dir_fd=parent, follow_symlinks=False).st_mode
        if not stat.S_ISDIR(mode):
            yield _file(parent, parts)
            return
        if parts[-1].lower().endswith(".ipynb"):
            yield Item(parts, problem="is a folder, not a file. Hand in the notebook itself")
            return
        yield Item(parts, folder=True)
        if len(parts) > MAX_DEPTH:
            yield Item(parts, problem=f"lies deeper than {MAX_DEPTH} folders")
            return
        descriptor = os.open(parts[-1], _OPEN | os.O_DIRECTORY, dir_fd=parent)
        try:
            for name in _names(descriptor):
                yield from _walk(descriptor, (*parts, name))
        finally:
            os.close(descriptor)
    except OSError as error:
        yield Item(parts, problem=f"cannot be read: {error.strerror or error}")


def _file(parent: int, parts: tuple[str, ...]) -> Item:
    """What lies there, read where it is a file of use."""
    name = parts[-1]
    try:
        if stat.S_ISLNK(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
            return Item(parts, problem="is a symbolic link, which is not followed. Hand in the file itself")
        if not is_wanted(name):
            return Item(parts)
        descriptor = os.open(name, _OPEN, dir_fd=parent)
        with os.fdopen(descriptor, "rb") as opened:
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode):
                return Item(parts, problem="is a pipe or a device, not a file. Hand in the file itself")
            if status.st_size > MAX_FILE:
                return Item(parts, problem=too_large(status.st_size))
            data = opened.read(MAX_FILE + 1)
            return Item(parts, data) if len(data) <= MAX_FILE else Item(parts, problem=too_large(len(data)))
    except OSError as error:
        return Item(parts, problem=f"cannot be read: {error.strerror or error}")
