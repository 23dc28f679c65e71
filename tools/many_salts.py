"""Every planted answer against its check, under many salts: each must get the verdict it deserves.

    python tools/many_salts.py                          # all units, a hundred salts: minutes on one core
    python tools/many_salts.py 08_wgan_gp --salts 10

A check draws its inputs from a seed that depends on the course's salt. On inputs that are drawn carelessly
it may pass a wrong answer, or fail a right one, in some courses only. Derivations are left out: their worlds
follow from their text, whatever the salt. `make test` does the same under two salts.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "labs")]

import click  # noqa: E402
import nbformat  # noqa: E402
from figures import record  # noqa: E402
from planting import UNITS, Answer, answers_of, cell_of, without_experiments  # noqa: E402

from gentutor.check import SALT_VARIABLE  # noqa: E402
from gentutor.grading.trial import shell  # noqa: E402

SECONDS = 60.0  # for a cell


@click.command()
@click.argument("units", nargs=-1)
@click.option("--salts", default=100, show_default=True)
@click.option("--keep", is_flag=True, help="Write what was found to docs/grading_figures.toml.")
def main(units: tuple[str, ...], salts: int, keep: bool) -> None:
    """Try the checks of UNITS (all without an argument)."""
    wrong_ones = 0
    for unit in units or UNITS:
        verdicts = wrong = 0
        for answer, salt, said in tried(unit, [str(k) for k in range(salts)]):
            verdicts += 1
            if not answer.deserves(said):
                wrong += 1
                click.echo(f"{unit}, {answer.exercise}, salt {salt}: {said or 'passed'} ({answer.what})")
        found = {"salts": salts, "verdicts": verdicts, "wrong_verdicts": wrong}
        click.echo(f"{unit}: {found}")
        if keep:
            record(unit, found)
        wrong_ones += wrong
    sys.exit(1 if wrong_ones else 0)


def tried(unit: str, salts: list[str]) -> Iterator[tuple[Answer, str, str | None]]:
    """Each answer, the solution too, under each salt, and what its check said: None where it passed."""
    notebook = nbformat.read(ROOT / "solutions" / unit / f"{unit}.ipynb", as_version=4)
    planted, solutions = answers_of(unit), {}
    for exercise, answers in planted.items():  # what any of them reads must not be taken out
        cell = cell_of(notebook, exercise)
        solutions[exercise] = cell.source
        cell.source = "\n\n\n".join([*(answer.source for answer in answers), cell.source])
    for cell in without_experiments(notebook).cells:
        if cell.cell_type == "code":
            run_through(cell.source)
    for exercise, answers in planted.items():
        check = cell_of(notebook, f"check-{exercise}").source
        if "ex.derivation(" in check:
            continue
        for answer in (*answers, Answer(exercise, "the solution", "", None)):
            run_through(f"{solutions[exercise]}\n\n\n{answer.source}")
            for salt in salts:
                os.environ[SALT_VARIABLE] = salt
                yield answer, salt, said_by(check)


def run_through(source: str) -> None:
    """Runs a cell that must come to its end."""
    said = said_by(source)
    if said is not None:
        raise click.ClickException(f"{said} in the cell\n{source}")


def said_by(source: str) -> str | None:
    """Runs a cell; returns the message of what it raised, None where it came to its end."""
    outputs, _ = shell.run(source, SECONDS)
    return next((str(o["evalue"]) for o in outputs if o["output_type"] == "error"), None)


if __name__ == "__main__":
    main()
