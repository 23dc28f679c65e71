"""Images as bytes: what a decoder gives, as a browser's canvas takes it."""

from typing import Any

import matplotlib
import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]


def array(values: Any) -> NDArray[Any]:
    """The values as a numpy array; a tensor is taken off its device and its graph."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        if values.is_floating_point():  # numpy has no bfloat16
            values = values.double()
    return np.asarray(values)


def image(values: Any, name: str) -> NDArray[Any]:
    """An image (H, W) or (H, W, 3) from one of these or (H, W, 1), (1, H, W), (3, H, W), (1, 1, H, W) ...

    Raises:
        ValueError: it has another shape. `name` says of what the message speaks.
    """
    given = array(values)
    picture = given
    while picture.ndim > 3 and picture.shape[0] == 1:  # a batch of one
        picture = picture[0]
    if picture.ndim == 3 and picture.shape[2] not in (1, 3) and picture.shape[0] in (1, 3):
        picture = np.moveaxis(picture, 0, 2)  # the channels come first, as in torch
    if picture.ndim == 3 and picture.shape[2] == 1:
        picture = picture[:, :, 0]
    if picture.ndim not in (2, 3) or picture.shape[2:] not in ((), (3,)) or picture.size == 0:
        hint = " A flat image needs its shape: .reshape(28, 28), say." if given.ndim == 1 else ""
        raise ValueError(f"{name} has shape {given.shape}; expected (H, W), (H, W, 3) or (1, H, W).{hint}")
    return picture


def pixels(picture: NDArray[Any], name: str) -> Bytes:
    """Bytes 0 to 255 for values in [0, 1], of the same shape; values outside are clipped, bytes kept.

    Raises:
        ValueError: NaN or infinity among them.
        TypeError: integers that are no bytes, whose range nobody knows; or no numbers.
    """
    if picture.dtype == np.uint8:
        return np.ascontiguousarray(picture)
    if picture.dtype == bool:
        return np.where(picture, np.uint8(255), np.uint8(0))
    if not np.issubdtype(picture.dtype, np.floating):
        raise TypeError(f"{name} has dtype {picture.dtype}; expected floats in [0, 1], or bytes (uint8)")
    if not np.isfinite(picture).all():
        raise ValueError(f"{name} has values that are NaN or infinite; expected floats in [0, 1]")
    scaled: Bytes = np.rint(picture.clip(0, 1) * 255).astype(np.uint8)
    return scaled


def palette(cmap: str) -> Bytes:
    """The colours of the bytes 0 to 255 of a grey image, (256, 3), from a matplotlib colour map.

    Raises:
        ValueError: there is no such colour map.
    """
    if cmap not in matplotlib.colormaps:
        raise ValueError(
            f"cmap is {cmap!r}; expected a colour map of matplotlib, such as 'gray_r' or 'viridis'"
        )
    colours: Bytes = np.rint(255 * matplotlib.colormaps[cmap](np.arange(256))[:, :3]).astype(np.uint8)
    return np.ascontiguousarray(colours)


def in_colour(picture: Bytes, colours: Bytes) -> Bytes:
    """(H, W, 3): a grey image in the colours of a palette; one that has colours as it is."""
    coloured: Bytes = colours[picture] if picture.ndim == 2 else picture
    return coloured
