"""The files of a class become one notebook for each student and attempt, or the reason why not."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from gentutor.grading.intake.choosing import Sent, choose
from gentutor.grading.intake.ids import printable, safe_ids
from gentutor.grading.intake.layout import Sender, sender
from gentutor.grading.intake.opening import NothingToGrade, opened
from gentutor.grading.intake.reading import Item
from gentutor.grading.intake.roster import Roster
from gentutor.grading.records import Handed, Refused

__all__ = ["Intake", "NothingToGrade", "collect", "latest"]


@dataclass(frozen=True)
class Intake:
    """What was handed in for one unit.

    Attributes:
        handed: notebooks, read but not understood; several of a student who tried several times.
        refused: what cannot be used.
        absent: ids of those who handed in nothing: an empty folder, or a row of the roster alone.
        notes: what is to be said of a student, a sentence each, by id.
        passed_over: files beside the students' that are taken to be no student's, such as a list of marks.
    """

    handed: list[Handed]
    refused: list[Refused]
    absent: list[str] = field(default_factory=list)
    notes: Mapping[str, list[str]] = field(default_factory=dict)
    passed_over: list[str] = field(default_factory=list)


def collect(path: Path, unit: str, *, roster: Roster | None = None) -> Intake:
    """All that was handed in at `path` for the unit, say "01_pca". Raises NothingToGrade."""
    items, owner, where = opened(path, unit)
    class_ids = [student.id for student in roster.students] if roster else []
    sent: dict[str, list[Sent]] = defaultdict(list)  # by the roster's id, else by what the place tells
    unlisted: dict[str, str] = {}
    passed_over = []
    for item in items:
        origin = printable(where + "/".join(item.parts), 500)
        whose, item = _whose(item, owner, unit)
        if whose is None:
            passed_over.append(origin)
            continue
        known = roster.find(whose.name, whose.number) if roster else []
        if roster and len(known) != 1:
            several = ", ".join(student.id for student in known)
            unlisted[whose.label] = (
                f"Fits {len(known)} students of the roster: {several}." if known else "Is not on the roster."
            )
        sent[known[0].id if len(known) == 1 else whose.label].append(Sent(whose, item, origin))
    if not sent:
        raise NothingToGrade(path)

    ids = safe_ids([*class_ids, *sent], fixed=class_ids)
    notes = {ids[label]: [note] for label, note in unlisted.items()}
    intake = Intake([], [], [], notes, passed_over)
    for label, some in sent.items():
        chosen = choose(ids[label], some, unit)
        intake.handed.extend(each for each in chosen if isinstance(each, Handed))
        intake.refused.extend(each for each in chosen if isinstance(each, Refused))
        if not chosen:
            intake.absent.append(ids[label])
    intake.absent.extend(id_ for id_ in class_ids if id_ not in sent)
    return intake


def latest(handed: Iterable[Handed]) -> tuple[list[Handed], dict[str, list[str]]]:
    """The last attempt of each student, and a note on each who made several, by id."""
    attempts: dict[str, list[Handed]] = defaultdict(list)
    for each in handed:
        attempts[each.student].append(each)
    last, notes = [], {}
    for student, several in attempts.items():
        several.sort(key=lambda each: (each.at or datetime.min, each.attempt))
        last.append(several[-1])
        if len(several) > 1:
            notes[student] = [f"Handed in {len(several)} times; the last counts: {several[-1].origin}."]
    return last, notes


def _whose(item: Item, owner: str, unit: str) -> tuple[Sender | None, Item]:
    """The sender of the item, and the item; a notebook that says not whose it is has a sender of its own."""
    if owner:
        return Sender(owner, owner, file=item.parts[-1], own=not item.folder), item
    whose = sender(item, unit)
    if whose is None and item.suffix == ".ipynb":
        problem = f"does not say whose it is. Name it after its student: ada_{unit}.ipynb"
        return Sender(item.parts[-1], ""), replace(item, problem=problem)
    return whose, item
