"""One line as its claims: the relation that each makes, and the expression that it reaches."""

from dataclasses import dataclass, replace

from gentutor.derive.reading.meaning import names
from gentutor.derive.reading.meaning.reader import Reader
from gentutor.derive.reading.meaning.scope import bound_by, bound_variables, free_variables
from gentutor.derive.reading.openings import less_constant, new_name, opening_name, value_defined
from gentutor.derive.reading.surface.pieces import Leaf, Statement, Surface, bare
from gentutor.derive.reading.unread import MAX_DEPTH, Unread, nearest
from gentutor.derive.tree import (
    ANONYMOUS,
    Density,
    Dots,
    Neg,
    Node,
    Normal,
    Optimum,
    Range,
    Variable,
    children,
)

MAX_NODES = 1_000
RELATIONS = ("=", ">=", "<=", "propto", "~", "approx", ":=")
DEFINING = ("=", ":=", "propto")


@dataclass(frozen=True)
class Claim:
    """`expression`, and its relation to the claim before; "" for the expression that opens the chain."""

    relation: str
    expression: Node
    start: int
    end: int


def claims_of(
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
            expression = named(expression, above)
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


def named(expression: Node, above: Node) -> Node:
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


def check_scope(claim: Claim, above: Node | None, reader: Reader) -> None:
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
