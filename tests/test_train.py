"""The training helper: the device, and progress on a terminal, in a notebook, and where there is neither."""

import io
import math
import signal
import sys
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from torch.utils._python_dispatch import TorchDispatchMode

from gentutor import train

DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
on_each_device = pytest.mark.parametrize("device", DEVICES)


def run(losses, label="model", device="cpu", dtype=torch.float32):
    """Trains nothing: reports the losses one a step. Returns the steps that were taken."""
    progress, taken = train.Progress(len(losses), label), []
    for step in progress:
        taken.append(step)
        progress.report(torch.tensor(losses[step], device=device, dtype=dtype, requires_grad=True))
    return taken


def test_device():
    assert train.device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert train.device().type == train.device("auto").type
    assert train.device("cpu") == train.device(torch.device("cpu")) == torch.device("cpu")
    assert train.device("meta") == torch.device("meta")


@pytest.mark.parametrize("steps", [0, 1, 49, 50, 51, 120])
def test_counts_the_steps(steps):
    assert list(train.Progress(steps, "model")) == list(range(steps))  # no loss is reported
    assert run([1.0] * steps) == list(range(steps))


# ------------------------------------------------------------------------------------- reads and NaNs


class Reads(TorchDispatchMode):
    """Counts where losses are gathered or read, for each of which a GPU would have to be waited for."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.stack.default)
        return func(*args, **(kwargs or {}))


def test_the_loss_is_read_every_fifty_steps_and_at_the_end():
    loss, seen = torch.tensor(2.5), []
    with Reads() as reads:
        progress = train.Progress(130, "model")
        for _ in progress:
            seen.append(reads.count)
            progress.report(loss)
        seen.append(reads.count)
    # entry k was seen before step k: reads fall between steps 49 and 50, 99 and 100, and after step 129
    assert [k for k in range(130) if seen[k + 1] > seen[k]] == [49, 99, 129]


@on_each_device
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("first", "finite_again", "taken"),
    [(0, 1, 50), (17, 18, 50), (49, 60, 50), (50, 51, 100), (73, 200, 100), (119, 120, 120)],
)
def test_the_first_bad_step_is_named(first, finite_again, taken, bad, device):
    losses = [bad if first <= step < finite_again else 1.0 for step in range(120)]
    for later in (first + 5, first + 9):  # and a second lapse, which is not the first
        losses[later:later] = [bad] * (later < 120)
    losses, steps = losses[:120], []
    progress = train.Progress(120, "my model")

    def loop():
        for step in progress:
            steps.append(step)
            progress.report(torch.tensor(losses[step], device=device))

    with pytest.raises(FloatingPointError, match=rf"my model: .* not finite from step {first} on\."):
        loop()
    assert len(steps) == taken


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_loss_of_any_precision(dtype):
    assert len(run([1.5] * 60, dtype=dtype)) == 60
    with pytest.raises(FloatingPointError, match="step 55 "):
        run([1.5] * 55 + [math.nan] * 5, dtype=dtype)


def test_report_keeps_no_graph():
    progress = train.Progress(1, "model")
    weight = torch.ones(3, requires_grad=True)
    for _ in progress:
        progress.report((weight * 2).sum())
        kept = [loss for _, loss in progress._unread]
        assert [loss.requires_grad for loss in kept] == [False]


# --------------------------------------------------------------------------------------------- display


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_silent_without_a_terminal(capfd):
    run([1.0] * 120)
    assert capfd.readouterr() == ("", "")


def test_silent_where_ipykernel_is_merely_imported(capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipykernel", sys.modules.get("ipykernel", io))  # as pytest's nbval does
    run([1.0] * 120)
    assert capfd.readouterr() == ("", "")


def test_a_bar_on_a_terminal(monkeypatch, capsys):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    run([1 / (step + 1) for step in range(120)], label="tiny model")
    states = terminal.getvalue().split("\r")
    assert "tiny model: 100%" in states[-1]
    assert "120/120" in states[-1]
    assert "loss 0.008333" in states[-1]  # 1/120
    assert states[-1].endswith("\n")  # the bar is closed: what is printed next has its own line
    assert capsys.readouterr().out == ""


def test_a_bar_ends_where_the_loop_is_left_early(monkeypatch):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with pytest.raises(FloatingPointError) as caught:
        run([math.nan] * 120)
    assert terminal.getvalue().endswith("\n")
    assert caught.traceback  # which keeps the bar alive: it was closed, not collected


def shown(outputs):
    """The one stream of a cell, as written: each carriage return goes back to the start of the line."""
    assert {(o.output_type, o.name) for o in outputs} == {("stream", "stdout")}
    return "".join(output.text for output in outputs)


def test_one_line_written_over_in_place_in_a_notebook():
    cells = [
        "import torch\nfrom gentutor.train import Progress",
        "progress = Progress(120, 'tiny model')\n"
        "for step in progress:\n    progress.report(torch.tensor(1.234e-5 if step < 60 else 1.0))",
        "for step in Progress(7, 'no loss'): pass",
        "progress = Progress(120, 'tiny model')\n"
        "for step in progress:\n    progress.report(torch.tensor(float('nan') if step > 60 else 1.0))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=60).execute()
    imports, run, no_loss, diverging = (cell.outputs for cell in notebook.cells)
    assert imports == []

    assert shown(run).count("\n") == 1
    assert shown(run).endswith("\n")
    lines = shown(run).strip("\r\n").split("\r")
    assert [line.rstrip() for line in lines] == [
        "tiny model: step 50 of 120, loss 1.234e-05",
        "tiny model: step 100 of 120, loss 1",
        "tiny model: step 120 of 120, loss 1",
    ]
    assert len({len(line) for line in lines}) == 1  # nothing is left of a longer line
    assert shown(no_loss).strip() == "no loss: step 7 of 7"

    assert shown(diverging[:-1]).strip() == "tiny model: step 50 of 120, loss 1"
    assert shown(diverging[:-1]).endswith("\n")
    assert diverging[-1].ename == "FloatingPointError"
    assert "not finite from step 61 on" in diverging[-1].evalue


# --------------------------------------------------------------------------------- order of the batches


def test_an_epoch_takes_every_sample_once_in_an_order_of_its_own():
    orders = [train.shuffled(1000, epoch, seed) for seed in (0, 1) for epoch in (0, 1)]
    assert all(sorted(order.tolist()) == list(range(1000)) for order in orders)
    assert len({tuple(order.tolist()) for order in orders}) == 4
    assert torch.equal(train.shuffled(1000, 1, 0), orders[1])


@on_each_device
def test_every_device_takes_the_same_batches(device):
    order = train.shuffled(100, 3, 5, device)
    assert order.device.type == device
    assert torch.equal(order.cpu(), train.shuffled(100, 3, 5))


# ------------------------------------------------------------------------------- Ctrl-C and checkpoints


class Walk:
    """A loop with all kinds of state: weights, momentum, random numbers, and a record."""

    def __init__(self, path=None, device="cpu", **settings):
        self.generator = torch.Generator(device).manual_seed(1)
        self.weight = torch.nn.Linear(3, 1, device=device)
        torch.nn.init.ones_(self.weight.weight)
        torch.nn.init.ones_(self.weight.bias)
        self.optimiser = torch.optim.Adam(self.weight.parameters(), lr=0.1)
        self.record = torch.zeros(120, device=device)
        self.checkpoint = path and train.Checkpoint(
            path, {"lr": 0.1} | settings, weight=self.weight, optimiser=self.optimiser,
            generator=self.generator, record=self.record,
        )  # fmt: skip
        self.device = device

    def run(self):
        self.progress = train.Progress(120, "walk", self.checkpoint)
        for step in self.progress:
            x = torch.randn(8, 3, generator=self.generator, device=self.device)
            loss = (self.weight(x) - x[:, :1]).square().mean()
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            self.record[step] = loss.detach()
            self.progress.report(loss)
        return self.record


@on_each_device
@pytest.mark.parametrize("stop", [1, 49, 50, 51, 119])
def test_a_run_goes_on_from_its_checkpoint_as_if_never_stopped(stop, tmp_path, interrupt_at, device):
    whole = Walk(device=device).run()
    stopped = Walk(tmp_path / "deep" / "walk.checkpoint", device)
    with interrupt_at(stop), pytest.warns(UserWarning, match=f"walk: interrupted after step {stop} of 120"):
        stopped.run()
    assert stopped.progress.done == stop
    assert (stopped.record[stop:] == 0).all()
    resumed = Walk(tmp_path / "deep" / "walk.checkpoint", device)
    assert torch.equal(resumed.run(), whole)
    assert resumed.progress.done == 120
    again = Walk(tmp_path / "deep" / "walk.checkpoint", device)
    assert torch.equal(again.run(), whole)  # a finished run has nothing left to do


def test_the_time_of_all_sittings_counts(tmp_path, interrupt_at, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(train.time, "monotonic", lambda: clock[0])
    path = tmp_path / "walk.checkpoint"
    stopped = Walk(path)
    clock[0] += 7.0
    with interrupt_at(30), pytest.warns(UserWarning, match="interrupted"):
        stopped.run()
    assert train.seconds_taken(path) == 7.0
    clock[0] += 1000.0  # between the sittings
    report = train.Progress.report

    def slow(self, loss):
        clock[0] += 0.5
        report(self, loss)

    monkeypatch.setattr(train.Progress, "report", slow)
    Walk(path).run()
    assert train.seconds_taken(path) == 7.0 + 90 * 0.5


def test_a_second_interrupt_does_not_wait(interrupt_at):
    steps = []
    progress = train.Progress(120, "walk")

    def loop():
        for step in progress:
            steps.append(step)
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        loop()
    assert steps == [0]
    with pytest.raises(KeyboardInterrupt):  # and what was there before is there again
        signal.raise_signal(signal.SIGINT)


def test_a_loop_in_a_thread_needs_no_signals():
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: list(train.Progress(60, "walk"))).result() == list(range(60))


def test_a_checkpoint_is_written_every_minute(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "SAVE_EVERY", 0.0)
    walk, seen = Walk(tmp_path / "walk.checkpoint"), []
    monkeypatch.setattr(walk.checkpoint, "save", seen.append)
    walk.run()
    assert seen == [50, 100, 120]


def test_a_run_that_goes_astray_keeps_its_last_checkpoint(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "SAVE_EVERY", 0.0)
    walk = Walk(tmp_path / "walk.checkpoint")
    report = train.Progress.report
    monkeypatch.setattr(
        train.Progress, "report", lambda self, loss: report(self, loss / (0 if self.done > 70 else 1))
    )
    with pytest.raises(FloatingPointError, match="step 71 "):
        walk.run()
    assert Walk(tmp_path / "walk.checkpoint").checkpoint.restore() == 50


def test_a_checkpoint_of_another_run_is_refused_and_kept(tmp_path):
    path = tmp_path / "walk.checkpoint"
    Walk(path).run()
    before = path.read_bytes()
    with pytest.raises(
        ValueError, match=r"of another run: lr = 0.1 there, 0.2 here; size = None there, 3 here"
    ):
        Walk(path, lr=0.2, size=3).run()
    assert path.read_bytes() == before


def test_a_file_that_is_no_checkpoint_is_refused_and_kept(tmp_path):
    path = tmp_path / "walk.checkpoint"
    for content in (b"", b"my diary", b"PK\x03\x04 cut off"):
        path.write_bytes(content)
        with pytest.raises(ValueError, match="is no checkpoint that can be read"):
            Walk(path).run()
        assert path.read_bytes() == content
