"""How a chain uses its indices, noted before any line is read: levels, samples, components, data points."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from gentutor.derive.reading.surface.heads import copies, flat, head_of
from gentutor.derive.reading.surface.pieces import (
    Group,
    Leaf,
    Product,
    Scripted,
    Statement,
    Sum,
    Surface,
    bare,
    operator_of,
    pieces,
)
from gentutor.derive.tree import Symbol
from gentutor.derive.vocabulary import Vocabulary


@dataclass
class Usage:
    """What the subscripts and superscripts of a chain mean.

    `levels` are the variables whose subscripts are levels (the chain writes z_{1:T}), `sampled` those that it
    draws several times (z^{(k)}, z_1, ..., z_K); `data_indices` the i of x^{(i)}, `components` the j of mu_j.
    `counts` gives the setting's symbol for a letter that counts: K for the k of z_1, ..., z_k, N for the n of
    a sum over x_1, ..., x_n.
    `pairs` are the names that stand for the law of a pair, pi(x, y) or (x, y) ~ pi, with the density meant.
    """

    levels: set[str] = field(default_factory=set)
    sampled: set[str] = field(default_factory=set)
    data_indices: set[str] = field(default_factory=set)
    components: set[str] = field(default_factory=set)
    counts: dict[str, str] = field(default_factory=dict)
    pairs: dict[str, str] = field(default_factory=dict)


@dataclass
class _Lists:
    """What a chain sums and lists, before it is known what the letters count."""

    sums: set[tuple[str, str]] = field(default_factory=set)  # index and last
    ends: set[tuple[str, str]] = field(default_factory=set)  # z and k of z_{1:k} and z_1, ..., z_k
    indexed: set[tuple[str, str]] = field(default_factory=set)  # z and i of z_i
    chained: set[str] = field(default_factory=set)  # z_i given z_{i+1}: levels


def survey(lines: Iterable[Surface], vocabulary: Vocabulary) -> Usage:
    """The use of indices in all lines of a chain."""
    usage, lists = Usage(), _Lists()
    for line in lines:
        for piece in pieces(line):
            if isinstance(piece, Scripted):
                _note_name(piece, vocabulary, usage)
                _note_index(piece, lists)
            elif isinstance(piece, Group):
                _note_dots(piece, lists)
                if "|" in piece.separators:
                    lists.chained |= _note_conditional(piece, vocabulary, usage)
            if vocabulary.pairs and isinstance(piece, Product | Statement):
                usage.pairs |= {n: vocabulary.pairs[n] for n in _of_pairs(piece) if n in vocabulary.pairs}
    _note_counts(lists, vocabulary, usage)
    return usage


def _note_index(piece: Scripted, lists: _Lists) -> None:
    """The bounds of a sum, the index of a name, the end of z_{1:k}."""
    if operator_of(piece) in ("sum", "prod"):
        below = bare(piece.sub) if piece.sub is not None else None
        if isinstance(below, Statement) and piece.sup is not None:
            lists.sums.add((flat(below.sides[0]), flat(piece.sup)))
        return
    head = head_of(piece)
    if head is None:
        return
    for sub in (*head.subs, *copies(head)):
        plain = bare(sub)
        if isinstance(plain, Group) and plain.separators == (":",):
            lists.ends.add((head.base, flat(plain.items[1])))
        else:
            lists.indexed.add((head.base, flat(plain)))
            if _has_sum(plain):
                lists.chained.add(head.base)


def _note_dots(piece: Group, lists: _Lists) -> None:
    """The end of z_1, ..., z_k."""
    for dots, last in zip(piece.items, piece.items[1:], strict=False):
        side = last.sides[0] if isinstance(last, Statement) else last
        head = head_of(side) if side is not None else None
        if isinstance(dots, Leaf) and dots.kind == "DOTS" and head is not None and head.subs:
            lists.ends.add((head.base, flat(head.subs[0])))


def _note_counts(lists: _Lists, vocabulary: Vocabulary, usage: Usage) -> None:
    """What the letters count that end lists and sums, and that the setting does not know."""
    names = [name for name, spec in vocabulary.variables.items() if spec.levels is not None and name != "x"]
    for name in names:
        ends = {last for base, last in lists.ends if base == name}
        counted = {index for base, index in lists.indexed if base == name} - usage.components
        ends |= {last for index, last in lists.sums if index in counted}
        own = {last for last in ends if len(last) == 1 and last.isalpha() and last not in vocabulary.symbols}
        chained = name in lists.chained
        if "K" in vocabulary.symbols:
            usage.counts |= dict.fromkeys(own, "T" if chained else "K")
        if own and not chained:
            usage.sampled.add(name)
            usage.levels.discard(name)
    if "N" in vocabulary.symbols:
        over_data = {last for index, last in lists.sums if ("x", index) in lists.indexed}
        usage.counts |= {last: "N" for last in over_data if len(last) == 1 and last.isalpha()}


def _of_pairs(piece: Product | Statement) -> Iterator[str]:
    """The pi of pi(x, y), of (x, y) ~ pi and of inf over pi in Pi(P, Q)."""
    if isinstance(piece, Product):
        for item, after in pairwise(piece.items):
            group, head = bare(after), head_of(item)
            if head and isinstance(group, Group) and group.bracket == "(" and group.separators == (",",):
                yield head.base
    elif len(piece.sides) == 2 and piece.relations[0].text in ("~", "in"):
        side = piece.sides[piece.relations[0].text == "~"]
        head = None if side is None else head_of(side)
        if head and (piece.relations[0].text == "in" or _is_pair(piece.sides[0])):
            yield head.base


def _is_pair(side: Surface | None) -> bool:
    group = None if side is None else bare(side)
    return isinstance(group, Group) and group.separators == (",",)


def _note_name(piece: Scripted, vocabulary: Vocabulary, usage: Usage) -> None:
    head = head_of(piece)
    if head is None:
        return
    if head.base == "x":
        usage.data_indices |= {flat(item) for item in copies(head)}
    elif copies(head):
        usage.sampled.add(head.base)
    for sub in head.subs:
        text = flat(sub)
        ranged = isinstance(sub, Group) and sub.separators == (":",)
        if _counts_samples(head.base, sub, vocabulary):
            usage.sampled.add(head.base)
        elif ranged or (head.base in vocabulary.variables and (text == "T" or _has_sum(sub))):
            usage.levels.add(head.base)
        if _has_components(head.base, vocabulary):
            usage.components |= {text} - set(vocabulary.parameters)


def _has_components(base: str, vocabulary: Vocabulary) -> bool:
    """True of the mu of mu_j; where the setting has unit vectors e_i, of them and of every function."""
    name = vocabulary.spellings.get(base, base)
    if "e" in vocabulary.symbols:
        return name == "e" or name in vocabulary.functions
    return name in vocabulary.functions and name in vocabulary.symbols


def _has_sum(sub: Surface) -> bool:
    """True of t-1: neighbours are levels."""
    return any(isinstance(part, Sum) for part in pieces(sub))


def _counts_samples(name: str, sub: Surface, vocabulary: Vocabulary) -> bool:
    """True of z_{1:K} and of the z_K of z_1, ..., z_K, where K is no level of z."""
    last = sub.items[-1] if isinstance(sub, Group) and sub.separators == (":",) else sub
    text, spec = flat(last), vocabulary.variables.get(name)
    if spec is None or spec.levels is None or name == "x":
        return False
    return text.isupper() and text in vocabulary.symbols and Symbol(text) != spec.levels[1]


def _note_conditional(piece: Group, vocabulary: Vocabulary, usage: Usage) -> set[str]:
    """z_1 given z_2: levels."""
    bar = piece.separators.index("|") + 1
    left, right = (
        {head.base for item in items if (head := head_of(item)) and head.subs}
        for items in (piece.items[:bar], piece.items[bar:])
    )
    chained = left & right & set(vocabulary.variables)
    usage.levels |= chained
    return chained
