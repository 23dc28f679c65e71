"""What cannot be used is refused for its student, with the reason, and the others are graded.

Files that are none, archives that lie, notebooks that are not: each stands beside an honest submission.
"""

import io
import json
import os
import random
import stat
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

from gentutor.grading.intake import collect, latest, rebuild
from gentutor.grading.intake.reading import MAX_FILE
from gentutor.grading.records import Handed, Refused, Submission

ROOT = Path(__file__).resolve().parents[2]
UNIT = "01_pca"
HONEST = (ROOT / "labs" / UNIT / f"{UNIT}.ipynb").read_bytes()
RELEASE, MASTER = (
    nbformat.read(ROOT / folder / UNIT / f"{UNIT}.ipynb", as_version=4) for folder in ("labs", "solutions")
)


def outcomes(path: Path) -> dict[str, str]:
    """By student: "graded", or why not."""
    intake = collect(path, UNIT)
    last, _ = latest(intake.handed)
    rebuilt = [rebuild(each, RELEASE, MASTER, UNIT) for each in last]
    refused = [each for each in [*intake.refused, *rebuilt] if isinstance(each, Refused)]
    for each in refused:
        assert each.reason.endswith(".")
        assert each.reason.isprintable()
        assert len(each.reason) < 700
        assert each.origin.isprintable()
    graded = {each.student: "graded" for each in rebuilt if isinstance(each, Submission)}
    return graded | {each.student: each.reason for each in refused}


@contextmanager
def at_most(size: int) -> Iterator[None]:
    """Within, no more than `size` bytes are held at any moment, and no more than 4 s of CPU are used."""
    tracemalloc.start()
    began = time.process_time()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < size
        assert time.process_time() - began < 4
    finally:
        tracemalloc.stop()


@pytest.fixture
def group(tmp_path: Path) -> Path:
    """A class in which bob is honest."""
    (tmp_path / "class" / "bob").mkdir(parents=True)
    (tmp_path / "class" / "bob" / "01_pca.ipynb").write_bytes(HONEST)
    return tmp_path / "class"


def only_eve(group: Path) -> str:
    """Why eve was refused; bob was not."""
    result = outcomes(group)
    assert result.pop("bob") == "graded"
    assert list(result) == ["eve"]
    return result["eve"]


def device(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes devices")
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("this system lets nobody make devices")


def huge(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(100_000_000)


def unreadable(path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads all")
    path.write_bytes(HONEST)
    path.chmod(0)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.symlink_to(ROOT / "solutions" / UNIT / f"{UNIT}.ipynb"), "symbolic link"),
        (lambda path: path.symlink_to("nowhere"), "symbolic link"),
        (lambda path: os.mkfifo(path), "pipe"),
        (device, "device"),
        (huge, "too large: 100 MB, of at most 20 MB"),
        (unreadable, "cannot be read"),
        (lambda path: path.mkdir(), "no notebook in it"),
    ],
    ids=["link", "dangling", "pipe", "device", "huge", "unreadable", "folder"],
)
@pytest.mark.parametrize("flat", [False, True], ids=["in a folder", "flat"])
def test_what_is_no_plain_file(make: Callable[[Path], None], reason, flat, group):
    path = group / "eve.ipynb" if flat else group / "eve" / "01_pca.ipynb"
    path.parent.mkdir(exist_ok=True)
    make(path)
    if path.is_dir():
        assert outcomes(group) == {"bob": "graded"}
        assert collect(group, UNIT).absent == [path.name if flat else "eve"]
    else:
        assert reason in only_eve(group)


def test_a_link_to_a_folder_is_not_followed(group, tmp_path):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "01_pca.ipynb").write_bytes(HONEST)
    (group / "eve").symlink_to(tmp_path / "secret")
    assert "symbolic link" in only_eve(group)
    (group / "eve").unlink()
    (group / "eve").mkdir()
    (group / "eve" / "01_pca").symlink_to(tmp_path / "secret")
    assert "01_pca (is a symbolic link" in only_eve(group)


def test_links_among_other_files_do_no_harm(group):
    (group / "eve" / "env" / "bin").mkdir(parents=True)
    (group / "eve" / "env" / "bin" / "python").symlink_to("/usr/bin/python3")
    (group / "eve" / "01_pca.ipynb").write_bytes(HONEST)
    assert outcomes(group) == {"bob": "graded", "eve": "graded"}


@pytest.mark.parametrize("what", ["eve", "eve/01_pca", "eve/01_pca/01_pca.ipynb"])
def test_what_is_exchanged_for_a_link_after_it_was_looked_at_is_not_followed(
    what, group, tmp_path, monkeypatch
):
    own, secret = group / what, tmp_path / "secret" / what
    for place, data in ((own, b"own"), (secret, b"secret")):
        file = place if place.suffix else place / "01_pca.ipynb"
        file.parent.mkdir(parents=True)
        file.write_bytes(data)
    look = os.stat

    def then_exchange(path: str, **settings: object) -> os.stat_result:
        status = look(path, **settings)
        if path == own.name and not own.is_symlink():
            own.rename(tmp_path / "away")
            own.symlink_to(secret)
        return status

    monkeypatch.setattr(os, "stat", then_exchange)
    intake = collect(group, UNIT)
    assert own.is_symlink()
    assert [each.student for each in intake.handed] == ["bob"]
    assert [each.student for each in intake.refused] == ["eve"]


def test_a_file_that_grows_while_it_is_read_is_bounded(group, monkeypatch):
    path = group / "eve.ipynb"
    path.write_bytes(HONEST)
    fstat = os.fstat

    def then_grow(descriptor: int) -> os.stat_result:
        status = fstat(descriptor)
        if status.st_ino == path.stat().st_ino:
            huge(path)
        return status

    monkeypatch.setattr(os, "fstat", then_grow)
    with at_most(45_000_000):
        assert "too large" in only_eve(group)


def test_folders_without_end(group):
    deep = group / "eve" / "/".join(["a"] * 200)
    deep.mkdir(parents=True)
    (deep / "01_pca.ipynb").write_bytes(HONEST)
    assert "deeper than" in only_eve(group)


def test_a_whole_environment_is_refused(group, monkeypatch):
    monkeypatch.setattr("gentutor.grading.intake.reading.MAX_FILES", 50)
    (group / "eve").mkdir()
    (group / "eve" / "01_pca.ipynb").write_bytes(HONEST)
    for number in range(60):
        (group / "eve" / f"{number}.py").touch()
    assert "more than 50 files" in only_eve(group)


def test_names_that_are_no_text(group):
    """Linux lets a file's name be any bytes."""
    (group / os.fsdecode(b"eve\xff\n\x1b[31m")).mkdir()
    (group / os.fsdecode(b"eve\xff\n\x1b[31m") / os.fsdecode(b"01\xfe\n.ipynb")).write_bytes(HONEST)
    result = outcomes(group)
    assert len(result) == 2
    assert set(result.values()) == {"graded"}
    assert all(id_.isprintable() and id_.encode() for id_ in result)


# Archives


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
    for seed in range(600):
        rng = random.Random(seed)
        data = bytearray(original)
        tail = rng.choice([0, len(data) - 400])  # the headers, or anywhere
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(tail, len(data))] = rng.randrange(256)
        (tmp_path / "eve").mkdir(exist_ok=True)
        (tmp_path / "eve" / "handin.zip").write_bytes(data)
        intake = collect(tmp_path / "eve", UNIT)
        assert len(intake.handed) + len(intake.refused) + len(intake.absent) >= 1


# Notebooks


def notebook(**changes: object) -> bytes:
    return json.dumps(json.loads(HONEST) | changes).encode()


def cell(**changes: object) -> bytes:
    fresh = {
        "cell_type": "code",
        "id": "x",
        "metadata": {},
        "source": "1",
        "outputs": [],
        "execution_count": None,
    }
    return notebook(cells=[fresh | changes])


NOTEBOOKS: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "is empty"),
    "spaces": (lambda: b" \n" * 100, "is empty"),
    "cut off": (lambda: HONEST[: len(HONEST) // 2], "is cut off"),
    "cut off at a brace": (lambda: HONEST.rstrip()[:-1], "is cut off"),
    "text": (lambda: b"Dear Sir or Madam,", "is no notebook"),
    "a program": (lambda: b"import torch\nprint(1)\n", "is no notebook"),
    "picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "is no text"),
    "UTF-16": (lambda: HONEST.decode().encode("utf-16"), "is no text"),
    "list": (lambda: b"[]", "is no notebook"),
    "number": (lambda: b"1" * 100_000, "is no notebook"),
    "null": (lambda: b"null", "is no notebook"),
    "object": (lambda: b"{}", "is no notebook of format 4"),
    "format 3": (lambda: notebook(nbformat=3, worksheets=[]), "old format. Open it in JupyterLab"),
    "format true": (lambda: notebook(nbformat=True), "is no notebook of format 4"),
    "format 4.0": (lambda: notebook(nbformat="4"), "is no notebook of format 4"),
    "no cells": (lambda: notebook(cells=[]), "no exercise of lab 01_pca"),
    "cells are none": (lambda: notebook(cells=None), "no list of cells"),
    "cells are an object": (lambda: notebook(cells={"0": {}}), "no list of cells"),
    "a cell is a list": (lambda: notebook(cells=[[]]), "number 1, that is none"),
    "a cell is a text": (lambda: notebook(cells=["import torch"]), "that is none"),
    "source is a number": (lambda: cell(source=1), "source is no text"),
    "source is an object": (lambda: cell(source={"a": "b"}), "source is no text"),
    "source is a list of numbers": (lambda: cell(source=["a", 1]), "source is no text"),
    "source is missing": (lambda: cell(source=None), "source is no text"),
    "unknown kind": (lambda: cell(cell_type="heading"), "neither code nor text"),
    "kind is a list": (lambda: cell(cell_type=["code"]), "neither code nor text"),
    "NUL": (lambda: cell(source="a\0b"), "characters that are none"),
    "lone surrogate": (lambda: cell(source="a\ud800b"), "characters that are none"),
    "a million cells": (lambda: notebook(cells=[0] * 1_000_000), "has 1,000,000 cells, of at most 1,000"),
    "millions of parts": (
        lambda: b'{"nbformat": 4, "cells": [' + b"[]," * 3_000_000 + b"[]]}",
        "too many parts",
    ),
    "a long cell": (lambda: cell(source="x" * 3_000_000), "3,000,000 characters"),
    "nested lists": (
        lambda: b'{"nbformat": 4, "cells": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "nested too",
    ),
    "nested objects": (
        lambda: b'{"nbformat": 4, "a": ' + b'{"a": ' * 100_000 + b"1" + b"}" * 100_001,
        "nested",
    ),
}


@pytest.mark.parametrize("kind", NOTEBOOKS)
def test_what_is_no_notebook(kind, group):
    make, reason = NOTEBOOKS[kind]
    (group / "eve.ipynb").write_bytes(make())
    with at_most(200_000_000):
        assert reason in only_eve(group)


def harmless() -> dict[str, object]:
    """An honest lab in which all that is not read is as bad as it can be."""
    lab = json.loads(HONEST)
    deep: object = 1
    for _ in range(900):
        deep = {"a": [deep]} if isinstance(deep, int) else {"a": deep}
    lab["metadata"] |= {"deep": deep, "\ud800": "\0", "kernelspec": [], "gentutor": [1]}
    for each in lab["cells"]:
        each["metadata"] = each["metadata"] | {"collapsed": deep, "\0": "\ud800"}
        if each["cell_type"] == "code":
            each["outputs"] = [{"output_type": "stream", "text": "\0\ud800" * 100}, 3, None]
            each["execution_count"] = "many"
    return lab


def test_what_is_not_read_does_no_harm(group):
    (group / "eve.ipynb").write_bytes(b"\xef\xbb\xbf" + json.dumps(harmless()).encode())
    assert outcomes(group) == {"bob": "graded", "eve": "graded"}


def test_timestamps_that_are_none(group):
    for number, text in enumerate([b"", b"yesterday", b"\xff\xfe", b"2026-99-99 99:99:99 XYZ", b"9" * 5000]):
        student = group / f"s{number}" / UNIT
        student.mkdir(parents=True)
        (student / "01_pca.ipynb").write_bytes(HONEST)
        (student / "timestamp.txt").write_bytes(text)
    intake = collect(group, UNIT)
    assert len(intake.handed) == 6
    assert {each.at for each in intake.handed} == {None}


def test_a_class_of_which_every_second_is_broken(tmp_path):
    """The batch goes on, and each is told."""
    for number in range(40):
        data = HONEST if number % 2 else HONEST[: number * 50]
        (tmp_path / f"student{number:02}.ipynb").write_bytes(data)
    result = outcomes(tmp_path)
    assert len(result) == 40
    assert [result[f"student{number:02}"] == "graded" for number in range(40)] == [False, True] * 20


def test_data_is_never_compressed_bytes():
    """The bound on a member holds before its sum is checked: a stream without end is cut."""
    packer = zlib.compressobj(9)
    stream = b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush()
    assert len(stream) < 1 << 20
    refused = rebuild(Handed("eve", "eve.ipynb", stream), RELEASE, MASTER, UNIT)
    assert isinstance(refused, Refused)
