"""What lecture 07 says of the training digits nearest to the DCGAN's samples is what the record says."""

import pytest
import torch

from gentutor import data, weights
from gentutor.models import gan


def test_samples_are_no_nearer_to_the_training_set_than_test_digits_are():
    kept, record = weights.read("nearest_mnist")
    samples, test = record["figures"]["samples"], record["figures"]["test"]
    assert kept["images"].shape == (12, 28, 28)
    assert record["command"] == "python tools/nearest_digits.py"
    assert samples[1] > test[1]
    assert samples[0] > 0.5  # not one of a thousand is a copy


def test_the_kept_images_are_the_nearest_ones():
    try:
        train = data.load("mnist").x.flatten(1)
    except data.DataError:
        pytest.skip("mnist is not here; $GENTUTOR_DATA names where it lies")
    kept, _ = weights.read("nearest_mnist")
    generator, _ = gan.pretrained("gan_mnist")
    samples = ((generator.sample(1_000, seed=1)[:12] + 1) / 2).flatten(1)
    by_sum = torch.stack([((train - one) ** 2).sum(1) for one in samples])
    assert torch.equal((255 * train[by_sum.argmin(1)]).round(), kept["images"].flatten(1))
