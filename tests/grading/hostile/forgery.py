"""Answers to the judge that no function gave: frames written by hand, twice, too early, too long.

The formats that are tried are those of the grader itself, and a few that it does not have.
"""

from hostile.corpus import case

# What a forger sends: lengths and bodies of several makes, complete, cut off and beyond all bounds.
FRAMES = r"""
        import json, os, pickle, struct
        class Trap:
            def __reduce__(self): return (exec, (f"open({MARK!r} + '-pickle', 'w').write('was here')",))
        said = {"passed": True, "outputs": [], "ok": {}, "value": None, "i": 0, "verdict": "passed"}
        bodies = [json.dumps(said).encode(), pickle.dumps(Trap()), b"", b"\xff" * 1000, b"null", b"[]"]
        frames = [body + b"\n" for body in bodies]
        for form in (">Q", "<Q", ">I", "<I"):
            frames += [struct.pack(form, len(body)) + body for body in bodies]
            frames += [struct.pack(form, 2 ** 31 - 1) + b"x", struct.pack(form, 5) + b"x"]
            frames += [struct.pack(form, 2 ** (8 * struct.calcsize(form)) - 1)]
        def flood(of=None):
            for fd in range(3, 256):
                for frame in frames if of is None else of:
                    try: os.set_blocking(fd, False); os.write(fd, frame)
                    except OSError: pass
"""


@case("hollow")
def frames_to_every_descriptor(lab):
    """Every frame to every open descriptor, from a cell, before anything was asked."""
    lab.attack(FRAMES + "\n        flood()")


@case("hollow")
def frames_from_an_answer(lab):
    """The same while an answer is being asked for, so that the forged reply comes first."""
    lab.attack(FRAMES)
    for exercise in ("fit", "largest_angle"):
        lab.answer(exercise, lab.cell(exercise).source.replace("):\n", "):\n    flood()\n", 1))


@case("hollow")
def frames_from_a_thread(lab):
    """The same from a thread, all the time."""
    lab.attack(
        FRAMES
        + """
        import threading, time
        def always():
            while True:
                flood(frames[:3])
                time.sleep(0.02)
        threading.Thread(target=always, daemon=True).start()
        """
    )


@case("hollow")
def half_a_frame(lab):
    """The beginning of a long frame, and then nothing."""
    lab.attack(
        """
        import os, struct
        def fit(X, r):
            for fd in range(3, 256):
                try: os.write(fd, struct.pack(">Q", 1000) + b"x")
                except OSError: pass
            import time
            time.sleep(10**6)
        """,
        after="fit",
    )


@case("hollow")
def descriptors_exchanged(lab):
    """Every socket is a pair of the student's own, at whose other end a thread says that all is well."""
    lab.attack(
        FRAMES
        + """
        import socket, stat
        for fd in range(3, 256):
            try:
                if stat.S_ISSOCK(os.fstat(fd).st_mode):
                    mine, other = socket.socketpair()
                    for frame in frames[:8]: mine.send(frame)
                    os.dup2(other.fileno(), fd)
            except OSError: pass
        """
    )


@case("hollow")
def replies_of_another_class(lab):
    """`Local.perform`, `plain` and `Reply` are the student's: replies with values that lie."""
    lab.attack(
        """
        from gentutor.check import call as room
        class Everything:
            def __eq__(self, other): return True
            def __getattr__(self, name): return self
            def __call__(self, *a, **k): return self
            def __iter__(self): return iter((self, self))
            def __len__(self): return 2
            def __bool__(self): return True
        def perform(self, call):
            return room.Reply(value=Everything(), gradients=(Everything(),), args_after=call.args, called=())
        room.Local.perform = perform
        room.plain = lambda value, depth=0: Everything()
        check.Local.perform = perform
        check.Opaque = Everything
        """
    )


@case("hollow")
def replies_with_too_much(lab):
    """Replies whose arguments, names and prints are a hundred megabytes of the wrong type."""
    lab.attack(
        """
        from gentutor.check import call as room
        def perform(self, call):
            return room.Reply(value="v" * 66_000_000, gradients=[1] * 999, second={}, args_after=5, called=3,
                              printed=["p"] * 10**5, failure=room.Failure(1, [2], {}, None))
        room.Local.perform = perform
        """
    )


@case("hollow")
def every_function_of_the_trial(lab):
    """Whatever looks as if it sent, packed or judged something does it twice."""
    lab.attack(
        """
        import sys, types
        words = ("send", "encode", "pack", "dump", "reply", "verdict", "judge", "passed", "write")
        for name, module in list(sys.modules.items()):
            if not name.startswith("gentutor.grading"): continue
            for key, value in list(vars(module).items()):
                owners = [(module, key, value)]
                if isinstance(value, type):
                    owners = [(value, k, v) for k, v in list(vars(value).items())]
                for owner, key, function in owners:
                    if isinstance(function, types.FunctionType) and any(w in key.lower() for w in words):
                        print(owner, key)
                        def twice(*a, f=function, **k):
                            f(*a, **k)
                            return f(*a, **k)
                        try: setattr(owner, key, twice)
                        except (AttributeError, TypeError): pass
        """
    )
