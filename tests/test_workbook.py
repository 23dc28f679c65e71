"""The student's own copy of a lab: nothing of the student's is ever lost."""

import json
import random
import threading
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode, v4

from gentutor import workbook
from gentutor.units import Unit

STUB = "# YOUR CODE HERE\nraise NotImplementedError()"
KINDS = {  # nbgrader's metadata of the released cells
    "answer": {"grade": False, "solution": True, "locked": False},
    "words": {"grade": True, "solution": True, "locked": False, "points": 2},
    "test": {"grade": True, "solution": False, "locked": True, "points": 1},
}


def cell(name: str, source: str, kind: str = "given", code: bool = True) -> NotebookNode:
    new = (v4.new_code_cell if code and kind != "words" else v4.new_markdown_cell)(source, id=f"id-{name}")
    if kind in KINDS:
        new.metadata["nbgrader"] = KINDS[kind] | {"grade_id": name, "schema_version": 3}
    return new


def twin(original: NotebookNode, **changes: str) -> NotebookNode:
    new = deepcopy(original)
    new.update(changes)
    return new


def notebook(*cells: NotebookNode) -> NotebookNode:
    return v4.new_notebook(cells=deepcopy(list(cells)))


RELEASE = notebook(
    cell("intro", "# PCA", code=False),
    cell("setup", "import torch"),
    cell("fit", f"def fit(x):\n    {STUB}", "answer"),
    cell("test-fit", "assert fit(1)", "test"),
    cell("plot", "plot(x)"),
    cell("encode", f"def encode(x):\n    {STUB}", "answer"),
    cell("test-encode", "assert encode(1)", "test"),
    cell("why", "*Your words here.*", "words"),
)


def sources(nb: NotebookNode) -> list[str]:
    return [c.source for c in nb.cells]


def by_id(nb: NotebookNode, name: str) -> NotebookNode:
    return next(c for c in nb.cells if c.id == f"id-{name}")


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    lab = tmp_path / "labs" / "01_pca" / "01_pca.ipynb"
    lab.parent.mkdir(parents=True)
    nbformat.write(RELEASE, lab)
    return Unit("01", "pca", lab)


@pytest.fixture
def copy(unit: Unit, tmp_path: Path) -> Path:
    path = workbook.path_of(unit, tmp_path)
    workbook.create(path, unit)
    return path


def edit(path: Path, **texts: str) -> None:
    """What the student does in JupyterLab: write into cells, and save."""
    nb = nbformat.read(path, 4)
    for name, text in texts.items():
        by_id(nb, name).source = text
    nbformat.write(nb, path)


def release_anew(unit: Unit, **texts: str) -> None:
    nb = deepcopy(RELEASE)
    for name, text in texts.items():
        by_id(nb, name).source = text
    nbformat.write(nb, unit.lab)


def test_the_copy_is_the_release_and_says_of_which(copy, unit, tmp_path):
    assert copy == tmp_path / "work" / "01_pca" / "01_pca.ipynb"
    made = nbformat.read(copy, 4)
    nbformat.validate(made)
    assert made.cells == RELEASE.cells
    assert made.metadata.gentutor.unit == "01_pca"
    assert workbook.state(copy, unit) == "current"
    assert [p.name for p in copy.parent.iterdir()] == ["01_pca.ipynb"]  # no temporary file is left


def test_a_copy_is_never_overwritten(copy, unit):
    edit(copy, fit="answer")
    before = copy.read_bytes()
    with pytest.raises(FileExistsError, match="not overwritten"):
        workbook.create(copy, unit)
    assert copy.read_bytes() == before


@pytest.mark.parametrize(
    "change",
    [
        lambda nb: nb.cells[1].update(source="import torch as t"),
        lambda nb: nb.cells.insert(2, cell("more", "y = 2")),
        lambda nb: nb.cells.pop(4),
        lambda nb: nb.cells[3].metadata.nbgrader.update(points=5),
        lambda nb: nb.cells[1].update(id="another"),
        lambda nb: nb.cells.reverse(),
    ],
)
def test_any_change_of_the_release_is_seen(copy, unit, change):
    nb = deepcopy(RELEASE)
    change(nb)
    nbformat.write(nb, unit.lab)
    assert workbook.state(copy, unit) == "behind"


def test_the_students_work_does_not_make_the_copy_behind(copy, unit):
    edit(copy, fit="def fit(x): return x", setup="import os")
    assert workbook.state(copy, unit) == "current"


def test_the_states_of_a_copy_that_is_absent_or_says_nothing(copy, unit):
    nb = nbformat.read(copy, 4)
    del nb.metadata["gentutor"]
    nbformat.write(nb, copy)
    assert workbook.state(copy, unit) == "unknown"
    copy.unlink()
    assert workbook.state(copy, unit) == "absent"


def test_update_carries_the_answers_and_keeps_every_old_file(copy, unit):
    edit(copy, fit="def fit(x): return x", why="Because.")
    old = copy.read_bytes()
    release_anew(unit, intro="# PCA, once more", encode="# a new stub")

    carried, kept = workbook.update(copy, unit)

    assert kept.name == "01_pca.before-update.ipynb"
    assert kept.read_bytes() == old
    new = nbformat.read(copy, 4)
    nbformat.validate(new)
    assert by_id(new, "fit").source == "def fit(x): return x"
    assert by_id(new, "why").source == "Because."
    assert by_id(new, "intro").source == "# PCA, once more"
    assert by_id(new, "encode").source == "# a new stub"  # the old stub was no answer
    assert carried == workbook.Carried(answers=["fit", "why"])
    assert workbook.state(copy, unit) == "current"

    release_anew(unit)
    assert workbook.update(copy, unit)[1].name == "01_pca.before-update-2.ipynb"
    assert kept.read_bytes() == old
    assert by_id(nbformat.read(copy, 4), "fit").source == "def fit(x): return x"


def test_only_what_the_student_edited_is_reported_as_edited(copy, unit):
    edit(copy, setup="import torch, os")
    release_anew(unit, setup="import torch, math", plot="plot(x, y)")
    carried, _ = workbook.update(copy, unit)
    assert [c.source for c in carried.edited] == ["import torch, os"]
    assert "import torch, os" in " ".join(carried.sentences())


def test_what_the_release_dropped_goes_where_the_student_left_it_as_it_was(copy, unit):
    edit(copy, **{"test-encode": "assert encode(2)"})
    smaller = notebook(*[c for c in RELEASE.cells if not c.id.endswith(("plot", "test-encode"))])
    nbformat.write(smaller, unit.lab)
    carried, _ = workbook.update(copy, unit)
    assert [c.source for c in carried.extra] == ["assert encode(2)"]
    assert sources(nbformat.read(copy, 4)) == [
        *sources(smaller)[:-1],
        "assert encode(2)",
        sources(smaller)[-1],
    ]


def test_a_copy_of_an_old_stub_is_no_answer(copy, unit):
    nb = nbformat.read(copy, 4)
    nb.cells.insert(2, twin(by_id(nb, "fit"), id="pasted"))
    nbformat.write(nb, copy)
    release_anew(unit, fit="# a new stub")
    carried, _ = workbook.update(copy, unit)
    assert carried == workbook.Carried()
    assert by_id(nbformat.read(copy, 4), "fit").source == "# a new stub"


def test_a_failed_update_leaves_the_copy_as_it_was(copy, unit, monkeypatch):
    edit(copy, fit="my answer")
    before = copy.read_bytes()
    release_anew(unit, intro="# new")

    def disk_full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workbook.os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space"):
        workbook.update(copy, unit)
    assert copy.read_bytes() == before
    assert not [p for p in copy.parent.iterdir() if "before-update" not in p.name and p != copy]


def test_readers_see_the_old_file_or_the_new_one_and_nothing_between(copy, unit):
    done = threading.Event()
    broken: list[Exception] = []

    def read_all_the_time() -> None:
        while not done.is_set():
            try:
                json.loads(copy.read_text(encoding="utf-8"))
            except Exception as error:
                broken.append(error)

    reader = threading.Thread(target=read_all_the_time)
    reader.start()
    try:
        for n in range(20):
            release_anew(unit, intro=f"# {n}")
            workbook.update(copy, unit)
    finally:
        done.set()
        reader.join()
    assert not broken


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"cells": [], "metadata": {}}',
        b'{"nbformat": 3, "worksheets": [], "metadata": {}}',
        b'{"nbformat": 4, "metadata": {}, "cells": [{"cell_type": "code", "metadata": {}}]}',
        b'{"nbformat": 4, "metadata": {}, "cells": [{"source": "x = 1", "metadata": {}}]}',
        b'{"nbformat": 4, "metadata": [], "cells": []}',
        b'{"nbformat": 4, "metadata": {}, "cells": [3]}',
        b'{"nbformat": 4, "cells": ' + b"[" * 100_000,
    ],
)
def test_a_file_that_is_no_notebook_is_named_and_left_alone(copy, unit, content):
    copy.write_bytes(content)
    for use in (workbook.state, workbook.update):
        with pytest.raises(workbook.UnreadableNotebook) as error:
            use(copy, unit)
        assert str(copy) in str(error.value)
        assert "rename" in str(error.value)
    assert copy.read_bytes() == content
    assert len(list(copy.parent.iterdir())) == 1


def test_a_cut_off_copy_and_a_folder_in_its_place_are_unreadable(copy, unit):
    copy.write_bytes(copy.read_bytes()[:-200])
    with pytest.raises(workbook.UnreadableNotebook, match="cut off"):
        workbook.state(copy, unit)
    copy.unlink()
    copy.mkdir()
    with pytest.raises(workbook.UnreadableNotebook, match="Cannot read"):
        workbook.state(copy, unit)


# carry_answers: the pure part, on notebooks in memory; these students have no record of their release.


def carry(*cells: NotebookNode, into: NotebookNode = RELEASE) -> tuple[NotebookNode, workbook.Carried]:
    student = notebook(*cells)
    before = deepcopy((student, into))
    result, carried = workbook.carry_answers(student, into)
    assert (student, into) == before  # neither argument is changed
    nbformat.validate(result)
    return result, carried


def answer(name: str, source: str) -> NotebookNode:
    return cell(name, source, "words" if name == "why" else "answer")


def test_the_untouched_release_comes_back_as_it_is():
    result, carried = carry(*RELEASE.cells)
    assert result.cells == RELEASE.cells
    assert carried == workbook.Carried()


def test_answers_are_found_by_grade_id_where_cell_ids_were_lost():
    student = deepcopy(RELEASE)
    by_id(student, "fit").source = "my fit"
    by_id(student, "why").source = "my words"
    for lost in student.cells:
        del lost["id"]
    student.nbformat_minor = 4
    result, carried = workbook.carry_answers(student, RELEASE)
    assert by_id(result, "fit").source == "my fit"
    assert by_id(result, "why").source == "my words"
    assert len(result.cells) == len(RELEASE.cells)  # given cells without an id are known by their text
    assert carried.answers == ["fit", "why"]


def test_an_answer_whose_metadata_were_lost_is_found_by_cell_id():
    mine = answer("fit", "my fit")
    mine.metadata.clear()
    assert by_id(carry(mine)[0], "fit").source == "my fit"


def test_own_cells_stay_after_the_known_cell_that_they_followed():
    first, second, third, last = (
        v4.new_code_cell("mine 0", id="m0"),
        v4.new_markdown_cell("mine 1", id="m1"),
        v4.new_code_cell("mine 2", id="m2"),
        v4.new_raw_cell("mine 3", id="m3"),
    )
    second.metadata["tags"] = ["skip"]
    third.outputs = [v4.new_output("stream", text="output")]
    r = RELEASE.cells
    result, carried = carry(first, *r[:3], second, third, *r[3:], last)
    expected = sources(RELEASE)
    expected = ["mine 0", *expected[:3], "mine 1", "mine 2", *expected[3:], "mine 3"]
    assert sources(result) == expected
    own = [c for c in result.cells if c.source.startswith("mine")]
    assert [c.cell_type for c in own] == ["code", "markdown", "code", "raw"]
    assert [c.id for c in own] == ["m0", "m1", "m2", "m3"]
    assert all(c.metadata == {} and not c.get("outputs") for c in own)
    assert [c.source for c in carried.extra] == ["mine 0", "mine 1", "mine 2", "mine 3"]


def test_a_given_line_that_the_student_runs_again_is_the_students_own():
    again = v4.new_code_cell(by_id(RELEASE, "plot").source, id="again")
    assert sources(carry(*RELEASE.cells, again)[0]) == [*sources(RELEASE), "plot(x)"]


def test_the_first_answer_of_a_doubled_cell_counts_and_the_others_are_kept():
    stub = deepcopy(by_id(RELEASE, "fit"))
    one, two = answer("fit", "first"), answer("fit", "second")
    one.id, two.id = "copy-1", "copy-2"
    result, carried = carry(stub, one, two)
    at = sources(result).index("first")
    assert result.cells[at].id == "id-fit"
    assert result.cells[at + 1].source == "second"
    assert "nbgrader" not in result.cells[at + 1].metadata
    assert carried.answers == ["fit"]
    assert [c.source for c in carried.extra] == ["second"]


def test_an_answer_without_a_place_is_kept_with_a_note():
    smaller = notebook(*[c for c in RELEASE.cells if "encode" not in c.id])
    r = RELEASE.cells
    result, carried = carry(*r[:5], answer("encode", "my encode"), *r[6:], into=smaller)
    at = sources(result).index("my encode")
    assert "no place in the new release" in result.cells[at - 1].source
    assert result.cells[at - 1].cell_type == "markdown"
    assert result.cells[at - 2].id == "id-plot"
    assert [c.source for c in carried.homeless] == ["my encode"]
    assert "encode" in " ".join(carried.sentences())


def test_an_answer_that_became_a_given_cell_is_kept_with_a_note():
    solved = deepcopy(RELEASE)
    by_id(solved, "fit").update(source="def fit(x): return 1", metadata={})
    result, carried = carry(answer("fit", "my fit"), into=solved)
    assert by_id(result, "fit").source == "def fit(x): return 1"
    assert "my fit" in sources(result)
    assert [c.source for c in carried.homeless] == ["my fit"]


def test_an_edited_given_cell_gets_the_releases_text_and_is_reported():
    result, carried = carry(cell("test-fit", "assert True", "test"), cell("setup", "import os"))
    assert by_id(result, "test-fit").source == "assert fit(1)"
    assert [c.source for c in carried.edited] == ["assert True", "import os"]
    assert "assert True" not in sources(result)


def test_a_copy_of_a_test_cell_that_a_student_changed_is_the_students_own():
    mine = cell("test-fit", "print(fit(1))", "test")
    mine.id = "pasted"
    result, carried = carry(*RELEASE.cells[:4], mine, *RELEASE.cells[4:])
    assert sources(result).index("print(fit(1))") == 4
    assert "nbgrader" not in result.cells[4].metadata
    assert not carried.edited


def test_an_emptied_answer_is_no_answer():
    result, carried = carry(answer("fit", " \n"))
    assert by_id(result, "fit").source == by_id(RELEASE, "fit").source
    assert carried.answers == []


def test_pictures_pasted_into_words_go_along():
    picture = {"paper.png": {"image/png": "aGVsbG8="}}
    words, note = answer("why", "![](attachment:paper.png)"), v4.new_markdown_cell("a picture", id="own")
    words.attachments, note.attachments = picture, picture
    result, _ = carry(words, note)
    assert by_id(result, "why").attachments == picture
    assert result.cells[-1].attachments == picture


@pytest.mark.parametrize("junk", [None, 3, "x", [], ["a"], {"cells": 3}, {"cells": {"id-fit": [1]}}])
def test_metadata_that_a_student_spoilt_do_no_harm(junk):
    student = notebook(answer("fit", "my fit"), cell("own", "mine"))
    student.metadata["gentutor"] = junk
    student.cells[1].metadata["nbgrader"] = junk
    result, _ = workbook.carry_answers(student, RELEASE)
    assert by_id(result, "fit").source == "my fit"
    assert "mine" in sources(result)


def vandal(rng: random.Random, nb: NotebookNode) -> None:
    """One of the things that students, editors and merges do to a notebook."""
    k = rng.randrange(len(nb.cells))
    text = f"text {rng.randrange(10**6)}"
    fresh = f"new-{rng.randrange(10**9)}"
    match rng.randrange(9):
        case 0 | 1:
            nb.cells[k].source = text
        case 2:
            nb.cells.insert(k, v4.new_code_cell(text, id=fresh))
        case 3:
            nb.cells.insert(k, v4.new_markdown_cell(text, id=fresh))
        case 4:  # split or duplicated in JupyterLab: the metadata are kept, the id is new
            nb.cells.insert(k, twin(nb.cells[k], id=fresh, source=rng.choice([text, "", STUB])))
        case 5:  # a bad merge: the same id twice
            nb.cells.insert(k, twin(nb.cells[k], source=text))
        case 6:
            nb.cells.insert(rng.randrange(len(nb.cells)), nb.cells.pop(k))
        case 7 if len(nb.cells) > 2:
            nb.cells.pop(k)
        case 8:
            for lost in nb.cells if rng.random() < 0.2 else [nb.cells[k]]:
                if rng.random() < 0.5:
                    lost.id = f"lost-{rng.randrange(10**9)}"
                else:
                    lost.metadata.pop("nbgrader", None)


def new_release(rng: random.Random) -> NotebookNode:
    nb = deepcopy(RELEASE)
    for _ in range(rng.randrange(4)):
        k = rng.randrange(len(nb.cells))
        match rng.randrange(4):
            case 0:
                nb.cells[k].source += f"\n# release {rng.randrange(1000)}"
            case 1:
                name = f"more-{rng.randrange(10**9)}"
                nb.cells.insert(k, cell(name, f"{name}\n{STUB}", rng.choice(["answer", "given", "test"])))
            case 2 if len(nb.cells) > 2:
                nb.cells.pop(k)
            case 3:
                nb.cells.insert(rng.randrange(len(nb.cells)), nb.cells.pop(k))
    return nb


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("recorded", [True, False])
def test_nothing_of_the_students_text_is_ever_lost(seed, recorded, unit, copy):
    rng = random.Random(seed)
    for _ in range(5):
        student = nbformat.read(copy, 4) if recorded else deepcopy(RELEASE)
        for _ in range(rng.randrange(1, 12)):
            vandal(rng, student)
        release = new_release(rng)

        result, carried = workbook.carry_answers(student, release)

        nbformat.validate(result)
        reported = {c.source for c in carried.edited}
        known = {text.strip() for nb in (RELEASE, release) for text in sources(nb)}
        for text in sources(student):
            assert text in sources(result) or text in reported or text.strip() in known | {""}
        ids = [c.id for c in result.cells]
        assert len(ids) == len(set(ids))
        released = [c for c in result.cells if c.id in {r.id for r in release.cells}]
        assert [c.id for c in released] == [r.id for r in release.cells]  # all there, in the release's order
        for mine, theirs in zip(released, release.cells, strict=True):
            assert mine.metadata == theirs.metadata
            assert mine.cell_type == theirs.cell_type
            if not theirs.metadata.get("nbgrader", {}).get("solution"):
                assert mine.source == theirs.source
        assert all(not c.metadata for c in result.cells if c not in released)
        again, _ = workbook.carry_answers(result, release)
        assert sources(again) == sources(result)  # a second update changes nothing
