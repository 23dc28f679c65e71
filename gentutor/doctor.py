"""What `gentutor doctor` looks at: can labs run here, and what is missing, what for, and how is it mended?"""

import os
import platform
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from gentutor import jupyter, units

CPU_BUILD = "--index-url https://download.pytorch.org/whl/cpu"
ENOUGH_DISK = 200e6  # bytes: the copies of the labs, their pictures, a checkpoint or two
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
WRAPPER = textwrap.TextWrapper(80, subsequent_indent=" " * 27, break_long_words=False, break_on_hyphens=False)


@dataclass(frozen=True)
class Check:
    """`look` tells what it found or raises what is wrong. Without what is `needed` no lab can run."""

    name: str
    look: Callable[[], str]
    needed: bool
    purpose: str
    mend: str


@dataclass(frozen=True)
class Row:
    """The outcome of a check. As a string it is what the terminal shows, at most 80 columns wide."""

    check: Check
    found: str
    state: Literal["ok", "optional", "NEEDED"]

    def __str__(self) -> str:
        rows = [f"{self.state:10}{self.check.name:15}{self.found}"]
        if self.state != "ok":
            rows += [f"{'':25}for: {self.check.purpose}", f"{'':25}mend: {self.check.mend}"]
        return "\n".join(WRAPPER.fill(row) for row in rows)


class Missing(Exception):
    """What a check looks for is not there."""


def examine(checks: Iterable[Check] | None = None) -> Iterator[Row]:
    """The outcome of each check (default: of `all_checks()`), as it comes: some take seconds."""
    for check in all_checks() if checks is None else checks:
        try:
            yield Row(check, check.look(), "ok")
        except Exception as error:  # whatever it is, it is what keeps labs from running
            found = " ".join(str(error).split()) or type(error).__name__
            yield Row(check, found, "NEEDED" if check.needed else "optional")


def all_checks() -> list[Check]:
    """Every check, in the order in which they are shown."""
    needed, optional = True, False
    pip = "python -m pip install"
    pair = f"{pip} --force-reinstall torch torchvision; without a GPU, add {CPU_BUILD}"
    fetch = 'python -c "import gentutor.data; gentutor.data.load({!r})" fetches it'.format
    rows: list[tuple[str, Callable[[], str], bool, str, str]] = [
        ("Python", _python, needed, "everything", "install Python 3.11 or newer"),
        ("torch", _torch, needed, "all models", pair),
        ("device", _device, needed, "training", "mend torch"),
        ("digits", _digits, needed, "the data of all labs", "install gentutor anew, as the README says"),
        ("mnist", partial(_images, "mnist"), optional, "labs on a larger scale", fetch("mnist")),
        (
            "fashion-mnist",
            partial(_images, "fashion-mnist"),
            optional,
            "labs on a larger scale",
            fetch("fashion-mnist"),
        ),
        ("labs", _labs, needed, "the exercises", "git pull in a clone, else install gentutor anew"),
        (
            "work folder",
            _work,
            needed,
            "your copies of the labs",
            "free disk space, or gentutor lab --folder PATH",
        ),
        ("JupyterLab", partial(version, "jupyterlab"), needed, "opening labs", f"{pip} jupyterlab"),
        ("kernel", _kernel, needed, "running labs", f"{pip} --force-reinstall ipykernel jupyter_client"),
        ("ipywidgets", partial(version, "ipywidgets"), optional, "sliders", f"{pip} ipywidgets"),
        ("Notebook", partial(version, "notebook"), optional, "gentutor lab --notebook", f"{pip} notebook"),
        (
            "nbgrader",
            partial(version, "nbgrader"),
            optional,
            "the Validate button; grading",
            f"{pip} nbgrader",
        ),
        (
            "browser",
            _browser,
            optional,
            "opening labs by itself",
            "open the address that gentutor lab prints",
        ),
        ("chromium", chromium, optional, "the browser tests", "as it says"),
    ]
    if sys.platform == "linux":
        mend = "sudo apt install bubblewrap, or the like"
        rows.append(("bubblewrap", _bubblewrap, optional, "grading answers in a sandbox", mend))
    return [Check(*row) for row in rows]


def _python() -> str:
    return f"{platform.python_version()} at {sys.executable}"


def _torch() -> str:
    import torch
    import torchvision  # type: ignore[import-untyped]

    # One call of torchvision's compiled code: with a torch that it was not built for, that is what fails.
    torchvision.ops.nms(torch.tensor([[0.0, 0.0, 1.0, 1.0]]), torch.ones(1), 0.5)
    return f"{torch.__version__} with torchvision {torchvision.__version__}"


def _device() -> str:
    import torch

    from gentutor import train

    if train.device().type == "cuda":
        return f"CUDA, {torch.cuda.get_device_name()}"
    return f"CPU, {torch.get_num_threads()} threads"


def _digits() -> str:
    from gentutor import data

    return f"{len(data.load('digits', 'all').x)} images, part of gentutor"


def _images(name: str) -> str:
    from gentutor import data

    if not data.available(name):
        raise Missing("not on this machine yet")
    return "on this machine"


def _labs() -> str:
    names = [unit.name for unit in units.units()]
    if not names:
        raise Missing(f"none in {units.labs_folder()}")
    return ", ".join(names)


def _work() -> str:
    folder = units.course_root() or Path.cwd()
    free = shutil.disk_usage(folder).free
    if not os.access(folder, os.W_OK):
        raise Missing(f"{folder} cannot be written to")
    if free < ENOUGH_DISK:
        raise Missing(f"only {free / 1e6:.0f} MB free in {folder}")
    return f"{folder / 'work'}, {free / 1e9:.0f} GB free"


def _kernel() -> str:
    """Ask a real kernel, started as labs start theirs, which Python it runs in."""
    asked = subprocess.run(
        [sys.executable, "-P", "-m", "jupyter_client.runapp", "--kernel=python3"],
        input="import sys, gentutor; print(sys.prefix)",
        env=jupyter.environment(),
        cwd=sys.prefix,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if asked.returncode:
        raise Missing(asked.stderr.strip().rpartition("\n")[2])
    if Path(asked.stdout.strip()) != Path(sys.prefix):
        raise Missing(f"python3 is that of {asked.stdout.strip()}, expected {sys.prefix}")
    return "python3 starts and answers"


def _browser() -> str:
    name = jupyter.default_browser()
    if name is None:
        raise Missing("none on this display")
    return name


def chromium() -> str:
    """The path of the browser for tests: `$CHROMIUM`, else the first known name found. Raises Missing."""
    names = filter(None, (os.environ.get("CHROMIUM"), *CHROMIUM))
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        raise Missing("none found: sudo apt install chromium, or set $CHROMIUM to its path or Chrome's")
    return path


def _bubblewrap() -> str:
    path = shutil.which("bwrap")
    if path is None:
        raise Missing("not found")
    tried = subprocess.run([path, "--ro-bind", "/", "/", "true"], capture_output=True, text=True, timeout=10)
    if tried.returncode:
        raise Missing(f"cannot make a sandbox here: {tried.stderr.strip()}")
    return path
