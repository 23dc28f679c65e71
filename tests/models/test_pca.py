"""PCA by its closed form against scikit-learn, NumPy and SciPy."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import linalg
from sklearn import decomposition

from gentutor import data
from gentutor.models import pca

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
on_each_device = pytest.mark.parametrize("device", DEVICES)


def samples(n, d, rank=None, seed=0):
    """n samples of d features about a mean that is not zero; they span `rank` directions once centred."""
    rng = np.random.default_rng([n, d, seed])
    rank = min(n - 1, d) if rank is None else rank
    return rng.normal(size=(n, rank)) @ rng.normal(size=(rank, d)) + 3 * rng.normal(size=d)


def array(tensor):
    return tensor.cpu().numpy()


def error(X, X_hat):
    return ((X - X_hat) ** 2).sum() / len(X)


def tail(X, r):
    """n^-1 sum_{i > r} s_i^2, with NumPy's singular values of the centred samples."""
    return (np.linalg.svd(X - X.mean(0), compute_uv=False)[r:] ** 2).sum() / len(X)


# ------------------------------------------------------------------------------------- closed form


@on_each_device
@pytest.mark.parametrize(
    ("n", "d", "r"), [(60, 7, 3), (60, 7, 7), (5, 9, 2), (5, 9, 4), (8, 8, 1), (30, 1, 1)]
)
def test_fit_agrees_with_scikit_learn(n, d, r, device):
    X, unseen = samples(n, d), samples(6, d, seed=1)
    theirs = decomposition.PCA(r, svd_solver="full").fit(X)
    ours = pca.fit(torch.from_numpy(X).to(device), r)
    assert {t.device.type for t in (ours.mean, ours.Theta, ours.singular_values)} == {device}
    assert ours.n == n
    assert_allclose(array(ours.mean), theirs.mean_, rtol=1e-12)
    assert_allclose(array(ours.singular_values[:r]), theirs.singular_values_, rtol=1e-10)
    s = np.linalg.svd(X - X.mean(0), compute_uv=False)
    assert_allclose(array(ours.singular_values), s, atol=1e-12 * s[0])

    Theta = array(ours.Theta)
    sign = np.sign((Theta * theirs.components_.T).sum(0))
    assert_allclose(Theta * sign, theirs.components_.T, atol=1e-10)
    assert (Theta.max(0) == np.abs(Theta).max(0)).all()  # each column's largest entry is positive

    for given in (X, unseen):
        codes = theirs.transform(given)
        x, Y = (torch.from_numpy(M).to(device) for M in (given, codes * sign))
        assert_allclose(array(ours.encode(x)) * sign, codes, atol=1e-9)
        assert_allclose(array(ours.decode(Y)), theirs.inverse_transform(codes), atol=1e-9)
        assert_allclose(array(ours.reconstruct(x)), theirs.inverse_transform(codes), atol=1e-9)


@on_each_device
@pytest.mark.parametrize(("n", "d"), [(25, 6), (5, 9)])
def test_the_error_is_the_tail_sum(n, d, device):
    X = samples(n, d)
    x = torch.from_numpy(X).to(device)
    for r in range(min(n, d) + 1):
        fitted = pca.fit(x, r)
        expected = pytest.approx(tail(X, r), rel=1e-10, abs=1e-20)
        assert float(pca.tail_error(fitted.singular_values, n, r)) == expected
        measured = float(pca.squared_error(x, fitted.reconstruct(x)))
        assert measured == pytest.approx(tail(X, r), rel=1e-10, abs=1e-20)
        assert measured == pytest.approx(error(X, fitted.reconstruct(x).cpu().numpy()), rel=1e-10, abs=1e-20)


@pytest.mark.parametrize("r", [1, 3, 5])
def test_no_other_map_of_rank_r_does_better(r):
    X, rng = samples(25, 6), np.random.default_rng(2)
    fitted = pca.fit(torch.from_numpy(X), r)
    mean, Theta = fitted.mean.numpy(), fitted.Theta.numpy()
    best = float(pca.squared_error(torch.from_numpy(X), fitted.reconstruct(torch.from_numpy(X))))
    for size in np.repeat([1e-3, 1e-2, 0.1, 1, 10], 40):
        E, F, m = (size * rng.normal(size=shape) for shape in [Theta.shape, Theta.T.shape, mean.shape])
        assert error(X, mean + (X - mean) @ ((Theta + E) @ (Theta.T + F)).T) > best
        turned = linalg.orth(Theta + E)  # the best that another subspace can do
        assert error(X, mean + (X - mean) @ turned @ turned.T) > best
        assert error(X, mean + m + (X - mean - m) @ Theta @ Theta.T) > best


def test_squared_error_and_tail_error_of_given_numbers():
    X, X_hat = (
        torch.tensor([[1.0, 2.0], [3.0, 4.0], [0.0, 0.0]]),
        torch.tensor([[0.0, 2.0], [1.0, 0.0], [1.0, 2.0]]),
    )
    assert float(pca.squared_error(X, X_hat)) == pytest.approx((1 + (4 + 16) + (1 + 4)) / 3)
    s = torch.tensor([5.0, 3.0, 2.0])
    assert [float(pca.tail_error(s, 4, r)) for r in range(5)] == [38 / 4, 13 / 4, 1.0, 0.0, 0.0]


def test_tail_error_refuses_a_negative_r():
    with pytest.raises(ValueError, match="r = -1"):
        pca.tail_error(torch.tensor([5.0, 3.0, 2.0]), 4, -1)


def test_squared_error_refuses_other_shapes():
    images = torch.rand(5, 1, 4, 4)
    with pytest.raises(ValueError, match="shape"):
        pca.squared_error(images, images + 1)
    with pytest.raises(ValueError, match="shape"):
        pca.squared_error(torch.rand(5, 4), torch.rand(4))


# ------------------------------------------------------------------------------------ awkward input


@on_each_device
@pytest.mark.parametrize(
    ("dtype", "returned"),
    [
        (torch.float64, torch.float64),
        (torch.float32, torch.float32),
        (torch.float16, torch.float32),
        (torch.bfloat16, torch.float32),
        (torch.int64, torch.float32),
        (torch.uint8, torch.float32),
    ],
)
def test_fit_takes_every_real_dtype(dtype, returned, device):
    rng = np.random.default_rng(3)
    spread = np.array([90, 70, 50, 30, 10])
    x = torch.from_numpy(np.clip(128 + rng.normal(size=(50, 5)) * spread, 0, 255)).to(device, dtype)
    exact = x.double().cpu().numpy()
    theirs = decomposition.PCA(2, svd_solver="full").fit(exact)
    ours = pca.fit(x, 2)
    assert {t.dtype for t in (ours.mean, ours.Theta, ours.singular_values)} == {returned}
    rtol = 1e-10 if returned == torch.float64 else 1e-6
    assert_allclose(array(ours.singular_values[:2]), theirs.singular_values_, rtol=rtol)
    expected = theirs.inverse_transform(theirs.transform(exact))
    assert_allclose(array(ours.reconstruct(x)), expected, atol=2000 * rtol)


def test_float32_is_computed_in_float64():
    x = torch.from_numpy(samples(50, 6) + 1e5).float()  # the offset would eat float32's digits
    oracle = np.linalg.svd(x.double().numpy() - x.double().numpy().mean(0), compute_uv=False)
    assert_allclose(pca.fit(x, 2).singular_values, oracle, rtol=1e-6)


def test_rank_deficient_data_are_reconstructed_by_their_rank():
    X = samples(20, 10, rank=3)
    x = torch.from_numpy(X)
    fitted = pca.fit(x, 6)
    assert fitted.Theta.shape == (10, 6)
    assert_allclose(fitted.Theta.T @ fitted.Theta, np.eye(6), atol=1e-12)
    assert linalg.subspace_angles(fitted.Theta[:, :3].numpy(), (X - X.mean(0)).T @ X[:, :3]).max() < 1e-10
    assert (fitted.singular_values[3:] < 1e-12 * fitted.singular_values[0]).all()
    assert_allclose(pca.fit(x, 3).reconstruct(x), X, atol=1e-12)


@pytest.mark.parametrize("n", [1, 4])
def test_a_single_sample_and_constant_samples_are_their_mean(n):
    X = np.repeat(samples(2, 5)[:1], n, axis=0)
    for r in range(n + 1):
        fitted = pca.fit(torch.from_numpy(X), r)
        assert fitted.Theta.shape == (5, r)
        assert_allclose(fitted.Theta.T @ fitted.Theta, np.eye(r), atol=1e-12)
        assert_allclose(fitted.singular_values, np.zeros(n), atol=1e-13)
        assert_allclose(fitted.mean, X[0], rtol=1e-14)
        assert_allclose(fitted.reconstruct(torch.from_numpy(X)), X, rtol=1e-13)


def test_no_component_leaves_the_mean():
    X = samples(9, 4)
    fitted = pca.fit(torch.from_numpy(X), 0)
    assert fitted.encode(torch.from_numpy(X)).shape == (9, 0)
    assert_allclose(fitted.reconstruct(torch.from_numpy(X)), np.tile(X.mean(0), (9, 1)), rtol=1e-13)


GOOD = torch.from_numpy(samples(6, 4))
WITH_NAN = GOOD.index_put(
    (torch.tensor([2, 5]), torch.tensor([3, 0])), torch.tensor([math.nan, math.inf]).double()
)
BAD_SAMPLES = [
    (WITH_NAN, ValueError, "2 entries .* NaN or infinite.* sample 2, feature 3"),
    (GOOD[0], ValueError, r"\(4,\); expected \(n, d\)"),
    (GOOD.view(6, 1, 2, 2), ValueError, r"\(6, 1, 2, 2\); expected \(n, d\).*flatten"),
    (GOOD[:0], ValueError, r"\(0, 4\); expected"),
    (GOOD[:, :0], ValueError, r"\(6, 0\); expected"),
    (GOOD + 1j, TypeError, "complex128; expected real"),
]
BAD_SAMPLES_NAMES = ["NaN", "one axis", "images", "no samples", "no features", "complex"]


@pytest.mark.parametrize(("X", "kind", "message"), BAD_SAMPLES, ids=BAD_SAMPLES_NAMES)
def test_samples_that_are_none_are_refused(X, kind, message):
    with pytest.raises(kind, match=message):
        pca.fit(X, 1)
    with pytest.raises(kind, match=message):
        pca.train(X, 1, steps=1, device="cpu")


@pytest.mark.parametrize(
    ("r", "kind", "message"),
    [
        (-1, ValueError, "r = -1.*0 to 4"),
        (5, ValueError, "r = 5.*6 samples of 4 features.*0 to 4"),
        (2.0, TypeError, "r is 2.0; expected an integer"),
        (True, TypeError, "r is True; expected an integer"),
    ],
)
def test_fit_refuses_r(r, kind, message):
    with pytest.raises(kind, match=message):
        pca.fit(GOOD, r)


def test_r_may_be_numpys_integer():
    assert pca.fit(GOOD, np.int64(2)).Theta.shape == (4, 2)


def test_fit_refuses_more_components_than_samples():
    with pytest.raises(ValueError, match="0 to 3"):
        pca.fit(GOOD[:3], 4)


def test_fit_leaves_its_input_alone():
    x = GOOD.clone()
    pca.fit(x, 2).reconstruct(x)
    assert torch.equal(x, GOOD)


# ----------------------------------------------------------------------------------------- subspaces


@on_each_device
@pytest.mark.parametrize(("d", "r"), [(2, 1), (7, 3), (9, 8), (30, 10)])
def test_largest_angle_agrees_with_scipy(d, r, device):
    rng = np.random.default_rng([d, r])
    for noise in [3, 0.3, 1e-3, 1e-6]:
        A = rng.normal(size=(d, r))
        B = A @ rng.normal(size=(r, r)) + noise * rng.normal(size=(d, r))
        expected = np.degrees(linalg.subspace_angles(A, B).max())
        ours = pca.largest_angle(*(torch.from_numpy(M).to(device) for M in (A, B)))
        assert ours == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("degrees", [0, 1e-7, 1e-3, 1, 44, 46, 89, 89.999, 90])
def test_largest_angle_of_a_known_turn(degrees):
    rng = np.random.default_rng(4)
    Q = linalg.qr(rng.normal(size=(8, 8)))[0]
    angle = np.radians(degrees)
    turned = np.column_stack([np.cos(angle) * Q[:, 0] + np.sin(angle) * Q[:, 3], Q[:, 1:3]])
    A = torch.from_numpy(Q[:, :3] @ rng.normal(size=(3, 3)))
    B = torch.from_numpy(turned @ rng.normal(size=(3, 3)))
    # Near 90 degrees the sine is flat: half of float64's digits are left, 1e-6 degrees.
    tolerance = {"rel": 1e-6, "abs": 1e-12} if degrees < 1 else {"abs": 2e-6}
    for pair in [(A, B), (B, A), (-A, B)]:
        assert pca.largest_angle(*pair) == pytest.approx(degrees, **tolerance)


def test_largest_angle_between_whole_spaces_is_zero():
    assert pca.largest_angle(torch.randn(4, 4), torch.randn(4, 4, requires_grad=True)) < 1e-4


@pytest.mark.parametrize(
    ("A", "B", "message"),
    [
        (torch.eye(4)[:, :2], torch.eye(4)[:, :3], r"\(4, 2\) and \(4, 3\)"),
        (torch.eye(4)[:2], torch.eye(4)[:2], "r <= d"),
        (torch.ones(4), torch.ones(4), r"expected the same \(d, r\)"),
        (torch.eye(4)[:, :2], torch.ones(4, 2), "second matrix are linearly dependent"),
        (torch.zeros(4, 2), torch.eye(4)[:, :2], "first matrix are linearly dependent"),
    ],
)
def test_largest_angle_refuses(A, B, message):
    with pytest.raises(ValueError, match=message):
        pca.largest_angle(A, B)


# --------------------------------------------------------------------------------------------- MNIST


@on_each_device
def test_mnist_error_of_a_test_image(device):
    """13.87 at r = 30: Hinton and Salakhutdinov (2006), in the text to their figure 2."""
    if not data.available("mnist"):
        pytest.skip("the MNIST files are not at hand: $GENTUTOR_DATA names the folder that holds them")
    X, unseen = (data.load("mnist", split=split).x.flatten(1).to(device) for split in ("train", "test"))
    assert (X.shape, unseen.shape) == ((60000, 784), (10000, 784))
    thirty = pca.fit(X, 30)
    two = pca.PCA(thirty.mean, thirty.Theta[:, :2], thirty.singular_values, thirty.n)
    for fitted, expected in [(thirty, 13.866), (two, 43.64)]:
        measured = float(pca.squared_error(unseen, fitted.reconstruct(unseen)))
        assert measured == pytest.approx(expected, abs=5e-3)
