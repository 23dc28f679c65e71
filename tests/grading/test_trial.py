"""A submission's trial: what it gives, and what a cell that misbehaves costs."""

from copy import deepcopy
from dataclasses import replace

import pytest
import toy
from nbformat import v4

from gentutor.grading.box import Policy
from gentutor.grading.lab import Lab
from gentutor.grading.records import Limits, Submission
from gentutor.grading.trial.outputs import executed
from gentutor.grading.trial.session import Trials

LIMITS = Limits(cell_seconds=3, all_seconds=60)


@pytest.fixture(scope="module")
def trials():
    with Trials(toy.lab(), Policy(), LIMITS) as trials:
        yield trials


@pytest.fixture
def tried(trials):
    """What a submission with these answers gives, as the text that each cell shows, and the record itself."""

    def of(limits=LIMITS, salt="salt", **answers):
        lab, submission = toy.lab(), toy.submission(**answers)
        result = trials.run(lab.job(submission, salt, limits))
        shown = {}
        for cell in executed(lab, submission, result, trials.class_outputs).cells:
            if cell.cell_type == "code":
                outputs = [o.get("text") or o.get("evalue") or "" for o in cell.outputs]
                failed = any(o.output_type == "error" for o in cell.outputs)
                shown[cell.id] = ("✗ " if failed else "") + "".join(outputs)
        return shown, result

    return of


def test_the_solution_passes_and_shows_what_it_would_in_one_kernel(tried):
    shown, result = tried()
    assert shown["check-double"].startswith("✓ double: ")
    assert shown["check-step"].startswith("✓ step: ")
    assert shown["data"] == "the data\n"
    assert shown["total"] == "the total is 66.0\n"
    assert shown["use"] == "doubled: 132.0\n"
    assert shown["ask"] == "yours\n"
    assert not result.noticed
    assert result.stopped is None
    assert set(result.outputs) == {"double", "check-double", "use", "step", "check-step", "ask"}


def test_the_untouched_lab_fails_every_check_and_runs_to_its_end(tried):
    shown, result = tried(solved=False)
    assert "not written yet" in shown["check-double"]
    assert "not written yet" in shown["check-step"]
    assert shown["ask"] == "ours\n"
    assert result.stopped is None


@pytest.mark.parametrize(
    ("answer", "aspect"),
    [
        ("def double(x):\n    return 3 * x", "value of value"),
        ("def double(x):\n    return (2 * x).float()", "dtype of value"),
        ("def double(x):\n    return 2 * x.detach()", "gradient by x"),
        ("def double(x):\n    return 2 * x if x.ndim == 2 else x", "value of value of a row"),
        ("def double(x):\n    return x.mul_(2) if not x.requires_grad else 2 * x", "side effect on x"),
        ("def double(x):\n    return (x,", "not written yet"),
        ("double = 3", "error"),
        ("del double\n", "not written yet"),
    ],
)
def test_a_wrong_answer_fails_on_the_check_that_it_should(tried, answer, aspect):
    shown, _ = tried(double=answer)
    assert shown["check-double"].startswith(f"✗ double · {aspect}")
    assert shown["check-step"].startswith("✓"), "one mistake sinks one exercise"


def test_a_students_own_cell_runs_in_its_place(tried):
    shown, _ = tried(own="X = X + 1\ndouble = lambda x: x + x\nprint('mine')")
    assert shown["own"] == "mine\n"
    assert shown["check-double"].startswith("✓")
    assert shown["total"] == "the total is 78.0\n", "a class's cell runs anew where what it reads has changed"
    assert shown["data"] == "the data\n"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ("def double(x):\n    import os\n    os._exit(0)", "ended its own process"),
        ("def double(x):\n    import os, signal\n    os.kill(os.getpid(), signal.SIGABRT)", ""),
        ("def double(x):\n    import ctypes\n    ctypes.string_at(1)", "died of SIGSEGV"),
        ("def double(x):\n    while True:\n        pass", "longer than 1 s"),
        (
            "def double(x):\n    def spin():\n        while True: pass\n"
            "    while True:\n        try: spin()\n        except BaseException: pass",
            "did not stop when its time was up",
        ),
        ("def double(x):\n    return bytearray(1 << 31)", "MemoryError"),
        ("def double(x):\n    raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("def double(x):\n    raise SystemExit", "SystemExit"),
        ("def double(x):\n    return torch.ones(4, 3, 10**6)", ""),
    ],
)
def test_an_answer_that_ends_or_never_ends_costs_its_own_exercise(tried, answer, why):
    shown, result = tried(double=answer, limits=replace(LIMITS, cell_seconds=1, memory=1 << 29))
    assert shown["check-double"].startswith("✗ double · ")
    assert why in shown["check-double"] or why in " ".join(result.noticed)
    assert shown["check-step"].startswith("✓ step: ")
    assert result.stopped is None


def test_a_cell_that_ends_the_process_costs_itself_alone(tried):
    shown, result = tried(own="import os\nkept = 1\nos._exit(1)")
    assert "ended its own process" in shown["own"]
    assert shown["check-double"].startswith("✓")
    assert any("cell own" in note for note in result.noticed)


def test_a_submission_that_ends_its_process_again_and_again_is_stopped(tried):
    die = "import os; os._exit(1)"
    shown, result = tried(a=die, b=die, c=die, d=die, e=die)
    assert "more than 3 times" in result.stopped
    assert shown["check-double"].startswith("✗ this was not run: its process had to be started anew")


def test_a_submission_is_stopped_when_its_time_is_up_in_all(tried):
    slow = "import time\ntime.sleep(0.8)"
    shown, result = tried(a=slow, b=slow, c=slow, d=slow, limits=replace(LIMITS, all_seconds=1.5))
    assert "longer than 1.5 s in all" in result.stopped
    assert shown["check-step"].startswith("✗ this was not run")


def test_the_salt_decides_the_inputs_and_the_same_again_gives_the_same(tried):
    wrong = "def double(x):\n    return x"
    first, again, other = (tried(salt=salt, double=wrong)[0] for salt in ("a", "a", "b"))
    assert first == again
    seed = "".join(c for c in first["check-double"].rpartition("[seed ")[2] if c.isdigit())
    assert seed not in other["check-double"]


def test_what_a_student_prints_is_cut(tried):
    shown, _ = tried(own="print('x' * 10_000_000)", limits=replace(LIMITS, output=10_000))
    assert 9_000 < len(shown["own"]) < 11_000
    assert "too long" in shown["own"]
    shown, _ = tried(own="for _ in range(100_000): print('yy')", limits=replace(LIMITS, output=10_000))
    assert len(shown["own"]) < 11_000


def test_neither_the_students_process_nor_the_warm_one_holds_a_hidden_test_or_the_salt(tried):
    look = (
        "import gc, os, re\n"
        "found = [m for m in ('SALTY' + 'SALT', 'value of ' + 'a row') for o in gc.get_objects()\n"
        "         if isinstance(o, (dict, list)) and len(o) < 1000 and m in repr(o)[:10**5]\n"
        "         and 'found' not in repr(o)[:10**5]]\n"
        "print(len(found), os.environ.get('GENTUTOR_SALT'))\n"
    )
    shown, _ = tried(own=look, salt="SALTYSALT")
    assert shown["own"] == "0 None\n"


def test_what_a_class_cell_changes_in_place_is_changed_in_each_process_at_its_place():
    """A list made by one given cell and lengthened by another, seen by the student between and after."""
    notebook, cells = toy.master(), toy.release()
    for made in (notebook, cells):
        made.cells.insert(2, v4.new_code_cell("rows = [1]", id="rows"))
        made.cells.insert(5, v4.new_code_cell("rows.append(2)\nprint(rows)", id="longer"))
        made.cells[4].source = made.cells[4].source.replace(
            "def judge(ex):", "def judge(ex):\n    assert rows == [1]"
        )
        made.cells[9].source = made.cells[9].source.replace(
            "def judge(ex):", "def judge(ex):\n    assert rows == [1, 2]"
        )
    lab = Lab(toy.UNIT, cells, notebook)
    assert lab.kinds["rows"] == lab.kinds["longer"] == "class"
    student = deepcopy(notebook)
    student.cells.insert(4, v4.new_code_cell("print(rows)", id="between"))
    student.cells.append(v4.new_code_cell("print(rows)", id="after"))
    submission = Submission("ada", student, None, False, (), b"")
    with Trials(lab, Policy(), LIMITS) as trials:
        outputs = trials.run(lab.job(submission, "salt", LIMITS)).outputs
    assert [outputs[name][0]["text"] for name in ("between", "longer", "after")] == [
        "[1]\n",
        "[1, 2]\n",
        "[1, 2]\n",
    ]
    for check in ("check-double", "check-step"):
        assert outputs[check][0]["output_type"] == "stream", outputs[check]
