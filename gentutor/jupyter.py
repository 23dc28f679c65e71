"""How Jupyter is started: its command line, its environment, and the browser that would open.

`gentutor lab` and the browser tests start Jupyter through this module: what is tested is what users run.
"""

import json
import os
import signal
import subprocess
import sys
import webbrowser
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO
from urllib.parse import quote

# Nothing is asked of any address but the local one: the server fetches no news, looks for no newer JupyterLab
# and lists no extensions of PyPI, whatever the page asks of it.
QUIET = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)
# Widgets answer 40 ms sooner.
PROMPT = "--ServerApp.kernel_websocket_connection_class=gentutor.kernel_socket.PromptConnection"
# The page's own defaults: without them its first start asks whether to fetch news, for all that QUIET says.
# What students have set for themselves still wins.
PAGE_DEFAULTS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}
}
TEXT_BROWSERS = frozenset({"www-browser", "links", "links2", "elinks", "lynx", "w3m"})


def command(
    root: Path, file: Path, *, notebook: bool = False, browser: bool = False, extra: Sequence[str] = ()
) -> list[str]:
    """The command line that starts JupyterLab, or Notebook 7, with `root` as its root folder, to show `file`.

    With `browser` Jupyter opens the file in the default web browser. It prints the file's address either way.
    `extra` goes to Jupyter as it is. Raises ValueError where `file` is outside `root`, and so not served.
    """
    root, file = (Path(os.path.abspath(path)) for path in (root, file))  # links stay: work/ may be one
    if not file.is_relative_to(root):
        raise ValueError(
            f"{file} is outside {root}, the folder that Jupyter serves; expected a file inside it"
        )
    page = quote(file.relative_to(root).as_posix())
    return [
        sys.executable,
        "-P",  # a student's file in the current folder (random.py) must not hide a library's
        "-m",
        "notebook" if notebook else "jupyterlab",
        f"--ServerApp.root_dir={root}",
        f"--JupyterNotebookApp.default_url=/notebooks/{page}"
        if notebook
        else f"--LabApp.default_url=/lab/tree/{page}",
        *QUIET,
        PROMPT,
        *([] if browser else ["--no-browser"]),
        *(["--allow-root"] if _is_root() else []),
        *extra,
    ]


@contextmanager
def started(
    command_line: Sequence[str],
    root: Path,
    *,
    env: Mapping[str, str] | None = None,
    output: IO[bytes] | None = None,
) -> Iterator["subprocess.Popen[bytes]"]:
    """Jupyter running in the folder `root`, ended on the way out if it has not ended by then.

    It runs in `environment(env)`; what it prints goes to `output`, by default to the terminal.
    """
    with TemporaryDirectory(prefix="gentutor-", ignore_cleanup_errors=True) as folder:
        defaults = Path(folder, "labconfig", "default_setting_overrides.json")
        defaults.parent.mkdir()
        defaults.write_text(json.dumps(PAGE_DEFAULTS), encoding="utf-8")
        own = _with_first(environment(env), "JUPYTER_CONFIG_PATH", folder)
        with subprocess.Popen(command_line, cwd=root, env=own, stdout=output, stderr=output) as process:
            try:
                yield process
            finally:
                process.terminate()  # does nothing to a process that has ended
                try:
                    process.wait(15)
                except subprocess.TimeoutExpired:
                    process.kill()


def environment(env: Mapping[str, str] | None = None) -> dict[str, str]:
    """`env` (default: this process's own) with the kernels of this very Python ahead of all others.

    Another Python's "python3" kernel, from $JUPYTER_PATH or the user's own folder, would otherwise run the
    notebooks, or nbgrader's Validate button, where `gentutor` may not be installed.

    Threads of a kernel sleep while they wait for each other. On a machine that is busy with other things,
    600 steps of lab 01 took 22 to 53 s with threads that spin, OpenMP's default, and 3 to 4 s with these.
    """
    own = str(Path(sys.prefix, "share", "jupyter"))
    given = os.environ if env is None else env
    return {"OMP_WAIT_POLICY": "PASSIVE"} | _with_first(given, "JUPYTER_PATH", own)


def run(command_line: Sequence[str], root: Path) -> int:
    """Run Jupyter until it ends; returns its exit status.

    Ctrl-C is Jupyter's, which asks whether to stop; a SIGTERM to this process ends Jupyter too.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with started(command_line, root) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue


def default_browser() -> str | None:
    """The name of the web browser that would open here, or None.

    None over ssh, on a Unix system without a display, and where the browser would take over the terminal
    (lynx), in which Jupyter prints the address.
    """
    if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
        return None
    has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform not in ("win32", "darwin") and not has_display:
        return None
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return None
    name = str(getattr(browser, "name", "default"))
    return None if Path(name).name in TEXT_BROWSERS else name


def _with_first(env: Mapping[str, str], variable: str, path: str) -> dict[str, str]:
    return dict(env) | {variable: os.pathsep.join(filter(None, [path, env.get(variable)]))}


def _is_root() -> bool:
    """Whether the user is root, who has to tell Jupyter that this is meant. Windows has no such user."""
    return hasattr(os, "geteuid") and os.geteuid() == 0
