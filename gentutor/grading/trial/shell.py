"""IPython in this process, with what a cell shows collected as nbformat's outputs."""

import base64
import contextlib
import signal
import sys
import tempfile
from collections.abc import Iterator
from types import FrameType
from typing import Any

from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from gentutor.grading.records import Output, error_output


class TimeIsUp(BaseException):
    """The cell's time is up. No Exception: `except Exception` in a student's loop must not catch it."""


class Collected:
    """The outputs of the cell that runs, at most `most` characters."""

    def __init__(self) -> None:
        self.outputs: list[Output] = []
        self.most = 1 << 20
        self._left = self.most
        self._wait = False
        self._by_id: dict[str, Output] = {}

    def clear(self) -> None:
        """Forget what the last cell showed."""
        self.outputs, self._left, self._wait = [], self.most, False
        self._by_id.clear()

    def clear_at_next(self, wait: bool) -> None:
        """IPython's clear_output: now, or when the next output comes."""
        self._wait = wait
        if not wait:
            self.outputs.clear()

    def add(self, output: Output) -> bool:
        """Keeps an output if there is room for it."""
        if self._wait:
            self.outputs.clear()
            self._wait = False
        self._left -= sum(map(len, map(str, output.values())))
        if self._left < 0:
            self._cut()
            return False
        self.outputs.append(output)
        return True

    def text(self, name: str, text: str) -> None:
        """What was printed; what follows on the same stream joins it."""
        room, last = max(self._left, 0), self.outputs[-1] if self.outputs and not self._wait else {}
        if last.get("name") == name and room:
            last["text"] += text[:room]
            self._left -= len(text)
        elif text and room:
            self.add({"output_type": "stream", "name": name, "text": text[: max(room - 100, 0)]})
        if len(text) > room:
            self._cut()

    def _cut(self) -> None:
        if not self.outputs or self.outputs[-1].get("text") != CUT:
            self.outputs.append({"output_type": "stream", "name": "stdout", "text": CUT})

    def display(self, output: Output, transient: dict[str, Any], update: bool) -> None:
        """A display; one that updates takes the place of the one with its id."""
        name = str(transient.get("display_id", ""))
        if update:
            if name in self._by_id:
                self._by_id[name].update(data=output["data"], metadata=output["metadata"])
        elif self.add(output) and name:
            self._by_id[name] = output


CUT = "\n[what follows is too long, and was not kept]\n"
COLLECTED = Collected()


class Stream:
    """Stands for sys.stdout or sys.stderr."""

    encoding, errors, closed = "utf-8", "replace", False

    def __init__(self, name: str) -> None:
        self.name = name

    def write(self, text: str) -> int:
        """Keeps it."""
        COLLECTED.text(self.name, str(text))
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Keeps them."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        """No."""
        return False

    def readable(self) -> bool:
        """No."""
        return False

    def writable(self) -> bool:
        """Yes."""
        return True


class Publisher(DisplayPublisher):
    """Keeps what cells display."""

    def publish(  # type: ignore[no-untyped-def]
        self, data, metadata=None, source=None, *, transient=None, update=False, **_: Any
    ) -> None:
        """See IPython."""
        output = {"output_type": "display_data", "data": _texts(data), "metadata": metadata or {}}
        COLLECTED.display(output, transient or {}, update)

    def clear_output(self, wait: bool = False) -> None:
        """See IPython."""
        COLLECTED.clear_at_next(wait)


class Hook(DisplayHook):
    """Keeps the value of a cell's last line."""

    def start_displayhook(self) -> None:
        """Nothing to prepare."""

    def write_output_prompt(self) -> None:
        """A notebook has no prompt."""

    def write_format_data(self, format_dict: Any, md_dict: Any = None) -> None:
        """Keeps it."""
        data, metadata = _texts(format_dict), md_dict or {}
        output = {"output_type": "execute_result", "data": data, "metadata": metadata}
        COLLECTED.add({**output, "execution_count": None})

    def finish_displayhook(self) -> None:
        """Nothing to finish."""


class Shell(InteractiveShell):
    """A shell without a terminal, a history or a kernel."""

    def _showtraceback(self, etype: Any, evalue: Any, stb: list[str]) -> None:
        few = stb if len(stb) < 60 else [*stb[:30], "...", *stb[-29:]]
        error = error_output(str(getattr(etype, "__name__", etype)), _said(evalue))
        COLLECTED.add({**error, "traceback": [str(line)[:2000] for line in few]})

    def enable_gui(self, gui: Any = None) -> None:
        """There is no event loop to enter."""

    def ask_exit(self) -> None:
        """A cell that says exit() ends itself and not the notebook."""


def shell() -> Shell:
    """The one shell of this process, with figures shown in place."""
    if Shell.initialized():
        return Shell.instance()
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "NoColor"
    with tempfile.TemporaryDirectory() as folder:  # IPython wants one for its profile, which we do not use
        made: Shell = Shell.instance(
            config=config, ipython_dir=folder, display_pub_class=Publisher, displayhook_class=Hook
        )
    made.display_trap.hook = made.displayhook
    made.run_line_magic("matplotlib", "inline")
    return made


def run(source: str, seconds: float) -> tuple[list[Output], bool]:
    """Runs a cell for at most that long; returns what it showed, and whether it came to its end."""
    COLLECTED.clear()
    shown = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Stream("stdout"), Stream("stderr")
    try:
        with limited(seconds):
            result = Shell.run_cell(shell(), source, store_history=True)  # type: ignore[no-untyped-call]
        error = result.error_before_exec or result.error_in_exec
    except TimeIsUp as time_is_up:  # rose outside of the cell's own code
        error = time_is_up
    finally:
        sys.stdout, sys.stderr = shown
    if error is not None and not any(o.get("output_type") == "error" for o in COLLECTED.outputs):
        COLLECTED.outputs.append(error_output(type(error).__name__, _said(error)))
    return list(COLLECTED.outputs), error is None


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises TimeIsUp in what runs for longer. The grader kills what does not heed it."""

    def stop(signum: int, frame: FrameType | None) -> None:
        raise TimeIsUp(f"this took longer than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _said(error: BaseException) -> str:
    try:
        return str(error)[:5000]
    except Exception:
        return "(without words)"


def _texts(data: dict[str, Any]) -> dict[str, Any]:
    """A display's data with bytes as nbformat has them."""
    return {
        str(kind): base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in data.items()
    }
