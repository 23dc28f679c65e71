"""Attacks on the sandbox, and the host that lets them run: `python box_battery.py FOLDER sandbox|plain`.

Run as a program it prints, as JSON, what each attack in a child reported, and how the child ended. It needs
nothing but the standard library and `gentutor.grading.box`, so that any user can run it. "plain" runs those
attacks that do no harm without a sandbox: they must succeed there, or they would show nothing.
"""

import contextlib
import ctypes
import errno
import json
import mmap
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from gentutor.grading import box
from gentutor.grading.records import Limits

MB = 1 << 20
LIMITS = Limits(all_seconds=20, memory=200 * MB, processes=20, files=8 * MB)
NEWUSER = 0x10000000
MISTAKES = (errno.EBADF, errno.EFAULT, errno.ENOSYS)  # errors of a call that was made wrongly
SECRET = "xyzzy-of-the-grader"
SLEEP = "import time; time.sleep(600)"
libc = ctypes.CDLL(None, use_errno=True)


def prepare(payload):
    Path(os.environ["HOME"], "prepared.txt").write_text("ready")
    globals()["TARGETS"] = json.loads(payload)
    return payload


# Attacks: what they return is sent to the host. `harmless` ones may also run outside of the sandbox.


def harmless_network(targets):
    def reached(family, address, kind=socket.SOCK_STREAM):
        with socket.socket(family, kind) as sock:
            sock.settimeout(2)
            try:
                sock.connect(address)
                sock.send(b"x")
            except OSError:
                return False
            return True

    return {
        "tcp": reached(socket.AF_INET, ("127.0.0.1", targets["port"])),
        "unix": reached(socket.AF_UNIX, targets["unix"]),
        "abstract": reached(socket.AF_UNIX, "\0" + targets["abstract"]),
        "out": reached(socket.AF_INET, ("192.0.2.1", 53), socket.SOCK_DGRAM),
        "interfaces": [name for _, name in socket.if_nameindex()],
    }


def harmless_read(targets):
    def read(path):
        try:
            return bool(os.listdir(path) if os.path.isdir(path) else open(path, "rb").read())
        except OSError:
            return False

    return {path: read(path) for path in targets["private"]}


def harmless_environment(targets):
    def has(pid):
        try:
            return SECRET.encode() in Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            return False

    pids = [pid for pid in os.listdir("/proc") if pid.isdecimal()]
    return {"own": SECRET in str(os.environ), "others": any(map(has, pids)), "processes": len(pids)}


def harmless_python(targets):
    """What must work in spite of it all."""
    with open(os.path.expanduser("~/a"), "w") as file:
        file.write("a")
    copied = Path(os.environ["HOME"], "prepared.txt").exists()
    run = subprocess.run(
        [sys.executable, "-c", "import gentutor; print(6*7)"], capture_output=True, text=True
    )
    library = Path(targets["library"]).read_text()
    answer = run.stdout.strip() or run.stderr
    return {"answer": answer, "copied": copied, "library": library, "draw": random.random()}


def descriptors(targets):
    links = {}
    for number in os.listdir("/proc/self/fd"):
        with suppress(OSError):  # that of the listing itself
            links[number] = os.readlink(f"/proc/self/fd/{number}").partition(":")[0]
    return links


def write_anywhere(targets):
    """Create a file in every mounted file system, and next to what is there."""
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    wrote = []
    for folder in {
        *points,
        "/",
        "/etc",
        "/usr",
        "/course",
        "/course/gentutor",
        "/dev",
        "/box",
        "/proc/sys/kernel",
        "/tmp",
    }:
        with suppress(OSError):
            os.close(os.open(f"{folder}/x", os.O_CREAT | os.O_WRONLY))
            wrote.append(folder)
    return sorted(wrote)


def rights(targets):
    """Calls that only root may make; each must be refused."""

    def refused(call, *arguments):
        ctypes.set_errno(0)
        return getattr(libc, call)(*arguments) == -1 and ctypes.get_errno() not in MISTAKES

    sock = socket.socket()
    tries = {
        "setuid": refused("setuid", 0),
        "setgid": refused("setgid", 0),
        "mount": refused("mount", b"none", b"/mnt", b"tmpfs", 0, None),
        "umount": refused("umount2", b"/proc", 2),
        "unshare": refused("unshare", 0x20000),
        "unshare user": refused("unshare", NEWUSER),
        "clone user": refused(
            "syscall", {"x86_64": 56, "aarch64": 220}[os.uname().machine], NEWUSER | 17, 0, 0, 0, 0
        ),
        "chroot": refused("chroot", b"/tmp"),
        "hostname": refused("sethostname", b"x", 1),
        "mknod": refused("mknod", b"/tmp/null", 0o020666, 0x103),
        "memfd": refused("memfd_create", b"x", 0),
        "kernel log": refused("klogctl", 3, None, 0),
        "terminal": refused("posix_openpt", os.O_RDWR),
        "large buffer": refused("setsockopt", sock.fileno(), 1, 7, struct.pack("i", 1 << 24), 4),
        "shmget": refused("shmget", 0, 4096, 0o1600),
        "bring up lo": refused("ioctl", sock.fileno(), 0x8914, struct.pack("16sH22x", b"lo", 1)),
    }
    status = dict(
        line.split(":\t") for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line
    )
    tries["capabilities"] = all(
        int(status[f"Cap{kind}"], 16) == 0 for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")
    )
    tries["no new privileges"] = status["NoNewPrivs"] == "1"
    return tries


def kill_others(targets):
    assert os.getpid() == 1, "not in a namespace of its own"
    reached = []
    child = os.fork()
    if child == 0:  # not the first process: signals to all would reach itself too
        signal.pause()
    for pid in (*range(2, 200), -1):
        if pid != child:
            try:
                os.kill(pid, 0)
                reached.append(pid)
            except OSError:
                pass
    seen = [pid for pid in range(1, 200) if pid not in (1, child) and libc.ptrace(16, pid, 0, 0) != -1]
    os.kill(-1, signal.SIGKILL)
    return {"reached": [pid for pid in reached if pid != -1], "traced": seen}


def leave_traces(targets):
    for folder in ("/tmp", "/dev/shm", "/box"):
        with contextlib.suppress(OSError):
            Path(folder, "trace").write_text("x")
    sock = socket.socket(socket.AF_UNIX)
    sock.bind("\0trace")
    sock.listen()
    globals()["kept"] = sock
    return find_traces(targets)


def find_traces(targets):
    found = [folder for folder in ("/tmp", "/dev/shm", "/box") if Path(folder, "trace").exists()]
    try:
        socket.socket(socket.AF_UNIX).connect("\0trace")
        found.append("socket")
    except OSError:
        pass
    return found


def fork_bomb(targets):
    with suppress(OSError):
        for _ in range(500):
            if os.fork() == 0:
                break
    time.sleep(60)


def patient_fork_bomb(targets):
    while True:
        with suppress(OSError):
            os.fork()


def crowd(targets):
    """The niceness of the first of nine processes: 0 is ordinary, 19 yields to all others."""
    before = os.getpriority(os.PRIO_PROCESS, 0)
    for _ in range(8):
        if os.fork() == 0:
            time.sleep(60)
    time.sleep(1)
    return [before, os.getpriority(os.PRIO_PROCESS, 0)]


def allocate(targets):
    held = []
    try:
        while True:
            held.append(os.urandom(MB) * 4)
    except MemoryError:
        return f"MemoryError after {4 * len(held)} MB"


def _each(work, processes):
    for _ in range(processes):
        if os.fork() == 0:
            work()
            os._exit(0)
    time.sleep(60)


def memory_of_many(targets):
    """Three processes, each with half of what is allowed."""

    def work():
        held = bytearray(os.urandom(MB)) * 100
        time.sleep(60)
        del held

    _each(work, 3)


def memory_shared(targets):
    def work():
        area = mmap.mmap(-1, 100 * MB)
        for _ in range(100):
            area.write(b"x" * MB)
        time.sleep(60)

    _each(work, 3)


def memory_unreadable(targets):
    def work():
        libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: nobody may look into /proc/self
        held = bytearray(os.urandom(MB)) * 100
        time.sleep(60)
        del held

    _each(work, 3)


def memory_inherited(targets):
    """One block, shared by many: counts once."""
    held = bytearray(os.urandom(MB)) * 120
    for _ in range(6):
        if os.fork() == 0:
            time.sleep(60)
    time.sleep(1)
    return len(held)


def fill(targets):
    wrote = 0
    for folder in ("/tmp", "/dev/shm", "/box"):
        try:
            for index in range(100):
                with open(f"{folder}/{index}", "wb", buffering=0) as file:
                    wrote += file.write(b"x" * MB)
        except OSError:
            pass
    try:
        for index in range(100_000):
            os.close(os.open(f"/tmp/f{index}", os.O_CREAT))
        made = index
    except OSError:
        made = index
    return {"bytes": wrote, "files": made}


def fill_one(targets):
    path = os.path.expanduser("~/large")
    with open(path, "wb", buffering=0) as file, suppress(OSError):
        for _ in range(100):
            file.write(b"x" * MB)
    return os.path.getsize(path)


def open_many(targets):
    held = []
    try:
        while True:
            held.append(os.pipe())
    except OSError:
        return 2 * len(held)


def ignore_signals(targets):
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
        with suppress(OSError, ValueError):
            signal.signal(number, signal.SIG_IGN)
    while True:
        pass


def leave_daemon(targets):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, [sys.executable, "-c", SLEEP, targets["marker"]])
        os._exit(0)
    os.wait()
    time.sleep(0.3)
    return True


def leave(targets):
    os._exit(3)


def crash(targets):
    ctypes.string_at(0)


def sleep(targets):
    time.sleep(600)


ENDLESS = {"patient_fork_bomb", "ignore_signals"}
PLAIN = (
    harmless_network, harmless_read, harmless_environment, harmless_python, crowd, allocate, memory_of_many,
    memory_inherited, fill_one, ignore_signals, leave_daemon, leave, crash, sleep,
)  # fmt: skip
SANDBOX = (
    *PLAIN, descriptors, write_anywhere, rights, kill_others, fork_bomb, patient_fork_bomb, memory_shared,
    memory_unreadable, fill, open_many,
)  # fmt: skip


def serve(channel):
    """In the child: run the attack that the host names."""
    name = channel.receive().decode()
    try:
        reply = globals()[name](globals()["TARGETS"])
    except Exception as error:
        reply = repr(error)
    channel.send(json.dumps(reply).encode())
    channel.receive()  # wait to be killed


def running(marker):
    """Process ids of all programs on this machine that have `marker` in their command."""
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            if marker.encode() in Path(f"/proc/{pid}/cmdline").read_bytes() and int(pid) != os.getpid():
                found.append(int(pid))
        except OSError:
            pass
    return found


def gone(marker):
    for _ in range(60):
        if not running(marker):
            return True
        time.sleep(0.05)
    return False


def attack(where, name, marker):
    limits = LIMITS if name != "sleep" else Limits(all_seconds=1)
    child = where.spawn("box_battery:serve", limits)
    start, seen = time.monotonic(), None
    try:
        child.channel.send(name.encode())
        reply = json.loads(child.channel.receive(start + (1.5 if name in ENDLESS else 15)))
        if name == "leave_daemon":
            seen = running(marker)
    except (box.Gone, box.TimeUp) as error:
        reply = type(error).__name__
        for _ in range(100 if reply == "Gone" else 0):
            if child.why:
                break
            time.sleep(0.02)
    killed = time.monotonic()
    child.kill()
    result = {"reply": reply, "why": child.why, "cpu": child.cpu_seconds, "kill": time.monotonic() - killed}
    return result | ({"seen": len(seen), "gone": gone(marker)} if seen is not None else {})


def main(folder, kind):
    marker = f"marker-{os.urandom(8).hex()}"
    assert SECRET in str(os.environ)
    listeners = [socket.create_server(("127.0.0.1", 0))]
    for address in (f"{folder}/{marker}", f"\0{marker}"):
        listeners.append(socket.socket(socket.AF_UNIX))
        listeners[-1].bind(address)
        listeners[-1].listen()
    private = [str(path) for path in Path(folder, "seen/clone").iterdir() if path.name != ".venv"]
    private += [
        f"{folder}/home/private",
        f"{folder}/gradebook.db",
        "/etc/shadow",
        "/etc/passwd",
        "/home",
        "/sys",
        "/run",
    ]
    targets = {
        "marker": marker,
        "port": listeners[0].getsockname()[1],
        "unix": f"{folder}/{marker}",
        "abstract": marker,
        "library": f"{folder}/seen/clone/.venv/lib/library.py",
        "private": private,
    }
    attacks = [function.__name__ for function in (SANDBOX if kind == "sandbox" else PLAIN)]
    policy = box.Policy(
        sandbox=kind == "sandbox", readable=[f"{folder}/seen", f"{folder}/seen/clone/.venv/lib"]
    )
    with (
        box.Box(policy, "box_battery:prepare", json.dumps(targets).encode(), LIMITS) as where,
        ThreadPoolExecutor(6) as pool,
    ):
        results = dict(zip(attacks, pool.map(lambda name: attack(where, name, marker), attacks), strict=True))
        with where.spawn("box_battery:serve") as first:
            first.channel.send(b"leave_traces")
            results["traces"] = [json.loads(first.channel.receive(time.monotonic() + 5))]
            results["traces"] += [attack(where, "find_traces", marker)["reply"]]
        results["after"] = attack(where, "harmless_python", marker)
    results["uid"] = os.getuid()
    print(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
