"""Whether a value is still what it was: marks that differ where a value was changed or replaced."""

import hashlib
import io
import pickle
from typing import Any

import torch
from torch import Tensor
from traitlets import HasTraits

Mark = tuple[str, Any]
ABSENT = object()
SHOWN = ("matplotlib", "mpl_toolkits")  # what was drawn changes as it is shown; to compare it is slow


def mark(value: Any) -> Mark:
    """What is compared in place of the value: a digest of its content, or else its identity.

    Valid within one process and what is forked from it.
    """
    if not callable(value) or isinstance(value, torch.nn.Module):  # functions and classes: by identity
        digest = _Digest()
        try:
            _Pickler(digest, protocol=5).dump(value)
            return "content", digest.sha.hexdigest()
        except Exception:  # figures, widgets, modules, generators ...
            pass
    return "identity", id(value)


class _Digest(io.RawIOBase):
    """A file that keeps nothing but the digest of what is written."""

    def __init__(self) -> None:
        self.sha = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sha.update(data)
        return len(memoryview(data).cast("B"))


class _Pickler(pickle.Pickler):
    """Writes what a value consists of. Nobody reads it back."""

    def reducer_override(self, value: Any) -> Any:
        """Tensors by their entries: torch's own way costs milliseconds each."""
        if type(value) is Tensor and value.layout is torch.strided:
            flat = value.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            told = (str(value.dtype), tuple(value.shape), value.requires_grad)
            return tuple, ((told, hashlib.sha256(flat.numpy().tobytes()).digest()),)
        if type(value).__module__.partition(".")[0] in SHOWN or isinstance(value, HasTraits):
            return int, (id(value),)
        return NotImplemented
