"""A chain of lines as trees: the relation that each line claims, and the expression that it reaches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from gentutor.derive.reading.claims import Claim, check_scope, claims_of, named
from gentutor.derive.reading.layout import GIVEN, STUB, fill, split_note, split_top, steps
from gentutor.derive.reading.meaning.reader import Reader
from gentutor.derive.reading.meaning.scope import free_variables
from gentutor.derive.reading.surface.parser import parse
from gentutor.derive.reading.surface.pieces import Statement
from gentutor.derive.reading.surface.survey import survey
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import Blank, Dots, Node, walk
from gentutor.derive.vocabulary import Vocabulary

MAX_LINE, MAX_TEXT, MAX_STEPS = 5_000, 50_000, 200

__all__ = ["Chain", "Claim", "Line", "Unread", "read"]


@dataclass(frozen=True)
class Line:
    """One line. `claims` is empty if it could not be read (`error`); `written` is False if a hole is open."""

    number: int
    text: str
    claims: tuple[Claim, ...] = ()
    note: str = ""
    error: Unread | None = None
    written: bool = True


@dataclass(frozen=True)
class Chain:
    """A chain: its lines, what is given as (left, "=" or "<=", right), whether a part is not written yet.

    `refused` is what is wrong with a `given` that cannot be read.
    """

    lines: tuple[Line, ...]
    given: tuple[tuple[Node, str, Node], ...] = ()
    unwritten: bool = False
    refused: Unread | None = None


@dataclass
class _Draft:
    """A line on the way from text to trees."""

    text: str
    formula: str = ""
    note: str = ""
    surface: Statement | None = None
    error: Unread | None = None


def read(text: str, vocabulary: Vocabulary, blanks: Mapping[str, str] | None = None) -> Chain:
    """The chain that `text` prints, in the words of a setting; `blanks` are the answers in its holes.

    Never raises on a text: a line that cannot be read carries its error.
    """
    unwritten = STUB.search(text) is not None
    if len(text) > MAX_TEXT:
        error = Unread(f"the chain has {len(text)} characters; at most {MAX_TEXT} are read", 0, text[:100])
        return Chain((Line(0, text[:100], error=error),), (), unwritten)
    drafts: list[_Draft] = []
    for step in islice(steps(text), MAX_STEPS + 1):
        first = all(GIVEN.match(draft.text) for draft in drafts)
        drafts.append(_parse(step, vocabulary, blanks or {}, first))
    if len(drafts) > MAX_STEPS:
        drafts[-1].error = Unread(f"a chain has at most {MAX_STEPS} lines", 0, drafts[-1].text)
    readings = [_lines(drafts, vocabulary)]
    if readings[0].unplaced:
        readings.append(_lines(drafts, vocabulary, holds=True))
    found = min(readings, key=lambda one: sum(line.error is not None for line in one.lines))
    unwritten = unwritten or any(not line.written for line in found.lines)
    return Chain(tuple(found.lines), tuple(found.given), unwritten, found.refused)


@dataclass
class _Reading:
    """What a chain was read as; `unplaced` if an E_q that draws the data too left a later line unread."""

    lines: list[Line]
    given: list[tuple[Node, str, Node]]
    unplaced: bool
    refused: Unread | None = None


def _lines(drafts: Sequence[_Draft], vocabulary: Vocabulary, holds: bool = False) -> _Reading:
    surfaces = (draft.surface for draft in drafts if draft.surface)
    reader = Reader(vocabulary, usage=survey(surfaces, vocabulary), holds=holds)
    given: list[tuple[Node, str, Node]] = []
    refused: Unread | None = None
    lines: list[Line] = []
    above: Node | None = None
    for place, printed in enumerate(drafts):
        draft = replace(printed)
        if not lines and GIVEN.match(draft.text) and draft.error is None:
            try:
                given += _given(draft, reader)
            except Unread as error:
                refused = refused or _placed(error, draft.text)
            continue
        below = drafts[place + 1] if place + 1 < len(drafts) else None
        line = _line(draft, len(lines), reader, above, below is not None and _defines(below))
        if line.claims and not isinstance(line.claims[-1].expression, Dots):
            above = line.claims[-1].expression
        lines.append(line)
    unplaced = reader.drew_data and any(line.error is not None for line in lines)
    return _Reading(lines, given, unplaced, refused)


def _parse(text: str, vocabulary: Vocabulary, blanks: Mapping[str, str], first: bool) -> _Draft:
    draft = _Draft(text)
    try:
        draft.text = text = fill(text, blanks)
        if len(text) > MAX_LINE:
            raise Unread(f"the line has {len(text)} characters; at most {MAX_LINE} are read", 0)
        if GIVEN.match(text):
            if not first:
                raise Unread("what is given stands before the chain, each on a line of its own", 0)
            return draft
        draft.formula, draft.note = split_note(text, vocabulary.known())
        draft.surface = parse(draft.formula)
    except Unread as error:
        draft.error = _placed(error, text)
    return draft


def _placed(error: Unread, text: str) -> Unread:
    error.text = error.text or text
    error.position = min(max(0, error.position), len(error.text))
    return error


def _given(draft: _Draft, reader: Reader) -> list[tuple[Node, str, Node]]:
    """`given A = B, C \\leq D`."""
    found = GIVEN.match(draft.text)
    assert found
    pairs: list[tuple[Node, str, Node]] = []
    for place, part in split_top(draft.text[found.end() :]):
        try:
            surface = parse(part)
            if len(surface.sides) != 2 or surface.relations[0].text not in ("=", ":=", "~", "<="):
                raise Unread("given takes equations: given A = B, C = D")
            relation = "<=" if surface.relations[0].text == "<=" else "="
            left, right = (reader.read(side, 0) for side in surface.sides)
        except Unread as error:
            error.position += found.end() + place
            raise
        pairs.append((left, relation, named(right, left)))
    return pairs


def _defines(draft: _Draft) -> bool:
    """Whether a line may say what the name above it stands for."""
    surface = draft.surface
    if surface is None or surface.sides[0] is not None or not surface.relations:
        return False
    return surface.relations[0].text in ("=", ":=")


def _line(draft: _Draft, number: int, reader: Reader, above: Node | None, defined_below: bool) -> Line:
    reader.new_line()
    if draft.error is None and draft.surface is not None:
        try:
            claims = claims_of(draft.surface, number, reader, above, defined_below)
            for claim in claims:
                check_scope(claim, above, reader)
        except Unread as error:
            draft.error = _placed(error, draft.text)
        else:
            if reader.above is None and claims:
                reader.above = free_variables(claims[-1].expression)
            written = not any(isinstance(n, Blank) for claim in claims for n in walk(claim.expression))
            return Line(number, draft.text, tuple(claims), draft.note, None, written)
    return Line(number, draft.text, (), draft.note, draft.error)
