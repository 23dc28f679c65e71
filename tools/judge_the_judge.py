"""Try the derivation checker at length, and write what came of it to docs/checker_figures.toml.

    python tools/judge_the_judge.py mutants         # mistakes put into every line of every true chain
    python tools/judge_the_judge.py worlds          # true chains on many worlds: none may fail
    python tools/judge_the_judge.py fuzz            # broken text: no crash, no second lost
    python tools/judge_the_judge.py inequalities    # wrong inequalities that most worlds satisfy

Short samples of the same run in the tests (tests/derive/test_mutants.py and its neighbours).
"""

import json
import os
import subprocess
import sys
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TypeVar

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "derive")]

import click  # noqa: E402
import numpy as np  # noqa: E402
import trial  # noqa: E402

FIGURES = ROOT / "docs" / "checker_figures.toml"
HEAD = "# What the derivation checker's trials found. Written by tools/judge_the_judge.py; do not edit.\n"
Figures = dict[str, str | int | float | list[str]]
A, R = TypeVar("A"), TypeVar("R")


def record(name: str, figures: Figures) -> None:
    """Replace the section `name` of the figures."""
    known = tomllib.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    known[name] = figures
    sections = []
    for section, values in sorted(known.items()):
        lines = [
            f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items() if value != []
        ]
        sections.append("\n".join([f"[{section}]", *lines]))
    FIGURES.write_text(HEAD + "\n" + "\n\n".join(sections) + "\n", encoding="utf-8")
    for key, value in figures.items():
        if isinstance(value, list):
            click.echo(f"{key} ({len(value)}):" + "".join(f"\n    {one}" for one in value))
        else:
            click.echo(f"{key}: {value}")


def spread_out(work: Callable[[A], R], tasks: Iterable[A], jobs: int) -> Iterator[R]:
    """The results of `work` on each task, in order, by several processes."""
    if jobs == 1:
        yield from map(work, tasks)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(work, tasks)


def chosen(settings: tuple[str, ...], files: tuple[Path, ...]) -> list[trial.Printed]:
    """The chains to try: those of tests/derive/chains, and of further files in that form."""
    found = [*trial.chains(), *(trial.chains(*files) if files else [])]
    return [printed for printed in found if not settings or printed.setting in settings]


def options(count: int, what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The options that all commands share."""

    def add(command: Callable[..., None]) -> Callable[..., None]:
        for option in (
            click.option("--count", default=count, show_default=True, help=what),
            click.option("--seed", default=0, show_default=True),
            click.option("--jobs", default=2, show_default=True, help="Processes."),
            click.option("--setting", "settings", multiple=True, help="Only this setting (may be repeated)."),
            click.option(
                "--chains",
                "files",
                multiple=True,
                type=click.Path(exists=True, path_type=Path),
                help="Further chains.",
            ),
        ):
            command = option(command)
        return command

    return add


def ran(started: float, seed: int) -> Figures:
    """How these figures were made."""
    arguments = [Path(one).name if os.sep in one else one for one in sys.argv[1:]]
    seconds = round(time.perf_counter() - started, 1)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    return {
        "command": " ".join(["tools/judge_the_judge.py", *arguments]),
        "commit": commit.stdout.strip(),
        "seed": seed,
        "wall_seconds": seconds,
    }


@click.group()
def main() -> None:
    """Judge the derivation checker."""


# ------------------------------------------------------------------------------------------------- mutants


def _mutate(task: tuple[trial.Printed, int, float]) -> list[trial.Trial]:
    printed, seed, share = task
    try:
        return list(trial.trials(printed.true_part(), np.random.default_rng(seed), share))
    except Exception as error:
        raise RuntimeError(f"chain {printed.id}: {error}") from error


@main.command()
@options(100, "Per cent of all mutants to try.")
def mutants(count: int, seed: int, jobs: int, settings: tuple[str, ...], files: tuple[Path, ...]) -> None:
    """Mistakes put into every line of every true chain; those truly wrong must fail at their line."""
    started = time.perf_counter()
    tasks = [(printed, seed, count / 100) for printed in chosen(settings, files)]
    trials = [one for found in spread_out(_mutate, tasks, jobs) for one in found]
    wrong = [one for one in trials if one.true is False and one.status != "unread"]
    caught = [one for one in wrong if one.status == "fails"]
    slipped = [
        f"{o.chain} {o.line} ({o.operator}) {o.status}: {o.text} {o.message}"
        for o in wrong
        if o.status != "fails"
    ]
    reread = [f"{o.chain} {o.line} ({o.operator}): {o.text}" for o in trials if o.otherwise and o.true]
    alarms = [
        f"{o.chain} {o.line} ({o.operator}): {o.text}" for o in trials if o.true and o.status == "fails"
    ]
    operators = Counter(one.operator for one in wrong)
    record(
        "_".join(["mutants", *settings]),
        {
            **ran(started, seed),
            "chains": len(tasks),
            "mutants": len(trials),
            "truly_wrong": len(wrong),
            "caught": len(caught),
            "caught_per_cent": round(100 * len(caught) / max(1, len(wrong)), 2),
            "unread": sum(one.status == "unread" for one in trials),
            "still_true": sum(one.true is True for one in trials),
            "no_opinion": sum(one.true is None for one in trials),
            "operators": [f"{name}: {number}" for name, number in operators.most_common()],
            "slipped_through": slipped,
            "true_but_failed": alarms,
            "read_as_something_true": reread,
        },
    )


# -------------------------------------------------------------------------------------------------- worlds


def _alarm(task: tuple[trial.Printed, int, int]) -> list[str]:
    return trial.alarms(task[0], task[1], task[2])


@main.command()
@options(10_000, "Worlds of each kind for each chain.")
@click.option("--group", "only", multiple=True, help="Only 'lectures', or a setting's other chains.")
def worlds(
    count: int,
    seed: int,
    jobs: int,
    settings: tuple[str, ...],
    files: tuple[Path, ...],
    only: tuple[str, ...],
) -> None:
    """Every true chain on many worlds: no line may fail. First the lectures' chains, then each setting's."""
    groups: dict[str, list[trial.Printed]] = {}
    lectures = {printed.id for printed in trial.chains(trial.CHAINS / "lectures.toml")}
    for printed in chosen(settings, files):
        group = "lectures" if printed.id in lectures else printed.setting
        groups.setdefault(group, []).append(printed)
    for group in sorted(groups, key=lambda name: name != "lectures"):  # each is recorded when it is done
        if only and group not in only:
            continue
        started = time.perf_counter()
        tasks = [(printed, count, seed) for printed in groups[group]]
        found = [alarm for alarms in spread_out(_alarm, tasks, jobs) for alarm in alarms]
        figures: Figures = {"chains": len(tasks), "worlds_of_each_kind": count, "alarms": found}
        record(f"worlds_{group}", {**ran(started, seed), **figures})


# ---------------------------------------------------------------------------------------------------- fuzz


def _survive(task: tuple[str, str]) -> str | None:
    reason = trial.survives(*task)
    return reason and f"{task[0]} {task[1][:80]!r} ({len(task[1])} characters): {reason}"


@main.command()
@options(10_000, "Broken chains.")
def fuzz(count: int, seed: int, jobs: int, settings: tuple[str, ...], files: tuple[Path, ...]) -> None:
    """Random and broken LaTeX: an answer within a second, never a crash."""
    started = time.perf_counter()
    texts = islice(trial.fuzz(np.random.default_rng(seed), chosen(settings, files)), count)
    found = [reason for reason in spread_out(_survive, texts, jobs) if reason]
    record("fuzz", {**ran(started, seed), "texts": count, "not_survived": found})


# -------------------------------------------------------------------------------------------- inequalities


def _bound(task: tuple[str, tuple[str, ...], bool, int]) -> str | None:
    setting, lines, follows, seed = task
    status, message = trial.inequality(setting, lines, seed)
    if status == ("holds" if follows else "fails"):
        return None
    return f"{setting}: {lines[0]} {lines[1]}: {status}, seed {seed} {message}"


@main.command()
@options(20, "Seeds for each inequality.")
def inequalities(
    count: int, seed: int, jobs: int, settings: tuple[str, ...], files: tuple[Path, ...]
) -> None:
    """Wrong inequalities that hold on most worlds must fail; true ones must hold."""
    started = time.perf_counter()
    tasks = [
        (*one, seed + k)
        for one in trial.INEQUALITIES
        for k in range(count)
        if not settings or one[0] in settings
    ]
    found = [reason for reason in spread_out(_bound, tasks, jobs) if reason]
    wrong = sum(not follows for _, _, follows, _ in tasks)
    counts: Figures = {"judged": len(tasks), "of_these_wrong": wrong, "misjudged": found}
    record("inequalities", {**ran(started, seed), **counts})


if __name__ == "__main__":
    main()
