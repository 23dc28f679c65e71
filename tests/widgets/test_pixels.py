"""Images of all shapes and kinds, as bytes."""

import matplotlib
import numpy as np
import pytest
import torch

from gentutor.widgets import pixels

GREY = np.arange(8).reshape(2, 4) / 7
COLOUR = np.arange(24).reshape(2, 4, 3) / 23


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (GREY, GREY),
        (torch.tensor(GREY), GREY),
        (torch.tensor(GREY, requires_grad=True), GREY),
        (GREY[None], GREY),
        (GREY[..., None], GREY),
        (GREY[None, None], GREY),
        (GREY.tolist(), GREY),
        (COLOUR, COLOUR),
        (COLOUR[None], COLOUR),
        (torch.tensor(COLOUR).permute(2, 0, 1), COLOUR),
        (torch.tensor(COLOUR).permute(2, 0, 1)[None], COLOUR),
        (COLOUR[:, :3], COLOUR[:, :3]),  # three wide: the channels are taken to be last
    ],
)
def test_an_image_of_any_usual_shape(given, expected):
    np.testing.assert_allclose(pixels.image(given, "it"), expected)


def test_a_tensor_of_a_type_that_numpy_lacks():
    given = torch.tensor([[0.5, 1.0]], dtype=torch.bfloat16)
    np.testing.assert_array_equal(pixels.image(given, "it"), [[0.5, 1.0]])


@pytest.mark.parametrize("shape", [(), (784,), (2, 28, 28), (4, 4, 4), (1, 784), (0, 3), (2, 1, 28, 28)])
def test_another_shape_is_refused(shape):
    if shape == (1, 784):  # an image one high: nobody can tell
        assert pixels.image(np.zeros(shape), "it").shape == shape
        return
    with pytest.raises(ValueError, match=r"it has shape .*; expected \(H, W\), \(H, W, 3\) or \(1, H, W\)"):
        pixels.image(np.zeros(shape), "it")


def test_a_flat_image_is_told_to_take_its_shape():
    with pytest.raises(ValueError, match=r"\.reshape\(28, 28\)"):
        pixels.image(torch.zeros(784), "the decoder's image")


def test_values_become_bytes():
    given = np.array([[0, 1, 0.5, -3, 7, 1 / 255, 0.9 / 255]])
    assert pixels.pixels(given, "it").tolist() == [[0, 255, 128, 0, 255, 1, 1]]
    given = np.array([[0, 77, 255]], np.uint8)
    assert pixels.pixels(given, "it").tolist() == [[0, 77, 255]]
    assert pixels.pixels(np.array([[True, False]]), "it").tolist() == [[255, 0]]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match="it has values that are NaN or infinite"):
        pixels.pixels(np.array([[0.0, bad]]), "it")


@pytest.mark.parametrize("dtype", [np.int64, object, complex])
def test_values_of_no_known_range_are_refused(dtype):
    with pytest.raises(TypeError, match=r"expected floats in \[0, 1\], or bytes"):
        pixels.pixels(np.array([[0, 200]], dtype), "it")


def test_a_palette_is_that_of_matplotlib():
    assert pixels.palette("gray_r").tolist() == [[255 - k] * 3 for k in range(256)]
    colours = pixels.palette("viridis")
    for k in (0, 100, 255):
        np.testing.assert_allclose(colours[k] / 255, matplotlib.colormaps["viridis"](k / 255)[:3], atol=0.003)
    with pytest.raises(ValueError, match="cmap is 'blackish'"):
        pixels.palette("blackish")


def test_grey_takes_its_colours_and_colours_stay():
    colours = pixels.palette("gray_r")
    assert pixels.in_colour(np.array([[0, 200]], np.uint8), colours).tolist() == [[[255] * 3, [55] * 3]]
    given = np.array([[[1, 2, 3]]], np.uint8)
    assert pixels.in_colour(given, colours).tolist() == given.tolist()
