"""What people see of the book: pages that do no harm, feedback for who needs it, tables for others."""

import base64
import csv
import io
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from copy import deepcopy

import book_course as bc
import nbformat
import pytest
from book_course import GOOD, UNIT, executed, submission
from nbformat import v4
from playwright.sync_api import sync_playwright

from gentutor import doctor
from gentutor.grading.book import Book, harmless

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
def course(tmp_path_factory):
    """Ada has attacked, bob has not; eve's notebook was put into the tree as it was, for comparison."""
    course = shutil.copytree(bc.new(tmp_path_factory), tmp_path_factory.mktemp("pages") / "course")
    with Book.open(course, UNIT) as book:
        book.prepare(bc.solution())
        for student in ("ada", "bob", "eve"):
            given = submission(student, GOOD)
            book.record(
                given, attacked(given) if student == "ada" else executed(given, {"check-double"}), "f"
            )
        pages = book.feedback(["ada", "bob"])
        assert pages.failed == {}
        raw = executed(submission("eve", GOOD), {"check-double"})  # others of the attacks end nbconvert
        stays = [attack for attack in HTML_ATTACKS if "http-equiv" not in attack]  # and does not go elsewhere
        raw.cells[1].outputs = [shown("text/html", attack) for attack in stays]
        raw.cells.append(v4.new_markdown_cell(MARKDOWN_ATTACKS[len(HTML_ATTACKS)]))
        path = course / "build" / "grading" / "autograded" / "eve" / UNIT / f"{UNIT}.ipynb"
        path.unlink()
        nbformat.write(raw, path)
        assert len(book.feedback(["ada", "bob", "eve"]).written) == 1, "eve's alone"
    return course


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


FOUND = """() => ({
    pwned: window.pwned === 1,
    scripts: [...document.links].map(a => a.protocol).filter(p => !["http:", "https:", "file:"].includes(p)),
    handlers: [...document.querySelectorAll("#notebook *")]
        .filter(e => [...e.attributes].some(a => a.name.startsWith("on"))).map(e => e.outerHTML),
    strange: [...document.querySelectorAll(
        "#notebook :is(script, iframe, object, embed, form, style, link, meta, base, svg, math)"
    )].map(e => e.outerHTML),
    hidden: [...document.querySelectorAll("#notebook .nbgrader_cell")]
        .filter(e => !e.checkVisibility()).length,
    shown: document.querySelectorAll("#notebook .nbgrader_cell").length,
    out_of_place: [...document.querySelectorAll("#notebook .rendered_html *")].filter(e =>
        ["fixed", "absolute"].includes(getComputedStyle(e).position)).length,
})"""
HARMLESS = {
    "pwned": False,
    "scripts": [],
    "handlers": [],
    "strange": [],
    "hidden": 0,
    "shown": 5,
    "out_of_place": 0,
}


def feedback_of(course, student):
    return course / "build" / "grading" / "feedback" / student / UNIT / f"{UNIT}.html"


def test_nothing_in_a_students_notebook_runs_in_the_page_of_feedback(course, page):
    for student in ("ada", "bob"):
        page.goto(feedback_of(course, student).as_uri())
        assert page.evaluate(FOUND) == HARMLESS, student
    page.goto(feedback_of(course, "eve").as_uri())
    found = page.evaluate(FOUND)
    assert found["pwned"], "the attacks work where nothing is made harmless"
    assert all(found[what] for what in ("scripts", "handlers", "strange"))


@pytest.fixture
def copied(course, tmp_path):
    return shutil.copytree(course, tmp_path / "course")


@pytest.fixture
def formgrader(copied, tmp_path):
    """The address of a Jupyter server with formgrader in it."""
    env = os.environ | {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "RUNTIME")}
    line = [sys.executable, "-m", "jupyter_server", "--allow-root", "--no-browser", "--port=0"]
    line += ["--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=t"]
    line += ["--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}"]
    with (tmp_path / "log").open("wb") as log:
        server = subprocess.Popen(line, cwd=copied, env=env, stdout=log, stderr=log)
    deadline = time.monotonic() + 60
    try:
        while not (found := list((tmp_path / "RUNTIME").glob("jpserver-*.json"))):
            assert server.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield f"http://127.0.0.1:{json.loads(found[0].read_text())['port']}"
    finally:
        server.kill()
        server.wait()


def test_formgrader_shows_the_submissions_and_what_a_person_types_there_survives(copied, page, formgrader):
    address = f"{formgrader}/formgrader/api/submitted_notebooks/{UNIT}/{UNIT}"
    request = urllib.request.Request(address, headers={"Authorization": "token t"})
    with urllib.request.urlopen(request) as answer:
        submissions = {row["student"]: row for row in json.load(answer)}
    assert {s: (row["score"], row["needs_manual_grade"]) for s, row in submissions.items()} == {
        "ada": (2, True),
        "bob": (2, True),
        "eve": (2, True),
    }
    page.set_extra_http_headers({"Authorization": "token t"})
    page.goto(f"{formgrader}/formgrader/submissions/{submissions['ada']['id']}/")
    assert page.evaluate(FOUND) == HARMLESS
    page.wait_for_load_state("networkidle")  # it fetches what a person has given already
    fields = "['why', 'check-double', 'why-comment'].map(id => document.getElementById(id).tagName)"
    assert page.evaluate(fields) == ["INPUT", "INPUT", "TEXTAREA"], "where points and comments are typed"
    points = page.locator("#why")
    points.fill("3.5")
    with page.expect_response(lambda r: "/api/grade/" in r.url and r.request.method == "PUT"):
        points.blur()
    with Book.open(copied, UNIT) as book:
        assert book.marks("ada").points == 2 + 3.5
        given = submission("ada", GOOD)
        again = book.record(given, attacked(given), "f")
        assert again.points == 2 + 3.5


STRUCTURE = """() => [...document.body.querySelectorAll("*")].map(
    e => [e.tagName, e.style.cssText, e.className, e.childElementCount, e.textContent])"""


def test_what_the_lectures_and_labs_display_looks_the_same(page):
    """Reports of derivations, tables, pictures, formulas: the structure that a browser makes of them."""
    notebooks = [nbformat.read(path, as_version=4) for path in sorted(bc.ROOT.glob("course/*.ipynb"))]
    notebooks += [nbformat.read(path, as_version=4) for path in sorted(bc.ROOT.glob("labs/*/*.ipynb"))]
    seen = {"text/html": 0, "markdown": 0, "image/png": 0}
    for cell in (cell for notebook in notebooks for cell in notebook.cells):
        if cell.cell_type == "markdown":
            assert harmless.markdown(cell.source) == cell.source
            seen["markdown"] += 1
        for given in cell.get("outputs", []):
            made = harmless.output(given)
            assert made.output_type == given.output_type
            for kind, value in given.get("data", {}).items():
                if kind == "text/html":
                    page.set_content(value)
                    expected = page.evaluate(STRUCTURE)
                    page.set_content(made.data[kind])
                    assert page.evaluate(STRUCTURE) == expected
                elif kind == "image/png":
                    assert base64.b64decode(made.data[kind]) == base64.b64decode(value)
                else:
                    assert made.data[kind] == value
                seen[kind] = seen.get(kind, 0) + 1
    assert min(seen.values()) > 20, seen


def test_pictures_tables_and_pasted_images_of_a_student_stay(page):
    table = "<table border='1' class='dataframe'><tr><th>a</th></tr><tr><td>1 &lt; 2</td></tr></table>"
    svg = "<svg xmlns='http://www.w3.org/2000/svg' width='30' height='20'><rect width='9' height='9'/></svg>"
    page.set_content(harmless.html(table) + harmless.output(shown("image/svg+xml", svg)).data["text/html"])
    assert page.inner_text("td") == "1 < 2"
    assert page.evaluate("document.images[0].decode().then(() => document.images[0].naturalWidth)") == 30
    pasted = v4.new_markdown_cell("![p](attachment:p.png)", attachments={"p.png": {"image/png": PNG}})
    notebook = v4.new_notebook(cells=[pasted])
    harmless.make(notebook)
    assert notebook.cells[0].source == "![p](attachment:p.png)"
    assert notebook.cells[0].attachments == {"p.png": {"image/png": PNG}}


@pytest.mark.parametrize(
    "text",
    [
        "Because $a < b$ and $$\\sum_{1<2} x_i \\le y$$, so `2<3` and **bold**.",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "![plot](plot.png) and [a link](https://example.org/?a=b&c=d), <br> and <sub>2</sub>",
        "> quoted\n\n1. one\n2. two\n\n```python\nif a < b: pass\n```",
        "- [x] done",
    ],
)
def test_harmless_markdown_is_left_as_it_is(text):
    assert harmless.markdown(text) == text


def test_what_looks_like_a_tag_stays_readable():
    assert harmless.markdown("$a<b$, List<int>, a<-b") == "$a< b$, List< int>, a<-b"


@pytest.mark.parametrize(
    "seed", ["<b>", "<i></b>", "<a b=", "<p ", "<!--", "<table><tr>", "[", "*a ", "`", "> ", "$"]
)
def test_a_flood_costs_little_time(seed):
    start = time.process_time()
    harmless.html(seed * (99_000 // len(seed)))
    harmless.markdown(seed * (19_900 // len(seed)))
    assert time.process_time() - start < 5


@pytest.mark.parametrize(
    "given",
    [
        {"output_type": "update_display_data"},
        {"output_type": "stream", "text": 7},
        {"output_type": "stream", "name": "<b>", "text": ["a", "b"]},
        {"output_type": "error", "traceback": "no list", "ename": None},
        {"output_type": "display_data", "data": [1], "metadata": 3},
        {"output_type": "execute_result", "data": {"text/html": {"a": 1}, "x": "y"}, "execution_count": "1"},
        {"output_type": "stream", "name": "stdout", "text": "\ud800"},
        {},
    ],
)
def test_an_output_of_no_known_form_becomes_one_or_goes(given):
    made = harmless.output(given)
    if made is not None:
        cell = v4.new_code_cell(outputs=[made])
        nbformat.validate(v4.new_notebook(cells=[cell]))
        nbformat.writes(v4.new_notebook(cells=[cell])).encode()


def test_pages_are_made_anew_for_whom_something_changed(course, tmp_path):
    course = shutil.copytree(course, tmp_path / "course")
    with Book.open(course, UNIT) as book:
        assert book.feedback(["ada", "bob", "eve", "nobody"]).written == []
        given = submission("bob", GOOD)
        book.record(given, executed(given, {"check-square"}), "g")
        bc.by_hand(course, "eve", "why", 1.0, "Think again.")
        pages = book.feedback(["ada", "bob", "eve"])
        assert pages.written == [feedback_of(course, "bob"), feedback_of(course, "eve")]
        assert "Think again." in feedback_of(course, "eve").read_text(encoding="utf-8")
        assert "(Score: 3.0 / 9.0)" in feedback_of(course, "bob").read_text(encoding="utf-8")
        feedback_of(course, "ada").unlink()
        assert book.feedback(["ada", "bob", "eve"]).written == [feedback_of(course, "ada")]


def test_several_processes_make_the_same_pages_and_one_that_fails_costs_no_other(
    course, tmp_path, monkeypatch
):
    course = shutil.copytree(course, tmp_path / "course")
    students = [f"s{k}" for k in range(6)]
    with Book.open(course, UNIT) as book:
        for student in students:
            given = submission(student, GOOD)
            book.record(given, executed(given, {"check-double"}), "f")
        spoilt = course / "build" / "grading" / "autograded" / "s3" / UNIT / f"{UNIT}.ipynb"
        spoilt.unlink()
        spoilt.write_text("no notebook")
        monkeypatch.setattr("gentutor.grading.book.feedback.WORTH_A_PROCESS", 3)
        pages = book.feedback(students, workers=2)
        assert sorted(pages.written) == [feedback_of(course, s) for s in students if s != "s3"]
        assert list(pages.failed) == ["s3"]
        first = feedback_of(course, "s0").read_text(encoding="utf-8")
        feedback_of(course, "s0").unlink()
        book.feedback(students)
        assert feedback_of(course, "s0").read_text(encoding="utf-8") == first


def table(path):
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


def test_the_tables_are_what_canvas_and_moodle_take_in(course, tmp_path):
    """The columns are those that Canvas's gradebook_importer.rb and Moodle's importgradeslib.php look for."""
    course = shutil.copytree(course, tmp_path / "course")
    with Book.open(course, UNIT) as book:
        for student, whole in (("zoë", "Zoë O'Brien, Jr"), ("mallory", "=cmd|'/c calc'!A1")):
            given = submission(student, GOOD)
            book.record(given, executed(given, {"check-double", "check-square"}), "f")
            bc.name(
                course, student, first=whole, last="@SUM(A1)", email=f"{student}@example.org", number="4711"
            )
        grades, canvas, moodle = book.tables()
        assert (canvas.name, moodle.name) == (
            f"canvas-{UNIT}.provisional.csv",
            f"moodle-{UNIT}.provisional.csv",
        )
        rows = {row[3]: row for row in table(canvas)}
        assert table(canvas)[0] == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", UNIT]
        assert rows["zoë"] == ["'@SUM(A1), Zoë O'Brien, Jr", "4711", "", "zoë", "", "5"]
        assert rows["mallory"][0] == "'@SUM(A1), =cmd|'/c calc'!A1"
        rows = {row[2]: dict(zip(table(moodle)[0], row, strict=True)) for row in table(moodle)}
        assert rows["mallory"]["Full name"] == "'=cmd|'/c calc'!A1 @SUM(A1)"
        assert rows["zoë"]["Identifier"] == "Participant 4711"
        assert rows["zoë"]["Email address"] == "zoë@example.org"
        assert (rows["zoë"]["Grade"], rows["zoë"]["Maximum grade"]) == ("5", "9")
        assert rows["zoë"]["Feedback comments"] == "Provisional: 4 of the points wait for a person."
        assert "Last modified (grade)" in rows["zoë"]
        assert {row[3] for row in table(grades)[1:]} == {"ada", "bob", "eve", "zoë", "mallory"}
        for path in (grades, canvas, moodle):
            assert not [
                cell for row in table(path) for cell in row if cell.startswith(("=", "+", "-", "@", "\t"))
            ]

        for student in ("ada", "bob", "eve", "zoë", "mallory"):
            bc.by_hand(course, student, "why", 2.25, None)
        _, canvas, moodle = book.tables()
        assert (canvas.name, moodle.name) == (f"canvas-{UNIT}.csv", f"moodle-{UNIT}.csv")
        assert not list(canvas.parent.glob("*provisional*"))
        assert {row[3]: row[5] for row in table(canvas)[1:]}["zoë"] == "7.25"
        assert {row[7] for row in table(moodle)[1:]} == {""}
