"""How a forked child shuts itself in, for good, before a line of a student's code runs in it.

`enter` is called by the child's supervisor (see `watch.py`), and what it forks next is the first process of
a namespace of processes: when that one dies, the kernel kills all that it left behind. `settle` is called by
that first process. It gets file systems, a network without interfaces and shared memory of its own, gives up
every capability, and can get none back.
"""

import ctypes
import math
import os
import resource
import shutil
import signal
import sys

from gentutor.grading.box import seccomp
from gentutor.grading.box.policy import HOME, SETGID, SETUID
from gentutor.grading.box.request import Bounds

NEWNS, NEWCGROUP, NEWUTS, NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
NEWUSER, NEWPID, NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP = 1, 4, 24
PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 36, 38
INODES = 16384
DESCRIPTORS = 256
SPARE = 9  # processes beyond the limit that the kernel allows: the supervisor, and some for it to see
OTHERS = 4096  # room for what else the user runs, where that counts too: a bomb of forks is slowed at least
STUDENT = 1000  # the user id that a child sees; not 0, which would mean something to the kernel


def enter(uid: int | None) -> None:
    """Leave the user and the process namespace of the box; what is forked next is process 1 of a new one.

    `uid` is the user id to take first, where we are root and can; else None.
    """
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        _call("prctl", PR_SET_DUMPABLE, 1, 0, 0, 0)  # else /proc/self still belongs to root
    uid, gid = os.getuid(), os.getgid()
    _call("unshare", NEWUSER | NEWPID)
    _write("/proc/self/setgroups", "deny")
    _write("/proc/self/uid_map", f"{STUDENT} {uid} 1")
    _write("/proc/self/gid_map", f"{STUDENT} {gid} 1")


def uncover_proc() -> None:
    """Where the warm process is root: see all of /proc, and give up the capability that this took.

    bubblewrap covers parts of /proc for root, and under a /proc with covered parts the kernel lets no child
    mount one of its own.
    """
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    _set_capabilities(1 << SETUID | 1 << SETGID)


def die_with_parent() -> None:
    """Have the kernel kill this process when the one that started it ends."""
    _call("prctl", PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def adopt_orphans() -> None:
    """Have what a descendant leaves behind become a child of this process, without a namespace too."""
    _call("prctl", PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def settle(limits: Bounds, tmp: bool) -> None:
    """Shut in this process and all that it will start; `tmp` says whether /tmp may be covered."""
    die_with_parent()
    _call("unshare", NEWNS | NEWIPC | NEWNET | NEWUTS | NEWCGROUP)
    _mounts(limits["files"], tmp)
    _write("/proc/sys/user/max_user_namespaces", "0")  # a new one would give its maker every capability in it
    bound(limits, alone=_kernel_counts_by_namespace())
    _drop_capabilities()
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    seccomp.install()


def bound(limits: Bounds, alone: bool) -> None:
    """Set the limits that the kernel keeps for each process; `watch.py` bounds their sum.

    `alone` says that no processes but the child's count as those of its user. For root, none ever count.
    """
    mapped = 0
    if sys.platform == "linux":
        with open("/proc/self/statm") as file:
            mapped = int(file.read().split()[0]) * resource.getpagesize()  # torch maps gigabytes
        _write("/proc/self/oom_score_adj", "1000")  # if the machine runs out, the grader is not what dies
    seconds = math.ceil(limits["all_seconds"])
    wanted = {
        "AS": mapped + limits["memory"] if mapped else None,
        "FSIZE": limits["files"],
        "NOFILE": DESCRIPTORS,
        "CPU": seconds + 5,
        "CORE": 0,
        "MSGQUEUE": 0,
        "NPROC": limits["processes"] + (SPARE if alone else OTHERS),
    }
    for name, most in wanted.items():
        limit = getattr(resource, f"RLIMIT_{name}", None)
        if most is not None and limit is not None:
            hard = resource.getrlimit(limit)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(limit, (most, most))


def _mounts(size: int, tmp: bool) -> None:
    """One small tmpfs is all that can be written to: the home folder, /tmp and /dev/shm are parts of it."""
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    _mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, f"size={size},nr_inodes={INODES},mode=755")
    shutil.copytree(HOME, "/dev/shm/home", symlinks=True)  # what the warm process left in it
    for folder in ("/dev/shm/home/.tmp", "/dev/shm/shm"):
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o1777)
    _mount("/dev/shm/home", HOME, None, MS_BIND)
    if tmp:
        _mount(f"{HOME}/.tmp", "/tmp", None, MS_BIND)
    _mount("/dev/shm/shm", "/dev/shm", None, MS_BIND)
    _mount("tmpfs", "/dev/pts", "tmpfs", MS_RDONLY, "size=4k,nr_inodes=1")  # terminals are scarce
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    os.chdir(HOME)


def _kernel_counts_by_namespace() -> bool:
    """Before Linux 5.14, the limit of processes counts those outside of the namespace too."""
    major, minor = os.uname().release.split(".")[:2]
    return (int(major), int(minor)) >= (5, 14)


def _drop_capabilities() -> None:
    with open("/proc/sys/kernel/cap_last_cap") as file:
        last = int(file.read())
    for capability in range(last + 1):
        _call("prctl", PR_CAPBSET_DROP, capability, 0, 0, 0)
    _set_capabilities(0)


def _set_capabilities(mask: int) -> None:
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3 of the call, this process
    sets = (ctypes.c_uint32 * 6)(mask, mask, 0, 0, 0, 0)  # effective, permitted and inheritable, lower half
    _call("capset", header, sets)


def _mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    kind_ = kind.encode() if kind else None
    _call("mount", source.encode(), target.encode(), kind_, ctypes.c_ulong(flags), options.encode())


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _call(name: str, *arguments: object) -> None:
    if getattr(ctypes.CDLL(None, use_errno=True), name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}{arguments}: {os.strerror(number)}")
