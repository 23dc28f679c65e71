"""What never ends, and does not want to be ended."""

from hostile.corpus import EVERYTHING, case

END = "check-largest_angle"


@case("solved", says="(?i)second|time|long")
def endless_cell(lab):
    """A cell of one's own that never ends, below the last check."""
    lab.own("import time\nwhile True: time.sleep(1)", after=END)


@case("hollow")
def endless_first_cell(lab):
    """The same above everything."""
    lab.own("import time\ntime.sleep(10**6)")


@case("solved", costs=["fit"], says="(?i)second|time|long")
def endless_answer(lab):
    """An answer that never ends: the next exercise is asked all the same."""
    lab.answer("fit", "def fit(X, r):\n    while True: pass")


@case("solved", costs=["errors"], says="(?i)second|time|long")
def sleeping_answer(lab):
    """An answer that waits for what does not come."""
    lab.answer("errors", "import threading\ndef squared_error(X, X_hat):\n    threading.Event().wait()\n")


@case("solved", says="(?i)second|time|long")
def deaf_cell(lab):
    """Every signal is ignored or blocked, every exception caught, in a loop."""
    lab.attack(
        """
        import signal
        for n in signal.valid_signals():
            try: signal.signal(n, signal.SIG_IGN)
            except (OSError, ValueError): pass
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        signal.setitimer(signal.ITIMER_REAL, 0)
        import time
        while True:
            try: time.sleep(1)
            except BaseException: pass
        """,
        after=END,
    )


@case("solved", costs=["fit"], says="(?i)second|time|long")
def deaf_answer(lab):
    """The same in an answer."""
    lab.answer(
        "fit",
        """
        def fit(X, r):
            import signal, time
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
            while True:
                try: time.sleep(1)
                except BaseException: pass
        """,
    )


@case("solved")
def loop_in_c(lab):
    """A power that no signal interrupts, and a pattern that takes a billion years."""
    lab.own("import re\nre.match(r'(a+)+$', 'a' * 60 + 'b')\n10 ** 10 ** 10", after=END)


@case("solved", costs=["largest_angle"])
def loop_in_torch(lab):
    """A product of matrices that takes an hour, in an answer."""
    lab.answer(
        "largest_angle",
        "def largest_angle(A, B):\n    M = torch.ones(3000, 3000).double()\n    while True: M = M @ M / 3000",
    )


@case("solved")
def loop_in_a_destructor(lab):
    """An object that never dies when its cell lets go of it, and one whose text never ends."""
    lab.own(
        """
        class Undying:
            def __del__(self):
                import time
                while True: time.sleep(1)
        undying = Undying()
        del undying
        """,
        after=END,
    )


@case("solved")
def loop_in_a_display(lab):
    """A value that is shown for ever."""
    lab.own(
        "import time\nclass Shown:\n    def __repr__(self):\n        while True: time.sleep(1)\nShown()",
        after=END,
    )


@case("solved")
def loop_in_a_thread(lab):
    """A thread that holds the interpreter as long as it is let, while the answers are judged."""
    lab.own(
        """
        import sys, threading
        def spin():
            while True: pass
        threading.Thread(target=spin).start()
        """
    )


@case("solved", costs=EVERYTHING, says="(?i)second|time|long")
def every_answer_is_endless(lab):
    """No exercise ends: the whole is bounded, not each alone."""
    for exercise, source in (
        ("fit", "def fit(X, r):"),
        ("encode_decode", "def encode(X, mean, Theta):"),
        ("errors", "def squared_error(X, X_hat):"),
        ("kept", "def kept_answers():"),
        ("gradient_step", "def gradient_step(Theta, Phi, X, lr):"),
        ("largest_angle", "def largest_angle(A, B):"),
    ):
        lab.answer(exercise, source + "\n    import time\n    while True: time.sleep(1)")
