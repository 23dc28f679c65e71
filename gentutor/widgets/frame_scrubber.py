"""A strip of frames to scrub through."""

from collections.abc import Sequence
from typing import Any

import traitlets
from matplotlib.figure import Figure

from gentutor.widgets import view
from gentutor.widgets.frames import Frames
from gentutor.widgets.pixels import in_colour, palette

IN_STILL = 8


class FrameScrubber(view.View):
    """Frames of a training run, a walk, a diffusion: a slider to scrub through them, play, and a speed.

    The frames are sent once; scrubbing then asks nothing of the kernel.

    Args:
        frames: n images (n, H, W) or (n, H, W, 3), tensor or array: floats in [0, 1] (others are clipped) or
            bytes. A list of images does too.
        labels: what each frame is, such as "step 100"; by default its number.
        index: the frame to begin with; -1 is the last.
        fps: frames a second at speed 1.
        cmap: matplotlib's colour map for grey images; black is 1 in "gray_r".
        title: what the widget is called, on the page and for a screen reader.

    Raises:
        TypeError, ValueError, IndexError: an argument is not as it is said to be.
    """

    _esm = view.script("frame_scrubber.js")
    _css = view.style("frame_scrubber.css")

    _about = traitlets.Dict().tag(sync=True)  # what stays as it is
    _frames = traitlets.Bytes().tag(sync=True)  # (n, H, W) or (n, H, W, 3)
    _index = traitlets.Int(0).tag(sync=True)

    def __init__(
        self,
        frames: Any,
        labels: Sequence[object] | None = None,
        *,
        index: int = 0,
        fps: float = 8,
        cmap: str = "gray_r",
        title: str = "Frames",
    ) -> None:
        self.frames, self._palette = Frames(frames, labels), palette(cmap)
        if not 0 < fps <= 60:
            raise ValueError(f"fps is {fps}; expected a number of frames a second, more than 0, at most 60")
        super().__init__(
            _about={
                "title": title,
                "labels": self.frames.labels,
                "shape": list(self.frames.images.shape[1:]),
                "strip": self.frames.some(10),
                "fps": fps,
                "palette": self._palette.tolist(),
            },
            _frames=self.frames.images.tobytes(),
            _index=self.frames.checked(index),
        )

    @property
    def index(self) -> int:
        """The number of the frame that is shown, from 0 on. Raises IndexError where there is none."""
        return int(self._index)

    @index.setter
    def index(self, index: int) -> None:
        self._index = self.frames.checked(index)

    def __repr__(self) -> str:
        return (
            f"FrameScrubber({self.frames.labels[self.index]!r}, {self.index} of 0 to {len(self.frames) - 1})"
        )

    def still(self) -> tuple[Figure, str]:
        """Up to eight frames, evenly spread, with their labels."""
        numbers = self.frames.some(IN_STILL)
        figure = Figure(figsize=(1.15 * len(numbers) + 0.2, 1.6))
        for axis, k in zip(figure.subplots(1, len(numbers), squeeze=False)[0], numbers, strict=True):
            axis.imshow(in_colour(self.frames.images[k], self._palette))
            axis.set_title(self.frames.labels[k], fontsize=8)
            axis.set_axis_off()
        shown = ", ".join(self.frames.labels[k] for k in numbers)
        return figure, f"a frame scrubber: {len(self.frames)} frames, of which these are shown: {shown}"
