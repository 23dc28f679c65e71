"""gentutor: the companion package of a course on deep generative models."""

__version__ = "0.1.0"
