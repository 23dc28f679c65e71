"""What `check` found: one `Step` for each line of a chain, and what the whole chain proves."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["holds", "fails", "bridged", "undecided", "unread"]

RELATIONS = {  # as they are printed in a report
    "": "",
    "=": "=",
    ">=": "≥",
    "<=": "≤",
    "propto": "∝",
    "~": "∼",
    "approx": "≈",
    ":=": ":=",
}
LATEX = {
    "": "",
    "=": "=",
    ">=": "\\geq",
    "<=": "\\leq",
    "propto": "\\propto",
    "~": "\\sim",
    "approx": "\\approx",
    ":=": ":=",
}


def compose(relations: Iterable[str]) -> str | None:
    """The relation of the first of a chain to its last: = and >= give >=; >= and <= give None."""
    kept = set(relations) - {"", "=", ":="}
    if not kept:
        return "="
    return kept.pop() if len(kept) == 1 else None


@dataclass(frozen=True)
class Counterexample:
    """A world in which a line does not follow: where, and the two values there.

    `above` and `here` are the values of the line above and of this line at the point `at` of the world
    `world` ("finite world 3"), where they differ most.
    """

    world: str
    at: dict[str, str]
    above: str
    here: str


@dataclass(frozen=True)
class Diagnosis:
    """What to look at: a sentence in words, and the repaired line where a single repair mends it."""

    words: str
    repair: str | None = None  # LaTeX of the line that holds
    residual: str | None = None  # LaTeX of "this line minus the line above", where it has a name
    kind: str = ""  # the rule that found it: "posterior for prior", "swapped arguments", ...


@dataclass(frozen=True)
class Step:
    """One line of a chain and its verdict.

    Attributes:
        number: 0 for the opening line.
        text: the line as it was typed.
        relation: its relation to the line above, "" for an opening expression. A key of `RELATIONS`.
        status: "holds", "fails", "bridged" (dots: nothing is claimed), "undecided" or "unread".
        reading: the fully bracketed reading, as LaTeX; "" if the line could not be read.
        note: the justification that the line prints ("Bayes' rule").
        residual: the largest difference to the line above, relative to the largest term; None: not compared.
        message: why a line is undecided or unread, with a caret under the character.
        worlds: the kinds of worlds that were used.
    """

    number: int
    text: str
    relation: str
    status: Status
    reading: str = ""
    note: str = ""
    residual: float | None = None
    counterexample: Counterexample | None = None
    diagnosis: Diagnosis | None = None
    message: str = ""
    worlds: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """True for "holds", and for "bridged", which claims nothing."""
        return self.status in ("holds", "bridged")


@dataclass(frozen=True)
class Report:
    """The verdict on a chain.

    Attributes:
        setting: the name of the setting.
        steps: one `Step` a line, the opening line included.
        message: what is to be said of the whole chain ("nothing is claimed after the opening").
    """

    setting: str
    steps: tuple[Step, ...]
    message: str = field(default="")

    @property
    def ok(self) -> bool:
        """Every line holds, and at least one claims something after the opening."""
        claims = any(step.relation and step.status == "holds" for step in self.steps[1:])
        return claims and all(step.holds for step in self.steps)

    @property
    def proves(self) -> str | None:
        """The relation of the first line to the last: '=', '>=', '<=', 'propto', '~', or None.

        `=` then `>=` proves `>=`; `>=` then `<=` proves nothing. None too where a line does not hold.
        """
        if not self.ok:
            return None
        return compose(step.relation for step in self.steps[1:] if step.status == "holds")

    def __str__(self) -> str:
        from gentutor.derive.showing.terminal import text

        return text(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        # how a notebook shows a report; imported here, for a check has no use for it
        from gentutor.derive.showing.html import html

        return {"text/html": html(self), "text/plain": str(self)}
