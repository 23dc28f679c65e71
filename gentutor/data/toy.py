"""The 2-D sets that generative models are tried on, each drawn from a law that is known exactly.

Each function takes the number of points `n` and a `torch.Generator`, and returns `x`, float32 (n, 2), and
`y`, int64 (n,), the mode, arm or cell of each point, all equally likely; both on the generator's device. The
draws depend on the generator alone. Points are independent; sigma is a standard deviation per coordinate.
"""

import math

import torch
from torch import Generator, Tensor

EIGHT_GAUSSIANS_RADIUS = 2.0
EIGHT_GAUSSIANS_SIGMA = 0.02
GAUSSIAN_GRID_SPACING = 2.0
GAUSSIAN_GRID_SIGMA = 0.05
SWISS_ROLL_SCALE = 7.5
SWISS_ROLL_SIGMA = 0.25 / SWISS_ROLL_SCALE
TWO_MOONS_SIGMA = 0.1
CHECKERBOARD_SIDE = 2.0


def eight_gaussians(n: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """p(x) = 1/8 sum_k N(x; c_k, sigma^2 I), c_k = 2 (cos 2πk/8, sin 2πk/8), sigma = 0.02; y = k.

    Metz et al. (2017), "Unrolled generative adversarial networks", arXiv:1611.02163, appendix A.
    """
    return _mixture(eight_gaussians_centres(), EIGHT_GAUSSIANS_SIGMA, n, generator)


def eight_gaussians_centres() -> Tensor:
    """The centres c_k = 2 (cos 2πk/8, sin 2πk/8), anticlockwise from (2, 0): float32 (8, 2)."""
    angle = torch.arange(8, dtype=torch.float64, device="cpu") * (2 * math.pi / 8)
    return (EIGHT_GAUSSIANS_RADIUS * torch.stack((angle.cos(), angle.sin()), dim=1)).float()


def gaussian_grid(n: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """p(x) = 1/25 sum_k N(x; c_k, sigma^2 I), c_k on the grid {-4, -2, 0, 2, 4}^2, sigma = 0.05; y = k.

    Lin et al. (2018), "PacGAN: the power of two samples in generative adversarial networks",
    arXiv:1712.04086, section 4.1 (there as the variance 0.0025).
    """
    return _mixture(gaussian_grid_centres(), GAUSSIAN_GRID_SIGMA, n, generator)


def gaussian_grid_centres() -> Tensor:
    """The 25 centres of {-4, -2, 0, 2, 4}^2, the second coordinate running fastest: float32 (25, 2)."""
    line = GAUSSIAN_GRID_SPACING * torch.arange(-2, 3, dtype=torch.float32, device="cpu")
    return torch.cartesian_prod(line, line)


def swiss_roll(n: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """x = (t cos t, t sin t) / 7.5 + sigma e, t ~ U[1.5π, 4.5π], e ~ N(0, I), sigma = 0.25 / 7.5.

    y is the half turn, counted outwards: floor((t - 1.5π) / π), 0 to 2. Without noise |x| is in [0.63, 1.89].
    The plane section of scikit-learn's `make_swiss_roll(noise=0.25)`, divided by 7.5 as in the code of
    Gulrajani et al. (2017), "Improved training of Wasserstein GANs", arXiv:1704.00028, figure 1.
    """
    u = 3 * _uniform((n,), generator)  # half turns; below 3, so that its floor is at most 2
    t = math.pi * (1.5 + u)
    x = t[:, None] * torch.stack((t.cos(), t.sin()), dim=1) / SWISS_ROLL_SCALE
    return x + SWISS_ROLL_SIGMA * _normal((n, 2), generator), u.long()


def two_moons(n: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """x = m_y(θ) + sigma e, θ ~ U[0, π], e ~ N(0, I), sigma = 0.1, with y = 0 the upper moon and 1 the lower.

    m_0(θ) = (cos θ, sin θ), m_1(θ) = (1 - cos θ, 1/2 - sin θ): scikit-learn's `make_moons(noise=0.1)`, whose
    angles are evenly spaced where these are drawn. Without noise x_1 lies in [-1, 2] and x_2 in [-1/2, 1].
    """
    y = _index(n, 2, generator)
    theta = math.pi * _uniform((n,), generator)
    upper = torch.stack((theta.cos(), theta.sin()), dim=1)
    lower = torch.stack((1 - theta.cos(), 0.5 - theta.sin()), dim=1)
    x = torch.where(y[:, None] == 0, upper, lower)
    return x + TWO_MOONS_SIGMA * _normal((n, 2), generator), y


def checkerboard(n: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """p(x) = 1/32 on the eight black cells of [-4, 4]^2, else 0; y is the cell, in `checkerboard_corners`.

    Cells are squares of side 2, black where floor(x_1 / 2) + floor(x_2 / 2) is even. The law of
    Grathwohl et al. (2019), "FFJORD", arXiv:1810.01367, figure 1.
    """
    corners = checkerboard_corners().to(generator.device)
    y = _index(n, len(corners), generator)
    return corners[y] + CHECKERBOARD_SIDE * _uniform((n, 2), generator), y


def checkerboard_corners() -> Tensor:
    """The lower left corner of each black cell, row by row from below: float32 (8, 2)."""
    cells = [(i, j) for j in range(-2, 2) for i in range(-2, 2) if (i + j) % 2 == 0]
    return CHECKERBOARD_SIDE * torch.tensor(cells, dtype=torch.float32, device="cpu")


def _mixture(centres: Tensor, sigma: float, n: int, generator: Generator) -> tuple[Tensor, Tensor]:
    y = _index(n, len(centres), generator)
    return centres.to(generator.device)[y] + sigma * _normal((n, 2), generator), y


# Device and dtype are stated, so that torch's global defaults do not matter either.
def _index(n: int, k: int, generator: Generator) -> Tensor:
    return torch.randint(k, (n,), generator=generator, device=generator.device, dtype=torch.int64)


def _normal(shape: tuple[int, ...], generator: Generator) -> Tensor:
    return torch.randn(shape, generator=generator, device=generator.device, dtype=torch.float32)


def _uniform(shape: tuple[int, ...], generator: Generator) -> Tensor:
    return torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float32)
