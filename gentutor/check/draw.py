"""Inputs in general position, from a seed that the student does not choose."""

import hashlib
import os

import torch
from torch import Tensor

SALT_VARIABLE = "GENTUTOR_SALT"


def seed_for(exercise: str) -> int:
    """The seed of an exercise: a hash of its name and of `$GENTUTOR_SALT`, which a grader sets to a secret.

    The same name and salt give the same seed on every machine, so a second run gives the same marks; another
    salt gives other inputs, so that values copied from a run at home do not pass.
    """
    text = f"{exercise}\n{os.environ.get(SALT_VARIABLE, '')}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4]) >> 1  # 31 bits: all generators take it


class Draw:
    """Random tensors, float64 on the CPU, from one generator: the same sequence for the same seed."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int) -> Tensor:
        """Independent N(0, 1) entries."""
        return torch.randn(shape, generator=self.generator, dtype=torch.float64)

    def uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Independent entries, uniform on [low, high)."""
        return low + (high - low) * torch.rand(shape, generator=self.generator, dtype=torch.float64)

    def integer(self, low: int, high: int) -> int:
        """One of low, ..., high with equal probability."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))
