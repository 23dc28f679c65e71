"""What all tests share: one thread for each process, and a Ctrl-C at a chosen step."""

import os
import re
import signal
from contextlib import contextmanager

# Tests run side by side, a process for each core. On more threads than there are free cores, small matrix
# products spend their time waiting for each other: 115 s instead of 2 s was seen. Kernels inherit this.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest
from xdist.scheduler import LoadScopeScheduling

SLOW_FIRST = (
    "labs/test_grading.py",
    "browser/test_browser.py",
    "grading/test_hostile.py",
    "grading/test_command.py",
    "browser/test_widgets.py",
)
SPLIT = {SLOW_FIRST[0]: r"\b\d\d_[a-z0-9_]+", SLOW_FIRST[1]: r"^\w+"}  # by unit, by the test's name


def pytest_collection_modifyitems(items):
    """What takes minutes comes first, so that no process is left with it alone at the end."""

    def place(item):
        slow = [k for k, name in enumerate(SLOW_FIRST) if str(item.path).endswith(name)]
        return slow[0] if slow else len(SLOW_FIRST)

    items.sort(key=place)


class ByFile(LoadScopeScheduling):
    """Tests of one file share a process; of the slowest files, those of one part."""

    def _split_scope(self, nodeid):
        file, _, test = nodeid.partition("::")
        for name, pattern in SPLIT.items():
            if file.endswith(name) and (part := re.search(pattern, test)):
                return f"{file}::{part[0]}"
        return file


def pytest_xdist_make_scheduler(config, log):
    """Deals out the tests to processes."""
    return ByFile(config, log)


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
