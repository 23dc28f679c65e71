"""Nearest neighbours against scikit-learn, precision and recall where they are known."""

import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neighbors import NearestNeighbors

from gentutor.metrics.neighbours import nearest, precision_recall


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("at_once", [7, 1000])
def test_the_nearest_are_scikit_learns(at_once):
    x, X = random(40, 3, seed=1), random(60, 3, seed=2)
    distances, indices = nearest(x, X, 4, at_once=at_once)
    theirs = NearestNeighbors(n_neighbors=4).fit(X.numpy()).kneighbors(x.numpy())
    assert_allclose(distances.numpy(), theirs[0], atol=1e-5)
    assert_array_equal(indices.numpy(), theirs[1])


def by_definition(fake, real, k):
    def within(x, support):
        radius = NearestNeighbors(n_neighbors=k + 1).fit(support).kneighbors(support)[0][:, k]
        return sum(
            any(((a - b) ** 2).sum() ** 0.5 <= r for b, r in zip(support, radius, strict=True)) for a in x
        )

    return within(fake, real) / len(fake), within(real, fake) / len(real)


@pytest.mark.parametrize("k", [1, 3])
def test_they_are_as_defined(k):
    fake, real = random(50, 2, seed=3), 0.7 * random(60, 2, seed=4) + 0.8
    assert_allclose(precision_recall(fake, real, k), by_definition(fake.numpy(), real.numpy(), k))


def two_heaps(seed, shares=(0.5, 0.5), n=2000):
    far = torch.rand(n, generator=torch.Generator().manual_seed(seed)) < shares[1]
    return random(n, 2, seed=seed + 100) + 50 * far[:, None]


def test_a_dropped_mode_costs_recall_and_an_invented_one_precision():
    both, one = two_heaps(0), two_heaps(1, (1.0, 0.0))
    precision, recall = precision_recall(one, both)
    assert precision > 0.95
    assert_allclose(recall, 0.5, atol=0.05)
    assert precision_recall(both, one) == (recall, precision)
    precision, recall = precision_recall(two_heaps(2), both)
    assert min(precision, recall) > 0.95


def test_samples_elsewhere_have_neither():
    assert precision_recall(random(100, 2), random(100, 2) + 100) == (0, 0)


def test_copies_of_few_data_have_precision_and_no_recall():
    real = random(1000, 2)
    precision, recall = precision_recall(real[:5].repeat(40, 1), real)
    assert precision == 1
    assert recall <= 0.005  # balls without extent: only the five themselves


def test_bad_samples_are_named():
    with pytest.raises(ValueError, match="expected more than k = 3 of each"):
        precision_recall(random(3, 2), random(10, 2))
    with pytest.raises(ValueError, match=r"\(4, 2\), \(4, 3\), 1"):
        nearest(random(4, 2), random(4, 3))
    with pytest.raises(ValueError, match="k <= m"):
        nearest(random(4, 2), random(4, 2), 5)
