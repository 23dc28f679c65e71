"""What the tests of checks share: plain inputs, a question to an answer, and what a failing check raises."""

import numpy as np
import pytest
import torch

from gentutor import check

X = torch.from_numpy(np.random.default_rng(0).normal(size=(6, 4)))
W = torch.tensor([[3.1728, -2.6491], [1.8375, 4.5917]]).double()  # an answer, in general position


def ask(function, *, returns="Y", allows=(), **inputs):
    return check.Exercise("01_pca/task", allows).call(function, returns=returns, **inputs)


def value(given):
    return ask(lambda: given)


def failure(judge, *args, **more):
    with pytest.raises(check.CheckFailed) as caught:
        judge(*args, **more)
    return caught.value
