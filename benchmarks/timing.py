"""Timing in turns, and the record of what was found."""

import platform
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch

Epoch = Callable[[], object]


def interleaved(epochs: dict[str, Epoch], rounds: int) -> dict[str, list[float]]:
    """Seconds of CPU time of each epoch, `rounds` times in turns after a round to warm up.

    CPU time, not the clock's: other work on the machine then counts for little. With one thread and no
    waiting the two are the same on an idle machine.
    """
    times: dict[str, list[float]] = {name: [] for name in epochs}
    for turn in range(rounds + 1):
        for name, epoch in epochs.items():
            began = time.process_time()
            epoch()
            if turn:
                times[name].append(time.process_time() - began)
    return times


def write_record(name: str, rounds: int, tables: Mapping[str, Mapping[str, float]]) -> None:
    """benchmarks/NAME.toml: tables of what was found, by name."""
    lines = [
        f"# What benchmarks/{name}.py found; written by it.",
        f'machine = "{platform.machine()}, 1 thread, torch {torch.__version__}"',
        f"rounds = {rounds}",
    ]
    for title, table in tables.items():
        lines += ["", f"[{title}]", *(f'"{key}" = {value:.4g}' for key, value in table.items())]
    (Path(__file__).parent / f"{name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
