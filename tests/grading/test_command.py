"""`gentutor grade` on a course of one small lab, with everything real: sandbox, gradebook, processes."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from subprocess import PIPE

import nbformat
import pytest
import toy
from click.testing import CliRunner
from nbgrader.api import Gradebook

from gentutor.cli import main
from gentutor.grading import grade as leader
from gentutor.grading.box import Policy, why_not
from gentutor.grading.intake.ids import safe_id
from gentutor.grading.lab import LabError
from gentutor.grading.records import Tried

ROOT = Path(__file__).parents[2]
WRONG = "def double(x):\n    return 3 * x"
ANSWERS = {  # by student: solved or not, and what is written otherwise
    "ada": (True, {}),
    "bob": (False, {}),
    "eve": (True, {"double": WRONG}),
    "Zoë O'Neil": (True, {"words": "I say."}),
}
MARKS = {"ada": (3, 2), "bob": (0, 0), "eve": (0, 2), safe_id("Zoë O'Neil"): (3, 2)}


@pytest.fixture(scope="module")
def sandbox():
    why = why_not(Policy())
    if why and not os.environ.get("CI"):  # there the tests fail
        pytest.skip(why)


@pytest.fixture
def course(tmp_path):
    """A course folder, with the lab in labs/ and solutions/."""
    root = tmp_path / "course"
    for folder, notebook in (("labs", toy.release()), ("solutions", toy.master())):
        (root / folder / toy.UNIT).mkdir(parents=True)
        nbformat.write(notebook, root / folder / toy.UNIT / f"{toy.UNIT}.ipynb")
    shutil.copy(ROOT / "nbgrader_config.py", root)
    return root


def hand_in(folder, answers=ANSWERS):
    """Puts each student's notebook into a folder of theirs; returns the class's folder."""
    for student, (solved, texts) in answers.items():
        (folder / student).mkdir(parents=True)
        notebook = toy.submission(solved=solved, **texts).notebook
        nbformat.write(notebook, folder / student / f"{toy.UNIT}.ipynb")
    return folder


def grade(course, path, *options):
    line = ["grade", "99", str(path), "--folder", str(course), "--workers", "2", *options]
    return CliRunner().invoke(main, line, catch_exceptions=False)


def marks(course):
    """By student the automatic marks of the two checks, as nbgrader has them."""
    with Gradebook(f"sqlite:///{course / 'build' / 'grading' / 'gradebook.db'}") as gradebook:
        found = {}
        for submission in gradebook.assignment_submissions(toy.UNIT):
            (notebook,) = submission.notebooks
            scores = {grade.name: grade.auto_score for grade in notebook.grades}
            found[submission.student_id] = scores["check-double"], scores["check-step"]
        return found


def files(folder):
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_class_is_graded_and_graded_again(course, tmp_path, sandbox):
    handed = hand_in(tmp_path / "handed")
    before = files(tmp_path)
    roster = tmp_path / "class.csv"
    roster.write_text(
        "id,email\nada,ada@x.org\nbob,bob@x.org\neve,eve@x.org\nfay,fay@x.org\nZoë O'Neil,z@x.org\n"
    )

    looked = grade(course, handed, "--dry-run", "--roster", str(roster))
    assert looked.exit_code == 0, looked.output
    assert "4 would be graded, 0 graded before, 0 refused" in looked.output
    assert "## Nothing handed in\n\n- fay" in looked.output
    roster_text = roster.read_bytes()
    roster.unlink()
    assert files(tmp_path) == before  # nothing was written
    roster.write_bytes(roster_text)

    done = grade(course, handed, "--roster", str(roster))
    assert done.exit_code == 0, done.output + done.stderr
    assert marks(course) == MARKS
    assert "4 graded, in" in done.stdout
    assert "| double · value" in done.stdout
    assert "## Nothing handed in\n\n- fay" in done.stdout
    assert "[4/4]" in done.stderr
    work = course / "build" / "grading"
    assert (work / "reports" / f"{toy.UNIT}.md").read_text() == done.stdout
    assert (work / "feedback" / "eve" / toy.UNIT / f"{toy.UNIT}.html").exists()
    assert "eve@x.org" in (work / f"moodle-{toy.UNIT}.provisional.csv").read_text()

    once = files(work / "autograded")
    again = grade(course, handed)
    assert again.exit_code == 0, again.output
    assert "0 graded, 4 graded before" in again.stdout
    assert files(work / "autograded") == once
    assert "4 graded before" in grade(course, handed, "--dry-run").stdout

    (handed / "eve" / f"{toy.UNIT}.ipynb").write_bytes((handed / "ada" / f"{toy.UNIT}.ipynb").read_bytes())
    assert "1 would be graded, 3 graded before" in grade(course, handed, "--dry-run").stdout
    anew = grade(course, handed, "--again", "--workers", "1")
    assert "4 graded, in" in anew.stdout
    assert marks(course) == MARKS | {"eve": (3, 2)}


class AllPass:
    """Trials in which every check passes."""

    def __init__(self):
        self.class_outputs = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, job):
        shown = {"output_type": "stream", "name": "stdout", "text": "passed"}
        return Tried({cell.id: [shown] for cell in job.cells if cell.kind == "check"})


@pytest.fixture(scope="module")
def empty_gradebook(tmp_path_factory):
    """To make one takes nbgrader seconds."""
    path = tmp_path_factory.mktemp("empty") / "gradebook.db"
    with Gradebook(f"sqlite:///{path}", "gentutor"):
        return path


@pytest.fixture
def all_pass(course, empty_gradebook, monkeypatch):
    """Every check passes, in no sandbox; what else there is is real."""
    (course / "build" / "grading").mkdir(parents=True)
    shutil.copy(empty_gradebook, course / "build" / "grading")
    monkeypatch.setattr(leader, "open_trials", lambda *_: AllPass())
    monkeypatch.setattr(leader, "why_not", lambda _: None)


def test_what_nbgrader_collected_is_graded_where_it_lies(course, all_pass):
    submitted = course / "build" / "grading" / "submitted"
    for student in ("ada", "eve"):
        folder = submitted / student / toy.UNIT
        folder.mkdir(parents=True)
        own = {"mine": f"# {student}", "words": "Mine."}
        nbformat.write(toy.submission(**own).notebook, folder / f"{toy.UNIT}.ipynb")
    (submitted / "eve" / toy.UNIT / "timestamp.txt").write_text("2026-03-04 05:06:07.000008 UTC")
    first = grade(course, submitted)
    assert first.exit_code == 0, first.output
    assert marks(course) == {"ada": (3, 2), "eve": (3, 2)}
    assert "0 graded, 2 graded before" in grade(course, submitted).stdout


def test_one_bad_submission_is_a_line_and_the_others_are_graded(course, tmp_path, monkeypatch, all_pass):
    handed = hand_in(tmp_path / "handed", {"ada": (True, {}), "hal": (True, {}), "dan": (True, {})})
    whole = (handed / "dan" / f"{toy.UNIT}.ipynb").read_bytes()
    (handed / "dan" / f"{toy.UNIT}.ipynb").write_bytes(whole[: len(whole) // 2])
    record = leader.Book.record

    def fails_for_hal(self, submission, *arguments):
        if submission.student == "hal":
            raise ZeroDivisionError("of this test")
        return record(self, submission, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(leader.Book, "record", fails_for_hal)
        done = grade(course, handed)
    assert done.exit_code == 1
    assert "1 graded, 1 refused, 1 not graded" in done.stdout
    assert "- hal: ZeroDivisionError: of this test" in done.stdout
    assert "- dan: The file" in done.stdout
    assert marks(course) == {"ada": (3, 2)}

    monkeypatch.setattr(AllPass, "run", None)  # hal was tried, and that is kept
    rest = grade(course, handed)
    assert rest.exit_code == 1
    assert "1 graded, 1 graded before, 1 refused" in rest.stdout
    assert marks(course) == {"ada": (3, 2), "hal": (3, 2)}


def test_a_trial_that_the_machinery_loses_gives_no_marks(course, tmp_path, monkeypatch, all_pass):
    handed = hand_in(tmp_path / "handed", {"ada": (True, {}), "bob": (True, {})})
    run = AllPass.run

    def lost(self, job):
        if job.student == "bob":
            raise ConnectionError("the box is gone")
        return run(self, job)

    with monkeypatch.context() as patch:
        patch.setattr(AllPass, "run", lost)
        done = grade(course, handed)
    assert done.exit_code == 1
    assert "- bob: given up after 3 attempts: ConnectionError: the box is gone" in done.stdout
    assert marks(course) == {"ada": (3, 2)}
    assert "1 graded, 1 graded before" in grade(course, handed).stdout


def test_a_run_that_is_stopped_goes_on_where_it_was(course, tmp_path, sandbox):
    slow = "import time\n\ntime.sleep(0.4)"
    handed = hand_in(tmp_path / "handed", {f"s{i}": (i % 2 == 0, {"slow": slow}) for i in range(8)})
    line = [sys.executable, "-c", "from gentutor.cli import main; main()"]
    line += ["grade", "99", str(handed), "--folder", str(course), "--workers", "1"]
    journal = course / "build" / "grading" / "journal" / toy.UNIT

    def tried():
        notes = {path.parent.name: json.loads(path.read_text()) for path in journal.glob("*/trial.json")}
        return {student: note["tried"] for student, note in notes.items()}

    def stopped(how, until):
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        run = subprocess.Popen(line, stdout=PIPE, stderr=PIPE, text=True, env=environment)
        with run:
            for told in run.stderr:
                if told.startswith(until):
                    break
            run.send_signal(how)
            page, _ = run.communicate(timeout=60)
        return run.returncode, page

    status, page = stopped(signal.SIGINT, "[2/8]")
    assert status == 130
    assert "**Not finished.** Stopped by Ctrl-C." in page
    first = tried()
    assert 2 <= len(first) < 6
    status, page = stopped(signal.SIGKILL, f"[{len(first) + 2}/8]")
    assert (status, page) == (-signal.SIGKILL, "")
    second = tried()
    assert len(first) + 2 <= len(second) < 8

    rest = grade(course, handed)
    assert rest.exit_code == 0, rest.output
    assert marks(course) == {f"s{i}": (3, 2) if i % 2 == 0 else (0, 0) for i in range(8)}
    assert first.items() <= second.items() <= tried().items()  # times and all: none was tried twice


def test_without_a_sandbox_only_by_name_and_with_a_warning(course, tmp_path, monkeypatch, sandbox):
    handed = hand_in(tmp_path / "handed", {"ada": (True, {})})
    monkeypatch.setenv("PATH", str(tmp_path))  # no bubblewrap
    refused = grade(course, handed)
    assert refused.exit_code == 2
    assert "bubblewrap" in refused.stderr
    assert "--no-sandbox" in refused.stderr
    assert not (course / "build").exists()
    done = grade(course, handed, "--no-sandbox")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[2].startswith("> **Without a sandbox.**")
    assert marks(course) == {"ada": (3, 2)}


def test_what_ends_a_run_says_what_to_do(course, tmp_path, sandbox):
    handed = hand_in(tmp_path / "handed", {"ada": (True, {})})
    work = course / "build" / "grading"

    def refused(*arguments, path=handed):
        result = grade(course, path, *arguments)
        assert result.exit_code == 2
        assert "Traceback" not in result.output
        return result.stderr

    assert "Expected a folder" in refused(path=tmp_path / "nowhere")
    (tmp_path / "roster.csv").write_text("colour\nred\n")
    assert "Expected a CSV file" in refused("--roster", str(tmp_path / "roster.csv"))
    assert not work.exists()

    work.mkdir(parents=True)
    (work / "gradebook.db").write_bytes(b"no gradebook" * 1000)
    assert "is damaged" in refused()
    assert not (work / "reports").exists()  # an older report stays
    (work / "gradebook.db").unlink()

    holder = "import fcntl, sys; f = open(sys.argv[1], 'a+'); fcntl.lockf(f, fcntl.LOCK_EX); print(); input()"
    line = [sys.executable, "-c", holder, str(work / ".lock")]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        assert "is being graded already" in refused()
        other.communicate(b"\n")


def test_a_lab_that_fails_itself_and_a_cluster_that_is_not_there(course, tmp_path, monkeypatch, all_pass):
    handed = hand_in(tmp_path / "handed", {"ada": (True, {})})

    def fails(*_):
        raise LabError("Cell data of 99_toy itself fails: no data")

    with monkeypatch.context() as patch:
        patch.setattr(leader, "open_trials", fails)
        ended = grade(course, handed)
    assert ended.exit_code == 2
    assert "**Not finished.** Cell data of 99_toy itself fails: no data" in ended.stdout

    monkeypatch.setitem(sys.modules, "distributed", None)
    line = ["grade", "99", str(handed), "--folder", str(course), "--scheduler", "tcp://127.0.0.1:9"]
    refused = CliRunner().invoke(main, line)
    assert refused.exit_code == 2
    assert "pip install 'gentutor[cluster]'" in refused.stderr


def test_what_nobody_thought_of_is_no_less_reported(course, tmp_path, monkeypatch, all_pass):
    handed = hand_in(tmp_path / "handed", {"ada": (True, {})})

    def fails(*_):
        raise ZeroDivisionError("of this test")

    with monkeypatch.context() as patch:
        patch.setattr(leader.Book, "feedback", fails)
        with pytest.raises(ZeroDivisionError):
            grade(course, handed)
    page = (course / "build" / "grading" / "reports" / f"{toy.UNIT}.md").read_text()
    assert "**Not finished.** ZeroDivisionError: of this test" in page
    assert "1 graded, in" in page
    assert grade(course, handed).exit_code == 0


def test_a_gradebook_that_is_locked_in_mid_run_costs_no_trial(course, tmp_path, monkeypatch, all_pass):
    handed = hand_in(tmp_path / "handed", {"ada": (True, {}), "bob": (False, {})})
    save, holders = leader.Book.save_result, []

    def save_and_lock(self, *arguments):
        save(self, *arguments)
        holders.append(sqlite3.connect(course / "build" / "grading" / "gradebook.db"))
        holders[0].execute("BEGIN IMMEDIATE")

    opened = leader.Book.open
    with monkeypatch.context() as patch:
        patch.setattr(leader.Book, "open", lambda course, unit: opened(course, unit, patience=0.5))
        patch.setattr(leader.Book, "save_result", save_and_lock)
        stopped = grade(course, handed)
    assert len(holders) == 1
    with closing(holders[0]):
        assert stopped.exit_code == 2
        assert "is being written by" in stopped.stdout
        assert "what was tried is kept" in stopped.stdout
    assert "2 graded, in" in grade(course, handed).stdout
    assert marks(course) == {"ada": (3, 2), "bob": (3, 2)}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["42", "."], "There is no unit '42'"),
        (["99"], "Missing argument 'PATH'"),
        (["99", ".", "--memory", "lots"], "'lots' is not an amount of memory, such as 2G or 512M"),
        (["99", ".", "--memory", "2"], "'2' is not an amount of memory"),
        (["99", ".", "--memory", "-1G"], "'-1G' is not an amount of memory"),
        (["99", ".", "--memory", "1M"], "of 64M or more"),
        (["99", ".", "--timeout", "0"], "--timeout"),
        (["99", ".", "--workers", "0"], "--workers"),
        (["99", ".", "--workers", "2", "--scheduler", "tcp://x:1"], "--workers is for this machine"),
        (["99", ".", "--roster", "none.csv"], "none.csv"),
    ],
)
def test_what_is_not_understood_has_status_2(course, arguments, said):
    result = CliRunner().invoke(main, ["grade", *arguments, "--folder", str(course)])
    assert result.exit_code == 2
    assert said in result.stderr
    assert not (course / "build").exists()


@pytest.mark.parametrize(
    ("written", "size"), [("2G", 2 << 30), ("512m", 512 << 20), ("1.5 GiB", 3 << 29), ("64MB", 64 << 20)]
)
def test_memory_is_read(written, size):
    from gentutor.cli.grade import Memory

    assert Memory().convert(written, None, None) == size


def test_a_cluster_gives_the_marks_that_this_machine_gives(course, tmp_path, sandbox):
    pytest.importorskip("distributed", reason="needs the extra: pip install 'gentutor[cluster]'")
    from test_executors import Dask

    slow = {"slow": "import time\n\ntime.sleep(0.4)"}
    three = {"ada": (True, slow), "bob": (False, slow), "eve": (True, {**slow, "double": WRONG})}
    answers = {f"{name}{i}": answer for i in range(3) for name, answer in three.items()}
    handed = hand_in(tmp_path / "handed", answers)
    (tmp_path / "dask").mkdir()
    cluster = Dask(tmp_path / "dask")
    line = [sys.executable, "-W", "ignore", "-c", "from gentutor.cli import main; main()"]
    line += ["grade", "99", str(handed), "--folder", str(course), "--scheduler", cluster.address]
    try:
        first, _ = cluster.worker(), cluster.worker()
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with subprocess.Popen(line, stdout=PIPE, stderr=PIPE, text=True, env=environment) as run:
            said = [run.stderr.readline(), run.stderr.readline()]
            first.kill()
            page, more = run.communicate(timeout=90)
    finally:
        cluster.close()
    assert run.returncode == 0, "".join(said) + more + page
    assert "9 graded, in" in page
    assert marks(course) == {student: MARKS[student[:-1]] for student in answers}
