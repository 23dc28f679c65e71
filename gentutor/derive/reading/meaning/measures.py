"""The measure of an expectation that prints none, or only a name: E_q, E_z, E."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gentutor.derive.reading.meaning import densities, names
from gentutor.derive.reading.meaning.scope import bound_by, free_variables, left_variables
from gentutor.derive.reading.surface.heads import Head
from gentutor.derive.reading.unread import Unread
from gentutor.derive.tree import Density, Node, Normal, Number, Prod, Range, Sum, Symbol, Variable, node, walk

if TYPE_CHECKING:
    from gentutor.derive.reading.meaning.reader import Reader


@dataclass(frozen=True)
class Named:
    """A bare density below an E: its arguments depend on the body; q_sigma has its conditions printed."""

    name: str
    mark: str
    conditions: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Uniform:
    """t ~ U{1, ..., T}: a mean over an index."""

    index: str
    first: Node
    last: Node


@dataclass(frozen=True)
class Drawn:
    """Variables with their measure, None if it is not printed."""

    variables: tuple[Node, ...]
    measure: Node | Named | Uniform | None


def of_density(reader: Reader, wanted: Named, body: Node, head: Head) -> Node:
    """E_q: q with the arguments with which the chain last wrote it below an E or first in a divergence."""
    spec = reader.vocabulary.densities[wanted.name]
    free, above = free_variables(body), reader.above or frozenset()
    if wanted.conditions:
        own = tuple(sorted((v for v in free - above if getattr(v, "name", "") in spec.variables), key=str))
        if own:
            return densities.complete(spec, Density(wanted.name, own, wanted.conditions, wanted.mark))
    if reader.above is None and not reader.holds and (chain := _whole_chain(wanted, body, reader)):
        return chain
    known = reader.written(wanted.name, wanted.mark)
    levels = [v for v in free if isinstance(v, Variable) and v.index and _closed(v, reader)]
    joint = reader.above is None and levels and len(levels) == len(free)  # E_q of x_0 and x_t draws both
    if spec.bare is not None and (known or not joint):
        known.insert(0, replace(spec.bare, mark=wanted.mark or spec.bare.mark))
    known.reverse()
    for measure in known:
        loose = [v for v in free if not bound_by(v, measure.left)]
        if len(loose) < len(free) and all(v in above for v in loose):
            return measure
    if known:
        chained = spec.bare is not None and any(isinstance(v, Range) for v in spec.bare.left)
        return _with_unbound(known[-1] if chained else known[0], reader)
    named = [v for v in free if isinstance(v, Variable | Range) and v.name in spec.variables]
    left = tuple(sorted((v for v in named if v not in above), key=str))
    if not left:
        raise Unread(
            f"the expectation under {wanted.name} of what? Write {wanted.name}({spec.variables[0]}) below it",
            head.start,
        )
    found = Density(wanted.name, left, tuple(sorted((v for v in named if v in above), key=str)), wanted.mark)
    return densities.complete(spec, found)


def _whole_chain(wanted: Named, body: Node, reader: Reader) -> Density | None:
    """Ho's E_q, with which a chain opens: q draws all of x_{0:T}, if the body needs that many.

    Where x_0 stands outside of it on a later line, the chain is read again with x_0 held (`reader.holds`).
    """
    bare = reader.vocabulary.densities[wanted.name].bare
    if (
        bare is None
        or not isinstance(bare.left[0], Range)
        or not any(isinstance(n, Range | Sum | Prod) for n in walk(body))
    ):
        return None
    reader.drew_data = True
    return replace(bare, left=_joined(bare.given, bare.left), given=(), mark=wanted.mark)


def _joined(drawn: tuple[Node, ...], left: tuple[Node, ...]) -> tuple[Node, ...]:
    """x_0 and x_{1:T} as x_{0:T}."""
    match drawn, left:
        case (Variable(index=(Number(0) as zero,)),), (Range(first=Number(1)) as chain,):
            return (replace(chain, first=zero),)
    return (*drawn, *left)


def _closed(variable: Variable, reader: Reader) -> bool:
    """Whether no index of a variable is bound inside the body of the expectation."""
    known = {*reader.indices, *reader.vocabulary.symbols}
    return all(n.name in known for level in variable.index for n in walk(level) if isinstance(n, Symbol))


def _with_unbound(measure: Density, reader: Reader) -> Density:
    """q(x_{1:T}|x_0) below a line without x_0 stands for q(x_{0:T}): E_q draws the data too."""
    if reader.above is None:
        return measure
    chain = {getattr(v, "name", "") for v in measure.left}
    drawn = tuple(
        v
        for v in measure.given
        if isinstance(v, Variable)
        and v.name in chain
        and not any(bound_by(free, (v,)) for free in reader.above)
    )
    kept = tuple(v for v in measure.given if v not in drawn)
    return replace(measure, left=_joined(drawn, measure.left), given=kept)


def of_variable(reader: Reader, variable: Node, head: Head) -> Node:
    """E_z: the measure of z that the chain last wrote, else the setting's own."""
    for measure in reversed(reader.measures):
        if left_variables(measure) == (variable,):
            return measure
    assert isinstance(variable, Variable | Range)
    default = reader.vocabulary.measures.get(variable.name)
    if default is not None:
        return replace(default, left=(variable,))
    if variable.name in reader.vocabulary.noises or names.is_noise(reader, variable.name):
        return Normal(variable, node(0), Symbol("I"))
    name = density_of(reader, variable, head.start, ())
    return densities.complete(reader.vocabulary.densities[name], Density(name, (variable,)))


def density_of(reader: Reader, variable: Node, place: int, given: tuple[Node, ...]) -> str:
    """The density that must be meant: the only one of `variable`, or the only one without parameter."""
    assert isinstance(variable, Variable | Range)
    known = reader.vocabulary.densities
    default = reader.vocabulary.measures.get(variable.name)
    if default is not None:
        return default.name
    fitting = [name for name, spec in known.items() if variable.name in spec.variables]
    fixed = [name for name in fitting if not known[name].parameter]
    if len(fitting) == 1 or len(fixed) == 1:
        return (fitting if len(fitting) == 1 else fixed)[0]
    shown = variable.name
    choices = ", ".join(f"{shown} \\sim {name}({shown})" for name in fitting) or "a density of it"
    raise Unread(
        f"under which measure is this expectation over {shown}? Write one below it: {choices}", place
    )


def default(reader: Reader, body: Node, head: Head) -> list[Drawn]:
    """A bare E: the body's unbound variables under the setting's measures, else the measure last written."""
    free = sorted(free_variables(body), key=str)
    known = reader.vocabulary.measures
    groups: dict[str, list[Variable]] = {}
    for v in free:
        if isinstance(v, Variable) and v.name in known:
            groups.setdefault(v.name, []).append(v)
    if groups:  # x_0 and x_t are drawn together
        return [
            Drawn(tuple(vs), replace(known[name], left=tuple(vs)) if len(vs) > 1 else None)
            for name, vs in groups.items()
        ]
    for measure in reversed(reader.measures):
        if any(bound_by(v, left_variables(measure)) for v in free):
            return [Drawn(left_variables(measure), measure)]
    choices = ", ".join(str(v.name) for v in free if isinstance(v, Variable | Range)) or "a variable"
    raise Unread(
        f"the measure of this expectation is unclear: write below what is drawn ({choices}), and from what",
        head.start,
    )
