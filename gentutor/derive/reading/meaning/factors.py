"""One factor: a name with its arguments, a bracket, a fraction, a root, an integral, an operator."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction as Rational
from typing import TYPE_CHECKING

from gentutor.derive.reading.meaning import (
    densities,
    expectations,
    functionals,
    functions,
    gradients,
    integrals,
    names,
    operators,
    variables,
)
from gentutor.derive.reading.meaning.names import Meaning
from gentutor.derive.reading.surface import heads
from gentutor.derive.reading.surface.heads import Head, flat, head_of
from gentutor.derive.reading.surface.pieces import (
    Accent,
    Differential,
    Fraction,
    Group,
    Hole,
    IntegralSign,
    Items,
    Leaf,
    Product,
    Root,
    Scripted,
    Statement,
    Sum,
    Surface,
    bare,
    bracket_at,
    power_at,
    scripts_at,
)
from gentutor.derive.reading.tokens import macros
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import (
    Apply,
    Blank,
    Call,
    Const,
    Density,
    Div,
    Mul,
    Node,
    Norm,
    Number,
    Pow,
    Symbol,
    node,
)

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader


def factor(reader: Reader, items: Items, i: int) -> tuple[Node, int]:
    """The factor that begins at `items[i]`, with all that belongs to it, and the place after it."""
    item = bare(items[i])
    head = head_of(item)
    if head is not None and _is_number_pi(head, items, i):
        return reader.raised(Symbol("pi"), head.sup), i + 1
    if head is not None:
        return _named(reader, head, items, i + 1)
    if isinstance(item, Scripted):
        base = bare(item.base)
        if isinstance(base, Leaf) and base.kind == "OPERATOR" and not item.primes:
            return operators.operator(reader, base, item.sub, item.sup, items, i + 1)
        if isinstance(base, Group) and base.bracket == "||":
            return reader.raised(Norm(reader.inside(base), _order(item.sub)), item.sup), i + 1
        if item.primes or item.sub is not None:
            raise Unread("no subscript or prime has a meaning here", (item.sub or item).start)
        value, _ = reader.factor((base,), 0)
        return reader.raised(value, item.sup), i + 1
    if isinstance(item, Leaf):
        if item.kind == "OPERATOR":
            return operators.operator(reader, item, None, None, items, i + 1)
        return _leaf(item), i + 1
    if isinstance(item, Fraction):
        derivative = gradients.derivative(reader, item, items, i + 1)
        return derivative or (Div(reader.read(item.numerator), reader.read(item.denominator)), i + 1)
    if isinstance(item, Root):
        if item.degree is None:
            return Apply("sqrt", reader.read(item.body)), i + 1
        assert isinstance(item.degree, Group)
        return Pow(reader.read(item.body), Div(node(1), reader.inside(item.degree))), i + 1
    if isinstance(item, IntegralSign):
        return integrals.integral(reader, item), i + 1
    if isinstance(item, Hole):
        return Blank(flat(item.label)), i + 1
    if isinstance(item, Group):
        return _group(reader, item), i + 1
    if isinstance(item, Sum | Product | Statement):
        return reader.read(item), i + 1
    if isinstance(item, Differential):
        raise Unread("a differential without its integral", item.start)
    raise Unread("this accent has no meaning here" if isinstance(item, Accent) else "unexpected", item.start)


def _leaf(item: Leaf) -> Node:
    if item.kind == "NUMBER":
        return Number(Rational(item.text))
    if item.kind == "DOTS":
        raise Unread("dots stand alone on a line, or between the ends of a list", item.start)
    raise Unread(f"{item.text} has no meaning here", item.start)


def _group(reader: Reader, group: Group) -> Node:
    if group.bracket == "|":
        return Apply("abs", reader.inside(group))
    if group.bracket == "||":
        return Norm(reader.inside(group))
    if group.bracket == "<":
        if group.separators not in ((",",), ("|",)):
            raise Unread("an inner product has two entries", group.start)
        left, right = (reader.read(item) for item in group.items)
        return Mul((Apply("transpose", left), right))
    return reader.inside(group)


def _named(reader: Reader, head: Head, items: Items, i: int) -> tuple[Node, int]:
    """A name and, if it is a function or a density, its arguments."""
    if expectations.is_expectation(reader, head):
        return expectations.expectation(reader, head, items, i)
    functional = functionals.functional(reader, head, items, i)
    if functional is not None:
        return functional
    group = bracket_at(items, i)
    if head.base in macros.CONST or _is_constant(reader, head, group):
        arguments = tuple(reader.read(item) for item in group.items) if group else ()
        return Const(arguments, bool(arguments) and head.base not in macros.CONST), i + (1 if group else 0)
    printed = heads.key(head)
    if group and printed + "()" in reader.definitions and names.of_parameter(reader, group):
        return _with_bracket(reader, reader.definitions[printed + "()"], head.sup, items, i, group)
    if printed in reader.definitions:
        power = head.sup if head.sup is not None and not heads.is_label(head.sup) else None
        if group is not None and any(isinstance(bare(item), Sum) for item in group.items):
            choice = f"is this bracket a factor of {printed}, or its argument? Write \\cdot before a factor"
            raise Unread(choice, group.start)
        return _with_bracket(reader, reader.definitions[printed], power, items, i, group)
    is_e = head.base + head.mark == "e" and not head.subs
    if is_e and "e" not in reader.indices and _is_unknown(reader, head):
        return Apply("exp", node(1) if head.sup is None else reader.read(head.sup)), i
    if head.base == "Delta" and len(head.subs) == 1 and _is_unknown(reader, head):
        return gradients.laplacian(reader, head.subs[0], items, i)
    call = functions.with_parameter(reader, head, group)
    found = call or names.meaning(reader, head, group is not None)
    if found is None:
        return _unnamed(reader, head), i
    if group and functions.is_factor(reader, found, group):
        group, found = None, replace(found, kind="symbol")
    if found.kind in ("density", "function") and (group or found.kind == "density"):
        return _applied(reader, found, head, items, i, group)
    if found.kind == "function":
        return reader.raised(functions.bare_function(reader, found, head), head.sup), i
    if found.kind in ("variable", "noise"):
        variable, sup = variables.variable(reader, found, head)
        if group and names.lists_variables(reader, group):  # x_t(x_0, epsilon)
            return _with_bracket(reader, variable, sup, items, i, group)
        return reader.raised(variable, sup), i
    if found.kind == "functional":
        tree = functionals.of_functions(reader, reader.vocabulary.functionals[found.name], group)
        return _with_bracket(reader, tree, head.sup, items, i, group)
    copies = heads.copies(head)
    # The sample x^{(i)} where that is a column x_i.
    if len(copies) == 1 and found.kind == "symbol" and reader.vocabulary.symbols[found.name].optional:
        return Symbol(found.name, (reader.index(copies[0]),)), i
    value = Symbol(found.name) if found.kind == "index" else variables.symbol(reader, found)
    if found.kind == "parameter":
        return Symbol(names.parameter_name(found, head.sup)), i
    if group and functions.is_argument(reader, found, group):
        return _with_bracket(reader, value, head.sup, items, i, group)
    return reader.raised(value, head.sup if not _is_data_index(reader, head) else None), i


def _with_bracket(
    reader: Reader, value: Node, power: Surface | None, items: Items, i: int, group: Group | None
) -> tuple[Node, int]:
    """`value` to its power, and to that of the bracket of arguments behind it: V^2(D, G), V(D, G)^2."""
    if group is None:
        return reader.raised(value, power), i
    outer = power_at(items, i)
    return reader.raised(reader.raised(value, power), outer), i + 1


def _applied(
    reader: Reader, found: Meaning, head: Head, items: Items, i: int, group: Group | None
) -> tuple[Node, int]:
    """A density or function at `items[i - 1]`, with the bracket at `items[i]` if there is one."""
    mark, power = found.mark, head.sup
    if found.kind == "density" and power is not None and _is_mark(power):
        mark, power = flat(power).strip("()"), None
    if group is None:
        return reader.raised(densities.bare_density(reader, found.name, mark, head), power), i
    sub, sup = scripts_at(items, i)
    value: Node
    if found.kind == "density":
        value = densities.density(reader, found.name, mark, group, head)
        if found.indices and isinstance(value, Density):
            conditions = tuple(reader.read(sub) for sub in found.indices)
            value = Density(value.name, value.left, (*value.given, *conditions), value.mark)
            value = densities.complete(reader.vocabulary.densities[found.name], value)
    else:
        value = functions.call(reader, found, group, head)
        if found.indices and isinstance(value, Call) and "e" in reader.vocabulary.symbols:
            # s_i(x) is e_i^T s(x)
            value = Mul((Apply("transpose", Symbol("e", (reader.index(found.indices[0]),))), value))
        if sub is not None and isinstance(value, Call) and found.name in reader.vocabulary.symbols:
            value, sub = Symbol(found.name, (reader.index(sub),)), None
    if sub is not None:
        raise Unread("no subscript has a meaning here", sub.start)
    return reader.raised(reader.raised(value, power), sup), i + 1


def _is_mark(sup: Surface) -> bool:
    """old, new or (t) above a density: another density, no power."""
    plain = bare(sup)
    return flat(sup) in ("old", "new") or (isinstance(plain, Group) and plain.bracket == "(")


def _is_unknown(reader: Reader, head: Head) -> bool:
    return names.meaning(reader, head, applied=False) is None


def _unnamed(reader: Reader, head: Head) -> Node:
    """A name without a meaning: an index of its own, or an error."""
    if head.base == "infty":
        return reader.raised(Symbol("infty"), head.sup)
    if (reader.in_index or head.base in reader.vocabulary.ranges) and not head.subs and len(head.base) == 1:
        return reader.raised(Symbol(head.base), head.sup)
    raise names.unknown(reader, head)


def _is_constant(reader: Reader, head: Head, group: Group | None) -> bool:
    """A lone C or c that the setting does not know, as in `+ C` or `+ C_1`."""
    return (
        head.base in ("C", "c")
        and all(flat(sub).isdigit() for sub in head.subs)
        and head.sup is None
        and not head.mark
        and names.meaning(reader, head, group is not None) is None
        and heads.key(head) not in reader.definitions
        and head.base not in reader.indices
        and not reader.in_index
    )


def _is_number_pi(head: Head, items: Items, i: int) -> bool:
    """The pi of 2 pi sigma^2, also where pi is a density."""
    before = items[i - 1] if i else None
    number = isinstance(before, Leaf) and before.kind == "NUMBER"
    return head.base == "pi" and not head.subs and number and bracket_at(items, i + 1) is None


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
    copies = heads.copies(head)
    return bool(copies) and flat(copies[0]) not in reader.indices
