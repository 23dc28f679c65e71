"""The cell magic `%%derive SETTING [as NAME]`: the cell is a chain, and its report is shown.

After `%load_ext gentutor.derive`.
"""

from keyword import iskeyword

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from gentutor.derive.checker import check
from gentutor.derive.graded import holes, lock, without_rules

USAGE = "Expected %%derive SETTING or %%derive SETTING as NAME, for example: %%derive vae as elbo"


def register(shell: InteractiveShell) -> None:
    """Give `shell` the cell magic."""

    def derive(line: str, cell: str) -> None:
        """Check the chain in this cell, line by line: %%derive SETTING, or %%derive SETTING as NAME.

        NAME is bound to the report. A chain that is wrong, cannot be read or is not written yet raises
        nothing: the report says so. Raises UsageError for bad arguments.
        """
        setting, name = _arguments(line)
        try:
            if name and holes(cell):
                lock(name, cell, setting)
            report = check(without_rules(cell), setting=setting)
        except ValueError as error:
            raise UsageError(f"{error} {USAGE}") from error
        if name:
            shell.user_ns[name] = report
        display(report)  # type: ignore[no-untyped-call]

    shell.magics_manager.register_function(derive, "cell")


def _arguments(line: str) -> tuple[str, str | None]:
    match line.split():
        case [setting]:
            return setting, None
        case [setting, "as", name] if name.isidentifier() and not iskeyword(name):
            return setting, name
        case [_, "as", name]:
            raise UsageError(f"{name!r} is no name for a variable. {USAGE}")
        case _:
            raise UsageError(f"Cannot make sense of {line!r}. {USAGE}" if line.strip() else USAGE)
