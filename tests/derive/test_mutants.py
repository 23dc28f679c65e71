"""A sample of mutants: what the second evaluator finds wrong must fail at its line.

All of them: `python tools/judge_the_judge.py mutants`.
"""

import numpy as np
import pytest
import trial
from mutants import mutants

from gentutor.derive import tree as T

SHARE = 0.02
PRINTED = [printed.true_part() for printed in trial.chains() if printed.setting in ("vae", "latents", "ddpm")]


def test_the_sample_is_caught() -> None:
    rng = np.random.default_rng(20)
    tried = [one for printed in PRINTED for one in trial.trials(printed, rng, SHARE)]
    wrong = [one for one in tried if one.true is False and one.status != "unread"]
    missed = [one for one in wrong if one.status != "fails"]
    assert len(wrong) > 40
    assert len(missed) <= 0.01 * len(wrong), "\n".join(map(str, missed))
    assert not [one for one in tried if one.true and one.status == "fails"]


@pytest.mark.parametrize("printed", PRINTED[:2], ids=lambda printed: printed.id)
def test_a_line_as_it_is_printed_holds(printed: trial.Printed) -> None:
    """Else a mutant could fail for its print alone."""
    assert not trial.misprints(printed)


def test_operators_change_one_place() -> None:
    x, z = T.Variable("x"), T.Variable("z")
    q, p = T.Density("q", (z,), (x,)), T.Density("p", (z,))
    line = T.Apply("log", T.Density("p", (x,))) - T.Divergence("KL", (q, p), (z,))
    found = {mutant.operator: mutant.expression for mutant in mutants("=", line, ("p", "q"))}
    assert {
        "sign",
        "swapped divergence",
        "posterior for prior",
        "dropped term",
        "factor 2",
        "log",
        "p for q",
    } <= set(found)
    assert all(expression != line for expression in found.values())
    assert any(mutant.relation == "<=" for mutant in mutants(">=", line, ("p", "q")))
