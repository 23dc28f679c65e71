"""A student's function can live in another process: nothing but `Call` and `Reply` passes between the two."""

import multiprocessing
import pickle
import random
import sys

import numpy as np
import pytest
import torch

from gentutor import check
from gentutor.models import pca

X = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 4)))
V = torch.ones(6, 4).double()


# ------------------------------------------------------------- a student's answers: y = sum of x^3


def right(x):
    print("working on it")
    return (x**3).sum()


def another_right(x):
    return torch.einsum("ij,ij,ij->", x, x, x)


def wrong_value(x):
    return (x**2).sum()


def wrong_shape(x):
    return x**3


def wrong_dtype(x):
    return (x**3).sum().float()


def wrong_gradient(x):
    fixed = x.detach()
    return (fixed**3 + 2 * fixed**2 * (x - fixed) + 3 * fixed * (x - fixed) ** 2).sum()


def no_gradient(x):
    return (x.detach() ** 3).sum()


def wrong_second_order(x):
    fixed = x.detach()
    return (fixed**3 + 3 * fixed**2 * (x - fixed) + fixed * (x - fixed) ** 2).sum()


def no_second_order(x):
    fixed = x.detach()
    return (fixed**3 + 3 * fixed**2 * (x - fixed)).sum()


def changes_its_input(x):
    y = (x**3).sum()
    x.data.zero_()
    return y


def uses_the_package(x):
    pca.squared_error(x, x)
    return (x**3).sum()


def unwritten(x):
    raise NotImplementedError()


def fails(x):
    print("so far so good", file=sys.stderr)
    return x[99]


def leaves(x):
    sys.exit("enough")


def returns_an_object(x):
    return torch.nn.Linear(2, 2)


def judge_cube(exercise, answer):
    y, gradient, second = exercise.call(answer, x=X, wrt="x", directions=(V,), returns="y")
    y.equals((X**3).sum())
    gradient.equals(3 * X**2)
    second.equals(6 * X * V)


# -------------------------------------------------------------------- others, of more than one value


def draws(n):
    return torch.randn(n), [random.random(), float(np.random.rand())], {"n": n}  # noqa: NPY002


def no_draws(n):
    return torch.ones(n), [0.5, 0.5], {"n": n}


def judge_draws(exercise, answer):
    x, pair, table = exercise.call(answer, n=2000, returns="x, pair, table")
    print("got", float(x.tensor.sum()), pair.plain, table.plain)
    x.follows(lambda x: 0.5 * (1 + torch.erf(x / 2**0.5)), "N(0, 1)")


ANSWERS = {
    right: (judge_cube, None),
    another_right: (judge_cube, None),
    wrong_value: (judge_cube, "value of y"),
    wrong_shape: (judge_cube, "shape of y"),
    wrong_dtype: (judge_cube, "dtype of y"),
    wrong_gradient: (judge_cube, "gradient by x"),
    no_gradient: (judge_cube, "gradient by x"),
    wrong_second_order: (judge_cube, "second gradient by x"),
    no_second_order: (judge_cube, "second gradient by x"),
    changes_its_input: (judge_cube, "side effect on x"),
    uses_the_package: (judge_cube, "package's solution"),
    unwritten: (judge_cube, "not written yet"),
    fails: (judge_cube, "error"),
    leaves: (judge_cube, "error"),
    returns_an_object: (judge_cube, "type of y"),
    draws: (judge_draws, None),
    no_draws: (judge_draws, "distribution of x"),
}


# ------------------------------------------------------------------------------------ the other process


def serve(pipe):
    """Performs calls of this module's functions, asked for by name, until an empty message comes."""
    functions = {function.__name__: function for function in ANSWERS}
    while message := pipe.recv_bytes():
        name, call = pickle.loads(message)
        pipe.send_bytes(pickle.dumps(check.Local(functions[name]).perform(call)))


class Remote(check.Answer):
    def __init__(self, pipe, name):
        self.pipe, self.name = pipe, name

    def perform(self, call):
        self.pipe.send_bytes(pickle.dumps((self.name, call)))  # pickled here: torch would share its memory
        assert self.pipe.poll(60), "the other process does not answer"
        return pickle.loads(self.pipe.recv_bytes())


@pytest.fixture(scope="module")
def pipe():
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    theirs.close()
    yield ours
    ours.send_bytes(b"")
    process.join(10)
    assert process.exitcode == 0
    process.close()
    ours.close()


def verdict(judge, answer, capsys):
    """The aspect that failed, or None, and every word of what was told."""
    try:
        with check.Exercise("01_pca/task") as exercise:
            judge(exercise, answer)
        aspect, told = None, ""
    except check.CheckFailed as error:
        aspect, told = error.aspect, str(error)
    return aspect, told, capsys.readouterr()


@pytest.mark.parametrize("function", ANSWERS, ids=lambda function: function.__name__)
def test_verdicts_are_those_of_this_process(function, pipe, capsys):
    judge, expected = ANSWERS[function]
    here = verdict(judge, function, capsys)
    assert here[0] == expected
    assert verdict(judge, Remote(pipe, function.__name__), capsys) == here
