"""What students get: labs, their lectures and the package, and nothing that gives an answer away.

Outside the package only what is named here goes in, so that a file that nobody thought of stays behind. The
labs are compared with what `solutions/` releases today. The package goes out whole, the grader with it: marks
rest on the salt and on processes that students' code cannot reach, not on a text that would have to be
hidden, and one package for all is one package that is tested.
"""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from gentutor import links
from gentutor.units import Unit

TOP = "gentutor"  # the folder inside the archive: a later release is unpacked over it, and work/ stays
SETUP = (
    "pyproject.toml",
    "constraints.txt",
    "environment.yml",
    "Makefile",
    "tools/system-packages",
    "LICENSE",
)
PAGES = ("docs/students.md", "docs/derivations.md", "docs/settings.md", "docs/attribution.md")
BESIDE = ("course/index.ipynb", "course/lectures_checked.ipynb")  # lectures of no unit
README = """# gentutor

A course on deep generative models that you work through in JupyterLab. Here are:

{units}

On Linux or macOS, with Python 3.11 or newer and make, type in this folder:

```
make lab
```

It sets everything up and opens the course. [docs/students.md](docs/students.md) has the ways for Windows and
conda, and tells you about every day: what a check says, handing in, what to do with the next release.

The licence is MIT ([LICENSE](LICENSE)); [docs/attribution.md](docs/attribution.md) names those on whose work
the course stands.
"""


class CannotRelease(ValueError):
    """The release cannot be made as asked; the message says why, and what would mend it."""


@dataclass(frozen=True)
class Release:
    """Where a release was written: as an archive, and as the folder that it unpacks to."""

    archive: Path
    folder: Path
    files: int


def release(root: Path, units: Sequence[Unit], out: Path) -> Release:
    """Write the release of the units to `out`, as gentutor-01.zip and the folder gentutor-01.

    The same tree gives the same bytes. Nothing is removed: CannotRelease where the folder holds other files.

    Args:
        root: of the clone, which has `solutions/`.
        units: at least one; their numbers make the name, gentutor-01-03.zip for two.
    """
    files = contents(root, units)
    name = "-".join(["gentutor", *(unit.number for unit in units)])
    folder, archive = out / name, out / f"{name}.zip"
    others = sorted(_files(folder).keys() - files.keys())
    if others:
        raise CannotRelease(
            f"{folder} holds what is no part of this release, such as {others[0]}. "
            "Nothing is written: remove or rename that folder, or name another with --out."
        )
    if changed := drift(root, units):
        raise CannotRelease(
            f"labs/ is not what solutions/ releases today: {', '.join(changed)}. Run `make labs` first: it "
            "writes labs/ anew and removes what does not belong there."
        )
    for path, data in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    half = archive.with_suffix(".part")
    try:
        _pack(half, files)
        half.replace(archive)
    finally:
        half.unlink(missing_ok=True)
    return Release(archive, folder, len(files))


def drift(root: Path, units: Sequence[Unit]) -> list[str]:
    """Paths below `root` at which `labs/` is not what nbgrader makes of `solutions/` now, for these units."""
    for unit in units:
        if not (root / "solutions" / unit.name).is_dir():
            raise CannotRelease(
                f"There is no solutions/{unit.name} in {root}: releases are made in the instructors' clone."
            )
    with TemporaryDirectory(prefix="gentutor-release-") as folder:
        course = Path(folder)
        (course / "nbgrader_config.py").write_bytes((root / "nbgrader_config.py").read_bytes())
        for unit in units:
            for path, data in _files(root / "solutions" / unit.name).items():
                copy = course / "solutions" / unit.name / path
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(data)
        command = [sys.executable, "-P", "-m", "nbgrader", "generate_assignment", "--assignment=*"]
        run = subprocess.run(command, cwd=course, capture_output=True, text=True, check=False)
        if run.returncode:
            raise CannotRelease(f"nbgrader cannot release solutions/:\n{run.stderr.strip()}")
        changed = []
        for unit in units:
            own, fresh = (_files(place / "labs" / unit.name) for place in (root, course))
            changed += [
                f"labs/{unit.name}/{path}"
                for path in sorted({*own, *fresh})
                if not _same(path, own.get(path), fresh.get(path))
            ]
    return changed


def contents(root: Path, units: Sequence[Unit]) -> dict[str, bytes]:
    """The files of the release, by path: as they are, but no link in a text leads out of the release."""
    files = {path: (root / path).read_bytes() for path in (*SETUP, *PAGES, *BESIDE)}
    for unit in units:
        labs = _files(root / "labs" / unit.name)
        files |= {f"labs/{unit.name}/{path}": data for path, data in labs.items()}
        lab = f"labs/{unit.name}/{unit.name}.ipynb"
        lectures = {f"course/{unit.name}.ipynb", *links.targets(lab, files[lab])}
        files |= {
            path: (root / path).read_bytes()
            for path in lectures
            if path.startswith("course/") and (root / path).exists()
        }
    files |= {f"gentutor/{path}": data for path, data in _files(root / "gentutor").items()}
    listed = [
        f"- unit {unit.number}: [lecture](course/{unit.name}.ipynb), lab by `gentutor lab {unit.number}`"
        for unit in units
    ]
    files["README.md"] = README.format(units="\n".join(listed)).encode()
    # Labs stay byte for byte: it is by their text that a student's copy is known again.
    texts = [path for path in files if path.endswith(".md") or path.startswith("course/")]
    return files | {path: links.without_dead(path, files[path], files) for path in texts}


def _files(folder: Path) -> dict[str, bytes]:
    """Every file below the folder, by its path there; none that is hidden or compiled."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(p.startswith(".") or p == "__pycache__" for p in path.relative_to(folder).parts)
    }


def _same(path: str, one: bytes | None, other: bytes | None) -> bool:
    """Whether two files agree; notebooks do where they say the same, however they are spaced."""
    if one is None or other is None or not path.endswith(".ipynb"):
        return one == other
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def _pack(archive: Path, files: Mapping[str, bytes]) -> None:
    """Write the archive: sorted, and with one date for all, so that the same files give the same bytes."""
    with ZipFile(archive, "w", ZIP_DEFLATED) as packed:
        for path in sorted(files):
            member = ZipInfo(f"{TOP}/{path}", date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system, member.external_attr = 3, 0o644 << 16  # alike wherever it is made
            member.compress_type = ZIP_DEFLATED
            packed.writestr(member, files[path])
