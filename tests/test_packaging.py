"""What is installed, how, and from where: pins, the conda environment, and the wheel outside a clone."""

import ast
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from importlib.metadata import distributions, requires
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PINS = {
    canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
    for pin in map(Requirement, (ROOT / "constraints.txt").read_text(encoding="utf-8").split())
}
INSTALLERS = {"gentutor", "pip", "wheel"}  # this package, and what a new environment begins with


def unmet(requirements: list[str]) -> list[str]:
    """The requirements that no pin meets; those for another platform count too."""
    read = [Requirement(text) for text in requirements]
    return [
        str(r)
        for r in read
        if canonicalize_name(r.name) not in PINS
        or not r.specifier.contains(PINS[canonicalize_name(r.name)], prereleases=True)
    ]


def test_every_pin_is_one_exact_version():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==\d[\w.]*", line)] == []
    assert len(PINS) == len(lines)


def test_the_pins_meet_every_requirement_of_the_project():
    extras = PROJECT["optional-dependencies"]
    assert unmet(PROJECT["dependencies"] + [r for extra in extras.values() for r in extra]) == []


def test_the_pin_of_torch_is_the_one_that_torchvision_was_built_for():
    built_for = [r for r in requires("torchvision") or [] if Requirement(r).name == "torch"]
    assert len(built_for) == 1
    assert unmet(built_for) == []


def test_what_is_installed_is_what_is_pinned():
    site = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}  # not what setuptools carries along
    installed = {canonicalize_name(d.name): d.version for d in distributions(path=list(site))}
    if sys.platform != "linux":  # on which the pins are made: what only other systems need has none
        installed = {name: version for name, version in installed.items() if name in PINS}
    other = {
        name: version
        for name, version in installed.items()
        if name not in INSTALLERS and not SpecifierSet(f"=={PINS.get(name, '0')}").contains(version)
    }
    assert other == {}, "the tests run in the environment that `make test` sets up"
    assert {"torch", "torchvision", "jupyterlab", "nbgrader"} <= installed.keys()


def test_conda_takes_python_from_conda_and_the_rest_from_pip_under_the_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python, pip, by_pip = environment["dependencies"]
    assert pip == "pip"
    name, version = python.split("=")
    assert name == "python"
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)
    # conda runs pip in the file's own folder, so that both paths are those of the clone.
    assert by_pip == {"pip": ["--constraint constraints.txt", "--editable ."]}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """A wheel of the tree as git sees it, built in a copy."""
    folder = tmp_path_factory.mktemp("wheel")
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for file in filter(None, listed.split("\0")):
        if (ROOT / file).exists():
            (folder / "tree" / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, folder / "tree" / file)
    pip("wheel", "--no-build-isolation", "--wheel-dir", str(folder), str(folder / "tree"))
    (built,) = folder.glob("*.whl")
    return built


def pip(command: str, *arguments: str) -> None:
    line = [sys.executable, "-m", "pip", command, "--no-deps", "--no-index", "--quiet", *arguments]
    run = subprocess.run(line, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_wheel_carries_the_labs_and_the_digits_and_no_solutions(wheel):
    labs = {f"gentutor/{path.relative_to(ROOT).as_posix()}" for path in (ROOT / "labs").glob("*/*.ipynb")}
    assert len(labs) >= 1
    with ZipFile(wheel) as archive:
        names = archive.namelist()
        assert {name for name in names if name.endswith(".ipynb")} == labs
        assert not any(b"BEGIN SOLUTION" in archive.read(lab) for lab in labs)
    assert "gentutor/data/digits.npz" in names
    assets = {path.relative_to(ROOT).as_posix() for path in (ROOT / "gentutor" / "widgets").glob("*.[jc]s*")}
    assert len(assets) >= 4
    assert assets <= set(names)
    assert [name for name in names if not name.startswith(("gentutor/", "gentutor-"))] == []


def test_outside_a_clone_the_command_takes_the_wheels_labs(wheel, tmp_path):
    site, here = tmp_path / "site", tmp_path / "here"
    here.mkdir()
    pip("install", "--target", str(site), str(wheel))
    command = shutil.which("gentutor", path=str(site / "bin"))
    assert command is not None

    env = os.environ | {"PYTHONPATH": str(site)}  # which comes before the editable install
    run = subprocess.run(
        [command, "lab", "01", "--no-open"], cwd=here, env=env, capture_output=True, text=True, timeout=60
    )

    assert run.returncode == 0, run.stderr
    copy = here / "work" / "01_pca" / "01_pca.ipynb"
    assert run.stdout == f"{copy}\n"
    assert '"id": "check-fit"' in copy.read_text(encoding="utf-8")
    code = "import gentutor; from gentutor import data; print(gentutor.__file__, len(data.load('digits')))"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=here, env=env, capture_output=True, text=True, check=True
    )
    assert said.stdout == f"{site / 'gentutor' / '__init__.py'} 1415\n"


UNIX_ONLY_MODULES = {"curses", "fcntl", "grp", "posix", "pty", "pwd", "readline", "resource", "termios"}
UNIX_ONLY_NAMES = {"AF_UNIX", "SIGKILL", "fork", "getuid", "killpg", "mkfifo", "setsid"}


# A class is graded where there is bubblewrap; `gentutor grade` says so elsewhere.
FOR_STUDENTS = sorted(
    path for path in (ROOT / "gentutor").rglob("*.py") if path.relative_to(ROOT).parts[1] != "grading"
)


@pytest.mark.parametrize("path", FOR_STUDENTS, ids=lambda path: path.name)
def test_no_module_needs_unix(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert imported & UNIX_ONLY_MODULES == set()
    assert called & UNIX_ONLY_NAMES == set()
