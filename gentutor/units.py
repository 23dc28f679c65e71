"""The units of the course, found by the folder names of the released labs: `labs/NN_slug/NN_slug.ipynb`."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
NAME = re.compile(r"(\d\d)_([a-z0-9_]+)")


class UnknownUnit(ValueError):
    """No unit has the name that was asked for."""


@dataclass(frozen=True)
class Unit:
    """One unit of the course: `number` "01", `slug` "pca", and the notebook of its released lab."""

    number: str
    slug: str
    lab: Path

    @property
    def name(self) -> str:
        """Number and slug, "01_pca": the name of the unit's folders and notebooks."""
        return f"{self.number}_{self.slug}"


def course_root() -> Path | None:
    """The clone that this package runs from, or None where it was installed without one."""
    root = PACKAGE.parent
    return root if (root / "labs").is_dir() and (root / "course").is_dir() else None


def labs_folder() -> Path:
    """Where the released labs lie: `labs` in a clone, inside the package where it came as a wheel."""
    return (course_root() or PACKAGE) / "labs"


def units(folder: Path | None = None) -> list[Unit]:
    """The units that have a released lab in `folder` (default: `labs_folder()`), by number."""
    found = []
    for lab in sorted((folder or labs_folder()).glob("*/*.ipynb")):
        name = NAME.fullmatch(lab.stem)
        if name and lab.stem == lab.parent.name:
            found.append(Unit(name[1], name[2], lab))
    return found


def find(name: str, folder: Path | None = None) -> Unit:
    """The unit called `name`: "01", "1", "pca" or "01_pca". Raises UnknownUnit, which lists them all."""
    there = units(folder)
    spellings = {
        spelling: unit
        for unit in there
        for spelling in (unit.number, unit.number.lstrip("0"), unit.slug, unit.name)
    }
    asked = name.strip().lower().replace("-", "_")
    if asked in spellings:
        return spellings[asked]
    near = get_close_matches(asked, spellings, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    listed = ", ".join(unit.name for unit in there) or "none yet"
    raise UnknownUnit(f"There is no unit {name!r}.{hint} The units: {listed}.")
