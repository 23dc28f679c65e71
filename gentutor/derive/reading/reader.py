"""From the surface of a line to its expression tree: how far an operator reaches, what a name stands for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction as Rational

from gentutor.derive.reading import binders, densities, expectations, functionals, functions, gradients, names
from gentutor.derive.reading.names import Head, bare, bracket_at, flat, head_of, scripts_at
from gentutor.derive.reading.scope import bound_by
from gentutor.derive.reading.survey import Usage
from gentutor.derive.reading.syntax import (
    Accent,
    Differential,
    Fraction,
    Group,
    Hole,
    IntegralSign,
    Leaf,
    Product,
    Root,
    Scripted,
    Statement,
    Sum,
    Surface,
    pieces,
)
from gentutor.derive.reading.unread import MAX_DEPTH, TOO_DEEP, Unread
from gentutor.derive.tree import (
    Add,
    Apply,
    Blank,
    Const,
    Div,
    Mul,
    Neg,
    Node,
    Norm,
    Number,
    Pow,
    Symbol,
    node,
)
from gentutor.derive.vocabulary import Vocabulary

Items = Sequence[Surface]
MAX_WORK = 20_000
FUNCTIONS = ("log", "exp", "det", "tr", "diag", "sigmoid", "tanh")
CONST = ("const", "constant", "const.")


@dataclass
class Reader:
    """Reads the lines of one chain, in order: a line may refer to what those above wrote.

    `indices` are the bound indices around the place being read, `measures` the densities that the chain wrote
    below an E or first in a divergence, `above` the free variables of the opening expression.
    """

    vocabulary: Vocabulary
    definitions: dict[str, Node] = field(default_factory=dict)
    measures: list[Node] = field(default_factory=list)
    above: frozenset[Node] | None = None
    opened: tuple[str, str] | None = None  # a name that stands alone on the first line, and its sign
    usage: Usage = field(default_factory=Usage)
    indices: list[str] = field(default_factory=list)
    in_index: bool = False
    partner: tuple[Node, ...] | None = None  # the variables that a bare density takes inside a divergence
    places: list[tuple[Node, int]] = field(default_factory=list)  # where each variable of the line was read
    spans: list[tuple[int, int, tuple[Node, ...]]] = field(
        default_factory=list
    )  # of binders, with what they bind
    slope: Node | None = None  # the variable of the chain's first gradient
    holds: bool = False  # an E_q that opens the chain leaves the data x_0 as given
    drew_data: bool = False  # whether such an E_q was read as drawing x_0 too
    depth: int = 0
    work: int = 0  # factors read on this line; some are read twice, which nesting would multiply

    # ------------------------------------------------------------------------------------------ bookkeeping

    def has_levels(self, name: str) -> bool:
        """True if the setting has levels x_0, x_1, ... of this variable."""
        spec = self.vocabulary.variables.get(name) or self.vocabulary.noises.get(name)
        return spec is not None and spec.levels is not None

    def first_level(self, name: str) -> Node:
        """The 0 of x_0."""
        levels = self.vocabulary.variables[name].levels
        assert levels is not None
        return levels[0]

    def seen(self, variable: Node, head: Head) -> Node:
        """`variable`, its place kept for messages."""
        self.places.append((variable, head.start))
        return variable

    def place_of(self, variable: Node, otherwise: int) -> int:
        """Where `variable` stands outside all that binds it."""
        for seen, place in self.places:
            if bound_by(seen, (variable,)) and not any(
                start <= place < end and bound_by(variable, binders) for start, end, binders in self.spans
            ):
                return place
        return otherwise

    def reserved(self, head: Head, group: Surface | None) -> bool:
        """True of names that mean something in every setting: E, N, KL, const."""
        items = () if group is None else (group,)
        return (
            expectations.is_expectation(self, head)
            or functionals.is_functional(self, head, items)
            or head.base in CONST
            or head.base in self.indices
        )

    def new_line(self) -> None:
        """Forgets what concerns one line only."""
        self.places.clear()
        self.spans.clear()
        self.indices.clear()
        self.depth = self.work = 0
        self.in_index, self.partner = False, None

    @contextmanager
    def bound(self, *indices: str) -> Iterator[None]:
        """Inside, these names are indices."""
        self.indices += indices
        try:
            yield
        finally:
            del self.indices[len(self.indices) - len(indices) :]

    def index(self, surface: Surface) -> Node:
        """An index expression such as t-1; a letter that nothing knows is an index of its own."""
        before, self.in_index = self.in_index, True
        try:
            return self.read(surface)
        finally:
            self.in_index = before

    # ---------------------------------------------------------------------------------------- expressions

    def read(self, surface: Surface | None, place: int = 0) -> Node:
        """The tree of an expression."""
        if surface is None:
            raise Unread("something is missing here", place)
        if isinstance(surface, Sum):
            return self._sum(surface)
        if isinstance(surface, Product):
            return self.product(surface.items)
        if isinstance(surface, Statement):
            if len(surface.sides) == 1:
                return self.read(surface.sides[0], surface.start)
            raise Unread("a relation has no place inside an expression", surface.relations[0].start)
        return self.product((surface,))

    def _sum(self, surface: Sum) -> Node:
        terms: list[Node] = []
        place = 0
        while place < len(surface.terms):
            sign = surface.terms[place][0]
            items, place = self._gather(surface, place)
            value = self.product(items)
            terms.append(Neg(value) if sign == "-" else value)
        return terms[0] if len(terms) == 1 else Add(tuple(terms))

    def _gather(self, surface: Sum, place: int) -> tuple[Items, int]:
        """The factors of one term: min takes the terms that follow too, and log -x has its sign inside."""
        term = surface.terms[place][1]
        items = list(term.items if isinstance(term, Product) else (term,))
        place += 1
        for i, item in enumerate(items):
            if binders.is_optimum(item) and bracket_at(items, i + 1) is None and place < len(surface.terms):
                end = len(surface.terms)
                while end > place and not binders.is_place(item) and _is_number(surface.terms[end - 1][1]):
                    end -= 1  # min f + log 2: the number stands beside the least value
                if end == place and items[i + 1 :]:
                    break
                first = (("", _product(items[i + 1 :])),) if items[i + 1 :] else ()
                rest = Sum(item.end, surface.terms[end - 1][1].end, (*first, *surface.terms[place:end]))
                return [*items[: i + 1], Group(rest.start, rest.end, "{", (rest,), ())], end
        while place < len(surface.terms) and _waits(self, items[-1]):
            sign, term = surface.terms[place]
            items.append(Group(term.start, term.end, "{", (Sum(term.start, term.end, ((sign, term),)),), ()))
            place += 1
        return items, place

    def product(self, items: Items) -> Node:
        """Factors side by side."""
        factors: list[Node] = []
        i = slashes = 0
        while i < len(items):
            item = items[i]
            if isinstance(item, Leaf) and item.kind in ("TIMES", "SLASH"):
                if not factors or i + 1 == len(items):
                    raise Unread(f"{item.text} stands between two factors", item.start)
                if item.kind == "SLASH":
                    slashes += 1
                    if slashes > MAX_DEPTH:
                        raise Unread(TOO_DEEP, item.start)
                    below, i = self.factor(items, i + 1)
                    factors[-1] = Div(factors[-1], below)
                else:
                    i += 1
                continue
            factor, i = self.factor(items, i)
            factors.append(factor)
        if not factors:
            raise Unread("something is missing here", items[0].start if items else 0)
        return factors[0] if len(factors) == 1 else Mul(tuple(factors))

    def factor(self, items: Items, i: int) -> tuple[Node, int]:
        """The factor that begins at `items[i]`, with all that belongs to it, and the place after it."""
        self.depth += 1
        self.work += 1
        try:
            if self.depth > MAX_DEPTH or self.work > MAX_WORK:
                raise Unread(TOO_DEEP, items[i].start)
            return self._factor(items, i)
        finally:
            self.depth -= 1

    def _factor(self, items: Items, i: int) -> tuple[Node, int]:
        item = bare(items[i])
        head = head_of(item)
        if head is not None and _is_number_pi(head, items, i):
            return self.raised(Symbol("pi"), head.sup), i + 1
        if head is not None:
            return self._named(head, items, i + 1)
        if isinstance(item, Scripted):
            base = bare(item.base)
            if isinstance(base, Leaf) and base.kind == "OPERATOR":
                return self._operator(base, item.sub, item.sup, items, i + 1)
            if isinstance(base, Group) and base.bracket == "||":
                return self.raised(Norm(self.inside(base), _order(item.sub)), item.sup), i + 1
            if item.primes or item.sub is not None:
                raise Unread("no subscript or prime has a meaning here", (item.sub or item).start)
            value, _ = self.factor((base,), 0)
            return self.raised(value, item.sup), i + 1
        if isinstance(item, Leaf):
            if item.kind == "OPERATOR":
                return self._operator(item, None, None, items, i + 1)
            return self._leaf(item), i + 1
        if isinstance(item, Fraction):
            derivative = gradients.derivative(self, item, items, i + 1)
            return derivative or (Div(self.read(item.numerator), self.read(item.denominator)), i + 1)
        if isinstance(item, Root):
            if item.degree is None:
                return Apply("sqrt", self.read(item.body)), i + 1
            assert isinstance(item.degree, Group)
            return Pow(self.read(item.body), Div(node(1), self.inside(item.degree))), i + 1
        if isinstance(item, IntegralSign):
            return binders.integral(self, item), i + 1
        if isinstance(item, Hole):
            return Blank(flat(item.label)), i + 1
        if isinstance(item, Group):
            return self._group(item), i + 1
        if isinstance(item, Sum | Product | Statement):
            return self.read(item), i + 1
        if isinstance(item, Differential):
            raise Unread("a differential without its integral", item.start)
        raise Unread(
            "this accent has no meaning here" if isinstance(item, Accent) else "unexpected", item.start
        )

    def _leaf(self, item: Leaf) -> Node:
        if item.kind == "NUMBER":
            return Number(Rational(item.text))
        if item.kind == "DOTS":
            raise Unread("dots stand alone on a line, or between the ends of a list", item.start)
        raise Unread(f"{item.text} has no meaning here", item.start)

    def _group(self, group: Group) -> Node:
        if group.bracket == "|":
            return Apply("abs", self.inside(group))
        if group.bracket == "||":
            return Norm(self.inside(group))
        if group.bracket == "<":
            if group.separators not in ((",",), ("|",)):
                raise Unread("an inner product has two entries", group.start)
            left, right = (self.read(item) for item in group.items)
            return Mul((Apply("transpose", left), right))
        return self.inside(group)

    def inside(self, group: Group) -> Node:
        """The one expression in a bracket."""
        if group.separators:
            raise Unread(f"a {group.separators[0]} has no meaning in this bracket", group.start)
        return self.read(group.items[0], group.start + 1)

    def raised(self, value: Node, sup: Surface | None) -> Node:
        """`value` with its superscript: a power, a transpose, an inverse."""
        if sup is None:
            return value
        text = flat(sup)
        if text in ("T", "top"):
            return Apply("transpose", value)
        if text in ("-T", "-top"):
            return Apply("transpose", Pow(value, Neg(node(1))))
        if set(text) <= {"*", "'"}:
            raise Unread(f"{text} belongs to a name", sup.start)
        plain = bare(sup)
        if isinstance(plain, Group) and plain.bracket == "(":
            raise Unread("this superscript in brackets has no meaning here", sup.start)
        return Pow(value, self.read(sup))

    # ------------------------------------------------------------------------------------------ operators

    def operand(self, items: Items, i: int, stop: int | None = None) -> tuple[Node, int, Surface | None]:
        """What an operator takes: the bracket that follows at once, or the product, up to `stop`.

        Returns the tree, the place after it, and the superscript of the bracket.
        """
        group = bracket_at(items, i)
        if group is not None and not group.separators:
            sub, sup = scripts_at(items, i)
            if sub is not None:
                raise Unread("no subscript has a meaning here", sub.start)
            return self.inside(group), i + 1, sup
        rest = items[i:stop]
        if not rest:
            raise Unread("this takes something that follows, but nothing does", items[i - 1].start)
        return self.product(rest), i + len(rest), None

    def _operator(
        self, leaf: Leaf, sub: Surface | None, sup: Surface | None, items: Items, i: int
    ) -> tuple[Node, int]:
        """log, a sum, a gradient...: `i` is the place after the operator and its scripts."""
        if leaf.text in FUNCTIONS:
            # log p log q and log p nabla log q are products: what log takes ends before the next of these.
            ends = (leaf.text, "nabla")
            stop = next((k for k in range(i + 1, len(items)) if _is_operator(items[k], ends)), None)
            body, after, power = self.operand(items, i, stop)
            value: Node = Apply(leaf.text, body)
            if sub is not None and leaf.text == "log":
                value = Div(value, Apply("log", self.read(sub)))
            return self.raised(self.raised(value, sup), power), after
        return binders.operator(self, leaf, sub, sup, items, i)

    # -------------------------------------------------------------------------------------------- names

    def _named(self, head: Head, items: Items, i: int) -> tuple[Node, int]:
        """A name and, if it is a function or a density, its arguments."""
        if expectations.is_expectation(self, head):
            return expectations.expectation(self, head, items, i)
        functional = functionals.functional(self, head, items, i)
        if functional is not None:
            return functional
        group = bracket_at(items, i)
        if head.base in CONST or self._is_constant(head, group):
            arguments = tuple(self.read(item) for item in group.items) if group else ()
            return Const(arguments, bool(arguments) and head.base not in CONST), i + (1 if group else 0)
        printed = names.key(head)
        if group and printed + "()" in self.definitions and names.of_parameter(self, group):
            return self.raised(self.definitions[printed + "()"], head.sup), i + 1
        if printed in self.definitions:
            power = head.sup if head.sup is not None and not names.is_label(head.sup) else None
            return self.raised(self.definitions[printed], power), i + (1 if group else 0)
        if head.base == "e" and names.meaning(self, head, applied=False) is None and "e" not in self.indices:
            return Apply("exp", node(1) if head.sup is None else self.read(head.sup)), i
        if head.base == "Delta" and len(head.subs) == 1 and names.meaning(self, head, applied=False) is None:
            return gradients.laplacian(self, head.subs[0], items, i)
        call = functions.with_parameter(self, head, group)
        found = call or names.meaning(self, head, group is not None)
        if found is None:
            return self._unnamed(head), i
        if group and functions.is_factor(self, found, group):
            group, found = None, replace(found, kind="symbol")
        if found.kind in ("density", "function") and (group or found.kind == "density"):
            return densities.applied(self, found, head, items, i, group)
        if found.kind == "function":
            return self.raised(functions.bare_function(self, found, head), head.sup), i
        if found.kind in ("variable", "noise"):
            variable, sup = names.variable(self, found, head)
            if group and names.lists_variables(self, group):  # x_t(x_0, epsilon)
                return self.raised(self.raised(variable, sup), scripts_at(items, i)[1]), i + 1
            return self.raised(variable, sup), i
        if found.kind == "functional":
            tree = functionals.of_functions(self, self.vocabulary.functionals[found.name], group)
            return self.raised(tree, head.sup), i + (1 if group else 0)
        copy = names.copy_of(head)
        if copy is not None and found.kind == "symbol" and self.vocabulary.symbols[found.name].optional:
            return Symbol(found.name, (self.index(copy),)), i  # the sample x^{(i)} where that is a column x_i
        value = Symbol(found.name) if found.kind == "index" else names.symbol(self, found)
        if found.kind == "parameter":
            return Symbol(names.parameter_name(found, head.sup)), i
        if group and functions.is_argument(self, found, group):
            return self.raised(self.raised(value, head.sup), scripts_at(items, i)[1]), i + 1
        return self.raised(value, head.sup if not _is_data_index(self, head) else None), i

    def _unnamed(self, head: Head) -> Node:
        """A name without a meaning: an index of its own, or an error."""
        if head.base == "infty":
            return Symbol("infty")
        if (self.in_index or head.base in self.vocabulary.ranges) and not head.subs and len(head.base) == 1:
            return Symbol(head.base)
        raise names.unknown(self, head)

    def _is_constant(self, head: Head, group: Group | None) -> bool:
        """A lone C or c that the setting does not know, as in `+ C` or `+ C_1`."""
        return (
            head.base in ("C", "c")
            and all(flat(sub).isdigit() for sub in head.subs)
            and head.sup is None
            and not head.mark
            and names.meaning(self, head, group is not None) is None
            and names.key(head) not in self.definitions
            and head.base not in self.indices
            and not self.in_index
        )


def _is_number_pi(head: Head, items: Items, i: int) -> bool:
    """The pi of 2 pi sigma^2, also where pi is a density."""
    before = items[i - 1] if i else None
    number = isinstance(before, Leaf) and before.kind == "NUMBER"
    return head.base == "pi" and not head.subs and number and bracket_at(items, i + 1) is None


def _is_number(surface: Surface) -> bool:
    """True of log 2: it names nothing."""
    return not any(isinstance(p, Leaf) and p.kind in ("NAME", "WORD", "DOTS") for p in pieces(surface))


def _product(items: Items) -> Surface:
    return items[0] if len(items) == 1 else Product(items[0].start, items[-1].end, tuple(items))


def _is_operator(item: Surface, names: tuple[str, ...]) -> bool:
    item = bare(item)
    base = bare(item.base) if isinstance(item, Scripted) else item
    return isinstance(base, Leaf) and base.kind == "OPERATOR" and base.text in names


def _waits(reader: Reader, item: Surface) -> bool:
    """True if an operand must follow `item`."""
    item = bare(item)
    if isinstance(item, Leaf) and item.kind in ("TIMES", "SLASH"):
        return True
    base = bare(item.base) if isinstance(item, Scripted) else item
    if isinstance(base, Leaf) and base.kind == "OPERATOR":
        return True
    head = head_of(item)
    return head is not None and expectations.is_expectation(reader, head)


def _order(sub: Surface | None) -> str:
    """Which norm: its subscript."""
    text = flat(sub) if sub is not None else ""
    order = {"": "", "2": "2", "op": "2", "F": "F", "Fro": "F", "1": "1", "L": "L", "Lip": "L"}.get(text)
    if order is None:
        raise Unread(
            f"the norm with subscript {text} is not known; 1, 2, F and L are", sub.start if sub else 0
        )
    return order


def _is_data_index(reader: Reader, head: Head) -> bool:
    """The ^{(i)} of mu^{(i)}: mu at the data point x^{(i)}."""
    sup = bare(head.sup) if head.sup is not None else None
    return isinstance(sup, Group) and sup.bracket == "(" and flat(sup.items[0]) not in reader.indices
