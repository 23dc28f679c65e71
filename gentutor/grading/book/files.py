"""Files that are written at once or not at all: no reader, full disk or power cut finds half of one."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from gentutor.grading.book.marks import BookError

BEGUN = ".new-"  # what the names of files begin with that have not got their own yet


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Put `content` at `path` and on the disk. Raises BookError; then what was there is untouched."""
    write_all(path.parent, {path.name: content}, mode)


def write_all(folder: Path, contents: Mapping[str, bytes], mode: int = 0o644) -> None:
    """The same for some files of one folder, by name, each at once or not at all."""
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            _replace(folder / name, content, mode)
        sync_folder(folder)


@contextlib.contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Turn what the system says into what to do."""
    try:
        yield
    except OSError as error:
        raise BookError(
            f"{folder} could not be written ({error.strerror}): make room on the disk, or let yourself write "
            "there, and give the command again. Nothing was lost: what was there is as it was."
        ) from error


def _replace(path: Path, content: bytes, mode: int) -> None:
    # Not named for `path`: a student's name may already fill the 255 bytes that a file name has.
    handle, new = tempfile.mkstemp(prefix=BEGUN, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(handle, mode)
            os.fsync(handle)
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise


def sync_folder(folder: Path) -> None:
    """Put on the disk which files the folder has."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path) -> None:
    """Take away what a grader had begun when it was killed; nobody else may be writing below `folder`."""
    for new in folder.rglob(f"{BEGUN}*"):
        new.unlink(missing_ok=True)
