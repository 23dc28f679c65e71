"""The whole grading cycle on every unit, by `gentutor grade` and by plain nbgrader: the same marks.

The grader is graded: each planted wrong answer must fail on the check named for it and on no other exercise,
each right one must pass, the solution must get all automatic marks, and the untouched lab none.

Most students took the experiments out, which would be run again for each; the solution, the untouched lab and
the first who plants answers have them all.
"""

import csv
import re
from copy import deepcopy
from dataclasses import dataclass

import nbformat
import pytest
from nbformat import NotebookNode
from nbgrader_course import Course
from planting import UNITS, Answer, answers_of, cell_of, rides, submission, without_experiments

from gentutor.check import SALT_VARIABLE, seed_for

ONE = UNITS[:1]  # what holds for the grader, whatever the unit, is tried on this one
on_one_unit = pytest.mark.parametrize("graded", ONE, indirect=True)


@dataclass(frozen=True)
class Graded:
    """A unit's class, graded by us and by plain nbgrader; `planted` holds each student's planted answers."""

    course: Course
    plain: Course
    unit: str
    students: set[str]
    planted: dict[str, dict[str, Answer]]


@pytest.fixture(scope="module", params=UNITS)
def graded(request, tmp_path_factory) -> Graded:
    unit = request.param
    root = tmp_path_factory.mktemp(unit)
    course = Course.made(root / "course", unit)
    plain = course.copied(root / "plain")

    planted = {f"ride-{k}": answers for k, answers in enumerate(rides(answers_of(unit)))} | {"solution": {}}
    copies = {s: submission(course.release, course.solution, a) for s, a in planted.items()}
    for student in copies.keys() - {"ride-0", "solution"}:
        copies[student] = without_experiments(copies[student])
    copies["untouched"] = nbformat.read(course.release, as_version=4)
    if unit in ONE:
        doubled = copies["doubled"] = deepcopy(copies["solution"])  # an answer cell, copied and pasted
        first = next(iter(answers_of(unit)))
        doubled.cells.insert(0, nbformat.from_dict(dict(cell_of(doubled, first), id="pasted")))
    course.grade(plain.hand_in(copies), "--workers", "2")
    plain.nbgrader("autograde", unit, "--create")
    return Graded(course, plain, unit, set(copies), planted)


def check_error(notebook: NotebookNode, exercise: str) -> str | None:
    """What the exercise's check said, or None where it passed."""
    outputs = cell_of(notebook, f"check-{exercise}").outputs
    return next((o.evalue for o in outputs if o.output_type == "error"), None)


def test_every_exercise_has_enough_planted_answers(graded):
    solution = nbformat.read(graded.course.solution, as_version=4)
    info = [c.metadata.get("nbgrader", {}) for c in solution.cells]
    exercises = {i["grade_id"] for i in info if i.get("solution") and not i["grade"]}
    answers = answers_of(graded.unit)
    assert set(answers) == exercises
    for exercise, planted in answers.items():
        blocks = re.findall(
            r"### BEGIN SOLUTION\n(.*?)\n *### END", cell_of(solution, exercise).source, re.DOTALL
        )
        one_line = len("\n".join(blocks).splitlines()) == 1
        wrong = [a for a in planted if a.fails is not None]
        assert len(wrong) >= (3 if one_line else 5), exercise
        assert len(planted) - len(wrong) >= 2, exercise
    ridden = [answer for answers in graded.planted.values() for answer in answers.values()]
    assert sorted(a.source for a in ridden) == sorted(
        a.source for planted in answers.values() for a in planted
    )


def test_the_solution_gets_all_automatic_marks_and_its_words_wait_for_a_person(graded):
    marks = graded.course.marks("solution")
    automatic = {name: mark for name, mark in marks.items() if name.startswith("check-")}
    words = {name: mark for name, mark in marks.items() if not name.startswith("check-")}
    assert automatic
    assert all(score == most > 0 and not awaited for score, most, awaited in automatic.values()), automatic
    assert words
    assert all(score is None and most > 0 and awaited for score, most, awaited in words.values()), words


@on_one_unit
def test_an_answer_cell_that_stands_twice_does_no_harm(graded):
    assert graded.course.marks("doubled") == graded.course.marks("solution")


def test_the_untouched_lab_runs_to_its_end_and_gets_nothing(graded):
    marks = graded.course.marks("untouched")
    assert sum(score or 0 for score, _, _ in marks.values()) == 0, marks
    for cell in graded.course.autograded("untouched").cells:
        if cell.cell_type != "code":
            continue
        assert cell.execution_count is not None, cell.source
        errors = [o.evalue for o in cell.outputs if o.output_type == "error"]
        if cell.metadata.get("nbgrader", {}).get("grade"):
            assert len(errors) == 1, cell.source
            assert "not written yet" in errors[0]
        else:
            assert errors == [], cell.source


@pytest.mark.parametrize("who", ["course", "plain"])
def test_the_solution_runs_without_an_error_or_a_warning(graded, who):
    for cell in getattr(graded, who).autograded("solution").cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error", output.evalue
            assert output.get("name") != "stderr", output.text


def test_the_marks_are_those_of_plain_nbgrader(graded):
    marks = graded.course.all_marks()
    assert set(marks) == graded.students
    assert marks == graded.plain.all_marks()


def test_the_failed_checks_say_what_they_say_in_plain_nbgrader(graded):
    for student in (*graded.planted, "untouched"):
        ours, plain = graded.course.autograded(student), graded.plain.autograded(student)
        for exercise in answers_of(graded.unit):
            assert check_error(ours, exercise) == check_error(plain, exercise), student


def test_each_planted_answer_gets_the_verdict_it_deserves(graded):
    wrong_verdicts = []
    for student, planted in graded.planted.items():
        notebook, marks = (
            graded.course.autograded(student),
            graded.course.marks(student),
        )
        for exercise in answers_of(graded.unit):
            answer = planted.get(exercise, Answer(exercise, "the solution", "", None))
            said = check_error(notebook, exercise)
            score, most, _ = marks[f"check-{exercise}"]
            if not answer.deserves(said) or score != (most if answer.fails is None else 0):
                wrong_verdicts.append(f"{student}, {exercise} ({answer.what}): {score}/{most}, {said}")
    assert not wrong_verdicts, "\n".join(wrong_verdicts)


def test_the_inputs_are_the_graders_own(graded, monkeypatch):
    """The salt is another in each course, so the seeds differ from those of a student's own run."""
    said = check_error(graded.course.autograded("untouched"), next(iter(answers_of(graded.unit))))
    seed = int(said.rpartition("[seed ")[2].rstrip("]"))
    salt = (graded.course.root / "build" / "grading" / "salt").read_text()
    for value, same in ((salt, True), ("", False)):
        monkeypatch.setenv(SALT_VARIABLE, value)
        assert (seed_for(f"{graded.unit}/{said.split(' · ')[0]}") == seed) is same


@on_one_unit
def test_a_second_run_gives_the_same_marks_with_any_number_of_workers(graded):
    before = graded.course.all_marks()
    for workers in ("1", "4"):
        graded.course.grade(graded.plain.submitted, "--again", "--workers", workers)
        assert graded.course.all_marks() == before, workers


def test_feedback_tells_the_student_what_failed(graded):
    for student, planted in graded.planted.items():
        page = (
            graded.course.root
            / "build"
            / "grading"
            / "feedback"
            / student
            / graded.unit
            / f"{graded.unit}.html"
        )
        html = page.read_text(encoding="utf-8").replace("&#39;", "'")
        for exercise, answer in planted.items():
            if answer.fails is not None:
                assert f"{exercise} · {answer.fails}" in html, (student, exercise)


def test_the_csv_holds_every_students_marks(graded):
    with open(graded.course.root / "build" / "grading" / "grades.csv", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file) if row["assignment"] == graded.unit}
    assert set(rows) == graded.students
    for student, row in rows.items():
        marks = graded.course.marks(student).values()
        assert float(row["score"]) == sum(score or 0 for score, _, _ in marks)
        assert float(row["max_score"]) == sum(most for _, most, _ in marks)


@on_one_unit
def test_validate_accepts_the_solution_and_names_what_is_missing(graded):
    solved = graded.plain.notebook("build", "grading", "submitted", "solution")
    assert "Success! Your notebook passes all the tests." in graded.plain.nbgrader("validate", str(solved))
    said = graded.plain.nbgrader("validate", str(graded.plain.release))
    assert "VALIDATION FAILED" in said
    assert "not written yet" in said
