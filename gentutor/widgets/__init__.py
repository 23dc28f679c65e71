"""Widgets for notebooks: a latent space to walk about in, and frames to scrub through.

Each is a plain model that knows nothing of a browser (`space`, `frames`) under a thin view on anywidget
(`latent_pad`, `frame_scrubber`), whose JavaScript and CSS lie beside it.
"""

from gentutor.widgets.frame_scrubber import FrameScrubber
from gentutor.widgets.latent_pad import LatentPad

__all__ = ["FrameScrubber", "LatentPad"]
