"""What all tests share: one thread for each process, and a Ctrl-C at a chosen step."""

import os
import signal
from contextlib import contextmanager

# Tests run side by side, a process for each core. On more threads than there are free cores, small matrix
# products spend their time waiting for each other: 115 s instead of 2 s was seen. Kernels inherit this.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest


def pytest_collection_modifyitems(items):
    """Tests of one file share a process; of the labs' grading, those of one unit: what is slow is made once.

    The grading comes first, so that no process is left with it alone at the end.
    """
    items.sort(key=lambda item: item.path.name != "test_grading.py")
    for item in items:
        unit = item.callspec.params.get("graded", "") if hasattr(item, "callspec") else ""
        item.add_marker(pytest.mark.xdist_group(f"{item.path}{unit}"))


@pytest.fixture
def interrupt_at(monkeypatch):
    """`with interrupt_at(n)`: Ctrl-C is pressed when a training loop reports its n-th loss."""
    from gentutor import train

    report = train.Progress.report

    @contextmanager
    def at(step):
        reports = 0

        def counted(self, loss):
            nonlocal reports
            report(self, loss)
            reports += 1
            if reports == step:
                signal.raise_signal(signal.SIGINT)

        with monkeypatch.context() as patch:
            patch.setattr(train.Progress, "report", counted)
            yield

    return at
