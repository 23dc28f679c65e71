"""Where the sandbox cannot work: said plainly, with what would mend it, before anything is graded.

There is no silent way round it: without the sandbox a class is graded only where `--no-sandbox` says so.
"""

import os
import shutil
import sys
from pathlib import Path

from gentutor.grading.box.policy import PACKAGE, Policy, rules_all_uids, visible

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
    if rules_all_uids() and (path := _private(policy)):
        return (
            f"{path} can be read by its owner only, and submissions run under other user ids: "
            f"chmod -R go+rX {path}. {NAMED}"
        )
    return _tried(policy)


def _private(policy: Policy) -> str | None:
    """A path that is put into the sandbox and that other users may not read, if there is one."""
    for path in [*visible(policy), str(PACKAGE)]:
        needed = 0o5 if os.path.isdir(path) else 0o4
        if path.startswith("/etc/") or os.stat(path).st_mode & needed == needed:
            continue
        return path
    return None


def _tried(policy: Policy) -> str | None:
    from gentutor.grading.box.host import Box, BoxError

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
    for name, wrong, mend in (
        ("kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=10000"),
        (
            "kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ):
        setting = Path("/proc/sys") / name
        if setting.exists() and setting.read_text().strip() == wrong:
            return f"User namespaces are switched off. As root: {mend} (to keep it: a file in /etc/sysctl.d)."
    return (
        "In a container, user namespaces are mostly forbidden: start it with --privileged, or with "
        "--cap-add SYS_ADMIN --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
        "--security-opt systempaths=unconfined; or grade outside of it."
    )
