"""The `gentutor` command. The modules that do the work are imported when they are needed."""

import shutil
import sys
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gentutor.cli.grade import grade
from gentutor.cli.release import release
from gentutor.cli.train import train

if TYPE_CHECKING:
    from gentutor.units import Unit


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gentutor")
def main() -> None:
    """A course on deep generative models: lectures and auto-graded labs.

    \b
    Examples:
      gentutor doctor     can labs run here, and what is missing?
      gentutor lab 01     open my copy of lab 01
      gentutor lab        open the course
      gentutor derive chain.tex --setting vae     does every line follow?
      gentutor train vae digits-2    train a model, and keep its weights
      gentutor release 01    what students get, as a zip
      gentutor grade 01 submissions/    marks for what they handed in
    """


main.add_command(grade)
main.add_command(release)
main.add_command(train)


@main.command()
def doctor() -> None:
    """Say what labs need, what is missing and how to mend it.

    The exit status is 0 if labs can run, else 1.

    \b
    Examples:
      gentutor doctor
      gentutor doctor && gentutor lab 01
    """
    from gentutor.doctor import examine

    needed = []
    for row in examine():
        click.echo(row)
        if row.state == "NEEDED":
            needed.append(row.check.name)
    click.echo(f"\nLabs cannot run yet. Mend first: {', '.join(needed)}." if needed else "\nLabs can run.")
    sys.exit(1 if needed else 0)


@main.command()
@click.argument("unit", required=False)
@click.argument("jupyter_options", nargs=-1, type=click.UNPROCESSED, metavar="[-- JUPYTER_OPTIONS]")
@click.option("--update", is_flag=True, help="Carry my answers into the new release; keep the old file.")
@click.option("--no-open", is_flag=True, help="Only make or update the copy, and print its path.")
@click.option("--notebook", is_flag=True, help="Open it in Jupyter Notebook 7 instead of JupyterLab.")
@click.option("--no-browser", is_flag=True, help="Print the address; open no browser.")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep my copies in work/ in this folder. Default: the clone, else the current folder.",
)
def lab(
    unit: str | None,
    jupyter_options: tuple[str, ...],
    update: bool,
    no_open: bool,
    notebook: bool,
    no_browser: bool,
    folder: Path | None,
) -> None:
    """Open my own copy of a lab; make it the first time.

    UNIT is a number or a name: 01, pca. Without it, the copies of all labs are made and the course's index is
    opened. A copy is never overwritten.

    \b
    Examples:
      gentutor lab 01               open work/01_pca/01_pca.ipynb
      gentutor lab pca --update     bring my copy up to the new release, open it
      gentutor lab                  open the course's index
      gentutor lab 01 -- --port=9999
    """
    from gentutor import jupyter, units, workbook

    if unit and unit.startswith("-"):  # no UNIT: what follows "--" is all Jupyter's
        jupyter_options = (unit, *jupyter_options)
        unit = None
    if jupyter_options and not jupyter_options[0].startswith("-"):
        raise click.UsageError(f"{jupyter_options[0]!r} is one argument too many, expected at most one UNIT.")
    folder = (folder or units.course_root() or Path.cwd()).absolute()
    opened = folder / "course" / "index.ipynb"
    try:
        chosen = [units.find(unit)] if unit else units.units()
        if not unit and not opened.exists():
            names = ", ".join(each.name for each in chosen) or "none yet"
            raise click.UsageError(f"Name a UNIT: there is no course index in {folder}. The units: {names}.")
        for each in chosen:
            path = workbook.path_of(each, folder)
            opened = path if unit else opened
            try:
                _prepare(each, path, update)
            except workbook.UnreadableNotebook as error:
                if unit:
                    raise
                click.echo(f"Warning: {error}", err=True)  # one broken copy closes no other lab
            if no_open:
                click.echo(path)
    except (units.UnknownUnit, workbook.UnreadableNotebook, OSError) as error:
        raise click.ClickException(str(error)) from error
    if no_open:
        return
    browser = not no_browser and jupyter.default_browser() is not None
    line = jupyter.command(folder, opened, notebook=notebook, browser=browser, extra=jupyter_options)
    status = jupyter.run(line, folder)
    if status:
        click.echo(f"Jupyter ended with status {status}. gentutor doctor says what is missing.", err=True)
    sys.exit(status)


@main.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option(
    "--setting", required=True, help="What the symbols mean: vae, latents, ddpm, score, gan, wgan, pca."
)
@click.option("--readings", is_flag=True, help="Show for every line how it was read, fully bracketed.")
def derive(file: str, setting: str, readings: bool) -> None:
    """Check a derivation, line by line.

    FILE holds a chain in LaTeX: each line begins with its relation to the line above. "-" reads what is piped
    in. The exit status is 0 if every line holds, else 1, and 2 if the command was not understood.

    \b
    Examples:
      gentutor derive chain.tex --setting vae
      gentutor derive chain.tex --setting ddpm --readings
      cat chain.txt | gentutor derive - --setting gan
    """
    from gentutor.derive import check
    from gentutor.derive.showing.terminal import text

    try:
        with click.open_file(file, encoding="utf-8-sig") as chain:
            report = check(chain.read(), setting=setting)
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{file} is no text in UTF-8: {error}.") from error
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if isinstance(sys.stdout, TextIOWrapper):  # a pipe on Windows may know no ✓; the words stand beside it
        sys.stdout.reconfigure(errors="replace")
    click.echo(text(report, width=shutil.get_terminal_size().columns, colour=True, readings=readings))
    sys.exit(0 if report.ok else 1)


def _prepare(unit: "Unit", path: Path, update: bool) -> None:
    """Make the student's copy at `path` or update it, as is needed and asked for, and say what was done."""
    from gentutor import workbook

    state = workbook.state(path, unit)
    told = []
    if state == "absent":
        workbook.create(path, unit)
        told = [f"Made your own copy of lab {unit.name}: {path}"]
    elif update and state == "current":
        told = [f"Your copy of lab {unit.name} is up to date."]
    elif update:
        carried, kept = workbook.update(path, unit)
        told = [
            f"Your copy of lab {unit.name} is updated to the new release; the old file is {kept}.",
            *carried.sentences(),
            "Where the notebook is open in a browser: File > Reload Notebook from Disk.",
        ]
    elif state != "current":
        told = [
            "The released lab has changed since your copy was made."
            if state == "behind"
            else "Your copy does not say which release it was made from.",
            f"gentutor lab {unit.number} --update carries your answers into the new release of {unit.name} "
            "and keeps the old file.",
        ]
    click.echo("\n  ".join(told), err=True, nl=bool(told))
