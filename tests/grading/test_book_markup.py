"""What stays of what students display, in the eyes of a browser, and what it costs."""

import base64
import time

import book_course as bc
import nbformat
import pytest
from book_attacks import PNG, page, shown
from nbformat import v4

from gentutor.grading.book import harmless, markup

__all__ = ["page"]  # a fixture

STRUCTURE = """() => [...document.body.querySelectorAll("*")].map(
    e => [e.tagName, e.style.cssText, e.className, e.childElementCount, e.textContent])"""


def test_what_the_lectures_and_labs_display_looks_the_same(page):
    """Reports of derivations, tables, pictures, formulas: the structure that a browser makes of them."""
    notebooks = [nbformat.read(path, as_version=4) for path in sorted(bc.ROOT.glob("course/*.ipynb"))]
    notebooks += [nbformat.read(path, as_version=4) for path in sorted(bc.ROOT.glob("labs/*/*.ipynb"))]
    seen = {"text/html": 0, "markdown": 0, "image/png": 0}
    for cell in (cell for notebook in notebooks for cell in notebook.cells):
        if cell.cell_type == "markdown":
            assert markup.markdown(cell.source) == cell.source
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
    page.set_content(markup.html(table) + harmless.output(shown("image/svg+xml", svg)).data["text/html"])
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
    assert markup.markdown(text) == text


def test_what_looks_like_a_tag_stays_readable():
    assert markup.markdown("$a<b$, List<int>, a<-b") == "$a< b$, List< int>, a<-b"


@pytest.mark.parametrize(
    "seed", ["<b>", "<i></b>", "<a b=", "<p ", "<!--", "<table><tr>", "[", "*a ", "`", "> ", "$"]
)
def test_a_flood_costs_little_time(seed):
    start = time.process_time()
    markup.html(seed * (99_000 // len(seed)))
    markup.markdown(seed * (19_900 // len(seed)))
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
