"""Every figure style in one place. Importing this module sets matplotlib's style."""

import base64
import io
from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
from cycler import cycler
from IPython.display import Markdown, display
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

# Okabe and Ito's colours, told apart by people with any common kind of colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

plt.rcParams.update(
    {
        "figure.dpi": 100,
        "figure.constrained_layout.use": True,
        "font.size": 10,
        "axes.titlesize": 11,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.prop_cycle": cycler(color=COLOURS),
        "axes.grid": True,
        "grid.alpha": 0.25,
        "legend.frameon": False,
        "image.cmap": "gray_r",
        "image.interpolation": "nearest",
    }
)


def show(fig: Figure, text: str) -> None:
    """Shows the figure, and under it the text that says what is to be seen, also for those who cannot see it.

    The text is the picture's alternative text in exported pages, and a caption everywhere.
    """
    png = io.BytesIO()
    fig.savefig(png, format="png")
    plt.close(fig)
    data = {"image/png": base64.b64encode(png.getvalue()).decode(), "text/plain": text}
    display(data, raw=True, metadata={"image/png": {"alt": text}})  # type: ignore[no-untyped-call]
    display(Markdown(f"*{text}*"))  # type: ignore[no-untyped-call]


def image_grid(
    rows: Sequence[Tensor], labels: Sequence[str], titles: Sequence[str] = (), signed: bool = False
) -> Figure:
    """A grid of grey images: one row for each tensor (k, H, W), labelled at its left.

    Args:
        rows: tensors of equal shape (k, H, W); values in [0, 1], black for 1.
        labels: one for each row.
        titles: one for each column, or none.
        signed: positive values in blue and negative in red, each image to its own largest magnitude.
    """
    k = len(rows[0])
    fig, axes = plt.subplots(len(rows), k, figsize=(0.85 * k + 1.2, 0.95 * len(rows) + 0.25), squeeze=False)
    for images, label, row in zip(rows, labels, axes, strict=True):
        for image, ax in zip(images, row, strict=True):
            limit = float(image.abs().max())
            style: dict[str, Any] = {"vmin": 0, "vmax": 1}
            if signed:
                style = {"cmap": "RdBu", "vmin": -limit, "vmax": limit}
            ax.imshow(image.detach().cpu().numpy(), **style)
            ax.set(xticks=[], yticks=[])
            ax.spines[:].set_visible(True)
            ax.spines[:].set_color("0.8")
        row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    for ax, title in zip(axes[0] if titles else (), titles, strict=True):
        ax.set_title(title, fontsize=9)
    return fig


def codes(ax: Axes, Y: Tensor, labels: Tensor, classes: Sequence[str]) -> None:
    """Points Y (n, 2) coloured by their label, with the name of each class written at its median."""
    Y, labels = Y.detach().cpu(), labels.cpu()
    colours = plt.colormaps["tab10"].colors  # type: ignore[attr-defined]
    for k in range(len(classes)):
        own = Y[labels == k]
        ax.scatter(own[:, 0], own[:, 1], s=6, color=colours[k % 10], alpha=0.6, linewidths=0)
    for k in sorted(set(labels.tolist())):  # after all points, so that no name is hidden
        x, y = Y[labels == k].median(0).values.tolist()
        box = {"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": colours[k % 10]}
        ax.text(x, y, classes[k], ha="center", va="center", fontweight="bold", bbox=box)
    ax.set(xlabel="first number of the code", ylabel="second number of the code", aspect="equal")


def transmission(images: Tensor, codes: Tensor, reconstructions: Tensor) -> Figure:
    """What goes in, what travels, what comes out: images (k, H, W), codes (k, r), images (k, H, W)."""
    k = len(images)
    fig, axes = plt.subplots(3, k, figsize=(1.3 * k + 1.2, 3.6), squeeze=False, sharex="row", sharey="row")
    for j in range(k):
        axes[1, j].bar(range(1, codes.shape[1] + 1), codes[j].detach().cpu().numpy())
        axes[1, j].axhline(0, color="0.3", linewidth=0.8)
        for ax, image in ((axes[0, j], images[j]), (axes[2, j], reconstructions[j])):
            ax.imshow(image.detach().cpu().numpy(), vmin=0, vmax=1)
            ax.set(xticks=[], yticks=[])
            ax.grid(visible=False)
            ax.spines[:].set_visible(False)
    for row, label in enumerate(("original", f"code, {codes.shape[1]} numbers", "reconstruction")):
        axes[row, 0].set_ylabel(label, rotation=0, ha="right", va="center")
    return fig
