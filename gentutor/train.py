"""The one training helper: the device, and a step counter that shows progress and stops at a NaN.

The models write their training loops out; this module gives them only what every loop needs.
"""

import sys
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

READ_EVERY = 50  # steps between two reads of the loss: a read waits for the device


def device(name: str | torch.device = "auto") -> torch.device:
    """The device to run on: "auto" is the first CUDA GPU where there is one, else the CPU.

    Apple's "mps" has no float64, which the closed forms need, so "auto" never picks it.
    """
    if str(name) == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


class Progress:
    """`for step in Progress(steps, "label")`: counts the steps of a training loop and shows them.

    On a terminal a bar; in a notebook one line that is updated in place, and whose saved state is the
    final one; silent where neither is there. The loop hands its loss to `report`; the value stays on the
    device and is read every 50 steps, so that no step waits for the device.

    Raises:
        FloatingPointError: the reported loss was NaN or infinite; the message names the first such step.
    """

    def __init__(self, steps: int, label: str) -> None:
        self.steps, self.label = steps, label
        self._loss: Tensor | None = None
        self._step = 0
        self._first_bad: Tensor | None = None

    def __iter__(self) -> Iterator[int]:
        with _display(self.steps, self.label) as display:
            for step in range(self.steps):
                self._step = step
                yield step
                if (step + 1) % READ_EVERY == 0 or step + 1 == self.steps:
                    display.show(step + 1, self._read())

    def report(self, loss: Tensor) -> None:
        """Hands over this step's loss, a scalar tensor; costs no wait for the device."""
        self._loss = loss.detach()
        if self._first_bad is None:
            self._first_bad = torch.full((), self.steps, device=loss.device)
        bad_now = torch.where(self._loss.isfinite(), self.steps, self._step)
        self._first_bad = torch.minimum(self._first_bad, bad_now)

    def _read(self) -> str:
        if self._loss is None or self._first_bad is None:
            return ""
        step = int(self._first_bad)
        if step < self.steps:
            raise FloatingPointError(
                f"{self.label}: the loss is not finite from step {step} on. "
                "A smaller learning rate is the first thing to try; NaN in the data the second."
            )
        return f"loss {float(self._loss):.4g}"


class _Terminal:
    """A tqdm bar on standard error; nothing where that is no terminal."""

    def __init__(self, steps: int, label: str) -> None:
        self.bar = tqdm(total=steps, desc=label, disable=None, file=sys.stderr)

    def __enter__(self) -> "_Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.bar.close()

    def show(self, done: int, numbers: str) -> None:
        self.bar.set_postfix_str(numbers, refresh=False)
        self.bar.update(done - self.bar.n)


class _Notebook:
    """One line in the cell's output, written over in place, so that the saved notebook holds the last one."""

    def __init__(self, steps: int, label: str) -> None:
        self.steps, self.label, self.width = steps, label, 0

    def __enter__(self) -> "_Notebook":
        return self

    def __exit__(self, *_: object) -> None:
        print()

    def show(self, done: int, numbers: str) -> None:
        line = f"{self.label}: step {done} of {self.steps}" + (f", {numbers}" if numbers else "")
        self.width = max(self.width, len(line))  # a shorter line must cover the whole of the one before
        print(f"\r{line:{self.width}}", end="", flush=True)


def _display(steps: int, label: str) -> Any:
    # A kernel that runs, not an ipykernel that something imported.
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    return _Notebook(steps, label) if hasattr(shell, "kernel") else _Terminal(steps, label)
