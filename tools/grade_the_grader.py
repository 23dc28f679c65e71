"""Every planted answer by itself, graded by plain nbgrader and by `gentutor grade`: the marks must be the
same.

    make test-grading                          all units; writes docs/grading_figures.toml
    .venv/bin/python tools/grade_the_grader.py 01_pca --workers 4

`make test` does the same with many answers in one notebook. Here no answer can hide behind another. Plain
nbgrader takes some 8 s for each, so this is run by hand, when the grader or a lab has changed.
"""

import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click
import nbformat
from nbformat import NotebookNode
from tqdm import tqdm

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "labs"))
os.environ["OMP_NUM_THREADS"] = "1"

from figures import record  # noqa: E402
from nbgrader_course import Course, Marks  # noqa: E402
from planting import UNITS, answers_of, submission  # noqa: E402

BATCH = 8  # notebooks that one run of plain nbgrader is given


@click.command()
@click.argument("units", nargs=-1)
@click.option("--workers", default=len(os.sched_getaffinity(0)), show_default=True)
def main(units: tuple[str, ...], workers: int) -> None:
    """Compare the marks in UNITS (all without an argument), and record what was found."""
    differing = 0
    for unit in units or UNITS:
        with tempfile.TemporaryDirectory() as folder:
            found, different = _compared(Path(folder), unit, workers)
        for line in different:
            click.echo(line)
        click.echo(f"{unit}: {found}")
        differing += len(different)
        record(unit, found)
    sys.exit(1 if differing else 0)


def _compared(folder: Path, unit: str, workers: int) -> tuple[dict[str, float], list[str]]:
    """The figures of one unit, and a line for each notebook whose marks differ."""
    ours = Course.made(folder / "ours", unit)
    copies = {"solution": submission(ours.release, ours.solution, {})}
    copies["untouched"] = nbformat.read(ours.release, as_version=4)
    for exercise, planted in answers_of(unit).items():
        for k, answer in enumerate(planted):
            copies[f"{exercise}-{k}"] = submission(ours.release, ours.solution, {exercise: answer})
    began = time.perf_counter()
    ours.grade(ours.hand_in(copies, folder / "class"), "--workers", str(workers))
    between = time.perf_counter()
    plain = _plain(folder, unit, copies, workers, ours.root / "build" / "grading" / "salt")
    ended = time.perf_counter()
    marks = ours.all_marks()
    different = [f"{s}: {marks[s]}, by plain nbgrader {plain[s]}" for s in plain if marks[s] != plain[s]]
    figures = {
        "notebooks": len(copies),
        "marks_that_differ": len(different),
        "workers": workers,
        "ours_seconds": round(between - began, 1),
        "plain_seconds": round(ended - between, 1),
    }
    return figures, different


def _plain(
    folder: Path, unit: str, copies: dict[str, NotebookNode], workers: int, salt: Path
) -> dict[str, Marks]:
    """The marks by plain nbgrader, of which several run at once, each in a course of its own."""
    names = sorted(copies)
    batches = [names[k : k + BATCH] for k in range(0, len(names), BATCH)]

    def grade(number: int) -> dict[str, Marks]:
        course = Course.made(folder / f"plain-{number}", unit)
        course.hand_in({name: copies[name] for name in batches[number]})
        shutil.copy(salt, course.root / "build" / "grading" / "salt")
        course.nbgrader("autograde", unit, "--create")
        return course.all_marks()

    with ThreadPoolExecutor(workers) as pool:
        done = tqdm(pool.map(grade, range(len(batches))), total=len(batches), desc=f"{unit}, plain")
        return {student: marks for each in done for student, marks in each.items()}


if __name__ == "__main__":
    main()
