"""The widgets in JupyterLab and Notebook 7, in a real browser: what a hand and a keyboard do, what is seen.

The decoder has the size of lecture 13's, 784-400-20, with random weights: its speed is what counts here.
"""

import math
import re
import statistics
import time
from pathlib import Path

import nbformat
import pytest
from nbformat import v4
from playwright.sync_api import expect

from .jupyter_page import NOTEBOOK

SETUP = """\
import time, torch
from torch import nn
from gentutor.widgets import FrameScrubber, LatentPad
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(20, 400), nn.Tanh(), nn.Linear(400, 784), nn.Sigmoid())
delay, broken, decoded = 0, False, []
def decode(z):
    time.sleep(delay)
    if broken: raise RuntimeError("the decoder is broken")
    decoded.append(z.tolist())
    return net(2 * z).reshape(28, 28)
Z = torch.randn(600, 20)
"""
PAD = """\
X = torch.rand(3, 28, 28)
codes = {x.sum().item(): z for x, z in zip(X, Z)}
pad = LatentPad(decode, codes=Z, labels=torch.arange(600) % 3, classes=["ant", "bee", "cat"], limits=(-3, 3),
                kl=range(20), examples=X, encode=lambda x: codes[x.sum().item()], title="A trial")
pad"""
SCRUBBER = """\
frames = torch.linspace(0, 1, 12)[:, None, None].expand(12, 8, 8)
scrubber = FrameScrubber(frames, [f"step {10 * k}" for k in range(12)], fps=30)
scrubber"""
PLAIN = "pad = LatentPad(decode, codes=Z, limits=(-3, 3))\npad"

in_lab = pytest.mark.parametrize("server", ["lab"], indirect=True)


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A folder of notebooks that show widgets."""
    folder = tmp_path_factory.mktemp("widgets")
    for name, cells in {
        "course/index": [],
        "pad": [SETUP, PAD, "pad", SCRUBBER],
        "plain": [SETUP, PLAIN],
    }.items():
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells], metadata=kernel)
        (folder / name).parent.mkdir(exist_ok=True)
        nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


class Pad:
    """A latent pad on the page: the one in the output of the cell of this number."""

    def __init__(self, notebook, cell: int) -> None:
        self.notebook, self.page = notebook, notebook.page
        self.root = self.page.locator(".jp-Cell").nth(cell).locator(".gt-pad")
        self.plane = self.root.get_by_role("slider", name="across")
        self.picture = self.root.get_by_role("img", name="image decoded at")
        expect(self.plane).to_be_visible()

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Where on the page shares x and y of the plane are, from its lower left corner."""
        box = self.plane.bounding_box()
        return box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"]

    def drag(self, *shares: tuple[float, float]) -> None:
        self.plane.scroll_into_view_if_needed()
        self.page.mouse.move(*self.point(*shares[0]))
        self.page.mouse.down()
        for share in shares[1:]:
            self.page.mouse.move(*self.point(*share), steps=5)
        self.page.mouse.up()

    def settled(self) -> list[float]:
        """z when the picture of the last position is there, which must be the pixels that the kernel has."""
        wait_until(self.page, lambda: ask(self.notebook, "list(pad._z) == list(pad._decoded)"))
        z = ask(self.notebook, "pad.z.tolist()")
        wait_until(self.page, lambda: self.shown_for() == pytest.approx(z, abs=1e-6))
        return z

    def shown_for(self) -> list[float]:
        return self.picture.evaluate("canvas => JSON.parse(canvas.dataset.decoded)")

    def pixels(self) -> list[int]:
        return self.picture.evaluate("""canvas => {
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return [...data].filter((_, k) => k % 4 === 0);
        }""")


def ask(notebook, expression: str):
    """The value of a Python expression in the notebook's kernel."""
    return notebook.page.evaluate(
        f"""async expression => {{
            const {{kernel}} = {NOTEBOOK}.sessionContext.session;
            const code = `import json; _said = json.dumps(${{expression}})`;
            const asked = kernel.requestExecute({{
                code, user_expressions: {{said: '_said'}}, silent: true, store_history: false}});
            const {{content}} = await asked.done;
            const said = content.user_expressions?.said?.data?.['text/plain'];
            if (!said) throw Error(JSON.stringify(content));
            return JSON.parse(said.slice(1, -1).replaceAll("\\\\'", "'"));
        }}""",
        expression,
    )


def tell(notebook, statement: str) -> None:
    ask(notebook, f"exec({statement!r})")


def wait_until(page, condition, timeout: float = 20) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(30)


def cell_count(notebook) -> int:
    return len(notebook.cells())


# -------------------------------------------------------------------------------------- hand and keyboard


def test_a_pad_by_hand_and_by_keyboard(notebook):
    notebook.open("pad.ipynb")
    assert [cell.errors for cell in notebook.run_all()] == [[], [], [], []]
    pad, second = Pad(notebook, 1), Pad(notebook, 2)
    assert pad.root.get_attribute("aria-label") == "A trial"
    for still in notebook.page.locator(".jp-RenderedImage").all():  # in front of a living widget
        expect(still).to_be_hidden()

    # The scrubber has brought the styles that both share once more, after the pad's own.
    rendering = "plane => getComputedStyle(plane.querySelector('canvas')).imageRendering"
    assert pad.plane.evaluate(rendering) == "auto"

    # A drag: KL puts dimension 19 across and 18 up.
    pad.drag((0.5, 0.5), (0.7, 0.6), (0.75, 0.25))
    z = pad.settled()
    assert z[19] == pytest.approx(1.5, abs=0.03)
    assert z[18] == pytest.approx(-1.5, abs=0.03)
    assert z[:18] == [0] * 18
    grey = ask(notebook, "(255 - pad.picture.astype(int)).ravel().tolist()")
    assert pad.pixels() == grey
    assert re.match(r"z\[19\] 1\.\d\d, z\[18\] −1\.\d\d, nearest code of class (ant|bee|cat)",
                    pad.plane.get_attribute("aria-valuetext"))  # fmt: skip

    # The other view of the same model has followed.
    assert second.pixels() == grey
    assert second.plane.get_attribute("aria-valuetext") == pad.plane.get_attribute("aria-valuetext")

    # Arrow keys move; keys that cut, delete or add cells do nothing, wherever in the widget the focus is.
    before = cell_count(notebook)
    for control in (
        pad.plane,
        pad.root.get_by_role("slider", name="z[17]"),
        pad.root.get_by_role("combobox").first,
        pad.root.get_by_role("radio").first,
    ):
        control.focus()
        for key in ("x", "d", "d", "a", "b", "Delete", "z"):
            notebook.page.keyboard.press(key)
        expect(control).to_be_focused()
    assert cell_count(notebook) == before
    pad.plane.focus()
    start = pad.settled()
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowUp"):
        notebook.page.keyboard.press(key)
    z = pad.settled()
    assert z[19] == pytest.approx(start[19] + 0.2)
    assert z[18] == pytest.approx(start[18] + 0.5)
    assert pad.plane.evaluate("plane => getComputedStyle(plane).outlineStyle") == "solid"
    notebook.screenshot("widgets-pad-focus")
    notebook.page.keyboard.press("Home")
    assert pad.settled() == [0] * 20

    # Another dimension: its slider, then on the pad.
    slider = pad.root.get_by_role("slider", name="z[17]")
    slider.focus()
    for _ in range(3):
        notebook.page.keyboard.press("ArrowLeft")
    assert pad.settled()[17] == pytest.approx(-0.3)
    assert slider.get_attribute("aria-valuetext") == "−0.30"
    expect(pad.root.get_by_role("slider", name="z[")).to_have_count(11)  # the plane and ten others
    pad.root.get_by_role("combobox", name="dimension across").select_option(label="z[0] · KL 0.00")
    wait_until(notebook.page, lambda: ask(notebook, "pad.axes") == [0, 18])
    expect(pad.root.get_by_role("slider", name="z[0] across, z[18] up")).to_be_visible()
    expect(second.root.get_by_role("slider", name="z[0] across, z[18] up")).to_be_visible()

    # Editing: an example, a change, a comparison, back; and the way to another example.
    code = ask(notebook, "Z[:2].tolist()")
    pad.root.get_by_role("group", name="Start from").get_by_role("radio", name="example 0").check(force=True)
    assert pad.settled() == pytest.approx(code[0])
    unchanged = pad.pixels()
    back = pad.root.get_by_role("button", name="Put it back")
    expect(back).to_be_disabled()
    slider.focus()
    for _ in range(8):
        notebook.page.keyboard.press("Shift+ArrowLeft")
    assert pad.settled()[17] == -3  # no further than the limits
    assert "changed from" in slider.get_attribute("aria-valuetext")
    assert pad.pixels() != unchanged
    decoded = pad.root.get_by_role("img", name="decoded code")
    assert (
        decoded.evaluate("canvas => canvas.getContext('2d').getImageData(3, 5, 1, 1).data[0]")
        == unchanged[143]
    )
    notebook.screenshot("widgets-pad-editing")
    back.click()
    assert pad.settled() == pytest.approx(code[0])
    assert pad.pixels() == unchanged
    pad.root.get_by_role("group", name="Walk to").get_by_role("radio", name="example 1").check(force=True)
    walk = pad.root.get_by_role("slider", name="walk")
    walk.focus()
    for _ in range(25):
        notebook.page.keyboard.press("ArrowRight")
    assert pad.settled() == pytest.approx([0.75 * a + 0.25 * b for a, b in zip(*code, strict=True)])
    assert walk.get_attribute("aria-valuetext") == "25 % of the way"

    check_scrubber(notebook)
    check_themes_and_widths(notebook, pad)
    check_restart_and_still(notebook, pad)


def check_scrubber(notebook):
    root = notebook.page.locator(".gt-scrubber")
    slider, picture = root.get_by_role("slider"), root.get_by_role("img")
    slider.focus()
    for key in ("ArrowRight", "ArrowRight", "x", "d", "d"):
        notebook.page.keyboard.press(key)
    assert cell_count(notebook) == 4
    expect(picture).to_have_attribute("data-frame", "2")
    expect(slider).to_have_attribute("aria-valuetext", "step 20")
    wait_until(notebook.page, lambda: ask(notebook, "scrubber.index") == 2)
    grey = picture.evaluate("canvas => canvas.getContext('2d').getImageData(0, 0, 1, 1).data[0]")
    assert grey == 255 - round(255 * 2 / 11)
    root.get_by_role("button", name="play").focus()
    notebook.page.keyboard.press("Space")
    expect(root.get_by_role("button", name="pause")).to_be_focused()
    expect(picture).to_have_attribute("data-frame", "11")  # plays to the end, and stops there
    expect(root.get_by_role("button", name="play")).to_be_focused()
    wait_until(notebook.page, lambda: ask(notebook, "scrubber.index") == 11)
    tell(notebook, "scrubber.index = 5")
    expect(slider).to_have_attribute("aria-valuetext", "step 50")
    notebook.screenshot("widgets-scrubber")


def check_themes_and_widths(notebook, pad):
    """Text stands out from what is behind it, and nothing sticks out of a narrow window."""
    pad.plane.scroll_into_view_if_needed()
    for theme in ("Dark", "Light"):
        notebook.page.evaluate(f"""() => window.jupyterapp.commands.execute(
            'apputils:change-theme', {{theme: 'JupyterLab {theme}'}})""")
        light = "false" if theme == "Dark" else "true"
        notebook.page.wait_for_selector(f"[data-jp-theme-light='{light}']", state="attached")
        # JupyterLab's splash takes itself away twice, with an error, where themes change while it fades.
        expect(notebook.page.locator("#jupyterlab-splash")).to_have_count(0)
        colours = """node => ['color', 'backgroundColor'].map(name =>
            getComputedStyle(node)[name].match(/[\\d.]+/g).slice(0, 3).map(Number))"""
        wait_until(notebook.page, lambda: contrast(*pad.root.evaluate(colours)) > 4.5)  # noqa: B023
        ink, paper = pad.root.evaluate(colours)
        assert (sum(ink) > sum(paper)) == (theme == "Dark")
        notebook.screenshot(f"widgets-{theme.lower()}")
    usual = notebook.page.viewport_size
    notebook.page.set_viewport_size({"width": 400, "height": 1400})
    notebook.page.wait_for_timeout(300)
    if notebook.app == "notebook":  # JupyterLab's side bars leave nothing at this width
        inside = "node => node.scrollWidth <= node.clientWidth && node.getBoundingClientRect().right <= 400"
        assert pad.root.evaluate(inside)
        pad.plane.scroll_into_view_if_needed()
        notebook.screenshot("widgets-narrow")
    notebook.page.set_viewport_size(usual)


def contrast(a, b) -> float:
    """Contrast of two colours, 1 to 21 (Web Content Accessibility Guidelines 2)."""

    def luminance(colour):
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in colour)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(a), luminance(b)))
    return (high + 0.05) / (low + 0.05)


def check_restart_and_still(notebook, pad):
    """Without its kernel a view says so; the saved notebook shows a still; the cell brings the pad back."""
    page = notebook.page
    page.evaluate(f"() => {{ {NOTEBOOK}.sessionContext.session.kernel.restart(); }}")
    gone = pad.root.get_by_text("A still: the kernel that decoded this picture is gone.", exact=False)
    expect(gone).to_be_visible()
    for control in pad.root.locator("input, select, button").all():
        expect(control).to_be_disabled()
    text = pad.plane.get_attribute("aria-valuetext")
    pad.plane.focus()
    page.keyboard.press("ArrowRight")
    assert pad.plane.get_attribute("aria-valuetext") == text
    notebook.screenshot("widgets-restarted")
    scrubber = page.locator(".gt-scrubber")  # which needs no kernel
    scrubber.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    expect(scrubber.get_by_role("img")).to_have_attribute("data-frame", "6")
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function(f"() => !{NOTEBOOK}.context.model.dirty")
    notebook.open("pad.ipynb")
    still = page.locator(".jp-Cell").nth(1).locator(".jp-RenderedImage img")
    expect(still).to_be_visible()
    expect(page.get_by_text("Still of a latent pad", exact=False).first).to_be_visible()
    notebook.screenshot("widgets-saved")
    assert [cell.errors for cell in notebook.run_all()] == [[], [], [], []]
    Pad(notebook, 1)
    expect(still).to_be_hidden()


# ------------------------------------------------------------------------------ fast, slow, broken decoders

# Notes for every picture the age, when it is on the screen, of the pointer's position that it belongs to.
WATCH = """plane => {
    const canvas = plane.closest('.gt').querySelector('.gt-pictures figure:last-child canvas');
    const moved = new Map(), ages = window.ages = [];
    const key = (x, y) => `${x.toFixed(2)} ${y.toFixed(2)}`.replaceAll('-0.00', '0.00');
    plane.addEventListener('pointermove', event => {
        const text = plane.getAttribute('aria-valuetext').replaceAll('\\u2212', '-');
        const [x, y] = text.match(/-?\\d+\\.\\d+/g);
        moved.set(key(Number(x), Number(y)), event.timeStamp);
    });
    new MutationObserver(() => {
        const place = key(...JSON.parse(canvas.dataset.decoded));
        if (!moved.has(place)) return;
        const since = moved.get(place);
        moved.delete(place);
        requestAnimationFrame(() => {  // and then a task: the frame has been drawn
            const {port1, port2} = new MessageChannel();
            port1.onmessage = () => ages.push(performance.now() - since);
            port2.postMessage(null);
        });
    }).observe(canvas, {attributes: true, attributeFilter: ['data-decoded']});
}"""
# And how long the kernel's four messages for each move take to come, from "busy" to "idle".
WATCH_MESSAGES = f"""() => {{
    const gaps = window.gaps = [];
    let busy = 0;
    {NOTEBOOK}.sessionContext.session.kernel.iopubMessage.connect((_, message) => {{
        if (message.content.execution_state === 'busy') busy = performance.now();
        if (message.content.execution_state === 'idle') gaps.push(performance.now() - busy);
    }});
}}"""


@in_lab
def test_the_picture_follows_at_once_the_last_position_wins_and_a_broken_decoder_recovers(notebook):
    notebook.open("plain.ipynb")
    assert [cell.errors for cell in notebook.run_all()] == [[], []]
    pad, page = Pad(notebook, 1), notebook.page
    pad.plane.scroll_into_view_if_needed()

    # From drag to pixel: 50 ms at the 95th percentile on two quiet cores. Tests run on busy ones.
    pad.plane.evaluate(WATCH)
    page.evaluate(WATCH_MESSAGES)
    moves = 150
    spiral = [(0.1 + 0.3 * k / moves, 6 * math.pi * k / moves) for k in range(moves)]
    page.mouse.move(*pad.point(0.5, 0.5))
    page.mouse.down()
    for radius, angle in spiral:
        began = time.monotonic()
        page.mouse.move(*pad.point(0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)))
        time.sleep(max(0, 0.016 - (time.monotonic() - began)))
    page.mouse.up()
    pad.settled()
    page.wait_for_timeout(100)
    ages = page.evaluate("() => window.ages")
    assert len(ages) > moves / 5
    print(f"drag to pixel: median {statistics.median(ages):.0f} ms, "
          f"95th percentile {statistics.quantiles(ages, n=20)[-1]:.0f} ms, {len(ages)} pictures")  # fmt: skip
    assert statistics.quantiles(ages, n=20)[-1] < 3 * 50
    assert statistics.quantiles(page.evaluate("() => window.gaps"), n=4)[0] < 30  # with Nagle's algorithm 40

    # A slow decoder: the handle follows at once, few positions are decoded, and the last is shown.
    tell(notebook, "delay = 0.3; decoded.clear()")
    began = time.monotonic()
    page.mouse.move(*pad.point(0.2, 0.5))
    page.mouse.down()
    for k in range(60):
        page.mouse.move(*pad.point(0.2 + k / 100, 0.5 + (k % 7) / 50))
        time.sleep(0.016)
    dragged = time.monotonic() - began
    assert pad.plane.get_attribute("aria-valuetext").startswith("z[0] 1.7")
    page.mouse.up()
    expect(pad.root.get_by_text("Decoding ...")).to_be_visible()
    z = pad.settled()
    assert z[0] == pytest.approx(6 * 0.79 - 3, abs=0.03)
    waited = time.monotonic() - began - dragged
    count = ask(notebook, "len(decoded)")
    assert 2 <= count <= dragged / 0.3 + 3
    assert ask(notebook, "decoded[-1] == pad.z.tolist()")
    assert waited < 2 + 2 * 0.3
    expect(pad.root.get_by_text("Decoding ...")).to_have_count(0)
    tell(notebook, "delay = 0")

    # A decoder that raises: its message is shown, and goes.
    tell(notebook, "broken = True")
    pad.plane.focus()
    page.keyboard.press("ArrowRight")
    alert = pad.root.get_by_role("alert")
    expect(alert).to_have_text("The decoder failed here: RuntimeError: the decoder is broken")
    notebook.screenshot("widgets-broken")
    tell(notebook, "broken = False")
    page.keyboard.press("ArrowRight")
    expect(alert).to_have_count(0)
    assert pad.settled()[0] == pytest.approx(z[0] + 0.2, abs=0.011)

    # From Python.
    tell(notebook, "pad.z = torch.full((20,), 0.25)")
    expect(pad.plane).to_have_attribute("aria-valuetext", "z[0] 0.25, z[1] 0.25")
    assert pad.settled() == [0.25] * 20
