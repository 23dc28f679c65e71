"""Whose a file is, by where it lies and what it is called.

What platforms write, as their sources have it:

- Moodle (mod/assign/classes/downloader.php): "Ada Lovelace_123456_assignsubmission_file/01_pca.ipynb", in
  older versions with "_" at the folder's end, or "Ada Lovelace_123456_assignsubmission_file_01_pca.ipynb"
  without folders. The number is that of the grading worksheet's "Participant 123456". Blind marking has
  "Participant" for the name. What was typed into Moodle lies under "..._assignsubmission_onlinetext".
- Canvas (lib/content_zipper.rb): "lovelaceada_LATE_12345_678901_01_pca-2.ipynb": the sortable name in lower
  case without spaces, LATE where it is, the numbers of the student and of the file, and the file's name.
  Canvas adds -1, -2 to the name of a file that a student uploads again. Without names it is
  "anon_x7Tq2_678901_01_pca.ipynb".
- nbgrader: "ada/01_pca/01_pca.ipynb"; before it collects, "ada+01_pca+2026-11-21 17:05:55 UTC+...".
"""

import re
from dataclasses import dataclass
from datetime import datetime

from nbgrader.utils import parse_utc  # type: ignore[import-untyped]

from gentutor.grading.intake.reading import Item
from gentutor.units import NAME

_MOODLE = re.compile(
    r"(?P<name>.*)_(?P<number>\d+)_assignsubmission_(?P<plugin>[a-z]+)(?:_(?P<file>.*))?", re.S
)
_CANVAS = re.compile(
    r"(?:(?P<name>.*?)_)??(?:(?P<late>LATE)_)?(?P<number>anon_[A-Za-z0-9]+|\d+)_(?P<upload>\d+)_(?P<file>.+)",
    re.S,
)
_UPLOADED_AGAIN = re.compile(r"(?P<base>.*)-(?P<again>[1-9]\d?)", re.S)
_EXCHANGE = re.compile(r"(?P<name>[^+]+)\+(?P<unit>[^+]+)\+(?P<at>[^+]+)(?:\+.*)?", re.S)
_OTHER_ENDINGS = (
    ".csv",
    ".tsv",
    ".txt",
    ".md",
    ".log",
    ".json",
    ".html",
    ".xlsx",
    ".ods",
    ".db",
    ".yml",
    ".yaml",
)


@dataclass(frozen=True)
class Sender:
    """Who handed in a file, as far as its place tells.

    Attributes:
        label: what tells this student from others.
        name: the name in it, which a roster may know.
        number: the platform's number of the student, or "".
        file: the file's own name, without what the platform added.
        late, attempt, at: see `Handed`.
        own: whether the file is of the unit at hand; else it only shows that the student is there.
    """

    label: str
    name: str
    number: str = ""
    file: str = ""
    late: bool = False
    attempt: int = 1
    at: datetime | None = None
    own: bool = True


def sender(item: Item, unit: str) -> Sender | None:
    """Whose the item is; None where it is no student's: a list of marks beside the students' folders."""
    top, file = item.parts[0], item.parts[-1]
    if moodle := _MOODLE.fullmatch(top):
        name, number = moodle["name"], moodle["number"]
        own = moodle["plugin"] == "file" and not item.folder
        return Sender(f"{name}_{number}", name, number, moodle["file"] or file, own=own)
    if len(item.parts) == 1 and not item.folder:
        return _canvas(top) or _flat(item, unit)
    if exchange := _EXCHANGE.fullmatch(top):
        own = exchange["unit"] == unit and not item.folder
        return Sender(exchange["name"], exchange["name"], "", file, at=moment(exchange["at"]), own=own)
    other = len(item.parts) > 1 and item.parts[1] != unit and NAME.fullmatch(item.parts[1]) is not None
    return Sender(top, top, "", file, own=not item.folder and not other)


def _canvas(top: str) -> Sender | None:
    found = _CANVAS.fullmatch(top)
    if not found:
        return None
    stem, dot, ending = found["file"].rpartition(".")
    again = _UPLOADED_AGAIN.fullmatch(stem)
    return Sender(
        label="_".join(filter(None, (found["name"], found["number"]))),
        name=found["name"] or "",
        number=found["number"],
        file=f"{again['base']}{dot}{ending}" if again else found["file"],
        late=bool(found["late"]),
        attempt=int(again["again"]) + 1 if again else 1,
    )


def _flat(item: Item, unit: str) -> Sender | None:
    """The sender of ada.ipynb, ada_01_pca.ipynb or 01_pca-ada.ipynb, by the part that is not the unit."""
    stem = item.parts[0].removesuffix(item.suffix)
    if item.suffix in _OTHER_ENDINGS and not stem.endswith(".ipynb"):  # browsers make 01_pca.ipynb.txt
        return None
    stem, found, rest = stem.removesuffix(".ipynb").partition(unit)
    name = (stem or rest).strip(" _-.+()") if found else stem
    if not name or (found and re.fullmatch(r"\d{1,2}", name)):  # 01_pca (1).ipynb
        return None
    return Sender(name, name, file=item.parts[0])


def moment(text: str) -> datetime | None:
    """The moment in UTC, as nbgrader reads timestamp.txt, or None where it names none."""
    try:
        parsed: datetime | None = parse_utc(text.strip())
    except (ValueError, OverflowError, TypeError):
        return None
    return parsed
