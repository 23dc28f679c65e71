"""A browser, the folder of a student's clone, and Jupyter started in it as `gentutor lab` starts it.

The fixtures live as long as a module: while Playwright runs, no other event loop can run in this process.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from planting import submission
from playwright.sync_api import Browser, sync_playwright

from gentutor import cli, doctor, jupyter, units

from .jupyter_page import JupyterPage, Trouble

ROOT = Path(__file__).parents[2]
BENIGN = (
    # Notebook 7 loads settings twice at once (github.com/jupyter/notebook/issues/7862), and loses nothing
    "Cannot read properties of undefined (reading 'schema')",
    # A saved notebook names widgets that its new kernel does not have; a still stands in front of each
    "widget model not found",
)
FLAGS = (
    "--no-sandbox",  # Chromium's own, which root cannot have
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Server:
    """A running Jupyter."""

    app: str
    base: str
    token: str
    workspaces: Path  # where it keeps what was open, to open it again next time


def chromium() -> str:
    """The path of the browser. Without one the test that asks is skipped; with CI=true it fails."""
    try:
        return doctor.chromium()
    except doctor.Missing as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"browser: {error}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A clone's folders, with the student's untouched copies in work/ and solved ones in solved/."""
    clone = tmp_path_factory.mktemp("clone")
    shutil.copy(ROOT / "nbgrader_config.py", clone)
    for folder in ("course", "labs"):
        shutil.copytree(ROOT / folder, clone / folder, ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    cli.main(["lab", "--no-open", "--folder", str(clone)], standalone_mode=False)
    for unit in units.units():
        solved = clone / "solved" / unit.name / f"{unit.name}.ipynb"
        solved.parent.mkdir(parents=True)
        nbformat.write(submission(unit.lab, ROOT / "solutions" / unit.name / solved.name, {}), solved)
    return clone


@pytest.fixture(scope="module", params=["lab", "notebook"])
def server(request, clone, tmp_path_factory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp(request.param)
    folders = (
        "JUPYTER_CONFIG",
        "JUPYTER_DATA",
        "JUPYTER_RUNTIME",
        "JUPYTERLAB_SETTINGS",
        "JUPYTERLAB_WORKSPACES",
    )
    env = (
        os.environ
        | {f"{name}_DIR": str(home / name) for name in folders}
        | {"IPYTHONDIR": str(home / "ipython")}
    )
    line = jupyter.command(
        clone,
        clone / "course" / "index.ipynb",
        notebook=request.param == "notebook",
        extra=[
            "--port=0",  # any that is free
            "--ServerApp.ip=127.0.0.1",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
        ],
    )
    with (home / "log").open("wb") as log, jupyter.started(line, clone, env=env, output=log) as process:
        about = home / "JUPYTER_RUNTIME" / f"jpserver-{process.pid}.json"
        deadline = time.monotonic() + 60
        while not about.exists():
            assert process.poll() is None, (home / "log").read_text()
            assert time.monotonic() < deadline, (home / "log").read_text()
            time.sleep(0.1)
        info = json.loads(about.read_text())
        base = f"http://127.0.0.1:{info['port']}"
        yield Server(request.param, base, info["token"], home / "JUPYTERLAB_WORKSPACES")


@pytest.fixture
def notebook(server, browser) -> Iterator[JupyterPage]:
    """A page of a new user. After the test it must have had no trouble, and must ask no question."""
    shutil.rmtree(server.workspaces, ignore_errors=True)
    with browser.new_context(viewport={"width": 1280, "height": 900}, reduced_motion="reduce") as context:
        trouble = Trouble()
        trouble.watch(context, server.base)
        notebook = JupyterPage(context.new_page(), server.app, server.base, server.token)
        yield notebook
        trouble.seen += [f"question: {text}" for text in notebook.questions()]
        seen = [what for what in trouble.seen if not any(known in what for known in BENIGN)]
        notebook.shut_down_kernels()  # which a page that still talks to one calls an error
    assert seen == []
