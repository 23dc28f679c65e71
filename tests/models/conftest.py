"""What the tests of training loops share."""

import os
import signal
from contextlib import contextmanager

import pytest

from gentutor import train


@pytest.fixture
def interrupt_at(monkeypatch):
    """`with interrupt_at(n)`: a Ctrl-C arrives in the n-th report of a loss."""

    @contextmanager
    def at(step):
        reports, report = 0, train.Progress.report

        def counted(self, loss):
            nonlocal reports
            report(self, loss)
            reports += 1
            if reports == step:
                os.kill(os.getpid(), signal.SIGINT)

        with monkeypatch.context() as patch:
            patch.setattr(train.Progress, "report", counted)
            yield

    return at
