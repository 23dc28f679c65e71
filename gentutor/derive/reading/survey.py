"""How a chain uses its indices, noted before any line is read: levels, samples, components, data points."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gentutor.derive.reading.names import bare, flat, head_of
from gentutor.derive.reading.syntax import Group, Scripted, Sum, Surface, pieces
from gentutor.derive.tree import Symbol
from gentutor.derive.vocabulary import Vocabulary


@dataclass
class Usage:
    """What the subscripts and superscripts of a chain mean.

    `levels` are the variables whose subscripts are levels (the chain writes z_{1:T}), `sampled` those that it
    draws several times (z^{(k)}, z_1, ..., z_K); `data_indices` the i of x^{(i)}, `components` the j of mu_j.
    """

    levels: set[str] = field(default_factory=set)
    sampled: set[str] = field(default_factory=set)
    data_indices: set[str] = field(default_factory=set)
    components: set[str] = field(default_factory=set)


def survey(lines: Iterable[Surface], vocabulary: Vocabulary) -> Usage:
    """The use of indices in all lines of a chain."""
    usage = Usage()
    for line in lines:
        for piece in pieces(line):
            if isinstance(piece, Scripted):
                _note_name(piece, vocabulary, usage)
            elif isinstance(piece, Group) and "|" in piece.separators:
                _note_conditional(piece, vocabulary, usage)
    return usage


def _note_name(piece: Scripted, vocabulary: Vocabulary, usage: Usage) -> None:
    head = head_of(piece)
    if head is None:
        return
    sup = bare(head.sup) if head.sup is not None else None
    if isinstance(sup, Group) and sup.bracket == "(":
        if head.base == "x":
            usage.data_indices |= {flat(item) for item in sup.items}
        else:
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


def _note_conditional(piece: Group, vocabulary: Vocabulary, usage: Usage) -> None:
    """z_1 given z_2: levels."""
    bar = piece.separators.index("|") + 1
    left, right = (
        {head.base for item in items if (head := head_of(item)) and head.subs}
        for items in (piece.items[:bar], piece.items[bar:])
    )
    usage.levels |= left & right & set(vocabulary.variables)
