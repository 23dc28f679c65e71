"""What the widgets' views share: their assets, and the still that stands for a widget without a kernel."""

from pathlib import Path
from typing import Any

import anywidget
from IPython.display import display
from matplotlib.figure import Figure

from gentutor import plot

HERE = Path(__file__).parent
WIDGET = "application/vnd.jupyter.widget-view+json"


def script(*names: str) -> str:
    """The ES module of a view. It comes as one text, for a page can fetch no second file from a kernel."""
    return "\n".join((HERE / name).read_text(encoding="utf-8") for name in ("shared.js", *names))


def style(name: str) -> str:
    """The view's CSS."""
    return (HERE / "shared.css").read_text(encoding="utf-8") + (HERE / name).read_text(encoding="utf-8")


class View(anywidget.AnyWidget):
    """A widget that leaves a picture of itself in the notebook.

    A saved notebook holds no widget that could be shown: a page without a kernel says "model not found". So
    a cell shows a still with its text first, then the widget, whose style hides the still (shared.css).
    """

    def still(self) -> tuple[Figure, str]:
        """The picture, and what is to be seen on it, for a sentence that begins with "Still of"."""
        raise NotImplementedError

    def _ipython_display_(self) -> None:
        figure, text = self.still()
        plot.show(figure, f"Still of {text}. Run the cell to bring it to life.")
        view: Any = {WIDGET: {"version_major": 2, "version_minor": 0, "model_id": self.model_id}}
        display(view, raw=True)  # type: ignore[no-untyped-call]
