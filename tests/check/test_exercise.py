"""An exercise: side effects, the package's solution, errors, what messages tell, and seeds."""

import math
import re
import sys

import numpy as np
import pytest
import torch
from scipy import stats

from gentutor import check
from gentutor.models import pca

from .asking import W, X, ask, failure, value


def decimals(text):
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", text)]


def cdf_of(law):
    return lambda x: torch.from_numpy(law.cdf(x.numpy()))


# ---------------------------------------------------------------------------------------- side effects


def replaced(items):
    items[0] = items[0] + 1


@pytest.mark.parametrize(
    ("change", "given"),
    [
        (lambda x: x.mul_(2), X),
        (lambda x: x[0].fill_(7), X),
        (lambda x: x.data.sub_(1e-12), X),
        (lambda x: x.resize_(2, 2), X),
        (lambda x: x.t_(), X),
        (lambda x: x.fill_(math.nan), X),
        (lambda x: x[0].mul_(2), [X, 3]),
        (lambda x: x.append(4), [1, 2]),
        (replaced, [1, 2]),
        (lambda x: x["a"].mul_(2), {"a": X}),
        (lambda x: x.pop("a"), {"a": 1}),
        (lambda x: x[0].mul_(2), (X, X)),
    ],
)
def test_a_changed_input_fails(change, given):
    error = failure(ask, change, x=given)
    assert (error.aspect, error.detail) == (
        "side effect on x",
        "your function changed its input x: work on a copy",
    )


def test_inputs_left_alone_pass():
    with_nan = torch.tensor([math.nan, 1.0, math.inf])
    inputs = {
        "x": X,
        "holes": with_nan,
        "items": [X, 1, "a", None],
        "table": {"a": X},
        "empty": torch.zeros(0),
    }
    before = X.clone()
    ask(lambda x, holes, items, table, empty: x + 1, **inputs).equals(X + 1)
    assert torch.equal(X, before)


def test_only_the_changed_input_is_named():
    assert failure(ask, lambda a, b, c: b.zero_(), a=X, b=X, c=X).aspect == "side effect on b"


# ----------------------------------------------------------------------- package's solution and errors


def test_the_packages_solution_fails_and_is_named():
    error = failure(ask, lambda x: pca.fit(x, 2).Theta, x=X)
    assert error.aspect == "package's solution"
    assert "your function ran gentutor.models.pca.fit, which solves this exercise" in error.detail
    error = failure(ask, lambda x: (pca.squared_error(x, x), pca.largest_angle(x, x)), x=X)
    assert "gentutor.models.pca.largest_angle, gentutor.models.pca.squared_error" in error.detail


@pytest.mark.parametrize(
    "allows",
    [
        ("gentutor.models",),
        ("gentutor.models.pca",),
        ("gentutor.models.pca.fit",),
        ("gentutor.models.pca.tail_error", "gentutor.models.pca.fit"),
    ],
)
def test_what_is_allowed_may_be_called(allows):
    ask(lambda x: pca.fit(x, 2).mean, x=X, allows=allows).equals(X.mean(0))


@pytest.mark.parametrize(
    "allows",
    [("gentutor.models.pca.squared_error",), ("gentutor.models.pca.fi",), ("gentutor.models.pc",), ("fit",)],
)
def test_nothing_else_is_allowed(allows):
    error = failure(ask, lambda x: pca.fit(x, 2).mean, x=X, allows=allows)
    assert error.aspect == "package's solution"
    assert "ran gentutor.models.pca.fit," in error.detail


def test_the_judge_may_use_the_package():
    fitted = pca.fit(X, 2)
    ask(lambda x: x.mean(0), x=X).equals(fitted.mean)


def unwritten(x):
    raise NotImplementedError()


def test_not_written_yet():
    error = failure(ask, unwritten, x=X)
    assert error.aspect == "not written yet"
    assert "NotImplementedError" not in str(error)


@pytest.mark.parametrize(
    ("function", "detail"),
    [
        (lambda x: x + "1", "your function raised TypeError: "),
        (lambda x: x[99], "your function raised IndexError: index 99 is out of bounds"),
        (lambda x: sys.exit(3), r"your function raised SystemExit: 3 \(line \d+: "),
        (lambda: 1, r"takes 0 positional arguments but 1 was given$"),
        (lambda x: x.long().mean(), "raised NotImplementedError: mean"),  # torch's own, nothing unwritten
        (lambda x: torch.nn.Module()(x), 'missing the required "forward" function'),
    ],
)
def test_an_error_is_told(function, detail):
    error = failure(ask, function, x=X)
    assert error.aspect == "error"
    assert re.search(detail, error.detail)


def test_an_interrupt_goes_through():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(interrupted, x=X)


# ------------------------------------------------------------------------------------ what is told of it


def test_a_message_tells_aspect_and_seed_and_never_the_answer(monkeypatch):
    monkeypatch.setenv("GENTUTOR_SALT", "pepper")
    asked, scalar = value(W + 0.5), value(3.5)
    gradient = ask(lambda x: (x**2).sum(), x=X, wrt="x", returns="y")[1]
    errors = [
        (failure(asked.equals, W), W),
        (failure(asked.equals, W.float()), W),
        (failure(asked.equals, W[:, :1], "one row"), W),
        (failure(scalar.equals, 4.5917), W),
        (failure(value(math.nan).equals, 4.5917), W),
        (failure(gradient.equals, 3 * X), 3 * X),
        (
            failure(value(torch.ones(50)).follows, cdf_of(stats.norm(7.25)), "the right law"),
            torch.tensor(7.25),
        ),
    ]
    seed = check.seed_for("01_pca/task")
    for error, answer in errors:
        assert (error.exercise, error.seed) == ("task", seed)
        assert str(error).startswith(f"task · {error.aspect}: {error.detail}")
        told = "\n".join([str(error), *error._render_traceback_()])
        assert f"[seed {seed}]" in told
        numbers = decimals(told.replace(str(seed), ""))
        for entry in answer.flatten().tolist():
            assert not [number for number in numbers if abs(abs(number) - abs(entry)) < 0.01 * abs(entry)]


def test_success_is_told_with_the_number_of_checks_and_the_seed(capsys):
    with check.Exercise("01_pca/task") as exercise:
        asked = exercise.call(lambda x: x + 1, x=X, returns="Y")  # 2: package's solution, side effect on x
        asked.has_shape((6, 4)).has_dtype(torch.float64)  # 2
    assert capsys.readouterr() == (f"✓ task: 4 checks passed [seed {exercise.seed}]\n", "")


def test_failure_tells_no_success(capsys):
    def judge():
        with check.Exercise("01_pca/task") as exercise:
            exercise.call(lambda: 1.0, returns="Y").equals(2.0)

    failure(judge)
    assert capsys.readouterr() == ("", "")


def test_what_has_passed_is_known_until_it_fails():
    def judge(answer):
        with check.Exercise("01_pca/known") as exercise:
            exercise.call(lambda: answer, returns="Y").equals(2.0)

    assert not check.passed("01_pca/known")
    judge(2.0)
    assert check.passed("01_pca/known")
    assert not check.passed("02_autoencoders/known")
    failure(judge, 1.0)
    assert not check.passed("01_pca/known")


def noisy(x):
    print("working")
    print("hmm", file=sys.stderr)
    return x


@pytest.mark.parametrize("outcome", ["passes", "fails"])
def test_what_the_answer_prints_goes_to_standard_output(outcome, capfd):
    if outcome == "passes":
        ask(noisy, x=X)
    else:
        failure(ask, lambda x: noisy(x)[99], x=X)
    assert capfd.readouterr() == ("working\nhmm\n", "")


# ------------------------------------------------------------------------------------------------ seeds


def test_the_seed_mixes_exercise_and_salt(monkeypatch):
    seeds = set()
    for salt in (None, "a", "b"):
        monkeypatch.delenv("GENTUTOR_SALT", raising=False)
        if salt:
            monkeypatch.setenv("GENTUTOR_SALT", salt)
        for name in ("01_pca/fit", "01_pca/errors", "02_autoencoders/fit"):
            assert check.seed_for(name) == check.seed_for(name) == check.Exercise(name).seed
            seeds.add(check.seed_for(name))
    assert len(seeds) == 9
    assert all(0 <= seed < 2**31 for seed in seeds)
    monkeypatch.delenv("GENTUTOR_SALT")
    assert check.seed_for("01_pca/fit") == 938409612  # on every machine
    assert check.SALT_VARIABLE == "GENTUTOR_SALT"


def test_a_value_copied_from_a_run_at_home_fails_under_another_salt(monkeypatch):
    def judge(function):
        exercise = check.Exercise("01_pca/task")
        x = exercise.draw.normal(6, 4)
        exercise.call(function, x=x, returns="m").equals(x.mean(0))

    monkeypatch.setenv("GENTUTOR_SALT", "at home")
    home = []
    judge(lambda x: home.append(x.mean(0)) or home[0])
    judge(lambda x: home[0])
    monkeypatch.setenv("GENTUTOR_SALT", "the grader's")
    judge(lambda x: x.mean(0))
    assert failure(judge, lambda x: home[0]).aspect == "value of m"


def test_a_second_run_gives_the_same_values_also_for_a_stochastic_answer():
    def stochastic(x):
        return x + torch.randn(6, 4) + np.random.rand(), torch.rand(3)  # noqa: NPY002

    def judge():
        exercise = check.Exercise("01_pca/task")
        values = [exercise.call(stochastic, x=exercise.draw.normal(6, 4), returns="a, b") for _ in range(2)]
        return [value.tensor for pair in values for value in pair]

    first = judge()
    torch.rand(5)
    np.random.rand(5)  # noqa: NPY002
    again = judge()
    assert all(torch.equal(*pair) for pair in zip(first, again, strict=True))
    assert not torch.equal(first[1], first[3])  # two calls of one run draw anew


def test_draws():
    draw = check.Draw(3)
    normal, uniform = draw.normal(100, 200), draw.uniform(5000, low=-2, high=7)
    integers = [draw.integer(2, 5) for _ in range(4000)]
    assert (normal.shape, uniform.shape) == ((100, 200), (5000,))
    assert {normal.dtype, uniform.dtype} == {torch.float64}
    assert stats.kstest(normal.flatten(), stats.norm().cdf).pvalue > 1e-3
    assert stats.kstest(uniform, stats.uniform(-2, 9).cdf).pvalue > 1e-3
    assert type(integers[0]) is int
    assert stats.chisquare(np.bincount(integers)[2:]).pvalue > 1e-3
    assert set(integers) == {2, 3, 4, 5}
    again = check.Draw(3)
    assert torch.equal(again.normal(100, 200), normal)
    assert not torch.equal(check.Draw(4).normal(100, 200), normal)


def test_draws_stand_apart_from_the_global_generator():
    before = torch.get_rng_state()
    first = check.Draw(3).normal(5)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(0)
    assert torch.equal(check.Draw(3).normal(5), first)


def test_a_graded_cell_keeps_its_names_to_itself():
    def answer(x):
        return x * reference  # noqa: F821  # only the check has it

    with pytest.raises(check.CheckFailed) as failed:

        @check.exercise("01_pca/task")
        def judge(ex):
            reference = ex.draw.normal(3)
            ex.call(answer, x=reference, returns="y")

    assert failed.value.aspect == "error"
    assert "'reference' is not defined" in failed.value.detail


def test_a_function_that_is_not_there_is_not_written_yet():
    with pytest.raises(check.CheckFailed) as failed:

        @check.exercise("01_pca/task")
        def judge(ex):
            ex.call(fitt, x=1, returns="y")  # noqa: F821

    assert failed.value.aspect == "not written yet"
    assert "fitt is not defined" in failed.value.detail
