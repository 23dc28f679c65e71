"""Where the sandbox cannot work: said plainly, with what would mend it, before anything is graded.

There is no silent way round it: without the sandbox a class is graded only where `--no-sandbox` says so.
"""

import os
import shutil
import sys
from pathlib import Path

from gentutor.grading.box.handles import BoxError
from gentutor.grading.box.host import Box
from gentutor.grading.box.policy import PACKAGE, Policy, rules_all_uids, visible

KEEP = "(and, to keep it, the same in a file in /etc/sysctl.d)"
NAMED = "For a class that you trust, --no-sandbox grades without one."


def why_not(policy: Policy) -> str | None:
    """Why children cannot be run under `policy`, and what would mend it; None where they can.

    A child is tried for it, which takes a fifth of a second.
    """
    if not hasattr(os, "fork"):
        return "Grading forks processes, which Windows cannot do: run it in WSL (wsl --install)."
    if not policy.sandbox:
        return None
    if sys.platform != "linux":
        return f"The sandbox needs Linux: its namespaces keep a submission in. {NAMED}"
    if shutil.which("bwrap") is None:
        return (
            "The sandbox needs bubblewrap, which is not installed: apt-get install bubblewrap "
            f"(or dnf install bubblewrap). {NAMED}"
        )
    if problem := _switched_off() or (_private(policy) if os.geteuid() == 0 else None):
        return f"{problem} {NAMED}"
    return _tried(policy)


def _switched_off() -> str | None:
    for name, wrong, right in (
        ("kernel/unprivileged_userns_clone", 0, 1),
        ("user/max_user_namespaces", 0, 10000),
    ):
        if _setting(name) == wrong:
            setting = f"{name.replace('/', '.')}={right}"
            return f"User namespaces are switched off. As root: sysctl -w {setting} {KEEP}."
    return None


def _private(policy: Policy) -> str | None:
    """What root alone may read of that which the sandbox needs, where its processes are not root."""
    for path in [*visible(policy), str(PACKAGE)]:
        needed = 0o5 if os.path.isdir(path) else 0o4
        if not path.startswith("/etc/") and os.stat(path).st_mode & needed != needed:
            return f"{path} is root's alone, and submissions run as other users: chmod -R go+rX {path}."
        for folder in [] if rules_all_uids() else Path(path).parents:
            if not os.stat(folder).st_mode & 0o1:
                return (
                    f"{folder} is root's alone, Python needs {path}, and this root may not make namespaces, "
                    "as in most containers: grade as another user, or start the container with --privileged."
                )
    return None


def _tried(policy: Policy) -> str | None:
    try:
        with (
            Box(policy, prepare="gentutor.grading.box.refusal:nothing") as box,
            box.spawn("gentutor.grading.box.refusal:nothing"),
        ):
            return None
    except BoxError as error:
        return f"The sandbox does not work here: {error}\n{_mend()} {NAMED}"


def nothing(argument: object) -> bytes:
    """What a child does that is only there to be tried."""
    return b""


def _mend() -> str:
    name = "kernel/apparmor_restrict_unprivileged_userns"  # Ubuntu 23.10 and later
    if _setting(name) == 1:
        return f"AppArmor restricts user namespaces. As root: sysctl -w {name.replace('/', '.')}=0 {KEEP}."
    return "Most containers forbid namespaces: start this one with --privileged, or grade outside of it."


def _setting(name: str) -> int | None:
    path = Path("/proc/sys", name)
    return int(path.read_text()) if path.exists() else None
