"""The labs and the course in JupyterLab and in Notebook 7, in a real browser.

Each test also fails if the page logs an error, asks any address but the local one, or asks the user a
question: see the fixture `notebook`.
"""

from pathlib import Path

import nbformat
import pytest
from nbformat import v4
from playwright.sync_api import expect

from gentutor.derive import check

from .conftest import chromium
from .jupyter_page import Trouble

ROOT = Path(__file__).parents[2]
UNITS = sorted(path.name for path in (ROOT / "labs").iterdir())
ONE = "04_vae"  # has every kind of output; what holds for the page, whatever the unit, is tried on this one
in_lab = pytest.mark.parametrize("server", ["lab"], indirect=True)
each_unit = pytest.mark.parametrize("unit", UNITS)
each_unit_and_one_in_notebook_7 = pytest.mark.parametrize(
    ("server", "unit"), [*(("lab", unit) for unit in UNITS), ("notebook", ONE)], indirect=["server"]
)


@each_unit_and_one_in_notebook_7
def test_an_untouched_lab_runs_to_its_end_and_says_what_is_not_written(notebook, unit):
    notebook.open(f"work/{unit}/{unit}.ipynb")
    cells = notebook.run_all()
    notebook.screenshot_of_all(f"{unit}-untouched")
    notebook.wait_for_pictures()
    said = notebook.validate(f"{unit}-untouched")
    for cell in cells:
        if cell.is_check:
            exercise = cell.nbgrader["grade_id"].removeprefix("check-")
            assert len(cell.errors) == 1, cell.id
            assert f"{exercise} · not written yet" in cell.errors[0], cell.id
            assert f"{exercise} · not written yet" in said
        else:
            assert cell.errors == [], cell.id


@in_lab
def test_a_solved_lab_passes_its_checks_and_validates(notebook):
    notebook.open(f"solved/{ONE}/{ONE}.ipynb")
    cells = notebook.run_all()
    notebook.screenshot_of_all(f"{ONE}-solved")
    for cell in cells:
        assert cell.errors == [], cell.id
        assert cell.printed.startswith("✓") or not cell.is_check, cell.id
    assert "Success! Your notebook passes all the tests." in notebook.validate(f"{ONE}-solved")


@in_lab
def test_lectures_and_labs_are_one_click_from_where_jupyter_opens(notebook):
    notebook.start()
    notebook.wait_for("course/index.ipynb")
    notebook.screenshot("index")
    for unit in UNITS:
        links = notebook.page.locator("tr", has=notebook.page.locator(f"td:text-is('{unit[:2]}')")).locator(
            "a"
        )
        for link, path in ((0, f"course/{unit}.ipynb"), (1, f"work/{unit}/{unit}.ipynb")):
            links.nth(link).click()
            notebook.wait_for(path)
            notebook.screenshot(f"index-{path.split('/')[0]}-{unit}")
            notebook.page.get_by_role("tab", name="index.ipynb").click()
            notebook.wait_for("course/index.ipynb")


@in_lab
@each_unit
def test_a_lecture_runs_and_its_first_widget_moves(notebook, unit):
    notebook.open(f"course/{unit}.ipynb")
    notebook.wait_for_pictures()  # the committed ones: this kernel has run nothing
    expect(notebook.page.get_by_text("interactive(children=")).to_have_count(0)

    cells = notebook.run_all()
    notebook.screenshot_of_all(f"{unit}-lecture")
    assert [cell.id for cell in cells if cell.errors] == []
    notebook.wait_for_pictures()

    if (pad := notebook.page.locator(".gt-pad").first).count():
        slider = pad.get_by_role("slider", name="across")
        picture, shows = pad.get_by_role("img", name="image decoded at"), "data-decoded"
    elif (scrubber := notebook.page.locator(".gt-scrubber").first).count():
        slider = scrubber.get_by_role("slider")
        picture, shows = scrubber.get_by_role("img"), "data-frame"
    else:
        slider = notebook.page.locator(".jupyter-widgets").get_by_role("slider").first
        picture, shows = notebook.page.locator(".jupyter-widgets img"), "src"
    for move in (press_arrow_right, drag):
        value, image = slider.get_attribute("aria-valuetext"), picture.get_attribute(shows)
        move(notebook.page, slider)
        expect(slider).not_to_have_attribute("aria-valuetext", value)
        expect(picture).not_to_have_attribute(shows, image)
    notebook.screenshot(f"{unit}-lecture-widget")


CHAIN = "\\log p(x)\n\\geq \\mathbb{E}_{q(z|x)} \\log p(x|z) - KL(q(z|x) \\| p(z|x))\n= \\frac{1}{y}\n"


def test_a_derivation_is_shown_saved_and_run(notebook, clone):
    """The saved output has been through the page's sanitiser, for this user has not run the notebook."""
    shown = v4.new_output("display_data", check(CHAIN, setting="vae")._repr_mimebundle_())
    cells = [
        v4.new_code_cell("%load_ext gentutor.derive"),
        v4.new_code_cell(f"%%derive vae\n{CHAIN}", execution_count=1, outputs=[shown]),
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    nbformat.write(v4.new_notebook(cells=cells, metadata=kernel), clone / "work" / "derivation.ipynb")
    notebook.open("work/derivation.ipynb")
    table = notebook.page.locator(".jp-OutputArea-output").get_by_role("table")
    for state in ("saved", "run"):
        expect(table.get_by_role("rowheader")).to_have_text(["1", "2", "3"])
        marks = table.get_by_role("row").get_by_role("cell").get_by_text("✓ holds", exact=True)
        expect(marks).to_have_count(1)
        expect(table.get_by_text("✗ does not follow", exact=True)).to_be_visible()
        expect(table.get_by_text("⚠ cannot be read", exact=True)).to_be_visible()
        expect(table.locator("mark")).to_have_text("y")
        expect(table.get_by_role("math")).not_to_have_count(0)  # MathML, for those who listen
        reading = table.get_by_text("how it was read").first
        formula = table.locator("details").first.locator("mjx-container")
        expect(formula).to_be_hidden()
        reading.click()
        expect(formula).to_be_visible()
        notebook.screenshot(f"derivation-{state}")
        assert [cell.errors for cell in notebook.run_all()] == [[], []]


def press_arrow_right(page, slider):
    slider.focus()
    page.keyboard.press("ArrowRight")


def drag(page, slider):
    box = slider.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=5)
    page.mouse.up()


def test_the_guard_sees_what_a_page_should_not_do(browser):
    with browser.new_context() as context:
        trouble = Trouble()
        trouble.watch(context, "http://127.0.0.1:1")
        page = context.new_page()
        page.evaluate("""() => {
            fetch('http://192.0.2.1/a').catch(() => {});
            new WebSocket('ws://192.0.2.1/b');
            console.error('c');
            alert('d');
            setTimeout(() => { throw Error('e'); });
        }""")
        awaited = [
            "asked http://192.0.2.1/a",
            "asked ws://192.0.2.1/b",
            "console: c ",
            "dialog: d",
            "uncaught: e",
        ]
        for _ in range(100):  # ten seconds at most
            page.wait_for_timeout(100)
            awaited = [what for what in awaited if not any(seen.startswith(what) for seen in trouble.seen)]
            if not awaited:
                break
    assert awaited == [], trouble.seen


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail), ("", pytest.skip)])
def test_a_missing_browser_is_a_failure_in_ci_and_else_a_skip_that_says_what_to_do(monkeypatch, ci, outcome):
    for name, value in {"PATH": "", "CHROMIUM": "", "CI": ci}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(outcome.Exception, match="sudo apt install chromium"):
        chromium()
