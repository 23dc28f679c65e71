"""The classifier of digits: what it is, that it learns, and what it says of pictures that are not its own."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch.nn import functional as F

from gentutor import data
from gentutor.metrics import classifier
from gentutor.metrics.frechet import frechet_distance, moments


def bars(n, seed=0):
    """Pictures of a bright bar whose row is the class, under noise: (n, 1, 28, 28) and (n,)."""
    generator = torch.Generator().manual_seed(seed)
    y = torch.randint(10, (n,), generator=generator)
    x = 0.5 * torch.rand(n, 1, 28, 28, generator=generator)
    x[torch.arange(n), 0, 2 * y + 4] = 1.0
    return x, y


def test_features_and_classes_are_those_of_the_layers_without_dropout():
    model = classifier.Classifier(6)
    model.train()
    x, _ = bars(5)
    w1, b1, w2, b2, w3, b3, w4, b4 = model.parameters()
    h = F.relu(F.conv2d(F.relu(F.conv2d(x, w1, b1, 2, 2)), w2, b2, 2, 2))
    f = h.flatten(1) @ w3.T + b3
    features, classes = model.measure(x, at_once=2)
    assert_allclose(features.numpy(), f.detach().numpy(), atol=1e-6)
    assert torch.equal(classes, (f.relu() @ w4.T + b4).argmax(1))
    assert model.training


def test_training_learns_and_is_the_same_under_one_seed():
    x, y = bars(600)
    models = [classifier.Classifier(16) for _ in range(2)]
    curves = [classifier.train(m, x, y, epochs=6, lr=3e-3, device="cpu") for m in models]
    assert torch.equal(curves[0], curves[1])
    assert float(curves[0][0]) > 1 > 0.2 > float(curves[0][-1])
    x, y = bars(300, seed=1)
    assert float((models[0].measure(x)[1] == y).float().mean()) > 0.95


@pytest.mark.parametrize("stop", [2, 7])
def test_an_interrupted_run_goes_on_as_if_it_had_not_been(stop, tmp_path, interrupt_at):
    x, y = bars(200)
    asked = {"epochs": 3, "batch_size": 64, "device": "cpu"}
    whole, stopped, resumed = (classifier.Classifier(4, seed=s) for s in (0, 0, 9))
    curve = classifier.train(whole, x, y, **asked)
    path = tmp_path / "run.checkpoint"
    with interrupt_at(stop), pytest.warns(UserWarning, match=f"interrupted after step {stop} of 12"):
        part = classifier.train(stopped, x, y, **asked, checkpoint=path)
    assert part.isfinite().tolist() == [epoch < stop // 4 for epoch in range(3)]
    assert torch.equal(classifier.train(resumed, x, y, **asked, checkpoint=path), curve)
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_training_leaves_the_global_random_state_alone():
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    classifier.train(classifier.Classifier(4), *bars(40), epochs=1, device="cpu")
    assert torch.equal(before, torch.random.get_rng_state())


def test_pictures_of_another_range_or_shape_are_refused():
    model = classifier.Classifier(4)
    with pytest.raises(ValueError, match=r"values in \[0, 1\].*\(x \+ 1\) / 2"):
        model.measure(2 * bars(3)[0] - 1)
    with pytest.raises(ValueError, match=r"x has shape \(3, 784\)"):
        model.measure(torch.zeros(3, 784))


def test_the_shipped_one_is_as_good_as_its_record_says():
    model, reference, record = classifier.pretrained()
    assert record["figures"]["test_accuracy"] > 0.99
    if not data.available("mnist"):
        pytest.skip("mnist is not here; $GENTUTOR_DATA names where it lies")
    test = data.load("mnist", "test")
    found = model.measure(test.x)[1]
    assert_allclose(float((found == test.y).double().mean()), record["figures"]["test_accuracy"], atol=5e-4)
    assert np.bincount(found.numpy(), minlength=10).min() > 850
    known = data.load("mnist")
    assert reference.counts.tolist() == np.bincount(known.y.numpy()).tolist()
    some = moments(model.measure(known.x[::10])[0])
    distance = frechet_distance(some, reference.moments)
    assert distance < 0.01 * float(reference.moments.cov.trace())  # a tenth of the same pictures
