"""Plain data cross as they are; bytes that a hostile process sends build nothing else."""

import json
import math
import random

import pytest
import torch

from gentutor.check import Call, Made, Opaque, Reply
from gentutor.check.call import Failure
from gentutor.grading.trial import wire

HEADER = wire.LENGTH


def same(a, b) -> bool:
    if type(a) is not type(b):
        return False
    if isinstance(a, torch.Tensor):
        return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a.nan_to_num(7), b.nan_to_num(7))
    if isinstance(a, float) and math.isnan(a):
        return math.isnan(b)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return a == b


@pytest.mark.parametrize(
    "value",
    [
        *(
            None,
            True,
            0,
            -(2**53),
            2**200,
            -(2**77),
            0.1,
            -0.0,
            math.inf,
            math.nan,
            "",
            "ε\n\x00",
            [],
            (),
            {},
        ),
        [1, (2.5, {"a": [None], "tuple": "b"}), "c"],
        {"int": 1, "record": {"dict": []}},
    ],
    ids=repr,
)
def test_a_value_crosses_as_it_is(value):
    assert same(wire.loads(wire.dumps(value)), value)


@pytest.mark.parametrize("dtype", wire.DTYPES.values(), ids=str)
@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (2, 3), (2, 1, 3)], ids=str)
def test_a_tensor_crosses_with_dtype_shape_and_entries(dtype, shape):
    x = (torch.randn(shape, generator=torch.Generator().manual_seed(0)) * 3).to(dtype)
    first, second = wire.loads(wire.dumps([x, {"again": x}]))
    assert same(first, x)
    assert same(second["again"], x)


def test_a_view_crosses_by_its_entries():
    x = torch.arange(12.0).reshape(3, 4)
    assert same(wire.loads(wire.dumps(x.T[1:])), x.T[1:].contiguous())
    z = torch.tensor([1 + 2j, 3 - 1j])
    assert same(wire.loads(wire.dumps(z.conj())), torch.tensor([1 - 2j, 3 + 1j]))


def test_the_records_of_a_call_cross():
    made = Made("torch.nn.Linear", {"in_features": 2}, {"weight": torch.ones(1, 2)})
    call = Call((torch.ones(2), 3, "a", made), seed=5, wrt=(0,), weights=(torch.ones(()),), directions=None)
    back = wire.loads(wire.dumps({"call": call}))["call"]
    assert (back.args[1:3], back.seed, back.wrt, back.directions) == ((3, "a"), 5, (0,), None)
    assert back.args[3].maker == made.maker
    assert same(back.args[3].state, made.state)
    reply = Reply(Opaque("Net"), (None, torch.ones(2)), failure=Failure("ValueError", "no", "f", "line 1"))
    back = wire.loads(wire.dumps(reply))
    assert (back.value, back.failure, back.gradients[0]) == (reply.value, reply.failure, None)


def test_a_modules_own_state_crosses_as_a_dict():
    state = torch.nn.Linear(2, 1).state_dict()
    back = wire.loads(wire.dumps(Made("torch.nn.Linear", {}, state))).state
    assert type(back) is dict
    assert same(back, dict(state))


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, b"bytes", torch.nn.Linear(1, 1), [lambda: 0]], ids=lambda v: type(v).__name__
)
def test_what_is_no_plain_data_is_refused(value):
    with pytest.raises(TypeError, match="no plain data"):
        wire.dumps(value)


def test_a_tensor_that_has_no_bytes_is_named_instead():
    sparse = torch.eye(2).to_sparse()
    assert isinstance(wire.loads(wire.dumps(sparse)), Opaque)
    assert isinstance(wire.loads(wire.dumps(torch.ones(2, device="meta"))), Opaque)


def packet(header, blobs=b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return HEADER.pack(len(text)) + text + blobs


@pytest.mark.parametrize(
    "data",
    [
        *(
            b"",
            b"\0" * 3,
            HEADER.pack(2**60),
            packet(b"{"),
            packet(b"\xff"),
            packet({}),
            packet({"a": 1, "b": 2}),
        ),
        packet({"tensor": ["float64", [10**9, 10**9], 0, 8]}, b"\0" * 8),
        packet({"tensor": ["float64", [-1], 0, 8]}, b"\0" * 8),
        packet({"tensor": ["float64", [True], 0, 8]}, b"\0" * 8),
        packet({"tensor": ["float64", [1], -8, 8]}, b"\0" * 16),
        packet({"tensor": ["float64", [1], 4, 8]}, b"\0" * 8),
        packet({"tensor": ["__class__", [1], 0, 8]}, b"\0" * 8),
        packet({"tensor": "float64"}),
        packet({"record": ["system", []]}),
        packet({"record": ["Reply", [["nonsense", 1]]]}),
        packet({"int": "9" * 10}, b"") + b"",
        packet({"int": 5}),
        packet({"function": "os.system"}),
        packet(b"[" * 100_000),
        packet([[[]]] * 3 + [eval("[" * 60 + "]" * 60)]),
    ],
)
def test_bytes_that_are_none_of_ours_are_unreadable_or_plain(data):
    try:
        value = wire.loads(data)
    except wire.Unreadable:
        return
    assert value == int("9" * 10, 16)  # the one that is well formed


def test_no_mutation_of_a_packet_does_anything_but_read_or_refuse():
    draw = random.Random(0)
    packed = wire.dumps(Reply(value=({"W": torch.randn(3, 2)}, 1.5, "ε"), gradients=(None,), args_after=(1,)))
    refused = 0
    for _ in range(3000):
        data = bytearray(packed)
        for _ in range(draw.randint(1, 4)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        if draw.random() < 0.2:
            data = data[: draw.randrange(len(data))]
        try:
            wire.dumps(wire.loads(bytes(data)))
        except wire.Unreadable:
            refused += 1
    assert 300 < refused < 3000
