"""Modules and optimisers are handed over by how they are made, and judged by their state and gradients."""

import pytest
import torch

from gentutor import check
from gentutor.check import CheckFailed, Exercise, Made

W = torch.tensor([[0.7, -1.9, 0.4]]).double()
B = torch.tensor([0.3]).double()
X = torch.tensor([[1.2, 0.5, -0.8], [0.1, -0.6, 2.2]]).double()


def critic() -> Made:
    return Made("torch.nn.Linear", {"in_features": 3, "out_features": 1}, {"weight": W, "bias": B})


def sgd(of: int, lr: float = 0.05) -> Made:
    return Made("torch.optim.SGD", {"lr": lr}, of=of)


def penalty(critic, x):
    """(|grad_x D(x)| - 1)^2, the mean over samples."""
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (slope.norm(dim=1) - 1).square().mean()


def step(critic, optimizer, x):
    """Descends the mean of D(x)."""
    optimizer.zero_grad()
    critic(x).mean().backward()
    optimizer.step()


def test_a_module_is_called_and_its_gradient_comes_back_by_parameter():
    ex = Exercise("99_made/penalty")
    value, gradient = ex.call(penalty, critic=critic(), x=X, returns="penalty", wrt="critic")
    norm = W.norm()
    value.equals((norm - 1) ** 2)  # a linear critic has the slope W everywhere
    gradient["weight"].equals(2 * (norm - 1) * W / norm)
    assert gradient.plain["bias"] is None


def test_a_penalty_without_a_graph_has_no_gradient():
    def cut(critic, x):
        return penalty(critic, x).detach() + 0 * critic(x).sum()

    ex = Exercise("99_made/penalty")
    _, gradient = ex.call(cut, critic=critic(), x=X, returns="penalty", wrt="critic")
    with pytest.raises(CheckFailed, match="gradient by critic"):
        gradient["weight"].equals(2 * (W.norm() - 1) * W / W.norm())


def test_an_optimiser_moves_the_module_before_it():
    ex = Exercise("99_made/step")
    inputs = {"critic": critic(), "optimizer": sgd(0), "x": X}
    _, after = ex.call(step, **inputs, returns="nothing", changes="critic")
    after["weight"].equals(W - 0.05 * X.mean(0))
    after["bias"].equals(B - 0.05)


def test_a_module_that_must_be_left_alone_is_looked_at():
    def moves_both(critic, other, x):
        with torch.no_grad():
            other.weight += 1
        return critic(x).mean()

    ex = Exercise("99_made/step")
    with pytest.raises(CheckFailed, match=r"side effect on other: .*leave it"):
        ex.call(moves_both, critic=critic(), other=critic(), x=X, returns="mean")


def test_only_what_is_ours_or_torchs_is_made():
    with pytest.raises(ValueError, match="neither in gentutor nor in torch"):
        Made("os.system", {"command": "true"}).make()


def test_what_is_made_without_a_state_is_the_same_for_the_same_seed():
    def weights(layer):
        return layer.weight

    made = Made("torch.nn.Linear", {"in_features": 3, "out_features": 2})
    first, second = (check.Local(weights).perform(check.Call((made,), seed)).value for seed in (4, 4))
    other = check.Local(weights).perform(check.Call((made,), 5)).value
    assert torch.equal(first, second)
    assert not torch.equal(first, other)
