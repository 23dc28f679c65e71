"""What every data set is once loaded: samples, labels and the names of the labels."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor


class DataError(RuntimeError):
    """A data file is missing and cannot be fetched, or corrupt. The message names it and how to mend it."""


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """`n` labelled samples held as two tensors on one device.

    - `name`: the name that it was loaded by;
    - `x`: float32, (n, 1, H, W) with values in [0, 1] for images, (n, 2) for points of the plane;
    - `y`: int64, (n,), the index of each sample's class in `classes`;
    - `classes`: the names of the classes.
    """

    name: str
    x: Tensor
    y: Tensor
    classes: tuple[str, ...]

    def __len__(self) -> int:
        """The number of samples n."""
        return len(self.x)

    def to(self, device: str | torch.device) -> "Dataset":
        """The same samples with `x` and `y` on `device`; nothing is copied if they are there already."""
        return replace(self, x=self.x.to(device), y=self.y.to(device))

    def __repr__(self) -> str:
        """Name, then shape, dtype and observed range of `x`, shape and dtype of `y`, and the device."""
        low, high = self.x.aminmax()
        return (
            f"Dataset({self.name!r}, x: {_kind(self.x)} in [{low:.4g}, {high:.4g}], "
            f"y: {_kind(self.y)}, {len(self.classes)} classes, on {self.x.device})"
        )


def _kind(tensor: Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
