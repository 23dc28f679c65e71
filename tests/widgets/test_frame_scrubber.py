"""Frames, and the scrubber's Python side."""

import numpy as np
import pytest
import torch

from gentutor.widgets import FrameScrubber, frames

FRAMES = torch.arange(5.0)[:, None, None].expand(5, 2, 3) / 4


def test_frames_are_sent_once(page):
    scrubber = FrameScrubber(FRAMES, [f"step {k}" for k in range(5)])
    assert np.frombuffer(scrubber._frames, np.uint8).reshape(5, 2, 3)[:, 1, 2].tolist() == [
        0,
        64,
        128,
        191,
        255,
    ]
    browser = page(scrubber)
    browser.set(_index=3)
    assert scrubber.index == 3
    scrubber.index = -1
    assert scrubber.index == 4
    assert browser.updates == [{"_index": 4}]


def test_frames_may_have_colours_or_come_one_by_one():
    assert frames.Frames(np.zeros((4, 2, 3, 3))).images.shape == (4, 2, 3, 3)
    assert frames.Frames(torch.zeros(4, 1, 2, 5)).images.shape == (4, 2, 5)
    assert frames.Frames([np.zeros((2, 3))] * 4).images.shape == (4, 2, 3)


def test_without_labels_frames_are_numbered():
    assert frames.Frames(FRAMES[:2]).labels == ["frame 0", "frame 1"]
    assert frames.Frames(FRAMES[:2], [10, 20]).labels == ["10", "20"]


@pytest.mark.parametrize(("n", "expected"), [(1, [0]), (3, [0, 1, 2]), (4, [0, 1, 2, 3]), (10, [0, 3, 6, 9])])
def test_some_frames_are_evenly_spread(n, expected):
    assert frames.Frames(np.zeros((n, 1, 1))).some(4) == expected


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"frames": []}, ValueError, "there are no frames"),
        ({"frames": 3}, ValueError, "there are no frames"),
        ({"frames": np.zeros((2, 4))}, ValueError, r"a frame has shape \(4,\)"),
        ({"frames": np.full((2, 4, 4), np.nan)}, ValueError, "a frame has values that are NaN"),
        ({"frames": [np.zeros((2, 2)), np.zeros((2, 3))]}, ValueError, "several shapes"),
        ({"labels": ["a"]}, ValueError, "there are 1 labels for 5 frames"),
        ({"index": 5}, IndexError, "there is no frame 5: there are 5, from 0 on"),
        ({"index": -6}, IndexError, "no frame -6"),
        ({"fps": 0}, ValueError, "fps is 0"),
        ({"fps": float("nan")}, ValueError, "fps is nan"),
        ({"cmap": "blackish"}, ValueError, "cmap is 'blackish'"),
    ],
)
def test_bad_input_is_told_what_was_expected(arguments, error, message):
    with pytest.raises(error, match=message):
        FrameScrubber(**{"frames": FRAMES, **arguments})


def test_too_many_pixels_are_refused(monkeypatch):
    monkeypatch.setattr(frames, "MOST", 2**20)
    with pytest.raises(ValueError, match=r"take more than 1 MiB; expected fewer \(frames\[::10\], say\)"):
        frames.Frames(np.zeros((20, 300, 300), np.uint8))


def test_an_index_that_is_none_is_refused_and_nothing_moves():
    scrubber = FrameScrubber(FRAMES, index=2)
    with pytest.raises(IndexError, match="no frame 5"):
        scrubber.index = 5
    assert scrubber.index == 2
    assert repr(scrubber) == "FrameScrubber('frame 2', 2 of 0 to 4)"


def test_the_still_shows_some_frames_with_their_labels():
    scrubber = FrameScrubber(
        torch.arange(20.0)[:, None, None].expand(20, 2, 2) / 20, [f"t = {k}" for k in range(20)]
    )
    figure, text = scrubber.still()
    assert [axis.get_title() for axis in figure.axes] == [f"t = {k}" for k in (0, 3, 5, 8, 11, 14, 16, 19)]
    first, last = figure.axes[0].images[0].get_array(), figure.axes[-1].images[0].get_array()
    assert (first[0, 0, 0], last[0, 0, 0]) == (255, 255 - 242)
    assert text.startswith("a frame scrubber: 20 frames, of which these are shown: t = 0, t = 3")
