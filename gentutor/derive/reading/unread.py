"""A line that cannot be read: what is wrong, and at which character."""

import difflib
from collections.abc import Mapping

WIDTH = 100
MAX_DEPTH = 40
TOO_DEEP = f"the formula is nested more than {MAX_DEPTH} deep; split the line into steps"


class Unread(Exception):
    """Raised by the reader. `position` is a column of `text`, the line as it was typed."""

    def __init__(self, message: str, position: int = 0, text: str = "") -> None:
        super().__init__(message)
        self.message, self.position, self.text = message, position, text

    def pointed(self) -> str:
        """The line (a stretch of it, if it is long), a caret under the character, and the message."""
        text = "".join(" " if character.isspace() else character for character in self.text)
        first = max(0, min(self.position - WIDTH // 2, len(text) - WIDTH))
        shown = text[first : first + WIDTH]
        before, after = "…" if first else "", "…" if first + WIDTH < len(text) else ""
        caret = " " * (self.position - first + len(before)) + "^"
        return f"{before}{shown}{after}\n{caret}\n{self.message}"


def nearest(name: str, known: Mapping[str, str]) -> str:
    """What a setting knows, the names nearest to `name` first: for a message."""
    scores = {other: difflib.SequenceMatcher(None, name.lower(), other.lower()).ratio() for other in known}
    ordered = sorted(known, key=lambda other: -scores[other])
    meant = [other for other in ordered[:3] if scores[other] > 0.6]
    hint = f"Did you mean {' or '.join(meant)}? " if meant else ""
    return f"{hint}The setting knows {', '.join(ordered)}."
