r"""Graded derivations: the instructor's lines are locked, the student fills their holes.

An instructor writes a chain and marks holes in it: `\blank{a}`. What a hole must and must not contain may
stand in brackets: `\blank[KL, p(z); not p(z|x)]{a}`. `grade` puts a student's text into the locked lines and
judges the whole anew, from text alone.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from zlib import crc32

import numpy as np

from gentutor.derive.checker import facts, judged
from gentutor.derive.contents import contains, needless, strikes
from gentutor.derive.judging.bench import Bench
from gentutor.derive.judging.relations import judge
from gentutor.derive.judging.repairs import repairs, whole_line
from gentutor.derive.normal_form import normal_form
from gentutor.derive.reading.chain import Chain, Line, read
from gentutor.derive.report import Step, compose
from gentutor.derive.setting import Setting
from gentutor.derive.settings import setting_named
from gentutor.derive.tree import Blank, Const, Dots, Node, parts, replace_at, walk
from gentutor.derive.worlds.array import NotExact
from gentutor.derive.worlds.evaluate import Scope

HOLE = re.compile(r"\\blank(?:\[(?P<rule>[^\]]*)\])?\{(?P<label>\w+)\}")
LONGEST = 1000  # characters of an answer
EXACT = ("=", "~", "propto")  # what holds of two lines where it holds of both and a third
MOST_TRIES = 80  # single repairs of a hole, to tell which of several is wrong


Path = tuple[tuple[str, int | None], ...]


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
    completed = read(plain, chosen.vocabulary, fills)
    if len(completed.lines) != len(open_chain.lines):
        return [Finding(all_holes[0].label, "reading", "an answer may not add or remove a line")]
    seed = crc32((plain + repr(sorted(fills.items()))).encode())
    report = judged(completed, chosen, seed, explain=False)
    bench = Bench(chosen, facts(completed, chosen), seed + 1)
    with np.errstate(all="ignore"):
        return list(_Grading(all_holes, open_chain, completed, list(report.steps), chosen, bench).findings())


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


@dataclass
class _Grading:
    """A completed chain, its lines judged against the last line above that can be trusted.

    A line without holes can: it is the instructor's. One with holes can where they pass. So a wrong hole does
    not bring down the holes below it, and what only agrees with a wrong line above does not pass.
    """

    holes: tuple[Hole, ...]
    open_chain: Chain
    chain: Chain
    steps: list[Step]
    setting: Setting
    bench: Bench

    def findings(self) -> Iterator[Finding]:
        """What is wrong, hole by hole."""
        trusted: int | None = None
        for number in range(len(self.chain.lines)):
            here = [hole for hole in self.holes if hole.line == number]
            if here and number and trusted != number - 1:
                self.steps[number] = self._against(trusted, number)
            found = [self._judge(hole, trusted, here) for hole in here]
            yield from (finding for finding in found if finding is not None)
            claims = self.chain.lines[number].claims
            if claims and not any(found) and not isinstance(claims[-1].expression, Dots):
                trusted = number

    def _below(self, number: int) -> Step | None:
        """The step below a line, if it is the instructor's: one with a hole of its own answers for itself."""
        if number + 1 == len(self.steps) or any(hole.line == number + 1 for hole in self.holes):
            return None
        return self.steps[number + 1]

    def _against(self, trusted: int | None, number: int) -> Step:
        """A line judged against the last trusted one, where "=" leads from one to the other."""
        step, below = self.steps[number], self._below(number)
        if below is not None and below.holds and below.relation == "=":
            return replace(step, status="holds")  # it is worth what the locked line below is
        relations = [] if trusted is None else [s.relation for s in self.steps[trusted + 1 : number + 1]]
        relation = compose(relations)
        if trusted is None or relation not in EXACT:
            waits = f"it cannot be judged before line {number} holds"
            return replace(step, status="undecided", residual=None, message=waits)
        above = self._last(trusted)
        opening = self._opening()
        for claim in self.chain.lines[number].claims:
            verdict = judge(relation, above, claim.expression, opening, self.bench)
            if verdict.status != "holds":
                return replace(
                    step, status=verdict.status, residual=verdict.residual, message=verdict.message
                )
        return replace(step, status="holds")

    def _opening(self) -> Node:
        return next(line.claims[0].expression for line in self.chain.lines if line.claims)

    def _last(self, number: int) -> Node:
        return self.chain.lines[number].claims[-1].expression

    def _judge(self, hole: Hole, trusted: int | None, here: list[Hole]) -> Finding | None:
        line, bare = self.chain.lines[hole.line], self.open_chain.lines[hole.line]
        step = self.steps[hole.line]
        number = hole.line + 1
        if line.error is not None:
            return Finding(hole.label, "reading", step.message)
        if _shape(line) != _shape(bare) and bare.error is None:
            return Finding(
                hole.label, "relation", f"line {number} must keep its relation and its justification"
            )
        expression, path = _filled(hole, bare, line)
        answer = _at(expression, path)
        if any(isinstance(n, Dots | Const | Blank) for n in walk(answer)) or not line.claims:
            return Finding(
                hole.label, "empty", f"hole {hole.label} hides its content in dots or in a constant"
            )
        for judged_step in (step, self._below(hole.line)):
            if judged_step is not None and judged_step.status != "holds":
                told = self._told(here, trusted) if len(here) > 1 else hole
                return _does_not_hold(hole, judged_step, here) if told in (hole, None) else None
        return self._contents(hole, expression, path)

    def _told(self, here: list[Hole], trusted: int | None) -> Hole | None:
        """Of several holes in a line the wrong one: the only one that a single repair would mend."""
        number = here[0].line
        line, bare, below = self.chain.lines[number], self.open_chain.lines[number], self._below(number)
        if trusted is None or len(line.claims) != 1 or any(_filled(h, bare, line)[1] == () for h in here):
            return None
        expression, above, opening = line.claims[0].expression, self._last(trusted), self._opening()

        def fits(mended: Node) -> bool:
            relation = compose([step.relation for step in self.steps[trusted + 1 : number + 1]])
            if relation is None or judge(relation, above, mended, opening, self.bench).status != "holds":
                return False
            last = self._last(number + 1) if below is not None else mended
            return below is None or judge(below.relation, mended, last, opening, self.bench).status == "holds"

        def mends(hole: Hole) -> bool:
            path = _filled(hole, bare, line)[1]
            answer = _at(expression, path)
            tries = chain(whole_line(answer, above, self.setting), repairs(answer, above, self.setting))
            return any(fits(replace_at(expression, path, r.line)) for r in islice(tries, MOST_TRIES))

        mended = [hole for hole in here if mends(hole)]
        return mended[0] if len(mended) == 1 else None

    def _scopes(self) -> list[Scope]:
        """A world of each kind that can be drawn here: not every kind knows every symbol."""
        scopes = []
        for kind in self.setting.kinds:
            with suppress(NotExact):
                scopes += [Scope(world) for world in islice(self.bench.worlds(kind), 1)]
        return scopes

    def _contents(self, hole: Hole, expression: Node, path: Path) -> Finding | None:
        """What is wrong with a hole whose line holds: it repeats a line, breaks a rule, has idle parts."""
        answer, own, number = _at(expression, path), normal_form(expression), hole.line + 1
        for i, other in enumerate(self.chain.lines):
            if i != hole.line and any(normal_form(claim.expression) == own for claim in other.claims):
                return Finding(hole.label, "neighbour", f"line {number} only repeats line {i + 1}")
        for formula in hole.needed:
            if not contains(answer, formula, self.setting):
                return Finding(hole.label, "required", f"hole {hole.label} must be written with {formula}")
        for formula in hole.forbidden:
            if contains(answer, formula, self.setting):
                return Finding(
                    hole.label, "forbidden", f"hole {hole.label} must be written without {formula}"
                )
        opening = self._opening()
        for struck in (*strikes(answer, self._scopes()), *needless(answer, hole.needed, self.setting)):
            lesser = replace_at(expression, path, struck)
            if judge("=", expression, lesser, opening, self.bench).status == "holds":
                detail = f"a part of hole {hole.label} can be struck out and nothing changes: leave it out"
                return Finding(hole.label, "idle part", detail)
        return None


def _does_not_hold(hole: Hole, step: Step, here: list[Hole]) -> Finding:
    """The line and the size only: what is wrong with it could give the answer away."""
    size = "" if step.residual is None else f" The difference is {step.residual:.1e} of the largest term."
    message = (
        step.message if step.status in ("unread", "undecided") else "it does not follow from the line above."
    )
    several = f" It has the holes {', '.join(other.label for other in here)}." if len(here) > 1 else ""
    return Finding(hole.label, f"line {step.number + 1}", message + size + several)


def _shape(line: Line) -> tuple[tuple[str, ...], str]:
    return tuple(claim.relation for claim in line.claims), line.note


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
