"""More of something than a submission may have: processes, threads, memory, files, descriptors, stack.

Most stand below the last check of a solved lab, whose marks are safe by then.
"""

from hostile.corpus import case

END = "check-largest_angle"


@case("solved", says="(?i)process|time")
def fork_bomb(lab):
    """Each process makes two more, for ever."""
    lab.attack("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", after=END)


@case("hollow")
def fork_bomb_at_the_top(lab):
    """The same before anything was judged, from the shell."""
    lab.attack("import subprocess\nsubprocess.run(['bash', '-c', ':(){ :|:& };:'])")


@case("solved")
def subprocess_bomb(lab):
    """A thousand commands side by side."""
    lab.attack(
        "import subprocess\nall_of_them = [subprocess.Popen(['sleep', '60', MARK]) for _ in range(1000)]",
        after=END,
    )


@case("solved")
def thread_bomb(lab):
    """Ten thousand threads that wait."""
    lab.attack(
        """
        import threading
        for _ in range(10_000): threading.Thread(target=threading.Event().wait, daemon=True).start()
        """,
        after=END,
    )


@case("solved")
def memory_bomb(lab):
    """All the memory that there is, a hundred megabytes at a time."""
    lab.attack("hoard = []\nwhile True: hoard.append(bytearray(b'x') * (100 << 20))", after=END)


@case("solved", costs=["fit"], says="(?i)memory")
def memory_bomb_in_an_answer(lab):
    """An answer that asks for too much: the other exercises have what they need."""
    lab.answer("fit", "def fit(X, r):\n    return X.mean(0), torch.ones(200_000, 200_000).double()")


@case("solved")
def memory_shared(lab):
    """Memory that no process owns: anonymous and shared, in /dev/shm, in a memfd."""
    lab.attack(
        """
        import mmap, os
        fd = os.memfd_create("hoard")
        def fill(f):
            for _ in range(80): f.write(b"x" * (50 << 20))
        for hoard in (lambda: mmap.mmap(-1, 4 << 30).write(b"x" * (4 << 30)),
                      lambda: fill(open("/dev/shm/hoard", "wb")), lambda: fill(os.fdopen(fd, "wb"))):
            try:
                hoard()
                got_through("4 GB")
            except (OSError, ValueError, MemoryError) as error: print(error)
        """,
        after=END,
    )


@case("solved")
def memory_of_nobody(lab):
    """Memory that the kernel holds and counts for nobody: unread messages, pages lent to a pipe."""
    lab.attack(
        """
        import ctypes, os, socket
        keep, unread = [], 0
        try:
            while True:
                keep += socket.socketpair()
                for s in keep[-2:]:
                    try: s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 30)
                    except OSError: pass
                    s.setblocking(False)
                    try:
                        while True: unread += s.send(bytes(65536))
                    except OSError: pass
        except OSError as error: print(error, unread)
        if unread > 256 << 20: got_through(unread, "bytes unread")
        for s in keep: s.close()
        class Piece(ctypes.Structure): _fields_ = [("at", ctypes.c_void_p), ("length", ctypes.c_size_t)]
        page = ctypes.create_string_buffer(1)
        lent = ctypes.CDLL(None).vmsplice(os.pipe()[1], ctypes.byref(Piece(ctypes.addressof(page), 1)), 1, 0)
        if lent == 1: got_through("lent a page to a pipe")
        """,
        after=END,
    )


@case("solved")
def memory_of_many(lab):
    """Eight processes, each with a good part of what one may have."""
    lab.attack(
        """
        import os, time
        for _ in range(8):
            if os.fork() == 0:
                hoard = bytearray(b"x") * (600 << 20)
                time.sleep(60)
        time.sleep(4)
        """,
        after=END,
    )


@case("solved")
def file_bomb(lab):
    """A file that grows for ever, wherever one can be written."""
    lab.attack(
        """
        for place in (".", "/tmp", "/var/tmp", "/dev/shm", "/run", "/root", "/home"):
            try:
                with open(place + "/hoard", "wb") as file:
                    for _ in range(60): file.write(b"x" * (50 << 20))
                got_through("3 GB in", place)
            except OSError as error: print(place, error)
        """,
        after=END,
    )


@case("solved")
def many_files(lab):
    """A million empty files and folders within folders."""
    lab.attack(
        """
        import os
        for n in range(10**6): os.close(os.open(f"{n}", os.O_CREAT | os.O_WRONLY))
        """,
        after=END,
    )
    lab.attack(
        "for _ in range(10**6):\n    os.mkdir('d')\n    os.chdir('d')",
        after=END,
    )


@case("solved")
def descriptor_bomb(lab):
    """Every descriptor taken, before the first answer: the checks ask all the same."""
    lab.attack(
        "import os\nhoard = []\ntry:\n    while True: hoard.append(os.dup(1))\nexcept OSError as e: print(e)"
    )


@case("solved")
def stack_without_bounds(lab):
    """A recursion that the interpreter does not stop: the process dies of it."""
    lab.attack(
        """
        import sys
        sys.setrecursionlimit(10**9)
        class Deep:
            def __repr__(self): return repr([self])
        repr(Deep())
        """,
        after=END,
    )
