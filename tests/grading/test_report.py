"""What the report says, against what was written by hand; no cell is run."""

import io
import re

import pytest
import toy

from gentutor.grading.book import Mark, Marks
from gentutor.grading.records import Tried, error_output
from gentutor.grading.report import Failure, Outcome, Progress, Summary, failures
from gentutor.grading.report.words import escaped, one_line, table


def marks(student, double, step, words=None):
    cells = {
        "check-double": Mark(double, 3.0, double, False),
        "check-step": Mark(step, 2.0, step, False),
        "words": Mark(words or 0.0, 4.0, None, words is None),
    }
    return Marks(student, cells)


SHAPE, VALUE = Failure("double", "shape of value"), Failure("double", "value")
OUTCOMES = [
    Outcome("ada", "graded", marks=marks("ada", 3, 2, 4)),
    Outcome("bob", "graded", marks=marks("bob", 0, 2), failures=(SHAPE,), notes=("A check was edited.",)),
    Outcome(
        "cyd", "recorded", marks=marks("cyd", 0, 0), failures=(SHAPE, Failure("step", "not run")), why="slow"
    ),
    Outcome("dan", "refused", "The file is cut off."),
    Outcome("eve", "graded", marks=marks("eve", 3, 2), notes=("A check was edited.",)),
    Outcome("fay", "lost", "given up after 3 attempts"),
]


def summary(**more):
    return Summary("99_toy", toy.lab().exercises, seconds=12.3, outcomes=list(OUTCOMES), **more)


def test_the_page_as_a_whole():
    expected = """\
# 99_toy: 3 graded, 1 graded before, 1 refused, 1 not graded, in 12 s

## Marks

| exercise | points | mean | passed                |
| -------- | -----: | ---: | --------------------- |
| double   |      3 |  1.5 | 50 % (2 of 4)         |
| step     |      2 |  1.5 | 75 % (3 of 4)         |
| words    |      4 |  4.0 | 100 % (1 of 1), open (3) |
| all      |      9 |  4.0 |                       |

Open points wait for a person (formgrader, *Manual Grading*) and count 0 until then.

## What did not pass

| check                   | students |
| ----------------------- | -------: |
| double · shape of value |        2 |
| step · not run          |        1 |

## Not graded

- dan: The file is cut off.
- fay: given up after 3 attempts

## Stopped before the end

- cyd: slow

## Worth a look

What was seen, which by itself tells nothing of intent:

- bob, eve: A check was edited.

## Nothing handed in

- gus
"""
    squeeze = re.compile(r" +|-{2,}")
    assert squeeze.sub(" ", summary(absent=["gus"]).markdown()) == squeeze.sub(" ", expected)


def test_columns_line_up():
    lines = table(("check", "students"), [("a long name of a check", "7"), ("short", "12")])
    assert lines == [
        "| check                  | students |",
        "| ---------------------- | -------: |",
        "| a long name of a check |        7 |",
        "| short                  |       12 |",
    ]


def test_status_tells_a_script():
    assert Summary("99_toy", {}).status == 0
    assert Summary("99_toy", {}, outcomes=[OUTCOMES[0], OUTCOMES[2]]).status == 0  # stopped, and yet graded
    assert Summary("99_toy", {}, outcomes=[OUTCOMES[0], OUTCOMES[3]]).status == 1
    assert Summary("99_toy", {}, outcomes=[OUTCOMES[0], OUTCOMES[5]]).status == 1
    for status in (2, 130):
        ended = summary()
        ended.end("The gradebook is locked.", status)
        assert ended.status == status
        assert "**Not finished.** The gradebook is locked." in ended.markdown()


def test_a_run_without_a_sandbox_says_so_first():
    page = summary(sandbox=False).markdown()
    assert page.splitlines()[2].startswith("> **Without a sandbox.**")
    assert "sandbox" not in summary().markdown()


def test_only_the_commonest_failures_are_listed():
    outcomes = [
        Outcome(
            f"s{i}", "graded", marks=marks(f"s{i}", 0, 0), failures=(Failure("double", f"aspect {i % 15}"),)
        )
        for i in range(40)
    ]
    page = Summary("99_toy", toy.lab().exercises, outcomes=outcomes).markdown()
    assert len(re.findall(r"double · aspect \d+ *\| +[23] \|", page)) == 12
    assert "and 3 more" in page


HOSTILE = "eve\x1b[2J\r\n| 18 | <script>alert(1)</script> [x](javascript:y) `*\u202e\x00"


def test_what_others_wrote_moves_no_cursor_and_makes_no_markup():
    outcome = Outcome("eve", "refused", HOSTILE)
    assert outcome.line.isprintable()
    page = Summary("99_toy", {}, outcomes=[outcome, Outcome("x", "lost", "y", notes=(HOSTILE,))]).markdown()
    assert all(line.isprintable() for line in page.splitlines())
    told = [line for line in page.splitlines() if "alert" in line]
    assert len(told) == 2
    for line in told:
        assert not re.search(r"(?<!\\)[<>|`*\[\]]", line)
    assert len(one_line("x" * 10_000)) < 400
    assert escaped("01_pca: Zoë's, 你好") == "01_pca: Zoë's, 你好"


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (OUTCOMES[0], "ada: 9 of 9 points"),
        (OUTCOMES[1], "bob: 2 of 9 points (4 open); not passed: double (shape of value)"),
        (
            OUTCOMES[2],
            "cyd: 0 of 9 points (4 open); not passed: double (shape of value), step (not run); stopped: slow",
        ),
        (OUTCOMES[3], "dan: refused: The file is cut off."),
        (OUTCOMES[5], "fay: not graded: given up after 3 attempts"),
    ],
)
def test_lines(outcome, line):
    assert outcome.line == line


def test_failures_are_read_from_what_the_checks_showed():
    failed = error_output("CheckFailed", "double · shape of value: shape (3,), expected (4, 3) [seed 7]")
    passed = {"output_type": "stream", "name": "stdout", "text": "✓ step"}
    students = {"double": [error_output("CheckFailed", "step · forged: by the student's cell")]}

    def told(**outputs):
        return failures(toy.lab(), Tried({name.replace("_", "-"): o for name, o in outputs.items()}))

    assert told(check_double=[passed], check_step=[passed]) == ()
    assert told(check_double=[], check_step=[passed]) == ()
    assert told(check_double=[passed, failed], check_step=[passed], **students) == (SHAPE,)
    assert told(check_double=[passed]) == (Failure("step", "not run"),)
    assert told(check_double=[error_output("NameError", "no\x1b x")], check_step=[passed]) == (
        Failure("double", "NameError"),
    )
    assert told(check_double=[error_output("NotJudged", "used more than 2 GB")], check_step=[passed]) == (
        Failure("double", "used more than 2 GB"),
    )


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_has_a_bar_with_the_time_left_and_lines_for_those_who_failed():
    screen = Terminal()
    with Progress(len(OUTCOMES), "99_toy", screen) as progress:
        for outcome in OUTCOMES:
            progress.add(outcome)
    shown = screen.getvalue()
    assert "6/6" in shown
    assert re.search(r"\[\d\d:\d\d<\d\d:\d\d", shown)
    lines = [line.strip() for line in re.split(r"[\r\n]", shown) if ": " in line and "/6" not in line]
    assert lines == [outcome.line for outcome in OUTCOMES if outcome.student not in ("ada", "eve")]


def test_elsewhere_each_submission_has_a_plain_line():
    file = io.StringIO()
    with Progress(len(OUTCOMES), "99_toy", file) as progress:
        for outcome in OUTCOMES:
            progress.add(outcome)
    assert file.getvalue().splitlines() == [f"[{n}/6] {o.line}" for n, o in enumerate(OUTCOMES, 1)]
