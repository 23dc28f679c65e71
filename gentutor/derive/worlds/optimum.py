"""Extreme values: by a search where an objective is smooth, by a linear programme where it is linear."""

from collections.abc import Callable

import numpy as np

from gentutor.derive.worlds.array import Data, NotExact
from gentutor.derive.worlds.world import Polytope

Objective = Callable[[Data], complex]  # to be made as small as it can be

STEP = 1e-20  # of the derivative by a complex step, which loses no digits however small it is
SMALL = 2e-5  # within the set that a linear objective is minimised over, also where it is thin
FAR = 30.0  # no optimum lies farther out
UNBOUNDED = 3  # what scipy.optimize.linprog calls it
UNATTAINED = "the extreme value is not attained; does a bound stand below the min or max?"
FLAT = 1e-9  # the largest slope at an optimum, relative to the value
CLOSE = 1e-12  # with so small a slope a step moves the value by no digit
GAIN = 0.25  # a step of Newton makes a slope smaller than this; of exp(-v), without a minimum, 1 / e is left


class Unattained(NotExact):
    """No place with an extreme value is found."""


class Infinite(NotExact):
    """An extreme value that is known to be infinite."""


def stationary(objective: Objective, start: Data) -> Data:
    """The minimum of an analytic objective near `start`, with a slope that vanishes there.

    Raises Unattained where none is found: the objective falls without end, or it has a kink.
    """

    def both(vector: Data) -> tuple[float, Data]:
        values = np.array([objective(vector + 1j * STEP * unit) for unit in np.eye(len(vector))])
        return float(values[0].real), values.imag / STEP

    def slope(vector: Data) -> Data:
        return both(vector)[1]

    def value(vector: Data) -> float:
        return objective(vector).real if np.abs(vector).max() <= FAR else np.inf

    place, (least, here) = start, both(start)
    size = 1 + abs(least)
    if not np.abs(here).max() <= FLAT * size:
        from scipy.optimize import minimize  # type: ignore[import-untyped]  # 0.2 s that most chains do not need

        with np.errstate(all="ignore"):
            place = minimize(value, start, jac=slope, method="BFGS", options={"gtol": 1e-5}).x
        moves = 1e-4 * np.eye(len(place))
        least, here = both(place)
        for _ in range(3):  # of Newton: the line search sees no further than the value's own rounding
            if np.abs(here).max() <= CLOSE * size:
                break
            before = np.abs(here).max()
            curvature = np.stack([slope(place + move) - slope(place - move) for move in moves])
            if not np.all(np.isfinite(curvature)):
                raise Unattained(UNATTAINED)
            place = place - np.linalg.lstsq(curvature / 2e-4, here, rcond=1e-6)[0]
            least, here = both(place)
            if not np.abs(here).max() <= max(GAIN * before, FLAT * size):
                raise Unattained(UNATTAINED)
    ways = 1e-3 * np.stack([wave(np.arange(1, len(place) + 1)) for wave in (np.cos, np.sin)])
    around = min(value(place + way) for way in (*ways, *-ways))
    if not np.abs(here).max() <= FLAT * size or not around >= least:
        raise Unattained(UNATTAINED)
    return place


def linear_programme(objective: Objective, start: Data, polytope: Polytope) -> complex:
    """The minimum of a linear objective over a polytope; its coefficients are read off around `start`.

    Raises NotExact where the objective is not linear or has no minimum there.
    """
    from scipy.optimize import linprog

    base = objective(start)
    slope = np.array([objective(start + SMALL * unit) - base for unit in np.eye(len(start))]) / SMALL
    try_out = SMALL * np.cos(np.arange(1, len(start) + 1)) ** 2
    bent = objective(start + try_out) - base - slope @ try_out
    if not abs(bent) <= 1e-8 * SMALL * (abs(base) + np.abs(slope).sum()):
        raise NotExact("a search over a set needs a linear objective")
    matrix, right = polytope.at_most
    equal, total = polytope.exactly
    found = linprog(
        slope.real,
        A_ub=matrix if len(right) else None,
        b_ub=right if len(right) else None,
        A_eq=equal if len(total) else None,
        b_eq=total if len(total) else None,
        bounds=(polytope.least, None),
    )
    if found.status == UNBOUNDED:
        raise Infinite("the objective grows without end over this set: the extreme value is not attained")
    if found.status != 0:
        raise NotExact("the extreme value is not attained")
    return complex(base + slope @ (found.x - start))
