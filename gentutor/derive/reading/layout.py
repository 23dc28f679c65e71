"""A text as the lines of a chain: comments, wrappers and justifications apart from the formulas."""

import re
from collections.abc import Container, Iterator, Mapping

from gentutor.derive.reading.tokens import macros
from gentutor.derive.reading.tokens.letters import plain
from gentutor.derive.reading.unread import Unread

STUB = re.compile(r"raise\s+NotImplementedError|YOUR ANSWER HERE")
WRAPPER = re.compile(
    r"\\(?:begin|end)\s*\{[a-zA-Z]+\*?\}(?:\{\w*\}|\[\w*\])?|\$\$|\\\[(?!\d)|\\\]|^\s*\$|\$\s*$"
)
BREAK = re.compile(r"\\\\(?:\[[^\]]*\])?\*?")
COMMENT = re.compile(r"(?<!\\)%.*")
TEXT = re.compile(r"\\(?:text|textrm|textit|textbf|textnormal|mbox|tag)\b\s*\{")
MARKS = re.compile(r"\\q?quad\b|(?<!\\)&|" + TEXT.pattern + r"|\\left|\\right|\\[{}]|[(\[{)\]}]")
GIVEN = re.compile(r"\s*(?:\\text\s*\{\s*)?[gG]iven\b(?:\s*:)?\s*\}?\s*")
BLANK = re.compile(r"\\blank\s*\{([^{}]*)\}")
END = re.compile(r"(?:(?<![\\.])[.,;]|\\[,;:! ]|\s)+$")


NUMBER = re.compile(  # of an equation: (2.3), [7] or \text{(3a)} behind the formula
    r"(?P<gap>(?:[\s~.,;]|\\[,;:! ]|\\q?quad\b|\\hfill\b|\\hspace\*?\{[^{}]*\})*)"
    r"(?:\\text\w*\s*\{\s*)?[(\[](?:[Ee]q\.?\s*)?\d+(?:[.-]\d+)*[a-z]?'?[)\]]\}?[\s.,;]*$"
)


def steps(text: str) -> Iterator[str]:
    """The lines of the text that hold a formula, without what wraps them."""
    for line in plain(text).splitlines():
        if line.lstrip().startswith(("#", "%")) or STUB.search(line):
            continue
        for piece in BREAK.split(COMMENT.sub("", line)):
            formula = WRAPPER.sub(" ", piece).strip()
            if formula.strip("& "):
                yield formula


def split_note(text: str, known: Container[str]) -> tuple[str, str]:
    """The formula, and the justification behind it.

    A top-level \\quad, or a second &, begins it if a \\text comes after; so does a \\text of its own,
    unless it is a word that the formula may use (`known`).
    """
    text = _without_number(text)
    depth, ampersands, seen = 0, 0, 0
    for mark in MARKS.finditer(text):
        start, sign = mark.start(), mark[0]
        if start < seen:
            continue
        if sign in ("(", "[", "{", "\\{"):
            if (
                depth == 0
                and sign in "(["
                and _is_note(text, mark.end(), known)
                and _after_operand(text[:start])
            ):
                return _cut(text, start)
            depth += 1
        elif sign in (")", "]", "}", "\\}"):
            depth = max(0, depth - 1)
        elif TEXT.match(sign):
            seen = mark.end()
            rest = text[_closing(text, mark.end()) :]
            goes_on = re.match(r"\s*[-+=]", rest) is not None  # \text{ where } + 7 is more than words
            if depth == 0 and not goes_on and _is_note(text, start, known) and _after_operand(text[:start]):
                return _cut(text, start)
            depth += 1
        elif depth == 0 and sign in ("&", "\\quad", "\\qquad"):
            ampersands += sign == "&"
            if sign == "&" and ampersands < 2:
                continue
            rest = text[mark.end() :]
            if _after_operand(text[:start]) and TEXT.search(rest) and not re.match(r"\s*[-+=]", rest):
                return _cut(text, start)
    return END.sub("", text), ""


def _without_number(text: str) -> str:
    """The line without the number of its equation; f(3) is none, nor is 2 (3)."""
    found = NUMBER.search(text, max(0, len(text) - 120))
    if found is None or not _after_operand(text[: found.start()]):
        return text
    far = "quad" in found["gap"] or "\\h" in found["gap"] or len(found["gap"]) > 1
    ends = text[: found.start()].rstrip()[-1:]
    return text[: found.start()] if far or ends in ")]" or (found["gap"] and ends == "}") else text


def _closing(text: str, place: int) -> int:
    """The place after the brace that closes the group begun before `place`."""
    depth = 1
    for i in range(place, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return i + 1
    return len(text)


def _cut(text: str, place: int) -> tuple[str, str]:
    return END.sub("", text[:place]), text[place:].strip()


def _is_note(text: str, start: int, known: Container[str]) -> bool:
    """True if a \\text that is no word of the formula begins at `start`."""
    found = re.compile(r"\s*" + TEXT.pattern + r"([^{}]*)\}?").match(text, start)
    if found is None:
        return False
    word = found[1].strip().rstrip(".")
    return word not in macros.WORDS and word not in macros.OPERATORS and word not in known and word != ""


def _after_operand(text: str) -> bool:
    """True if the text ends with something that may be the end of a formula."""
    text = END.sub("", text).rstrip("& ")
    ends = re.search(r"\\([a-zA-Z]+)$", text)
    if ends:
        return ends[1] in macros.NAMES or ends[1] in macros.DOTS
    return bool(re.search(r"[\w)\]}'|*]$", text))


def fill(text: str, blanks: Mapping[str, str]) -> str:
    """`text` with the answers in its holes, each in braces of its own.

    Raises:
        Unread: if an answer would reach out of its hole.
    """

    def answer(hole: re.Match[str]) -> str:
        filled = blanks.get(hole[1].strip())
        if filled is None or not filled.strip():
            return hole[0]
        trouble = _trouble(filled)
        if trouble:
            raise Unread(f"the answer in the hole {hole[1].strip()} {trouble}", hole.start(), text)
        return "{" + " ".join(filled.split()) + "}"

    return BLANK.sub(answer, text)


def _trouble(filled: str) -> str:
    """What keeps an answer from standing in a hole, or ""."""
    if re.search(r"(?<!\\)%|#", filled):
        return "holds a comment"
    if re.search(r"\\\\|(?<!\\)&|\\begin|\\end|\\blank", filled):
        return "holds more than one formula"
    depth = 0
    for brace in re.finditer(r"\\.|[{}]", filled):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth < 0:
            break
    return "has a brace that does not match" if depth else ""


def split_top(text: str, separator: str = ",") -> Iterator[tuple[int, str]]:
    """The parts of `text` between separators outside all brackets, each with its place."""
    depth, begin = 0, 0
    for mark in re.finditer(r"\\.|[(\[{)\]}" + separator + "]", text):
        if mark[0] in ("(", "[", "{", "\\{"):
            depth += 1
        elif mark[0] in (")", "]", "}", "\\}"):
            depth -= 1
        elif mark[0] == separator and depth == 0:
            yield begin, text[begin : mark.start()]
            begin = mark.end()
    yield begin, text[begin:]
