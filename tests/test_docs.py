"""The documentation: links lead somewhere, and what it tells people to type exists and works."""

import re
import shlex
from pathlib import Path
from urllib.parse import unquote

import click
import nbformat
import planting
import pytest

from gentutor import check
from gentutor.cli import main

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
                command.make_context(name, rest, parent=context)
            elif arguments:
                main.make_context("gentutor", arguments)
    except click.exceptions.Exit:  # --help, --version
        return None
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
def test_every_gentutor_command_exists_with_these_options(page):
    """And one that a paragraph calls planned does not exist yet."""
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
    answer, judge, planted = (code for language, code in BLOCK.findall(text) if language == "python")
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
