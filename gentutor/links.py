"""Links in Markdown files and notebooks: in a release none may lead to a file that is not there."""

import json
import posixpath
import re
from collections.abc import Collection
from urllib.parse import unquote

LINK = re.compile(r"!?\[([^\]]*)\]\(([^)\s]+)\)")


def targets(path: str, data: bytes) -> set[str]:
    """The files of the course to which the Markdown of a notebook links."""
    cells = json.loads(data)["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return {target for link in LINK.finditer(text) if (target := _target(path, link[2]))}


def without_dead(path: str, data: bytes, there: Collection[str]) -> bytes:
    """The text in which a link to a file that is not there is its words alone, and a row of a table all of
    whose links are such is left out. Data without any come back as they are."""
    if not path.endswith(".ipynb"):
        return _mended(path, data.decode(), there).encode()
    notebook = json.loads(data)
    changed = False
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            text = "".join(cell["source"])
            mended = _mended(path, text, there)
            changed |= mended != text
            cell["source"] = mended.splitlines(keepends=True)
    return f"{json.dumps(notebook, indent=1, ensure_ascii=False)}\n".encode() if changed else data


def _mended(path: str, text: str, there: Collection[str]) -> str:
    def dead(link: re.Match[str]) -> bool:
        target = _target(path, link[2])
        return target is not None and target not in there

    def is_left_out(line: str) -> bool:
        own = [link for link in LINK.finditer(line) if _target(path, link[2])]
        return line.startswith("|") and bool(own) and all(map(dead, own))

    lines = [line for line in text.splitlines(keepends=True) if not is_left_out(line)]
    return LINK.sub(lambda link: link[1] if dead(link) else link[0], "".join(lines))


def _target(path: str, link: str) -> str | None:
    """The file to which a link in the file at `path` leads; None for an address, or a place in the same file.

    A student's copy of a lab, in work/, is made from the lab of that name.
    """
    target = unquote(link.partition("#")[0])
    if not target or re.match(r"[a-z]+:", target):
        return None
    found = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return re.sub(r"^work/", "labs/", found)
