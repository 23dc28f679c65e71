"""Cells that are doubled, deleted, split, moved or turned into something else."""

from copy import deepcopy

from nbformat import v4

from hostile.corpus import POINTS, case


@case("hollow")
def checks_copied_above(lab):
    """A copy of each check, name and all, stands at the top and does nothing."""
    for n, exercise in enumerate(POINTS):
        copy = deepcopy(lab.cell(f"check-{exercise}"))
        copy.source, copy.id = "pass", f"copy-{n}"
        lab.cells.insert(0, copy)


@case("hollow")
def checks_emptied(lab):
    """The checks are edited to do nothing."""
    for exercise in POINTS:
        lab.cell(f"check-{exercise}").source = "pass"


@case("hollow")
def checks_that_are_prose(lab):
    """The checks are markdown cells, and raw ones."""
    for n, exercise in enumerate(POINTS):
        cell = lab.cell(f"check-{exercise}")
        cell.cell_type = ("markdown", "raw")[n % 2]
        del cell["outputs"], cell["execution_count"]


@case("solved", costs=["fit"])
def answer_and_check_deleted(lab):
    """An exercise is gone without a trace."""
    for name in ("fit", "check-fit"):
        lab.cells.remove(lab.cell(name))


@case("solved")
def checks_deleted(lab):
    """All checks are gone; the answers are there."""
    for exercise in POINTS:
        lab.cells.remove(lab.cell(f"check-{exercise}"))


@case("solved")
def given_cells_deleted(lab):
    """Only the answers are handed in."""
    lab.cells[:] = [lab.cell(exercise) for exercise in POINTS]


@case("solved")
def answer_split(lab):
    """An answer was split into two cells, as JupyterLab splits them: the second has the record too."""
    cell = lab.cell("encode_decode")
    head, mark, tail = cell.source.partition("def decode")
    rest = deepcopy(cell)
    cell.source, rest.source, rest.id = head, mark + tail, "second-half"
    lab.cells.insert(lab.cells.index(cell) + 1, rest)


@case("solved")
def answers_doubled(lab):
    """Every answer was copied and pasted below."""
    for n, exercise in enumerate(POINTS):
        cell = lab.cell(exercise)
        copy = deepcopy(cell)
        copy.id = f"pasted-{n}"
        lab.cells.insert(lab.cells.index(cell) + 1, copy)


@case("solved")
def upside_down(lab):
    """The last cell comes first."""
    lab.cells.reverse()


@case("solved")
def answers_that_are_prose(lab):
    """An answer's cell was turned into markdown by a slip of the M key."""
    cell = lab.cell("errors")
    cell.cell_type = "markdown"
    del cell["outputs"], cell["execution_count"]


@case("solved")
def answers_in_own_cells(lab):
    """The answer's cell is as it was handed out; the answer stands in a new one below."""
    for exercise in POINTS:
        cell = lab.cell(exercise)
        new = v4.new_code_cell(cell.source)
        cell.source = cell.source.partition("\n")[0] + "\n    raise NotImplementedError()"
        lab.cells.insert(lab.cells.index(cell) + 1, new)


@case("solved")
def names_taken_after_all(lab):
    """Below everything, the names of answers are used for something else."""
    lab.own("fit = encode = squared_error = 3\ndel largest_angle", after="read-more")


@case("hollow")
def names_of_the_judge(lab):
    """Own definitions of every name that a check uses."""
    lab.own(
        """
        class Anything:
            def __getattr__(self, name): return self
            def __call__(self, *a, **k): return a[0] if a and callable(a[0]) else self
            def __iter__(self): return iter((self, self))
        check = pca = plot = data = ex = judge = Exercise = Anything()
        """,
        after="load-data",
    )


@case("hollow")
def judges_of_ones_own(lab):
    """A check of one's own, above and below the lab's, under the exercise's name."""
    for exercise in POINTS:
        source = f'@check.exercise("01_pca/{exercise}")\ndef judge(ex):\n    ex.require(True, "all", "")'
        lab.own(source, after=exercise)
        lab.own(source, after=f"check-{exercise}")


@case("solved")
def five_hundred_cells(lab):
    """A student who tries things out, and deletes nothing."""
    for n in range(500):
        lab.own(f"print({n})", after="load-data")


@case("solved", refused=True)
def no_cells(lab):
    """A notebook without a cell."""
    lab.cells.clear()
