"""The one training helper: the device, the order of the batches, and a step counter that shows progress,
keeps checkpoints, ends cleanly on Ctrl-C and stops at a NaN.

The models write their training loops out; this module gives them only what every loop needs.
"""

import math
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from tqdm import tqdm

READ_EVERY = 50  # steps between two reads of the loss: a read waits for the device
SAVE_EVERY = 60.0  # seconds between two checkpoints


def device(name: str | torch.device = "auto") -> torch.device:
    """The device to run on: "auto" is the first CUDA GPU where there is one, else the CPU.

    Apple's "mps" has no float64, which the closed forms need, so "auto" never picks it.
    """
    if str(name) == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(name)


def fast_bf16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 faster than float32: GPUs from Ampere on, CPUs made for it."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    # Where PyTorch cannot tell, float32 is never wrong.
    asks = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return device.type == "cpu" and asks is not None and bool(asks())


def shuffled(n: int, epoch: int, seed: int, device: str | torch.device = "cpu") -> Tensor:
    """The order in which epoch number `epoch` takes the n samples: (n,), int64.

    It follows from its arguments alone, so that a run that is resumed goes on in the order that it began,
    and a GPU takes the batches that a CPU takes.
    """
    generator = torch.Generator().manual_seed(1_000_003 * seed + epoch)
    return torch.randperm(n, generator=generator).to(device)


class Stateful(Protocol):
    """What has a state to keep: a module, an optimiser."""

    def state_dict(self) -> dict[str, Any]:
        """Its state, by name."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any:
        """Takes the state over."""
        ...


Part = Stateful | torch.Generator | Tensor


class Checkpoint:
    """A file from which a stopped run goes on as if it had never stopped.

    Args:
        path: the file. One that is there is gone on from.
        settings: what the run was asked to do, as plain values; a file of other settings is refused.
        parts: all that changes from step to step, by name: modules, optimisers, generators and tensors,
            which are filled in place.
    """

    def __init__(self, path: str | os.PathLike[str], settings: dict[str, Any], **parts: Part) -> None:
        self.path, self.settings, self.parts = Path(path), settings, parts
        self._began = time.monotonic()  # of the whole run: put back by what it took before it was stopped

    def restore(self) -> int:
        """Fills the parts from the file, and returns the number of steps taken; 0 where there is no file.

        Raises:
            ValueError: the file is no checkpoint, or one of a run with other settings. It is left as it is.
        """
        if not self.path.exists():
            return 0
        try:
            kept = torch.load(self.path, map_location="cpu", weights_only=True)
            step, settings, states = kept["step"], kept["settings"], kept["parts"]
            seconds = float(kept["seconds"])
        except Exception as error:
            raise ValueError(
                f"{self.path} is no checkpoint that can be read ({type(error).__name__}). "
                "Remove it to start anew, or name another file."
            ) from error
        apart = [
            f"{key} = {settings.get(key)!r} there, {self.settings.get(key)!r} here"
            for key in sorted({*settings, *self.settings})
            if settings.get(key) != self.settings.get(key)
        ]
        if apart:
            raise ValueError(
                f"{self.path} is the checkpoint of another run: {'; '.join(apart)}. "
                "Go on with the same settings, or name another file."
            )
        for name, part in self.parts.items():
            if isinstance(part, torch.Generator):
                part.set_state(states[name])
            elif isinstance(part, Tensor):
                part.copy_(states[name])
            else:
                part.load_state_dict(states[name])
        self._began = time.monotonic() - seconds
        return int(step)

    def save(self, step: int) -> None:
        """Writes the state after `step` steps; the file is whole at every moment."""
        states: dict[str, Any] = {}
        for name, part in self.parts.items():
            if isinstance(part, torch.Generator):
                states[name] = part.get_state()
            else:
                states[name] = part if isinstance(part, Tensor) else part.state_dict()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        half = self.path.with_name(self.path.name + ".part")
        seconds = time.monotonic() - self._began
        torch.save({"step": step, "settings": self.settings, "parts": states, "seconds": seconds}, half)
        os.replace(half, self.path)


def seconds_taken(path: str | os.PathLike[str]) -> float:
    """The wall time of the run of which `path` is the checkpoint, over all its sittings."""
    return float(torch.load(path, map_location="cpu", weights_only=True)["seconds"])


class Progress:
    """`for step in Progress(steps, "label")`: counts the steps of a training loop and shows them.

    On a terminal a bar; in a notebook one line that is updated in place, and whose saved state is the
    final one; silent where neither is there. The loop hands its loss to `report`; the value stays on the
    device and is read every 50 steps, so that no step waits for the device.

    Ctrl-C, or *Interrupt* in a notebook, ends the loop after the step that runs: the model is whole and what
    follows the loop is done. A second Ctrl-C interrupts at once.

    Args:
        steps: how many steps the whole run has.
        label: the name that is shown.
        checkpoint: gone on from at the start; written every minute, at the end and on Ctrl-C.

    Attributes:
        done: the steps taken so far, those before the checkpoint included.

    Raises:
        FloatingPointError: the reported loss was NaN or infinite; the message names the first such step. The
            last checkpoint is left as it was.
        ValueError: as `Checkpoint.restore`.
    """

    def __init__(self, steps: int, label: str, checkpoint: Checkpoint | None = None) -> None:
        self.steps, self.label, self.checkpoint = steps, label, checkpoint
        self.done = 0
        self._unread: list[tuple[int, Tensor]] = []  # steps and losses since the last read

    def __iter__(self) -> Iterator[int]:
        if self.checkpoint is not None:
            self.done = self.checkpoint.restore()
        saved = time.monotonic()
        with _display(self.steps, self.label) as display, _one_interrupt() as interrupted:
            while self.done < self.steps:
                yield self.done
                self.done += 1
                last = self.done == self.steps or interrupted.is_set()
                if last or self.done % READ_EVERY == 0:
                    display.show(self.done, self._read())
                    if self.checkpoint is not None and (last or time.monotonic() - saved > SAVE_EVERY):
                        self.checkpoint.save(self.done)
                        saved = time.monotonic()
                if last:
                    break
        if self.done < self.steps:
            kept = f" {self.checkpoint.path} has its state." if self.checkpoint is not None else ""
            warnings.warn(
                f"{self.label}: interrupted after step {self.done} of {self.steps}.{kept}", stacklevel=2
            )

    def report(self, loss: Tensor) -> None:
        """Hands over this step's loss, a scalar tensor; costs no wait for the device."""
        self._unread.append((self.done, loss.detach()))

    def _read(self) -> str:
        if not self._unread:
            return ""
        steps, losses = zip(*self._unread, strict=True)
        self._unread.clear()
        values = torch.stack(losses).tolist()  # the one wait for the device
        for step, value in zip(steps, values, strict=True):
            if not math.isfinite(value):
                raise FloatingPointError(
                    f"{self.label}: the loss is not finite from step {step} on. "
                    "A smaller learning rate is the first thing to try; NaN in the data the second."
                )
        return f"loss {values[-1]:.4g}"


@contextmanager
def _one_interrupt() -> Iterator[threading.Event]:
    """Turns the first SIGINT into a flag; the second does what it would have done."""
    flag = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield flag  # signals reach the main thread only
        return
    before = signal.getsignal(signal.SIGINT)

    def first(*_: object) -> None:
        flag.set()
        signal.signal(signal.SIGINT, before)

    if callable(before):  # else the process ignores interrupts, or something outside Python handles them
        signal.signal(signal.SIGINT, first)
    try:
        yield flag
    finally:
        if callable(before):
            signal.signal(signal.SIGINT, before)


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
