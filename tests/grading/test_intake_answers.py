"""A student's answers and own cells are kept; what is said of the rest is no wider than what was seen."""

import base64
import json
import random
from copy import deepcopy

import nbformat
import pytest
from intake_class import MASTER, RELEASE, UNIT, answered, cell, copied, handed, lab, rebuilt
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from gentutor import units, workbook
from gentutor.grading.intake import rebuild
from gentutor.grading.records import Refused, Submission

UNITS = [unit.name for unit in units.units()]


def test_answers_and_own_cells_are_kept_in_place_and_all_else_is_ours():
    notebook = answered()
    result = rebuilt(notebook).notebook
    assert [each.id for each in result.cells] == [each.id for each in notebook.cells]
    for each in result.cells:
        if each.id == "mine":
            assert each == new_code_cell("print('mine')", id="mine")
            continue
        theirs, ours, master = cell(notebook, each.id), cell(RELEASE, each.id), cell(MASTER, each.id)
        check = each.metadata.get("nbgrader", {}).get("grade") and each.cell_type == "code"
        assert each.source == (master.source if check else theirs.source)
        assert each.get("outputs", []) == []
        assert each.get("execution_count") is None
        assert {k: v for k, v in each.metadata.items() if k != "nbgrader"} == {
            k: v for k, v in ours.metadata.items() if k != "nbgrader"
        }
    assert result.metadata == RELEASE.metadata


def test_the_hidden_tests_are_in():
    hidden = "### BEGIN HIDDEN TESTS"
    expected = [each.id for each in MASTER.cells if hidden in each.source]
    assert expected
    assert not [each.id for each in RELEASE.cells if hidden in each.source]
    assert [each.id for each in rebuilt(RELEASE).notebook.cells if hidden in each.source] == expected


def test_nothing_is_said_of_an_honest_submission_and_it_is_the_same_each_time():
    first, second = rebuilt(answered()), rebuilt(answered())
    assert first.notes == ()
    assert first == second
    assert first.original == json.dumps(answered()).encode()


def test_the_arguments_are_left_alone():
    release, master = deepcopy(RELEASE), deepcopy(MASTER)
    rebuild(handed(answered()), release, master, UNIT)
    assert (release, master) == (RELEASE, MASTER)


def test_the_parts_of_a_split_answer_stay_together_and_lose_their_marks():
    notebook = answered()
    first, second = "def fit(x):\n    pass", "def decode(z):\n    pass"
    part = cell(notebook, "fit")
    part.source = first
    other = deepcopy(part)
    other.id, other.source = "part-2", second
    notebook.cells.insert(notebook.cells.index(part) + 1, other)
    result = rebuilt(notebook).notebook
    place = [each.id for each in result.cells].index("fit")
    assert [each.source for each in result.cells[place : place + 2]] == [first, second]
    assert result.cells[place + 1].metadata == {}


def test_an_older_release_is_graded_by_what_it_has():
    older = copied()
    older.cells.remove(cell(older, "largest-angle"))
    older.cells.remove(cell(older, "check-largest-angle"))
    check = cell(older, "check-fit")
    check.source = "fit.check()  # as it was"
    digests = {each.id: workbook._digest(each) for each in older.cells}
    older.metadata.gentutor.update(release="0" * 64, cells=digests)
    cell(older, "fit").source = "def fit(x):\n    return x"
    submission = rebuilt(older)
    assert submission.notes == (
        "Its record says that it was made from another release of the lab, without largest_angle.",
    )
    result = submission.notebook
    assert cell(result, "fit").source == "def fit(x):\n    return x"
    assert cell(result, "largest-angle") == cell(RELEASE, "largest-angle")
    assert cell(result, "check-fit").source == cell(MASTER, "check-fit").source


def test_without_a_record_a_check_that_differs_is_only_said_to_differ():
    notebook = deepcopy(RELEASE)
    cell(notebook, "check-fit").source = "fit.check()  # as it was"
    assert rebuilt(notebook).notes == ("Checks whose text was not this release's; ours were run: check-fit.",)


def test_answers_are_found_by_nbgraders_id_where_the_cells_have_lost_theirs():
    notebook = answered()
    for each in notebook.cells:
        del each["id"]
    result = rebuilt(notebook).notebook
    assert cell(result, "fit").source == cell(MASTER, "fit").source


def test_pictures_stay_with_an_answer_in_words_and_nothing_else_that_is_pasted():
    notebook = answered()
    picture = {"image/png": base64.b64encode(b"\x89PNG").decode()}
    script = base64.b64encode(b"<svg onload='alert(1)'/>").decode()
    evil = {"image/svg+xml": script, "text/html": "<script>", "image/png": "<script>"}
    cell(notebook, "answer")["attachments"] = {"sketch.png": picture | evil | picture, "evil.svg": evil}
    own = new_markdown_cell("look", id="own-text")
    own["attachments"] = {"sketch.png": picture}
    notebook.cells.append(own)
    result = rebuilt(notebook).notebook
    nbformat.validate(result)
    assert cell(result, "answer").attachments == {"sketch.png": picture}
    assert "attachments" not in cell(result, "own-text")


def test_an_answer_of_no_exercise_is_kept_and_named():
    notebook = answered()
    for id_, marks in (
        ("\x1b[31m", {}),
        ("kept-own", {"grade_id": "another"}),
        ("own-2", {"grade_id": "\n" * 99}),
    ):
        own = new_code_cell("def f(): ...")
        own["id"] = id_
        own.metadata["nbgrader"] = {"solution": True, "grade": False, "locked": False} | marks
        notebook.cells.append(own)
    submission = rebuilt(notebook)
    assert submission.notes == ("Answers to exercises that the lab does not have: a cell, another, own-2.",)
    nbformat.validate(submission.notebook)
    assert [each.source for each in submission.notebook.cells].count("def f(): ...") == 3


def test_an_untouched_lab_is_a_submission():
    submission = rebuilt(copied())
    assert submission.notes == ()
    assert cell(submission.notebook, "fit") == cell(RELEASE, "fit")


def test_what_is_known_of_the_hand_in_is_kept():
    submission = rebuild(handed(RELEASE, late=True), RELEASE, MASTER, UNIT)
    assert (submission.student, submission.late, submission.at) == ("ada", True, None)


def test_a_release_that_does_not_fit_the_solutions_is_the_instructors_error():
    master = deepcopy(MASTER)
    master.cells.remove(cell(master, "check-fit"))
    with pytest.raises(ValueError, match=r"check-fit.*make labs"):
        rebuild(handed(RELEASE), RELEASE, master, UNIT)


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit != UNIT])
@pytest.mark.parametrize("with_record", [False, True])
def test_a_notebook_of_another_lab_is_refused_with_its_name(unit, with_record):
    notebook = lab("labs", unit)
    if with_record:
        notebook.metadata["gentutor"] = {"unit": unit, "release": "0" * 64, "cells": {}}
    refused = rebuild(handed(notebook), RELEASE, MASTER, UNIT)
    assert isinstance(refused, Refused)
    assert unit in refused.reason
    assert "Hand in 01_pca.ipynb" in refused.reason


def test_a_notebook_that_is_no_lab_is_refused():
    refused = rebuild(handed(new_notebook(cells=[new_code_cell("1")])), RELEASE, MASTER, UNIT)
    assert "no exercise of lab 01_pca" in refused.reason


def test_a_lab_that_says_it_is_another_but_has_these_exercises_is_graded():
    notebook = answered()
    notebook.metadata.gentutor["unit"] = "99_\x1b[31mx" * 1000
    assert cell(rebuilt(notebook).notebook, "fit").source == cell(MASTER, "fit").source


WEIRD = [
    *(None, True, 0, -1, 1e308, float("nan"), 10**4000, "", "\0", "\ud800", "x" * 5000, "../../etc", "fit"),
    *(
        [],
        [[]],
        ["a", 1],
        {},
        {"a": {"b": []}},
        {"nbgrader": 3},
        {"grade_id": "fit"},
        {"": None},
        "raw",
        "markdown",
    ),
]


def test_no_mutated_notebook_does_more_than_be_refused():
    """Values exchanged at random places of the JSON, and bytes in its text."""
    outcomes = {Submission: 0, Refused: 0}
    original = json.dumps(answered())
    for seed in range(250):
        rng = random.Random(seed)
        notebook = json.loads(original)
        for _ in range(rng.randint(1, 4)):
            place, key = notebook, rng.choice(list(notebook))
            while isinstance(place[key], dict | list) and place[key] and rng.random() < 0.85:
                place = place[key]
                key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
            action = rng.random()
            if action < 0.15:
                del place[key]
            elif action < 0.3 and isinstance(place, list):
                place.insert(rng.randrange(len(place)), deepcopy(rng.choice(place)))
            else:
                place[key] = deepcopy(rng.choice(WEIRD))
        data = bytearray(json.dumps(notebook).encode())
        if rng.random() < 0.2:
            for _ in range(rng.randint(1, 5)):
                data[rng.randrange(len(data))] = rng.randrange(256)
        if rng.random() < 0.1:
            del data[rng.randrange(len(data)) :]
        outcome = rebuild(handed(bytes(data)), RELEASE, MASTER, UNIT)
        outcomes[type(outcome)] += 1
        if isinstance(outcome, Refused):
            assert outcome.reason.isprintable()
            assert len(outcome.reason) < 500
        else:
            assert all(note.isprintable() and len(note) < 1000 for note in outcome.notes)
            nbformat.validate(outcome.notebook)
            nbformat.writes(outcome.notebook).encode()
            known = [each.id for each in outcome.notebook.cells if each.id in {k.id for k in RELEASE.cells}]
            assert known == [each.id for each in RELEASE.cells]
    assert min(outcomes.values()) > 25, outcomes
