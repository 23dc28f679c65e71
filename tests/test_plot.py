"""Figures: what they show, in which colours, and the text that stands for them."""

import base64
import io

import matplotlib
import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.colors import to_rgb
from traitlets.config import Config

matplotlib.use("agg")
from gentutor import plot


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plot.plt.close("all")


@pytest.fixture
def displayed():
    """Runs a function in an IPython shell; returns what it displayed."""
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))

    def run(function, *args):
        with capture_output() as captured:
            function(*args)
        assert captured.stderr == ""
        return captured.outputs

    yield run
    shell.restore_sys_module_state()
    InteractiveShell.clear_instance()


def test_show_displays_one_picture_with_its_text_and_a_caption(displayed):
    fig, ax = plot.plt.subplots(figsize=(4, 3))
    ax.plot([0, 1], [1, 0])
    picture, caption = displayed(plot.show, fig, "The error falls.")
    assert picture.metadata == {"image/png": {"alt": "The error falls."}}
    assert picture.data["text/plain"] == "The error falls."
    pixels = plot.plt.imread(io.BytesIO(base64.b64decode(picture.data["image/png"])))
    assert pixels.shape[:2] == (300, 400)
    assert pixels[..., :3].min() < 0.5  # something is drawn
    assert caption.data["text/markdown"] == "*The error falls.*"
    assert plot.plt.get_fignums() == []  # and nothing is left that a notebook would show again


def contrast(colour):
    """Contrast with white, 1 to 21 (Web Content Accessibility Guidelines 2, relative luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 1.05 / (0.05 + np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_lines_take_distinct_colours_that_show_on_white():
    _, ax = plot.plt.subplots()
    lines = [ax.plot([k, k])[0].get_color() for k in range(7)]
    assert len({to_rgb(colour) for colour in lines}) == 7
    assert min(contrast(colour) for colour in lines) > 2
    assert min(contrast(colour) for colour in lines[:2]) > 3  # most figures have two lines


# ------------------------------------------------------------------------------------------ image_grid


def test_image_grid_shows_each_image_in_its_place():
    rows = [torch.rand(4, 5, 3), torch.rand(4, 5, 3)]
    fig = plot.image_grid(rows, ["original", "code"], ["a", "b", "c", "d"])
    axes = np.array(fig.axes).reshape(2, 4)
    for i in range(2):
        for k in range(4):
            (image,) = axes[i, k].images
            np.testing.assert_array_equal(image.get_array(), rows[i][k].numpy())
            assert image.get_clim() == (0, 1)
            assert image.get_cmap()(0.0)[:3] == (1, 1, 1)  # white for 0
            assert image.get_cmap()(1.0)[:3] == (0, 0, 0)  # black for 1
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["original", "code"]
    assert [ax.get_title() for ax in axes[0]] == ["a", "b", "c", "d"]
    assert not any(ax.get_ylabel() for ax in axes[:, 1:].flat)
    assert not any(ax.get_title() for ax in axes[1])
    fig.draw_without_rendering()  # constrained layout finds room for all


def test_image_grid_scales_signed_images_each_to_its_own_magnitude():
    rows = [torch.tensor([[[0.5, -2.0]], [[1.0, 0.0]]]), torch.tensor([[[0.1, 0.0]], [[-0.05, 0.0]]])]
    fig = plot.image_grid(rows, ["components", "gradients"], signed=True)
    limits = [fig.axes[k].images[0].get_clim() for k in range(4)]
    np.testing.assert_allclose(limits, [(-2, 2), (-1, 1), (-0.1, 0.1), (-0.05, 0.05)])
    cmap = fig.axes[0].images[0].get_cmap()
    red, middle, blue = cmap(0.05), cmap(0.5), cmap(0.95)
    assert red[0] > red[2] + 0.3
    assert blue[2] > blue[0] + 0.3
    assert min(middle[:3]) > 0.9


def test_image_grid_of_one_image_and_of_zeros():
    for rows in ([torch.rand(1, 2, 2)], [torch.zeros(1, 2, 2)]):
        plot.image_grid(rows, ["one"], signed=True).draw_without_rendering()


@pytest.mark.parametrize(
    ("rows", "labels", "titles"),
    [
        ([torch.rand(2, 3, 3)] * 2, ["one"], []),
        ([torch.rand(2, 3, 3), torch.rand(3, 3, 3)], ["a", "b"], []),
        ([torch.rand(2, 3, 3)], ["a"], ["only one title"]),
        ([torch.rand(2, 3, 3)], ["a"], ["one", "two", "three"]),
    ],
    ids=["labels", "rows of two lengths", "too few titles", "too many titles"],
)
def test_image_grid_refuses_what_does_not_match(rows, labels, titles):
    with pytest.raises(ValueError, match=r"zip|expected"):
        plot.image_grid(rows, labels, titles)


# ----------------------------------------------------------------------------------------------- codes


def test_codes_colours_points_by_label_and_names_each_class_at_its_median():
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(4), [5, 7, 9, 3]))
    Y = rng.normal(size=(24, 2)) + 5 * labels[:, None]
    _, ax = plot.plt.subplots()
    plot.codes(ax, torch.from_numpy(Y), torch.from_numpy(labels), ["ant", "bee", "cat", "dog"])
    shown = [np.asarray(points.get_offsets()) for points in ax.collections]
    for k in range(4):
        np.testing.assert_array_equal(shown[k], Y[labels == k])
    colours = {tuple(points.get_facecolor()[0]) for points in ax.collections}
    assert len(colours) == 4
    assert [text.get_text() for text in ax.texts] == ["ant", "bee", "cat", "dog"]
    for k, text in enumerate(ax.texts):
        np.testing.assert_allclose(text.get_position(), np.median(Y[labels == k], axis=0))
        assert to_rgb(text.get_bbox_patch().get_edgecolor()) == to_rgb(ax.collections[k].get_facecolor()[0])
        assert text.get_zorder() > ax.collections[k].get_zorder()
    assert ax.get_aspect() == 1


def test_codes_leaves_out_a_class_without_points():
    _, ax = plot.plt.subplots()
    plot.codes(ax, torch.rand(6, 2), torch.tensor([0, 0, 2, 2, 0, 2]), ["ant", "bee", "cat"])
    assert [text.get_text() for text in ax.texts] == ["ant", "cat"]


# ---------------------------------------------------------------------------------------- transmission


@pytest.mark.parametrize("k", [1, 3])
def test_transmission_shows_image_code_and_reconstruction_in_a_column(k):
    images, codes, reconstructions = torch.rand(k, 5, 4), torch.randn(k, 2), torch.rand(k, 5, 4)
    fig = plot.transmission(images, codes, reconstructions)
    axes = np.array(fig.axes).reshape(3, k)
    for j in range(k):
        for ax, image in [(axes[0, j], images[j]), (axes[2, j], reconstructions[j])]:
            np.testing.assert_array_equal(ax.images[0].get_array(), image.numpy())
            assert ax.images[0].get_clim() == (0, 1)
        bars = axes[1, j].patches
        np.testing.assert_allclose([bar.get_height() for bar in bars], codes[j].numpy())
        np.testing.assert_allclose([bar.get_x() + bar.get_width() / 2 for bar in bars], [1, 2])
        assert axes[1, j].get_ylim() == axes[1, 0].get_ylim()  # codes can be compared
    assert [ax.get_ylabel() for ax in axes[:, 0]] == ["original", "code, 2 numbers", "reconstruction"]
    fig.draw_without_rendering()
