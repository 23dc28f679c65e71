"""Every hostile submission in one class, graded by the real command in the real sandbox.

What each must come to stands with it, in `hostile/`. Besides, no case may find what is not the student's,
reach the network, leave anything behind, swell the gradebook's tree, or put a word of its own into the
instructor's browser or terminal; and the class must be graded to its end.

That the cases have teeth was tried once, on all but the bombs, with plain nbgrader 0.9.6 in this repository's
configuration: 17 gained marks that they do not deserve, 6 read what is not theirs, 2 reached the network, 4
stopped the class or hung it, 3 processes stayed behind, and 29 lost marks that they do deserve.
"""

import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hostile import all_cases
from hostile.browser import PAYLOAD
from hostile.corpus import GOT_THROUGH, POINTS, UNIT, World
from nbgrader.api import Gradebook
from planting import ROOT

CASES = all_cases()
EXCHANGED = "exchanged-while-it-is-read"
CELL_SECONDS = 3
MOST_MEMORY = 2 << 30  # bytes of the grading process itself, and of each process in the box
MOST_BYTES = 8 << 20  # of a student's notebook

# Texts that no student may see: from files, the environment, another's notebook, a hidden test, a rubric.
SALT = "5a17" * 8
SECRETS = ("canary-of-", SALT, "normal(5, 9) + 4", "he does not see the digit", GOT_THROUGH)


# The command, with pages of feedback for those who attack the browser only: each takes a third of a second.
COMMAND = f"""
from gentutor.cli import main
from gentutor.grading.book import Book
feedback, wanted = Book.feedback, {[name for name, case in CASES.items() if case.kind == "browser"]}
Book.feedback = lambda book, students, workers: feedback(book, [s for s in students if s in wanted], workers)
main()
"""


@dataclass(frozen=True)
class Graded:
    """The class after one run of `gentutor grade`."""

    world: World
    submissions: Path
    status: int
    said: str
    seconds: float
    most_memory: int
    heard: list[str]

    @property
    def work(self) -> Path:
        return self.world.course / "build" / "grading"

    @cached_property
    def marks(self) -> dict[str, dict[str, float]]:
        """By student and exercise: what the checks gave."""
        with Gradebook(f"sqlite:///{self.work / 'gradebook.db'}") as gradebook:
            notebooks = [n for s in gradebook.assignment_submissions(UNIT) for n in s.notebooks]
            return {
                notebook.student.id: {
                    grade.name.removeprefix("check-"): grade.auto_score
                    for grade in notebook.grades
                    if grade.name.startswith("check-")
                }
                for notebook in notebooks
            }

    def autograded(self, student: str) -> Path:
        return self.work / "autograded" / student / UNIT / f"{UNIT}.ipynb"

    def outputs(self, student: str, checks: bool = False) -> list[object]:
        """What the student's cells showed, and with `checks` what these did too."""
        cells = json.loads(self.autograded(student).read_text(encoding="utf-8"))["cells"]
        own = [c for c in cells if checks or not c["metadata"].get("nbgrader", {}).get("grade")]
        return [output for cell in own for output in cell.get("outputs", [])]

    def told(self, student: str) -> str:
        """All that the instructor is told of the student: lines of the report, and what the cells came to."""
        lines = [line for line in self.said.splitlines() if student in line]
        return "\n".join([*lines, json.dumps(self.outputs(student, checks=True), ensure_ascii=False)])


@pytest.fixture(scope="module")
def graded(tmp_path_factory) -> Graded:
    root = tmp_path_factory.mktemp("hostile")
    course, submissions, secret = root / "course", root / "submissions", root / "private"
    course.mkdir()
    secret.write_text("canary-of-a-private-file")
    shutil.copy(ROOT / "nbgrader_config.py", course)
    for folder in ("labs", "solutions"):
        shutil.copytree(ROOT / folder / UNIT, course / folder / UNIT)
    (course / "build" / "grading").mkdir(parents=True)
    (course / "build" / "grading" / "salt").write_text(SALT)

    heard: list[str] = []
    servers = [socket.create_server(("127.0.0.1", 0)), *map(_listening, (str(root / "s"), f"\0{root / 's'}"))]
    for server in servers:
        threading.Thread(target=_hears, args=(server, heard), daemon=True).start()
    world = World(course, secret, servers[0].getsockname()[1], str(root / "s"), str(root / "left-behind"))

    for name, case in CASES.items():
        lab, path = case.made(world), submissions / name / f"{UNIT}.ipynb"
        path.parent.mkdir(parents=True)
        if case.place:
            case.place(lab, path)
        else:  # not nbformat.write, which refuses some of what students hand in
            path.write_bytes(lab.data if lab.data is not None else json.dumps(lab.notebook).encode())

    graded = threading.Event()
    versions = [json.dumps(CASES[name].made(world).notebook).encode() for name in ("untouched", "solved")]
    flicker = threading.Thread(target=_exchanges, args=(submissions / EXCHANGED, versions, graded))
    flicker.start()

    command = [sys.executable, "-c", COMMAND, "grade", "01", str(submissions)]
    command += [f"--folder={course}", f"--timeout={CELL_SECONDS}", "--memory=1G", "--workers=8"]
    start = time.monotonic()
    run = subprocess.run(
        command,
        env={**os.environ, "GRADER": "canary-of-the-environment", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=600,
        check=False,
    )
    seconds = time.monotonic() - start
    graded.set()
    flicker.join()
    for server in servers:
        server.close()
    said = (run.stdout + run.stderr).decode()
    most_memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
    return Graded(world, submissions, run.returncode, said, seconds, most_memory, heard)


def _listening(address: str) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.bind(address)
    server.listen()
    return server


def _exchanges(folder: Path, versions: list[bytes], graded: threading.Event) -> None:
    """Puts one file in the place of the other, all the time."""
    folder.mkdir()
    while not graded.wait(0.002):
        versions.reverse()
        (folder / "new").write_bytes(versions[0])
        (folder / "new").replace(folder / f"{UNIT}.ipynb")


def _size(path: Path) -> int:
    return sum(p.stat().st_size for p in ([path] if path.is_file() else path.rglob("*")))


def _hears(server: socket.socket, heard: list[str]) -> None:
    while True:
        try:
            connection, _ = server.accept()
        except OSError:  # closed: the class is graded
            return
        heard.append(str(server.getsockname()))
        connection.close()


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not case.refused])
def test_a_submission_comes_to_what_it_must(graded, name):
    case, told = CASES[name], graded.told(name)
    assert graded.marks[name] == case.marks, told[:3000]
    assert re.search(case.says, told), told[:3000]
    theirs = "\n".join(cell.source for cell in case.made(graded.world).cells)
    shown = json.dumps(graded.outputs(name), ensure_ascii=False)
    for secret in SECRETS:
        assert secret not in shown or secret in theirs, shown[max(0, shown.find(secret) - 500) :][:1000]
    handed_in = (graded.submissions / name / f"{UNIT}.ipynb").stat().st_size
    for path in (graded.autograded(name), graded.work / "journal" / UNIT / name):
        assert _size(path) < MOST_BYTES + handed_in, path


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.refused])
def test_what_cannot_be_graded_is_refused_with_a_reason(graded, name):
    assert name not in graded.marks
    (line,) = [line for line in graded.said.splitlines() if re.match(rf"\[.*\] {name}: ", line)]
    assert len(line) > len(name) + 30, line
    assert "canary" not in line


def test_a_file_that_changes_is_read_once(graded):
    (received,) = (graded.work / "received" / UNIT / EXCHANGED).iterdir()
    solved = json.dumps(CASES["solved"].made(graded.world).notebook).encode()
    name = "solved" if received.read_bytes() == solved else "untouched"
    assert graded.marks[EXCHANGED] == CASES[name].marks


def test_the_class_is_graded_to_its_end(graded):
    assert graded.status == 1, graded.said[-3000:]  # since some were refused
    done = [line for line in graded.said.splitlines() if re.match(r"\[\d+/\d+\]", line)]
    assert len(done) == len(CASES) + 1
    assert not [line for line in done if "not graded" in line]
    assert graded.marks.keys() - {EXCHANGED} == {n for n, case in CASES.items() if not case.refused}
    assert graded.seconds < 500
    assert graded.most_memory < MOST_MEMORY


def test_nothing_is_left_running(graded):
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            command = Path("/proc", pid, "cmdline").read_bytes()
        except OSError:  # it has ended
            continue
        assert graded.world.mark.encode() not in command, command


def test_nothing_is_left_on_disk(graded):
    left = Path(graded.world.mark)
    assert not list(left.parent.glob(f"{left.name}*"))
    assert not list(Path.home().glob(f"{left.name}*"))
    assert not (graded.world.course / "x").exists()
    assert graded.world.secret.read_text() == "canary-of-a-private-file"
    assert (graded.work / "salt").read_text() == SALT
    for place in ("/tmp", "/var/tmp", "/dev/shm", "/root", "/home"):
        assert not Path(place, "hoard").exists()


def test_nobody_reaches_the_network(graded):
    assert graded.heard == []


def test_the_report_is_text_of_ours(graded):
    report = (graded.work / "reports" / f"{UNIT}.md").read_text(encoding="utf-8")
    for text in (report, graded.said):
        assert all(character.isprintable() or character == "\n" for character in text)
        assert max(map(len, text.splitlines())) < 5000
    assert not re.search(rf"(?<!\\)<[a-z/][^>]*{PAYLOAD}", report)
    assert "\n# All passed" not in report


class Runs(HTMLParser):
    """Collects what a browser would run of a page: scripts, handlers, addresses that are scripts, frames."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._script = tag == "script"
        for name, value in attrs:
            address = re.sub(r"[\x00-\x20]", "", value or "").lower()
            if name.startswith("on") or name == "srcdoc" or address.startswith("javascript:"):
                self.found.append(f"{tag} {name}={value}")

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script:
            self.found.append(data)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.kind == "browser"])
def test_the_browser_runs_nothing_of_the_students(graded, name):
    page = (graded.work / "feedback" / name / UNIT / f"{UNIT}.html").read_text(encoding="utf-8")
    shown = [output.get("data", {}).get("text/html", []) for output in graded.outputs(name, checks=True)]
    for html in (page, *map("".join, shown)):
        runs = Runs()
        runs.feed(html)
        assert not [script for script in runs.found if PAYLOAD in script]


def test_marks_of_the_lab_are_what_the_cases_count_with():
    assert sum(POINTS.values()) == 18
