"""One call of a student's function, by value: `Call` goes in, `Reply` comes out, both plain data.

Plain data are None, bool, int, float, str, tensors, and tuples, lists and dicts of these. Whatever else a
function returns is replaced by an `Opaque` that bears the name of its type. So a `Call` and a `Reply` can be
sent between processes, and the judge never holds an object that the student made.

A module or an optimiser cannot be sent. `Made` says how it is made, the answer's side makes it, and its state
comes back as plain data.
"""

import contextlib
import importlib
import io
import random
import sys
import sysconfig
import threading
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor

REFERENCES = ("gentutor.models", "gentutor.metrics")  # where the package's own solutions live

# Where code lies that no student wrote: this package and the standard library.
NOT_OWN = (str(Path(__file__).parents[1]), sysconfig.get_path("stdlib"), "<frozen")

Gradient = Tensor | dict[str, Tensor | None] | None  # a dict for a module: by its parameters
Gradients = tuple[Gradient, ...]


@dataclass(frozen=True)
class Made:
    """An object to hand over, by how it is made: maker(**options), or maker(parameters of `of`, **options).

    Attributes:
        maker: dotted name of a class in this package or in torch, "gentutor.models.vae.VAE".
        options: plain data.
        state: loaded when it is made, in the dtype that it has; None leaves it as it is made, under the
            call's seed.
        of: position of the argument before it whose parameters an optimiser moves.
    """

    maker: str
    options: dict[str, Any] = field(default_factory=dict)
    state: dict[str, Any] | None = None
    of: int | None = None

    def make(self, args: Sequence[Any] = ()) -> Any:
        """The object. Raises ValueError for a maker from elsewhere."""
        place, _, name = self.maker.rpartition(".")
        if place.partition(".")[0] not in ("gentutor", "torch"):
            raise ValueError(f"{self.maker} is neither in gentutor nor in torch")
        parameters = [] if self.of is None else [args[self.of].parameters()]
        made = getattr(importlib.import_module(place), name)(*parameters, **self.options)
        if self.state is not None:
            if isinstance(made, torch.nn.Module):
                made.to(next(t.dtype for t in self.state.values() if isinstance(t, Tensor)))
            made.load_state_dict(plain(self.state))
        return made


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
    arguments as they are after the call (of what was made, its state), the functions of the package that ran,
    and what was printed."""

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
        args: list[Any] = []
        value: Any = None
        gradients: Gradients = ()
        second: Gradients = ()
        failure = None
        printed, called = io.StringIO(), set[str]()
        with _seeded(call.seed), contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            for arg in call.args:
                args.append(arg.make(args) if isinstance(arg, Made) else plain(arg))
            for i in call.wrt:
                args[i].requires_grad_()
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
            args_after=tuple(map(state_of, args)),
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


def state_of(value: Any) -> Any:
    """The value as plain data; of a module or an optimiser its state."""
    return plain(value.state_dict()) if hasattr(value, "load_state_dict") else plain(value)


def _gradients(value: Any, inputs: list[Any], call: Call) -> tuple[Gradients, Gradients]:
    """First and second order, None for an input that the value does not depend on."""
    none: Gradients = (None,) * len(inputs)
    outputs = [v for v in (value if isinstance(value, tuple | list) else [value]) if isinstance(v, Tensor)]
    weights = [torch.ones(())] if call.weights is None else call.weights
    if [w.shape for w in weights] != [v.shape for v in outputs]:
        return none, none  # the judge has the value, and says which shape was expected
    terms = [(w * v).sum() for w, v in zip(weights, outputs, strict=True) if v.requires_grad]
    if not terms:
        return none, none
    named = [dict(x.named_parameters()) if isinstance(x, torch.nn.Module) else {"": x} for x in inputs]
    flat = torch.autograd.grad(
        torch.stack(terms).sum(),
        [x for tensors in named for x in tensors.values()],
        create_graph=call.directions is not None,
        allow_unused=True,
    )
    each = iter(flat)
    by = [{name: next(each) for name in tensors} for tensors in named]
    g = tuple(d if isinstance(x, torch.nn.Module) else d[""] for x, d in zip(inputs, by, strict=True))
    if call.directions is None:
        return plain(g), ()
    pairs = [(g_i, v) for g_i, v in zip(g, call.directions, strict=True) if isinstance(g_i, Tensor)]
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
