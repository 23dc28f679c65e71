"""The process ends, by its own will or not."""

from hostile.corpus import case

END = "check-largest_angle"


@case("solved")
def exits_politely(lab):
    """`exit()`, `quit()` and `sys.exit` in cells of one's own: IPython goes on."""
    lab.own("exit()", after="load-data")
    lab.own("import sys\nsys.exit(0)", after="load-data")
    lab.own("raise SystemExit('done')", after="load-data")
    lab.own("quit()", after="load-data")
    lab.own("raise KeyboardInterrupt", after="load-data")


@case("hollow")
def exits_as_if_all_were_well(lab):
    """The process is gone before anything was judged, with status 0."""
    lab.own("import os\nos._exit(0)")


@case("solved")
def exits_after_the_checks(lab):
    """The same, when all has been judged."""
    lab.own("import os\nos._exit(1)", after=END)


@case("solved", costs=["fit", "encode_decode", "errors"])
def exits_in_answers(lab):
    """SystemExit, KeyboardInterrupt and GeneratorExit from answers."""
    lab.answer("fit", "def fit(X, r):\n    raise SystemExit(0)")
    lab.answer("encode_decode", "def encode(X, mean, Theta):\n    raise KeyboardInterrupt")
    lab.answer("errors", "def squared_error(X, X_hat):\n    raise GeneratorExit")


@case("solved", costs=["fit"])
def dies_in_an_answer(lab):
    """An answer that ends its process: the others are asked in another one."""
    lab.answer("fit", "def fit(X, r):\n    import os\n    os._exit(0)")


@case("solved", costs=["errors"])
def crashes_in_an_answer(lab):
    """A null pointer, in an answer."""
    lab.answer("errors", "import ctypes\ndef squared_error(X, X_hat):\n    ctypes.string_at(0)\n")


@case("solved", costs=["kept"])
def aborts_in_an_answer(lab):
    """`abort`, in an answer."""
    lab.answer("kept", "import os\ndef kept_answers():\n    os.abort()\n")


@case("solved")
def kills_itself(lab):
    """SIGKILL, to its own process and its group."""
    lab.own(
        "import os, signal\nos.killpg(0, signal.SIGKILL)\nos.kill(os.getpid(), signal.SIGKILL)", after=END
    )


@case("solved")
def kills_all(lab):
    """SIGKILL and SIGSTOP to every process that can be reached: the parent, process 1, all."""
    lab.attack(
        """
        import os, signal
        for pid in (os.getppid(), 1, *range(2, 4000)):
            if pid not in (os.getpid(), 0):
                for n in (signal.SIGSTOP, signal.SIGKILL):
                    try: os.kill(pid, n)
                    except OSError: pass
        """
    )


@case("solved")
def stops_itself(lab):
    """SIGSTOP: the process is there, and silent."""
    lab.own("import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)", after=END)


@case("solved")
def becomes_another(lab):
    """The process is replaced by a command, with the same descriptors."""
    lab.attack("import os\nos.execv('/bin/sleep', ['sleep', '1000', MARK])", after=END)


@case("solved")
def closes_everything(lab):
    """Every descriptor is closed, or points to /dev/null."""
    lab.attack(
        """
        import os
        null = os.open("/dev/null", os.O_RDWR)
        for fd in range(3, 256):
            if fd != null:
                try: os.dup2(null, fd)
                except OSError: pass
        os.closerange(0, 1024)
        """,
        after=END,
    )
