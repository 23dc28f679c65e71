r"""Graded derivations: the instructor's lines are locked, the student fills their holes.

An instructor writes a chain and marks holes in it: `\blank{a}`. What a hole must and must not contain may
stand in brackets: `\blank[KL, p(z); not p(z|x)]{a}`. `grade` puts a student's text into the locked lines and
judges the whole anew, from text alone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from zlib import crc32

import numpy as np

from gentutor.derive.checker import facts, judged
from gentutor.derive.judging.bench import Bench
from gentutor.derive.judging.relations import judge
from gentutor.derive.normal_form import normal_form
from gentutor.derive.reading.chain import Chain, Line, read
from gentutor.derive.reading.unread import Unread
from gentutor.derive.report import Report, Step
from gentutor.derive.setting import Setting
from gentutor.derive.settings import setting_named
from gentutor.derive.tree import (
    Add,
    Blank,
    Call,
    Const,
    Density,
    Div,
    Divergence,
    Dots,
    Mul,
    Node,
    Norm,
    Pow,
    Symbol,
    Variable,
    node,
    parts,
    replace_at,
    walk,
)
from gentutor.derive.worlds.array import NotExact
from gentutor.derive.worlds.evaluate import Scope, evaluate

HOLE = re.compile(r"\\blank(?:\[(?P<rule>[^\]]*)\])?\{(?P<label>\w+)\}")
LONGEST = 1000  # characters of an answer


@dataclass(frozen=True)
class Finding:
    """Why a hole does not pass: which hole, which aspect, and in words. Never the answer."""

    label: str
    aspect: str
    detail: str


@dataclass(frozen=True)
class Hole:
    """A hole: its line, and the formulas that it must and must not contain."""

    label: str
    line: int
    needed: tuple[str, ...]
    forbidden: tuple[str, ...]


_LOCKED: dict[str, set[tuple[str, str]]] = {}


def lock(name: str, text: str, setting: str) -> None:
    """Keep a chain with holes under its name. Raises ValueError where another chain has that name already.

    From then on neither counts: the locked cell may have come second.
    """
    chains = _LOCKED.setdefault(name, set())
    chains.add((text, setting))
    if len(chains) > 1:
        raise ValueError(f"the derivation {name!r} is locked and was changed: {MEND}")


def locked(name: str) -> tuple[str, str]:
    """The text and the setting of a locked chain.

    Raises NameError where its cell has not run, ValueError where several chains were given its name.
    """
    chains = _LOCKED.get(name, set())
    if not chains:
        raise NameError(f"the derivation {name} has not been run", name=name)
    if len(chains) > 1:
        raise ValueError(f"the derivation {name!r} was changed: {MEND}")
    return next(iter(chains))


MEND = "restore its cell, restart the kernel and run all cells"


def holes(text: str) -> tuple[Hole, ...]:
    """The holes of a chain, in order; lines are counted as `check` counts steps."""
    found = []
    for number, line in enumerate(_steps(text)):
        for match in HOLE.finditer(line):
            needed, _, forbidden = (match["rule"] or "").partition("not ")
            found.append(Hole(match["label"], number, _listed(needed), _listed(forbidden)))
    labels = [hole.label for hole in found]
    if len(set(labels)) < len(labels):
        raise ValueError(f"two holes have one name: {', '.join(labels)}")
    return tuple(found)


def without_rules(text: str) -> str:
    """The chain as a student sees it: holes with their names only."""
    return HOLE.sub(lambda match: f"\\blank{{{match['label']}}}", text)


def _listed(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.strip(" ;").split(",") if name.strip())


def _steps(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip() and line.strip()[0] not in "%#"]
    return [line for line in lines if not line.strip().startswith("given ")]


def grade(text: str, answers: Mapping[str, str], setting: str) -> list[Finding]:
    """What is wrong with the answers, hole by hole; an empty list where every hole passes.

    Args:
        text: the locked chain with its holes.
        answers: what to put into each hole, in LaTeX.
        setting: its setting.
    """
    chosen = setting_named(setting)
    all_holes = holes(text)
    if not all_holes:
        raise ValueError("the chain has no hole to fill: mark one with \\blank{a}")
    plain = without_rules(text)
    unusable = [finding for hole in all_holes if (finding := _unusable(hole, answers)) is not None]
    if unusable:
        return unusable
    fills = {hole.label: answers[hole.label] for hole in all_holes}
    open_chain = read(plain, chosen.vocabulary)
    chain = read(plain, chosen.vocabulary, fills)
    if len(chain.lines) != len(open_chain.lines):
        return [Finding(all_holes[0].label, "reading", "an answer may not add or remove a line")]
    seed = crc32((plain + repr(sorted(fills.items()))).encode())
    report = judged(chain, chosen, seed, explain=False)
    bench = Bench(chosen, facts(chain, chosen), seed + 1)
    findings = []
    for hole in all_holes:
        with np.errstate(all="ignore"):
            finding = _judge_hole(
                hole, open_chain, chain, report, chosen, bench, {other.line for other in all_holes}
            )
        if finding is not None:
            findings.append(finding)
    return findings


def _unusable(hole: Hole, answers: Mapping[str, object]) -> Finding | None:
    """What can be said of an answer before it is read."""
    answer = answers.get(hole.label)
    if answer is None or (isinstance(answer, str) and not answer.strip(" .…")):
        return Finding(hole.label, "not written yet", f"Fill hole {hole.label} in the cell above.")
    if not isinstance(answer, str):
        return Finding(hole.label, "type", f"hole {hole.label} is filled with LaTeX, in a string")
    if len(answer) > LONGEST or "\n" in answer.strip():
        return Finding(
            hole.label, "reading", f"hole {hole.label} takes one line of at most {LONGEST} characters"
        )
    if "\\blank" in answer or "%" in answer or "\\\\" in answer:
        return Finding(hole.label, "reading", f"hole {hole.label} takes a formula: no \\blank, % or \\\\")
    depth = 0
    for character in re.sub(r"\\[{}]", "", answer):
        depth += (character == "{") - (character == "}")
        if depth < 0:
            break
    if depth:
        return Finding(hole.label, "reading", f"a brace is not closed in hole {hole.label}")
    return None


def _judge_hole(
    hole: Hole,
    open_chain: Chain,
    chain: Chain,
    report: Report,
    setting: Setting,
    bench: Bench,
    lines_with_holes: set[int],
) -> Finding | None:
    line, bare, step = chain.lines[hole.line], open_chain.lines[hole.line], report.steps[hole.line]
    number = hole.line + 1
    if line.error is not None:
        return Finding(hole.label, "reading", step.message)
    if _shape(line) != _shape(bare) and bare.error is None:
        return Finding(hole.label, "relation", f"line {number} must keep its relation and its justification")
    expression, path = _filled(hole, bare, line)
    answer = _at(expression, path)
    if any(isinstance(n, Dots | Const | Blank) for n in walk(answer)) or not line.claims:
        return Finding(hole.label, "empty", f"hole {hole.label} hides its content in dots or in a constant")
    below = report.steps[hole.line + 1] if hole.line + 1 < len(report.steps) else None
    if hole.line + 1 in lines_with_holes:
        below = None  # that line has a hole of its own, which answers for it
    for judged_step in (step, below):
        if judged_step is not None and judged_step.status != "holds":
            return _does_not_hold(hole, judged_step)
    own = normal_form(expression)
    for i, other in enumerate(chain.lines):
        if i != hole.line and any(normal_form(claim.expression) == own for claim in other.claims):
            return Finding(hole.label, "neighbour", f"line {number} only repeats line {i + 1}")
    for formula in hole.needed:
        if not _contains(answer, formula, setting):
            return Finding(hole.label, "required", f"hole {hole.label} must be written with {formula}")
    for formula in hole.forbidden:
        if _contains(answer, formula, setting):
            return Finding(hole.label, "forbidden", f"hole {hole.label} must be written without {formula}")
    opening = chain.lines[0].claims[0].expression if chain.lines[0].claims else expression
    world = next(bench.worlds(next(iter(setting.kinds))), None)
    scope = None if world is None else Scope(world)
    for struck in (*_strikes(answer, scope), *_needless(answer, hole, setting)):
        lesser = replace_at(expression, path, struck)
        if judge("=", expression, lesser, opening, bench).status == "holds":
            detail = f"a part of hole {hole.label} can be struck out and nothing changes: leave it out"
            return Finding(hole.label, "idle part", detail)
    return None


def _does_not_hold(hole: Hole, step: Step) -> Finding:
    """The line and the size only: what is wrong with it could give the answer away."""
    size = "" if step.residual is None else f" The difference is {step.residual:.1e} of the largest term."
    message = (
        step.message if step.status in ("unread", "undecided") else "it does not follow from the line above."
    )
    return Finding(hole.label, f"line {step.number + 1}", message + size)


def _shape(line: Line) -> tuple[tuple[str, ...], str]:
    return tuple(claim.relation for claim in line.claims), line.note


Path = tuple[tuple[str, int | None], ...]


def _filled(hole: Hole, bare: Line, line: Line) -> tuple[Node, Path]:
    """The expression that a hole stands in, and where in it; all of it where that cannot be told."""
    for open_claim, claim in zip(bare.claims, line.claims, strict=False):
        path = _path_to(open_claim.expression, Blank(hole.label))
        if path is not None and _reaches(claim.expression, path):
            return claim.expression, path
    return line.claims[-1].expression, ()


def _path_to(expression: Node, wanted: Node) -> Path | None:
    if expression == wanted:
        return ()
    for step, child in parts(expression):
        below = _path_to(child, wanted)
        if below is not None:
            return (step, *below)
    return None


def _reaches(expression: Node, path: Path) -> bool:
    try:
        _at(expression, path)
    except (AttributeError, IndexError, TypeError):
        return False
    return True


def _at(expression: Node, path: Path) -> Node:
    for name, i in path:
        value = getattr(expression, name)
        expression = value if i is None else value[i]
    return expression


# --------------------------------------------------------------------------------- what a hole is made of


def _contains(answer: Node, formula: str, setting: Setting) -> bool:
    return any(_is(n, formula, setting) for n in walk(answer))


def _is(n: Node, formula: str, setting: Setting) -> bool:
    """Whether a node is what a rule names: KL, E, log, \\int, a symbol, or a formula such as p(z|x)."""
    name = formula.strip().lstrip("\\")
    kinds = {
        "KL": "Divergence",
        "H": "Divergence",
        "JSD": "Divergence",
        "E": "Expectation",
        "int": "Integral",
    }
    kinds |= {"sum": "Sum", "nabla": "Gradient"}
    if name in ("|", "norm"):
        return isinstance(n, Norm)
    if name in kinds:
        return type(n).__name__ == kinds[name] and getattr(n, "kind", name) in (name, "grad", "div")
    if getattr(n, "function", None) == name:
        return True
    if isinstance(n, Symbol | Variable | Call | Density) and n.name == name:
        return True
    wanted = _formula(formula, setting)
    return wanted is not None and normal_form(n) == normal_form(wanted)


def _formula(formula: str, setting: Setting) -> Node | None:
    try:
        line = read(formula, setting.vocabulary).lines[0]
    except (Unread, IndexError):
        return None
    return line.claims[0].expression if line.error is None and line.claims else None


def _strikes(answer: Node, scope: Scope | None) -> Iterator[Node]:
    """The answer without some terms of a sum or some factors of a product, wherever they stand in it.

    A matrix or a vector among the factors stays: without Theta the norm of Theta z may be the same.
    """
    for step, child in parts(answer):
        if not (isinstance(answer, Symbol | Variable | Density)):
            for struck in _strikes(child, scope):
                yield replace_at(answer, (step,), struck)
    if isinstance(answer, Add) or (
        isinstance(answer, Mul) and all(_is_number(f, scope) for f in answer.factors)
    ):
        items = answer.terms if isinstance(answer, Add) else answer.factors
        neutral = node(0 if isinstance(answer, Add) else 1)
        most = len(items) if len(items) <= 5 else 2
        for count in range(1, most + 1):
            for kept in combinations(range(len(items)), len(items) - count):
                rest = tuple(items[i] for i in kept)
                if not rest:
                    yield neutral
                elif len(rest) == 1:
                    yield rest[0]
                else:
                    yield replace(answer, **{"terms" if isinstance(answer, Add) else "factors": rest})  # type: ignore[arg-type]
    if isinstance(answer, Div | Pow):
        yield node(1)


def _is_number(factor: Node, scope: Scope | None) -> bool:
    """False of what is a vector or a matrix where nothing is bound."""
    try:
        return scope is None or evaluate(factor, scope).core in ("s", "state")
    except NotExact:
        return True


def _needless(answer: Node, hole: Hole, setting: Setting) -> Iterator[Node]:
    """The answer with every occurrence of a required formula replaced by a number."""
    for formula in hole.needed:
        for value in (1, 2):

            def without(n: Node, formula: str = formula, value: int = value) -> Node:
                if isinstance(n, Divergence | Density | Symbol | Call) and _is(n, formula, setting):
                    return node(value)
                for step, child in parts(n):
                    n = replace_at(n, (step,), without(child))
                return n

            struck = without(answer)
            if struck != answer:
                yield struck
