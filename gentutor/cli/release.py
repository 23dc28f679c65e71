"""`gentutor release`: its arguments."""

from pathlib import Path

import click

from gentutor import units


@click.command()
@click.argument("named", nargs=-1, metavar="[UNIT]...")
@click.option("--all", "everything", is_flag=True, help="Every unit that has a lab.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write into this folder. Default: build/release in the clone.",
)
def release(named: tuple[str, ...], everything: bool, out: Path | None) -> None:
    """Make what students get: a zip of labs, lectures and the package.

    It holds no solutions, hidden tests, planted answers or tests, and is also written as a folder. Name every
    unit that students should have by now: a later release is unpacked over an earlier one.

    \b
    Examples:
      gentutor release 01        build/release/gentutor-01.zip
      gentutor release 01 03     both labs, both lectures
      gentutor release --all --out ~/handout
    """
    from gentutor.release import CannotRelease
    from gentutor.release import release as build

    if everything == bool(named):
        raise click.UsageError("Name the UNITs, such as 01 03, or say --all.")
    root = units.course_root()
    if root is None:
        raise click.ClickException("This is no clone of the course, and only a clone has what is released.")
    try:
        found = {units.find(name) for name in named} if named else units.units()
        chosen = sorted(found, key=lambda unit: unit.number)
        made = build(root, chosen, out or root / "build" / "release")
    except (units.UnknownUnit, CannotRelease, OSError) as error:
        raise click.ClickException(str(error)) from error
    size = made.archive.stat().st_size / 1e6
    click.echo(f"{made.archive}: {made.files} files, {size:.1f} MB")
    click.echo(f"{made.folder}: the same, unpacked")
