"""Which of a student's files is the submission. Where that is not plain, nobody guesses: it is refused."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from gentutor.grading.intake import archive
from gentutor.grading.intake.ids import printable
from gentutor.grading.intake.layout import Sender, moment
from gentutor.grading.intake.reading import Item
from gentutor.grading.records import Handed, Refused
from gentutor.units import NAME


@dataclass(frozen=True)
class Sent:
    """A file or folder, whose it is, and where it came from in words."""

    sender: Sender
    item: Item
    origin: str


def choose(student: str, sent: Iterable[Sent], unit: str) -> list[Handed | Refused]:
    """The notebook of each of the student's attempts, or why there is none; nothing where nothing came."""
    own = [each for each in sent if each.sender.own]
    notebooks = _notebooks(own, unit)
    if not notebooks:
        for packed in [each for each in own if each.item.suffix == ".zip"]:
            own.remove(packed)
            own += _unpacked(packed)
        notebooks = _notebooks(own, unit)
    # A link or pipe among other files is passed over, but not a path that leads out of an archive.
    if unusable := next((each for each in own if each.item.unsafe), None) or next(
        (each for each in notebooks if each.item.problem), None
    ):
        return [_refused(student, unusable, f"The file {unusable.item.problem}.")]
    if not notebooks:
        others = [each for each in own if each.item.parts[-1] != "timestamp.txt"]
        names = ", ".join(_described(each.item) for each in others[:5]) + (", ..." if len(others) > 5 else "")
        reason = f"There is no notebook in it, but {names}. Hand in {unit}.ipynb."
        return [_refused(student, others[0], reason)] if others else []
    return _attempts(student, notebooks, _moments(own))


def _attempts(
    student: str, notebooks: list[Sent], moments: dict[tuple[str, ...], datetime | None]
) -> list[Handed | Refused]:
    """One notebook for each attempt. Several that came together are refused, unless they are all the same."""
    together: dict[datetime | None, list[Sent]] = defaultdict(list)
    for each in notebooks:
        together[each.sender.at].append(each)
    chosen: list[Handed | Refused] = []
    for some in together.values():
        again = {(each.sender.attempt, each.sender.file): each for each in some}
        contents = {each.item.data for each in some}
        if len(contents) == 1:
            some = [max(some, key=lambda each: each.sender.attempt)]
        elif len(again) != len(some) or len({file for _, file in again}) > 1:
            names = ", ".join(each.origin for each in some[:5])
            reason = f"There are {len(contents)} different notebooks in it: {names}. Hand in one."
            chosen.append(_refused(student, some[0], reason))
            continue
        for each in some:
            whose, at = each.sender, each.sender.at or moments.get(each.item.parts[:-1])
            chosen.append(Handed(student, each.origin, each.item.data or b"", at, whose.late, whose.attempt))
    return chosen


def _notebooks(sent: Iterable[Sent], unit: str) -> list[Sent]:
    """The notebooks, without copies that `gentutor lab --update` kept, and other units' beside this one's."""
    found = [
        each for each in sent if each.item.suffix == ".ipynb" and ".before-update" not in each.sender.file
    ]
    return [each for each in found if not _is_other(each.sender.file, unit)] or found


def _is_other(file: str, unit: str) -> bool:
    return not file.startswith(unit) and NAME.fullmatch(file.removesuffix(".ipynb")) is not None


def _unpacked(packed: Sent) -> list[Sent]:
    """What is in the archive that the student handed in, or the archive with what is wrong with it."""
    if packed.item.problem:
        return [replace(packed, item=replace(packed.item, unsafe=True))]
    try:
        members = archive.of_student(packed.item.data or b"")
    except archive.UnreadableArchive as error:
        return [replace(packed, item=Item(packed.item.parts, problem=str(error), unsafe=True))]
    return [
        Sent(
            replace(packed.sender, file=member.parts[-1]),
            replace(member, parts=packed.item.parts + member.parts),
            f"{packed.origin}: {printable('/'.join(member.parts))}",
        )
        for member in members
        if not member.folder
    ]


def _moments(sent: Iterable[Sent]) -> dict[tuple[str, ...], datetime | None]:
    """By folder when its notebook was handed in, as nbgrader's timestamp.txt says."""
    return {
        each.item.parts[:-1]: moment(each.item.data.decode("utf-8", "replace"))
        for each in sent
        if each.item.parts[-1] == "timestamp.txt" and each.item.data
    }


def _described(item: Item) -> str:
    name = printable(item.parts[-1], 60)
    return f"{name} ({item.problem.partition('.')[0]})" if item.problem else name


def _refused(student: str, sent: Sent, reason: str) -> Refused:
    return Refused(student, sent.origin, reason)
