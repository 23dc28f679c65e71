"""Archives that lie, or that are none, are refused for their student, and the others are graded."""

import io
import random
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from intake_class import HONEST, UNIT, at_most, only_eve, outcomes, with_bob

from gentutor.grading.intake import collect
from gentutor.grading.intake.reading import MAX_FILE


@pytest.fixture
def group(tmp_path: Path) -> Path:
    return with_bob(tmp_path)


def member(name: str, data: bytes = HONEST, **settings: int) -> bytes:
    """A zip of one member, with any settings of its record."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.compress_type = settings.pop("compress_type", zipfile.ZIP_DEFLATED)
        for key, value in settings.items():
            setattr(info, key, value)
        archive.writestr(info, data)
    return buffer.getvalue()


def encrypted() -> bytes:
    """As zip -e writes it, as far as a reader looks before it asks for the password."""
    data = bytearray(member("01_pca.ipynb"))
    for header, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(header) + offset] |= 1
    return bytes(data)


def wrong_sum() -> bytes:
    data = bytearray(member("01_pca.ipynb"))
    data[200] ^= 0xFF
    return bytes(data)


def lying_size() -> bytes:
    """It says that it unpacks to 100 bytes, and unpacks to 100 MB."""
    data = bytearray(member("01_pca.ipynb", bytes(100_000_000)))
    for header, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.rindex(header) + offset
        data[at : at + 4] = (100).to_bytes(4, "little")
    return bytes(data)


def one_on_another(count: int = 5000) -> bytes:
    """Many entries of the table of contents for the same packed bytes: 15 MB each, 75 GB in all."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.ipynb", bytes(15 << 20))
        first = archive.infolist()[0]
        for _ in range(1, count):
            info = zipfile.ZipInfo("0.ipynb")
            for name in ("compress_type", "CRC", "compress_size", "file_size", "header_offset"):
                setattr(info, name, getattr(first, name))
            archive.filelist.append(info)
    return buffer.getvalue()


def far_away() -> bytes:
    """Its record says that the member lies 2**64 - 2 bytes on."""
    info = zipfile.ZipInfo("01_pca.ipynb")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, HONEST)
        info.header_offset = 2**64 - 2**32
    return buffer.getvalue()


def many(count: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}.txt", b"")
    return buffer.getvalue()


def nested(depth: int) -> bytes:
    data = member("01_pca.ipynb")
    for _ in range(depth):
        data = member("again.zip", data)
    return data


def cut_short() -> bytes:
    return member("01_pca.ipynb")[:-30]


ARCHIVES: dict[str, tuple[Callable[[], bytes], str]] = {
    "absolute": (lambda: member("/etc/01_pca.ipynb"), "lies outside of its archive, at '/etc/01_pca.ipynb'"),
    "parent": (lambda: member("../../bob/01_pca.ipynb"), "lies outside of its archive"),
    "parent of a file that is not wanted": (lambda: member("a/../../.bashrc"), "lies outside of its archive"),
    "drive": (lambda: member("C:\\Users\\01_pca.ipynb"), "lies outside of its archive"),
    "backslash": (lambda: member("..\\01_pca.ipynb"), "lies outside of its archive"),
    "link": (lambda: member("01_pca.ipynb", b"/etc/passwd", external_attr=0o120777 << 16), "is a link"),
    "device": (lambda: member("01_pca.ipynb", b"", external_attr=0o020666 << 16), "a device"),
    "encrypted": (encrypted, "password"),
    "bzip2": (lambda: member("01_pca.ipynb", compress_type=zipfile.ZIP_BZIP2), "unusual way"),
    "lzma": (lambda: member("01_pca.ipynb", compress_type=zipfile.ZIP_LZMA), "unusual way"),
    "bomb": (lambda: member("01_pca.ipynb", bytes(100_000_000)), "too large: 100 MB"),
    "bomb that lies": (lying_size, "cannot be unpacked"),
    "one on another": (one_on_another, "unpack"),
    "too many": (lambda: many(10_001), "more than 10,000 files"),
    "nested": (lambda: nested(3), "no notebook in it, but again.zip"),
    "far away": (far_away, "cannot be unpacked"),
    "wrong sum": (wrong_sum, "cannot be unpacked"),
    "cut short": (cut_short, "no zip archive that can be read"),
    "no zip": (lambda: b"Rar!\x1a\x07\x00" + bytes(100), "no zip archive that can be read"),
    "empty": (lambda: b"", "no zip archive that can be read"),
    "without a notebook": (lambda: member("report.pdf"), "no notebook in it, but report.pdf"),
}


@pytest.mark.parametrize("kind", ARCHIVES)
def test_an_archive_that_a_student_hands_in(kind, group):
    make, reason = ARCHIVES[kind]
    data = make()
    assert len(data) < MAX_FILE
    (group / "eve.zip").write_bytes(data)
    with at_most(200_000_000):
        assert reason in only_eve(group)


@pytest.mark.parametrize(
    "name", ["../eve/01_pca.ipynb", "/eve/01_pca.ipynb", "eve/../01_pca.ipynb", "C:/eve/a.ipynb"]
)
def test_a_member_of_the_platforms_archive_that_lies_outside(name, tmp_path):
    path = tmp_path / "moodle.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bob/01_pca.ipynb", HONEST)
        archive.writestr(name, HONEST)
    result = outcomes(path)
    assert result.pop("bob") == "graded"
    (reason,) = result.values()
    assert "lies outside of its archive" in reason
    assert sorted(each.name for each in tmp_path.iterdir()) == ["moodle.zip"]


def test_no_mutated_archive_does_more_than_be_refused(tmp_path):
    path = tmp_path / "class.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eve/01_pca.ipynb", HONEST[:3000])
        archive.writestr("joe/handin.zip", member("01_pca.ipynb", HONEST[:2000]))
    original = path.read_bytes()
    for seed in range(300):
        rng = random.Random(seed)
        data = bytearray(original)
        tail = rng.choice([0, len(data) - 400])  # the headers, or anywhere
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(tail, len(data))] = rng.randrange(256)
        (tmp_path / "eve").mkdir(exist_ok=True)
        (tmp_path / "eve" / "handin.zip").write_bytes(data)
        intake = collect(tmp_path / "eve", UNIT)
        assert len(intake.handed) + len(intake.refused) + len(intake.absent) >= 1
