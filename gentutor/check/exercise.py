"""The judge's side: draws inputs, asks the answer for values, and says which aspect of them is wrong."""

import math
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import torch
from torch import Tensor

from gentutor.check.call import Answer, Call, Gradient, Local, Made, Opaque, Reply, plain
from gentutor.check.draw import Draw, seed_for

# Full names of the exercises whose check passed when it last ran. A grader whose checks run in a process of
# their own tells the student's.
PASSED: set[str] = set()


class CheckFailed(Exception):
    """One aspect of an answer is wrong.

    Attributes:
        exercise: its short name.
        aspect: what is wrong, such as "shape of Theta": the name of the check that failed.
        detail: what was found and what was expected; never the answer.
    """

    def __init__(self, exercise: str, aspect: str, detail: str, seed: int) -> None:
        super().__init__(f"{exercise} · {aspect}: {detail} [seed {seed}]")
        self.exercise, self.aspect, self.detail, self.seed = exercise, aspect, detail, seed

    def _render_traceback_(self) -> list[str]:
        # What IPython shows in place of a traceback: a student needs the sentence, not our frames.
        mark = "○" if self.aspect == "not written yet" else "✗"
        return [f"{mark} {self.exercise} · {self.aspect}", f"  {self.detail}", f"  [seed {self.seed}]"]


class Value:
    """A plain value that an answer gave, with the checks that can be made of it. Checks return the value.

    Attributes:
        plain: the value as it came, plain data; None for a gradient that does not exist.
    """

    def __init__(self, exercise: "Exercise", name: str, plain: Any, aspect: str | None = None) -> None:
        self._exercise, self._name, self.plain = exercise, name, plain
        self._aspect = aspect or f"value of {name}"

    @property
    def tensor(self) -> Tensor:
        """The value as a tensor; a Python number counts as a tensor without dimensions."""
        if isinstance(self.plain, Tensor):
            return self.plain
        if isinstance(self.plain, int | float) and not isinstance(self.plain, bool):
            return torch.tensor(self.plain, dtype=torch.float64)
        if self.plain is None and self._aspect == self._name:
            name = self._name.rpartition(" by ")[2]
            cut = f"none reaches {name}: is it cut by detach, .item(), .data, no_grad, or a new tensor?"
            raise self._exercise.failed(self._aspect, cut)
        raise self._exercise.failed(f"type of {self._name}", f"{_kind(self.plain)}, expected a tensor")

    def __getitem__(self, key: str) -> "Value":
        """The part of a dict that stands under the key; fails unless there is one."""
        there = isinstance(self.plain, dict) and key in self.plain
        found = _kind(self.plain) + (f" without {key}" if isinstance(self.plain, dict) else "")
        self._require(there, f"type of {self._name}", f"{found}, expected a dict with {key} in it")
        return Value(self._exercise, f"{key} of {self._name}", self.plain[key])

    def has_shape(self, shape: tuple[int, ...], layout: str = "") -> Self:
        """Fails unless the shape is the one given; `layout` says in words how it is read."""
        found = tuple(self.tensor.shape)
        because = f": {layout}" if layout else ""
        return self._require(
            found == shape, f"shape of {self._name}", f"shape {found}, expected {shape}{because}"
        )

    def has_dtype(self, dtype: torch.dtype) -> Self:
        """Fails unless the entries are of that dtype; a Python number passes for any."""
        found = self.tensor.dtype
        return self._require(
            found == dtype or not isinstance(self.plain, Tensor),
            f"dtype of {self._name}",
            f"dtype {found}, expected {dtype}",
        )

    def equals(
        self, expected: Tensor | float, layout: str = "", *, rtol: float = 1e-8, atol: float = 0.0
    ) -> Self:
        """Fails unless shape, dtype and every entry agree, to atol + rtol max|expected|."""
        expected = torch.as_tensor(expected, dtype=None if isinstance(expected, Tensor) else torch.float64)
        expected = expected.detach().cpu()
        if not expected.isfinite().all():
            raise ValueError("expected holds NaN or infinity, with which every value would agree")
        self.has_shape(tuple(expected.shape), layout).has_dtype(expected.dtype)
        found = self.tensor.to(torch.float64)
        self._require(bool(found.isfinite().all()), f"finite {self._name}", "holds NaN or infinity")
        expected = expected.to(torch.float64)
        scale = float(expected.abs().max()) if expected.numel() else 0.0
        wrong = (found - expected).abs() > rtol * scale + atol
        count = "" if expected.ndim == 0 else f" in {int(wrong.sum())} of {wrong.numel()} entries"
        return self._require(
            not bool(wrong.any()),
            self._aspect,
            f"not what the definition gives{count}, on the inputs of this check",
        )

    def follows(self, cdf: Callable[[Tensor], Tensor], law: str) -> Self:
        """Fails unless the entries look drawn from the distribution with that cdf; their order is not judged.

        Kolmogorov-Smirnov: sqrt(n) sup |F_n - F| < 2.7, which n right draws of a continuous law exceed with
        probability 2 exp(-2 * 2.7^2) = 1e-6 at most (Massart 1990). `law` names it in the message.
        """
        x = self.tensor.to(torch.float64).flatten().sort().values
        self._require(len(x) >= 8, f"shape of {self._name}", f"{len(x)} draws, too few to be judged")
        self._require(bool(x.isfinite().all()), f"finite {self._name}", "holds NaN or infinity")
        n, F = len(x), cdf(x)
        above = torch.arange(1, n + 1) / n - F
        below = F - torch.arange(n) / n
        D = float(torch.maximum(above, below).max())
        return self._require(
            math.sqrt(n) * D < 2.7,
            f"distribution of {self._name}",
            f"{n} draws do not follow {law}: their distribution is off by {D:.2g} at one point",
        )

    def _require(self, holds: bool, aspect: str, detail: str) -> Self:
        self._exercise.require(holds, aspect, detail)
        return self


class Exercise:
    """The checks of one exercise; a context manager that reports their number when all have passed.

    Args:
        name: unit and exercise, "01_pca/fit"; it seeds the inputs, and its last part is what messages say.
        allows: the package's functions or modules that an answer may call although they belong to the
            reference models, such as ("gentutor.models.schedules",).

    Attributes:
        draw: where its inputs come from.
        seed: of those inputs, and of the global generators during each call of an answer.
    """

    def __init__(self, name: str, allows: tuple[str, ...] = ()) -> None:
        self.name, self._allows = name.rpartition("/")[2], allows
        self._full_name = name
        self.seed = seed_for(name)
        self.draw = Draw(self.seed)
        self._passed = self._calls = 0

    def __enter__(self) -> Self:
        PASSED.discard(self._full_name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, NameError) and error.name:
            detail = f"{error.name} is not defined: run the cell above, then run this one again."
            raise self.failed("not written yet", detail) from error
        if error is None:
            PASSED.add(self._full_name)
            print(f"✓ {self.name}: {self._passed} checks passed [seed {self.seed}]")

    def call(
        self,
        function: Callable[..., Any] | Answer,
        *,
        returns: str,
        wrt: str = "",
        weights: tuple[Tensor, ...] | None = None,
        directions: tuple[Tensor, ...] | None = None,
        changes: str = "",
        **inputs: Any,
    ) -> Any:
        """Asks for f(*inputs), given in order: the names serve the messages only.

        First it fails if the function raised, ran the package's own solution, or changed an input.

        Args:
            function: the student's.
            returns: names of what it returns, "mean, Theta"; one name for a single value.
            wrt: names of inputs, "Theta, Phi", whose gradients are wanted.
            weights, directions: see `Call`.
            changes: names of inputs that the function is to change: modules, as `Made`.
            inputs: plain data, or `Made`.

        Returns:
            A `Value` for each name of `returns`; then one for the gradient by each name of `wrt`; then, where
            directions are given, one for each second-order product; then one for the state of each input that
            `changes` names.
        """
        for name, value in inputs.items():
            if isinstance(plain(value), Opaque) and not isinstance(value, Made):
                raise TypeError(f"input {name} is a {type(value).__name__}; expected plain data, see `Call`")
        answer = function if isinstance(function, Answer) else Local(function)
        names, wrt_names = list(inputs), _split(wrt)
        self._calls += 1
        reply = answer.perform(
            Call(
                tuple(inputs.values()),
                self.seed + self._calls,
                tuple(names.index(name) for name in wrt_names),
                weights,
                directions,
            )
        )
        self._clean(reply, inputs, _split(changes))
        values = self._named(reply.value, _split(returns))
        if wrt_names:
            shapes = [tuple(w.shape) for w in weights or (torch.ones(()),)]
            for value, shape in zip(values, shapes, strict=True):
                value.has_shape(shape)
            values += [
                self._gradient("gradient", *pair) for pair in zip(wrt_names, reply.gradients, strict=True)
            ]
        if directions is not None:
            values += [
                self._gradient("second gradient", *pair) for pair in zip(wrt_names, reply.second, strict=True)
            ]
        values += [
            Value(self, f"{name} afterwards", reply.args_after[names.index(name)]) for name in _split(changes)
        ]
        return values[0] if len(values) == 1 else tuple(values)

    def derivation(self, name: str, function: Callable[[], Any] | Answer) -> None:
        """Fails unless f() fills every hole of the locked derivation `name` with a formula that follows.

        Args:
            name: under which its cell, `%%derive SETTING as NAME`, has locked it.
            function: the student's; it returns the formulas by the names of the holes, {"a": r"..."}.
        """
        from gentutor.derive.graded import grade, locked  # most exercises have no derivation

        try:
            text, setting = locked(name)
        except ValueError as error:
            raise self.failed("locked derivation", str(error)) from error
        answers = self.call(function, returns="answers").plain
        found = _kind(answers)
        self.require(isinstance(answers, dict), "type of answers", f"{found}, expected a dict of formulas")
        for finding in grade(text, answers, setting):
            unwritten = finding.aspect == "not written yet"
            aspect = finding.aspect if unwritten else f"hole {finding.label}: {finding.aspect}"
            self.require(False, aspect, finding.detail)
        self.require(True, "derivation", "")

    def derived(self, name: str, value: Tensor) -> Value:
        """A quantity that the check computed from plain values, to be judged under a name of its own."""
        return Value(self, name, value)

    def require(self, holds: bool, aspect: str, detail: str) -> None:
        """Counts a check that holds; raises `CheckFailed` for one that does not."""
        if not holds:
            raise self.failed(aspect, detail)
        self._passed += 1

    def failed(self, aspect: str, detail: str) -> CheckFailed:
        """The exception for an aspect of this exercise."""
        return CheckFailed(self.name, aspect, detail, self.seed)

    def _clean(self, reply: Reply, inputs: dict[str, Any], changes: list[str]) -> None:
        if reply.printed:
            print(reply.printed, end="")  # to standard output: nbgrader takes marks off for standard error
        if reply.failure is not None:
            f = reply.failure
            if f.kind == "NotImplementedError" and not f.message:  # torch's own bear a message
                where = f"Write {f.function} in its cell above, run that cell, then run this one again."
                raise self.failed("not written yet", where)
            where = f" ({f.line})" if f.line else ""
            raise self.failed("error", f"your function raised {f.kind}: {f.message}{where}")
        allowed = [*self._allows, *(value.maker for value in inputs.values() if isinstance(value, Made))]
        own = [f for f in reply.called if not any(f"{f}.".startswith(f"{a}.") for a in allowed)]
        self.require(
            not own,
            "package's solution",
            f"your function ran {', '.join(own)}, which solves this exercise: write it yourself",
        )
        for (name, before), after in zip(inputs.items(), reply.args_after, strict=True):
            if name in changes or (isinstance(before, Made) and before.state is None):
                continue
            made = isinstance(before, Made)
            detail = f"your function changed its input {name}: " + ("leave it" if made else "work on a copy")
            self.require(
                _same(plain(before.state if made else before), after), f"side effect on {name}", detail
            )

    def _named(self, value: Any, names: list[str]) -> list[Value]:
        if len(names) == 1:
            return [Value(self, names[0], value)]
        found = f"{_kind(value)}" + (f" of {len(value)}" if isinstance(value, tuple | list) else "")
        self.require(
            isinstance(value, tuple | list) and len(value) == len(names),
            "return value",
            f"your function returned {found}, expected a tuple of {len(names)}: {', '.join(names)}",
        )
        return [Value(self, name, item) for name, item in zip(names, value, strict=True)]

    def _gradient(self, order: str, name: str, gradient: Gradient) -> Value:
        aspect = f"{order} by {name}"
        return Value(self, aspect, gradient, aspect)


def exercise(name: str, allows: tuple[str, ...] = ()) -> Callable[[Callable[[Exercise], None]], None]:
    """Runs the decorated function at once, with the `Exercise` of that name and those `allows`.

    What a graded cell does stands in a function, so that its inputs and its references are no globals: a
    student's function could use those by mistake, and a student's own variables would be lost to them.
    """

    def run(judge: Callable[[Exercise], None]) -> None:
        with Exercise(name, allows) as ex:
            judge(ex)

    return run


def passed(name: str) -> bool:
    """Whether the check of the exercise, "01_pca/fit", passed when it last ran here.

    A lab asks before it goes on with a student's function, and else takes the package's.
    """
    return name in PASSED


def _same(before: Any, after: Any) -> bool:
    """Whether two plain values agree in every entry; NaN agrees with NaN."""
    if type(before) is not type(after):
        return False
    if isinstance(before, Tensor):
        if before.shape != after.shape or before.dtype != after.dtype:
            return False
        return bool(((before == after) | (before.isnan() & after.isnan())).all())
    if isinstance(before, tuple | list):
        return len(before) == len(after) and all(map(_same, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_same(before[k], after[k]) for k in before)
    return bool(before == after)


def _split(names: str) -> list[str]:
    return [name.strip() for name in names.split(",") if name.strip()]


def _kind(value: Any) -> str:
    if value is None:
        return "nothing (None)"
    if isinstance(value, Opaque):
        return f"an object of type {value.kind}"
    return f"a {type(value).__name__}"
