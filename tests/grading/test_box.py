"""The sandbox under attack, by root and by a user: `box_battery.py` attacks, here is what must come of it.

Each attack that does no harm runs without the sandbox too, and must succeed there.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import gentutor
from gentutor.grading import box

PACKAGE = Path(gentutor.__file__).parent
BATTERY = Path(__file__).with_name("box_battery.py")
BARE = ["setpriv", "--bounding-set", "-sys_admin"]
AS_NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
KB, MB = 1 << 10, 1 << 20
SCRATCH = [{"/box", "/dev/shm", "/tmp"}]  # all that can be written to
if sys.prefix.startswith("/tmp/"):  # then /tmp is not covered, and is the system's, to be read only
    SCRATCH.append({"/box", "/dev/shm"})


@pytest.fixture(scope="module")
def world():
    """A clone of the course with secrets, below a folder that the policy makes readable, and a gradebook."""
    if problem := box.why_not(box.Policy()):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(problem)
    folder = Path(tempfile.mkdtemp(prefix="box-", dir="/var/tmp"))  # not /tmp, which is covered
    folder.chmod(0o777)
    clone = folder / "seen/clone"
    for file in [PACKAGE / "__init__.py", PACKAGE / "grading/__init__.py", PACKAGE / "grading/records.py"]:
        (clone / file.relative_to(PACKAGE.parent)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, clone / file.relative_to(PACKAGE.parent))
    shutil.copytree(PACKAGE / "grading/box", clone / "gentutor/grading/box")
    (folder / "seen/site-packages").mkdir()
    shutil.copy(BATTERY, folder / "seen/site-packages")
    for secret in (
        "solutions/01.ipynb",
        "tests/hidden.py",
        "build/gradebook.db",
        ".git/config",
        "pyproject.toml",
    ):
        (clone / secret).parent.mkdir(exist_ok=True)
        (clone / secret).write_text("secret")
    (clone / ".venv/lib").mkdir(parents=True)
    (clone / ".venv/lib/library.py").write_text("needed")
    (folder / "gradebook.db").write_text("marks")
    (folder / "home").mkdir()
    (folder / "home/private").write_text("secret")
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    yield folder
    shutil.rmtree(folder)


def command(who):
    """How to run Python as root, as the root of a container that may not make namespaces, or as a user."""
    if os.geteuid() == 0:
        return [sys.executable] if who == "root" else [*(AS_NOBODY if who == "user" else BARE), for_all()]
    if who == "user":
        return [sys.executable]
    sudo = shutil.which("sudo")
    if sudo is None or subprocess.run([sudo, "-n", "true"], capture_output=True).returncode != 0:
        pytest.skip("only root can run what root runs")
    return [sudo, "-n", *(BARE if who == "bare root" else []), sys.executable]


def for_all():
    """A Python that every user may run."""
    for python in (sys.executable, "/usr/bin/python3", "/usr/local/bin/python3"):
        asked = [*AS_NOBODY, "env", python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        if subprocess.run(asked, capture_output=True).returncode == 0:
            return python
    return pytest.fail("no Python that another user may run")


def program(who, folder, *arguments):
    path = f"{folder}/seen/clone:{folder}/seen/site-packages"
    battery = f"{folder}/seen/site-packages/box_battery.py"
    python = command(who)
    return [
        *python[:-1],
        "env",
        f"PYTHONPATH={path}",
        f"HOME={folder}/home",
        "SECRET=xyzzy-of-the-grader",
        python[-1],
        battery,
        folder,
        *arguments,
    ]


@pytest.fixture(scope="module", params=["root", "bare root", "user"])
def fought(request, world):
    """What the attacks in the sandbox have come to."""
    ran = subprocess.run(
        program(request.param, world, "sandbox"), capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    results = json.loads(ran.stdout)
    assert (results["uid"] == 0) == (request.param != "user")
    return results


@pytest.fixture(scope="module")
def plain(world):
    """What they come to without it."""
    ran = subprocess.run([*program("user", world, "plain")], capture_output=True, text=True, timeout=120)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_ordinary_work_goes_on_in_the_sandbox(fought):
    for when in ("harmless_python", "after"):
        assert fought[when]["reply"]["answer"] == "42"
        assert fought[when]["reply"]["library"] == "needed", "below a folder that is covered"
        assert fought[when]["reply"]["copied"], "what the warm process left in its home folder"
        assert fought[when]["why"] is None
    assert fought["harmless_python"]["reply"]["draw"] != fought["after"]["reply"]["draw"]


def test_no_network(fought, plain):
    reached = fought["harmless_network"]["reply"]
    assert reached == {"tcp": False, "unix": False, "abstract": False, "out": False, "interfaces": ["lo"]}
    assert all(plain["harmless_network"]["reply"][way] for way in ("tcp", "unix", "abstract"))


def test_nothing_of_the_grader_can_be_read(fought, plain):
    assert [path for path, read in fought["harmless_read"]["reply"].items() if read] == []
    assert {Path(path).name for path, read in plain["harmless_read"]["reply"].items() if read} >= {
        "solutions", "tests", "build", ".git", "gradebook.db", "private", "passwd", "sys",
    }  # fmt: skip


def test_environment_and_other_processes_are_out_of_sight(fought, plain):
    seen = fought["harmless_environment"]["reply"]
    assert seen == {"own": False, "others": False, "processes": 1}
    assert plain["harmless_environment"]["reply"]["others"], "the grader's environment, in /proc"
    assert not plain["harmless_environment"]["reply"]["own"], "not handed on, in any case"


def test_a_child_has_no_descriptor_but_its_channel(fought):
    nothing = dict.fromkeys("012", os.devnull)
    others = {name: to for name, to in fought["descriptors"]["reply"].items() if name not in nothing}
    assert fought["descriptors"]["reply"].items() >= nothing.items()
    assert list(others.values()) == ["socket"]


def test_only_the_own_small_folders_can_be_written_to(fought):
    assert set(fought["write_anywhere"]["reply"]) in SCRATCH


def test_no_right_can_be_had_back(fought):
    assert [name for name, refused in fought["rights"]["reply"].items() if not refused] == []


def test_other_children_and_the_warm_process_cannot_be_reached(fought):
    assert fought["kill_others"]["reply"] == {"reached": [], "traced": []}
    left = fought["traces"][0]
    assert left[-1] == "socket", "the first child sees what it left"
    assert set(left[:-1]) in SCRATCH
    assert fought["traces"][1] == [], "the second does not"


def test_processes_are_bounded(fought):
    assert fought["fork_bomb"]["why"] == "started more than 20 processes"
    assert fought["patient_fork_bomb"]["kill"] < 2


def test_many_processes_step_back_behind_those_of_others(fought, plain):
    for results in (fought, plain):
        before, after = results["crowd"]["reply"]
        assert after == before + 4  # nine weigh as four: 9 / 1.25 ** 4 < 4


@pytest.mark.parametrize("way", ["memory_of_many", "memory_shared", "memory_unreadable"])
def test_the_memory_of_all_processes_together_is_bounded(fought, way):
    assert fought[way]["reply"] == "Gone"
    assert fought[way]["why"] == "used more than 200 MB of memory"


def test_the_memory_of_one_process_is_bounded(fought, plain):
    for results in (fought, plain):
        assert results["allocate"]["reply"].startswith("MemoryError after 1"), (
            "of 200 MB, and one that is read"
        )


def test_memory_that_processes_share_counts_once(fought, plain):
    assert fought["memory_inherited"]["reply"] == plain["memory_inherited"]["reply"] == 120 * MB


def test_files_and_descriptors_are_bounded(fought):
    filled = fought["fill"]["reply"]
    assert 4 * MB < filled["bytes"] <= 8 * MB
    assert filled["files"] < 20_000
    assert 100 < fought["open_many"]["reply"] <= 256


def test_one_file_is_bounded(fought, plain):
    for results in (fought, plain):
        assert 4 * MB < results["fill_one"]["reply"] <= 8 * MB


def test_a_loop_that_ignores_signals_ends_with_the_deadline(fought, plain):
    for results in (fought, plain):
        assert results["ignore_signals"]["reply"] == "TimeUp"
        assert results["ignore_signals"]["kill"] < 2
        assert results["ignore_signals"]["cpu"] > 0.2


def test_a_daemon_left_behind_is_gone(fought, plain):
    for results in (fought, plain):
        assert results["leave_daemon"]["seen"] == 1
        assert results["leave_daemon"]["gone"]


def test_how_a_child_ended_is_told(fought, plain):
    for results in (fought, plain):
        assert results["leave"]["why"] == "ended its own process, with status 3"
        assert results["crash"]["why"] == "its process died of SIGSEGV"
        assert results["sleep"]["why"] == "ran longer than 1 seconds"
