"""Checks of a value: right ones pass, and a wrong one fails on the aspect that is wrong."""

import math
import re

import numpy as np
import pytest
import torch
from scipy import stats

from gentutor import check

from .asking import W, X, ask, failure, value

# ------------------------------------------------------------------------------- value, shape and dtype


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (W, W),
        (W * (1 + 9e-9), W),
        (W + 4e-8, W),  # 1e-8 of the largest entry, 4.59
        (W.float(), W.float()),
        (2.5, 2.5),
        (2, 2.0),
        (2.5, torch.tensor(2.5)),  # a Python number counts for any dtype
        (torch.tensor(2.5).double(), 2.5),
        (torch.tensor([1, 2]), torch.tensor([1, 2])),
        (torch.tensor([True, False]), torch.tensor([True, False])),
        (torch.zeros(0, 3), torch.zeros(0, 3)),
        (torch.zeros(2), torch.zeros(2)),
        (W, W.clone().requires_grad_()),  # as a model gives it
        *([(W, W.cuda())] if torch.cuda.is_available() else []),
    ],
)
def test_equal_values_pass(given, expected):
    asked = value(given)
    assert asked.equals(expected) is asked


@pytest.mark.parametrize(
    ("given", "expected", "aspect", "detail"),
    [
        (W.T, W, "value of Y", "in 2 of 4 entries"),
        (W + 5e-8 * torch.eye(2), W, "value of Y", "in 2 of 4 entries"),
        (-W, W, "value of Y", "in 4 of 4 entries"),
        (2.6, 2.5, "value of Y", "definition gives, on"),
        (torch.zeros(2) + 1e-30, torch.zeros(2), "value of Y", "2 of 2"),
        (W[0], W, "shape of Y", r"\(2,\), expected \(2, 2\): rows are samples"),
        (W[:, :1], W, "shape of Y", r"\(2, 1\), expected \(2, 2\)"),
        (W[None], W, "shape of Y", r"\(1, 2, 2\), expected \(2, 2\)"),
        (torch.tensor([2.5]).double(), 2.5, "shape of Y", r"\(1,\), expected \(\)"),
        (2.5, torch.tensor([2.5]), "shape of Y", r"\(\), expected \(1,\)"),
        (W.float(), W, "dtype of Y", "torch.float32, expected torch.float64"),
        (torch.tensor([1, 2]), torch.tensor([1.0, 2.0]), "dtype of Y", "int64, expected torch.float32"),
        (W.index_fill(0, torch.tensor(1), math.nan), W, "finite Y", "NaN or infinity"),
        (-math.inf, 2.5, "finite Y", "NaN or infinity"),
        (None, W, "type of Y", r"nothing \(None\), expected a tensor"),
        ("text", W, "type of Y", "a str, expected a tensor"),
        (True, 1.0, "type of Y", "a bool, expected a tensor"),
        ((W,), W, "type of Y", "a tuple, expected a tensor"),
        (W.numpy(), W, "type of Y", "an object of type ndarray, expected a tensor"),
    ],
)
def test_unequal_values_fail_on_their_aspect(given, expected, aspect, detail):
    error = failure(value(given).equals, expected, "rows are samples")
    assert error.aspect == aspect
    assert re.search(detail, error.detail)


def test_tolerances():
    assert value(W + 0.9e-3).equals(W, atol=1e-3, rtol=0)
    assert value(W + 4.5e-3).equals(W, rtol=1e-3)
    assert failure(value(W + 1.1e-3).equals, W, atol=1e-3, rtol=0).aspect == "value of Y"
    assert failure(value(W + 4.7e-3).equals, W, rtol=1e-3).aspect == "value of Y"


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_check_that_expects_what_is_not_finite_is_refused(bad):
    with pytest.raises(ValueError, match="expected"):
        value(W).equals(W.index_fill(0, torch.tensor(1), bad))
    with pytest.raises(ValueError, match="expected"):
        value(2.5).equals(bad)


def test_has_shape_and_has_dtype():
    asked = value(W)
    assert asked.has_shape((2, 2)).has_dtype(torch.float64) is asked
    assert value(3).has_shape(()).has_dtype(torch.float32).tensor == 3
    assert failure(asked.has_shape, (4,), "one entry a pixel").detail.endswith(
        "expected (4,): one entry a pixel"
    )
    assert failure(asked.has_dtype, torch.int64).aspect == "dtype of Y"


def test_a_derived_quantity_is_judged_under_its_own_name():
    exercise = check.Exercise("01_pca/task")
    exercise.derived("W^T W", W.T @ W).equals(torch.from_numpy(W.numpy().T @ W.numpy()))
    assert failure(exercise.derived("W^T W", W.T @ W).equals, W).aspect == "value of W^T W"


def test_several_values_are_returned_in_order():
    first, second = ask(lambda: [W, 2.5], returns="W, b")
    assert torch.equal(first.tensor, W)
    second.equals(2.5)
    assert failure(second.equals, 3.0).aspect == "value of b"


def test_the_parts_of_a_dict_are_judged_under_names_of_their_own():
    new = ask(lambda: {"W": W, "b": 2.5}, returns="new weights")
    new["W"].equals(W)
    assert failure(new["W"].equals, 2 * W).aspect == "value of W of new weights"
    assert failure(new["b"].has_shape, (3,)).aspect == "shape of b of new weights"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"b": W}, "a dict without W"),
        ([W], "a list"),
        (W, "a Tensor"),
        (None, "nothing"),
        ({"W": W}.keys(), "an object of type dict_keys"),
    ],
)
def test_a_part_that_is_not_there_fails(given, found):
    error = failure(value(given).__getitem__, "W")
    assert error.aspect == "type of Y"
    assert error.detail.startswith(found)
    assert error.detail.endswith("expected a dict with W in it")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (W, "a Tensor"),
        ((W,), "a tuple of 1"),
        ([W] * 3, "a list of 3"),
        ({"W": W, "b": W}, "a dict"),
        (None, "nothing"),
    ],
)
def test_the_number_of_values_is_checked(given, found):
    error = failure(ask, lambda: given, returns="W, b")
    assert error.aspect == "return value"
    assert found in error.detail
    assert error.detail.endswith("expected a tuple of 2: W, b")


# ------------------------------------------------------------------------------------------- gradients


def cube(x):
    return (x**3).sum()


def with_derivatives(first, second):
    """x^3 in value, first x^2 and second x in its derivatives."""

    def function(x):
        fixed = x.detach()
        step = x - fixed
        return (fixed**3 + first * fixed**2 * step + second / 2 * fixed * step**2).sum()

    return function


def judge_cube(function):
    V = torch.ones(6, 4).double() * 0.3
    y, gradient, second = ask(function, x=X, wrt="x", directions=(V,), returns="y")
    y.equals((X**3).sum())
    gradient.equals(3 * X**2)
    second.equals(6 * X * V)


def test_gradients_of_both_orders():
    judge_cube(cube)
    judge_cube(with_derivatives(3, 6))
    for function, aspect in [
        (lambda x: 2 * cube(x), "value of y"),
        (with_derivatives(2, 6), "gradient by x"),
        (with_derivatives(3, 5), "second gradient by x"),
    ]:
        error = failure(judge_cube, function)
        assert error.aspect == aspect
        assert "not what the definition gives" in error.detail


@pytest.mark.parametrize(
    ("function", "aspect"),
    [
        (lambda x: cube(x.detach()), "gradient by x"),
        (lambda x: cube(x).item(), "gradient by x"),
        (lambda x: torch.no_grad()(cube)(x), "gradient by x"),
        (lambda x: cube(torch.tensor(x.tolist(), dtype=x.dtype)), "gradient by x"),
        (lambda x: cube(x.detach()) + (3 * x.detach() ** 2 * (x - x.detach())).sum(), "second gradient by x"),
    ],
)
def test_a_cut_gradient_is_told_as_such(function, aspect):
    error = failure(judge_cube, function)
    assert error.aspect == aspect
    assert "none reaches x" in error.detail


def test_a_value_of_another_shape_is_told_before_its_gradient():
    error = failure(judge_cube, lambda x: x**3)
    assert (error.aspect, error.detail) == ("shape of y", "shape (6, 4), expected ()")


def test_gradients_of_several_values_by_several_inputs():
    weights = (torch.tensor(0.5).double(), X)
    y, Z, by_b, by_a = ask(
        lambda a, b: (a.sum() * 3, a * b), a=X, b=X + 1, wrt="b, a", weights=weights, returns="y, Z"
    )
    y.equals(3 * X.sum())
    Z.equals(X * (X + 1))
    by_b.equals(X * X)
    by_a.equals(1.5 + X * (X + 1))
    assert failure(by_b.equals, X).aspect == "gradient by b"


# ---------------------------------------------------------------------------------------- distribution


LAWS = {
    "normal": (lambda n: torch.randn(n) * 2 + 1, stats.norm(1, 2)),
    "uniform": (lambda n: 3 * torch.rand(n), stats.uniform(0, 3)),
    "exponential": (lambda n: -torch.rand(n).log(), stats.expon()),
}


def cdf_of(law):
    return lambda x: torch.from_numpy(law.cdf(x.numpy()))


@pytest.mark.parametrize("name", LAWS)
def test_right_draws_pass_under_every_salt(name, monkeypatch):
    draws, law = LAWS[name]
    for salt in range(200):
        monkeypatch.setenv("GENTUTOR_SALT", str(salt))
        ask(lambda: draws(400).view(20, 20)).follows(cdf_of(law), name)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize(
    "wrong", [lambda x: 1.2 * x, lambda x: x + 0.2, lambda x: x.abs().sqrt(), lambda x: x.round()]
)
def test_wrong_draws_fail_under_every_salt(name, wrong, monkeypatch):
    draws, law = LAWS[name]
    for salt in range(20):
        monkeypatch.setenv("GENTUTOR_SALT", str(salt))
        error = failure(ask(lambda: wrong(draws(20_000))).follows, cdf_of(law), "the law of the exercise")
        assert error.aspect == "distribution of Y"
        assert "20000 draws do not follow the law of the exercise" in error.detail


def test_the_statistic_is_scipys():
    law, n, verdicts = stats.norm(), 500, set()
    for shift in np.linspace(-0.4, 0.4, 81):
        x = stats.norm(shift).rvs(n, random_state=7)
        D = stats.kstest(x, law.cdf).statistic
        verdicts.add(math.sqrt(n) * D < 2.7)
        if math.sqrt(n) * D < 2.7:
            value(torch.from_numpy(x)).follows(cdf_of(law), "N(0, 1)")
        else:
            detail = failure(value(torch.from_numpy(x)).follows, cdf_of(law), "N(0, 1)").detail
            assert f"off by {D:.2g} " in detail
    assert verdicts == {True, False}


@pytest.mark.parametrize(
    ("given", "aspect"),
    [
        (torch.full((100,), 1.0), "distribution of Y"),
        (torch.linspace(-2, 2, 50).log(), "finite Y"),
        (torch.zeros(0), "shape of Y"),
        (torch.full((5,), 99.0), "shape of Y"),  # so few that no statistic could tell
        (None, "type of Y"),
    ],
)
def test_what_cannot_be_draws(given, aspect):
    assert failure(value(given).follows, cdf_of(stats.norm()), "N(0, 1)").aspect == aspect
