"""`--dry-run`: what would be graded, with nothing run and nothing written."""

from gentutor.grading.book.journal import Journal
from gentutor.grading.intake import rebuild
from gentutor.grading.lab import Lab, fingerprint
from gentutor.grading.order import Order, Taken, told
from gentutor.grading.records import Handed, Refused
from gentutor.grading.report.words import bullets, table


def look(order: Order) -> tuple[str, bool]:
    """A page of Markdown with a row for each submission, and whether all can be used. Raises CannotGrade."""
    with told():
        lab, taken = Lab.load(order.course, order.unit), Taken.of(order)
    journal = Journal(order.course / "build" / "grading" / "journal" / lab.unit)

    def row(handed: Handed) -> tuple[str, str, str]:
        submission = rebuild(handed, lab.release, lab.master, lab.unit)
        if isinstance(submission, Refused):
            return handed.student, "refused", submission.reason
        notes = " ".join((*taken.notes.get(handed.student, ()), *submission.notes))
        mark = fingerprint(submission, lab, order.limits, order.sandbox)
        before = journal.recorded(handed.student, mark)
        return handed.student, "would be graded" if order.again or before is None else "graded before", notes

    rows = [(refused.student, "refused", refused.reason) for refused in taken.refused]
    rows = sorted(rows + [row(handed) for handed in taken.handed])
    states = [state for _, state, _ in rows]
    counts = ", ".join(f"{states.count(s)} {s}" for s in ("would be graded", "graded before", "refused"))
    parts = [f"# {lab.unit}: {counts}", "\n".join(table(("student", "what", "why, or what was seen"), rows))]
    if taken.absent:
        parts += ["## Nothing handed in", "\n".join(bullets(taken.absent))]
    return "\n\n".join(parts) + "\n", "refused" not in states
