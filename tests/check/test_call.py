"""One call: global state, output and errors, and what of the package is seen to run."""

import contextlib
import functools
import random
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

import gentutor.models
from gentutor.check import Call, Local
from gentutor.models import pca

X = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 4)))


def perform(function, *args, seed=1, **more):
    return Local(function).perform(Call(args, seed, **more))


# ------------------------------------------------------------------------------ seeds and global state


def stochastic():
    return torch.rand(3), [float(number) for number in np.random.rand(3)], random.random()  # noqa: NPY002


def states():
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002
    return torch.get_rng_state().tolist(), kind, keys.tolist(), rest, random.getstate()


def interrupted():
    stochastic()
    raise KeyboardInterrupt


def failing():
    stochastic()
    raise ValueError("no")


def test_a_seed_determines_every_global_generator():
    first, again, other = (perform(stochastic, seed=seed).value for seed in (5, 5, 6))
    assert torch.equal(first[0], again[0])
    assert first[1:] == again[1:]
    for one, two in zip(first, other, strict=True):
        assert not np.array_equal(one, two)


@pytest.mark.parametrize("function", [stochastic, failing, interrupted])
def test_global_state_is_left_as_it_was(function):
    stochastic()  # away from where the test before may have left the generators
    before, streams = states(), (sys.stdout, sys.stderr)
    profilers = sys.getprofile(), threading.getprofile()
    with contextlib.suppress(KeyboardInterrupt):
        perform(function)
    assert states() == before
    assert (sys.stdout, sys.stderr) == streams
    assert (sys.getprofile(), threading.getprofile()) == profilers


def test_a_profiler_of_threads_is_left_in_place():
    def own(*_):
        return None

    threading.setprofile(own)
    try:
        perform(stochastic)
        assert threading.getprofile() is own
        assert sys.getprofile() is not own
    finally:
        threading.setprofile(None)


def test_several_gpus_are_no_matter_for_a_warning(monkeypatch):
    monkeypatch.setattr(torch.random, "_fork_rng_warned_already", False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_rng_state", lambda device: torch.zeros(1))
    monkeypatch.setattr(torch.cuda, "set_rng_state", lambda state, device: None)
    assert perform(stochastic).failure is None


# ---------------------------------------------------------------------------------- output and errors


def test_output_is_captured(capfd):
    def function():
        print("to standard output")
        print("to standard error", file=sys.stderr)

    printed = perform(function).printed
    assert capfd.readouterr() == ("", "")
    for text in ("to standard output", "to standard error"):
        assert f"{text}\n" in printed


def helper(items):
    return items[9]


def raises_itself():
    raise ValueError("my own message")


def raises_in_a_helper():
    return helper([1])


def raises_in_torch():
    return torch.nn.functional.linear(torch.ones(2, 3), torch.ones(2, 2))


def raises_in_the_standard_library():
    return random.choice([])


def raises_in_the_package():
    return pca.fit(torch.ones(3), 1)


@pytest.mark.parametrize(
    ("function", "kind", "message", "line"),
    [
        (raises_itself, "ValueError", "my own message", 'raise ValueError("my own message")'),
        (raises_in_a_helper, "IndexError", "out of range", "return items[9]"),
        (raises_in_torch, "RuntimeError", "shapes", "return torch.nn.functional.linear("),
        (raises_in_the_standard_library, "IndexError", "empty sequence", "return random.choice([])"),
        (raises_in_the_package, "ValueError", "(3,)", "return pca.fit("),
        (lambda: sys.exit("leaving"), "SystemExit", "leaving", "sys.exit("),
        (lambda: {}["key"], "KeyError", "'key'", '{}["key"]'),
    ],
)
def test_an_error_tells_its_type_message_and_the_students_line(function, kind, message, line):
    reply = perform(function)
    assert reply.value is None
    assert reply.failure.kind == kind
    assert message in reply.failure.message
    number, _, text = reply.failure.line.partition(": ")
    assert line in text
    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert source[int(number.removeprefix("line ")) - 1].strip() == text


def test_a_function_called_wrongly_has_no_line():
    failure = perform(lambda: 1, X).failure
    assert failure.kind == "TypeError"
    assert "takes 0 positional arguments but 1 was given" in failure.message
    assert failure.line == ""


def test_an_interrupt_is_not_caught():
    with pytest.raises(KeyboardInterrupt):
        perform(interrupted)


# -------------------------------------------------------------------------------- package's solutions


def in_a_thread(x):
    found = []
    thread = threading.Thread(target=lambda: found.append(pca.fit(x, 2).Theta))
    thread.start()
    thread.join()
    return found[0]


def with_own_import(x):
    from gentutor.models.pca import fit as borrowed

    return borrowed(x, 2).Theta


class Backward(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.square().sum()

    @staticmethod
    def backward(ctx, g):
        pca.fit(*ctx.saved_tensors, 1)
        return 2 * g * ctx.saved_tensors[0]


class Late(tuple):
    """Works out its items when they are asked for."""

    def __iter__(self):
        return iter([pca.fit(self[0], 2).Theta])


alias = pca.fit
fitted = pca.fit(X, 2)
WAYS = {
    "by its name": (lambda x: pca.fit(x, 2).Theta, "fit"),
    "alias": (lambda x: alias(x, 2).Theta, "fit"),
    "partial": (functools.partial(pca.largest_angle, B=X), "largest_angle"),
    "itself": (functools.partial(pca.fit, r=2), "fit"),
    "method of an instance": (fitted.encode, "PCA.encode"),
    "module's forward": (lambda x: pca.LinearAutoencoder(4, 2).double()(x), "LinearAutoencoder.forward"),
    "default argument": (lambda x, own=pca.fit: own(x, 2).Theta, "fit"),
    "through map": (lambda x: next(map(pca.fit, [x], [2])).Theta, "fit"),
    "through torch": (lambda x: torch.vmap(fitted.decode)(x[:, :2]), "PCA.decode"),
    "thread": (in_a_thread, "fit"),
    "import inside": (with_own_import, "fit"),
    "after an error": (lambda x: pca.fit(x, 99), "fit"),
    "while the value is read": (lambda x: Late([x]), "fit"),
    "on the way back": (Backward.apply, "fit"),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_packages_solution_is_seen_to_run(way):
    function, name = WAYS[way]
    assert f"gentutor.models.pca.{name}" in perform(function, X, wrt=(0,)).called


def test_only_what_the_function_itself_called_is_told():
    assert perform(lambda x: pca.fit(x, 2).Theta, X).called == ("gentutor.models.pca.fit",)


def test_what_is_no_solution_is_not_told():
    def function(x):
        _ = fitted.Theta, pca.fit.__doc__
        torch.linalg.svd(x)
        return gentutor.train.device("cpu").type

    assert perform(function, X).called == ()
    assert perform(lambda x: x, X).called == ()


def test_importing_is_not_told(monkeypatch):
    def function(x):
        import gentutor.models.pca as imported

        return imported.__name__

    monkeypatch.setattr(gentutor.models, "pca", pca)  # put back afterwards
    monkeypatch.delitem(sys.modules, "gentutor.models.pca")
    reply = perform(function, X)
    assert reply.value == "gentutor.models.pca"
    assert sys.modules["gentutor.models.pca"] is not pca  # it was indeed executed again
    assert reply.called == ()


def test_calls_before_and_after_are_not_told():
    pca.fit(X, 2)
    answer = Local(lambda x: x)
    assert answer.perform(Call((X,), 1)).called == ()
    pca.fit(X, 2)
    assert answer.perform(Call((X,), 1)).called == ()
