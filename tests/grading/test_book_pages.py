"""Nothing that a student wrote runs in the pages that show it, in a real browser; and formgrader works."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

import book_course as bc
import nbformat
import pytest
from book_attacks import HTML_ATTACKS, MARKDOWN_ATTACKS, attacked, page, shown
from book_course import GOOD, UNIT, executed, submission
from nbformat import v4

from gentutor.grading.book import Book

__all__ = ["page"]  # a fixture


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


def answering(runtime):
    """The address of the server that left its file in the folder, once it takes connections."""
    for file in runtime.glob("jpserver-*.json"):
        with contextlib.suppress(OSError, ValueError):
            port = json.loads(file.read_text())["port"]
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return f"http://127.0.0.1:{port}"
    return None


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
        while not (address := answering(tmp_path / "RUNTIME")):
            assert server.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)
        yield address
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
