"""Trying the judge: chains of known verdict, mutants of them, many worlds, broken text, wrong inequalities.

Tests run short samples of this; `python tools/judge_the_judge.py` runs it at length and records the figures.
"""

import string
import time
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
from mutants import mutants
from oracle import judge as second

from gentutor.derive.checker import facts, judged
from gentutor.derive.reading.chain import Chain, Claim, read
from gentutor.derive.report import LATEX, Report
from gentutor.derive.setting import Setting
from gentutor.derive.settings import setting_named
from gentutor.derive.showing.latex import to_latex
from gentutor.derive.tree import Dots, Node, Symbol, walk

CHAINS = Path(__file__).parent / "chains"
AT_ONCE = 200  # worlds of each kind in one report


@dataclass(frozen=True)
class Printed:
    """A chain as it is printed, with the verdict on every line."""

    id: str
    setting: str
    lines: tuple[str, ...]
    holds: tuple[bool, ...]
    given: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.with_line(0, self.lines[0])

    def with_line(self, number: int, line: str, last: int | None = None) -> str:
        """The text with one line replaced, up to line `last`."""
        lines = [*self.lines[:number], line, *self.lines[number + 1 :]]
        return "\n".join([*self.given, *lines[: None if last is None else last + 1]])

    def true_part(self) -> "Printed":
        """The lines before the first wrong one."""
        n = self.holds.index(False) if False in self.holds else len(self.lines)
        return Printed(self.id, self.setting, self.lines[:n], self.holds[:n], self.given)


def chains(*files: Path) -> list[Printed]:
    """The chains of some files; of all in `chains/` if none is named."""
    found = []
    for file in files or sorted(CHAINS.glob("*.toml")):
        for entry in tomllib.loads(file.read_text(encoding="utf-8"))["chain"]:
            *given, opening = entry["lines"][0].splitlines()  # "given ..." may stand before the opening
            lines = (opening, *entry["lines"][1:])
            found.append(Printed(entry["id"], entry["setting"], lines, tuple(entry["holds"]), tuple(given)))
    return found


def report_on(text: str, setting: Setting, seed: int | None = None, count: int | None = None) -> Report:
    """The report of the checker, without diagnosis."""
    seed = crc32(text.encode()) if seed is None else seed
    return judged(read(text, setting.vocabulary), setting, seed, count, explain=False)


# ------------------------------------------------------------------------------------------------- mutants


@dataclass(frozen=True)
class Trial:
    """A mutant, what is true of it, and what the checker says."""

    chain: str
    line: int  # where it must fail
    operator: str
    text: str  # the mutated line
    true: bool | None  # whether it still follows, by the second evaluator; None: no opinion
    status: str = ""  # the checker's verdict on that line
    message: str = ""
    otherwise: bool = False  # the text reads as something else than the mutated tree


@dataclass(frozen=True)
class _Place:
    """A claim of a chain that can be mutated, and where it shows."""

    number: int
    claims: tuple[Claim, ...]
    which: int
    above: Node
    relation: str
    opening: bool  # it is the first expression, and shows in the relation that follows


def _places(printed: Printed, setting: Setting) -> tuple[list[_Place], list[Node], frozenset[str]]:
    chain = read(printed.text, setting.vocabulary)
    flat = [(line.number, line.claims, i) for line in chain.lines for i in range(len(line.claims))]
    places, above = [], None
    for position, (number, claims, i) in enumerate(flat):
        claim = claims[i]
        if isinstance(claim.expression, Dots):
            continue
        if above is not None:
            places.append(_Place(number, claims, i, above, claim.relation, False))
        elif position + 1 < len(flat):
            places.append(_Place(number, claims, i, claim.expression, "", True))
        above = claim.expression
    expressions = [claim.expression for line in chain.lines for claim in line.claims]
    return places, expressions, facts(chain, setting).given


def trials(printed: Printed, rng: np.random.Generator, share: float = 1.0) -> Iterator[Trial]:
    """Mutants of every line of a true chain, or of each a `share` of them, with both verdicts."""
    setting = setting_named(printed.setting)
    names = tuple(setting.vocabulary.densities)
    chain = read(printed.text, setting.vocabulary)
    places, expressions, given = _places(printed, setting)
    nodes = tuple(n for expression in expressions for n in walk(expression))
    for place in places:
        claim = place.claims[place.which]
        for mutant in mutants(claim.relation, claim.expression, names):
            if rng.random() >= share:
                continue
            claims = [(c.relation, c.expression) for c in place.claims]
            claims[place.which] = (mutant.relation, mutant.expression)
            try:
                line = " ".join(f"{LATEX[relation]} {to_latex(tree)}".strip() for relation, tree in claims)
            except (TypeError, ValueError, KeyError):
                continue  # no such thing can be printed
            text = printed.with_line(place.number, line, place.number)
            read_back = read(text, setting.vocabulary).lines[-1]
            if read_back.error is not None:
                message = str(read_back.error)
                yield Trial(printed.id, place.number, mutant.operator, line, None, "unread", message)
                continue
            if not read_back.claims:
                continue  # a name alone opens the chain, and claims nothing
            expression = read_back.claims[min(place.which, len(read_back.claims) - 1)].expression
            if (mutant.relation, expression) == (claim.relation, claim.expression):
                continue  # the same to this setting: in vae, q(z) is q(z|x)
            number = place.number if not place.opening else _first_claim(chain)[0]
            again = read(printed.with_line(place.number, line, number), setting.vocabulary)
            compared = _compared(place, mutant.relation, expression, again if _claims(again) else chain)
            step = second.Step(printed.setting, *compared, nodes, given)
            steps = report_on(printed.with_line(place.number, line, number), setting).steps
            yield Trial(
                printed.id,
                number,
                mutant.operator,
                line,
                _truth(step, claim.expression, expression),
                steps[number].status,
                steps[number].message,
                expression != mutant.expression,
            )


def _truth(step: second.Step, before: Node, after: Node) -> bool | None:
    """The second evaluator lives in one dimension: there a lost factor d is no loss, so it has no opinion."""
    true = second.truth(step)
    counts = [sum(n == Symbol("d") for n in walk(expression)) for expression in (before, after)]
    return None if true and counts[0] != counts[1] else true


def _claims(chain: Chain) -> list[tuple[int, Claim]]:
    """The relations of a chain, and their lines."""
    return [(line.number, claim) for line in chain.lines for claim in line.claims if claim.relation]


def _first_claim(chain: Chain) -> tuple[int, Claim]:
    return _claims(chain)[0]


def _compared(place: _Place, relation: str, mutant: Node, chain: Chain) -> tuple[Node, str, Node, Node]:
    """(line above, relation, line, opening): where a mutant shows; what follows it is read with it."""
    if place.opening:
        claim = _first_claim(chain)[1]
        return mutant, claim.relation, claim.expression, mutant
    opening = next(line.claims[0].expression for line in chain.lines if line.claims)
    return place.above, relation, mutant, opening


@cache
def opinions(printed: Printed) -> list[tuple[int, bool | None]]:
    """What the second evaluator says of every claim: (line, whether it follows)."""
    setting = setting_named(printed.setting)
    places, expressions, given = _places(printed, setting)
    nodes = tuple(n for expression in expressions for n in walk(expression))
    found = []
    for place in places:
        if not place.opening:
            here = place.claims[place.which].expression
            step = second.Step(
                printed.setting, place.above, place.relation, here, expressions[0], nodes, given
            )
            found.append((place.number, second.truth(step)))
    return found


def misprints(printed: Printed) -> list[str]:
    """Lines that do not hold any more once they are printed from their trees."""
    setting = setting_named(printed.setting)
    found = []
    for line in read(printed.text, setting.vocabulary).lines:
        text = " ".join(
            f"{LATEX[claim.relation]} {to_latex(claim.expression)}".strip() for claim in line.claims
        )
        steps = report_on(printed.with_line(line.number, text, line.number), setting).steps
        if not steps[-1].holds:
            found.append(f"{text}: {steps[-1].status} {steps[-1].message}")
    return found


# --------------------------------------------------------------------------------------------- false alarms


def alarms(printed: Printed, count: int, seed: int) -> list[str]:
    """The lines of a true chain that are not found to hold on `count` worlds of every kind."""
    part, found = printed.true_part(), []
    for start in range(0, count, AT_ONCE):  # a report keeps its worlds: not too many of them
        report = report_on(part.text, setting_named(part.setting), seed + start, min(AT_ONCE, count - start))
        found += [
            f"{part.id} line {step.number}: {step.status} {step.residual} {step.message}"
            for step in report.steps
            if not step.holds
        ]
    return found


# --------------------------------------------------------------------------------------------- inequalities

_Q, _P, _POST = "q(z|x)", "p(z)", "p(z|x)"
INEQUALITIES = [  # (setting, lines, whether the last one follows)
    ("vae", (rf"KL({_Q}\|{_P})", rf"\geq KL({_P}\|{_Q})"), False),
    ("vae", (rf"KL({_Q}\|{_P})", rf"\leq KL({_P}\|{_Q})"), False),
    ("vae", (rf"KL({_Q}\|{_P})", rf"\geq KL({_Q}\|{_POST})"), False),
    ("vae", (rf"KL({_Q}\|{_POST})", rf"\geq KL({_Q}\|{_P})"), False),
    ("vae", (rf"KL({_Q}\|{_P}) + KL({_P}\|{_Q})", rf"\geq 2 KL({_P}\|{_Q})"), False),
    ("vae", (rf"KL({_Q}\|{_P}) + KL({_P}\|{_Q})", rf"\geq KL({_P}\|{_Q})"), True),
    ("vae", (rf"KL({_Q}\|{_P})", r"\geq 0"), True),
    ("vae", (rf"KL({_Q}\|{_P})", r"\geq \frac{1}{100}"), False),
    ("vae", (r"\log p(x)", rf"\geq \mathbb{{E}}_{{{_Q}}}[\log p(x|z)] - KL({_P}\|{_Q})"), False),
    ("vae", (r"\log p(x)", rf"\geq \mathbb{{E}}_{{{_Q}}}[\log p(x|z)] - KL({_Q}\|{_POST})"), False),
    ("vae", (r"\log p(x)", rf"\geq \mathbb{{E}}_{{{_Q}}}[\log p(x|z)] - KL({_Q}\|{_P})"), True),
    ("vae", (r"\log p(x)", rf"\geq \mathbb{{E}}_{{{_Q}}}[\log p(x|z)] - 2 KL({_Q}\|{_P})"), True),
    (
        "vae",
        (r"\log p(x)", rf"\geq \mathbb{{E}}_{{{_Q}}}[\log p(x|z)] - \frac{{1}}{{2}} KL({_Q}\|{_P})"),
        False,
    ),
    ("vae", (r"\log p(x)", rf"\geq \mathbb{{E}}_{{{_P}}}[\log p(x|z)]"), True),
    ("vae", (r"\log p(x)", rf"\geq \mathbb{{E}}_{{{_POST}}}[\log p(x|z)]"), False),
    ("vae", (r"\log p(x)", rf"\geq \mathbb{{E}}_{{{_Q}}}[\log p(x|z)]"), False),
    ("vae", (r"\log p(x)", rf"\leq \mathbb{{E}}_{{{_POST}}}[\log p(x|z)]"), True),
    ("vae", (rf"\mathbb{{E}}_{{{_Q}}}[\log {_Q}]", rf"\geq \mathbb{{E}}_{{{_Q}}}[\log {_P}]"), True),
    ("vae", (rf"\mathbb{{E}}_{{{_Q}}}[\log {_Q}]", rf"\geq \mathbb{{E}}_{{{_P}}}[\log {_P}]"), False),
    ("vae", (rf"\mathbb{{E}}_{{{_Q}}}[\log {_Q}]", rf"\geq \mathbb{{E}}_{{{_P}}}[\log {_Q}]"), False),
    ("vae", (rf"H({_P})", rf"\geq H({_POST})"), False),
    ("latents", (r"H(q(z))", rf"\geq \mathbb{{E}}_{{p(x)}} H({_Q})"), True),
    ("latents", (r"H(q(z))", rf"\geq H({_Q})"), False),
    ("latents", (r"H(q(z))", r"\geq H(p(z))"), False),
    ("latents", (rf"\mathbb{{E}}_{{p(x)}} KL({_Q}\|{_P})", rf"\geq KL(q(z)\|{_P})"), True),
    ("latents", (rf"\mathbb{{E}}_{{p(x)}} KL({_Q}\|{_P})", rf"\geq KL({_P}\|q(z))"), False),
    ("latents", (rf"\mathbb{{E}}_{{p(x)}} KL({_Q}\|q(z))", rf"\geq KL(q(z)\|{_P})"), False),
    (
        "latents",
        (rf"\mathbb{{E}}_{{p(x)}} KL({_Q}\|{_P})", rf"\geq \mathbb{{E}}_{{p(x)}} KL({_Q}\|q(z))"),
        True,
    ),
    (
        "latents",
        (rf"\mathbb{{E}}_{{p(x)}} KL({_Q}\|{_P})", rf"\geq \mathbb{{E}}_{{p(x)}} KL({_Q}\|{_POST})"),
        False,
    ),
    ("ddpm", (r"KL(q(x_T|x_0)\|p(x_T))", r"\geq KL(p(x_T)\|q(x_T|x_0))"), False),
    (
        "ddpm",
        (r"KL(q(x_{t-1}|x_t,x_0)\|p(x_{t-1}|x_t))", r"\geq KL(p(x_{t-1}|x_t)\|q(x_{t-1}|x_t,x_0))"),
        False,
    ),
    ("ddpm", (r"KL(q(x_{t-1}|x_t,x_0)\|p(x_{t-1}|x_t))", r"\geq KL(q(x_{t-1}|x_t)\|p(x_{t-1}|x_t))"), False),
    ("ddpm", (r"KL(q(x_{1:T}|x_0)\|p(x_{1:T}))", r"\geq KL(q(x_T|x_0)\|p(x_T))"), True),
    ("ddpm", (r"KL(q(x_T|x_0)\|p(x_T))", r"\geq KL(q(x_{1:T}|x_0)\|p(x_{1:T}))"), False),
]

# True of probabilities, false of densities, which may exceed one.
INEQUALITIES += [
    (setting, lines, False)
    for setting, openings in {
        "vae": [
            ("p(x)", r"\leq 1"),
            (r"\log p(x)", r"\leq 0"),
            ("p(x)", r"\geq p(x,z)"),
            (r"\log p(x,z)", r"\leq \log p(x)"),
            ("H(p(z))", r"\geq 0"),
            (rf"H({_Q})", r"\geq 0"),
            (rf"\mathbb{{E}}_{{{_Q}}}[\log p(x|z)]", r"\leq 0"),
            (r"\log p(x)", rf"\geq \mathbb{{E}}_{{{_Q}}}[\log p(x,z)]"),
        ],
        "latents": [("I(x;z)", r"\leq H(x)"), ("H(q(z))", r"\geq 0"), ("H(q(x,z))", r"\geq H(q(z))")],
        "ddpm": [
            ("q(x_t|x_0)", r"\leq 1"),
            ("p(x_0)", r"\leq 1"),
            ("H(q(x_t|x_{t-1}))", r"\geq 0"),
            (r"\log q(x_{t-1}|x_t,x_0)", r"\leq 0"),
            ("q(x_t|x_{t-1})", r"\geq q(x_t, x_{t-1}|x_{t-2})"),
        ],
        "score": [
            (r"\pi(x)", r"\leq 1"),
            (r"\log p_\theta(x)", r"\leq 0"),
            (r"H(\pi(x))", r"\geq 0"),
            (r"\pi(x)", r"\geq \pi(x,x')"),
        ],
        "gan": [("p_{data}(x)", r"\leq 1"), (r"\log p_g(x)", r"\leq 0"), ("H(p_z)", r"\geq 0")],
        "wgan": [("P_r(x)", r"\leq 1"), (r"\log P_g(x)", r"\leq 0"), ("H(P_g)", r"\geq 0")],
    }.items()
    for lines in openings
]


def inequality(setting: str, lines: tuple[str, ...], seed: int) -> tuple[str, str]:
    """(status, message) of the last line."""
    step = report_on("\n".join(lines), setting_named(setting), seed).steps[-1]
    return step.status, step.message


# ----------------------------------------------------------------------------------------------------- fuzz

PIECES = r"""
\frac{ } { ( ) [ ] \left( \right) \left. | || \| & \\ ^ _ ^{ _{ = \geq \sim \propto
\dots + - * / , ; : ' $ % # ~
\log \exp \int \sum_{ \prod_{t=1}^T \mathbb{E}_{ \mathbb{E} KL( D_{KL} dz dx \sqrt{ \mathcal{N}( \nabla
p(x) q(z|x) p(z) x z \epsilon \theta \mu \sigma^2 \alpha_t x_{t-1} z_{1:T} \text{a} \underbrace{ @
\arg\min_\theta \quad
\input \include{x} \write18{ls} \def\a{b} \newcommand \begin{align} \end{align} \undefined \blank{a} \0 é ∫ 零
\input{file} 0 1e9 99999999999999999999 2^{2^{2^{9}}} \
"""
FRAGMENTS = [*PIECES.split(), "\t", "\x00", "\u2028", "\U0001f600", "\n", " "]


def fuzz(rng: np.random.Generator, seeds: Iterable[Printed]) -> Iterator[tuple[str, str]]:
    """(setting, text): broken chains without end, from whole ones and from pieces."""
    whole = list(seeds)
    while True:
        printed = whole[rng.integers(len(whole))]
        kind = rng.integers(5)
        if kind == 0:  # pieces at random
            text = " ".join(rng.choice(FRAGMENTS, rng.integers(1, 40)))
        elif kind == 1:  # a chain with characters lost, doubled, replaced
            letters = list(printed.text)
            for _ in range(rng.integers(1, 6)):
                i = rng.integers(len(letters))
                letters[i] = str(rng.choice(["", letters[i] * 2, *string.printable]))
            text = "".join(letters)
        elif kind == 2:  # pieces put into a chain
            i = rng.integers(len(printed.text))
            text = printed.text[:i] + str(rng.choice(FRAGMENTS)) + printed.text[i:]
        elif kind == 3:  # depth
            opening = str(
                rng.choice([r"\frac{", r"\sqrt{", "(", r"\log(", r"x^{", r"\mathbb{E}_{q(z|x)}[", r"\left("])
            )
            depth = int(rng.integers(50, 3000))
            text = opening * depth + "p(x)" + str(rng.choice(["", "}" * depth, ")" * depth, r"}{2}" * depth]))
        else:  # length
            text = (str(rng.choice(FRAGMENTS)) + str(rng.choice(["", " ", "\n"]))) * int(
                rng.integers(1000, 200_000)
            )
        yield printed.setting, text


def survives(setting: str, text: str, limit: float = 1.0) -> str | None:
    """What is wrong with how the checker takes a text (it raises, it is slow to read); None if nothing."""
    chosen = setting_named(setting)
    start = time.process_time()
    try:
        chain = read(text, chosen.vocabulary)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    took = time.process_time() - start
    if took > limit:
        return f"{took:.1f} s to read {len(text)} characters"
    try:
        judged(chain, chosen, seed=0, explain=False)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None
