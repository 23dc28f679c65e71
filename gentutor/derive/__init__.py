"""Derivations that run: `check` reads a chain of lines in LaTeX and judges every one of them."""

from typing import TYPE_CHECKING

from gentutor.derive.checker import check
from gentutor.derive.report import Report, Step

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["Report", "Step", "check", "load_ipython_extension"]


def load_ipython_extension(shell: "InteractiveShell") -> None:
    """`%load_ext gentutor.derive` brings the cell magic `%%derive SETTING [as NAME]`."""
    from gentutor.derive.magic import register

    register(shell)
