"""What a run has done so far, a file for each student, so that the next run goes on from there.

First what a trial gave is noted, then, when the gradebook has it, the points that were recorded. The second
note is believed only as long as the gradebook still says the same: it may have been put back from a backup,
or graded over by plain nbgrader.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gentutor.grading.book import files
from gentutor.grading.records import Tried

Points = Mapping[str, float | None]


class Journal:
    """The notes about one unit's submissions, in a folder with a folder for each student."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def tried(self, student: str, fingerprint: str) -> Tried | None:
        """What the trial of this very submission gave, if there was one."""
        note = self._note(student, fingerprint).get("tried")
        return None if note is None else Tried(**{**note, "noticed": tuple(note["noticed"])})

    def recorded(self, student: str, fingerprint: str) -> Points | None:
        """The automatic points that were put into the gradebook for this very submission, if they were."""
        points: Points | None = self._note(student, fingerprint).get("recorded")
        return points

    def note_tried(self, student: str, fingerprint: str, tried: Tried) -> None:
        """Keep what a trial gave; what was noted of other submissions of the student's is forgotten."""
        self._write(student, {"fingerprint": fingerprint, "tried": asdict(tried)})

    def note_recorded(self, student: str, fingerprint: str, points: Points) -> None:
        """Keep that the gradebook has it."""
        note = self._note(student, fingerprint)
        self._write(student, {**note, "fingerprint": fingerprint, "recorded": dict(points)})

    def _path(self, student: str) -> Path:
        return self.folder / student / "trial.json"

    def _note(self, student: str, fingerprint: str) -> dict[str, Any]:
        try:
            note = json.loads(self._path(student).read_bytes())
        except (FileNotFoundError, ValueError):  # a note that cannot be read only costs another trial
            return {}
        is_this = isinstance(note, dict) and note.get("fingerprint") == fingerprint
        return note if is_this else {}

    def _write(self, student: str, note: dict[str, Any]) -> None:
        files.write(self._path(student), json.dumps(note).encode())
