"""Timing in turns, and the record of what was found."""

import platform
import time
from collections.abc import Callable, Sequence
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


def write_record(
    name: str,
    rounds: int,
    medians: dict[str, float],
    shares: Sequence[tuple[str, float]] = (),
    of: str = "an_epoch",
) -> None:
    """benchmarks/NAME.toml: the median seconds of what was timed, and where the time of ours goes."""
    lines = [
        f"# What benchmarks/{name}.py found; written by it.",
        f'machine = "{platform.machine()}, 1 thread, torch {torch.__version__}"',
        f"rounds = {rounds}",
        "",
        f"[median_cpu_seconds_of_{of}]",
        *(f'"{key}" = {value:.2f}' for key, value in medians.items()),
    ]
    if shares:
        lines += ["", "[share_of_our_time]", *(f'"{key}" = {value:.2f}' for key, value in shares)]
    (Path(__file__).parent / f"{name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
