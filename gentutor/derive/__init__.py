"""Derivations that run: `check` reads a chain of lines in LaTeX and judges every one of them."""

from gentutor.derive.report import Report, Step


def check(text: str, setting: str) -> Report:
    from gentutor.derive.checker import check as run

    return run(text, setting)


__all__ = ["Report", "Step", "check", "load_ipython_extension"]


def load_ipython_extension(shell: object) -> None:
    """`%load_ext gentutor.derive` brings the cell magic `%%derive SETTING [as NAME]`."""
    from gentutor.derive.magic import register

    register(shell)
