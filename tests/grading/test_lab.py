"""Which cells are whose, in the toy lab and in all real ones."""

from pathlib import Path

import nbformat
import pytest
import toy
from planting import ROOT, UNITS

from gentutor.grading.lab import Lab, LabError, fingerprint
from gentutor.grading.records import Limits


def test_each_cell_of_the_toy_lab_has_its_owner():
    lab = toy.lab()
    assert lab.kinds == {
        "setup": "class",
        "data": "class",
        "double": "student",
        "check-double": "check",
        "total": "class",
        "use": "student",  # it calls an answer
        "step": "student",
        "check-step": "check",
        "ask": "student",  # it asks which checks have passed
    }
    assert lab.answers == ("double", "step")
    assert lab.exercises == {"check-double": 3, "check-step": 2, "words": 4}


def test_what_is_computed_from_an_answer_is_the_students_however_far():
    notebook = toy.master()
    for cell_id, source in [("far", "Z = Y + 1"), ("late", "def late():\n    return Z"), ("deep", "late()")]:
        notebook.cells.append(nbformat.v4.new_code_cell(source, id=cell_id))
    notebook.cells.insert(2, nbformat.v4.new_code_cell("def early():\n    return Y", id="early"))
    notebook.cells[6 + 1].source = "Y = double(X)"
    lab = Lab(toy.UNIT, notebook, notebook)
    assert {lab.kinds[c] for c in ("far", "late", "deep", "early")} == {"student"}
    assert {"Y", "Z", "late", "early"} <= set(lab.answers)


def test_the_warm_process_is_told_nothing_secret():
    payload = toy.lab().payload().decode()
    assert "hidden" not in payload.lower()
    assert "return 2 * x" not in payload
    assert "check.exercise" not in payload
    assert "the data" in payload


@pytest.mark.parametrize("unit", UNITS)
def test_a_real_labs_checks_ask_the_student_for_answers_alone(unit):
    """What a check reads is the class's, or an answer: nothing computed from an answer in between."""
    from gentutor.grading import names

    lab = Lab.load(ROOT, unit)
    answers = set()
    for cell in lab.master.cells:
        info = cell.metadata.get("nbgrader", {})
        if cell.cell_type == "code" and info.get("solution"):
            answers |= names.of(cell.source).binds
        if cell.cell_type == "code" and info.get("grade"):
            assert names.of(cell.source).reads & set(lab.answers) <= answers, cell.id
    assert sum(kind == "class" for kind in lab.kinds.values()) >= 2


def test_a_lab_that_is_not_there_or_has_drifted_is_refused(tmp_path: Path):
    with pytest.raises(LabError, match="make labs"):
        Lab.load(tmp_path, toy.UNIT)
    for folder, notebook in (("labs", toy.release()), ("solutions", toy.master())):
        path = tmp_path / folder / toy.UNIT / f"{toy.UNIT}.ipynb"
        path.parent.mkdir(parents=True)
        if folder == "labs":
            del notebook.cells[4]
        nbformat.write(notebook, path)
    with pytest.raises(LabError, match="not what solutions/99_toy releases"):
        Lab.load(tmp_path, toy.UNIT)


def test_the_fingerprint_of_a_submission_changes_with_all_that_decides_its_marks():
    lab, limits = toy.lab(), Limits()
    prints = {
        fingerprint(toy.submission(), lab, limits, True),
        fingerprint(toy.submission(double="def double(x): return 3 * x"), lab, limits, True),
        fingerprint(toy.submission(own="1"), lab, limits, True),
        fingerprint(toy.submission(), lab, Limits(memory=1), True),
        fingerprint(toy.submission(), lab, limits, False),
    }
    assert len(prints) == 5
    assert fingerprint(toy.submission("bob"), lab, limits, True) in prints
