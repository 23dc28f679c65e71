"""The class list: ids of the gradebook, and names and numbers by which platforms know the same students."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from gentutor.grading.intake.ids import plain, safe_id, safe_ids

# Headers, in lower case with spaces for "_" and "-". The first of a row's that is not empty counts.
_ID = (
    *("id", "student id", "username", "user name", "login", "login id", "sis login id", "sis user id"),
    *("id number", "email", "email address", "e mail", "identifier", "lms user id"),
)
_EMAIL = ("email", "email address", "e mail")
_FIRST = ("first name", "firstname", "given name")
_LAST = ("last name", "lastname", "surname", "family name")
_FULL = ("full name", "fullname", "name", "student", "student name")
_NUMBER = ("identifier", "lms user id", "participant", "participant number", "user id", "canvas user id")
_CANVAS = {"sis user id", "sis login id", "section"}  # beside these, "ID" is Canvas's number of the student
_EXPECTED = (
    "Expected a CSV file with a header and a row for each student: "
    "id and, where you have them, email, first_name, last_name or full name; "
    "or what Canvas exports as its gradebook, or Moodle as its grading worksheet"
)


class RosterError(ValueError):
    """The roster cannot be read or understood: the message says what was expected."""


@dataclass(frozen=True)
class Student:
    """One row of the roster. `number` is the platform's; `row` is the row as it was, by header."""

    id: str
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    full_name: str = ""
    number: str = ""
    row: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def names(self) -> set[str]:
        """All by which the student may be called, spelt plainly; never empty text."""
        first, last = self.first_name, self.last_name
        family, comma, given = self.full_name.partition(",")  # Canvas: "Lovelace, Ada"
        called = [self.email, self.full_name, first + last, last + first, given + family if comma else ""]
        return set(map(plain, called)) - {"", plain(first), plain(last)}


@dataclass(frozen=True)
class Roster:
    """The class, in the order of the file."""

    students: tuple[Student, ...]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The roster in the CSV file. Raises RosterError."""
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise RosterError(f"Cannot read the roster {path}: {error.strerror or error}.") from error
        except UnicodeDecodeError as error:
            raise RosterError(f"{path} is no text in UTF-8: save it as CSV UTF-8. {_EXPECTED}.") from error
        header = text.lstrip("\r\n").partition("\n")[0]
        try:
            rows = list(
                csv.DictReader(io.StringIO(text), delimiter=max(",;\t", key=header.count), strict=True)
            )
        except csv.Error as error:
            raise RosterError(f"{path} is no CSV file ({error}). {_EXPECTED}.") from error
        students = [student for row in rows if (student := _student(row))]
        if not students:
            raise RosterError(f"{path} names no students; its header is {header.strip()!r}. {_EXPECTED}.")
        ids = [student.id for student in students]
        if twice := sorted({id_ for id_ in ids if ids.count(id_) > 1}):
            raise RosterError(
                f"{path} has more than one row for {', '.join(twice)}. Each id stands for one student."
            )
        safe = safe_ids(ids)
        return cls(tuple(_with_id(student, safe[student.id]) for student in students))

    def find(self, name: str, number: str = "") -> list[Student]:
        """The students who may be meant: by the platform's number, else by id, else by name or email."""
        tests = (
            lambda s: bool(number) and s.number == number,
            lambda s: s.id in (name, safe_id(name)),
            lambda s: plain(s.id) == plain(name),
            lambda s: plain(name) in s.names,
        )
        found = ([student for student in self.students if test(student)] for test in tests)
        return next(filter(None, found), [])


def _student(row: Mapping[str | None, object]) -> Student | None:
    """The student in the row; None where it names none, as Canvas's row of points possible."""
    kept = {key: value.strip() for key, value in row.items() if key and isinstance(value, str)}
    cells = {" ".join(key.lower().replace("_", " ").replace("-", " ").split()): v for key, v in kept.items()}
    canvas = bool(_CANVAS & cells.keys()) and "student" in cells

    def first(headers: tuple[str, ...]) -> str:
        return next((cells[header] for header in headers if cells.get(header)), "")

    id_ = first(_ID[1:] + _ID[:1] if canvas else _ID)
    number = cells.get("id", "") if canvas else first(_NUMBER)
    if not id_:
        return None
    return Student(
        id=id_,
        email=first(_EMAIL),
        first_name=first(_FIRST),
        last_name=first(_LAST),
        full_name=first(_FULL),
        number=number.rpartition(" ")[2],  # Moodle's worksheet: "Participant 123456"
        row=kept,
    )


def _with_id(student: Student, id_: str) -> Student:
    return Student(**(vars(student) | {"id": id_}))
