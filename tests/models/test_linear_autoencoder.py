"""The linear autoencoder against PCA by NumPy and SciPy, and its gradients against closed forms."""

import math
import re

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import linalg, stats
from sklearn.datasets import load_digits

from gentutor.models import pca

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
on_each_device = pytest.mark.parametrize("device", DEVICES)


def array(tensor):
    return tensor.detach().cpu().numpy()


def error(X, X_hat):
    return ((X - X_hat) ** 2).sum() / len(X)


def gradients(X, Theta, Phi):
    """dL/dTheta = -2/n (X - Theta Phi X)(Phi X)^T and dL/dPhi = -2/n Theta^T (X - Theta Phi X) X^T."""
    E = X.T - Theta @ Phi @ X.T  # samples as columns
    return -2 / len(X) * E @ X @ Phi.T, -2 / len(X) * Theta.T @ E @ X


# ------------------------------------------------------------------------------- where training ends


@pytest.fixture(scope="module", params=DEVICES)
def on_digits(request):
    """The centred digits (1797, 64), their two leading directions (64, 2), and two trained models."""
    X = load_digits().data / 16
    X = X - X.mean(0)
    runs = [
        pca.train(torch.from_numpy(X), 2, steps=600, lr=0.2, seed=seed, device=request.param)
        for seed in (0, 1)
    ]
    return X, np.linalg.svd(X, full_matrices=False)[2][:2].T, runs


def test_on_digits_the_loss_comes_down_to_pcas(on_digits):
    X, V, runs = on_digits
    best = error(X, X @ V @ V.T)
    for model, losses in runs:
        assert losses.shape == (600,)
        assert best * (1 - 1e-12) <= float(losses[-1]) <= best * (1 + 1e-6)
        after_it = error(X, X @ array(model.Phi).T @ array(model.Theta).T)
        assert best * (1 - 1e-12) <= after_it <= best * (1 + 1e-6)


def test_on_digits_the_decoder_spans_pcas_subspace(on_digits):
    _, V, runs = on_digits
    for model, _ in runs:
        assert np.degrees(linalg.subspace_angles(array(model.Theta), V).max()) < 1


def test_on_digits_the_code_is_pcas_up_to_an_invertible_matrix(on_digits):
    X, V, runs = on_digits
    matrices = []
    for model, _ in runs:
        Theta, Phi = array(model.Theta), array(model.Phi)
        A = Phi @ V
        matrices.append(A)
        assert np.linalg.cond(A) < 100
        assert_allclose(Theta, V @ np.linalg.inv(A), atol=5e-3 * np.abs(Theta).max())
        codes = X @ Phi.T
        assert np.linalg.norm(codes - X @ V @ A.T) < 5e-3 * np.linalg.norm(codes)
        X_hat = X @ Phi.T @ Theta.T
        assert np.linalg.norm(X_hat - X @ V @ V.T) < 5e-3 * np.linalg.norm(X_hat)
        assert np.abs(A @ A.T - np.eye(2)).max() > 0.1  # no rotation: lengths and angles of codes differ too
    assert np.abs(matrices[0] - matrices[1]).max() > 0.1


def test_on_digits_constant_pixels_keep_the_weights_they_started_with(on_digits):
    X, _, runs = on_digits
    constant = np.abs(X).max(0) == 0
    assert constant.sum() == 3
    starts = [pca.LinearAutoencoder(64, 2, torch.Generator().manual_seed(seed)).double() for seed in (0, 1)]
    for (model, _), start in zip(runs, starts, strict=True):
        assert_allclose(array(model.Phi)[:, constant], array(start.Phi)[:, constant], rtol=1e-12)
        assert_allclose(array(model.Theta)[constant], 0, atol=1e-6)  # what these pixels become is determined
    off_span = [array(model.Theta @ model.Phi)[:, constant] for model, _ in runs]
    assert np.abs(off_span[0] - off_span[1]).max() > 1e-3


@pytest.fixture(scope="module", params=DEVICES)
def on_rank_eight(request):
    """40 samples of 12 features that span 8 directions, a basis of their span (12, 8), two trained models."""
    rng = np.random.default_rng(0)
    U, V = linalg.qr(rng.normal(size=(40, 8)), mode="economic")[0], linalg.qr(rng.normal(size=(12, 12)))[0]
    s = np.sqrt(40) * np.array([1.0, 0.9, 0.8, 0.5, 0.45, 0.4, 0.35, 0.3])
    X = U * s @ V[:, :8].T
    runs = [
        pca.train(torch.from_numpy(X), 3, steps=2000, lr=0.1, seed=seed, device=request.param)[0]
        for seed in (0, 1)
    ]
    return X, V, [(array(model.Theta), array(model.Phi)) for model in runs]


def test_on_the_span_the_map_is_pcas_projector(on_rank_eight):
    X, V, runs = on_rank_eight
    span, best = V[:, :8], V[:, :3]
    for Theta, Phi in runs:
        assert_allclose(Theta @ Phi @ span, best @ best.T @ span, atol=1e-9)
        A = Phi @ best
        assert np.linalg.cond(A) < 100
        assert_allclose(Theta, best @ np.linalg.inv(A), atol=1e-9)
        assert_allclose(Phi @ span, A @ best.T @ span, atol=1e-9)
        assert error(X, X @ Phi.T @ Theta.T) == pytest.approx(0.25 + 0.45**2 + 0.4**2 + 0.35**2 + 0.3**2)
    assert np.abs(runs[0][0] - runs[1][0]).max() > 0.1


def test_off_the_span_the_map_is_not_determined(on_rank_eight):
    _, V, runs = on_rank_eight
    first, second = (Theta @ Phi @ V[:, 8:] for Theta, Phi in runs)
    assert np.abs(first).max() > 1e-2
    assert np.abs(first - second).max() > 1e-2


# ------------------------------------------------------------------------------------------ each step


@on_each_device
def test_gradients_of_the_loss(device):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(9, 5)) + 1
    model = pca.LinearAutoencoder(5, 2, torch.Generator().manual_seed(3)).to(device, torch.float64)
    x = torch.from_numpy(X).to(device)
    pca.squared_error(x, model(x)).backward()
    Theta, Phi = array(model.Theta), array(model.Phi)
    closed_forms = zip(gradients(X, Theta, Phi), pca.gradients(model.Theta, model.Phi, x), strict=True)
    for parameter, (by_numpy, by_package) in zip((model.Theta, model.Phi), closed_forms, strict=True):
        assert_allclose(array(parameter.grad), by_numpy, rtol=1e-10)
        assert_allclose(array(by_package), by_numpy, rtol=1e-10)
    for name, step in [("Theta", rng.normal(size=(5, 2))), ("Phi", rng.normal(size=(2, 5)))]:
        h = 1e-6
        ends = [
            {"Theta": Theta, "Phi": Phi} | {name: getattr(model, name).tolist() + k * h * step}
            for k in (1, -1)
        ]
        up, down = (error(X, X @ end["Phi"].T @ end["Theta"].T) for end in ends)
        along = (array(getattr(model, name).grad) * step).sum()
        assert along == pytest.approx((up - down) / (2 * h), rel=1e-7)


@on_each_device
def test_without_momentum_a_step_goes_down_the_gradient(device):
    X = np.random.default_rng(2).normal(size=(20, 6)) + 0.5  # used as it is: not centred
    model, losses = pca.train(torch.from_numpy(X), 2, steps=70, lr=0.05, momentum=0, seed=5, device=device)
    start = pca.LinearAutoencoder(6, 2, torch.Generator().manual_seed(5)).double()
    Theta, Phi = array(start.Theta), array(start.Phi)
    for loss in losses.tolist():
        assert loss == pytest.approx(error(X, X @ Phi.T @ Theta.T), rel=1e-10)
        by_Theta, by_Phi = gradients(X, Theta, Phi)
        Theta, Phi = Theta - 0.05 * by_Theta, Phi - 0.05 * by_Phi
    assert_allclose(array(model.Theta), Theta, rtol=1e-9)
    assert_allclose(array(model.Phi), Phi, rtol=1e-9)


def test_encode_decode_and_forward():
    model = pca.LinearAutoencoder(4, 2, torch.Generator().manual_seed(0))
    Theta, Phi = array(model.Theta), array(model.Phi)
    x, y = torch.randn(3, 4), torch.randn(3, 2)
    assert_allclose(array(model.encode(x)), [Phi @ row for row in x.numpy()], atol=1e-6)
    assert_allclose(array(model.decode(y)), [Theta @ row for row in y.numpy()], atol=1e-6)
    assert_allclose(array(model(x)), [Theta @ Phi @ row for row in x.numpy()], atol=1e-6)


def test_starting_weights_are_normal_with_variance_one_tenth_over_d():
    model = pca.LinearAutoencoder(200, 20, torch.Generator().manual_seed(0))
    assert (model.Phi.shape, model.Theta.shape) == ((20, 200), (200, 20))
    weights = np.concatenate([array(model.Phi).ravel(), array(model.Theta).ravel()])
    assert stats.kstest(weights, stats.norm(scale=(1 / 2000) ** 0.5).cdf).pvalue > 1e-3
    assert np.unique(weights).size > 7900  # the two are drawn apart


# ------------------------------------------------------------------------------------------- training


X = torch.from_numpy(np.random.default_rng(6).normal(size=(15, 6)))


@on_each_device
def test_a_seed_determines_the_run(device):
    (first, losses), (again, same), (other, differ) = (
        pca.train(X, 2, steps=20, seed=seed, device=device) for seed in (3, 3, 4)
    )
    assert torch.equal(losses, same)
    assert torch.equal(first.Phi, again.Phi)
    assert torch.equal(first.Theta, again.Theta)
    assert not torch.equal(first.Phi, other.Phi)
    assert not torch.equal(losses, differ)


def test_the_global_generator_is_neither_read_nor_moved():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    _, losses = pca.train(X, 2, steps=3, device="cpu")
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert torch.equal(pca.train(X, 2, steps=3, device="cpu")[1], losses)


@on_each_device
@pytest.mark.parametrize(
    ("dtype", "trained"),
    [
        (torch.float64, torch.float64),
        (torch.float32, torch.float32),
        (torch.float16, torch.float32),
        (torch.int64, torch.float32),
    ],
)
def test_dtype_and_device(dtype, trained, device):
    x = (4 * X).to(dtype)
    model, losses = pca.train(x, 2, steps=60, lr=0.002, device=device)
    for tensor in (model.Phi, model.Theta, losses):
        assert (tensor.dtype, tensor.device.type) == (trained, device)
    _, in_float64 = pca.train(x.double(), 2, steps=60, lr=0.002, device=device)
    assert_allclose(array(losses), array(in_float64), rtol=1e-4)
    assert losses[-1] < 0.9 * losses[0]


@on_each_device
def test_on_step_sees_each_step_before_its_update(device):
    seen = []

    def on_step(step, model):
        seen.append((step, error(X.numpy(), array(model(X.to(device))))))

    _, losses = pca.train(X, 2, steps=55, device=device, on_step=on_step)
    assert [step for step, _ in seen] == list(range(55))
    assert_allclose(array(losses), [loss for _, loss in seen], rtol=1e-12)


@on_each_device
@pytest.mark.parametrize("lr", [0.9, 3.0, 1e200])
def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_step(lr, device):
    by_hand = []

    def read_every_step(_, model):
        with np.errstate(over="ignore", invalid="ignore"):
            by_hand.append(error(X.numpy(), array(model(X.to(device)))))

    with pytest.raises(FloatingPointError, match="learning rate") as caught:
        pca.train(X, 2, steps=500, lr=lr, device=device, on_step=read_every_step)
    first = [math.isfinite(loss) for loss in by_hand].index(False)
    assert re.search(rf"step {first}\b", str(caught.value))
    assert len(by_hand) <= first + 50


@pytest.mark.parametrize("scale", [0.01, 1, 1000])
def test_a_learning_rate_of_a_tenth_of_n_over_the_largest_squared_singular_value_is_stable(scale):
    x = scale * X
    lr = 0.1 * len(x) / np.linalg.norm(x, 2) ** 2
    for seed in range(4):
        _, losses = pca.train(x, 2, steps=300, lr=lr, seed=seed, device="cpu")
        assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("r", "kind", "message"),
    [
        (0, ValueError, "r = 0; expected 1 to 6"),
        (7, ValueError, "r = 7; expected 1 to 6"),
        (2.0, TypeError, "r is 2.0; expected an integer"),
        (True, TypeError, "r is True; expected an integer"),
    ],
)
def test_train_refuses_r(r, kind, message):
    with pytest.raises(kind, match=message):
        pca.train(X, r, steps=1, device="cpu")


def test_a_single_sample_is_learnt_and_a_constant_zero_stays():
    model, losses = pca.train(X[:1], 1, steps=300, lr=0.02, device="cpu")
    assert losses[-1] < 1e-10 * losses[0]
    assert_allclose(array(model(X[:1])), X[:1], atol=1e-6)
    _, losses = pca.train(X - X, 2, steps=3, device="cpu")
    assert losses.tolist() == [0, 0, 0]


def test_no_steps():
    model, losses = pca.train(X, 2, steps=0, seed=5, device="cpu")
    assert losses.shape == (0,)
    start = pca.LinearAutoencoder(6, 2, torch.Generator().manual_seed(5))
    assert_allclose(array(model.Phi), array(start.Phi))


def test_train_leaves_its_input_alone():
    x = X.clone()
    pca.train(x, 2, steps=3, device="cpu")
    assert torch.equal(x, X)
    assert not x.requires_grad
