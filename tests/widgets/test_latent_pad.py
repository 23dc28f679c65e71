"""The pad's Python side: what it sends to a page, what it does with what a page sends."""

import numpy as np
import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from gentutor.widgets import LatentPad
from gentutor.widgets.view import WIDGET

CODES = torch.tensor([[0.0, 0, 0], [1, 0, 0.5], [0, 1, 1], [1, 1, 0]])
EXAMPLES = torch.tensor([[[0.2, 0.8]], [[0.5, 0.4]]])


class Decoder:
    """Two pixels, z[0] and z[1]; counts its calls; raises where z[0] is 0.5."""

    def __init__(self) -> None:
        self.calls = []

    def __call__(self, z):
        self.calls.append(z.tolist())
        if z[0] == 0.5:
            raise RuntimeError("no image at a half")
        return z[None, :2]


@pytest.fixture
def decoder():
    return Decoder()


@pytest.fixture
def pad(decoder):
    pad = LatentPad(decoder, CODES, examples=EXAMPLES, encode=lambda x: [x[0, 0], x[0, 1], 0])
    decoder.calls.clear()
    return pad


# ------------------------------------------------------------------------------------------ from a page


def test_a_move_is_one_decoding_and_one_message(pad, decoder, page):
    browser = page(pad)
    browser.set(_z=[1.0, 0.2, 0.0])
    assert decoder.calls == [[1.0, pytest.approx(0.2), 0.0]]
    (update,) = browser.updates
    assert update == {"_decoded": [1.0, 0.2, 0.0], "_picture": bytes([255, 51])}
    assert torch.equal(pad.z, torch.tensor([1, 0.2, 0]))
    assert pad.picture.tolist() == [[255, 51]]


def test_a_decoder_that_raises_is_shown_and_recovers(pad, page):
    browser = page(pad)
    browser.set(_z=[1.0, 0.2, 0.0])
    browser.set(_z=[0.5, 0.2, 0.0])
    assert browser.updates[-1] == {"_decoded": [0.5, 0.2, 0.0], "_error": "RuntimeError: no image at a half"}
    assert pad.picture.tolist() == [[255, 51]]
    browser.set(_z=[0.0, 0.2, 0.0])
    assert browser.updates[-1] == {"_decoded": [0.0, 0.2, 0.0], "_error": "", "_picture": bytes([0, 51])}


def test_an_example_is_decoded_once_and_its_edits_once_each(pad, decoder, page):
    browser = page(pad)
    code = pad.space.example_codes[0].tolist()
    browser.set(_from=0, _z=code, _t=0.0)
    assert browser.updates[-1]["_before"] == bytes([51, 204])  # 0.2 and 0.8
    decoder.calls.clear()
    browser.set(_z=[1.0, 1.0, 0.0])
    assert len(decoder.calls) == 1
    assert pad._before == bytes([51, 204])
    assert pad.picture.tolist() == [[255, 255]]


def test_other_axes_decode_nothing(pad, decoder, page):
    browser = page(pad)
    browser.set(_axes=[2, 0])
    assert pad.axes == (2, 0)
    assert decoder.calls == []
    assert browser.updates == []


# --------------------------------------------------------------------------------------- from a cell


def test_setting_z_moves_all_in_one_message(pad, decoder, page):
    browser = page(pad)
    pad.z = torch.tensor([1.0, 1, 0])
    assert len(decoder.calls) == 1
    (update,) = browser.updates
    assert update == {"_z": [1, 1, 0], "_decoded": [1, 1, 0], "_picture": bytes([255, 255])}


def test_what_raises_in_a_cell_raises_there_and_moves_nothing(pad, page):
    pad.z = [1, 0, 0]
    browser = page(pad)
    with pytest.raises(RuntimeError, match="no image at a half"):
        pad.z = [0.5, 0, 0]
    with pytest.raises(ValueError, match="z has length 2; expected 3"):
        pad.z = [0, 0]
    with pytest.raises(IndexError, match="no example 2"):
        pad.edit(2)
    with pytest.raises(RuntimeError):
        pad.walk(0, 1, 1)  # whose code begins with a half
    assert browser.updates == []
    assert pad.z.tolist() == [1, 0, 0]
    assert (pad._from, pad._to) == (-1, -1)


def test_editing_walking_and_putting_back(pad):
    start = pad.z.tolist()
    pad.z = [1, 1, 1]
    pad.put_back()
    assert pad.z.tolist() == start
    pad.edit(0)
    assert pad.z.tolist() == pytest.approx([0.2, 0.8, 0])
    pad.z = [1, 1, 1]
    assert pad._before == bytes([51, 204])
    pad.put_back()
    assert pad.z.tolist() == pytest.approx([0.2, 0.8, 0])
    pad.walk(0, 1, 0.25)
    assert pad.z.tolist() == pytest.approx([0.75 * 0.2 + 0.25 * 0.5, 0.75 * 0.8 + 0.25 * 0.4, 0])
    assert (pad._from, pad._to, pad._t) == (0, 1, 0.25)


def test_axes(pad):
    assert pad.axes == (0, 1)
    pad.axes = (2, 1)
    assert pad.axes == (2, 1)
    assert LatentPad(Decoder(), CODES, kl=[0, 2, 3]).axes == (2, 1)
    for bad in ((0, 0), (0, 3), (0,), (-1, 0)):
        with pytest.raises(ValueError, match=r"expected two different dimensions, from 0 to 2"):
            pad.axes = bad
    with pytest.raises(ValueError, match="axes is"):
        LatentPad(Decoder(), CODES, axes=(1, 1))
    assert pad.axes == (2, 1)


def test_a_decoder_that_raises_at_the_start_raises_in_the_cell():
    with pytest.raises(RuntimeError, match="no image"):
        LatentPad(Decoder(), CODES, z=[0.5, 0, 0])


def test_pictures_may_have_colours_and_change_their_size(page):
    pad = LatentPad(lambda z: np.full((2, 1 + round(z[0]), 3), 0.5), z=np.zeros(2))
    assert pad.picture.shape == (2, 1, 3)
    browser = page(pad)
    browser.set(_z=[2.0, 0.0])
    assert browser.updates[-1]["_shape"] == [2, 3, 3]
    assert pad.picture.shape == (2, 3, 3)


def test_codes_and_classes_are_sent_as_they_are():
    pad = LatentPad(Decoder(), CODES, labels=[300, 0, 1, 2])
    np.testing.assert_array_equal(np.frombuffer(pad._codes, "<f4").reshape(4, 3), CODES)
    assert np.frombuffer(pad._labels, "<u2").tolist() == [300, 0, 1, 2]


# ------------------------------------------------------------------------------------ without a page


def test_a_cell_shows_a_still_and_its_text_then_the_widget():
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    pad = LatentPad(Decoder(), CODES, labels=[0, 1, 0, 1], z=[1, 0.25, 0])
    try:
        shell.push({"pad": pad})
        with capture_output() as captured:
            shell.run_cell("pad").raise_error()
    finally:
        shell.restore_sys_module_state()
        InteractiveShell.clear_instance()
    still, caption, widget = captured.outputs
    text = (
        "Still of a latent pad: the image decoded at z = (1.00, 0.25, 0.00), on a plane with 4 codes in 2 "
        "classes. Run the cell to bring it to life."
    )
    assert still.data["text/plain"] == still.metadata["image/png"]["alt"] == text
    assert caption.data["text/markdown"] == f"*{text}*"
    assert list(widget.data) == [WIDGET]  # no text that nbval would compare, no second text to read
    assert widget.data[WIDGET]["model_id"] == pad.model_id
    assert repr(pad) == "LatentPad(z=(1.00, 0.25, 0.00))"


@pytest.mark.parametrize("labels", [None, [0, 1, 1, 2]])
def test_the_still_shows_codes_handle_and_image(labels):
    pad = LatentPad(Decoder(), CODES, labels=labels, axes=(1, 2), limits=(-1, 2), z=[1, 0.25, 0.75])
    figure, _ = pad.still()
    plane, image = figure.axes
    drawn = np.concatenate([np.asarray(points.get_offsets()) for points in plane.collections])
    assert sorted(drawn.tolist()) == sorted(CODES[:, 1:].tolist())
    (handle,) = plane.lines
    assert (handle.get_xdata()[0], handle.get_ydata()[0]) == (0.25, 0.75)
    assert (plane.get_xlabel(), plane.get_ylabel()) == ("z[1]", "z[2]")
    assert plane.get_xlim() == plane.get_ylim() == (-1, 2)
    assert image.images[0].get_array().tolist() == [[[0] * 3, [255 - 64] * 3]]  # black for 1
