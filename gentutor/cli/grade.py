"""`gentutor grade`: its arguments, and its exit status."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import click

from gentutor import units

LEAST_MEMORY = 64 << 20


class Memory(click.ParamType[int]):
    """An amount of memory in bytes, written as 2G or 512M."""

    name = "memory"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The number of bytes; says what was expected where that is not one."""
        if isinstance(value, int):
            return value
        written = re.fullmatch(r"(\d+(?:\.\d+)?) ?([MG])(?:i?B)?", str(value).strip(), re.IGNORECASE)
        size = int(float(written[1]) * {"M": 1 << 20, "G": 1 << 30}[written[2].upper()]) if written else 0
        if size < LEAST_MEMORY:
            self.fail(
                f"{value!r} is not an amount of memory, such as 2G or 512M, of 64M or more.", param, ctx
            )
        return size


@click.command()
@click.argument("unit")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--workers", type=click.IntRange(1), help="Submissions at a time. Default: one for each core.")
@click.option("--timeout", type=click.FloatRange(1), help="Seconds that one cell may take. Default: 120.")
@click.option("--memory", type=Memory(), help="What one submission may use. Default: 2G.")
@click.option("--dry-run", is_flag=True, help="Say what would be graded; run nothing, write nothing.")
@click.option("--again", is_flag=True, help="Try those again, too, that were graded before.")
@click.option(
    "--no-sandbox", is_flag=True, help="Students' code has my own rights. For a class that I trust."
)
@click.option(
    "--roster",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The class list as CSV: id, email, names; or what Canvas or Moodle exports.",
)
@click.option("--scheduler", metavar="ADDRESS", help="Run on this Dask cluster: tcp://10.0.0.5:8786.")
@click.option(
    "--folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The course. Default: the clone, else the current folder.",
)
def grade(
    unit: str,
    path: Path,
    workers: int | None,
    timeout: float | None,
    memory: int | None,
    dry_run: bool,
    again: bool,
    no_sandbox: bool,
    roster: Path | None,
    scheduler: str | None,
    folder: Path | None,
) -> None:
    """Grade what a class handed in for a lab.

    UNIT is a number or a name: 01, pca. PATH is a folder with a folder or a notebook for each student, the
    zip that Moodle or Canvas gives, or one notebook.

    Marks go into nbgrader's gradebook, pages of feedback, tables for Canvas and Moodle and a report into
    build/grading. What is not new is not tried again. A run that was stopped goes on where it was when the
    same command is given.

    \b
    The exit status is
      0    all that was handed in is graded
      1    some of it could not be graded: the report says whose, and why
      2    the command was not understood, or nothing more can be graded: no sandbox,
           a gradebook that is damaged or in use, no cluster ...
      130  stopped by Ctrl-C: what was tried is kept

    \b
    Examples:
      gentutor grade 01 submissions/ --dry-run
      gentutor grade 01 submissions/
      gentutor grade pca moodle.zip --roster class.csv --workers 8
    """
    if sys.platform == "win32":
        raise _Refusal("Grading forks processes, which Windows cannot do: run it in WSL (wsl --install).")
    from gentutor.grading import grade as leader
    from gentutor.grading.look import look
    from gentutor.grading.order import CannotGrade, Order
    from gentutor.grading.records import Limits

    if scheduler and workers:
        raise click.UsageError("--workers is for this machine; a cluster has as many as it has.")
    course = (folder or units.course_root() or Path.cwd()).absolute()
    limits = Limits()
    if timeout:
        in_all = timeout * limits.all_seconds / limits.cell_seconds  # as many cells as by default
        limits = replace(limits, cell_seconds=timeout, all_seconds=in_all)
    if memory:
        limits = replace(limits, memory=memory)
    try:
        name = units.find(unit, course / "labs").name
        order = Order(name, path, course, limits, workers, scheduler, not no_sandbox, roster, again)
        if dry_run:
            page, usable = look(order)
            click.echo(page, nl=False)
            sys.exit(0 if usable else 1)
        summary = leader.grade(order)
    except (units.UnknownUnit, CannotGrade) as error:
        raise _Refusal(str(error)) from error
    except KeyboardInterrupt:
        click.echo("Stopped by Ctrl-C before anything was graded.", err=True)
        sys.exit(130)
    click.echo(summary.markdown(), nl=False)
    sys.exit(summary.status)


class _Refusal(click.ClickException):
    """What ends the command before it begins."""

    exit_code = 2
