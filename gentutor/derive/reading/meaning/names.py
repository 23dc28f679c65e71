"""What a printed name stands for in a setting: a density, a function, a variable, a symbol."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gentutor.derive.reading.surface.heads import Head, entries, flat, head_of, undecorated
from gentutor.derive.reading.surface.pieces import Group, Surface
from gentutor.derive.reading.unread import Unread, nearest

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader


@dataclass(frozen=True)
class Meaning:
    """A name of the setting: its kind, the subscripts that are left as indices, and the mark of a density."""

    kind: str  # "density", "function", "variable", "noise", "symbol", "parameter", "functional", "index"
    name: str
    indices: tuple[Surface, ...] = ()
    mark: str = ""


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
        "functional": name in known.functionals and not mark and all(e is not None for e in erased),
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
