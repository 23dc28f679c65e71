"""The U-Net that predicts noise: pictures go down to small maps and up again, with shortcuts across, and
every block is told the time. Ho et al. (2020), appendix B; Dhariwal and Nichol (2021), section 3.

A picture may first be cut into patches that become channels (`patch`): a map of half the side costs a
quarter of the work.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pixel_shuffle, pixel_unshuffle, scaled_dot_product_attention, silu

LONGEST_PERIOD = 10_000.0
GROUPS = 8


def time_embedding(t: Tensor, d: int) -> Tensor:
    """(sin t ω_i, cos t ω_i), ω_i = 10000^(-2i/d), i = 0 ... d/2 - 1: Vaswani et al. (2017), section 3.5.

    Fast waves tell near times apart, slow ones far times.

    Args:
        t: (B,), int or float.
        d: an even number of features.

    Returns:
        (B, d), float32: all sines, then all cosines.

    Raises:
        ValueError: d is odd.
    """
    if d % 2:
        raise ValueError(f"d is {d}; expected an even number: a sine and a cosine of each wave")
    omega = torch.exp(torch.arange(0, d, 2, device=t.device) * (-math.log(LONGEST_PERIOD) / d))
    angle = t[:, None].float() * omega
    return torch.cat([angle.sin(), angle.cos()], dim=1)


class AdaGN(nn.Module):
    """AdaGN(h, y) = y_s GroupNorm(h) + y_b: Dhariwal and Nichol (2021), equation 3.

    y = (y_s, y_b) is linear in the embedding of the time; it starts as (1, 0), at the plain norm.
    """

    def __init__(self, channels: int, embedding: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, channels, affine=False)
        self.y = nn.Linear(embedding, 2 * channels)
        nn.init.zeros_(self.y.weight)
        nn.init.zeros_(self.y.bias)
        with torch.no_grad():
            self.y.bias[:channels] = 1

    def forward(self, h: Tensor, e: Tensor) -> Tensor:
        """h: (B, C, H, W), e: (B, embedding) -> (B, C, H, W)."""
        y_s, y_b = self.y(e)[:, :, None, None].chunk(2, dim=1)  # (B, C, 1, 1) each
        normed: Tensor = torch.addcmul(y_b, y_s, self.norm(h))
        return normed


class ResBlock(nn.Module):
    """h + f(h, t), f of two convolutions; it starts as what stands beside it: h, or a 1 x 1 convolution."""

    def __init__(self, before: int, after: int, embedding: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(GROUPS, before)
        self.first = nn.Conv2d(before, after, 3, padding=1)
        self.adagn = AdaGN(after, embedding)
        self.second = _zero(nn.Conv2d(after, after, 3, padding=1))
        self.shortcut = nn.Identity() if before == after else nn.Conv2d(before, after, 1)

    def forward(self, h: Tensor, e: Tensor) -> Tensor:
        """h: (B, before, H, W), e: (B, embedding) -> (B, after, H, W)."""
        f = self.first(silu(self.norm(h)))
        f = self.second(silu(self.adagn(f, e)))
        out: Tensor = self.shortcut(h) + f
        return out


class Attention(nn.Module):
    """h + softmax(Q K^T / √d) V among the places of a map: Vaswani et al. (2017), equation 1, in heads."""

    def __init__(self, channels: int, heads: int = 4) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.GroupNorm(GROUPS, channels)
        self.qkv = nn.Conv2d(channels, 3 * channels, 1)
        self.out = _zero(nn.Conv2d(channels, channels, 1))

    def forward(self, h: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        B, C, H, W = h.shape
        qkv = self.qkv(self.norm(h)).reshape(B, 3, self.heads, C // self.heads, H * W)
        q, k, v = qkv.transpose(-1, -2).unbind(1)  # (B, heads, H W, C / heads) each
        a = scaled_dot_product_attention(q, k, v).transpose(-1, -2).reshape(B, C, H, W)
        out: Tensor = self.out(a)
        return h + out


class UNet(nn.Module):
    """ε_θ(x_t, t): the noise in x_t, as a picture of its shape.

    Args:
        channels: of a picture.
        widths: channels of the maps at each level, from the finest; each level has half the side of the one
            before. Multiples of 8.
        blocks: residual blocks at each level on the way down; there is one more on the way up.
        patch: the side of the patches that a picture is cut into; 1 leaves it whole.
        seed: draws the starting weights; the global random state is left alone.

    Attributes:
        settings: the arguments, but for the seed, as plain values.

    Raises:
        ValueError: widths and blocks do not fit.
    """

    def __init__(
        self,
        channels: int = 1,
        widths: Sequence[int] = (64, 128),
        blocks: Sequence[int] = (1, 1),
        patch: int = 2,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if len(widths) != len(blocks) or not widths or any(w % GROUPS for w in widths):
            raise ValueError(
                f"widths is {tuple(widths)} and blocks {tuple(blocks)}; expected a number in each for every "
                f"level, and widths that are multiples of {GROUPS}"
            )
        self.settings: dict[str, Any] = {
            "channels": channels,
            "widths": list(widths),
            "blocks": list(blocks),
            "patch": patch,
        }
        self.patch = patch
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._build(channels * patch**2, widths, blocks)
        self.to(memory_format=torch.channels_last)  # a pixel's channels side by side: faster

    def _build(self, channels: int, widths: Sequence[int], blocks: Sequence[int]) -> None:
        width = widths[0]
        embedding = 4 * width
        self.time = nn.Sequential(
            nn.Linear(width, embedding), nn.SiLU(), nn.Linear(embedding, embedding), nn.SiLU()
        )
        self.first = nn.Conv2d(channels, width, 3, padding=1)
        shortcuts = [width]  # channels of each map that waits for the way up
        self.down = nn.ModuleList()
        for level, (after, number) in enumerate(zip(widths, blocks, strict=True)):
            if level:
                self.down.append(nn.Conv2d(width, after, 3, stride=2, padding=1))  # half the side
                width = after
                shortcuts.append(width)
            for _ in range(number):
                self.down.append(ResBlock(width, after, embedding))
                shortcuts.append(width)
        self.middle = nn.ModuleList(
            [ResBlock(width, width, embedding), Attention(width), ResBlock(width, width, embedding)]
        )
        self.up = nn.ModuleList()
        for level in reversed(range(len(widths))):
            for _ in range(blocks[level] + 1):
                self.up.append(ResBlock(width + shortcuts.pop(), widths[level], embedding))
                width = widths[level]
            if level:
                self.up.append(_Double(width, widths[level - 1]))
                width = widths[level - 1]
        self.last = nn.Sequential(
            nn.GroupNorm(GROUPS, width), nn.SiLU(), _zero(nn.Conv2d(width, channels, 3, padding=1))
        )

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        """x_t: (B, C, H, W), t: (B,) -> (B, C, H, W), of x_t's dtype.

        Raises:
            ValueError: x_t is no batch of pictures, or cannot be cut into patches.
        """
        if x_t.ndim != 4 or x_t.shape[2] % self.patch or x_t.shape[3] % self.patch:
            raise ValueError(
                f"x_t has shape {tuple(x_t.shape)}; expected (B, C, H, W), H and W multiples of {self.patch}"
            )
        e = self.time(time_embedding(t, self.settings["widths"][0]).to(x_t.dtype))
        h = self.first(pixel_unshuffle(x_t, self.patch))
        waiting = [h]
        for layer in self.down:
            h = layer(h, e) if isinstance(layer, ResBlock) else layer(h)
            waiting.append(h)
        for layer in self.middle:
            h = layer(h, e) if isinstance(layer, ResBlock) else layer(h)
        for layer in self.up:
            if isinstance(layer, ResBlock):
                h = layer(torch.cat([h, waiting.pop()], dim=1), e)
            else:
                h = layer(h, waiting[-1].shape[2:])
        return pixel_shuffle(self.last(h), self.patch).to(x_t.dtype)


class _Double(nn.Module):
    """Twice the side: each place four times, then a convolution. Odd sides come back as they were."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3, padding=1)

    def forward(self, h: Tensor, size: Sequence[int]) -> Tensor:
        """(B, before, H, W) -> (B, after, *size)."""
        doubled: Tensor = self.conv(nn.functional.interpolate(h, size=tuple(size), mode="nearest"))
        return doubled


def _zero(layer: nn.Conv2d) -> nn.Conv2d:
    """A branch that starts at 0 leaves the block as if it were not there."""
    nn.init.zeros_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer
