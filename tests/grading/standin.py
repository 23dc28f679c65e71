"""Trials that obey the records and run nothing: what an executor does can be seen in what they tell."""

import os
import threading
import time
from pathlib import Path

from gentutor.grading.records import Cell, Job, Limits, Tried

LIMITS = Limits()


def job(student, what="right", seconds=0.0):
    """A job whose one cell says what becomes of it."""
    return Job(student, "lab", (Cell("check-fit", "check", f"{what} {seconds}"),), (), "salt", LIMITS)


def broken():
    """Opens no trials."""
    raise RuntimeError("bubblewrap is not installed")


def output(text):
    return {"output_type": "stream", "name": "stdout", "text": text}


class Told:
    """Trials that note in a folder what was done in which process; a folder crosses to other processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.class_outputs = {"plot": [output("a plot")]}
        self.closed = threading.Event()

    def __enter__(self):
        self._note("opened", "")
        return self

    def __exit__(self, *_):
        self.closed.set()
        self._note("closed", "")

    def run(self, job):
        what, seconds = job.cells[0].source.split()
        self._note("ran", job.student)
        if self.closed.wait(float(seconds)):
            raise ConnectionError("the box is gone")
        if what == "kills":
            os.kill(os.getpid(), 9)
        if what == "raises" or (what == "raises-once" and self.count("ran", job.student) < 2):
            raise ConnectionError("the box is gone")
        if what == "endless":
            return Tried({}, stopped="ran longer than 600 s")
        return Tried({"check-fit": [output(f"{job.student} {job.salt}")]}, cpu_seconds=1.0)

    def _note(self, what, student):
        name = f"{what}.{student}.{os.getpid()}.{threading.get_ident()}.{time.monotonic_ns()}"
        (self.folder / name).touch()

    def count(self, what, student="*"):
        return len(list(self.folder.glob(f"{what}.{student}.*")))

    def processes(self, what="ran"):
        return {int(path.name.split(".")[2]) for path in self.folder.glob(f"{what}.*")}
