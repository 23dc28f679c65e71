"""What is meant to stay when the notebook has ended. The grader's test looks for it afterwards."""

from hostile.corpus import case

LEAVES = """
        import os, subprocess, sys
        def stay():
            os.execv("/bin/sh", ["sh", "-c", f"while true; do sleep 1; echo {MARK} >> {MARK}-daemon; done"])
        """


@case("solved")
def daemon(lab):
    """A process in a session of its own, forked twice, that writes for ever."""
    lab.attack(
        LEAVES
        + """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0: stay()
            os._exit(0)
        """
    )


@case("solved")
def children_left(lab):
    """Commands in the background, by nohup, setsid and disown, that ignore the hang-up."""
    lab.attack(
        """
        import subprocess
        stay = f"sh -c 'while true; do sleep 1; echo {MARK}; done'"
        for start in ("nohup {} &", "setsid {} &", "trap '' HUP TERM INT; {} & disown"):
            subprocess.Popen(["bash", "-c", start.format(stay)])
        """
    )


@case("solved")
def child_that_holds_every_descriptor(lab):
    """The process that was started ends; a child of it stays, with all that it inherited open."""
    lab.attack(
        """
        import os, signal, time
        if os.fork() == 0:
            for n in (1, 2, 3, 13, 15): signal.signal(n, signal.SIG_IGN)
            while True: time.sleep(0.01)
        """,
        after="check-largest_angle",
    )
    lab.own("import os\nos._exit(0)", after="read-more")


@case("solved")
def threads_left(lab):
    """Threads that are no daemons, and a function that starts more at the exit."""
    lab.attack(
        """
        import atexit, threading, time
        def stay():
            while True: time.sleep(0.05)
        def more():
            threading.Thread(target=stay).start()
            while True: time.sleep(1)
        threading.Thread(target=stay, daemon=False).start()
        atexit.register(more)
        """
    )


@case("solved")
def workers_left(lab):
    """Pools of processes that are never closed, in the middle of a task."""
    lab.attack(
        """
        import multiprocessing, time
        pool = multiprocessing.get_context("fork").Pool(2)
        waits = pool.map_async(time.sleep, [10**6] * 4)
        """
    )
