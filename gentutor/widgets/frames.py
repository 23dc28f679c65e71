"""Frames in a row, as bytes, each with a label."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from gentutor.widgets.pixels import Bytes, image, pixels

MOST = 64 * 2**20  # bytes: what a page can be asked to hold, and a message to carry


class Frames:
    """Frames (n, H, W) or (n, H, W, 3) and their labels. The arguments are those of `FrameScrubber`.

    Attributes:
        images: the frames as bytes.
        labels: n texts.
    """

    def __init__(self, frames: Any, labels: Sequence[object] | None = None) -> None:
        if not hasattr(frames, "__len__") or len(frames) == 0:
            raise ValueError("there are no frames; expected images (n, H, W) or (n, H, W, 3)")
        pictures = [pixels(image(frame, "a frame"), "a frame") for frame in frames]
        if len({picture.shape for picture in pictures}) > 1:
            raise ValueError("the frames have several shapes; expected one")
        n = len(pictures)
        if labels is not None and len(labels) != n:
            raise ValueError(f"there are {len(labels)} labels for {n} frames; expected one for each")
        if sum(picture.size for picture in pictures) > MOST:
            raise ValueError(
                f"{n} frames of shape {pictures[0].shape} take more than {MOST >> 20} MiB; "
                "expected fewer (frames[::10], say) or smaller ones"
            )
        self.images: Bytes = np.stack(pictures)
        self.labels = [f"frame {k}" for k in range(n)] if labels is None else [str(each) for each in labels]

    def __len__(self) -> int:
        return len(self.images)

    def checked(self, index: int) -> int:
        """The number of a frame, from 0 on; -1 is the last. Raises IndexError where there is none."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no frame {index}: there are {len(self)}, from 0 on")
        return index % len(self)

    def some(self, count: int) -> list[int]:
        """At most `count` frames' numbers, evenly spread, the first and the last among them."""
        numbers: list[int] = np.linspace(0, len(self) - 1, min(count, len(self))).round().astype(int).tolist()
        return numbers
