"""What a printed name stands for in a setting: a density, a function, a variable, a symbol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gentutor.derive.reading.syntax import Accent, Group, Leaf, Product, Scripted, Statement, Sum, Surface
from gentutor.derive.reading.unread import Unread, nearest
from gentutor.derive.tree import Node, Range, Symbol, Variable

if TYPE_CHECKING:
    from gentutor.derive.reading.reader import Reader

CONSTANTS = ("infty",)


@dataclass(frozen=True)
class Head:
    """A name as printed: `base` with its accent ("bar_alpha"), `mark` ("'" or "^*"), scripts."""

    base: str
    start: int
    end: int
    mark: str = ""
    subs: tuple[Surface, ...] = ()
    sup: Surface | None = None
    below: Surface | None = None  # the subscript as a whole


@dataclass(frozen=True)
class Meaning:
    """A name of the setting: its kind, the subscripts that are left as indices, and the mark of a density."""

    kind: str  # "density", "function", "variable", "noise", "symbol", "parameter", "functional", "index"
    name: str
    indices: tuple[Surface, ...] = ()
    mark: str = ""


def bare(surface: Surface) -> Surface:
    """`surface` without braces that print nothing."""
    while isinstance(surface, Group) and surface.bracket == "{" and len(surface.items) == 1:
        surface = surface.items[0]
    return surface


def head_of(surface: Surface) -> Head | None:
    """The name that `surface` prints, or None if it is no name."""
    surface = bare(surface)
    if isinstance(surface, Leaf) and surface.kind in ("NAME", "WORD"):
        return Head(surface.text, surface.start, surface.end)
    if isinstance(surface, Accent):
        inner = head_of(surface.body)
        return inner and replace(
            inner, base=f"{surface.accent}_{inner.base}", start=surface.start, end=surface.end
        )
    if isinstance(surface, Scripted):
        inner = head_of(surface.base)
        if inner is None or (inner.sup is not None and surface.sup is not None):
            return None
        subs = inner.subs + (() if surface.sub is None else listed(surface.sub))
        mark, sup = inner.mark + "'" * surface.primes, surface.sup
        text = flat(sup) if sup is not None else ""
        if text and set(text) <= {"*", "'"}:
            mark, sup = mark + text.replace("*", "^*"), None
        return Head(
            inner.base,
            surface.start,
            surface.end,
            mark,
            subs,
            sup if sup is not None else inner.sup,
            surface.sub,
        )
    return None


def listed(surface: Surface) -> tuple[Surface, ...]:
    """A subscript as its parts: \\theta, t of \\mu_{\\theta,t}; a range 1:T is one part."""
    surface = bare(surface)
    if isinstance(surface, Group) and surface.bracket == "{" and set(surface.separators) == {","}:
        return surface.items
    return (surface,)


def flat(surface: Surface | None) -> str:
    """`surface` as plain text, in the spelling of the vocabularies."""
    if surface is None:
        return ""
    surface = bare(surface)
    if isinstance(surface, Leaf):
        return surface.text.removeprefix("\\")
    if isinstance(surface, Scripted):
        sub = "_" + flat(surface.sub) if surface.sub is not None else ""
        sup = "^" + flat(surface.sup) if surface.sup is not None else ""
        return flat(surface.base) + "'" * surface.primes + sub + sup
    if isinstance(surface, Accent):
        return f"{surface.accent}_{flat(surface.body)}"
    if isinstance(surface, Product):
        return "".join(map(flat, surface.items))
    if isinstance(surface, Sum):
        return "".join(sign + flat(term) for sign, term in surface.terms)
    if isinstance(surface, Group):
        pairs = zip(surface.items, (*surface.separators, ""), strict=True)
        inner = "".join(flat(item) + separator for item, separator in pairs)
        return inner if surface.bracket == "{" else f"({inner})"
    if isinstance(surface, Statement) and len(surface.sides) == 1:
        return flat(surface.sides[0])
    return "?"


Entry = tuple[str, Surface]  # the separator before an argument ("" for the first), and the argument


def entries(group: Group) -> list[Entry]:
    """The arguments in a bracket; braces that print nothing are opened."""
    found: list[Entry] = []
    for separator, item in zip(("", *group.separators), group.items, strict=True):
        inner = bare(item)
        if isinstance(inner, Group) and inner.bracket == "{":
            spliced = entries(inner)
            found += [(separator, spliced[0][1]), *spliced[1:]]
        else:
            found.append((separator, inner))
    return found


def key(head: Head) -> str:
    """The printed name as a whole, for definitions."""
    label = [flat(head.sup)] if head.sup is not None and is_label(head.sup) else []
    return "_".join([head.base.removeprefix("\\") + head.mark, *map(flat, head.subs), *label])


def is_label(sup: Surface) -> bool:
    """Whether a superscript is no power but a part of the name: a word, or something in brackets."""
    plain = bare(sup)
    word = isinstance(plain, Leaf) and plain.kind == "WORD"
    return word or (isinstance(plain, Group) and plain.bracket == "(")


def of_parameter(reader: Reader, group: Group | None) -> bool:
    """Whether a bracket opens with a parameter: the (theta; ...) of a loss."""
    return group is not None and parameter_mark(reader, entries(group)[0][1]) is not None


def lists_variables(reader: Reader, group: Group) -> bool:
    """Whether a bracket lists what a variable is made of, as in x_t(x_0, epsilon)."""
    heads = [head_of(item) for item in group.items]
    found = [None if head is None else meaning(reader, head, applied=False) for head in heads]
    return set(group.separators) == {","} and all(
        one is not None and one.kind in ("variable", "noise") for one in found
    )


def bracket_at(items: Sequence[Surface], i: int) -> Group | None:
    """The visible bracket that stands at `i`, without its scripts."""
    if i >= len(items):
        return None
    item = bare(items[i])
    if isinstance(item, Scripted):
        item = bare(item.base)
    return item if isinstance(item, Group) and item.bracket in ("(", "[", "\\{") else None


def scripts_at(items: Sequence[Surface], i: int) -> tuple[Surface | None, Surface | None]:
    """Subscript and superscript of the bracket that stands at `i`."""
    item = bare(items[i])
    return (item.sub, item.sup) if isinstance(item, Scripted) else (None, None)


def _candidates(head: Head) -> Iterator[tuple[str, tuple[Surface, ...], str]]:
    """Names that may be meant, the longest first, with the subscripts and the mark that each leaves over."""
    words = [flat(sub) for sub in head.subs]
    bases = [(head.base + head.mark, "")]
    if head.mark:
        bases.append((head.base, head.mark.removeprefix("^")))
    for base, mark in bases:
        if len(words) > 1:
            yield f"{base}_{','.join(words)}", (), mark
        for k, word in enumerate(words):
            yield f"{base}_{word}", head.subs[:k] + head.subs[k + 1 :], mark
        yield base, head.subs, mark


def meaning(reader: Reader, head: Head, applied: bool) -> Meaning | None:
    """What `head` stands for; `applied` if a bracket follows at once."""
    if not head.subs and head.base + head.mark in reader.indices:
        return Meaning("index", head.base + head.mark)
    for name, rest, mark in _candidates(head):
        found = _known(reader, name, rest, mark, applied)
        if found:
            return found
    if head.base.startswith("hat_"):
        plain = meaning(reader, replace(head, base=head.base[4:]), applied)
        if plain and plain.kind == "function":
            return plain
    if undecorated(head.base + head.mark) in reader.vocabulary.variables:
        return Meaning("variable", head.base + head.mark, head.subs)  # the z' of an integral over z'
    return None


def _known(reader: Reader, name: str, rest: tuple[Surface, ...], mark: str, applied: bool) -> Meaning | None:
    known = reader.vocabulary
    name = reader.usage.counts.get(name, name)
    if not reader.in_index:
        name = reader.usage.pairs.get(name) or known.spellings.get(name, name)
    erased = [parameter_mark(reader, sub) for sub in rest]
    tests = {
        "density": name in known.densities,
        "function": name in known.functions,
        "variable": name in known.variables and not mark and not any(e is not None for e in erased),
        "noise": is_noise(reader, name) and not mark and not any(e is not None for e in erased),
        "symbol": name in known.symbols and known.symbols[name].fits(len(rest)) and not mark,
        "functional": name in known.functionals and all(e is not None for e in erased),
        "parameter": name in known.parameters,
    }
    order = ["density", "function"] if applied else ["variable", "noise", "symbol"]
    for kind in [*order, *(kind for kind in tests if kind not in order)]:
        if not tests[kind]:
            continue
        if kind == "density":
            levels = tuple(sub for sub, found in zip(rest, erased, strict=True) if found is None)
            if not all(_is_condition(reader, name, sub) for sub in levels):
                continue
            return Meaning(kind, name, levels, mark or "".join(found or "" for found in erased))
        if kind == "function":
            rest = tuple(sub for sub in rest if flat(sub) not in known.parameters)
            if any(flat(sub).isdigit() or flat(sub) == "p" for sub in rest):
                continue  # Sigma_1 and Sigma_2 are not both Sigma
        return Meaning(kind, name, rest, mark)
    return None


def _is_condition(reader: Reader, name: str, sub: Surface) -> bool:
    """The sigma_i of q_{sigma_i}(x): a symbol on which the density depends."""
    head = head_of(sub)
    return (
        head is not None
        and head.base in reader.vocabulary.symbols
        and head.base in reader.vocabulary.densities[name].variables
    )


def is_noise(reader: Reader, name: str) -> bool:
    """A noise of the setting, or one of its names with a star, accent or prime: a different noise."""
    return undecorated(name) in reader.vocabulary.noises


def undecorated(name: str) -> str:
    """A name without its accent, star and primes."""
    name = name.removesuffix("^*").rstrip("'")
    for accent in ("tilde_", "hat_", "bar_"):
        name = name.removeprefix(accent)
    return name


def copy_of(head: Head) -> Surface | None:
    """The i of x^{(i)}."""
    sup = bare(head.sup) if head.sup is not None else None
    return sup.items[0] if isinstance(sup, Group) and sup.bracket == "(" and len(sup.items) == 1 else None


def parameter_mark(reader: Reader, surface: Surface) -> str | None:
    """The mark of a parameter ("" of \\theta, "old" of \\theta^{old}, "t" of \\theta^{(t)} and of \\theta_t).

    None if `surface` is no parameter.
    """
    head = head_of(surface)
    if head is None:
        return None
    accent, _, base = head.base.rpartition("_")
    if base not in reader.vocabulary.parameters or accent not in ("", "hat", "bar", "tilde"):
        return None
    parts = [accent, head.mark.removeprefix("^"), *(flat(sub) for sub in head.subs), flat(head.sup)]
    return "".join(parts).strip("()")


def parameter_name(found: Meaning, sup: Surface | None) -> str:
    """What the worlds call a parameter: "theta", and "theta@old" with its mark."""
    mark = "".join([found.mark.removeprefix("^"), *map(flat, found.indices), flat(sup)]).strip("()")
    return found.name + (f"@{mark}" if mark else "")


def unknown(reader: Reader, head: Head) -> Unread:
    """The message for a name that the setting does not know."""
    words = [flat(sub) for sub in head.subs]
    name = "_".join([head.base.removeprefix("\\") + head.mark, *words])
    if head.base in reader.vocabulary.symbols:
        wanted = reader.vocabulary.symbols[head.base].indices
        return Unread(
            f"{head.base} takes {wanted} index here, as in {head.base}_t"
            if wanted
            else f"{head.base} takes no index here",
            head.start,
        )
    return Unread(
        f"the setting {reader.vocabulary.setting} does not know {name}. "
        + nearest(head.base + head.mark, reader.vocabulary.known()),
        head.start,
    )


# --------------------------------------------------------------------------------------------- variables


def variable(reader: Reader, found: Meaning, head: Head) -> tuple[Node, Surface | None]:
    """The variable with its index, and the superscript that is left over as a power."""
    sup = bare(head.sup) if head.sup is not None else None
    copies: tuple[Surface, ...] = ()
    if isinstance(sup, Group) and sup.bracket == "(":
        copies, sup = sup.items, None
        if sup is None and isinstance(head.sup, Surface):
            group = bare(head.sup)
            if isinstance(group, Group) and group.separators == (":",):
                return _samples(reader, found.name, group), None
    elif sup is not None and flat(sup) in reader.indices and found.name != "x":
        copies, sup = (sup,), None
    index, sample, component = _indices(reader, found, copies, head)
    if isinstance(index, Range):
        return index, sup
    return reader.seen(Variable(found.name, index, sample, component), head), sup


def _samples(reader: Reader, name: str, group: Group) -> Node:
    first, last = (reader.index(item) for item in group.items)
    return Range(name, first, last, sample=True)


def _indices(
    reader: Reader, found: Meaning, copies: tuple[Surface, ...], head: Head
) -> tuple[tuple[Node, ...] | Range, Node | None, Node | None]:
    """Which of the printed indices are levels, which marks a sample, which a component."""
    levels: list[Node] = []
    sample: Node | None = None
    component: Node | None = None
    name = found.name
    for copy in copies:
        text = flat(copy)
        if text in reader.indices or (name != "x" and text not in reader.usage.data_indices):
            sample = reader.index(copy)
        elif name != "x" and len(copies) == 1:
            raise Unread(
                f"is {name}^{{({text})}} the latent variable of the data point x^{{({text})}}, or a sample? "
                f"Write {name} for the first, and another index for the second",
                head.start,
            )
    for sub in found.indices:
        text = flat(sub)
        if isinstance(sub, Group) and sub.separators == (":",):
            first, last = (reader.index(item) for item in sub.items)
            return (
                Range(name, first, last, name in reader.usage.sampled and name not in reader.usage.levels),
                None,
                None,
            )
        if found.kind == "noise" or (name == "x" and reader.has_levels(name)) or name in reader.usage.levels:
            if found.kind == "noise" and not reader.has_levels(name) and text in reader.indices:
                sample = reader.index(sub)
            else:
                levels.append(reader.index(sub))
        elif text in reader.usage.components:
            component = reader.index(sub)
        elif text in reader.indices or name in reader.usage.sampled:
            sample = reader.index(sub)
        elif name == "x":
            continue  # the data index
        elif reader.has_levels(name):
            raise Unread(
                f"is {name}_{text} a level, a sample or a component? Write {name}_{{1:T}} for levels, "
                f"{name}^{{({text})}} for a sample, or mu_{text} beside it for a component",
                head.start,
            )
        else:
            raise Unread(f"{name} has no index in the setting {reader.vocabulary.setting}", head.start)
    if name == "x" and not levels and reader.has_levels(name):
        levels = [reader.first_level(name)]  # the data: x is x_0
    return tuple(levels), sample, component


def symbol(reader: Reader, found: Meaning) -> Node:
    """A symbol with its indices."""
    return Symbol(found.name, tuple(reader.index(sub) for sub in found.indices))
