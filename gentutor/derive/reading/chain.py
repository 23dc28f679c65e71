"""A chain of lines as trees: the relation that each line claims, and the expression that it reaches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from gentutor.derive.reading import names
from gentutor.derive.reading.layout import GIVEN, STUB, fill, split_note, split_top, steps
from gentutor.derive.reading.names import bare
from gentutor.derive.reading.openings import less_constant, new_name, opening_name, value_defined
from gentutor.derive.reading.reader import Reader
from gentutor.derive.reading.scope import bound_by, bound_variables, free_variables
from gentutor.derive.reading.survey import survey
from gentutor.derive.reading.syntax import Leaf, Statement, Surface, parse
from gentutor.derive.reading.unread import MAX_DEPTH, Unread, nearest
from gentutor.derive.tree import (
    ANONYMOUS,
    Blank,
    Density,
    Dots,
    Neg,
    Node,
    Normal,
    Optimum,
    Range,
    Variable,
    children,
    walk,
)
from gentutor.derive.vocabulary import Vocabulary

MAX_LINE, MAX_TEXT, MAX_STEPS, MAX_NODES = 5_000, 50_000, 200, 1_000
RELATIONS = ("=", ">=", "<=", "propto", "~", "approx", ":=")
DEFINING = ("=", ":=", "propto")

__all__ = ["Chain", "Claim", "Line", "Unread", "read"]


@dataclass(frozen=True)
class Claim:
    """`expression`, and its relation to the claim before; "" for the expression that opens the chain."""

    relation: str
    expression: Node
    start: int
    end: int


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
        pairs.append((left, relation, _named(right, left)))
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
            claims = _claims(draft.surface, number, reader, above, defined_below)
            for claim in claims:
                _check_scope(claim, above, reader)
        except Unread as error:
            draft.error = _placed(error, draft.text)
        else:
            if reader.above is None and claims:
                reader.above = free_variables(claims[-1].expression)
            written = not any(isinstance(n, Blank) for claim in claims for n in walk(claim.expression))
            return Line(number, draft.text, tuple(claims), draft.note, None, written)
    return Line(number, draft.text, (), draft.note, draft.error)


def _claims(
    surface: Statement, number: int, reader: Reader, above: Node | None, defined_below: bool
) -> list[Claim]:
    """The claims of a line: one for each relation, and for the opening expression."""
    sides, relations = _sides(surface, number)
    defined, sign = reader.opened or (None, "")
    if defined is not None:  # the line above was the name alone
        relations, reader.opened = ["", *relations[1:]], None
    if number == 0 and sides[0] is not None:
        defined, sign = opening_name(sides[0], reader)
        if defined is not None and not relations[1:] and defined_below:
            reader.opened = defined, sign
            return []
        if not relations[1:] or relations[1] not in ("=", ":="):
            defined = None
        elif less_constant(sides[0], reader):  # Ho's L_{t-1} - C = ...
            sides, relations = sides[1:], ["", *relations[2:]]
        if defined is not None:  # L = ... opens the chain with its right side
            sides, relations = sides[1:], ["", *relations[2:]]
        elif relations[1:2] == ["="]:
            sides[0] = value_defined(sides[0], sides[1], reader)
    claims: list[Claim] = []
    for relation, side in zip(relations, sides, strict=True):
        name = new_name(side, reader) if relation == "=:" else None
        if name is not None and claims:
            reader.definitions[name] = claims[-1].expression
            continue
        expression = _expression(side, reader)
        if relation in DEFINING and above is not None:
            expression = _named(expression, above)
        claims.append(Claim(relation.replace("=:", ":="), expression, side.start, side.end))
        if defined is not None:
            reader.definitions[defined] = Neg(expression) if sign == "-" else expression
            defined = None
        above = expression
    return claims


def _sides(surface: Statement, number: int) -> tuple[list[Surface], list[str]]:
    """The expressions of a line, each with the relation before it ("" for the opening one)."""
    first, *sides = surface.sides
    if first is None and not sides:
        raise Unread("nothing stands on this line")
    if number == 0 and first is None:
        raise Unread("the first line opens the chain: it begins with an expression, not with a relation")
    if number > 0 and first is not None:
        raise Unread("a line begins with its relation to the line above, such as = or \\geq", first.start)
    found: list[Surface] = [] if first is None else [first]
    for relation, side in zip(surface.relations, sides, strict=True):
        if relation.text not in (*RELATIONS, "=:"):
            raise Unread(f"{relation.text} is no relation that a line can claim", relation.start)
        if side is None:
            raise Unread("nothing stands after this relation", relation.start)
        found.append(side)
    return found, [*([] if first is None else [""]), *(relation.text for relation in surface.relations)]


def _expression(side: Surface, reader: Reader) -> Node:
    plain = bare(side)
    expression = Dots() if isinstance(plain, Leaf) and plain.kind == "DOTS" else reader.read(side)
    stack, count = [(expression, 0)], 0  # names that the chain defines may make a short line a large tree
    while stack:
        part, depth = stack.pop()
        count += 1
        if depth > 3 * MAX_DEPTH or count > MAX_NODES:
            raise Unread("the expression is too large; split the line into steps", side.start)
        stack += [(child, depth + 1) for child in children(part)]
    return expression


def _named(expression: Node, above: Node) -> Node:
    """N(m, S) after p(x) = is the density of x."""
    if isinstance(expression, Normal) and expression.left == ANONYMOUS:
        if (
            isinstance(above, Density)
            and len(above.left) == 1
            and isinstance(above.left[0], Variable | Range)
        ):
            return replace(expression, left=above.left[0])
        if isinstance(above, Normal):
            return replace(expression, left=above.left)
    return expression


def _check_scope(claim: Claim, above: Node | None, reader: Reader) -> None:
    """No variable may stand outside the integral, expectation or divergence that bound it above."""
    known = reader.vocabulary
    outside = free_variables(above) if above is not None else frozenset()
    bound = bound_variables(above) if above is not None else ()
    if isinstance(above, Optimum) and above.arg:
        bound = ()  # after arg max_D V(D, G) comes D at a point
    for variable in sorted(free_variables(claim.expression), key=str):
        assert isinstance(variable, Variable | Range)
        if variable.name in known.noises or names.is_noise(reader, variable.name):
            continue
        place = reader.place_of(variable, claim.start)
        if variable.name not in known.variables:
            raise Unread(
                f"where does {variable.name} come from? No integral or expectation is over it. "
                + nearest(variable.name, known.known()),
                place,
            )
        if above is not None and bound_by(variable, bound) and not bound_by(variable, outside):
            raise Unread(
                f"{variable.name} stands outside its integral, expectation or divergence here; "
                "the line above has it only inside one",
                place,
            )
