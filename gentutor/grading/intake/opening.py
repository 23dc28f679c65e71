"""What the instructor named: a folder, a platform's zip or one notebook; and whether it is one student's."""

import os
from dataclasses import replace
from pathlib import Path

from gentutor.grading.intake import archive, reading
from gentutor.grading.intake.layout import sender
from gentutor.grading.intake.reading import Item


class NothingToGrade(ValueError):
    """What was named holds no submissions: the message says what was expected."""

    def __init__(self, path: Path, problem: str = "holds no submissions") -> None:
        super().__init__(
            f"{path} {problem}. Expected a folder with a folder or a notebook for each student, "
            "the zip that Moodle or Canvas gives, or one notebook."
        )


def opened(path: Path, unit: str) -> tuple[list[Item], str, str]:
    """All that lies there; the name of the student whose it all is, or ""; and how its origins begin.

    Raises NothingToGrade.
    """
    path = Path(os.path.abspath(path))
    try:
        if path.is_dir():
            items, inside = reading.folder(path), path / "_"
            origin = f"{path}{os.sep}"
        elif path.suffix.lower() == ".ipynb":
            items, inside = [reading.file(path)], path
            origin = f"{path.parent}{os.sep}"
        elif path.suffix.lower() == ".zip":
            items, inside = _unwrapped(archive.of_class(path), unit), path.with_suffix("") / "_"
            origin = f"{path}: "
        else:
            raise NothingToGrade(path, "is no folder, zip or notebook" if path.exists() else "is not there")
    except archive.UnreadableArchive as error:
        raise NothingToGrade(path, str(error)) from error
    except OSError as error:
        raise NothingToGrade(path, f"cannot be read: {error.strerror or error}") from error
    return items, _owner(items, inside, unit), origin


def _owner(items: list[Item], inside: Path, unit: str) -> str:
    """The name of the folder, where a notebook lies in it that says not whose it is, and no others' do."""
    notebooks = [item for item in items if item.suffix in (".ipynb", ".zip")]
    if any(len(item.parts) > 1 and item.parts[0] != unit for item in notebooks):
        return ""
    senders = {sender(item, unit) for item in items if len(item.parts) == 1 and item.suffix == ".ipynb"}
    if senders != {None}:
        return ""
    folder = inside.parent
    return folder.parent.name if folder.name == unit else folder.name


def _unwrapped(items: list[Item], unit: str) -> list[Item]:
    """The items without the one folder that all lie in, where that is the class's and not a student's."""
    tops = {item.parts[0] for item in items}
    if len(tops) != 1 or any(len(item.parts) == 1 and not item.folder for item in items):
        return items
    inner = [replace(item, parts=item.parts[1:]) for item in items if len(item.parts) > 1]
    notebooks = [item for item in inner if item.suffix in (".ipynb", ".zip")]
    whose = sender(items[0], unit)
    if whose is None or whose.number:  # Moodle's folder of the only student who handed in
        return items
    several = len(notebooks) > 1 and all(len(i.parts) == 1 and sender(i, unit) for i in notebooks)
    folders = any(len(item.parts) > 1 and item.parts[0] != unit for item in notebooks)
    return inner if several or folders or tops == {unit} else items
