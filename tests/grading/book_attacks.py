"""What a student can display or write to do harm in the browser of whoever reads it, and a browser."""

import base64
import os
from copy import deepcopy

import pytest
from book_course import executed
from nbformat import v4
from playwright.sync_api import sync_playwright

from gentutor import doctor

PWN = "window.pwned = 1"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HTML_ATTACKS = [
    f"<script>{PWN}</script>",
    f"<img src=x onerror='{PWN}'>",
    f"<svg onload='{PWN}'></svg>",
    f"<svg><script>{PWN}</script></svg>",
    f"<a href='javascript:{PWN}'>a</a>",
    f"<a href=' jav&#x09;ascript:{PWN}'>a</a>",
    f"<math><a xlink:href='javascript:{PWN}'>a</a></math>",
    f'<iframe srcdoc="<script>parent.{PWN.removeprefix("window.")}</script>"></iframe>',
    f"<form action='javascript:{PWN}'><input type=submit autofocus onfocus='{PWN}'></form>",
    f"<details open ontoggle='{PWN}'>x</details>",
    f"<object data='javascript:{PWN}'></object><embed src='javascript:{PWN}'>",
    f"<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={PWN}&gt;'>",
    f"<noscript><p title='</noscript><img src=x onerror={PWN.replace(' ', '')}>'>",
    f"<style>@import 'javascript:{PWN}'; * {{ display: none }}</style>",
    "<meta http-equiv=refresh content='0;url=about:blank'><base href='http://evil.example/'>",
    "<div style='position: fixed; inset: 0; background: url(http://evil.example/x)'>all of the page</div>",
    "<div style='margin: -500px'>over the marks</div>",
    f"<p class='score' id='why'>9 / 9</p><!--><img src=x onerror={PWN.replace(' ', '')}>-->",
]
MARKDOWN_ATTACKS = [
    *HTML_ATTACKS,
    f"[a](javascript:{PWN.replace(' ', '')})",
    f"[a](&#106;avascript:{PWN.replace(' ', '')})",
    f"[a](java&Tab;script:{PWN.replace(' ', '')})",
    f"[a](JaVa\\script:{PWN.replace(' ', '')})",
    f"[a](\x01javascript:{PWN.replace(' ', '')})",
    f"[a][b]\n\n[b]: javascript:{PWN.replace(' ', '')}",
    f"<javascript:{PWN.replace(' ', '')}>",
    f'![a](x" onerror="{PWN})',
    f"[a](data:text/html;base64,{base64.b64encode(f'<script>opener.{PWN}</script>'.encode()).decode()})",
    f"```mermaid\n</pre><img src=x onerror='{PWN}'>\n```",
    f"# <img src=x onerror='{PWN}'>",
    "![gone](attachment:gone.png)",
    "# why",  # formgrader would look for the points in this heading
    "<details>what follows is to be hidden",
    "</div></div></div></div>out of the page",
]
DATA_ATTACKS = [
    {"application/javascript": PWN},
    {"image/svg+xml": f"<svg xmlns='http://www.w3.org/2000/svg' onload='{PWN}'><script>{PWN}</script></svg>"},
    {"image/png": f'x" onerror="{PWN}" y="'},
    {"text/latex": f"$x$<script>{PWN}</script>"},
    {"text/plain": f"</pre><script>{PWN}</script>"},
    {
        "application/vnd.jupyter.widget-view+json": f"</script><script>{PWN}</script>",
        "text/plain": "a slider",
    },
    *({"text/html": attack} for attack in HTML_ATTACKS),
    *({"text/markdown": attack} for attack in MARKDOWN_ATTACKS),
]
MORE_OUTPUTS = [
    v4.new_output("stream", text=f"</pre><script>{PWN}</script>\x1b[31m<img src=x onerror={PWN}>"),
    v4.new_output(
        "error", ename=f"<script>{PWN}</script>", evalue="x", traceback=[f"\x1b[1;<script>{PWN}</script>m"]
    ),
    v4.new_output(
        "display_data",
        data={"image/png": PNG},
        metadata={
            "image/png": {"width": f"1 onload={PWN}"},
            "filenames": {"image/png": f'x" onerror="{PWN}'},
        },
    ),
    v4.new_output("display_data", data={"text/html": "<p>x</p>"}, metadata={"text/html": {"isolated": True}}),
]


def shown(kind, value):
    return v4.new_output("display_data", data={kind: value})


def attacked(given):
    """What the submission's cells have displayed: each attack in an output, in own markdown, in raw cells."""
    ran = executed(given, {"check-double"})
    outputs = [v4.new_output("display_data", data=dict(data)) for data in DATA_ATTACKS]
    ran.cells[1].outputs = [*outputs, *deepcopy(MORE_OUTPUTS)]
    for k, text in enumerate(MARKDOWN_ATTACKS):
        ran.cells += [v4.new_markdown_cell(text, id=f"m{k}"), v4.new_raw_cell(text, id=f"r{k}")]
    picture = f'data:image/png;base64,{PNG}" onerror="{PWN}'
    ran.cells.append(
        v4.new_markdown_cell(
            "![a](attachment:a.png)", id="pasted", attachments={"a.png": {"image/png": picture, PWN: PWN}}
        )
    )
    return ran


@pytest.fixture(scope="module")
def page():
    """A page of a real browser, which reaches this machine alone."""
    try:
        path = doctor.chromium()
    except doctor.Missing as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"browser: {error}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.route("**/*", lambda route: route.continue_() if is_local(route.request.url) else route.abort())
        yield page
        browser.close()


def is_local(url):
    return url.startswith(("file:", "data:", "http://127.0.0.1:"))
