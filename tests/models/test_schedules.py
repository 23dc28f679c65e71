"""Schedules against exact fractions, the papers' numbers, and steps composed one by one."""

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from gentutor.models import schedules
from gentutor.models.schedules import Schedule

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
LARGE = torch.tensor([0.3, 0.5, 0.2, 0.7, 0.1], dtype=torch.float64)  # no two alike, in no order


def test_every_quantity_is_the_exact_one():
    schedule = Schedule(LARGE)
    assert schedule.T == 5
    beta = [Fraction(0), *(Fraction(b) for b in LARGE.tolist())]
    kept = [Fraction(1)]
    for b in beta[1:]:
        kept.append(kept[-1] * (1 - b))
    assert_allclose(schedule.betas.numpy(), [float(b) for b in beta], rtol=1e-15)
    assert_allclose(schedule.alphas.numpy(), [float(1 - b) for b in beta], rtol=1e-15)
    assert_allclose(schedule.alphas_cumprod.numpy(), [float(k) for k in kept], rtol=1e-14)
    assert schedule.timesteps.tolist() == [0, 1, 2, 3, 4, 5]
    # Precisions of independent tellings add up: of x_{t-1} from x_t, and of x_{t-1} from x_0.
    for t in range(2, 6):
        precision = (1 - beta[t]) / beta[t] + 1 / (1 - kept[t - 1])
        assert_allclose(float(schedule.posterior_variance[t]), float(1 / precision), rtol=1e-14)
    assert schedule.posterior_variance[:2].tolist() == [0, 0]
    for name in ("betas", "alphas", "alphas_cumprod", "posterior_variance"):
        assert getattr(schedule, name).dtype == torch.float64, name


def test_the_linear_schedule_is_that_of_ho_et_al():
    schedule = schedules.linear()
    beta = [Fraction(1, 10**4) + Fraction(t, 999) * Fraction(199, 10**4) for t in range(1000)]
    assert_allclose(schedule.betas[1:].numpy(), [float(b) for b in beta], rtol=1e-13)
    kept = np.cumprod([1 - b for b in beta])  # of fractions: exact
    assert_allclose(schedule.alphas_cumprod[1:].numpy(), [float(k) for k in kept], rtol=1e-12)
    assert (float(schedule.betas[1]), float(schedule.betas[-1])) == (1e-4, 0.02)
    assert round(float(schedule.alphas_cumprod[-1]) * 1e5, 3) == 4.036


def test_little_is_left_to_tell_at_the_end_as_ho_et_al_say():
    """ "D_KL(q(x_T|x_0) || N(0, I)) ≈ 10^-5 bits per dimension": section 4, of pictures in [-1, 1]."""
    kept = float(schedules.linear().alphas_cumprod[-1])
    bits = [(kept * x**2 - kept - math.log1p(-kept)) / 2 / math.log(2) for x in (0.4, 1.0)]
    assert 0.3e-5 < bits[0] < 1e-5 < bits[1] < 3e-5


def test_the_quadratic_schedules_roots_are_on_a_line():
    schedule = schedules.quadratic()
    steps = schedule.betas[1:].sqrt().diff()
    assert_allclose(steps.numpy(), (0.02**0.5 - 1e-4**0.5) / 999, rtol=1e-9)
    assert_allclose([float(schedule.betas[1]), float(schedule.betas[-1])], [1e-4, 0.02], rtol=1e-14)
    assert (schedule.betas[2:-1] < schedules.linear().betas[2:-1]).all()  # a parabola below its chord


@pytest.mark.parametrize("T", [1000, 4000])
def test_the_cosine_schedule_is_that_of_nichol_and_dhariwal(T):
    schedule = schedules.cosine(T)
    f = [math.cos((t / T + 0.008) / 1.008 * math.pi / 2) ** 2 for t in range(T)]
    assert_allclose(schedule.alphas_cumprod[:T].numpy(), np.array(f) / f[0], rtol=1e-9)
    assert float(schedule.betas[-1]) == 0.999  # f(T) = 0: the last β would be 1
    assert (schedule.betas[:-1] < 0.999).all()
    assert_allclose(float(schedule.alphas_cumprod[-1]), f[-1] / f[0] / 1000, rtol=1e-9)
    assert math.sqrt(float(schedule.betas[1])) < 1 / 127.5  # "slightly smaller than the pixel bin size"


@pytest.mark.parametrize("name", schedules.SCHEDULES)
@pytest.mark.parametrize("T", [1, 2, 50, 1000])
def test_every_schedule_begins_at_the_data_and_loses_them(name, T):
    schedule = schedules.SCHEDULES[name](T)
    assert schedule.T == T
    assert float(schedule.alphas_cumprod[0]) == 1
    assert (schedule.alphas_cumprod.diff() < 0).all()
    assert (schedule.alphas_cumprod[-1] > 0).all()
    assert (schedule.posterior_variance[1:] < schedule.betas[1:]).all()
    assert (schedule.posterior_variance[2:] > 0).all()


def test_fewer_steps_pass_through_the_same_marginals():
    whole = Schedule(LARGE)
    fewer = whole.respaced(3)
    assert fewer.timesteps.tolist() == [0, 2, 3, 5]  # of 0, 1.67, 3.33, 5
    assert_allclose(fewer.alphas_cumprod.numpy(), whole.alphas_cumprod[[0, 2, 3, 5]].numpy(), rtol=1e-14)
    mean, variance = 1.0, 0.0  # steps 4 and 5, one after the other
    for beta in (0.7, 0.1):
        mean, variance = mean * math.sqrt(1 - beta), variance * (1 - beta) + beta
    assert_allclose(float(fewer.alphas[3].sqrt()), mean, rtol=1e-14)
    assert_allclose(float(fewer.betas[3]), variance, rtol=1e-14)


def test_a_respaced_schedule_can_be_respaced_again():
    twice = schedules.cosine(1000).respaced(100).respaced(20)
    once = schedules.cosine(1000).respaced(20)
    assert twice.timesteps.tolist() == once.timesteps.tolist() == list(range(0, 1001, 50))
    assert_allclose(twice.betas.numpy(), once.betas.numpy(), rtol=1e-11)


def test_no_two_steps_of_a_respaced_schedule_are_one():
    for T in range(1, 41):
        schedule = schedules.linear(T)
        for steps in range(1, T + 1):
            told = schedule.respaced(steps).timesteps
            assert (told.diff() > 0).all()
            assert (len(told), told[0], told[-1]) == (steps + 1, 0, T)
            assert told.diff().max() - told.diff().min() <= 2


@pytest.mark.parametrize("device", DEVICES)
def test_a_schedule_moves_whole(device):
    schedule = schedules.cosine(50).respaced(7)
    moved = schedule.to(device)
    for name, value in vars(schedule).items():
        there = getattr(moved, name)
        assert there.device.type == device
        assert there.dtype == value.dtype
        assert_allclose(there.cpu().numpy(), value.numpy(), rtol=1e-12, err_msg=name)


@pytest.mark.parametrize(
    "betas", [[], [[0.1, 0.2]], [0.0, 0.1], [0.1, 1.0], [0.1, -0.1], [0.1, math.nan], [0.1, math.inf]]
)
def test_betas_that_are_none_are_named(betas):
    with pytest.raises(ValueError, match=r"expected \(T,\), each above 0 and below 1"):
        Schedule(torch.tensor(betas))


def test_other_bad_arguments_are_named():
    for make in schedules.SCHEDULES.values():
        with pytest.raises(ValueError, match="T is 0; expected at least one step"):
            make(0)
    for steps in (0, 6):
        with pytest.raises(ValueError, match=rf"steps is {steps}; expected .* at most the schedule's 5"):
            Schedule(LARGE).respaced(steps)
    with pytest.raises(ValueError, match=r"timesteps has shape \(2,\); expected \(5,\)"):
        Schedule(LARGE, torch.tensor([1, 2]))


def test_single_precision_is_computed_in_double():
    betas = torch.full((100,), 0.1, requires_grad=True)
    kept = Schedule(betas).alphas_cumprod
    assert not kept.requires_grad
    assert_allclose(float(kept[-1]), (1 - betas[0].item()) ** 100, rtol=1e-12)
