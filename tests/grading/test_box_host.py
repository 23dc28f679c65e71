"""The grader's side of the sandbox: channels to whoever is there, refusals, and what survives what."""

import ast
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from gentutor.grading import box
from gentutor.grading.box import policy, watch
from gentutor.grading.records import Limits

MB = 1 << 20
INSIDE = """
import os, random, subprocess, sys, time

def prepare(payload):
    if payload == b"fail":
        raise ValueError("no such cell")
    if payload == b"slow":
        time.sleep(600)
    return b"prepared " + payload

def echo(channel):
    while True:
        channel.send(channel.receive())

def deaf(channel):
    time.sleep(600)

def half(channel):
    os.write(channel.fileno(), (100).to_bytes(8, "big") + b"half")
    time.sleep(600)

def enormous(channel):
    os.write(channel.fileno(), (1 << 40).to_bytes(8, "big"))
    time.sleep(600)

def prepare_torch(payload):
    import numpy.random, torch
    torch.nn.Linear(2, 1)(torch.ones(1, 2)).sum().backward()
    return b""

def learn(channel):
    import numpy, torch
    x = torch.ones(3, requires_grad=True)
    x.square().sum().backward()
    draws = [random.random(), numpy.random.random(), torch.rand(1).item()]
    channel.send(repr([x.grad.tolist(), *draws]).encode())

def see(channel):
    channel.send(repr(os.listdir(sys.prefix)).encode())

def leave(channel):
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", channel.receive().decode()],
                     start_new_session=True)
    channel.send(b"left")
    time.sleep(600)
"""
HOST = """
import sys, time
from gentutor.grading import box
with box.Box(box.Policy(sandbox=sys.argv[1] == "True"), "inside:prepare") as where:
    child = where.spawn("inside:leave")
    child.channel.send(sys.argv[2].encode())
    child.channel.receive()
    print("left", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def inside(tmp_path, monkeypatch):
    """A module `inside` that the processes of the box can import."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "inside.py").write_text(INSIDE)
    for path in (tmp_path, folder):
        path.chmod(0o755)
    monkeypatch.syspath_prepend(folder)
    return folder


@pytest.fixture(scope="module")
def works():
    """The sandbox works here."""
    if problem := box.why_not(box.Policy()):
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(problem)


@pytest.fixture(params=[True, False], ids=["sandbox", "plain"])
def sandbox(request):
    if request.param:
        request.getfixturevalue("works")
    return request.param


def soon(seconds=5.0):
    return time.monotonic() + seconds


def until(condition, seconds=5.0):
    end = soon(seconds)
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


def running(marker):
    """Processes with `marker` in their command line."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if marker.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
        except OSError:
            pass  # it ended meanwhile
    return found


@pytest.fixture
def pair():
    sockets = socket.socketpair()
    ends = [box.Channel(sock) for sock in sockets]
    yield (*ends, sockets[1])
    for end in ends:
        end.close()


def test_a_channel_hands_over_frames(pair):
    one, other, _ = pair
    bodies = [b"", b"a", os.urandom(3 * MB), b"last"]
    threading.Thread(target=lambda: [one.send(body) for body in bodies]).start()
    assert [other.receive(soon()) for _ in bodies] == bodies
    one.end()
    other.send(b"still heard")
    assert one.receive(soon()) == b"still heard"
    with pytest.raises(box.Gone):
        other.receive(soon())


def test_a_frame_that_comes_late_is_still_whole(pair):
    one, _, raw = pair
    raw.send((5).to_bytes(8, "big") + b"he")
    for _ in range(2):
        with pytest.raises(box.TimeUp):
            one.receive(soon(0.02))
    raw.send(b"llo")
    assert one.receive(soon()) == b"hello"


def test_a_channel_bounds_what_it_takes_and_how_long_it_waits(pair):
    one, other, raw = pair
    start = time.monotonic()
    with pytest.raises(box.TimeUp):
        one.send(b"x" * (50 * MB), soon(0.1))  # nobody reads
    assert time.monotonic() - start < 2
    raw.send((11).to_bytes(8, "big") + b"x" * 11)
    with pytest.raises(box.TooLong, match="11 bytes, where 10"):
        one.receive(soon(), most_bytes=10)
    other.close()
    with pytest.raises(box.Gone):
        one.send(b"x" * MB)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_processor_time_of_all_processes_is_bounded():
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sum(range(10**7)); sys.stdin.read()"], stdin=-1
    ) as one:
        both, proc = [str(os.getpid()), str(one.pid)], os.open("/proc", os.O_RDONLY)
        try:
            assert until(lambda: watch.processor_seconds(proc, both[1:]) > 0.05)
            mine, his = (watch.processor_seconds(proc, [pid]) for pid in both)
            times = os.times()
            assert mine == pytest.approx(sum(times[:4]), abs=0.1)
            bounds = {**asdict(Limits(memory=1 << 40)), "all_seconds": mine + his / 2}
            assert watch.too_much(proc, watch.look(proc, both[:1]), bounds) is None
            assert "of processor time" in watch.too_much(proc, watch.look(proc, both), bounds)
        finally:
            os.close(proc)
            one.stdin.close()


def test_a_child_that_does_not_keep_to_the_protocol(inside, sandbox):
    with box.Box(box.Policy(sandbox=sandbox), "inside:prepare", b"x") as where:
        assert where.prepared == b"prepared x"
        for function, error in (("half", box.TimeUp), ("enormous", box.TooLong)):
            with where.spawn(f"inside:{function}") as child, pytest.raises(error):
                child.channel.receive(soon(0.2))
        with where.spawn("inside:deaf") as child, pytest.raises(box.TimeUp):
            child.channel.send(b"x" * (50 * MB), soon(0.2))


def test_torch_works_in_children_which_draw_each_their_own_numbers(inside, sandbox):
    with box.Box(box.Policy(sandbox=sandbox), "inside:prepare_torch") as where:
        learnt = []
        for _ in range(2):
            with where.spawn("inside:learn") as child:
                learnt.append(ast.literal_eval(child.channel.receive(soon(60)).decode()))
    assert [gradient for gradient, *_ in learnt] == [[2.0, 2.0, 2.0]] * 2
    for one, other in list(zip(*learnt, strict=True))[1:]:
        assert one != other


def test_many_threads_may_ask_for_children(inside, sandbox):
    def ask(number):
        with where.spawn("inside:echo") as child:
            child.channel.send(b"%d" % number)
            return int(child.channel.receive(soon(20)))

    with box.Box(box.Policy(sandbox=sandbox), "inside:prepare") as where, ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(24))) == list(range(24))


def test_what_fails_in_the_warm_process_is_told(inside, sandbox):
    for prepare, payload, message in (
        ("inside:prepare", b"fail", "no such cell"),
        ("inside:missing", b"", "missing"),
        ("nowhere:prepare", b"", "No module named 'nowhere'"),
    ):
        with pytest.raises(box.BoxError, match=message):
            box.Box(box.Policy(sandbox=sandbox), prepare, payload)
    with box.Box(box.Policy(sandbox=sandbox), "inside:prepare") as where:
        with pytest.raises(box.BoxError, match="missing"):
            where.spawn("inside:missing")
        with where.spawn("inside:echo") as child:  # the warm process is none the worse
            child.channel.send(b"a")
            assert child.channel.receive(soon()) == b"a"


def test_a_warm_process_that_dies_is_replaced(inside, sandbox):
    with box.Box(box.Policy(sandbox=sandbox), "inside:prepare") as where:
        before = {pid for pid in running("gentutor.grading.box.warm") if _descends(pid, os.getpid())}
        assert before
        for pid in before:
            with suppress(ProcessLookupError):  # the one took the other with it
                os.kill(pid, signal.SIGKILL)
        with where.spawn("inside:echo") as child:
            child.channel.send(b"a")
            assert child.channel.receive(soon()) == b"a"


def test_a_child_dies_with_its_supervisor(inside, works):
    marker = f"marker-{os.urandom(8).hex()}"
    with box.Box(box.Policy(), "inside:prepare") as where, where.spawn("inside:leave") as child:
        child.channel.send(marker.encode())
        assert child.channel.receive(soon()) == b"left"
        assert until(lambda: len(running(marker)) == 1)
        os.kill(_parent(_parent(running(marker)[0])), signal.SIGKILL)
        assert until(lambda: child.why) == "its supervisor has died"
        assert until(lambda: not running(marker))
        with where.spawn("inside:echo") as other:
            other.channel.send(b"a")
            assert other.channel.receive(soon()) == b"a"


def _parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _descends(pid, ancestor):
    while pid > 1:
        if pid == ancestor:
            return True
        try:
            pid = _parent(pid)
        except OSError:
            return False
    return False


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nothing_is_left_when_the_grader_is_killed(inside, sandbox):
    marker = f"marker-{os.urandom(8).hex()}"
    path = os.pathsep.join([str(policy.PACKAGE.parent), str(inside)])
    command = [sys.executable, "-c", HOST, str(sandbox), marker]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE) as host:
        try:
            assert host.stdout.readline() == b"left\n"
            family = [pid for pid in running("gentutor.grading.box.warm") if _descends(pid, host.pid)]
            assert until(lambda: len(running(marker)) == 2), "the host, and what the child left"
            assert family
        finally:
            host.kill()
    assert until(lambda: running(marker) == []), "what a child left behind"
    assert until(lambda: not [pid for pid in family if Path(f"/proc/{pid}").exists()]), "the warm process"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nothing_is_left_when_the_grader_is_killed_while_it_prepares(inside, sandbox):
    path = os.pathsep.join([str(policy.PACKAGE.parent), str(inside)])
    code = (
        f"from gentutor.grading import box; box.Box(box.Policy(sandbox={sandbox}), 'inside:prepare', b'slow')"
    )

    def family():
        return [pid for pid in running("box.warm") if _descends(pid, host.pid)]

    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}) as host:
        try:
            assert until(family)
            time.sleep(0.5)  # it is preparing now
            before = family()
        finally:
            host.kill()
    assert before
    assert until(lambda: not [pid for pid in before if Path(f"/proc/{pid}").exists()])


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root gives each child a user id"
)
def test_each_child_of_root_is_another_user(inside, works):
    if not policy.rules_all_uids():
        pytest.skip("this root may not make namespaces")
    markers = [f"marker-{os.urandom(8).hex()}" for _ in range(2)]
    with ExitStack() as stack:
        where = stack.enter_context(box.Box(box.Policy(), "inside:prepare"))
        uids = set()
        for marker in markers:
            child = stack.enter_context(where.spawn("inside:leave"))
            child.channel.send(marker.encode())
            child.channel.receive(soon())
            assert until(lambda marker=marker: running(marker))
            uids.update(os.stat(f"/proc/{pid}").st_uid for pid in running(marker))
        assert len(uids) == 2
        assert min(uids) >= 1 << 20


def test_a_box_that_is_closed_leaves_nothing(inside, sandbox):
    marker = f"marker-{os.urandom(8).hex()}"
    with box.Box(box.Policy(sandbox=sandbox), "inside:prepare") as where:
        child = where.spawn("inside:leave")
        child.channel.send(marker.encode())
        assert child.channel.receive(soon()) == b"left"
        assert until(lambda: running(marker))
    assert until(lambda: not running(marker))
    with pytest.raises(box.BoxError):
        where.spawn("inside:echo")
    child.channel.close()


def test_python_below_a_private_folder(inside, tmp_path, sandbox):
    """A virtual environment in a home folder that nobody else may enter, with other things in it."""
    private = tmp_path / "private"
    private.mkdir(0o700)
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", "--symlinks", private / "venv"], check=True
    )
    (private / "venv/gradebook.db").touch()
    code = (
        "from gentutor.grading import box; import time\n"
        f"with box.Box(box.Policy(sandbox={sandbox}), 'inside:prepare') as where:\n"
        "    with where.spawn('inside:see') as child:\n"
        "        print(child.channel.receive(time.monotonic() + 10))\n"
    )
    path = os.pathsep.join([str(policy.PACKAGE.parent), str(inside)])
    ran = subprocess.run(
        [private / "venv/bin/python", "-c", code],
        env={"PYTHONPATH": path, "PATH": os.environ["PATH"]},
        capture_output=True,
    )
    seen = ast.literal_eval(ast.literal_eval(ran.stdout.decode()).decode())
    assert ("gradebook.db" in seen) == (not sandbox)
    assert {"bin", "lib", "pyvenv.cfg"} <= set(seen)


def test_a_clone_below_a_folder_that_is_needed_is_covered(tmp_path, monkeypatch):
    clone = tmp_path / "clone"
    (clone / "gentutor").mkdir(parents=True)
    (clone / "pyproject.toml").touch()
    (clone / ".venv").mkdir()
    monkeypatch.setattr(policy, "PACKAGE", clone / "gentutor")
    command = box.Policy(readable=[str(tmp_path), str(clone / ".venv")]).command("-c", "")
    steps = [command.index(step) for step in (str(tmp_path), str(clone), str(clone / ".venv"))]
    assert [command[step - 1] for step in steps] == ["--ro-bind", "--tmpfs", "--ro-bind"]
    assert steps == sorted(steps), "the later covers the earlier"


def refusal(how):
    code = "from gentutor.grading import box; print(box.why_not(box.Policy()))"
    environment = {**os.environ, "PYTHONPATH": str(policy.PACKAGE.parent)}
    ran = subprocess.run([*how, sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_refusal_says_how_to_mend_it(monkeypatch, tmp_path):
    assert box.why_not(box.Policy(sandbox=False)) is None
    monkeypatch.setattr(sys, "platform", "darwin")
    assert "needs Linux" in box.why_not(box.Policy())
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    problem = box.why_not(box.Policy())
    assert "apt-get install bubblewrap" in problem
    assert "--no-sandbox" in problem
    monkeypatch.undo()
    monkeypatch.delattr(os, "fork")
    assert "WSL" in box.why_not(box.Policy(sandbox=False))


def test_where_namespaces_are_switched_off(works):
    # In a user namespace of its own, the switch can be turned without touching that of the machine.
    off = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    problem = refusal(["unshare", "--user", "--map-root-user", "sh", "-c", off, "sh"])
    assert "sysctl -w user.max_user_namespaces=" in problem
    assert "--no-sandbox" in problem


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0, reason="only root runs submissions as others"
)
def test_a_package_that_others_may_not_read(works, monkeypatch, tmp_path):
    package = tmp_path / "gentutor"
    shutil.copytree(policy.PACKAGE / "grading/box", package)
    package.chmod(0o700)
    monkeypatch.setattr("gentutor.grading.box.refusal.PACKAGE", package)
    assert f"chmod -R go+rX {package}" in box.why_not(box.Policy())


def test_a_child_ends_in_time_though_nobody_waits(inside, sandbox):
    with (
        box.Box(box.Policy(sandbox=sandbox), "inside:prepare", limits=Limits(all_seconds=0.5)) as where,
        where.spawn("inside:deaf") as child,
    ):
        assert until(lambda: child.why)
        assert child.why == "ran longer than 0.5 seconds"
        with pytest.raises(box.Gone):
            child.channel.receive(soon())
