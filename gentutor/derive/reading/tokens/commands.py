"""What each LaTeX command is in tokens: a letter, an operator, a relation, a font, layout without meaning."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gentutor.derive.reading.tokens import macros, slips
from gentutor.derive.reading.tokens.brackets import DOUBLE_BAR

if TYPE_CHECKING:
    from gentutor.derive.reading.tokens.scanner import Scanner

ONE_SYMBOL = re.compile(r"\s*\{\s*(\\[a-zA-Z]+|[A-Za-z0-9])\s*\}|\s*(\\[a-zA-Z]+|[A-Za-z0-9])")
PLAIN_GROUP = re.compile(r"\s*\{((?:[^{}$\\]|\\[,;!: ]|\\_)*)\}")


def command(scanner: Scanner, name: str, start: int, end: int, stop: int) -> None:
    """A LaTeX command."""
    if name in macros.NAMES:
        scanner.emit("WORD" if name == "KL" else "NAME", macros.NAMES[name], start, end)
    elif name in macros.SIZES:
        _size(scanner, name, stop)
    elif name in macros.WORD_FONTS and _text_word(scanner, stop):
        pass
    elif name in macros.FONTS or name in macros.WORD_FONTS:
        _font(scanner, name, start, stop)
    elif name in macros.LAYOUT:
        pass
    elif name in macros.LAYOUT_WITH_ARGUMENT:
        scanner.position = scanner.argument(stop)[1] + 1
    elif name in macros.ACCENTS:
        scanner.emit("ACCENT", macros.ACCENTS[name], start, end)
    elif name in macros.RELATIONS:
        scanner.relation(macros.RELATIONS[name], start, end)
    elif name in macros.TIMES:
        scanner.emit("TIMES", "*" if name in ("ast", "star") else name, start, end)
    elif name in macros.TRANSPOSE:
        scanner.emit("NAME", "top", start, end)
    elif name in macros.DOTS:
        scanner.emit("DOTS", name, start, end)
    elif name in macros.OPERATORS:
        scanner.operator(macros.OPERATORS[name], start, end)
    elif name in ("int", "iint", "iiint", "oint"):
        for _ in range(max(1, name.count("i") - 1)):
            scanner.emit("INT", "int", start, end)
    elif name in ("frac", "dfrac", "tfrac", "cfrac"):
        scanner.emit("FRAC", "frac", start, end)
    elif name == "sqrt":
        rooted = re.compile(r"\s*\[").match(scanner.text, end, stop)
        scanner.emit("ROOT" if rooted else "SQRT", "sqrt", start, end)
    elif name == "blank":
        scanner.emit("BLANK", "blank", start, end)
    elif name == "prime":
        scanner.emit("NAME", "'", start, end)
    elif name in ("mid", "vert", "Vert", "parallel", "lvert", "rvert", "lVert", "rVert"):
        _named_bar(scanner, name, start, stop)
    elif name in ("langle", "rangle"):
        (scanner.open if name == "langle" else scanner.close)("<" if name == "langle" else ">", start, end)
    elif name in macros.SIGNS:
        scanner.sign(macros.SIGNS[name], start, end, stop)
    elif name in macros.SHOWN or name in macros.BRACED:
        _shown(scanner, name, start, stop)
    elif name in macros.STACKED:
        _stacked(scanner, name, start, stop)
    else:
        raise scanner.fail(f"the command \\{name} has no meaning here{slips.nearest_command(name)}", start)


def _named_bar(scanner: Scanner, name: str, start: int, stop: int) -> None:
    """\\mid always separates; \\lVert opens and \\rVert closes."""
    if name == "mid":
        double = DOUBLE_BAR.match(scanner.text, start, stop)
        scanner.position = double.end() if double else scanner.position
        scanner.emit("SEP", "||" if double else "|", start, scanner.position)
    else:
        scanner.bar(start, stop, {"l": "left", "r": "right"}.get(name[0], ""))


def _size(scanner: Scanner, name: str, stop: int) -> None:
    """\\left and the like: without meaning, but they tell which bar opens and which closes."""
    bar = re.compile(r"\s*(\\\||\||\\[lr]?[vV]ert\b|\.|∥|‖)").match(scanner.text, scanner.position, stop)
    if bar is None:
        return
    scanner.position = bar.end()
    if bar[1] != ".":
        left, right = name == "left" or name.endswith("l"), name == "right" or name.endswith("r")
        scanner.bar(bar.start(1), stop, "left" if left else "right" if right else "")


def _text_word(scanner: Scanner, stop: int) -> bool:
    """\\text{KL}, \\operatorname{arg\\,min}: a word. False if it holds more than a word."""
    found = PLAIN_GROUP.match(scanner.text, scanner.position, stop)
    if found is None:
        return False
    word = re.sub(r"\\_", "_", re.sub(r"\\[,;!: ]|~", " ", found[1])).strip().rstrip(".")
    if re.fullmatch(r"[A-Za-z]", word) and scanner.text[scanner.position :].lstrip()[0] == "{":
        start = scanner.position
        scanner.position = found.end()
        scanner.emit("NAME", word, start, found.end())
        return True
    if not word or not re.fullmatch(r"[A-Za-z][\w .'-]*", word):
        return word == ""
    start = found.start(1)
    scanner.position = found.end()
    scanner.word(" ".join(word.split()), start, found.end(1))
    return True


def _font(scanner: Scanner, name: str, start: int, stop: int) -> None:
    """\\mathbf{x} is x. An N or E in a font of its own is the normal law or an expectation."""
    found = ONE_SYMBOL.match(scanner.text, scanner.position, stop)
    if found is None:
        return  # the braces stay, as a group without meaning
    symbol = found[1] or found[2]
    special = symbol in ("E", "N", "D", "H", "I", "U", "J")
    if (special and name in ("mathcal", "mathbb", "mathscr")) or (
        symbol == "E" and name in ("mathbf", "mathsf", "mathrm")
    ):
        scanner.emit("WORD", f"\\{symbol}", start, found.end())
        scanner.position = found.end()
    elif symbol[0] != "\\":
        kind = "NUMBER" if symbol.isdigit() else "NAME"
        scanner.emit(kind, symbol, found.start(1) if found[1] else found.start(2), found.end())
        scanner.position = found.end()
    elif symbol[1:] in macros.NAMES:
        scanner.emit("NAME", macros.NAMES[symbol[1:]], start, found.end())
        scanner.position = found.end()


def _shown(scanner: Scanner, name: str, start: int, stop: int) -> None:
    """\\underbrace{A}_{..} and \\cancel{A} are A, \\textcolor{red}{A} too."""
    scanner.check_depth(start)
    for _ in range(macros.SHOWN.get(name, 0)):
        scanner.position = scanner.argument(stop)[1] + 1
    span = scanner.argument(stop)
    scanner.inside(span, braces=not scanner.signed(span[0]))
    label = re.compile(r"\s*[_^]\s*(?=\{)").match(scanner.text, scanner.position, stop)
    if label and name in macros.BRACED:
        scanner.position = label.end()
        scanner.position = scanner.argument(stop)[1] + 1


def _stacked(scanner: Scanner, name: str, start: int, stop: int) -> None:
    """Things above and below each other: \\stackrel{..}{=} is =."""
    scanner.check_depth(start)
    first = scanner.argument(stop)
    scanner.position = first[1] + 1
    second = scanner.argument(stop)
    relation = len(scanner.tokens)
    scanner.inside(second, braces=False)
    if name == "underset" and scanner.tokens[relation:] and scanner.tokens[-1].type != "REL":
        scanner.emit("SUB", "_", first[0], first[0])
        scanner.inside(first, braces=True)
    scanner.position = second[1] + 1
