"""What a process in the sandbox can see: the system's libraries, Python, this package, and nothing else.

The file system of the box starts empty, and what is needed is put into it, read-only: what was forgotten is
not seen. The exception is a clone of the course, or a home folder, that lies below a folder which is needed:
a clone in /usr/src, for one, is covered.
"""

import os
import shutil
import site
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[2]  # the gentutor/ folder, in a clone or in site-packages
HOME = "/box"  # home of the processes in the box, and all that they can write to
COURSE = "/course"  # where the package lies in the box
SYSTEM = (
    "/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/gnu/store",
    "/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/etc/localtime", "/etc/mime.types",
)  # fmt: skip
# What is read of a Python or of an environment, and no more: some people make one in their course folder.
PYTHON = ("bin", "lib", "lib64", "libexec", "share", "etc", "ssl", "pyvenv.cfg")
NOBODY = 65534
SYS_ADMIN, SETGID, SETUID = 21, 6, 7  # of capabilities(7)


@dataclass(frozen=True)
class Policy:
    """What the processes of a box may see.

    Attributes:
        python: the interpreter that runs in the box; of another than ours, `readable` must name the folders.
        readable: folders and files that may be read there, beside the system's, Python's and the package's.
        sandbox: False for no sandbox at all: limits only. For a class that one trusts.
    """

    python: str = sys.executable
    readable: Sequence[str] = ()
    sandbox: bool = True

    def environment(self, home: str) -> dict[str, str]:
        """All environment variables of the box: none of the grader's own are among them."""
        packages = [COURSE if self.sandbox else str(PACKAGE.parent), *_site_packages()]
        return {
            "PATH": os.pathsep.join((str(Path(self.python).parent), "/usr/local/bin", "/usr/bin", "/bin")),
            "PYTHONPATH": os.pathsep.join(packages),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "HOME": home,
            "USER": "student",
            "LOGNAME": "student",
            "TMPDIR": f"{home}/.tmp",
            "LANG": "C.UTF-8",
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "MPLBACKEND": "agg",
            "MPLCONFIGDIR": f"{home}/.matplotlib",
            "IPYTHONDIR": f"{home}/.ipython",
            "CUDA_VISIBLE_DEVICES": "",  # CUDA does not survive a fork
            "HF_HUB_OFFLINE": "1",
        }

    def command(self, *arguments: str) -> list[str]:
        """The command that runs Python with `arguments` under this policy."""
        python = [self.python, *arguments]
        return [*_bubblewrap(self), "--", *python] if self.sandbox else python


def rules_all_uids() -> bool:
    """Whether we are the system's own root, which can give each child a user id of its own."""
    return os.geteuid() == 0 and _capable(SYS_ADMIN, SETUID, SETGID) and _every_uid()


def user() -> int | None:
    """The user id to run bubblewrap under, where ours would not do: that of a root without root's rights."""
    return NOBODY if os.geteuid() == 0 and not rules_all_uids() else None


def visible(policy: Policy) -> list[str]:
    """Paths that are put into the box as they are, parents before children, if they exist."""
    homes = {home for prefix in (sys.prefix, sys.base_prefix) for home in (prefix, os.path.realpath(prefix))}
    python = [f"{home}/{part}" for home in homes for part in PYTHON]
    others = [*_site_packages(), *policy.readable]
    paths = {*SYSTEM, *python, *map(os.path.abspath, others), *map(os.path.realpath, others)}
    return sorted((path for path in paths if os.path.exists(path)), key=_depth)


def hidden(policy: Policy) -> list[str]:
    """Folders that would be seen since they lie below a visible one, and must not be."""
    shown = visible(policy)
    clone = [str(PACKAGE.parent)] if (PACKAGE.parent / "pyproject.toml").exists() else []
    private = {
        path for folder in [os.path.expanduser("~"), *clone] for path in (folder, os.path.realpath(folder))
    }
    return sorted((p for p in private if p not in shown and any(_below(p, top) for top in shown)), key=_depth)


def _bubblewrap(policy: Policy) -> list[str]:
    command = [shutil.which("bwrap") or "bwrap"]
    command += ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
    command += ["--die-with-parent", "--new-session", "--hostname", "box", "--cap-drop", "ALL"]
    if rules_all_uids():
        # With no user namespace around it, a child can take a user id of its own, and the kernel counts its
        # processes. The warm process gives CAP_SYS_ADMIN up before it does anything else: see isolate.py.
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--cap-add", "CAP_SYS_ADMIN"]
    else:
        command += ["--unshare-user"]
    command += ["--proc", "/proc", "--dev", "/dev", "--dir", "/tmp", "--tmpfs", HOME]
    sources = {path: path for path in visible(policy)} | {f"{COURSE}/gentutor": str(PACKAGE)}
    covered, made = hidden(policy), {"/"}
    for path in sorted([*sources, *covered], key=_depth):
        for parent in sorted(set(map(str, Path(path).parents)) - made, key=_depth):
            made.add(parent)  # of itself bubblewrap makes them for their owner alone
            command += ["--perms", "0755", "--dir", parent]
        if path in sources:
            command += ["--ro-bind", sources[path], path]
        else:
            command += ["--perms", "0755", "--tmpfs", path]
    for path in [*covered, "/dev", "/"]:
        command += ["--remount-ro", path]
    return [*command, "--chdir", HOME]


def _site_packages() -> list[str]:
    """Folders of installed packages outside of Python's own prefix: those of the user, say."""
    own = (sys.prefix, sys.base_prefix, "/usr")
    found = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    if site.ENABLE_USER_SITE:
        found.append(site.getusersitepackages())
    apart = (path for path in found if os.path.isdir(path) and not any(_below(path, top) for top in own))
    return list(dict.fromkeys(apart))


def _depth(path: str) -> tuple[int, str]:
    return len(Path(path).parts), path


def _below(path: str, top: str) -> bool:
    return path != top and Path(path).is_relative_to(top)


def _capable(*capabilities: int) -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            mask = int(line.split()[1], 16)
            return all(mask >> capability & 1 for capability in capabilities)
    return False


def _every_uid() -> bool:
    return Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]
