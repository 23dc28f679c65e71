"""One call of a student's function, by value: `Call` goes in, `Reply` comes out, both plain data.

Plain data are None, bool, int, float, str, tensors, and tuples, lists and dicts of these. Whatever else a
function returns is replaced by an `Opaque` that bears the name of its type. So a `Call` and a `Reply` can be
sent between processes, and the judge never holds an object that the student made.
"""

import contextlib
import io
import random
import sys
import sysconfig
import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

REFERENCES = ("gentutor.models", "gentutor.metrics")  # where the package's own solutions live

# Where code lies that no student wrote: this package and the standard library.
NOT_OWN = (str(Path(__file__).parents[1]), sysconfig.get_path("stdlib"), "<frozen")

Gradients = tuple[Tensor | None, ...]


@dataclass(frozen=True)
class Call:
    """What is asked of a function: value = f(*args), and on demand the gradients of L.

    L = sum_k <weights_k, k-th tensor of the value>, or the value itself where weights is None; first order is
    g_i = dL/d args[i] for i in wrt; second order is the product H v, d(sum_i <g_i, directions_i>)/d args[i].
    """

    args: tuple[Any, ...]
    seed: int
    wrt: tuple[int, ...] = ()
    weights: tuple[Tensor, ...] | None = None
    directions: tuple[Tensor, ...] | None = None


@dataclass(frozen=True)
class Failure:
    """An exception of the student's function, as text: its type, its message, and where it rose from."""

    kind: str
    message: str
    function: str
    line: str


@dataclass(frozen=True)
class Reply:
    """What came back: the value, the gradients asked for (None where nothing depends on that input), the
    arguments as they are after the call, the functions of the package that ran, and what was printed."""

    value: Any = None
    gradients: Gradients = ()
    second: Gradients = ()
    args_after: tuple[Any, ...] = ()
    called: tuple[str, ...] = ()
    printed: str = ""
    failure: Failure | None = None


@dataclass(frozen=True)
class Opaque:
    """Stands for a value that is no plain data; `kind` is the name of its type."""

    kind: str


class Answer(ABC):
    """A student's function, wherever it lives."""

    @abstractmethod
    def perform(self, call: Call) -> Reply:
        """Runs the function once and returns plain values."""


@dataclass(frozen=True)
class Local(Answer):
    """A function of this process."""

    function: Callable[..., Any]

    def perform(self, call: Call) -> Reply:
        """Runs the function on copies of the arguments, under the call's seed, with its output captured."""
        args = [plain(arg) for arg in call.args]
        value: Any = None
        gradients: Gradients = ()
        second: Gradients = ()
        failure = None
        printed, called = io.StringIO(), set[str]()
        for i in call.wrt:
            args[i].requires_grad_()
        with _seeded(call.seed), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            try:
                # All of it: a class of the student's may compute on the way back, or when it is read.
                with _recorded(called):
                    answer = self.function(*args)
                    if call.wrt:
                        gradients, second = _gradients(answer, [args[i] for i in call.wrt], call)
                    value = plain(answer)
            except (Exception, SystemExit) as error:
                failure = Failure(type(error).__name__, str(error), *_place_of(error))
        return Reply(
            value=value,
            gradients=gradients,
            second=second,
            args_after=tuple(plain(arg) for arg in args),
            called=tuple(sorted(called)),
            printed=printed.getvalue(),
            failure=failure,
        )


def plain(value: Any, depth: int = 0) -> Any:
    """A copy of the value as plain data: tensors detached, on the CPU, of the base class."""
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, np.generic):
        return plain(value.item(), depth)
    if isinstance(value, Tensor):
        with torch._C.DisableTorchFunctionSubclass():  # a subclass may define what detach is
            return Tensor.detach(value).cpu().clone()
    if depth < 8:
        if isinstance(value, tuple):
            return tuple(plain(item, depth + 1) for item in value)
        if isinstance(value, list):
            return [plain(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return {str(key): plain(item, depth + 1) for key, item in value.items()}
    return Opaque(type(value).__name__)


def _gradients(value: Any, inputs: list[Tensor], call: Call) -> tuple[Gradients, Gradients]:
    """First and second order, None for an input that the value does not depend on."""
    none: Gradients = (None,) * len(inputs)
    outputs = [v for v in (value if isinstance(value, tuple | list) else [value]) if isinstance(v, Tensor)]
    weights = [torch.ones(())] if call.weights is None else call.weights
    if [w.shape for w in weights] != [v.shape for v in outputs]:
        return none, none  # the judge has the value, and says which shape was expected
    terms = [(w * v).sum() for w, v in zip(weights, outputs, strict=True) if v.requires_grad]
    if not terms:
        return none, none
    g = torch.autograd.grad(
        torch.stack(terms).sum(), inputs, create_graph=call.directions is not None, allow_unused=True
    )
    if call.directions is None:
        return plain(g), ()
    pairs = [(g_i, v) for g_i, v in zip(g, call.directions, strict=True) if g_i is not None]
    along = [(g_i * v).sum() for g_i, v in pairs if g_i.requires_grad]
    if not along:
        return plain(g), none
    return plain(g), plain(torch.autograd.grad(torch.stack(along).sum(), inputs, allow_unused=True))


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Every global generator starts from the seed, and is put back afterwards."""
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002  # students use it
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):  # unnamed, several GPUs warn
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(state)
            np.random.set_state(numpy_state)  # noqa: NPY002


@contextlib.contextmanager
def _recorded(called: set[str]) -> Iterator[None]:
    """Notes every function of the package's references that runs, however it was reached."""

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and _is_reference(frame) and frame.f_code.co_name != "<module>":
            caller = frame.f_back
            while caller is not None and not _is_reference(caller):
                caller = caller.f_back
            if caller is None:  # neither run by another reference, nor while a reference is imported
                called.add(f"{frame.f_globals['__name__']}.{frame.f_code.co_qualname}")

    before, before_in_threads = sys.getprofile(), threading.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(before)
        threading.setprofile(before_in_threads)


def _is_reference(frame: FrameType) -> bool:
    return str(frame.f_globals.get("__name__")).startswith(REFERENCES)


def _place_of(error: BaseException) -> tuple[str, str]:
    """Function and line of the last place in the traceback that is the student's own, or nothing."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if "-packages" not in f.filename]
    own = [f for f in frames if not f.filename.startswith(NOT_OWN)]
    if not own or not own[-1].line:
        return (own[-1].name if own else "it"), ""
    return own[-1].name, f"line {own[-1].lineno}: {own[-1].line}"
