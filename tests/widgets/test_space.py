"""A latent space with its decoder, in plain Python."""

import numpy as np
import pytest
import torch

from gentutor.widgets.space import DRAWN, LatentSpace, number


def decode(z):
    """Two pixels: the first two numbers of z."""
    return torch.as_tensor(z[:2])[None]


def ring(n=12, d=2):
    angles = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)] + [np.zeros(n)] * (d - 2), 1)


# ------------------------------------------------------------------------------------------ what z is


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        (torch.tensor(ring(), dtype=torch.float32), torch.float32),
        (torch.tensor(ring()), torch.float64),
        (torch.ones(3, 2, dtype=torch.int64), torch.float32),
        (ring().astype(np.float32), np.float32),
        (ring().tolist(), np.float64),
        (np.ones((3, 2), int), np.float64),
    ],
)
def test_the_decoder_gets_what_the_codes_are(codes, kind):
    seen = []
    space = LatentSpace(lambda z: seen.append(z) or decode(z), codes)
    space.decode(np.array([0.25, 0.5]))
    (z,) = seen
    assert z.dtype == kind
    assert isinstance(z, torch.Tensor) == isinstance(codes, torch.Tensor)
    assert z.tolist() == [0.25, 0.5]


def test_without_codes_z_says_what_a_code_is():
    space = LatentSpace(decode, z=torch.tensor([0.5, 0, 1]))
    assert (space.d, space.start.tolist(), space.limits.tolist()) == (3, [0.5, 0, 1], [[-3, 3]] * 3)
    assert space.like_codes(space.start).dtype == torch.float32
    with pytest.raises(ValueError, match=r"expected codes \(n, d\), or z \(d,\)"):
        LatentSpace(decode)


def test_the_start_is_the_origin_or_nearest_to_it():
    assert LatentSpace(decode, ring()).start.tolist() == [0, 0]
    space = LatentSpace(decode, ring() + np.array([0, 10]))
    assert space.start == pytest.approx([0, 10 - 1.05])


def test_a_later_change_of_z_by_the_decoder_changes_nothing():
    def greedy(z):
        z += 1
        return z[None]

    z = np.array([0.25, 0.5])
    LatentSpace(greedy, ring()).decode(z)
    assert z.tolist() == [0.25, 0.5]


# ------------------------------------------------------------------------------------ what is seen of it


def test_dimensions_are_in_the_order_of_their_kl_else_by_index():
    codes = ring(d=5)
    assert LatentSpace(decode, codes).order == [0, 1, 2, 3, 4]
    assert LatentSpace(decode, codes, kl=torch.tensor([0.5, 2, 0.5, 3, 0])).order == [3, 1, 0, 2, 4]


def test_limits_hold_all_codes_on_one_scale():
    codes = ring() * np.array([4, 1]) + np.array([10, 0])
    assert LatentSpace(decode, codes).limits == pytest.approx(np.array([[5.8, 14.2], [-4.2, 4.2]]))
    assert LatentSpace(decode, codes, limits=(-2, 5)).limits.tolist() == [[-2, 5]] * 2
    assert LatentSpace(decode, codes, limits=[(0, 1), (2, 3)]).limits.tolist() == [[0, 1], [2, 3]]
    one = LatentSpace(decode, codes[:1]).limits  # no extent at all
    assert (one[:, 0] < one[:, 1]).all()


def test_classes_are_counted_or_named():
    codes = ring(4)
    for labels in ([2, 0, 2, 1], torch.tensor([2, 0, 2, 1]), torch.tensor([2.0, 0, 2, 1])):
        space = LatentSpace(decode, codes, labels=labels)
        assert (space.labels.tolist(), space.classes) == ([2, 0, 2, 1], ["0", "1", "2"])
    space = LatentSpace(decode, codes, labels=[2, 0, 2, 1], classes=["ant", "bee", "cat", "dog"])
    assert space.classes == ["ant", "bee", "cat", "dog"]
    space = LatentSpace(decode, codes, labels=["dog", "ant", "dog", "bee"])
    assert (space.labels.tolist(), space.classes) == ([2, 0, 2, 1], ["ant", "bee", "dog"])
    assert LatentSpace(decode, codes).classes == []


def test_of_many_codes_some_are_drawn_each_with_its_class():
    n = 3 * DRAWN
    codes = np.stack([np.arange(n), np.zeros(n)], 1)
    space = LatentSpace(decode, codes, labels=np.arange(n) % 7)
    assert (len(space.codes), space.given) == (DRAWN, n)
    assert (np.diff(space.codes[:, 0]) > 0).all()
    assert (space.labels == space.codes[:, 0] % 7).all()
    assert f"{n} codes in 7 classes, of which {DRAWN} are drawn" in space.describe(space.start)


def test_it_is_described_in_words():
    space = LatentSpace(decode, ring(), labels=[0, 1] * 6)
    text = "the image decoded at z = (0.50, −1.25), on a plane with 12 codes in 2 classes"
    assert space.describe(np.array([0.5, -1.25])) == text
    assert LatentSpace(decode, z=np.zeros(9)).describe(np.zeros(9)).count("0.00") == 8
    assert [number(v) for v in (-0.001, 1.005, -2)] == ["0.00", "1.00", "−2.00"]


# ---------------------------------------------------------------------------------------- examples


def test_examples_are_encoded_as_they_were_given():
    images = torch.rand(3, 4, 4)
    seen = []
    space = LatentSpace(
        decode, torch.zeros(1, 2), examples=images, encode=lambda x: seen.append(x) or x[:1, :2]
    )
    assert [torch.equal(a, b) for a, b in zip(seen, images, strict=True)] == [True] * 3
    np.testing.assert_allclose(space.example_codes, images[:, 0, :2])
    np.testing.assert_allclose(space.examples / 255, images, atol=0.5 / 255)
    a, b = space.example_codes[[0, 2]]
    np.testing.assert_array_equal(space.example(2), b)
    np.testing.assert_array_equal(space.between(0, 2, 0), a)
    np.testing.assert_array_equal(space.between(0, 2, 1), b)
    np.testing.assert_allclose(
        space.between(0, 2, 0.25), [0.75 * a[0] + 0.25 * b[0], 0.75 * a[1] + 0.25 * b[1]]
    )
    for outside in (-1, 3):
        with pytest.raises(IndexError, match=f"no example {outside}: there are 3"):
            space.example(outside)


# ----------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"decode": None},
            TypeError,
            r"decode is of type NoneType; expected a function from a code z \(d,\)",
        ),
        ({"codes": np.zeros(3)}, ValueError, r"codes has shape \(3,\); expected \(n, d\)"),
        ({"codes": np.zeros((0, 2))}, ValueError, r"codes has shape \(0, 2\)"),
        ({"codes": np.zeros((3, 1))}, ValueError, "a code has length 1; expected 2 or more"),
        ({"codes": [[0, np.nan]]}, ValueError, "codes has values that are NaN or infinite"),
        ({"codes": [["a", "b"]]}, TypeError, "codes has dtype .*; expected numbers"),
        ({"labels": [0, 1]}, ValueError, r"labels has shape \(2,\); expected \(12,\)"),
        ({"labels": [0, 3] * 6, "classes": "ab"}, ValueError, "labels lie in 0 to 3; expected 0 to 1"),
        ({"labels": [0, -1] * 6}, ValueError, "labels lie in -1 to 0"),
        ({"labels": ["a", "b"] * 6, "classes": "ab"}, TypeError, "expected integers that count them"),
        ({"classes": ["a"]}, ValueError, "classes were given without labels"),
        ({"z": [0, 0, 0]}, ValueError, "z has length 3; expected 2"),
        ({"z": [[0, 0]]}, ValueError, r"z has shape \(1, 2\); expected \(d,\)"),
        ({"kl": [1, 2, 3]}, ValueError, "kl has length 3; expected 2"),
        ({"kl": [1, np.nan]}, ValueError, "kl has values that are NaN"),
        ({"limits": 3}, ValueError, r"limits has shape \(\); expected \(low, high\), or \(2, 2\)"),
        ({"limits": (3, -3)}, ValueError, "each low to be less than its high"),
        ({"examples": np.zeros((2, 4, 4))}, ValueError, "examples were given without encode"),
        ({"examples": [], "encode": id}, ValueError, "there are 0 examples; expected 1 to 16"),
        ({"examples": np.zeros((17, 4, 4)), "encode": id}, ValueError, "there are 17 examples"),
        ({"examples": np.zeros((2, 5)), "encode": id}, ValueError, r"an example has shape \(5,\)"),
        (
            {"examples": [np.zeros((2, 2)), np.zeros((3, 3))], "encode": lambda x: [0, 0]},
            ValueError,
            "the examples have several shapes",
        ),
        (
            {"examples": np.zeros((1, 2, 2)), "encode": lambda x: [0, 0, 0]},
            ValueError,
            "the code of an example has length 3; expected 2",
        ),
    ],
)
def test_bad_input_is_told_what_was_expected(arguments, error, message):
    with pytest.raises(error, match=message):
        LatentSpace(**{"decode": decode, "codes": ring(), **arguments})


def test_what_the_decoder_gives_must_be_an_image():
    space = LatentSpace(lambda z: z, ring())
    with pytest.raises(ValueError, match=r"the decoder's image has shape \(2,\)"):
        space.decode(space.start)
