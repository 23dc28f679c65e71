"""How Jupyter is started, with one real start of JupyterLab on the loopback."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest
from nbformat import v4

from gentutor import jupyter

NO_DESKTOP = {"DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "SSH_TTY", "BROWSER", "TERM"}
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="displays are of X and Wayland")
posix = pytest.mark.skipif(os.name != "posix", reason="SIGTERM is POSIX's")


def test_the_command_line_runs_this_python_in_the_root_and_shows_the_file(tmp_path):
    line = jupyter.command(tmp_path, tmp_path / "a b" / "é.ipynb", extra=["--port=1"])
    assert line[:4] == [sys.executable, "-P", "-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={tmp_path}" in line
    assert "--LabApp.default_url=/lab/tree/a%20b/%C3%A9.ipynb" in line
    assert "--no-browser" in line
    assert line[-1] == "--port=1"
    assert "--no-browser" not in jupyter.command(tmp_path, tmp_path / "x.ipynb", browser=True)


def test_notebook_7_in_place_of_jupyterlab(tmp_path):
    line = jupyter.command(tmp_path, tmp_path / "x.ipynb", notebook=True)
    assert line[3] == "notebook"
    assert "--JupyterNotebookApp.default_url=/notebooks/x.ipynb" in line


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no root on this system")
@pytest.mark.parametrize("uid", [0, 1000])
def test_only_root_allows_root(tmp_path, monkeypatch, uid):
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    assert ("--allow-root" in jupyter.command(tmp_path, tmp_path / "x.ipynb")) == (uid == 0)


def test_a_system_without_users_ids_starts_too(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "geteuid", raising=False)
    assert "--allow-root" not in jupyter.command(tmp_path, tmp_path / "x.ipynb")


def test_a_file_outside_the_root_is_refused(tmp_path):
    with pytest.raises(ValueError, match="outside"):
        jupyter.command(tmp_path / "a", tmp_path / "a" / ".." / "b.ipynb")


def test_a_file_behind_a_link_in_the_root_is_served(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root").mkdir()
    try:
        (tmp_path / "root" / "work").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    except OSError:
        pytest.skip("this user may not make symbolic links")
    line = jupyter.command(tmp_path / "root", tmp_path / "root" / "work" / "x.ipynb")
    assert "--LabApp.default_url=/lab/tree/work/x.ipynb" in line


@on_linux
@pytest.mark.parametrize(
    ("desktop", "browser"),
    [
        ({}, None),
        ({"BROWSER": "firefox"}, None),  # no display
        ({"DISPLAY": ":0", "BROWSER": "firefox"}, "firefox"),
        ({"WAYLAND_DISPLAY": "wayland-0", "BROWSER": "firefox"}, "firefox"),
        ({"DISPLAY": ":0", "BROWSER": "firefox", "SSH_CONNECTION": "1 2 3 4"}, None),
        ({"DISPLAY": ":0", "BROWSER": "firefox", "SSH_TTY": "/dev/pts/0"}, None),
        ({"DISPLAY": ":0", "BROWSER": "lynx", "TERM": "xterm"}, None),  # it would take over the terminal
        ({"DISPLAY": ":0", "BROWSER": "/usr/bin/w3m %s", "TERM": "xterm"}, None),
    ],
)
def test_a_browser_is_opened_only_where_it_can_be_seen(desktop, browser):
    env = {name: value for name, value in os.environ.items() if name not in NO_DESKTOP} | desktop
    code = "from gentutor import jupyter; print(jupyter.default_browser())"
    said = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == str(browser)


def test_this_pythons_kernels_come_before_the_users():
    own = str(Path(sys.prefix, "share", "jupyter"))
    assert jupyter.environment({"JUPYTER_PATH": "theirs", "A": "b"}) == {
        "JUPYTER_PATH": os.pathsep.join([own, "theirs"]),
        "OMP_WAIT_POLICY": "PASSIVE",
        "A": "b",
    }
    assert jupyter.environment({})["JUPYTER_PATH"] == own


RUN = "import sys; from pathlib import Path; from gentutor import jupyter; "


def test_run_gives_the_exit_status(tmp_path):
    line = RUN + "sys.exit(jupyter.run([sys.executable, '-c', 'raise SystemExit(3)'], Path.cwd()))"
    assert subprocess.run([sys.executable, "-c", line], cwd=tmp_path).returncode == 3


@posix
def test_ctrl_c_is_left_to_jupyter_and_a_sigterm_ends_it_too(tmp_path):
    child = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    line = RUN + f"jupyter.run([sys.executable, '-c', {child!r}], Path.cwd())"
    parent = subprocess.Popen([sys.executable, "-c", line], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            parent.wait(0.5)
        parent.terminate()
        assert parent.wait(15) == 128 + signal.SIGTERM
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    finally:
        parent.kill()
        parent.wait()
        parent.stdout.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_jupyterlab_starts_serves_the_file_and_asks_nothing_of_the_outside(tmp_path):
    nbformat.write(v4.new_notebook(), tmp_path / "index.ipynb")
    port = free_port()
    base, token = f"http://127.0.0.1:{port}", "token=t0"
    extra = [
        f"--port={port}",
        "--ServerApp.port_retries=0",
        "--ServerApp.ip=127.0.0.1",
        "--IdentityProvider.token=t0",
    ]
    env = os.environ | {
        f"JUPYTER_{kind}_DIR": str(tmp_path / "home" / kind) for kind in ("CONFIG", "DATA", "RUNTIME")
    }

    def get(path: str) -> str:
        with urlopen(f"{base}{path}?{token}", timeout=5) as answer:
            text: str = answer.read().decode()
            return text

    line = jupyter.command(tmp_path, tmp_path / "index.ipynb", extra=extra)
    with (
        (tmp_path / "log").open("wb") as log,
        jupyter.started(line, tmp_path, env=env, output=log) as process,
    ):
        for _ in range(300):
            try:
                status = json.loads(get("/api/status"))
                break
            except URLError:
                assert process.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.1)
        assert status["kernels"] == 0
        settings = json.loads(get("/lab/api/settings/@jupyterlab/apputils-extension:notification"))
        defaults = {name: each.get("default") for name, each in settings["schema"]["properties"].items()}
        assert defaults["fetchNews"] == "false"  # "none" would ask on the first start
        assert defaults["checkForUpdates"] is False
        assert json.loads(get("/lab/api/news")) == {"news": []}
        assert json.loads(get("/lab/api/update")) == {"notification": None}
        page = get("/lab/tree/index.ipynb")
        assert '"name": "read-only"' in page
        assert json.loads(get("/api/contents/index.ipynb"))["type"] == "notebook"
        shown = (tmp_path / "log").read_text()
    assert f"{base}/lab/tree/index.ipynb?token=" in shown  # the address that is printed leads to the file
    assert process.returncode is not None
    with pytest.raises(URLError):
        get("/api/status")
