"""`check(text, setting)`: read a chain, judge each step, diagnose the first that fails."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from zlib import crc32

import numpy as np

from gentutor.derive.judging.bench import Bench
from gentutor.derive.judging.diagnosis import diagnose
from gentutor.derive.judging.relations import PLACE, Verdict, judge
from gentutor.derive.reading.chain import Chain, Line, read
from gentutor.derive.report import LATEX, Report, Step, compose
from gentutor.derive.setting import Facts, Setting
from gentutor.derive.settings import setting_named
from gentutor.derive.showing.latex import to_latex
from gentutor.derive.tree import Dots, Node, walk

NO_STEP = "nothing is claimed after the opening line; write the next line, beginning with = or \\geq"
NOT_GIVEN = "nothing was compared, for what the chain has as given cannot be taken"
NOTHING_ABOVE = "no line above can be read, so that nothing was compared"
NOTHING = "no line is written yet"


def check(text: str, setting: str) -> Report:
    """Judge every line of a chain, each against the last readable line above it.

    Args:
        text: one relation per line, in LaTeX, as a lecture prints it. See the docs for the language.
        setting: "vae", "latents", "ddpm", "score", "gan", "wgan" or "pca".

    Raises:
        TypeError: `text` is no string.
        ValueError: there is no such setting.
    """
    if not isinstance(text, str):
        raise TypeError(f"a derivation is a string of LaTeX lines, not {type(text).__name__}")
    chosen = setting_named(setting)
    return judged(read(text, chosen.vocabulary), chosen, seed=crc32(text.strip().encode()))


def judged(
    chain: Chain, setting: Setting, seed: int, count: int | None = None, explain: bool = True
) -> Report:
    """The report on a chain that has been read; `count` worlds of each kind, if not the usual few."""
    try:
        bench = Bench(setting, facts(chain, setting), seed, count)
    except ValueError as error:
        return Report(setting.vocabulary.setting, tuple(_unjudged(chain)), str(error))
    with np.errstate(all="ignore"):  # what is not finite is undecided; it needs no warning
        steps = tuple(_steps(chain, bench, explain))
    message = ""
    if not steps:
        message = NOTHING
    elif len(steps) == 1:
        message = NO_STEP
    report = Report(setting.vocabulary.setting, steps, message)
    if report.ok and report.proves is None:
        message = "every line holds, but the relations do not compose: first and last line are not compared"
    return replace(report, message=message)


def facts(chain: Chain, setting: Setting) -> Facts:
    """What the chain writes and takes as given.

    Raises:
        ValueError: what is given cannot be read, or the setting cannot honour it.
    """
    if chain.refused is not None:
        raise ValueError(f"what is taken as given cannot be read: {chain.refused.pointed()}")
    names = []
    for left, relation, right in chain.given:
        name = setting.honoured(left, right, relation)
        if name is None:
            known = "; ".join(f"{to_latex(a)} = {to_latex(b)}" for a, b, _ in setting.given) or "nothing"
            raise ValueError(
                f"the setting {setting.vocabulary.setting} cannot take "
                f"{to_latex(left)} {LATEX[relation]} {to_latex(right)} "
                f"as given; it can take: {known}"
            )
        names.append(name)
    claims = [claim.expression for line in chain.lines for claim in line.claims]
    return Facts(tuple(n for claim in claims for n in walk(claim)), frozenset(names))


@dataclass(frozen=True)
class _Judged:
    """One relation of a line with its verdict."""

    relation: str
    above: Node
    here: Node
    verdict: Verdict


def _steps(chain: Chain, bench: Bench, explain: bool) -> Iterator[Step]:
    above: Node | None = None
    opening = next(
        (line.claims[0].expression for line in chain.lines if line.error is None and line.claims), None
    )
    for line in chain.lines:
        if line.error is not None:
            relation = line.claims[0].relation if line.claims else ""
            yield Step(
                line.number, line.text, relation, "unread", note=line.note, message=line.error.pointed()
            )
            continue
        found = []
        for claim in line.claims:
            assert opening is not None
            if above is not None and claim.relation:
                verdict = judge(claim.relation, above, claim.expression, opening, bench)
                found.append(_Judged(claim.relation, above, claim.expression, verdict))
            if not isinstance(claim.expression, Dots):
                above = claim.expression
        step = _step(line, found)
        if not found and line.claims and line.claims[0].relation:
            step = replace(step, status="undecided", message=NOTHING_ABOVE)
        if step.status == "fails" and explain:
            explain = False  # only the first: what comes after may only repeat it
            wrong = next(one for one in found if one.verdict.status == "fails")
            assert opening is not None
            if wrong.verdict.message != PLACE:  # no repair of the one makes it the other
                found_wrong = diagnose(wrong.relation, wrong.above, wrong.here, opening, bench)
                step = replace(step, diagnosis=found_wrong)
        yield step


def _unjudged(chain: Chain) -> Iterator[Step]:
    """The lines of a chain whose `given` cannot be taken: read, but not compared."""
    for line in chain.lines:
        step = _step(line, [])
        relation = line.claims[0].relation if line.claims else ""
        if line.error is not None:
            yield replace(step, status="unread", message=line.error.pointed())
        else:
            yield replace(step, relation=relation, status="undecided", message=NOT_GIVEN)


_WORST_FIRST = ("fails", "undecided", "bridged", "holds")


def _step(line: Line, found: list[_Judged]) -> Step:
    parts = [f"{LATEX[claim.relation]} {to_latex(claim.expression)}".strip() for claim in line.claims]
    if not found:  # an opening line without a relation claims nothing
        return Step(line.number, line.text, "", "holds", " ".join(parts) or line.text, line.note)
    worst = min(found, key=lambda one: _WORST_FIRST.index(one.verdict.status))
    verdict = worst.verdict
    return Step(
        line.number,
        line.text,
        compose([one.relation for one in found]) or worst.relation,
        verdict.status,
        " ".join(parts),
        line.note,
        verdict.residual,
        verdict.counterexample,
        None,
        verdict.message,
        verdict.worlds,
    )
