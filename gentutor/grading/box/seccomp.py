"""System calls that a child may not make: they answer "not permitted".

The namespaces already keep a child from what it should not touch. These calls are refused besides: they get
at memory that no limit counts (anonymous files, System V segments, keys, pages lent to a pipe, sockets with
buffers of megabytes), or at parts of the kernel that a submission has no use for and in which holes were
found before.
"""

import ctypes
import errno
import platform
import struct

# Numbers of the calls, from the kernel's tables: unistd_64.h for x86_64, asm-generic/unistd.h for aarch64.
NUMBERS = {
    "x86_64": {
        "shmget": 29, "semget": 64, "msgget": 68, "ptrace": 101, "syslog": 103, "pivot_root": 155,
        "mount": 165, "umount2": 166, "mq_open": 240, "add_key": 248, "request_key": 249, "keyctl": 250,
        "unshare": 272, "perf_event_open": 298, "open_by_handle_at": 304, "setns": 308,
        "process_vm_readv": 310, "process_vm_writev": 311, "vmsplice": 278, "memfd_create": 319,
        "bpf": 321, "userfaultfd": 323, "io_uring_setup": 425, "open_tree": 428, "move_mount": 429,
        "fsopen": 430, "fsmount": 432, "mount_setattr": 442, "memfd_secret": 447,
    },
    "aarch64": {
        "umount2": 39, "mount": 40, "pivot_root": 41, "unshare": 97, "syslog": 116, "ptrace": 117,
        "mq_open": 180, "msgget": 186, "semget": 190, "shmget": 194, "add_key": 217, "request_key": 218,
        "keyctl": 219, "perf_event_open": 241, "open_by_handle_at": 265, "setns": 268,
        "process_vm_readv": 270, "process_vm_writev": 271, "vmsplice": 75, "memfd_create": 279,
        "bpf": 280, "userfaultfd": 282, "io_uring_setup": 425, "open_tree": 428, "move_mount": 429,
        "fsopen": 430, "fsmount": 432, "mount_setattr": 442, "memfd_secret": 447,
    },
}  # fmt: skip
SETSOCKOPT = {"x86_64": 54, "aarch64": 208}
BUFFERS = (7, 8, 32, 33)  # SO_SNDBUF, SO_RCVBUF, and both by force: options of level SOL_SOCKET, which is 1
ARCHITECTURE = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_* of linux/audit.h
X32 = 0x40000000  # x86_64's second set of calls
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06  # BPF instructions of linux/bpf_common.h
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | errno.EPERM
PR_SET_SECCOMP, FILTER = 22, 2


def install() -> None:
    """Refuse those calls from now on, for this process and all that it starts. Nothing on other machines."""
    machine = platform.machine()
    if machine not in NUMBERS:
        return
    program = _program(machine)
    code = ctypes.create_string_buffer(program, len(program))
    # struct sock_fprog: a count of instructions of 8 bytes, and where they are
    prog = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    filter_ = ctypes.create_string_buffer(prog, len(prog))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_SECCOMP, FILTER, filter_, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the filter of system calls was not accepted")


def _program(machine: str) -> bytes:
    """Each step is an instruction, how many to leap if it holds and if not, and its operand."""
    numbers = sorted(NUMBERS[machine].values())
    steps = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, ARCHITECTURE[machine]), (RETURN, 0, 0, REFUSE), (LOAD, 0, 0, 0)]
    # of setsockopt: the second argument, the level, and the third, the option
    options = [(LOAD, 0, 0, 24), (EQUAL, 0, len(BUFFERS) + 1, 1), (LOAD, 0, 0, 32)]
    options += [(EQUAL, len(BUFFERS) - index, 0, option) for index, option in enumerate(BUFFERS)]
    steps += [(AT_LEAST, len(numbers) + len(options) + 2, 0, X32)]
    steps += [(EQUAL, len(numbers) - index + len(options) + 1, 0, n) for index, n in enumerate(numbers)]
    steps += [(EQUAL, 0, len(options), SETSOCKOPT[machine]), *options]
    steps += [(RETURN, 0, 0, ALLOW), (RETURN, 0, 0, REFUSE)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
