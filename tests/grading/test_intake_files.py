"""What is no plain file is refused for its student, and the others are graded."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from intake_class import HONEST, ROOT, UNIT, at_most, only_eve, outcomes, with_bob

from gentutor.grading.intake import collect


@pytest.fixture
def group(tmp_path: Path) -> Path:
    return with_bob(tmp_path)


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
        (lambda path: path.mkdir(), "is a folder"),
    ],
    ids=["link", "dangling", "pipe", "device", "huge", "unreadable", "folder"],
)
@pytest.mark.parametrize("flat", [False, True], ids=["in a folder", "flat"])
def test_what_is_no_plain_file(make: Callable[[Path], None], reason, flat, group):
    path = group / "eve.ipynb" if flat else group / "eve" / "01_pca.ipynb"
    path.parent.mkdir(exist_ok=True)
    make(path)
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
