"""`%%derive` in a real IPython shell."""

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from gentutor.derive import Report

RIGHT = "\\log p(x)\n= \\log \\int p(x|z) p(z) \\, dz\n"
WRONG = "\\log p(x)\n= \\int p(x|z) p(z) \\, dz\n"


@pytest.fixture
def shell():
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "gentutor.derive")
    yield shell
    shell.restore_sys_module_state()
    InteractiveShell.clear_instance()


def run(shell, line, cell):
    """What a cell shows; it must show one thing and raise nothing."""
    with capture_output() as captured:
        result = shell.run_cell(f"%%derive {line}\n{cell}")
    result.raise_error()
    assert (captured.stdout, captured.stderr) == ("", "")
    (shown,) = captured.outputs
    return shown.data


@pytest.mark.parametrize(("chain", "ok"), [(RIGHT, True), (WRONG, False)])
def test_the_report_is_shown_and_bound_to_its_name(shell, chain, ok):
    shown = run(shell, "vae as elbo", chain)
    elbo = shell.user_ns["elbo"]
    assert isinstance(elbo, Report)
    assert elbo.ok is ok
    assert shown["text/html"] == elbo._repr_mimebundle_()["text/html"]
    assert shown["text/plain"] == str(elbo)


def test_without_a_name_nothing_is_bound(shell):
    before = {name for name in shell.user_ns if not name.startswith("_")}
    run(shell, "vae", RIGHT)
    assert {name for name in shell.user_ns if not name.startswith("_")} == before


@pytest.mark.parametrize(
    "cell",
    ["\n", "# YOUR CODE HERE\nraise NotImplementedError()", "### BEGIN SOLUTION\n### END SOLUTION"],
)
def test_a_cell_that_is_not_written_says_so(shell, cell):
    assert run(shell, "vae as mine", cell)["text/plain"] == "○ Not written yet."
    assert not shell.user_ns["mine"].ok


def test_a_line_that_cannot_be_read_raises_nothing(shell):
    assert "⚠ cannot be read" in run(shell, "vae", "\\log p(x)\n= \\frac{1")["text/plain"]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", "Expected %%derive SETTING"),
        ("vae elbo", "Cannot make sense of 'vae elbo'"),
        ("vae as", "Cannot make sense of 'vae as'"),
        ("vae as 3d", "'3d' is no name for a variable"),
        ("vae as lambda", "'lambda' is no name for a variable"),
        ("vea as elbo", "Did you mean 'vae'?"),
    ],
)
def test_bad_arguments_are_a_usage_error_that_says_what_is_expected(shell, line, said):
    with capture_output() as captured:
        result = shell.run_cell(f"%%derive {line}\n{RIGHT}")
    assert isinstance(result.error_in_exec, UsageError)
    assert said in captured.stderr
    assert "%%derive vae as elbo" in captured.stderr
    assert "Traceback" not in captured.stderr
    assert "elbo" not in shell.user_ns
