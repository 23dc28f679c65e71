"""Plain data as bytes and back, for what crosses between processes that do not trust each other.

A JSON header, then the tensors' raw bytes. Reading builds nothing but None, bool, int, float, str, list,
tuple, dict, tensors and the records of `gentutor.check`; no name in the bytes is looked up, and none of them
is run.
"""

import json
import struct
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from gentutor.check import Call, Made, Opaque, Reply
from gentutor.check.call import Failure

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex64, torch.complex128),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    )
}
RECORDS = {record.__name__: record for record in (Call, Made, Reply, Failure, Opaque)}
LENGTH = struct.Struct("<Q")
DEEPEST = 32
# Lists, dicts and what is in them: two bytes of a message become more than a hundred.
MOST_PARTS = 2 << 20


class Unreadable(ValueError):
    """Bytes that are not what `dumps` writes."""


def dumps(value: Any) -> bytes:
    """The value as bytes. Raises TypeError for what is not plain data."""
    blobs: list[bytes] = []
    header = json.dumps(_packed(value, blobs)).encode()
    return b"".join([LENGTH.pack(len(header)), header, *blobs])


def loads(data: bytes) -> Any:
    """The value in the bytes. Raises Unreadable."""
    try:
        (length,) = LENGTH.unpack_from(data)
        text = data[LENGTH.size : LENGTH.size + length]
        if sum(map(text.count, (b"[", b"{", b","))) > MOST_PARTS:
            raise Unreadable("too many parts")
        header = json.loads(text)
        return _unpacked(header, memoryview(data)[LENGTH.size + length :], 0)
    except Unreadable:
        raise
    except (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError, struct.error) as error:
        # Not its text, which the other side may have chosen.
        raise Unreadable(f"not what was expected: {type(error).__name__}") from error


def _packed(value: Any, blobs: list[bytes]) -> Any:
    """Lists stand for themselves; all else that JSON does not know is a dict of one entry, its kind."""
    if value is None or type(value) in (bool, float, str):
        return value
    if type(value) is int:
        return value if abs(value) < 1 << 53 else {"int": hex(value)}
    if type(value) is list:
        return [_packed(item, blobs) for item in value]
    if type(value) is tuple:
        return {"tuple": [_packed(item, blobs) for item in value]}
    if isinstance(value, dict):  # a state_dict is a subclass
        return {"dict": [[str(key), _packed(item, blobs)] for key, item in value.items()]}
    if type(value) is Tensor:
        name = str(value.dtype).removeprefix("torch.")
        if name not in DTYPES or value.layout is not torch.strided or value.device.type != "cpu":
            return _packed(Opaque(f"{name} tensor of another layout or device"), blobs)
        flat = value.detach().resolve_conj().resolve_neg().contiguous().reshape(-1)
        start = sum(map(len, blobs))
        blobs.append(flat.view(torch.uint8).numpy().tobytes())
        return {"tensor": [name, list(value.shape), start, len(blobs[-1])]}
    for name, record in RECORDS.items():
        if type(value) is record:
            parts = [[f.name, _packed(getattr(value, f.name), blobs)] for f in fields(record)]
            return {"record": [name, parts]}
    raise TypeError(f"a {type(value).__name__} is no plain data")


def _unpacked(packed: Any, blobs: memoryview, depth: int) -> Any:
    if depth > DEEPEST:
        raise Unreadable("nested too deep")
    if isinstance(packed, list):
        return [_unpacked(item, blobs, depth + 1) for item in packed]
    if not isinstance(packed, dict):
        return packed
    ((kind, content),) = packed.items()
    match kind:
        case "int":
            return int(content, 16)
        case "tuple":
            return tuple(_unpacked(item, blobs, depth + 1) for item in content)
        case "dict":
            return {str(key): _unpacked(item, blobs, depth + 1) for key, item in content}
        case "tensor":
            return _tensor(blobs, *content)
        case "record":
            name, parts = content
            return RECORDS[name](**{key: _unpacked(item, blobs, depth + 1) for key, item in parts})
    raise Unreadable("a value of no known kind")


def _tensor(blobs: memoryview, name: str, shape: list[int], start: int, length: int) -> Tensor:
    dtype, count = DTYPES[name], 1
    for size in shape:
        if type(size) is not int or size < 0:
            raise Unreadable("a tensor of no shape")
        count *= size
    data = blobs[start : start + length] if start >= 0 else b""
    if len(data) != length or length != count * dtype.itemsize:
        raise Unreadable("a tensor whose bytes are not those of its shape")
    if not length:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)
