"""A pad over a latent plane: drag, and the decoded picture follows."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import traitlets
from matplotlib.figure import Figure

from gentutor import plot
from gentutor.widgets import view
from gentutor.widgets.pixels import Bytes, Floats, in_colour, palette
from gentutor.widgets.space import LatentSpace, number

MAX_SLIDERS = 10
NOBODY = -1  # no example


class LatentPad(view.View):
    """The image decoded at the place z of a latent space to which a handle is dragged, with codes behind it.

    `LatentPad(decode, codes=Z, labels=y)` in a cell, and `pad.z` in the next. Two dimensions are on the pad,
    up to ten others on sliders. With examples: start from the code of one, change what you like, compare,
    put it back, or walk along the line to another.

    Args:
        decode: z (d,) -> image. z is a tensor of the dtype and on the device of `codes` where these are a
            tensor, else a numpy array. The image is a tensor or array (H, W), (H, W, 3), (1, H, W) or
            (3, H, W): floats in [0, 1] (others are clipped) or bytes.
        codes: (n, d) with d >= 2, to be drawn behind the handle; at most 2,000 of them are, evenly chosen.
        labels: (n,), the class of each code: integers from 0 on, or names.
        classes: the names of the classes that integers in `labels` count.
        z: (d,), where to start; by default the origin, or the place nearest to it within the limits.
            Needed where there are no codes.
        axes: the dimensions across and up, from 0 on; by default the first two in the sliders' order.
        kl: (d,), the KL divergence of each dimension in nats: sliders are in its order, the largest first.
            Without it, by index.
        limits: (low, high), or (d, 2) for each dimension: what pad and sliders reach. By default all the
            codes, on one scale in all dimensions; -3 to 3 without codes. z itself may lie outside.
        examples: up to 16 images (m, H, W) or (m, H, W, 3) to start from.
        encode: example -> z (d,), called once for each example as it was given.
        cmap: matplotlib's colour map for grey images; black is 1 in "gray_r".
        title: what the widget is called, on the page and for a screen reader.

    Raises:
        TypeError, ValueError: an argument is not as it is said to be.
        Exception: whatever `decode` or `encode` raises.

    A position that comes while another is being decoded waits, and a later one takes its place: however slow
    the decoder, no positions queue up. Where `decode` raises, the pad shows its message, and goes on.
    """

    _esm = view.script("plane.js", "controls.js", "latent_pad.js")
    _css = view.style("latent_pad.css")

    _about = traitlets.Dict().tag(sync=True)  # what stays as it is
    _codes = traitlets.Bytes().tag(sync=True)  # float32, (n, d)
    _labels = traitlets.Bytes().tag(sync=True)  # uint16, (n,)
    _examples = traitlets.Bytes().tag(sync=True)  # bytes of a picture (see _shape), m times

    # What a user moves. `_z` is one trait, not one for each axis: a move is one message and one decoding.
    _z = traitlets.List(traitlets.Float()).tag(sync=True)
    _axes = traitlets.List(traitlets.Int()).tag(sync=True)
    _from = traitlets.Int(NOBODY).tag(sync=True)  # the example that is edited
    _to = traitlets.Int(NOBODY).tag(sync=True)  # and the one to walk to
    _t = traitlets.Float(0.0).tag(sync=True)  # how far

    # What is decoded. Jupyter shows an exception in a comm's handler nowhere, so `_error` carries it.
    _picture = traitlets.Bytes().tag(sync=True)
    _shape = traitlets.List(traitlets.Int()).tag(sync=True)  # of the picture, (H, W) or (H, W, 3)
    _before = traitlets.Bytes().tag(sync=True)  # the code of the example that is edited, decoded
    _decoded = traitlets.List(traitlets.Float()).tag(sync=True)  # the z to which picture or error belongs
    _error = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        decode: Callable[[Any], Any],
        codes: Any = None,
        *,
        labels: Any = None,
        classes: Sequence[str] | None = None,
        z: Any = None,
        axes: tuple[int, int] | None = None,
        kl: Any = None,
        limits: Any = None,
        examples: Any = None,
        encode: Callable[[Any], Any] | None = None,
        cmap: str = "gray_r",
        title: str = "Latent space",
    ) -> None:
        space = LatentSpace(
            decode, codes, labels=labels, classes=classes, z=z, kl=kl, limits=limits,
            examples=examples, encode=encode,
        )  # fmt: skip
        self.space, self._palette = space, palette(cmap)
        self._lock = threading.RLock()  # JupyterLab has widgets' messages handled in a thread of their own
        self._edited = NOBODY  # the example of which `_before` is the decoded code
        picture = space.decode(space.start)
        super().__init__(
            _about={
                "title": title,
                "limits": space.limits.tolist(),
                "start": space.start.tolist(),
                "order": space.order,
                "sliders": MAX_SLIDERS,
                "kl": None if space.kl is None else space.kl.tolist(),
                "classes": space.classes,
                "palette": self._palette.tolist(),
                "examples": space.example_codes.tolist(),
                "example_shape": list(space.examples.shape[1:]),
            },
            _codes=space.codes.astype("<f4").tobytes(),
            _labels=space.labels.astype("<u2").tobytes(),
            _examples=space.examples.tobytes(),
            _axes=self._checked_axes(space.order[:2] if axes is None else axes),
            _z=space.start.tolist(),
            _decoded=space.start.tolist(),
            _picture=picture.tobytes(),
            _shape=list(picture.shape),
        )

    # ------------------------------------------------------------------------------- for the next cell

    @property
    def z(self) -> Any:
        """Where the handle is, (d,), as the decoder gets it. Set it to move the handle.

        Raises:
            ValueError: the new z is no code (d,).
            Exception: whatever the decoder raises there; then nothing has moved.
        """
        return self.space.like_codes(np.array(self._z))

    @z.setter
    def z(self, z: Any) -> None:
        self._go(self.space.checked(z))

    @property
    def picture(self) -> Bytes:
        """The decoded image that is shown, as bytes, (H, W) or (H, W, 3)."""
        with self._lock:
            return np.frombuffer(self._picture, np.uint8).reshape(self._shape)

    @property
    def axes(self) -> tuple[int, int]:
        """The dimensions across and up, from 0 on. Raises ValueError where they are no two dimensions."""
        across, up = self._axes
        return across, up

    @axes.setter
    def axes(self, axes: tuple[int, int]) -> None:
        self._axes = self._checked_axes(axes)

    def edit(self, example: int) -> None:
        """Start from an example: its code, to be changed, compared and put back.

        Raises:
            IndexError: there is no such example.
        """
        self._go(self.space.example(example), _from=example, _t=0.0)

    def put_back(self) -> None:
        """Back to the code of the example that is edited, or without one to where the pad started."""
        self._go(self.space.start if self._from == NOBODY else self.space.example(self._from), _t=0.0)

    def walk(self, start: int, end: int, t: float) -> None:
        """To (1 - t) a + t b, on the line from the code a of an example to the code b of another.

        Raises:
            IndexError: there is no such example.
        """
        self._go(self.space.between(start, end, t), _from=start, _to=end, _t=float(t))

    # --------------------------------------------------------------------------------------- decoding

    def _go(self, z: Floats, **also: Any) -> None:
        """From Python: an exception is the caller's, and leaves all as it was."""
        with self._lock:
            state = self._rendered(z, also.get("_from", self._from))
            # `_decoded` first: then `_moved`, which `_z` calls, finds nothing left to do
            self._show(_decoded=z.tolist(), _z=z.tolist(), **state, **also)

    @traitlets.observe("_z", "_from")
    def _moved(self, _: Any) -> None:
        """From the page: an exception is shown there."""
        with self._lock:
            z = self._z
            if z == self._decoded and self._from == self._edited:
                return
            try:
                state = self._rendered(np.array(z), self._from)
            except Exception as error:
                state = {"_error": f"{type(error).__name__}: {error}"}
            self._show(_decoded=z, **state)

    def _rendered(self, z: Floats, example: int) -> dict[str, Any]:
        picture = self.space.decode(z)
        state = {"_picture": picture.tobytes(), "_shape": list(picture.shape), "_error": ""}
        if example != self._edited:
            code = None if example == NOBODY else self.space.example(example)
            state["_before"] = b"" if code is None else self.space.decode(code).tobytes()
            self._edited = example
        return state

    def _show(self, **state: Any) -> None:
        with self.hold_sync():  # one message
            for name, value in state.items():
                setattr(self, name, value)

    def _checked_axes(self, axes: Sequence[int]) -> list[int]:
        d = self.space.d
        chosen = list(axes)
        if len(chosen) != 2 or chosen[0] == chosen[1] or not set(chosen) <= set(range(d)):
            raise ValueError(f"axes is {axes!r}; expected two different dimensions, from 0 to {d - 1}")
        return [int(k) for k in chosen]

    # --------------------------------------------------------------------------------- without a page

    def __repr__(self) -> str:
        return f"LatentPad(z=({', '.join(number(value) for value in self._z)}))"

    def still(self) -> tuple[Figure, str]:
        """The pad as it stands: the codes with the handle, and the decoded image."""
        figure = Figure(figsize=(6.4, 3.4))
        plane, image = figure.subplots(1, 2)
        across, up = self.axes
        if self.space.given:
            points = torch.tensor(self.space.codes[:, [across, up]])
            if self.space.classes:
                plot.codes(plane, points, torch.tensor(self.space.labels), self.space.classes)
            else:
                plane.scatter(*points.T, s=6, alpha=0.6, linewidths=0)
        plane.plot(self._z[across], self._z[up], "o", markersize=12, markerfacecolor="none", color="black")
        plane.set(xlim=self.space.limits[across], ylim=self.space.limits[up])
        plane.set(xlabel=f"z[{across}]", ylabel=f"z[{up}]", aspect="auto")
        image.imshow(in_colour(self.picture, self._palette))
        image.set_axis_off()
        return figure, f"a latent pad: {self.space.describe(np.array(self._z))}"
