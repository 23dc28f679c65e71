"""What differed from the release, a sentence each, no wider than what was seen.

A check with another text may have been tampered with, or be an older release's; where the notebook's own
record says of which release it was made, an older text that it records is no change of the student's.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from nbformat import NotebookNode

from gentutor.grading.intake.ids import printable
from gentutor.workbook import Carried, fingerprint


def take_marks(student: NotebookNode, release: NotebookNode) -> list[str]:
    """Give each known cell the release's nbgrader marks; returns the names of those that had others.

    So whether a cell is an answer is never the student's to say.
    """
    changed = []
    for cell in student.cells:
        home = _home(cell, release)
        if home is not None:
            theirs, ours = cell.metadata.nbgrader, home.metadata.get("nbgrader", {})
            if any(ours.get(key) != value for key, value in theirs.items()):
                changed.append(_name(home))
            cell.metadata["nbgrader"] = ours
    return changed


def notices(
    student: NotebookNode, release: NotebookNode, carried: Carried, marked: list[str]
) -> Iterator[str]:
    """What is to be said of the student's notebook.

    Arguments:
        student: the notebook, with the marks of the release.
        release: the release into which its answers went.
        carried: what became of its cells.
        marked: names of the cells that had other marks.
    """
    record = student.metadata.gentutor
    older = record.get("release") not in (None, fingerprint(release))
    names = {cell.id: _name(cell) for cell in release.cells}
    answers = [cell.id for cell in release.cells if _is(cell, "solution")]
    checks = [cell.id for cell in release.cells if _is(cell, "grade") and not _is(cell, "solution")]
    homes = [(cell, home) for cell in student.cells if (home := _home(cell, release)) is not None]
    counts = Counter(home.id for _, home in homes)

    lacking = [id_ for id_ in answers if older and id_ not in record["cells"]]
    if older:
        without = f", without {_listed(names[id_] for id_ in lacking)}" if lacking else ""
        yield f"Its record says that it was made from another release of the lab{without}."
    if gone := [names[id_] for id_ in answers if not counts[id_] and id_ not in lacking]:
        yield f"Answer cells that are not in it: {_listed(gone)}."
    texts = {cell.source.strip() for cell in student.cells}
    present = {cell.id for cell in release.cells if counts[cell.id] or cell.source.strip() in texts}
    if gone := [names[id_] for id_ in checks if id_ not in present and not older]:
        yield f"Checks that were not in it, and were put back: {_listed(gone)}."
    if several := [f"{names[id_]} ({counts[id_]} times)" for id_ in answers if counts[id_] > 1]:
        yield f"Answer cells in it more than once, of which the first changed one counts: {_listed(several)}."
    if several := [names[id_] for id_ in checks if counts[id_] > 1]:
        yield f"Checks that are in it more than once; each runs once, as ours: {_listed(several)}."
    edited = {home.id for cell, home in homes if not cell.source.strip() and home.id not in answers}
    edited |= {home.id for cell, home in homes if any(cell is other for other in carried.edited)}
    if changed := [names[id_] for id_ in checks if id_ in edited]:
        yield f"Checks whose text was not this release's; ours were run: {_listed(changed)}."
    if changed := [names[cell.id] for cell in release.cells if cell.id in edited - set(checks)]:
        yield f"Given cells whose text was not this release's; ours were taken: {_listed(changed)}."
    if carried.homeless:
        yield f"Answers to exercises that the lab does not have: {_listed(map(_name, carried.homeless))}."
    if marked and not older:
        yield f"nbgrader's marks were changed on {_listed(marked)}; ours were taken."
    if tags := _tags(student, release):
        yield f"Tags that the lab does not have, not taken: {_listed(tags)}."


def _home(cell: NotebookNode, release: NotebookNode) -> NotebookNode | None:
    """The release's cell that the student's is: by id, else by nbgrader's id."""
    grade_id = cell.metadata.nbgrader.get("grade_id")
    same = [known for known in release.cells if cell.id and known.id == cell.id]
    same += [known for known in release.cells if grade_id and _grade_id(known) == grade_id]
    return same[0] if same else None


def _tags(student: NotebookNode, release: NotebookNode) -> list[str]:
    """Tags on the student's cells that are not on the release's, each with the number of cells."""
    stray: Counter[str] = Counter()
    for cell in student.cells:
        home = _home(cell, release)
        given = home.metadata.get("tags", []) if home is not None else []
        stray.update(set(cell.metadata.tags) - set(given))
    return [f"{printable(tag, 40)!r} on {count}" for tag, count in stray.most_common(5)]


def _is(cell: NotebookNode, mark: str) -> bool:
    return cell.metadata.get("nbgrader", {}).get(mark) is True


def _grade_id(cell: NotebookNode) -> str | None:
    grade_id: str | None = cell.metadata.get("nbgrader", {}).get("grade_id")
    return grade_id


def _name(cell: NotebookNode) -> str:
    return _grade_id(cell) or cell.id or "a cell"


def _listed(names: Iterable[str]) -> str:
    all_names = list(names)
    more = f" and {len(all_names) - 12} more" if len(all_names) > 12 else ""
    return ", ".join(all_names[:12]) + more
