"""Brackets and bars: which bar is a fence of |A| or ||A||, and which separates p(x|z) or KL(p||q)."""

import re
from typing import NamedTuple

from lark import Token

from gentutor.derive.reading.unread import MAX_DEPTH, TOO_DEEP, Unread

DOUBLE_BAR = re.compile(
    r"(?:\||\\mid\b|\\vert\b)(?:\s|\\[,!;:]|\\(?:[bB]igg?|middle)\b)*(?:\||\\mid\b(?!\w)|\\vert\b)"
)
CLOSING = {"(": ")", "[": "]", "{": "}", "\\{": "\\}", "<": ">", "|": "|", "||": "||"}
TAKES = {"FRAC": 2, "SQRT": 1, "ACCENT": 1}  # how many arguments
HALF_OPEN = {("(", "]"), ("[", ")")}


class _Level(NamedTuple):
    """An open bracket: its place, the state to return to, and whether bars in it separate.

    `awaited` counts the arguments that a \\frac around it still takes when it closes.
    """

    bracket: str
    position: int
    after: tuple[bool, bool]
    arguments: bool
    awaited: int


class Brackets:
    """The tokens of a formula so far, and what may come next.

    `operand` says whether an operand has just ended, so that a bar would close or separate; `callable_` if
    it could be a density or function, so that a bracket that follows would hold its arguments.
    """

    def __init__(self, text: str) -> None:
        self.text, self.position = text, 0
        self.tokens: list[Token] = []
        self.levels: list[_Level] = []
        self.operand = self.callable_ = False
        self.base = (False, False)  # the state of what the script under way hangs on
        self.nesting = 0
        self.awaited = 0  # arguments that a \frac or \sqrt still takes

    def fail(self, message: str, position: int | None = None) -> Unread:
        """The error to raise, at `position` or where the scanner stands."""
        return Unread(message, self.position if position is None else position)

    def emit(self, kind: str, value: str, start: int, end: int) -> None:
        """Adds a token and keeps track of what may follow it."""
        script = bool(self.tokens) and self.tokens[-1].type in ("SUB", "SUP")
        self.tokens.append(Token(kind, value, start_pos=start, end_pos=end))
        if kind in ("SUB", "SUP"):
            self.base = (self.operand, self.callable_)
            self.operand = self.callable_ = False
        elif script and kind not in ("FRAC", "SQRT", "ROOT", "ACCENT"):
            self.operand, self.callable_ = self.base
        elif value in ("E", "\\E"):
            self.operand = self.callable_ = False
        elif kind in ("NAME", "WORD"):
            self.operand = self.callable_ = True
        elif kind in ("NUMBER", "DOTS"):
            self.operand, self.callable_ = True, False
        elif kind != "PRIME":
            self.operand = self.callable_ = False
        if self.awaited and kind in ("NAME", "NUMBER", "WORD", *TAKES):
            self.awaited -= 1
        self.awaited += TAKES.get(kind, 0)

    def open(self, bracket: str, start: int, end: int) -> None:
        """Opens a bracket or fence."""
        if len(self.levels) >= MAX_DEPTH:
            raise self.fail(TOO_DEEP, start)
        before = self.tokens[-1].type if self.tokens else ""
        script = before in ("SUB", "SUP")
        named = bracket == "{" and (not self.awaited or before == "ACCENT")  # {f}(x), but no \frac{1}{2}(x)
        inherited = bracket == "{" and not self.awaited and bool(self.levels) and self.levels[-1].arguments
        level = _Level(
            bracket,
            start,
            self.base if script else (True, named),
            script or inherited or (self.callable_ and bracket in ("(", "[", "\\{")),
            self.awaited - (self.awaited > 0 and bracket == "{"),
        )
        self.awaited = 0  # within the braces of \frac{11}{10}
        self.tokens.append(Token("OPEN", bracket, start_pos=start, end_pos=end))
        self.levels.append(level)
        self.operand = self.callable_ = False

    def close(self, bracket: str, start: int, end: int) -> None:
        """Closes the bracket or fence on top, which must match."""
        if not self.levels:
            raise self.fail(f"this {bracket} closes nothing", start)
        level = self.levels.pop()
        if CLOSING[level.bracket] != bracket and (level.bracket, bracket) not in HALF_OPEN:
            raise self.fail(
                f"this {level.bracket} is not closed before the {bracket} in column {start + 1}",
                level.position,
            )
        self.tokens.append(Token("CLOSE", bracket, start_pos=start, end_pos=end))
        self.operand, self.callable_ = level.after
        self.awaited = level.awaited

    def bar(self, start: int, stop: int, side: str) -> None:
        """| and ||: a fence opens where an operand is expected, or closes that on top; else it separates."""
        double = DOUBLE_BAR.match(self.text, start, stop)
        single = self.text[start] == "|" or self.text.startswith("\\vert", start)
        if double and self.operand and self.levels and self.levels[-1].bracket == "|":
            double = None  # the first bar of |a||b| closes
        if double:
            self.position = double.end()
        kind = "|" if single and not double else "||"
        top = self.levels[-1] if self.levels else None
        if side and self.operand and top and top.arguments and self.without_partner(side, stop):
            self.emit("SEP", kind, start, self.position)  # KL\left( p \left\| q \right. \right)
            return
        if side == "right" or (self.operand and side != "left" and top and top.bracket == kind):
            self.close(kind, start, self.position)
        elif (
            side == "left"
            or not self.operand
            or not (top and (top.arguments or self.stands_alone(kind, stop)))
        ):
            self.open(kind, start, self.position)
        else:
            self.emit("SEP", kind, start, self.position)

    def stands_alone(self, kind: str, stop: int) -> bool:
        """True of a | that no other bar follows in its bracket: E[x | y]."""
        if kind != "|" or self.levels[-1].bracket not in ("(", "["):
            return False
        depth = 1
        for found in re.compile(r"\\[{}]|\\[lr]?vert\b|\\mid\b|\\\||[(\[{)\]}|]").finditer(
            self.text, self.position, stop
        ):
            depth += (found[0] in ("(", "[", "{", "\\{")) - (found[0] in (")", "]", "}", "\\}"))
            if depth == 0:
                return True
            if depth == 1 and found[0][-1] in "|td":
                return False
        return False

    def without_partner(self, side: str, stop: int) -> bool:
        """True of a \\left| whose \\right is empty, and of a \\right| that closes nothing."""
        if side == "right":
            return self.levels[-1].bracket not in ("|", "||")
        depth = 1
        for found in re.compile(r"\\(left|right)\s*(\.?)").finditer(self.text, self.position, stop):
            depth += 1 if found[1] == "left" else -1
            if depth == 0:
                return bool(found[2])
        return False
