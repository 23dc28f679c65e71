"""A latent space with its decoder: where one stands in it, and what is decoded there."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gentutor.widgets.pixels import Bytes, Floats, array, image, pixels

DRAWN = 2000  # codes at most that are drawn: more hide each other, and the page has to hold them
MAX_EXAMPLES = 16


class LatentSpace:
    """Codes z (d,), the images that a decoder makes of them, and examples to start from.

    The arguments are those of `LatentPad`, which says what they are.

    Attributes:
        d: the length of a code.
        order: the dimensions, those with the largest KL first, or by index where no KL is given.
        limits: (d, 2), the least and the largest value that the pad and the sliders reach.
        start: the code to begin with.
        codes, labels: at most 2,000 of the codes (n, d) and the number of each one's class (n,), to be drawn.
        given: how many codes there were.
        classes: the names of the classes.
        examples: the examples as bytes (m, H, W) or (m, H, W, 3).
        example_codes: theirs, (m, d).
    """

    def __init__(
        self,
        decode: Callable[[Any], Any],
        codes: Any = None,
        *,
        labels: Any = None,
        classes: Sequence[str] | None = None,
        z: Any = None,
        kl: Any = None,
        limits: Any = None,
        examples: Any = None,
        encode: Callable[[Any], Any] | None = None,
    ) -> None:
        if not callable(decode):
            raise TypeError(f"decode is {_kind(decode)}; expected a function from a code z (d,) to an image")
        if codes is None and z is None:
            raise ValueError("expected codes (n, d), or z (d,) to start from: they say how long a code is")
        self._decode = decode
        all_codes = np.zeros((0, len(_vector(z, "z")))) if codes is None else _codes(codes)
        self._like = z if codes is None else codes
        self.given, self.d = all_codes.shape
        if self.d < 2:
            raise ValueError(f"a code has length {self.d}; expected 2 or more, for the pad has two axes")
        self.limits = _limits(limits, all_codes)
        self.kl = None if kl is None else self._of_length_d(kl, "kl")
        ranks = np.zeros(self.d) if self.kl is None else -self.kl
        self.order: list[int] = np.argsort(ranks, kind="stable").tolist()
        self.start = np.clip(0, *self.limits.T) if z is None else self.checked(z)
        numbers, self.classes = _labels(labels, classes, self.given)
        drawn = np.linspace(0, self.given - 1, min(self.given, DRAWN)).round().astype(int)
        self.codes, self.labels = all_codes[drawn], numbers[drawn]
        self.examples, self.example_codes = self._encoded(examples, encode)

    def checked(self, z: Any) -> Floats:
        """A code as a numpy array (d,). Raises ValueError where it is none of this space."""
        return self._of_length_d(z, "z")

    def like_codes(self, z: Floats) -> Any:
        """A code as the decoder gets it: a tensor of the codes' dtype and device, or a numpy array."""
        if isinstance(self._like, Tensor):
            dtype = self._like.dtype if self._like.is_floating_point() else torch.float32
            return torch.tensor(z, dtype=dtype, device=self._like.device)
        own = array(self._like).dtype
        return z.astype(own if np.issubdtype(own, np.floating) else np.float64)

    def decode(self, z: Floats) -> Bytes:
        """The decoded image as bytes, (H, W) or (H, W, 3). Raises what the decoder raises.

        Raises:
            ValueError, TypeError: what the decoder gave is no image.
        """
        name = "the decoder's image"
        return pixels(image(self._decode(self.like_codes(z)), name), name)

    def example(self, number: int) -> Floats:
        """The code of an example. Raises IndexError where there is no such example."""
        if not 0 <= number < len(self.example_codes):
            raise IndexError(f"there is no example {number}: there are {len(self.example_codes)}, from 0 on")
        code: Floats = self.example_codes[number]
        return code

    def between(self, start: int, end: int, t: float) -> Floats:
        """(1 - t) a + t b, the code at t on the line from example `start` to example `end`."""
        return (1 - t) * self.example(start) + t * self.example(end)

    def describe(self, z: Floats) -> str:
        """What there is to be seen, in words."""
        shown = ", ".join(number(value) for value in z[:8]) + (", ..." if self.d > 8 else "")
        text = f"the image decoded at z = ({shown})"
        if self.given:
            classes = f" in {len(self.classes)} classes" if self.classes else ""
            drawn = f", of which {len(self.codes)} are drawn" if len(self.codes) < self.given else ""
            text += f", on a plane with {self.given} codes{classes}{drawn}"
        return text

    def _of_length_d(self, values: Any, name: str) -> Floats:
        vector = _vector(values, name)
        if len(vector) != self.d:
            raise ValueError(f"{name} has length {len(vector)}; expected {self.d}, the length of a code")
        return vector

    def _encoded(self, examples: Any, encode: Callable[[Any], Any] | None) -> tuple[Bytes, Floats]:
        if examples is None:
            return np.zeros((0, 1, 1), np.uint8), np.zeros((0, self.d))
        if encode is None:
            raise ValueError(
                "examples were given without encode, a function from an example to its code (d,)"
            )
        if not 1 <= len(examples) <= MAX_EXAMPLES:
            raise ValueError(f"there are {len(examples)} examples; expected 1 to {MAX_EXAMPLES} images")
        pictures = [pixels(image(x, "an example"), "an example") for x in examples]
        if len({picture.shape for picture in pictures}) > 1:
            raise ValueError("the examples have several shapes; expected one")
        codes = [self._of_length_d(array(encode(x)).reshape(-1), "the code of an example") for x in examples]
        return np.stack(pictures), np.stack(codes)


def number(value: float) -> str:
    """Two decimals, with a true minus sign, and no minus before a zero."""
    return f"{round(float(value), 2) + 0.0:.2f}".replace("-", "\N{MINUS SIGN}")


def _kind(value: object) -> str:
    return f"of type {type(value).__name__}"


def _finite(values: Any, name: str) -> Floats:
    given = array(values)
    try:
        numbers: Floats = given.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TypeError(f"{name} has dtype {given.dtype}; expected numbers") from error
    if not np.isfinite(numbers).all():
        raise ValueError(f"{name} has values that are NaN or infinite")
    return numbers


def _vector(values: Any, name: str) -> Floats:
    vector = _finite(values, name)
    if vector.ndim != 1:
        raise ValueError(f"{name} has shape {vector.shape}; expected (d,), one number for each dimension")
    return vector


def _codes(values: Any) -> Floats:
    codes = _finite(values, "codes")
    if codes.ndim != 2 or len(codes) == 0:
        raise ValueError(f"codes has shape {codes.shape}; expected (n, d), one code a row")
    return codes


def _limits(limits: Any, codes: Floats) -> Floats:
    """By default all dimensions have one scale: the widest fits, and a narrow one is seen to be narrow."""
    d = codes.shape[1]
    if limits is None and len(codes) == 0:
        limits = (-3, 3)  # where a standard normal has its mass
    if limits is None:
        low, high = codes.min(0), codes.max(0)
        half = max(1.05 * float((high - low).max()) / 2, 1e-6)
        return np.stack([(low + high) / 2 - half, (low + high) / 2 + half], 1)
    given = _finite(limits, "limits")
    if given.shape not in ((2,), (d, 2)):
        raise ValueError(
            f"limits has shape {given.shape}; expected (low, high), or ({d}, 2) for each dimension"
        )
    pairs = np.array(np.broadcast_to(given, (d, 2)))
    if not (pairs[:, 0] < pairs[:, 1]).all():
        raise ValueError("limits: expected each low to be less than its high")
    return pairs


def _labels(labels: Any, classes: Sequence[str] | None, n: int) -> tuple[NDArray[np.int64], list[str]]:
    """The number of each code's class, and the classes' names."""
    if labels is None:
        if classes is not None:
            raise ValueError("classes were given without labels (n,), the class of each code")
        return np.zeros(n, np.int64), []
    given = array(labels)
    if given.shape != (n,):
        raise ValueError(f"labels has shape {given.shape}; expected ({n},), one for each code")
    if (
        isinstance(labels, Tensor)
        and np.issubdtype(given.dtype, np.floating)
        and (given == given.round()).all()
    ):
        given = given.astype(np.int64)
    if not np.issubdtype(given.dtype, np.integer):
        if classes is not None:
            raise TypeError(
                f"labels has dtype {given.dtype}; with classes, expected integers that count them"
            )
        kinds, numbers = np.unique(given, return_inverse=True)
        return numbers.astype(np.int64), [str(kind) for kind in kinds]
    names = [str(k) for k in (range(int(given.max()) + 1) if classes is None else classes)]
    if given.min() < 0 or given.max() >= len(names):
        raise ValueError(f"labels lie in {given.min()} to {given.max()}; expected 0 to {len(names) - 1}")
    return given.astype(np.int64), names
