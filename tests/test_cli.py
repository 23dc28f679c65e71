"""The `gentutor` command, on a course of two small labs in a temporary folder."""

import math
import os
import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
import torch
from click.testing import CliRunner, Result
from nbformat import v4

from gentutor import data, doctor, jupyter, units, weights
from gentutor.cli import main
from gentutor.data import available, load
from gentutor.models import ddpm, gan, samplers, vae
from gentutor.recipes import ddpm as ddpm_recipes
from gentutor.recipes import pictures
from gentutor.recipes import vae as recipes

ANSWER = {"grade": False, "solution": True, "locked": False, "grade_id": "fit", "schema_version": 3}


def release(labs: Path, name: str, title: str = "# Lab") -> None:
    answer = v4.new_code_cell("# YOUR CODE HERE", id="fit", metadata={"nbgrader": ANSWER})
    path = labs / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(v4.new_notebook(cells=[v4.new_markdown_cell(title, id="title"), answer]), path)


def answer(path: Path, text: str) -> None:
    nb = nbformat.read(path, 4)
    nb.cells[1].source = text
    nbformat.write(nb, path)


@pytest.fixture
def clone(tmp_path, monkeypatch) -> Path:
    """A clone of the course, as seen by the package inside it."""
    release(tmp_path / "labs", "01_pca")
    release(tmp_path / "labs", "08_wgan_gp")
    (tmp_path / "course").mkdir()
    nbformat.write(v4.new_notebook(), tmp_path / "course" / "index.ipynb")
    monkeypatch.setattr(units, "PACKAGE", tmp_path / "gentutor")
    return tmp_path


@pytest.fixture
def wheel(tmp_path, monkeypatch) -> Path:
    """An installed package without a clone; returns the student's current folder."""
    release(tmp_path / "site-packages" / "gentutor" / "labs", "01_pca")
    monkeypatch.setattr(units, "PACKAGE", tmp_path / "site-packages" / "gentutor")
    here = tmp_path / "home"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def started(monkeypatch) -> list[tuple[list[str], Path]]:
    """What would be started: the real start is in test_jupyter.py."""
    lines: list[tuple[list[str], Path]] = []

    def run(line: list[str], root: Path) -> int:
        lines.append((line, root))
        return 0

    monkeypatch.setattr(jupyter, "run", run)
    return lines


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


@pytest.mark.parametrize(
    "command",
    [
        [],
        *(["lab"], ["doctor"], ["derive"], ["release"]),
        *(["train", family] for family in ("vae", "gan", "wgan", "ddpm", "classifier")),
    ],
)
def test_help_has_examples_within_80_columns(command):
    result = call(*command, "--help")
    assert result.exit_code == 0
    assert "  Examples:\n    gentutor" in result.output
    assert max(map(len, result.output.splitlines())) <= 80


def test_lab_makes_the_copy_once_and_opens_it(clone, started):
    path = clone / "work" / "01_pca" / "01_pca.ipynb"
    first = call("lab", "01")
    assert first.exit_code == 0
    assert f"Made your own copy of lab 01_pca: {path}" in first.stderr
    answer(path, "my answer")
    before = path.read_bytes()

    second = call("lab", "pca")

    assert (second.exit_code, second.output) == (0, "")
    assert path.read_bytes() == before
    for line, root in started:
        assert root == clone
        assert "--LabApp.default_url=/lab/tree/work/01_pca/01_pca.ipynb" in line


def test_no_open_prints_the_path_alone_on_stdout(clone, started):
    for _ in range(2):
        assert call("lab", "1", "--no-open").stdout == f"{clone / 'work' / '01_pca' / '01_pca.ipynb'}\n"
    assert started == []


def test_without_a_unit_all_copies_are_made_and_the_index_is_opened(clone, started):
    result = call("lab")
    assert result.exit_code == 0
    assert sorted(p.name for p in (clone / "work").rglob("*.ipynb")) == ["01_pca.ipynb", "08_wgan_gp.ipynb"]
    ((line, root),) = started
    assert root == clone
    assert "--LabApp.default_url=/lab/tree/course/index.ipynb" in line


def test_a_copy_behind_its_release_is_said_and_left_alone(clone, started):
    call("lab", "--no-open")
    path = clone / "work" / "01_pca" / "01_pca.ipynb"
    answer(path, "my answer")
    before = path.read_bytes()
    release(clone / "labs", "01_pca", "# Lab, better")

    result = call("lab")

    assert "changed since your copy was made" in result.stderr
    assert "gentutor lab 01 --update" in result.stderr
    assert "08" not in result.stderr
    assert path.read_bytes() == before
    assert len(started) == 1


def test_update_carries_the_answer_and_keeps_the_old_file(clone, started):
    call("lab", "--no-open")
    path = clone / "work" / "01_pca" / "01_pca.ipynb"
    answer(path, "my answer")
    before = path.read_bytes()
    release(clone / "labs", "01_pca", "# Lab, better")

    result = call("lab", "01", "--update")

    assert [c.source for c in nbformat.read(path, 4).cells] == ["# Lab, better", "my answer"]
    assert path.with_name("01_pca.before-update.ipynb").read_bytes() == before
    assert "Answers carried over: fit" in result.stderr
    assert "01_pca.before-update.ipynb" in result.stderr
    assert "up to date" in call("lab", "01", "--update").stderr
    assert len(list(path.parent.iterdir())) == 2


def test_a_copy_of_unknown_release_is_said_and_can_be_updated(clone, started):
    call("lab", "01", "--no-open")
    path = clone / "work" / "01_pca" / "01_pca.ipynb"
    nb = nbformat.read(path, 4)
    del nb.metadata["gentutor"]
    nb.cells[1].source = "my answer"
    nbformat.write(nb, path)
    assert "does not say which release" in call("lab", "01").stderr
    assert "Answers carried over: fit" in call("lab", "01", "--update").stderr
    assert call("lab", "01").stderr == ""


def test_a_broken_copy_is_an_error_by_its_name_and_a_warning_among_all(clone, started):
    call("lab", "--no-open")
    path = clone / "work" / "01_pca" / "01_pca.ipynb"
    path.write_text("{")
    alone = call("lab", "01")
    assert alone.exit_code == 1
    assert str(path) in alone.stderr
    assert "rename" in alone.stderr
    assert started == []
    among_all = call("lab")
    assert among_all.exit_code == 0
    assert str(path) in among_all.stderr
    assert len(started) == 1
    assert path.read_text() == "{"


def test_a_wheel_takes_its_own_labs_into_the_current_folder(wheel, started):
    assert call("lab", "01").exit_code == 0
    assert (wheel / "work" / "01_pca" / "01_pca.ipynb").exists()
    assert started[0][1] == wheel


def test_a_wheel_without_a_unit_lists_them(wheel, started):
    result = call("lab")
    assert result.exit_code == 2
    assert "Name a UNIT" in result.stderr
    assert "01_pca" in result.stderr
    assert list(wheel.iterdir()) == []


def test_a_folder_of_ones_own(clone, started, tmp_path):
    assert call("lab", "01", "--folder", str(tmp_path / "mine")).exit_code == 0
    assert (tmp_path / "mine" / "work" / "01_pca" / "01_pca.ipynb").exists()
    assert started[0][1] == tmp_path / "mine"


def test_unknown_unit_suggests_and_lists(clone):
    result = call("lab", "pac")
    assert result.exit_code == 1
    assert "Did you mean pca?" in result.stderr
    assert "01_pca, 08_wgan_gp" in result.stderr


@pytest.mark.parametrize("unit", [["01"], []])
def test_options_after_two_dashes_go_to_jupyter(clone, started, unit):
    assert call("lab", *unit, "--notebook", "--no-browser", "--", "--port", "9999").exit_code == 0
    ((line, _),) = started
    assert line[-2:] == ["--port", "9999"]
    assert "notebook" in line
    assert "--no-browser" in line


def test_a_second_unit_is_an_error(clone, started):
    result = call("lab", "01", "08")
    assert result.exit_code == 2
    assert "at most one UNIT" in result.stderr


def test_a_folder_that_cannot_be_made_is_a_sentence(clone):
    (clone / "work").write_text("a file where the folder should be")
    result = call("lab", "01")
    assert result.exit_code == 1
    assert "work" in result.stderr


def test_the_exit_status_is_jupyters(clone, monkeypatch):
    monkeypatch.setattr(jupyter, "run", lambda line, root: 3)
    result = call("lab", "01")
    assert result.exit_code == 3
    assert "gentutor doctor" in result.stderr


@pytest.mark.parametrize(
    ("needed", "status", "verdict"), [(True, 1, "cannot run"), (False, 0, "Labs can run")]
)
def test_doctors_exit_status_says_whether_labs_can_run(monkeypatch, needed, status, verdict):
    def look() -> str:
        raise doctor.Missing("not there")

    monkeypatch.setattr(
        doctor, "all_checks", lambda: [doctor.Check("thing", look, needed, "this", "do that")]
    )
    result = call("doctor")
    assert result.exit_code == status
    assert verdict in result.output


CHAIN = r"""\begin{align*}
\log p(x) &= \log \int p(x|z) p(z) \, dz \\
 &\geq \mathbb{E}_{q(z|x)} \log p(x|z) - KL(q(z|x) \| p(z))
\end{align*}
"""


@pytest.fixture
def chain(tmp_path) -> Path:
    path = tmp_path / "chain.tex"
    path.write_text(CHAIN, encoding="utf-8")
    return path


def test_derive_shows_a_chain_that_holds(chain):
    result = call("derive", str(chain), "--setting", "vae")
    assert result.exit_code == 0
    assert [line[:10] for line in result.output.splitlines()[:2]] == ["1  ✓ holds", "2  ✓ holds"]
    assert "\nBoth lines hold.\n" in result.output
    assert "Read as" not in result.output
    assert "\033" not in result.output
    assert call("derive", str(chain), "--setting", "vae", "--readings").output.count("Read as") == 2


def test_derive_names_the_line_that_fails_and_reads_what_is_piped_in():
    wrong = CHAIN.replace("p(z))", "p(z|x))")
    result = CliRunner().invoke(main, ["derive", "-", "--setting", "vae"], input=wrong)
    assert result.exit_code == 1
    assert "Line 2 does not follow." in result.output
    assert "belongs here" in result.output


@pytest.mark.parametrize("text", ["", "raise NotImplementedError()", "x"])
def test_a_chain_without_a_step_is_not_ok(text):
    assert CliRunner().invoke(main, ["derive", "-", "--setting", "vae"], input=text).exit_code == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--setting", "vea"], "Did you mean 'vae'?"),
        ([], "Missing option '--setting'"),
    ],
)
def test_derive_says_what_it_expected(chain, arguments, said):
    result = call("derive", str(chain), *arguments)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_file_that_is_not_there_or_no_text_is_bad_usage(tmp_path):
    assert call("derive", str(tmp_path / "none"), "--setting", "vae").exit_code == 2
    (tmp_path / "picture").write_bytes(b"\xff\xd8\xff")
    result = call("derive", str(tmp_path / "picture"), "--setting", "vae")
    assert result.exit_code == 2
    assert "no text in UTF-8" in result.stderr


def test_a_pipe_that_knows_no_check_mark_gets_the_words(chain):
    script = Path(sysconfig.get_path("scripts"), "gentutor")
    line = [script, "derive", chain, "--setting", "vae"]
    environment = os.environ | {"PYTHONIOENCODING": "cp1252"}
    said = subprocess.run(line, capture_output=True, check=True, env=environment)
    assert said.stdout.startswith(b"1  ? holds")


def test_the_installed_command_starts_without_what_is_slow():
    script = Path(sysconfig.get_path("scripts"), "gentutor")
    said = subprocess.run([script, "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("gentutor, version ")
    code = (
        "import sys; from gentutor.cli import main\n"
        "slow = {'torch', 'scipy', 'lark', 'nbformat', 'jupyterlab', 'jupyter_client'}\n"
        "try: main(['--help'])\n"
        "finally: print('\\nslow:', slow & {*sys.modules})"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "slow: set()" in said.stdout


def test_lab_does_not_import_torch(tmp_path):
    release(tmp_path / "labs", "01_pca")
    code = (
        "import sys, pathlib; from gentutor import units; from gentutor.cli import main\n"
        "units.PACKAGE = pathlib.Path.cwd()\n"
        "try: main(['lab', '01', '--no-open'])\n"
        "finally: print('torch' in sys.modules)"
    )
    line = [sys.executable, "-c", code]
    said = subprocess.run(line, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert said.stdout.splitlines() == [str(tmp_path / "work" / "01_pca" / "01_pca.ipynb"), "False"]


# ------------------------------------------------------------------------------------------- train


@pytest.fixture
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_train_writes_weights_with_the_record_of_the_run(somewhere):
    result = call("train", "vae", "digits-5", "--epochs", "2", "--seed", "3", "--device", "cpu")
    assert result.exit_code == 0, result.output
    model, record = vae.pretrained(somewhere / "vae_digits-5.safetensors")
    assert record["command"] == "gentutor train vae digits-5 --seed 3 --epochs 2"
    assert (record["seed"], record["model"]["k"], len(record["curve"])) == (3, 5, 2)
    elbo = record["figures"]["elbo"]
    assert f"elbo: {elbo} nats" in result.output
    X = load("digits", "test").x.flatten(1)
    with torch.no_grad():
        reconstruction, kl = model.elbo_terms(X, torch.randn(len(X), 5))
    assert abs(float((reconstruction - kl).mean()) - elbo) < 0.5
    assert list(somewhere.iterdir()) == [somewhere / "vae_digits-5.safetensors"]  # no checkpoint is left


def test_train_stops_cleanly_and_resumes(somewhere, interrupt_at):
    line = ["train", "vae", "digits-2", "--epochs", "4", "--device", "cpu"]
    assert call(*line, "--out", "whole.safetensors").exit_code == 0

    with interrupt_at(30), pytest.warns(UserWarning, match="interrupted after step 30"):
        stopped = call(*line, "--out", "run.safetensors")
    assert stopped.exit_code == 130
    assert "with --resume goes on" in stopped.stderr
    assert not (somewhere / "run.safetensors").exists()

    refused = call(*line, "--out", "run.safetensors")
    assert refused.exit_code == 2
    assert "run.checkpoint is there: go on from it by --resume, or remove it." in refused.stderr

    assert call(*line, "--out", "run.safetensors", "--resume").exit_code == 0
    whole, resumed = (weights.read(somewhere / f"{name}.safetensors") for name in ("whole", "run"))
    assert resumed[1]["curve"] == whole[1]["curve"]
    assert all(torch.equal(resumed[0][key], whole[0][key]) for key in whole[0])


def test_train_interrupted_while_it_measures_writes_no_figure(somewhere, monkeypatch):
    monkeypatch.setattr(recipes, "figures", lambda *_: {"negative_log_likelihood": math.nan})
    line = ["train", "vae", "digits-2", "--epochs", "2", "--device", "cpu"]
    assert call(*line).exit_code == 130
    assert not (somewhere / "vae_digits-2.safetensors").exists()
    monkeypatch.undo()
    monkeypatch.chdir(somewhere)
    assert call(*line, "--resume").exit_code == 0
    assert vae.pretrained("vae_digits-2.safetensors")[1]["seconds"] >= 0


def test_train_wgan_writes_stops_and_resumes(somewhere, interrupt_at):
    line = ["train", "wgan", "grid", "--steps", "30", "--seed", "3", "--device", "cpu"]
    assert call(*line, "--out", "whole.safetensors").exit_code == 0
    with interrupt_at(20), pytest.warns(UserWarning, match="interrupted after step 20"):
        assert call(*line).exit_code == 130
    result = call(*line, "--resume")
    assert result.exit_code == 0
    G, record = gan.pretrained(somewhere / "wgan_grid.safetensors")
    assert record["command"] == "gentutor train wgan grid --seed 3 --steps 30"
    assert f"modes: {record['figures']['modes']}\n" in result.output
    assert torch.equal(G.sample(9), gan.pretrained(somewhere / "whole.safetensors")[0].sample(9))
    assert not (somewhere / "wgan_grid.checkpoint").exists()


@pytest.mark.skipif(not available("mnist"), reason="mnist is not here; $GENTUTOR_DATA names where it lies")
def test_train_gan_measures_what_it_made(somewhere, monkeypatch):
    monkeypatch.setattr(pictures, "NUMBER", 500)
    result = call("train", "gan", "mnist", "--steps", "2", "--device", "cpu")
    assert result.exit_code == 0, result.output
    G, record = gan.pretrained("gan_mnist.safetensors")
    assert G.sample(2).shape == (2, 1, 28, 28)
    assert record["figures"]["frechet"] > record["figures"]["frechet_test"]
    assert f"frechet: {record['figures']['frechet']}" in result.output


@pytest.fixture
def small_ddpm(somewhere, monkeypatch):
    """The recipe of `gentutor train ddpm mnist` with a small network, few samples, and noise for digits."""
    recipe = ddpm_recipes.RECIPES["mnist"]
    small = replace(
        recipe,
        model={"widths": (8,), "blocks": (1,), "patch": 4},
        training=recipe.training | {"steps": 6, "batch_size": 4},
        sampling=recipe.sampling | {"steps": 10},
    )
    monkeypatch.setitem(ddpm_recipes.RECIPES, "mnist", small)
    monkeypatch.setattr(pictures, "NUMBER", 40)

    def load(name, split="train"):
        x = torch.rand(80, 1, 28, 28, generator=torch.Generator().manual_seed(len(split)))
        return data.Dataset(name, x, torch.zeros(80, dtype=torch.int64), ("0",))

    monkeypatch.setattr(data, "load", load)
    return ["train", "ddpm", "mnist", "--seed", "3", "--device", "cpu"]


def test_train_ddpm_writes_stops_and_resumes(small_ddpm, somewhere, interrupt_at):
    result = call(*small_ddpm, "--out", "whole.safetensors")
    assert result.exit_code == 0, result.output
    with interrupt_at(4), pytest.warns(UserWarning, match="DDPM: interrupted after step 4 of 6"):
        stopped = call(*small_ddpm)
    assert stopped.exit_code == 130
    assert "with --resume goes on" in stopped.stderr
    assert not (somewhere / "ddpm_mnist.safetensors").exists()
    assert "ddpm_mnist.checkpoint is there: go on from it by --resume" in call(*small_ddpm).stderr
    assert call(*small_ddpm, "--resume").exit_code == 0

    (kept, record), (whole, other) = (weights.read(f"{name}.safetensors") for name in ("ddpm_mnist", "whole"))
    assert all(torch.equal(kept[key], whole[key]) for key in whole)
    assert record["curve"] == other["curve"]
    assert record["command"] == "gentutor train ddpm mnist --seed 3"
    assert f"  frechet: {other['figures']['frechet']}\n" in result.output
    assert set(record["quality"]) == {"ddpm", "gan", "vae", "test", "gaussian", "noise"}
    assert (kept["samples"].shape, kept["chains"].shape) == ((40, 1, 28, 28), (2, 11, 16, 1, 28, 28))
    assert torch.equal(kept["chains"][0, -1], kept["samples"][:16])
    network, schedule, _ = ddpm.pretrained(somewhere / "ddpm_mnist.safetensors")
    assert network(torch.zeros(2, 1, 28, 28), torch.tensor([1, schedule.T])).shape == (2, 1, 28, 28)
    assert not (somewhere / "ddpm_mnist.checkpoint").exists()


def test_train_ddpm_interrupted_while_it_samples_keeps_what_it_learned(small_ddpm, somewhere, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(samplers, "ancestral", interrupted)
        stopped = call(*small_ddpm, "--steps", "2")
    assert stopped.exit_code == 130
    assert "with --resume goes on" in stopped.stderr
    assert [path.name for path in somewhere.iterdir()] == ["ddpm_mnist.checkpoint"]
    monkeypatch.setattr(ddpm, "simple_loss", interrupted)  # nothing is learned anew
    assert call(*small_ddpm, "--steps", "2", "--resume").exit_code == 0
    assert weights.read("ddpm_mnist.safetensors")[1]["command"].endswith("--seed 3 --steps 2")


def test_train_ddpm_stops_at_a_loss_that_is_none(small_ddpm, somewhere):
    recipe = ddpm_recipes.RECIPES["mnist"]
    ddpm_recipes.RECIPES["mnist"] = replace(recipe, training=recipe.training | {"lr": math.inf})
    result = call(*small_ddpm)
    assert result.exit_code == 1
    assert "Error: DDPM: the loss is not finite from step 1 on" in result.stderr
    assert list(somewhere.iterdir()) == []


@pytest.mark.parametrize("family", ["gan", "wgan", "ddpm", "classifier"])
def test_train_names_the_recipes_that_there_are(family, somewhere):
    result = call("train", family, "cats")
    assert result.exit_code == 2
    assert "There is no recipe 'cats'. There are " in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["mnist-3"], "There is no recipe 'mnist-3'. There are mnist-50, mnist-2, digits-2"),
        (["digits-2", "--device", "abacus"], "abacus"),
        (["digits-2", "--epochs", "0"], "--epochs"),
    ],
)
def test_train_says_what_is_wrong(arguments, message, somewhere):
    result = call("train", "vae", *arguments)
    assert result.exit_code != 0
    assert message in result.stderr
    assert list(somewhere.iterdir()) == []
