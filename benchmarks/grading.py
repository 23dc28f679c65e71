"""A class graded by `gentutor grade` and by plain `nbgrader autograde`: the same marks, and the time of each.

    python benchmarks/grading.py 01_pca --students 32
    python benchmarks/grading.py 01_pca --students 320 --ours-only

Every student hands in other answers: the planted ones, right and wrong, mixed anew for each. Both graders run
in a course of their own on the same machine, one after the other; the marks are compared before a time is
told.
"""

import json
import os
import shutil
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

import click
import tomlkit
from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "labs"))

from nbgrader_course import Course
from planting import answers_of, submission


@click.command()
@click.argument("unit")
@click.option("--students", default=32, show_default=True)
@click.option("--workers", default=len(os.sched_getaffinity(0)), show_default=True)
@click.option("--ours-only", is_flag=True, help="Do not wait for plain nbgrader.")
@click.option("--record", is_flag=True, help="Write what was found to benchmarks/grading.toml.")
def main(unit: str, students: int, workers: int, ours_only: bool, record: bool) -> None:
    """Grade a class in UNIT by both, and compare."""
    with tempfile.TemporaryDirectory() as folder:
        ours, plain = (Course.made(Path(folder) / name, unit) for name in ("ours", "plain"))
        handed_in = plain.hand_in(_class(plain, students))
        found: dict[str, float | int] = {"students": students, "workers": workers}
        began = time.perf_counter()
        ours.grade(handed_in, "--workers", str(workers))
        found["ours_seconds"] = round(time.perf_counter() - began, 1)
        notes = (ours.root / "build" / "grading" / "journal").rglob("trial.json")
        spent = sum(json.loads(note.read_bytes())["tried"]["cpu_seconds"] for note in notes)
        found["cpu_seconds_of_the_submissions"] = round(spent, 1)
        found["most_memory_of_a_process_mb"] = getrusage(RUSAGE_CHILDREN).ru_maxrss >> 10
        if not ours_only:
            shutil.copy(ours.root / "build" / "grading" / "salt", plain.root / "build" / "grading")
            began = time.perf_counter()
            plain.nbgrader("autograde", unit, "--create")
            found["plain_seconds"] = round(time.perf_counter() - began, 1)
            found["times_as_fast"] = round(found["plain_seconds"] / found["ours_seconds"], 1)
            different = [s for s, marks in plain.all_marks().items() if ours.all_marks()[s] != marks]
            click.echo(f"students whose marks differ: {different or 'none'}")
    click.echo(f"{unit}: {found}")
    if record:
        path = Path(__file__).with_suffix(".toml")
        kept = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        kept[f"{unit}-{students}-students"] = found
        path.write_text(tomlkit.dumps(kept), encoding="utf-8")


def _class(course: Course, students: int) -> dict[str, NotebookNode]:
    """A notebook of each student, no two alike."""
    copies, answers = {}, answers_of(course.unit)
    for k in range(students):
        turns = enumerate(answers.items())
        chosen = {name: planted[(k * (turn + 1) + turn) % len(planted)] for turn, (name, planted) in turns}
        notebook = copies[f"student-{k:03d}"] = submission(course.release, course.solution, chosen)
        for cell in notebook.cells:
            if cell.cell_type == "code" and cell.metadata.get("nbgrader", {}).get("solution"):
                cell.source += f"\n# as student {k} wrote it"
    return copies


if __name__ == "__main__":
    main()
