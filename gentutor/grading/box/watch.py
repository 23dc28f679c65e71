"""The supervisor of one child: a process of ours between the warm process and the child, out of its reach.

It waits for the host's word, and looks some twenty times a second at what the child uses with all that it has
started. When that is too much, or the host says so or is gone, it kills all of it, and tells the host why.
The sum over processes is bounded here, since the kernel's own limits hold for each process by itself.
"""

import contextlib
import json
import math
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator

from gentutor.grading.box.channel import Channel, Gone, TimeUp
from gentutor.grading.box.request import Bounds

TICK = 0.05  # seconds
CROWD = 4  # processes and threads of a child before they step back behind other children's
WEIGHT = 1.25  # by which a step of niceness lowers the share of a processor: sched(7)
Members = Callable[[], Iterable[str]]  # the processes of the child, as names of folders in `proc`
Running = dict[str, dict[str, int]]  # what their `status` says, in KB where it is memory


def watch(
    child: int, leash: Channel, proc: int | None, members: Members, limits: Bounds
) -> tuple[bool, str | None]:
    """Wait until the child ends or must end. Returns whether it still runs, and why it must end or did.

    There is no why where the host has asked for its end.

    Args:
        child: its first process, a child of this one.
        leash: to the host: that it is closed or ended means that the child must end.
        proc: a descriptor of the folder /proc in which `members` are, or None where there is none.
        members: lists the processes of the child now.
        limits: of all of them together.
    """
    end, pause = time.monotonic() + limits["all_seconds"], TICK
    inherited = _inherited() if proc is not None else 0
    while True:
        asked = False
        try:
            leash.receive(deadline=time.monotonic() + pause, most_bytes=0)
        except TimeUp:
            pass
        except Gone:
            asked = True
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return False, _how(os.waitstatus_to_exitcode(status))
        if asked:
            return True, None
        if time.monotonic() > end:
            return True, f"ran longer than {limits['all_seconds']:g} seconds"
        looked = time.monotonic()
        if proc is not None:
            running = look(proc, members())
            if why := too_much(proc, running, limits, inherited):
                return True, why
            if (crowd := _tasks(running) / CROWD) > 1:
                niceness = os.getpriority(os.PRIO_PROCESS, 0) + math.ceil(math.log(crowd, WEIGHT))
                _step_back(os.getpid(), niceness)
        pause = max(TICK, 2 * (time.monotonic() - looked))  # a third of a core at most, however much there is


def too_much(proc: int, running: Running, limits: Bounds, inherited: int = 0) -> str | None:
    """What these processes use together that is more than they may, or None.

    What a child has `inherited` of the warm process's memory, in KB, is not its own: so a single process that
    goes on and on meets its own limit first, with a MemoryError that a student can read.
    """
    most = limits["memory"] // 1024 + inherited
    if _tasks(running) > limits["processes"]:
        return f"started more than {limits['processes']} processes"
    plain = sum(map(_plain_memory, running.values()))
    if plain > most and _memory(proc, running) > most:
        return f"used more than {_size(limits['memory'])} of memory"
    if processor_seconds(proc, running) > limits["all_seconds"]:
        return f"used more than {limits['all_seconds']:g} seconds of processor time"
    return None


def look(proc: int, pids: Iterable[str]) -> Running:
    """What /proc says of those processes that have not ended."""
    found = {pid: _fields(_read(proc, f"{pid}/status")) for pid in pids}
    return {pid: fields for pid, fields in found.items() if "RssAnon" in fields}


def _step_back(top: int, niceness: int) -> None:
    """Give what descends from `top` a lower priority, so that a crowd weighs no more than `CROWD` processes.

    Else a child with sixty busy ones would leave those beside it so little that their time would be up.
    """
    with _own_proc() as proc:  # ours: here processes have the numbers by which we know them
        for pid in descendants(proc, top):
            with contextlib.suppress(OSError):  # it has ended
                for task in map(int, os.listdir(f"/proc/{pid}/task")):
                    if os.getpriority(os.PRIO_PROCESS, task) < niceness:
                        os.setpriority(os.PRIO_PROCESS, task, niceness)


def descendants(proc: int, top: int) -> list[str]:
    """All processes that descend from `top`: for want of a namespace, by who started whom."""
    parents = {pid: _stat(proc, pid)[1] for pid in filter(str.isdecimal, os.listdir(proc))}
    found = [str(top)]
    for above in found:  # grows while it is walked
        found += [pid for pid, parent in parents.items() if parent == above]
    return found[1:]


def processor_seconds(proc: int, pids: Iterable[str]) -> float:
    """Processor time of these processes, and of those that they started and waited for."""
    # Fields 14 to 17 of proc_pid_stat(5): in user and kernel mode, its own and its children's.
    return sum(int(ticks) for pid in pids for ticks in _stat(proc, pid)[11:15]) / os.sysconf("SC_CLK_TCK")


def _inherited() -> int:
    """What this process, like the child, had from the warm process, in KB."""
    with _own_proc() as proc:
        return sum(map(_plain_memory, look(proc, ["self"]).values()))


@contextlib.contextmanager
def _own_proc() -> Iterator[int]:
    proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield proc
    finally:
        os.close(proc)


def _tasks(running: Running) -> int:
    return sum(fields["Threads"] for fields in running.values())


def _plain_memory(fields: dict[str, int]) -> int:
    return fields["RssAnon"] + fields["RssShmem"] + fields["VmSwap"]


def _memory(proc: int, running: Running) -> int:
    """KB in use, where a page that several processes share counts once, in parts.

    Slower than a plain sum, which counts what was inherited at a fork for each; so it is asked for only where
    the plain sum is too much.
    """
    total = 0
    for pid, plain in running.items():
        fields = _fields(_read(proc, f"{pid}/smaps_rollup"))
        if fields:
            total += fields.get("Pss_Anon", 0) + fields.get("Pss_Shmem", 0) + fields.get("SwapPss", 0)
        else:  # it has made itself unreadable: then all of it counts
            total += _plain_memory(plain)
    return total


def _fields(text: str) -> dict[str, int]:
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name: int(words[0]) for name, rest in pairs if (words := rest.split()) and words[0].isdecimal()}


def _stat(proc: int, pid: str) -> list[str]:
    """What follows the name, which may hold anything, in /proc/PID/stat: field 3 and on."""
    return _read(proc, f"{pid}/stat").rpartition(")")[2].split() or ["X", "0", *["0"] * 50]


def _read(folder: int, path: str) -> str:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder), errors="replace") as file:
            return file.read()
    except OSError:  # it ended meanwhile, or may not be read
        return ""


def _how(code: int) -> str:
    if code >= 0:
        return f"ended its own process, with status {code}"
    try:
        return f"its process died of {signal.Signals(-code).name}"
    except ValueError:
        return f"its process died of signal {-code}"


def _size(size: int) -> str:
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "KB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size} bytes"


def report(why: str | None, seconds: float) -> bytes:
    """The last word of a supervisor to the host."""
    return json.dumps({"why": why, "cpu_seconds": seconds}).encode()
