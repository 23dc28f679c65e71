"""True chains on more worlds than a check draws, and inequalities that a search must settle.

At length: `python tools/judge_the_judge.py worlds` and `... inequalities`.
"""

from itertools import islice

import numpy as np
import pytest
import trial

WORLDS = 3


@pytest.mark.parametrize("printed", trial.chains(), ids=lambda printed: f"{printed.setting}-{printed.id}")
def test_true_lines_hold_on_other_worlds(printed: trial.Printed) -> None:
    assert not trial.alarms(printed, WORLDS, seed=99)


@pytest.mark.parametrize(
    ("setting", "lines", "follows"), trial.INEQUALITIES, ids=lambda value: str(value)[:60]
)
def test_inequalities_are_settled_by_search(setting: str, lines: tuple[str, ...], follows: bool) -> None:
    status, message = trial.inequality(setting, lines, seed=5)
    assert status == ("holds" if follows else "fails"), message


def test_broken_text_is_survived() -> None:
    texts = islice(trial.fuzz(np.random.default_rng(8), trial.chains()), 60)
    assert not [reason for setting, text in texts if (reason := trial.survives(setting, text))]
