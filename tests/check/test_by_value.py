"""One call by value: only plain copies go in and come out, gradients among them."""

import collections
import enum
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from gentutor.check import Call, Local, Opaque

X = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 4)))


def perform(function, *args, seed=1, **more):
    return Local(function).perform(Call(args, seed, **more))


# --------------------------------------------------------------------------------- what comes back


Pair = collections.namedtuple("Pair", "first second")


class Tagged(torch.Tensor):
    pass


class Colour(enum.IntEnum):
    RED = 1


def endless():
    own = [1]
    own.append(own)
    return own


def leaves(value):
    if type(value) in (tuple, list):
        return [leaf for item in value for leaf in leaves(item)]
    if type(value) is dict:
        assert all(type(key) is str for key in value)
        return leaves(list(value.values()))
    return [value]


RETURNS = {
    "needs a gradient": (lambda: torch.ones(2, requires_grad=True) * 3, torch.full((2,), 3.0)),
    "parameter": (lambda: nn.Parameter(torch.ones(2)), torch.ones(2)),
    "tensor subclass": (lambda: torch.ones(2).as_subclass(Tagged), torch.ones(2)),
    "view": (lambda: torch.arange(6).view(2, 3).T, torch.tensor([[0, 3], [1, 4], [2, 5]])),
    "inference tensor": (lambda: torch.inference_mode()(torch.ones)(2), torch.ones(2)),
    "numbers": (lambda: (1, 2.5, True, None, "text"), (1, 2.5, True, None, "text")),
    "namedtuple": (lambda: Pair(1, [2]), (1, [2])),
    "dict": (lambda: {0: 1, "a": (2,)}, {"0": 1, "a": (2,)}),
    "ordered dict": (lambda: collections.OrderedDict(a=1), {"a": 1}),
    "numpy array": (lambda: np.ones(3), Opaque("ndarray")),
    "numpy number": (lambda: np.float64(2), 2.0),
    "enumeration": (lambda: Colour.RED, Opaque("Colour")),
    "module": (lambda: nn.Linear(2, 3), Opaque("Linear")),
    "generator": (lambda: (k for k in range(3)), Opaque("generator")),
    "function": (lambda: len, Opaque("builtin_function_or_method")),
    "set": (lambda: {1}, Opaque("set")),
    "inside a list": (
        lambda: [nn.Linear(2, 3), nn.Parameter(torch.ones(1))],
        [Opaque("Linear"), torch.ones(1)],
    ),
}


@pytest.mark.parametrize("name", RETURNS)
def test_what_comes_back_is_plain(name):
    function, expected = RETURNS[name]
    value = perform(function).value
    pairs = list(zip(leaves(value), leaves(expected), strict=True))
    assert pairs
    for found, wanted in pairs:
        assert type(found) is type(wanted)
        if isinstance(wanted, torch.Tensor):
            assert torch.equal(found, wanted)
            assert (found.requires_grad, found.device.type) == (False, "cpu")
        else:
            assert found == wanted
    if not isinstance(expected, torch.Tensor):
        assert type(value) is type(expected)


def test_a_list_that_holds_itself_comes_back_cut():
    value, depth = perform(endless).value, 0
    while type(value) is list:
        assert value[0] == 1
        value, depth = value[1], depth + 1
    assert value == Opaque("list")
    assert 2 < depth < 20


def test_a_tensor_that_computes_as_its_class_wants_does_not_cross():
    class Own(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return "not a tensor"

    value = perform(lambda: torch.ones(2).as_subclass(Own)).value
    assert type(value) is torch.Tensor
    assert torch.equal(value, torch.ones(2))


def test_an_error_while_the_value_is_read_is_the_functions_own():
    class Own(tuple):
        def __iter__(self):
            raise ValueError("no items today")

    failure = perform(lambda: Own((1, 2))).failure
    assert (failure.kind, failure.message) == ("ValueError", "no items today")


def test_a_reply_holds_copies():
    kept = []

    def function(x):
        kept.extend([x, x * 2])
        return kept[1]

    reply = perform(function, X)
    kept[0].zero_()
    kept[1].zero_()
    assert torch.equal(reply.value, 2 * X)
    assert torch.equal(reply.args_after[0], X)


# ------------------------------------------------------------------------------------- what goes in


def test_the_function_gets_copies():
    inputs = (X.clone(), [X.clone(), 3], {"a": X.clone()}, nn.Parameter(X.clone()))
    seen = []

    def function(tensor, items, table, parameter):
        seen.extend([type(parameter), parameter.requires_grad])
        tensor.zero_()
        items[0].zero_()
        items.append("more")
        table["a"].zero_()
        parameter.zero_()

    reply = perform(function, *inputs)
    assert reply.failure is None
    assert seen == [torch.Tensor, False]
    for tensor in (inputs[0], inputs[1][0], inputs[2]["a"], inputs[3].data):
        assert torch.equal(tensor, X)
    assert len(inputs[1]) == 2
    after = reply.args_after
    assert [float(after[k].abs().max()) for k in (0, 3)] == [0, 0]
    assert after[1][1:] == [3, "more"]
    assert float(after[1][0].abs().max()) == float(after[2]["a"].abs().max()) == 0


def test_one_tensor_given_twice_arrives_as_two():
    reply = perform(lambda a, b: a.zero_(), X, X)
    assert float(reply.args_after[0].abs().max()) == 0
    assert torch.equal(reply.args_after[1], X)


def test_a_call_and_a_reply_can_be_pickled():
    call = Call((X, [1, "a"]), 7, wrt=(0,), weights=(torch.ones(()),), directions=(X,))
    sent = pickle.loads(pickle.dumps(call))
    assert torch.equal(sent.args[0], X)
    reply = Local(lambda x, _: x.square().sum()).perform(sent)
    back = pickle.loads(pickle.dumps(reply))
    assert torch.equal(back.gradients[0], reply.gradients[0])
    assert torch.equal(back.second[0], reply.second[0])


# ------------------------------------------------------------------------------------------ gradients


def numbers(*shapes):
    rng = np.random.default_rng(5)
    return [torch.from_numpy(rng.normal(size=shape)) for shape in shapes]


def test_gradients_of_first_and_second_order_against_closed_forms():
    x, M, u, V, w2 = numbers(4, (4, 4), 4, (4, 4), 4)
    w1 = torch.tensor(0.7).double()
    reply = perform(
        lambda x, M: (x @ M @ x, "no tensor", M @ x),
        x,
        M,
        wrt=(0, 1),
        weights=(w1, w2),
        directions=(u, V),
    )
    x, M, u, V, w2 = (t.numpy() for t in (x, M, u, V, w2))
    assert_allclose(reply.gradients[0], 0.7 * (M + M.T) @ x + M.T @ w2, rtol=1e-6)
    assert_allclose(reply.gradients[1], 0.7 * np.outer(x, x) + np.outer(w2, x), rtol=1e-6)
    assert_allclose(reply.second[0], 0.7 * ((M + M.T) @ u + (V + V.T) @ x) + V.T @ w2, rtol=1e-6)
    by_M = 0.7 * (np.outer(u, x) + np.outer(x, u)) + np.outer(w2, u)
    assert_allclose(reply.second[1], by_M, rtol=1e-6)


def test_the_gradient_of_a_single_value_needs_no_weights():
    reply = perform(lambda a, b, c: (b**3).sum() + a, 2.0, X, "c", wrt=(1,))
    assert_allclose(reply.gradients[0], 3 * X.numpy() ** 2)
    assert reply.second == ()
    assert not reply.value.requires_grad
    assert not reply.args_after[1].requires_grad


def test_gradients_that_reach_nothing_are_none():
    both = {"wrt": (0, 1), "directions": (X, X)}
    reply = perform(lambda a, b: a.square().sum(), X, X, **both)
    assert_allclose(reply.gradients[0], 2 * X)
    assert_allclose(reply.second[0], 2 * X)
    assert (reply.gradients[1], reply.second[1]) == (None, None)
    linear = perform(lambda a, b: (a + 3 * b).sum(), X, X, **both)
    assert_allclose(linear.gradients[1], 3 * torch.ones(6, 4))
    assert linear.second == (None, None)
    for cut in (
        torch.Tensor.detach,
        lambda t: t.data,
        lambda t: torch.tensor(t.tolist()),
        torch.Tensor.tolist,
    ):
        reply = perform(lambda a, b, cut=cut: cut(a.square().sum()), X, X, **both)
        assert reply.failure is None
        assert (reply.gradients, reply.second) == ((None, None), (None, None))


def test_an_error_on_the_way_back_is_the_functions_own():
    def function(x):
        loss = x.square().sum()
        loss.backward()  # frees what the gradient needs
        return loss

    assert perform(function, X, wrt=(0,)).failure.kind == "RuntimeError"
