"""The documentation: links lead somewhere, and what it tells people to type exists and works."""

import re
import shlex
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote

import click
import nbformat
import planting
import pytest
from ipywidgets import Widget

from gentutor import check
from gentutor.cli import main
from gentutor.derive import check as judge_chain
from gentutor.derive import settings
from gentutor.derive.graded import HOLE, lock
from gentutor.derive.showing.show import MARKS

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "course/*.ipynb", "solutions/*/*.ipynb")
    for path in ROOT.glob(pattern)
)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
# What may stand before a command: variables, and the environment's folder as Unix and Windows spell it.
COMMAND = re.compile(r"(?:\w+=\S+ )*(?:\.venv[/\\](?:bin|Scripts)[/\\])?(gentutor|make)(?: +(.*))?")


def text_of(page: Path) -> str:
    """The page's Markdown; of a notebook, that of its Markdown cells."""
    if page.suffix == ".md":
        return page.read_text(encoding="utf-8")
    cells = nbformat.read(page, as_version=4).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def commands(text: str, name: str) -> list[list[str]]:
    """The arguments of each `gentutor ...` or `make ...` in code blocks and code spans."""
    lines = [line for _, block in BLOCK.findall(text) for line in block.splitlines()]
    lines += [" ".join(span.split()) for span in SPAN.findall(BLOCK.sub("", text))]
    steps = [step.strip() for line in lines for step in line.split("&&")]
    found = [COMMAND.fullmatch(step) for step in steps]
    return [shlex.split(match[2] or "", comments=True) for match in found if match and match[1] == name]


def problem_of(arguments: list[str]) -> str | None:
    """What `gentutor` says against these arguments when it reads them, before it does anything; else None."""
    try:
        with click.Context(main, info_name="gentutor") as context:
            if arguments and not arguments[0].startswith("-"):
                name, command, rest = main.resolve_command(context, arguments)
                command.make_context(name, rest, parent=context).close()
            elif arguments:
                main.make_context("gentutor", arguments).close()
    except click.exceptions.Exit:  # --help, --version
        return None
    except click.MissingParameter as error:
        return error.format_message() if arguments[1:] else None  # a page may name a command
    except click.ClickException as error:
        return error.format_message()
    return None


@each_page
def test_every_relative_link_leads_to_a_file(page):
    for link in LINK.findall(text_of(page)):
        target = unquote(link.partition("#")[0])
        if not target or re.match(r"[a-z]+:", target):
            continue
        file = (page.parent / target).resolve()
        assert file.is_relative_to(ROOT), link
        own = file.relative_to(ROOT)
        if own.parts[0] == "work":  # a student's copy, made from the lab of the same name
            file = ROOT.joinpath("labs", *own.parts[1:])
        assert file.is_file(), link


@each_page
def test_every_gentutor_command_exists_with_these_options(page, tmp_path, monkeypatch):
    """And one that a paragraph calls planned does not exist yet."""
    monkeypatch.chdir(tmp_path)
    for file in ("chain.tex", "class.csv"):  # the derivation and the class list of which the pages speak
        (tmp_path / file).touch()
    for paragraph in re.split(r"\n\s*\n", text_of(page)):
        for arguments in commands(paragraph, "gentutor"):
            problem = problem_of(arguments)
            if "planned" in paragraph:
                assert problem is not None, f"{arguments} is there now: no longer planned"
            else:
                assert problem is None, f"{arguments}: {problem}"


@each_page
def test_every_make_target_exists(page):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()
    asked = {word for arguments in commands(text_of(page), "make") for word in arguments if "=" not in word}
    assert asked <= set(targets)


def test_the_commands_are_found():
    """The oracles above see something, and see what is wrong."""
    readme = text_of(ROOT / "README.md")
    assert ["lab"] in commands(readme, "make")
    assert ["lab"] in commands(readme, "gentutor")
    students = text_of(ROOT / "docs" / "students.md")
    assert ["lab", "01", "--update"] in commands(students, "gentutor")
    assert ["lab", "01", "--", "--port=9999"] in commands(students, "gentutor")
    assert "No such option" in str(problem_of(["lab", "01", "--upgrade"]))
    assert "No such command" in str(problem_of(["labs"]))


def test_the_readme_tells_which_units_are_there():
    rows = re.findall(r"^\| (\d\d) \|.*\| (.*?) \|$", text_of(ROOT / "README.md"), re.MULTILINE)
    there = {number for number, state in rows if state != "planned"}
    assert there == {path.name[:2] for path in (ROOT / "labs").iterdir()}
    assert [number for number, _ in rows] == [f"{k:02}" for k in range(1, 15)]


def test_every_picture_has_a_text_and_is_small():
    pictures = sorted((ROOT / "docs" / "images").iterdir())
    quoted = {
        (page.parent / target).resolve(): text
        for page in PAGES
        for text, target in re.findall(r"!\[([^]]*)\]\(([^)]+)\)", text_of(page))
    }
    assert set(quoted) == set(pictures)
    assert all(len(text) > 50 for text in quoted.values())
    assert all(path.stat().st_size < 200_000 for path in pictures)


def test_the_maintainers_example_works(tmp_path, capsys, monkeypatch):
    """Its answer passes its check, and each planted answer gets the verdict that it names."""
    text = text_of(ROOT / "docs" / "maintainers.md")
    answer, judge, planted, _ = (code for language, code in BLOCK.findall(text) if language == "python")
    names = {"check": check}
    exec(answer, names)
    exec(judge, names)
    assert capsys.readouterr().out.startswith("✓ reparameterise: ")

    monkeypatch.setattr(planting, "HERE", tmp_path)
    (tmp_path / "04_vae.py").write_text(planted, encoding="utf-8")
    answers = planting.answers_of("04_vae")["reparameterise"]
    assert len(answers) == 3
    for each in answers:
        exec(each.source, names)
        if each.fails is None:
            exec(judge, names)
        else:
            with pytest.raises(check.CheckFailed) as failed:
                exec(judge, names)
            assert failed.value.aspect == each.fails


def test_the_widgets_example_works():
    text = text_of(ROOT / "docs" / "maintainers.md")
    *_, program = (code for language, code in BLOCK.findall(text) if language == "python")
    names = {}
    exec(program, names)
    pad, frames = names["pad"], names["frames"]
    assert pad.picture.shape == (8, 8)
    assert len(pad.space.example_codes) == 8
    assert frames.frames.images.shape == (30, 8, 8)
    Widget.close_all()


# ------------------------------------------------------------------------------------------- derivations


def derivations(page: Path) -> list[tuple[str, str, str, str]]:
    """Setting, name ("" if none), chain, and the block of text that follows, of each `%%derive` cell."""
    blocks = [*BLOCK.findall(text_of(page)), ("", "")]
    found = []
    for (language, block), (next_language, following) in pairwise(blocks):
        magic, _, chain = block.partition("\n")
        if language == "latex" and magic.startswith("%%derive "):
            setting, *name = magic.removeprefix("%%derive ").split(" as ")
            found.append((setting, "".join(name), chain, following if next_language == "text" else ""))
    return found


@pytest.fixture
def setting_channel(monkeypatch):
    """The setting that docs/settings.md adds, added."""
    (source,) = (code for language, code in BLOCK.findall(text_of(SETTINGS)) if language == "python")
    module = ModuleType(f"{settings.__name__}.channel")
    exec(source, module.__dict__)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(settings, "NAMES", (*settings.NAMES, "channel"))
    yield
    settings.setting_named.cache_clear()


SETTINGS, DERIVATIONS = ROOT / "docs" / "settings.md", ROOT / "docs" / "derivations.md"
CHAINS = [(page, *found) for page in PAGES for found in derivations(page)]
NOT_HOLDING = {mark.words: status for status, mark in MARKS.items() if status != "holds"}


@pytest.mark.parametrize(
    ("setting", "chain", "output"),
    [(setting, chain, output) for _, setting, _, chain, output in CHAINS if not HOLE.search(chain)],
)
@pytest.mark.usefixtures("setting_channel")
def test_a_derivation_gets_the_verdicts_that_it_names(setting, chain, output):
    """A line whose justification is a verdict gets that one, every other holds; the report is as shown."""
    report = judge_chain(chain, setting)
    assert len(report.steps) > 1
    for step in report.steps:
        expected = next((status for words, status in NOT_HOLDING.items() if words in step.note), "holds")
        assert step.status == expected, f"{step.text}\n{report}"
    assert output in ("", f"{report}\n")


def test_the_derivations_are_found():
    """In all the pages that print some; every setting and every verdict has an example."""
    assert {page.name for page, *_ in CHAINS} >= {"README.md", "derivations.md", "settings.md"}
    own = [(setting, chain) for page, setting, _, chain, _ in CHAINS if page == DERIVATIONS]
    assert {setting for setting, _ in own} == set(settings.NAMES)
    assert all(any(words in chain for _, chain in own) for words in NOT_HOLDING)
    assert any(output for *_, output in CHAINS)


def test_the_example_in_python_works(capsys):
    program = next(code for language, code in BLOCK.findall(text_of(DERIVATIONS)) if language == "python")
    names = {}
    exec(program, names)
    assert names["report"].ok
    assert capsys.readouterr().out == f"{names['report']}\n"


def test_the_graded_derivation_works(capsys):
    """Its answers pass their check; a copied line and a divergence that counts for nothing do not."""
    ((setting, name, chain),) = (found[1:4] for found in CHAINS if HOLE.search(found[3]))
    lock(name, chain, setting)
    _, answers, judge = (
        code for language, code in BLOCK.findall(text_of(DERIVATIONS)) if language == "python"
    )
    names = {"check": check}
    exec(answers, names)
    exec(judge, names)
    assert capsys.readouterr().out.startswith("✓ bound: ")
    for a, b, aspect in (
        ("q(z|x)", r"KL(q(z|x) \| p(z))", "hole a: line 2"),
        ("p(z|x)", r"KL(p(z) \| q(z|x))", "hole b: line 3"),
        ("p(z|x)", r"\mathbb{E}_{q(z|x)}[\log \frac{q(z|x)}{p(z)}]", "hole b: required"),
        ("p(z|x)", r"KL(q(z|x) \| p(z)) + 0 \, KL(p(z) \| q(z|x))", "hole b: idle part"),
    ):
        names["bound_answers"] = {"a": a, "b": b}.copy
        with pytest.raises(check.CheckFailed) as failed:
            exec(judge, names)
        assert failed.value.aspect == aspect
