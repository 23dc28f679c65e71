"""A graded derivation in an exercise: the student's formulas against the locked chain."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from gentutor import check
from gentutor.check import CheckFailed
from gentutor.derive.graded import lock
from gentutor.derive.magic import register

CHAIN = r"""
\log p(x)
\geq \mathbb{E}_{q(z|x)}[\log \blank[not p(x|z)]{a}] + H(q(z|x))
= \mathbb{E}_{q(z|x)}[\log p(x|z)] - \blank[KL]{b}
"""
RIGHT = {"a": "p(x, z)", "b": r"KL(q(z|x) \| p(z))"}


def judged(name, answer):
    """The aspect on which an answer fails, None if it passes."""
    try:

        @check.exercise("03_elbo/bound")
        def judge(ex):
            ex.derivation(name, answer)
    except CheckFailed as failure:
        return failure.aspect
    return None


@pytest.fixture(autouse=True)
def locked_chain():
    lock("test_bound", CHAIN, "vae")


def test_right_formulas_pass():
    assert judged("test_bound", lambda: RIGHT) is None
    assert judged("test_bound", lambda: RIGHT | {"b": r"\int q(z|x) \log q(z|x) dz"}) is not None


@pytest.mark.parametrize(
    ("answers", "aspect"),
    [
        ({"a": "p(x, z)"}, "not written yet"),
        ({}, "not written yet"),
        (RIGHT | {"a": "p(x|z)"}, "hole a: line 2"),
        (RIGHT | {"b": r"KL(p(z) \| q(z|x))"}, "hole b: line 3"),
        (RIGHT | {"b": r"\mathbb{E}_{q(z|x)}[\log\frac{q(z|x)}{p(z)}]"}, "hole b: required"),
        (RIGHT | {"b": 3}, "hole b: type"),
        ("p(x, z)", "type of answers"),
        (None, "type of answers"),
    ],
)
def test_others_fail_on_their_aspect(answers, aspect):
    assert judged("test_bound", lambda: answers) == aspect


def test_an_unwritten_function_and_a_raising_one():
    def unwritten():
        raise NotImplementedError

    def raising():
        return {"a": 1 / 0}

    assert judged("test_bound", unwritten) == "not written yet"
    assert judged("test_bound", raising) == "error"


def test_the_cell_that_locks_the_chain_must_have_run():
    assert judged("never_run", lambda: RIGHT) == "not written yet"


def test_an_easier_chain_under_the_same_name_does_not_count():
    shell = InteractiveShell.instance()
    register(shell)
    lock(
        "test_swapped", "\\log p(x)\n= \\blank{a}", "vae"
    )  # a cell of the student's own, before the locked one
    shell.run_cell_magic("derive", "vae as test_other", CHAIN)
    with pytest.raises(Exception, match="locked"):
        shell.run_cell_magic("derive", "vae as test_swapped", CHAIN)
    assert judged("test_swapped", lambda: {"a": r"\log p(x)"}) == "locked derivation"
