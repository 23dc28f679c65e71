"""What is handed in is no notebook. `place` writes it to disk where the file itself is the trick."""

import json
import os
from pathlib import Path

import nbformat

from hostile.corpus import CASES, Lab, case


def placed(*arguments, **named):
    """A case whose function also writes what was handed in: `edit(lab, path)`."""

    def add(edit):
        def nothing(lab: Lab) -> None: ...

        nothing.__name__, nothing.__doc__, nothing.__module__ = edit.__name__, edit.__doc__, edit.__module__
        case(*arguments, **named)(nothing)
        name = edit.__name__.replace("_", "-")
        object.__setattr__(CASES[name], "place", edit)
        return edit

    return add


@case(refused=True)
def empty_file(lab):
    """Nought bytes."""
    lab.data = b""


@case(refused=True)
def cut_off(lab):
    """The upload ended half way."""
    whole = nbformat.writes(lab.notebook).encode()
    lab.data = whole[: len(whole) // 2]


@case(refused=True)
def a_page_of_html(lab):
    """What the platform sends to those who are not logged in, under the notebook's name."""
    lab.data = b"<!DOCTYPE html><html><body>Please log in</body></html>"


@case(refused=True)
def nested_beyond_reading(lab):
    """JSON a hundred thousand levels deep."""
    lab.data = (
        b'{"cells": '
        + b"[" * 100_000
        + b"]" * 100_000
        + b', "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'
    )


@case(refused=True)
def cells_of_other_kinds(lab):
    """Numbers, lists and nulls where cells and their texts should be."""
    cells = [1, None, [], {"cell_type": 7}, {"cell_type": "code", "source": {"a": [1]}, "metadata": 3}]
    lab.data = json.dumps({"cells": cells, "metadata": [], "nbformat": 4, "nbformat_minor": 5}).encode()


@case(refused=True)
def a_hundred_megabytes(lab):
    """Outputs of a training that printed for a day."""
    lab.data = nbformat.writes(lab.notebook).encode() + b" " * 100_000_000


@placed(refused=True)
def link_to_the_solution(lab, path):
    """A symbolic link to the instructor's notebook."""
    path.symlink_to(Path(lab.world.course) / "solutions" / "01_pca" / "01_pca.ipynb")


@placed(refused=True)
def link_to_the_salt(lab, path):
    """A symbolic link to a file whose text an error message might show."""
    path.symlink_to(lab.world.secret)


@placed(refused=True, seconds=5)
def pipe(lab, path):
    """A named pipe: whoever opens it waits for ever."""
    os.mkfifo(path)


@case("solved")
def saved_by_windows(lab):
    """A byte order mark, and line ends of two bytes."""
    lab.data = b"\xef\xbb\xbf" + nbformat.writes(lab.notebook).replace("\n", "\r\n").encode()
