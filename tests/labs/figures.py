"""docs/grading_figures.toml: what the grader's trials at length found, a table for each unit."""

import tomllib

import tomlkit
from planting import ROOT

FIGURES = ROOT / "docs" / "grading_figures.toml"


def record(unit: str, found: dict[str, float]) -> None:
    """Writes the figures into the unit's table; what other trials found stays."""
    kept = tomllib.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    kept[unit] = kept.get(unit, {}) | found
    FIGURES.write_text(tomlkit.dumps(dict(sorted(kept.items()))), encoding="utf-8")
