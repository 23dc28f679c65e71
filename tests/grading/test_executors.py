"""Executors on trials that run nothing, local and on a real Dask scheduler with two worker processes."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest
from standin import LIMITS, Told, broken, job

from gentutor.grading.executors import ExecutorError, Lost
from gentutor.grading.executors.local import Local, cores
from gentutor.grading.records import Tried

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATH = f"{ROOT}{os.pathsep}{HERE}"


def by_student(results):
    """The results in a dict; fails where a student comes twice."""
    results = [(job.student, tried) for job, tried in results]
    assert len(results) == len(dict(results))
    return dict(results)


class Drawn:
    """Jobs that count how many of them were drawn, and in which thread."""

    def __init__(self, n, what="right", seconds=0.0):
        self.n, self.what, self.seconds = n, what, seconds
        self.drawn, self.threads = 0, set()

    def __iter__(self):
        for i in range(self.n):
            self.drawn += 1
            self.threads.add(threading.get_ident())
            yield job(f"s{i}", self.what, self.seconds)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_local_gives_each_result_once_whatever_the_number_of_workers(workers, tmp_path):
    with Local(partial(Told, tmp_path), workers) as executor:
        results = by_student(executor.run(Drawn(25)))
    assert set(results) == {f"s{i}" for i in range(25)}
    for student, tried in results.items():
        assert tried.outputs["check-fit"][0]["text"] == f"{student} salt"
    told = Told(tmp_path)
    assert (told.count("opened"), told.count("closed"), told.count("ran")) == (1, 1, 25)


def test_local_draws_jobs_as_it_needs_them_in_the_thread_of_its_caller(tmp_path):
    jobs = Drawn(50)
    with Local(partial(Told, tmp_path), 3) as executor:
        for finished, _ in enumerate(executor.run(jobs)):
            assert jobs.drawn <= finished + 6
    assert jobs.threads == {threading.get_ident()}


def test_local_runs_side_by_side(tmp_path):
    began = time.monotonic()
    with Local(partial(Told, tmp_path), 4) as executor:
        assert len(by_student(executor.run(Drawn(8, seconds=0.5)))) == 8
    assert 1.0 <= time.monotonic() - began < 3.0


def test_local_starts_nothing_where_nothing_is_to_be_tried(tmp_path):
    with Local(partial(Told, tmp_path)) as executor:
        assert list(executor.run([])) == []
    assert Told(tmp_path).count("opened") == 0


def test_local_tries_again_what_the_machinery_lost_and_gives_up_what_it_loses_each_time(tmp_path):
    jobs = [job("once", "raises-once"), job("bad", "raises"), job("ada"), job("slow", "endless")]
    with Local(partial(Told, tmp_path), 2) as executor:
        results = by_student(executor.run(jobs))
    assert results["ada"].outputs
    assert results["once"].outputs["check-fit"][0]["text"] == "once salt"
    assert results["slow"].stopped == "ran longer than 600 s"  # the submission's own fault: tried once
    assert results["bad"] == Lost("given up after 3 attempts: ConnectionError: the box is gone")
    told = Told(tmp_path)
    assert [told.count("ran", s) for s in ("once", "bad", "ada", "slow")] == [2, 3, 1, 1]


def test_local_ends_at_once_when_its_caller_stops(tmp_path):
    began = time.monotonic()
    with Local(partial(Told, tmp_path), 2) as executor:
        next(executor.run([job("first"), *(job(f"s{i}", seconds=60) for i in range(10))]))
    assert time.monotonic() - began < 10
    assert Told(tmp_path).count("ran") <= 3


def test_local_is_there_before_the_first_job_for_what_the_class_cells_showed(tmp_path):
    with Local(partial(Told, tmp_path)) as executor:
        assert executor.class_outputs["plot"][0]["text"] == "a plot"
        assert len(by_student(executor.run(Drawn(3)))) == 3
    assert Told(tmp_path).count("opened") == 1


def test_cores_are_those_that_the_process_may_use():
    if not hasattr(os, "sched_setaffinity"):
        pytest.skip("this system knows no affinity")
    line = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
    line += "from gentutor.grading.executors.local import cores; print(cores())"
    run = subprocess.run([sys.executable, "-c", line], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "1"
    assert cores() >= 1


def test_a_sandbox_that_dies_costs_no_marks():
    import toy

    from gentutor.grading.box import Policy, why_not
    from gentutor.grading.trial.session import Trials

    if why_not(Policy()):
        pytest.skip("no sandbox here; that fails elsewhere")
    lab, opened = toy.lab(), []

    def open_trials():
        opened.append(Trials(lab, Policy(), LIMITS))
        return opened[0]

    given = toy.submission(
        "ada", double="import time\n\ndef double(x):\n    time.sleep(1.5)\n    return 2 * x"
    )
    with Local(open_trials, 1) as executor:
        results = executor.run([lab.job(given, "salt", LIMITS)])
        outputs = executor.class_outputs  # the sandbox is warm
        killer = threading.Timer(2.0, os.kill, (opened[0]._box._warm._process.pid, signal.SIGKILL))
        killer.start()
        ((_, tried),) = results
    assert killer.finished.is_set()
    assert outputs
    assert isinstance(tried, Tried)
    shown = [tried.outputs[check][0] for check in ("check-double", "check-step")]
    assert [output["output_type"] for output in shown] == ["stream", "stream"]
    assert len(opened) == 1


# --- a real scheduler, two real workers ---


class Dask:
    """A scheduler and worker processes of this machine, as `dask scheduler` and `dask worker` start them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file, self.processes = folder, folder / "scheduler.json", []
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        deadline = time.monotonic() + 60
        while not self.address:
            assert time.monotonic() < deadline, "the scheduler did not start"
            time.sleep(0.1)
        self.workers = []

    @property
    def address(self) -> str:
        try:
            return json.loads(self.file.read_text())["address"]
        except (OSError, ValueError):  # not there yet, or half written
            return ""

    def worker(self, path: str = PATH) -> subprocess.Popen:
        worker = self._start("worker", "--no-nanny", "--nthreads", "2", "--no-dashboard", path=path)
        self.workers.append(worker)
        return worker

    def _start(self, what: str, *options: str, path: str = PATH) -> subprocess.Popen:
        line = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--scheduler-file", str(self.file)]
        log = (self.folder / f"{what}-{len(self.processes)}.log").open("wb")
        environment = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}
        process = subprocess.Popen(
            [*line, *options], stdout=log, stderr=log, env=environment, cwd=self.folder
        )
        log.close()
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in reversed(self.processes):
            process.kill()
            process.wait()


@pytest.fixture
def dask(tmp_path):
    pytest.importorskip("distributed", reason="needs the extra: pip install 'gentutor[cluster]'")
    folder = tmp_path / "dask"
    folder.mkdir()
    cluster = Dask(folder)
    yield cluster
    cluster.close()


@pytest.fixture
def told(tmp_path):
    folder = tmp_path / "told"
    folder.mkdir()
    return Told(folder)


def test_cluster_loses_nothing_when_a_worker_is_killed_in_mid_run(dask, told, tmp_path):
    from gentutor.grading.executors.cluster import Cluster

    first, _ = dask.worker(), dask.worker()
    jobs = [*Drawn(24, seconds=0.2), job("slow", "endless"), job("once", "raises-once"), job("bad", "raises")]
    results = []
    with Cluster(partial(Told, told.folder), dask.address) as executor:
        assert executor.class_outputs == told.class_outputs
        executor._client.wait_for_workers(2)
        for result in executor.run(jobs):
            results.append(result)
            if len(told.processes()) == 2 and first.poll() is None and len(results) > 6:
                os.kill(first.pid, signal.SIGKILL)
                first.wait()
    assert first.returncode == -signal.SIGKILL
    here = tmp_path / "here"
    here.mkdir()
    with Local(partial(Told, here)) as local:
        expected = by_student(local.run(jobs))
    assert by_student(results) == expected
    assert isinstance(expected["bad"], Lost)
    assert sum(isinstance(each, Tried) for each in expected.values()) == 26
    told_by = told.processes("closed")
    assert told_by == told.processes("opened") - {first.pid}  # those that live were told to end


def test_cluster_gives_up_a_job_that_kills_each_worker(dask, told):
    from gentutor.grading.executors.cluster import Cluster

    for _ in range(5):
        dask.worker()
    with Cluster(partial(Told, told.folder), dask.address) as executor:
        results = by_student(executor.run([job("bomb", "kills")]))
        after = by_student(executor.run([job("ada")]))
    assert "each worker that tried it died" in results["bomb"].why
    assert after["ada"].outputs
    with Cluster(broken, dask.address) as executor:
        results = executor.run(Drawn(3))
        with pytest.raises(ExecutorError, match=r"On .*: bubblewrap is not installed"):
            next(results)


def test_cluster_that_is_gone_in_mid_run_is_said(dask, told, monkeypatch):
    from gentutor.grading.executors import cluster

    dask.worker()
    monkeypatch.setattr(cluster, "PATIENCE", 5.0)
    with cluster.Cluster(partial(Told, told.folder), dask.address) as executor:
        results = executor.run(Drawn(20, seconds=0.3))
        next(results)
        dask.scheduler.kill()
        with pytest.raises(ExecutorError, match="The connection to the scheduler"):
            list(results)


def test_cluster_that_cannot_be_used_says_why(dask, told, tmp_path, monkeypatch):
    from gentutor.grading.executors import cluster

    def enter(address):
        with cluster.Cluster(partial(Told, told.folder), address):
            pass

    monkeypatch.setattr(cluster, "PATIENCE", 1.0)
    with pytest.raises(ExecutorError, match=r"No Dask scheduler answers at tcp://127.0.0.1:9 .*8786"):
        enter("tcp://127.0.0.1:9")
    with pytest.raises(ExecutorError, match="No Dask scheduler answers at nonsense://x"):
        enter("nonsense://x")
    with pytest.raises(ExecutorError, match="has no workers"):
        enter(dask.address)

    other = tmp_path / "other"  # a worker with another gentutor: one more file in it
    other.mkdir()
    subprocess.run(["cp", "-r", str(ROOT / "gentutor"), str(other)], check=True)
    (other / "gentutor" / "more.py").write_text("")
    dask.worker(f"{other}{os.pathsep}{HERE}")
    monkeypatch.setattr(cluster, "PATIENCE", 30.0)
    with pytest.raises(ExecutorError, match=r"has another gentutor .* need the gentutor that runs here"):
        enter(dask.address)
    assert told.count("opened") == 0
