"""A notebook in a real browser: open it, run it, read what the page holds, note what the page asks for."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Route, WebSocketRoute
from playwright.sync_api import TimeoutError as PlaywrightTimeout

SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
TIMEOUT = 60_000  # ms: a busy machine with two cores is slow, and not broken

# All waiting is on the notebook's model and its kernel. The toolbar's circle shows "idle" before there is a
# kernel, and cells that are out of sight may have no prompt in the page.
NOTEBOOK = "window.jupyterapp?.shell?.currentWidget"
KERNEL_IS_IDLE = f"{NOTEBOOK}?.sessionContext?.session?.kernel?.status === 'idle'"
CELLS = f"""{NOTEBOOK}.content.widgets.map(({{model}}) => ({{
    id: model.id, type: model.type, nbgrader: model.getMetadata('nbgrader') ?? {{}},
    has_run: model.type === 'code' && model.executionState === 'idle' && model.executionCount > 0,
    outputs: model.type === 'code' ? model.sharedModel.outputs : [],
}}))"""
ALL_HAVE_RUN = f"{CELLS}.every(cell => cell.type !== 'code' || cell.has_run) && {KERNEL_IS_IDLE}"


@dataclass(frozen=True)
class Cell:
    """A cell as the page's notebook model has it."""

    id: str
    type: str
    nbgrader: dict[str, Any]
    has_run: bool
    outputs: list[dict[str, Any]]

    @property
    def is_check(self) -> bool:
        return self.type == "code" and bool(self.nbgrader.get("grade"))

    @property
    def errors(self) -> list[str]:
        return [f"{o['ename']}: {o['evalue']}" for o in self.outputs if o["output_type"] == "error"]

    @property
    def printed(self) -> str:
        return "".join("".join(o["text"]) for o in self.outputs if o["output_type"] == "stream")

    @property
    def pictures(self) -> int:
        return sum("image/png" in o.get("data", {}) for o in self.outputs)


@dataclass
class Trouble:
    """What a page should not have: errors, dialogs, and requests to other addresses, which are blocked."""

    seen: list[str] = field(default_factory=list)

    def watch(self, context: BrowserContext, base: str) -> None:
        """From now on, in all pages of the context; `base` is the one address that they may ask."""
        host = re.escape(base.removeprefix("http://"))
        context.route(re.compile(f"^(?!(http://{host}/|data:|blob:))"), self._block)
        context.route_web_socket(re.compile(f"^(?!ws://{host}/)"), self._close)
        context.on("console", self._console)
        context.on("weberror", lambda error: self.seen.append(f"uncaught: {error.error}"))
        context.on("dialog", self._dismiss)

    def _block(self, route: Route) -> None:
        self.seen.append(f"asked {route.request.url}")
        route.abort()

    def _close(self, socket: WebSocketRoute) -> None:
        self.seen.append(f"asked {socket.url}")
        socket.close()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.seen.append(f"console: {message.text} ({message.location['url']})")

    def _dismiss(self, dialog: Dialog) -> None:
        self.seen.append(f"dialog: {dialog.message}")
        dialog.dismiss()


class JupyterPage:
    """JupyterLab or Notebook 7 (`app`) at the address `base`, in a page of a browser."""

    def __init__(self, page: Page, app: str, base: str, token: str) -> None:
        self.page, self.app, self.base, self.token = page, app, base, token
        page.set_default_timeout(TIMEOUT)

    def start(self) -> None:
        """Follow the address that Jupyter opens; it leads to the file that Jupyter was started to show."""
        self.page.goto(f"{self.base}/?token={self.token}")

    def open(self, path: str) -> None:
        """Show the notebook at `path`, below Jupyter's root folder, and wait for its kernel."""
        prefix = "lab/tree" if self.app == "lab" else "notebooks"
        self.page.goto(f"{self.base}/{prefix}/{path}?token={self.token}")
        self.wait_for(path)

    def wait_for(self, path: str) -> None:
        """Wait until the notebook at `path` is the one in front and its kernel is ready."""
        self.page.wait_for_function(f"path => {NOTEBOOK}?.context?.path === path", arg=path)
        self.page.wait_for_function(KERNEL_IS_IDLE)

    def run_all(self) -> list[Cell]:
        """Run > Run All Cells, from a clean sheet; returns the cells when the last has run.

        The command's own promise is of no use: it fails with the first cell that does, and the others run on.
        """
        self.page.evaluate("""async () => {
            await window.jupyterapp.commands.execute('notebook:clear-all-cell-outputs');
            window.jupyterapp.commands.execute('notebook:run-all-cells');
        }""")
        try:
            self.page.wait_for_function(ALL_HAVE_RUN)
        except PlaywrightTimeout as error:
            left = [cell.id for cell in self.cells() if cell.type == "code" and not cell.has_run]
            raise TimeoutError(f"these cells have not run: {left}") from error
        return self.cells()

    def wait_for_pictures(self) -> None:
        """Wait until the page shows every picture that the cells hold; there must be some."""
        pictures = sum(cell.pictures for cell in self.cells())
        assert pictures > 0
        self.page.wait_for_function(
            """pictures => {
                const images = [...document.querySelectorAll('.jp-OutputArea-output img')];
                return images.length >= pictures && images.every(image => image.naturalWidth > 0);
            }""",
            arg=pictures,
        )

    def cells(self) -> list[Cell]:
        return [Cell(**cell) for cell in self.page.evaluate(CELLS)]

    def validate(self, name: str) -> str:
        """Press nbgrader's button, which saves and runs the notebook on the server; returns what it says."""
        self.page.get_by_role("button", name="Validate").click()
        said = self.page.locator("#validation-message").inner_text()
        self.screenshot(f"{name}-validated")
        self.page.get_by_role("button", name="Ok", exact=True).click()
        return said

    def shut_down_kernels(self) -> None:
        self.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")

    def questions(self) -> list[str]:
        """The texts of JupyterLab's own dialogs and notifications that are on the page."""
        return self.page.locator(".jp-Dialog, .Toastify__toast").all_inner_texts()

    def screenshot(self, name: str) -> None:
        """A picture of the window."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{self.app}-{name}.png")

    def screenshot_of_all(self, name: str) -> None:
        """A picture of the whole notebook, in a window made as tall as that needs."""
        usual = self.page.viewport_size or {"width": 1280, "height": 900}
        to_top = f"""() => {{
            const notebook = {NOTEBOOK}.content;
            notebook.activeCellIndex = notebook.node.querySelector('.jp-WindowedPanel-outer').scrollTop = 0;
            return notebook.widgets.at(-1).node.getBoundingClientRect().bottom;
        }}"""
        self.page.wait_for_function(
            f"({to_top})() > 0"
        )  # JupyterLab puts cells out of sight into the page later
        for _ in range(2):  # cells take their true height when they come into sight
            self.page.set_viewport_size(usual | {"height": int(self.page.evaluate(to_top)) + 100})
            self.page.wait_for_timeout(300)
        self.page.evaluate(to_top)
        self.screenshot(name)
        self.page.set_viewport_size(usual)
