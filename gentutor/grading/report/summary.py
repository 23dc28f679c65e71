"""Where the class stands, as a page of Markdown: on the terminal, and in build/grading/reports."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from gentutor.grading.report.outcome import Outcome
from gentutor.grading.report.words import bullets, escaped, table

COMMONEST = 12  # failed checks that are listed
NO_SANDBOX = (
    "> **Without a sandbox.** What students wrote ran with the rights of whoever gave the command: it could\n"
    "> read the hidden tests and this account's files, and change them. These marks rest on trust."
)
OPEN = "Open points wait for a person (formgrader, *Manual Grading*) and count 0 until then."
SEEN = "What was seen, which by itself tells nothing of intent:"


@dataclass
class Summary:
    """Collects outcomes, and tells the class's.

    Attributes:
        unit: "01_pca".
        exercises: the most points by graded cell, in the order of the lab.
        sandbox: whether there was one.
        absent: who handed in nothing, as far as that is known.
        ended: why the run ended before all was done, or "".
        without_page: for whom no page of feedback could be made, and why.
        seconds: wall time.
        files: what was written for the instructor.
    """

    unit: str
    exercises: Mapping[str, float]
    sandbox: bool = True
    absent: Sequence[str] = ()
    ended: str = ""
    without_page: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    files: Sequence[Path] = ()
    outcomes: list[Outcome] = field(default_factory=list)
    _status: int = 0

    def end(self, why: str, status: int) -> None:
        """The run ended before all was done."""
        self.ended, self._status = why, status

    @property
    def status(self) -> int:
        """The command's exit status: 0 all graded, 1 some not, 2 or 130 the run ended before."""
        return self._status or int(not all(outcome.marks for outcome in self.outcomes))

    def markdown(self) -> str:
        """The page."""
        parts = [f"# {self.unit}: {self._headline()}"]
        if not self.sandbox:
            parts.append(NO_SANDBOX)
        if self.ended:
            parts.append(f"**Not finished.** {escaped(self.ended)}")
        for title, body in (
            ("Marks", self._marks()),
            ("What did not pass", self._failures()),
            ("Not graded", self._why(outcome for outcome in self.outcomes if not outcome.marks)),
            ("Stopped before the end", self._why(o for o in self.outcomes if o.marks and o.why)),
            ("Worth a look", self._notes()),
            ("Nothing handed in", bullets(self.absent)),
            ("Without a page of feedback", bullets(f"{s}: {why}" for s, why in self.without_page.items())),
            ("Files", bullets(map(str, self.files))),
        ):
            if body:
                parts += [f"## {title}", "\n".join(body)]
        return "\n\n".join(parts) + "\n"

    def _headline(self) -> str:
        count = Counter(outcome.state for outcome in self.outcomes)
        told = [f"{count['graded']} graded"]
        told += [f"{count['recorded']} graded before"] if count["recorded"] else []
        told += [f"{count['refused']} refused"] if count["refused"] else []
        told += [f"{count['lost']} not graded"] if count["lost"] else []
        return f"{', '.join(told)}, in {self.seconds:.0f} s"

    def _marks(self) -> list[str]:
        marks = [outcome.marks for outcome in self.outcomes if outcome.marks]
        if not marks:
            return []
        rows = []
        for name, most in self.exercises.items():
            given = [each.cells[name] for each in marks if name in each.cells]
            done = [mark.points for mark in given if not mark.needs_person]
            full, waiting = sum(points >= most for points in done), len(given) - len(done)
            share = [f"{100 * full / len(done):.0f} % ({full} of {len(done)})"] if done else []
            share += [f"open ({waiting})"] if waiting else []
            mean = f"{sum(done) / len(done):.1f}" if done else ""
            rows.append((name.removeprefix("check-"), f"{most:g}", mean, ", ".join(share)))
        mean = f"{sum(each.points for each in marks) / len(marks):.1f}"
        rows.append(("all", f"{sum(self.exercises.values()):g}", mean, ""))
        told = table(("exercise", "points", "mean", "passed"), rows)
        return [*told, "", OPEN] if any(each.provisional for each in marks) else told

    def _failures(self) -> list[str]:
        count = Counter(f"{f.exercise} · {f.aspect}" for outcome in self.outcomes for f in outcome.failures)
        if not count:
            return []
        common = count.most_common(COMMONEST)
        told = table(("check", "students"), [(check, str(students)) for check, students in common])
        return [*told, "", f"and {len(count) - COMMONEST} more"] if len(count) > COMMONEST else told

    def _notes(self) -> list[str]:
        students: dict[str, list[str]] = defaultdict(list)  # what is said of many is said once
        for outcome in self.outcomes:
            for note in outcome.notes:
                students[note].append(outcome.student)
        told = bullets(f"{', '.join(whose)}: {note}" for note, whose in students.items())
        return [SEEN, "", *told] if told else []

    def _why(self, outcomes: Iterable[Outcome]) -> list[str]:
        return bullets(f"{outcome.student}: {outcome.why}" for outcome in outcomes)
