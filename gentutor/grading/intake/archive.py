"""The members of a zip, read in memory with a bound on each, and never unpacked to disk.

A zip says of itself how much it holds, and may lie: 42 KB can unpack to petabytes, one member can lie on
top of another, and a name can point out of the folder. Nothing here believes it: a member is read until it
ends or is too large, and a name is only ever a name.
"""

import io
import re
import stat
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from gentutor.grading.intake.reading import (
    MAX_FILE,
    MAX_FILES,
    Item,
    is_ignored,
    is_wanted,
    megabytes,
    too_large,
)

MAX_TOGETHER = 60_000_000  # bytes that all notebooks in one student's archive may have
_MALFORMED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
)
_HEADER = b"PK\x01\x02"  # before each entry of a zip's table of contents
_OUTSIDE = re.compile(r"^/|^[A-Za-z]:/|(^|/)\.\.(/|$)")
_ENCRYPTED = 0x1
_UTF8 = 0x800


class UnreadableArchive(ValueError):
    """No zip, or one that cannot be read: why, and what would mend it."""


def of_class(path: Path) -> list[Item]:
    """The members of a platform's archive. Raises UnreadableArchive, OSError."""
    with path.open("rb") as opened:
        return _members(opened, None)


def of_student(data: bytes) -> list[Item]:
    """The members of an archive that a student handed in. Raises UnreadableArchive."""
    if (
        data.count(_HEADER) > MAX_FILES
    ):  # before the table of contents is read: a million entries fit in 50 MB
        raise UnreadableArchive(f"holds more than {MAX_FILES:,} files. Hand in the notebook alone")
    return _members(io.BytesIO(data), MAX_TOGETHER)


def _members(opened: BinaryIO, bound: int | None) -> list[Item]:
    """The members, by the order in the archive; all together at most `bound` bytes."""
    try:
        found: list[Item] = []
        together = 0
        with zipfile.ZipFile(opened) as archive:
            for member in archive.infolist():
                item = _member(archive, member)
                if item is None:
                    continue
                together += len(item.data or b"")
                if bound is not None and together > bound:
                    raise UnreadableArchive(
                        f"unpacks to more than {megabytes(bound)}. Hand in the notebook alone"
                    )
                found.append(item)
        return found
    except UnreadableArchive:
        raise
    except _MALFORMED as error:
        raise UnreadableArchive(f"is no zip archive that can be read ({error}). Pack it again") from error


def _member(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Item | None:
    """What the member is, read where it is a file of use; None where it is to be passed over."""
    name = _name(member).replace("\\", "/")
    parts = tuple(part for part in name.split("/") if part not in ("", ".", ".."))
    if not parts or (any(map(is_ignored, parts)) and not _OUTSIDE.search(name)):
        return None
    if _OUTSIDE.search(name):
        problem = f"lies outside of its archive, at {name!r}. Pack it again, from inside its folder"
        return Item(parts, problem=problem, unsafe=True)
    if name.endswith("/"):
        return Item(parts, folder=True)
    mode = member.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return Item(parts, problem="is a link or a device, not a file. Hand in the file itself")
    if not is_wanted(parts[-1]):
        return Item(parts)
    if member.flag_bits & _ENCRYPTED:
        return Item(parts, problem="is locked with a password. Pack it without one")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        # Python unpacks bzip2 and LZMA in pieces of any size.
        return Item(parts, problem="is packed in an unusual way. Pack it as an ordinary zip")
    if member.file_size > MAX_FILE:
        return Item(parts, problem=too_large(member.file_size))
    try:
        with archive.open(member) as opened:
            data = opened.read(MAX_FILE + 1)
    except _MALFORMED as error:
        return Item(parts, problem=f"cannot be unpacked ({error}). Pack it again")
    return Item(parts, data) if len(data) <= MAX_FILE else Item(parts, problem=too_large(len(data)))


def _name(member: zipfile.ZipInfo) -> str:
    """The member's name. macOS writes UTF-8 and does not say so; Python then reads it as code page 437."""
    if member.flag_bits & _UTF8:
        return member.filename
    try:
        return member.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return member.filename
