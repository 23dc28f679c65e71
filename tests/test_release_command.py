"""What students get: `gentutor release` on this very course, unpacked, run, and searched for what is secret.

What is secret is taken from the sources, by means of our own: each line of an answer, of a hidden test, of a
model answer in words or its rubric, and of a planted answer, unless the lab prints that line itself outside
the markers. It is sought in every file of the archive, also in what is coded or packed inside a file.
"""

import base64
import html
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import nbformat
import numpy as np
import pytest
from click.testing import CliRunner
from nbclient import NotebookClient
from planting import ROOT, UNITS, answers_of

from gentutor import units
from gentutor.cli import main

MARKED = re.compile(r"### BEGIN (SOLUTION|HIDDEN TESTS)\n(.*?)### END \1", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
LONG = 24  # characters: a shorter line is sought as a line, not inside others; of planted answers not at all

# Lines of answers that the course gives to students all the same, and why.
SHOWN = {
    # The reference models solve the exercises, and are there to be read after the lab.
    "gentutor/models/pca.py": {
        "Q_A, Q_B = torch.linalg.qr(A).Q, torch.linalg.qr(B).Q",
        "return (X - X_hat).square().sum(1).mean()",
        "return singular_values[r:].square().sum() / n",
    },
    "gentutor/models/elbo.py": {"z = m + eps @ L.T # (n, k)"},
    "gentutor/models/vae.py": {"return mu + (log_var / 2).exp() * eps"},
    "gentutor/models/wgan.py": {
        "critic.requires_grad_(False)",
        "critic.requires_grad_(True)",
        "for weight in critic.parameters():",
    },
    "gentutor/metrics/transport.py": {"return (x.sort().values - y.sort().values).abs().mean()"},
    # The lecture computes a mean.
    "course/01_pca.ipynb": {"mean = X.mean(0)"},
    # The lecture goes through Algorithm 1 line by line; the lab asks for it with other names and given draws.
    "course/08_wgan_gp.ipynb": {"loss = critic(x_made).mean() - critic(x).mean()"},
}
ANYWHERE = {"return {", "loss.backward()"}  # what is in many a program


# ---------------------------------------------------------------------------------- what is secret, and where


def secrets() -> set[str]:
    """Every secret line of every unit, in one spelling of white space."""
    found: set[str] = set()
    for unit in UNITS:
        cells = nbformat.read(ROOT / "solutions" / unit / f"{unit}.ipynb", as_version=4).cells
        in_words = [cell.source for cell in cells if is_answer_in_words(cell)]
        marked = [block for cell in cells for _, block in MARKED.findall(cell.source)]
        planted = [answer.source for each in answers_of(unit).values() for answer in each]
        printed = [MARKED.sub("", cell.source) for cell in cells if not is_answer_in_words(cell)]
        own = lines(in_words + marked) | {line for line in lines(planted) if len(line) >= LONG}
        found |= own - lines(printed)
    return found - ANYWHERE


def is_answer_in_words(cell: nbformat.NotebookNode) -> bool:
    info = cell.metadata.get("nbgrader", {})
    return bool(info.get("grade") and info.get("solution"))


def lines(texts: list[str]) -> set[str]:
    spelt = {" ".join(line.split()) for text in texts for line in text.splitlines()}
    return {line for line in spelt if re.search(r"\w", line)}


def texts_in(name: str, data: bytes) -> Iterator[str]:
    """Whatever can be read in a file: its text, a notebook's strings one by one, what is packed or coded."""
    yield data.decode("utf-8", errors="replace")
    if name.endswith(".ipynb"):
        for text in strings(json.loads(data)):
            yield text
            yield html.unescape(re.sub(r"<[^>]*>", "", text))  # reports in HTML, with or without colours
            if len(text) > LONG and re.fullmatch(r"[A-Za-z0-9+/\s]+=*\s*", text):  # a picture, an attachment
                yield base64.b64decode(text + "==").decode("utf-8", errors="replace")
    try:
        with ZipFile(io.BytesIO(data)) as inner:  # .npz
            for member in inner.namelist():
                yield from texts_in(member, inner.read(member))
    except BadZipFile:
        pass


def strings(value: object) -> Iterator[str]:
    """Every string in a notebook; a list of lines is one, as nbformat has it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield "".join(value)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from strings(item)


def leaks(archive: Path) -> dict[str, set[str]]:
    """The secret lines in the archive by file."""
    short = {line for line in secrets() if len(line) < LONG}
    long = sorted(secrets() - short)
    found: dict[str, set[str]] = {}
    with ZipFile(archive) as packed:
        for name in packed.namelist():
            there: set[str] = set()
            for text in texts_in(name, packed.read(name)):
                flat = " ".join(text.split())
                there |= {line for line in long if line in flat} | (short & lines([text]))
            if there:
                found[name.removeprefix("gentutor/")] = there
    return found


# ------------------------------------------------------------------------------------------------ the release


def call(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["release", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """The archive of all units."""
    out = tmp_path_factory.mktemp("all")
    status, said = call("--all", "--out", str(out))
    assert status == 0, said
    (archive,) = out.glob("*.zip")
    assert str(archive) in said
    return archive


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> Path:
    """The archive of unit 01."""
    out = tmp_path_factory.mktemp("first")
    status, said = call("01", "--out", str(out))
    assert status == 0, said
    return out / "gentutor-01.zip"


def names(archive: Path) -> set[str]:
    with ZipFile(archive) as packed:
        found = packed.namelist()
    assert all(name.startswith("gentutor/") for name in found)
    return {name.removeprefix("gentutor/") for name in found}


def test_nothing_secret_is_in_it(whole):
    assert len(secrets()) > 100 * len(UNITS)
    assert leaks(whole) == SHOWN, "an answer leaks; or, if students see that line anyway, say why in SHOWN"


def a_secret(unit: str, marker: str) -> str:
    """The longest line between these markers in the unit's source: none that is shown anyway is as long."""
    cells = nbformat.read(ROOT / "solutions" / unit / f"{unit}.ipynb", as_version=4).cells
    blocks = [block for cell in cells for kind, block in MARKED.findall(cell.source) if kind == marker]
    return max(lines(blocks) & secrets(), key=len)


def in_an_output(notebook: nbformat.NotebookNode, line: str) -> None:
    coloured = "".join(f"<b>{html.escape(part)}</b>" for part in re.split(r"\b", line))
    notebook.cells[-1] = nbformat.v4.new_code_cell(
        "1", outputs=[nbformat.v4.new_output("display_data", {"text/html": coloured})]
    )


def in_an_attachment(notebook: nbformat.NotebookNode, line: str) -> None:
    notebook.cells[0].attachments = {"a.png": {"image/png": base64.b64encode(line.encode()).decode()}}


def in_metadata(notebook: nbformat.NotebookNode, line: str) -> None:
    notebook.cells[0].metadata["note"] = {"old": [f"{line}\n", "more"]}


@pytest.mark.parametrize("place", [in_an_output, in_an_attachment, in_metadata])
@pytest.mark.parametrize("marker", ["SOLUTION", "HIDDEN TESTS"])
def test_a_planted_leak_in_a_lecture_is_found(first, tmp_path, place, marker):
    line, name = a_secret("01_pca", marker), "course/01_pca.ipynb"
    with ZipFile(first) as packed:
        notebook = nbformat.reads(packed.read(f"gentutor/{name}").decode(), as_version=4)
    place(notebook, line)
    with ZipFile(tmp_path / "leaky.zip", "w") as leaky:
        leaky.writestr(f"gentutor/{name}", nbformat.writes(notebook))
    assert line in leaks(tmp_path / "leaky.zip")[name]


def test_a_planted_leak_in_another_file_is_found(tmp_path):
    words = next(line for line in secrets() if line.startswith("**Rubric.**"))
    planted = answers_of("01_pca")["fit"][0].source
    arrays = io.BytesIO()
    np.savez_compressed(arrays, note=np.frombuffer(words.encode(), np.uint8))
    with ZipFile(tmp_path / "leaky.zip", "w") as leaky:
        leaky.writestr("gentutor/gentutor/data/digits.npz", arrays.getvalue())
        leaky.writestr("gentutor/gentutor/check/call.py", f"if True:\n{planted}")
        leaky.writestr("gentutor/docs/students.md", "An answer is\n\n    return -0.2, -0.35\n")
        leaky.writestr(
            "gentutor/labs/01_pca/01_pca.ipynb", (ROOT / "solutions/01_pca/01_pca.ipynb").read_text()
        )
    found = leaks(tmp_path / "leaky.zip")
    assert found.keys() >= {"gentutor/data/digits.npz", "gentutor/check/call.py", "docs/students.md"}
    assert len(found["labs/01_pca/01_pca.ipynb"]) > 20


def test_only_what_students_need_is_in_it(whole):
    found = names(whole)
    tops = {name.partition("/")[0] for name in found}
    assert tops == {
        *("course", "docs", "gentutor", "labs", "tools"),
        *("LICENSE", "Makefile", "README.md", "constraints.txt", "environment.yml", "pyproject.toml"),
    }
    assert {name for name in found if name.startswith("tools/")} == {"tools/system-packages"}
    assert found.isdisjoint({"docs/instructors.md", "docs/maintainers.md"})
    assert not [name for name in found if "__pycache__" in name or "/." in name or "solution" in name]
    notebooks = {name for name in found if name.endswith(".ipynb")}
    lectures = {f"course/{name}.ipynb" for name in ["index", "lectures_checked", *UNITS]}
    assert notebooks == lectures | {f"labs/{unit}/{unit}.ipynb" for unit in UNITS}
    with ZipFile(whole) as packed:
        for unit in UNITS:  # byte for byte: a student's copy is known again by its text
            lab = f"labs/{unit}/{unit}.ipynb"
            assert packed.read(f"gentutor/{lab}") == (ROOT / lab).read_bytes()


def test_the_whole_package_is_in_it(whole):
    listed = subprocess.run(
        ["git", "ls-files", "gentutor"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert len(listed) > 100
    assert {name for name in listed if (ROOT / name).exists()} <= names(whole)


def test_of_one_unit_it_has_that_lab_and_that_lecture_alone(first):
    found = names(first)
    assert {name for name in found if name.startswith("labs/")} == {"labs/01_pca/01_pca.ipynb"}
    lectures = {name for name in found if name.startswith("course/0")}
    assert lectures == {"course/01_pca.ipynb"}
    with ZipFile(first) as packed:
        index = packed.read("gentutor/course/index.ipynb").decode()
    assert "01_pca" in index
    assert "03_elbo" not in index
    assert "lectures_checked" in index


@pytest.mark.parametrize("which", ["whole", "first"])
def test_no_link_leads_nowhere(which, request):
    archive = request.getfixturevalue(which)
    found, seen = names(archive), 0
    with ZipFile(archive) as packed:
        for name in found:
            text = packed.read(f"gentutor/{name}").decode() if name.endswith((".md", ".ipynb")) else ""
            if name.endswith(".ipynb"):
                cells = nbformat.reads(text, as_version=4).cells
                text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
            for link in LINK.findall(text):
                target = link.partition("#")[0]
                if target and not re.match(r"[a-z]+:", target):
                    file = Path(os.path.normpath(Path(name).parent / target)).as_posix()
                    assert re.sub("^work/", "labs/", file) in found, f"{name}: {link}"
                    seen += 1
    assert seen > 10


def test_the_folder_is_the_archive_unpacked_and_the_next_one_takes_its_place_with_the_same_bytes(first):
    before = first.read_bytes()
    folder = first.with_suffix("")
    (folder / "README.md").write_text("spoilt")
    status, _ = call("pca", "--out", str(first.parent))
    assert status == 0
    assert first.read_bytes() == before
    with ZipFile(first) as packed:
        unpacked = {name.removeprefix("gentutor/"): packed.read(name) for name in packed.namelist()}
    assert {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    } == unpacked
    assert sorted(path.name for path in first.parent.iterdir()) == ["gentutor-01", "gentutor-01.zip"]


def test_a_folder_with_other_files_is_left_alone(tmp_path):
    (tmp_path / "gentutor-01" / "notes").mkdir(parents=True)
    own = tmp_path / "gentutor-01" / "notes" / "mine.txt"
    own.write_text("mine")
    status, said = call("01", "--out", str(tmp_path))
    assert status == 1
    assert "notes/mine.txt" in said
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [own]


# ----------------------------------------------------------------------------------------------- in its place


@pytest.fixture(scope="module")
def unpacked(first, tmp_path_factory) -> Path:
    """The folder as a student has it."""
    home = tmp_path_factory.mktemp("home of a student")
    with ZipFile(first) as packed:
        packed.extractall(home)
    return home / "gentutor"


def in_place(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`gentutor ARGUMENTS`, run from the unpacked package."""
    program = "import sys; from gentutor.cli import main; main(sys.argv[1:], prog_name='gentutor')"
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_a_student_opens_and_runs_the_lab(unpacked, monkeypatch):
    run = in_place(unpacked, "lab", "01", "--no-open")
    copy = unpacked / "work" / "01_pca" / "01_pca.ipynb"
    assert (run.returncode, run.stdout) == (0, f"{copy}\n"), run.stderr
    notebook = nbformat.read(copy, as_version=4)
    asked = nbformat.v4.new_code_cell("import gentutor; print(gentutor.__file__)")
    notebook.cells.append(asked)
    monkeypatch.setenv("PYTHONPATH", str(unpacked))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(copy.parent)}})
    client.execute()  # raises where a cell fails that does not wait for an answer
    assert asked.outputs[0].text == f"{unpacked / 'gentutor' / '__init__.py'}\n"
    shown = json.dumps([cell.outputs for cell in notebook.cells if cell.cell_type == "code"])
    assert "not written yet" in shown
    assert "image/png" in shown


def test_the_doctor_finds_the_labs_and_the_digits(unpacked):
    said = in_place(unpacked, "doctor").stdout
    assert re.search(r"^ok +labs +01_pca$", said, re.MULTILINE)
    assert re.search(r"^ok +digits +", said, re.MULTILINE)


def test_there_no_release_can_be_made(unpacked):
    run = in_place(unpacked, "release", "01")
    assert run.returncode == 1
    assert "instructors' clone" in run.stderr
    assert not (unpacked / "build").exists()


# -------------------------------------------------------------------------------------------- what is refused


@pytest.fixture
def clone(tmp_path, monkeypatch) -> Path:
    """A clone that may be spoilt, with two units."""
    for name in ("gentutor", "course", "docs", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for unit in UNITS[:2]:
        for name in ("labs", "solutions"):
            shutil.copytree(ROOT / name / unit, tmp_path / name / unit)
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    monkeypatch.setattr(units, "PACKAGE", tmp_path / "gentutor")
    return tmp_path


def test_labs_that_are_not_what_solutions_release_are_refused(clone):
    lab = clone / "labs" / "01_pca" / "01_pca.ipynb"
    shutil.copy(lab, lab.with_name("solved.ipynb"))
    source = clone / "solutions" / "01_pca" / "01_pca.ipynb"
    source.write_text(source.read_text(encoding="utf-8").replace("Codes (n, r)", "Codes Y (n, r)"))
    status, said = call("--all")
    assert status == 1
    assert "labs/01_pca/01_pca.ipynb, labs/01_pca/solved.ipynb. Run `make labs`" in said
    assert UNITS[1] not in said
    assert not (clone / "build" / "release").exists()


def test_data_beside_a_lab_and_the_lecture_to_which_it_links_come_with_it(clone):
    for name in ("labs", "solutions"):
        (clone / name / "01_pca" / "codes.csv").write_text("1,2\n")
        path = clone / name / "01_pca" / "01_pca.ipynb"
        notebook = nbformat.read(path, as_version=4)
        notebook.cells[0].source += f"\nMore in [another unit](../../course/{UNITS[1]}.ipynb)."
        nbformat.write(notebook, path)
    status, said = call("01")
    assert status == 0, said
    found = names(clone / "build" / "release" / "gentutor-01.zip")
    assert {"labs/01_pca/codes.csv", f"course/{UNITS[1]}.ipynb"} <= found
    assert f"labs/{UNITS[1]}/{UNITS[1]}.ipynb" not in found


@pytest.mark.parametrize(
    ("arguments", "status", "told"),
    [
        ([], 2, "--all"),
        (["01", "--all"], 2, "--all"),
        (["02x"], 1, "no unit '02x'"),
    ],
)
def test_what_is_asked_wrongly_is_said(arguments, status, told, tmp_path):
    found, said = call(*arguments, "--out", str(tmp_path))
    assert found == status
    assert told in said
    assert list(tmp_path.iterdir()) == []
