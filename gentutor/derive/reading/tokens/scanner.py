"""LaTeX text as tokens for the grammar, from left to right: letters, words, numbers and signs.

`(`, `[`, `{`, `\\{`, `\\langle` and the opening bar of |A| or ||A|| are all OPEN tokens, told apart by value.
"""

import re

from lark import Token

from gentutor.derive.reading.tokens import letters, macros, slips
from gentutor.derive.reading.tokens.brackets import Brackets
from gentutor.derive.reading.tokens.commands import command
from gentutor.derive.reading.tokens.differentials import mark_differentials
from gentutor.derive.reading.unread import MAX_DEPTH, TOO_DEEP, Unread

SCAN = re.compile(
    r"\\(?P<macro>[a-zA-Z]+)\*?|\\(?P<escaped>.)|(?P<number>\d+(?:\.\d+)?|\.\d+)|(?P<letter>[A-Za-z])|(?P<other>\S)"
)
WORD_RUN = re.compile(r"(?:" + "|".join(sorted(macros.WORDS, key=len, reverse=True)) + r")(?![A-Za-z])")
ANY_RUN = re.compile(r"\s*([A-Za-z]{2,})\s*\}")
SIGNED = re.compile(r"\s*(?:\\color\s*\{[^{}]*\}\s*)?[-+−]")
ROOT = re.compile(r"\\sqrt\s*\[[^\]]*\]\s*$")


class Scanner(Brackets):
    """Turns one formula into tokens, from left to right."""

    def scan(self, stop: int) -> None:
        """Reads the text up to `stop`."""
        while self.position < stop:
            found = SCAN.search(self.text, self.position, stop)
            if found is None:
                break
            start, end = found.span()
            self.position = end
            kind = found.lastgroup
            if kind == "macro":
                command(self, found["macro"], start, end, stop)
            elif kind == "number":
                if (self.tokens and self.tokens[-1].type in ("SUB", "SUP")) or self.awaited:
                    end = self.position = start + 1  # \frac12 and x^23 take one digit
                self.emit("NUMBER", self.text[start:end], start, end)
            elif kind == "letter":
                self.letter(start, stop)
            else:
                self.sign((found["escaped"] and "\\" + found["escaped"]) or found["other"], start, end, stop)

    def letter(self, start: int, stop: int) -> None:
        """A letter, or a run of letters that is a word (KL; data in p_{data})."""
        inside = self.tokens and self.tokens[-1].type == "OPEN" and self.tokens[-1] == "{"
        script = inside and len(self.tokens) > 1 and self.tokens[-2].type in ("SUB", "SUP")
        run = ANY_RUN.match(self.text, start, stop) if script else None
        if run is None and not (self.tokens and self.tokens[-1].type == "SUP"):  # V^TV is V^T V
            run = WORD_RUN.match(self.text, start, stop)
        if run is None or run.re is not ANY_RUN:
            slips.check_letters(self.text, start, stop)
        if run:
            word = run[1] if run.re is ANY_RUN else run[0]
            self.position = start + len(word)
            self.word(word, start, self.position)
            if word in macros.CONST and self.text.startswith(".", self.position):
                self.position += 1
        else:
            self.emit("NAME", self.text[start], start, start + 1)

    def word(self, word: str, start: int, end: int) -> None:
        """A word: an operator, dots, or a name."""
        if word in macros.OPERATORS:
            self.operator(macros.OPERATORS[word], start, end)
        elif word == "dots":
            self.emit("DOTS", word, start, end)
        elif word == "DKL":
            self.emit("WORD", "KL", start, end)
        else:
            self.emit("NAME" if len(word) == 1 else "WORD", word, start, end)

    def operator(self, name: str, start: int, end: int) -> None:
        """An operator; arg and min are one."""
        if name in ("min", "max") and self.tokens and self.tokens[-1] == "arg":
            start, name = self.tokens.pop().start_pos or 0, "arg" + name
        self.emit("OPERATOR", name, start, end)

    def sign(self, sign: str, start: int, end: int, stop: int) -> None:
        """A character that is no letter and no digit."""
        if sign == "{" and self.signed(end) and self.is_plain_group(start):
            self.position = start
            self.inside(self.argument(stop), braces=False)
        elif sign in "([{" or sign == "\\{":
            self.open(sign, start, end)
        elif sign in ")]}" or sign == "\\}":
            self.close(sign, start, end)
        elif sign in ("|", "\\|"):
            self.bar(start, stop, "")
        elif sign in "+-−":
            self.emit("SIGN", "-" if sign == "−" else sign, start, end)
        elif sign in "^_":
            self.emit("SUP" if sign == "^" else "SUB", sign, start, end)
        elif sign in "'′’":
            self.emit("PRIME", "'", start, end)
        elif sign in "*/":
            self.emit("TIMES" if sign == "*" else "SLASH", sign, start, end)
        elif sign in "=<>":
            self.relation(sign, start, end)
        elif sign == ":" and self.text.startswith("=", end):
            self.position = end + 1
            self.relation(":=", start, end + 1)
        elif sign in ",;:":
            self.emit("SEP", sign, start, end)
        elif sign == "." and self.text.startswith("..", end):
            self.position = end + 2
            self.emit("DOTS", "...", start, end + 2)
        elif sign in letters.COMMANDS:
            if letters.COMMANDS[sign] == "|":
                self.bar(start, stop, "")
            else:
                command(self, letters.COMMANDS[sign], start, end, stop)
        elif sign == "~" and self.after_a_name_below():
            self.relation("~", start, end)
        elif sign not in ("\\,", "\\;", "\\:", "\\!", "\\ ", "\\>", "&", "~", "$", "\\/"):
            shown = sign if sign.isprintable() else f"U+{ord(sign[-1]):04X}"
            raise self.fail(f"the character {shown} has no meaning here", start)

    def is_plain_group(self, start: int) -> bool:
        """Whether the brace at `start` opens no argument and no script."""
        script = bool(self.tokens) and self.tokens[-1].type in ("SUB", "SUP")
        return not script and not self.awaited and not ROOT.search(self.text[:start])

    def after_a_name_below(self) -> bool:
        """Whether `_{x` comes before: there a ~ is no space but x ~ p."""
        kinds = [token.type for token in self.tokens[-3:]]
        return kinds == ["SUB", "OPEN", "NAME"]

    def relation(self, name: str, start: int, end: int) -> None:
        """A relation; >= from its two characters, and \\geq = is \\geq."""
        if self.tokens and self.tokens[-1].type == "REL":
            before = self.tokens.pop()
            start = before.start_pos or 0
            pair = {before.value, name}
            name = {(">", "="): ">=", ("<", "="): "<=", ("=", ":"): "=:"}.get((before.value, name), "")
            name = name or next(iter(pair - {"="}), "=") if "=" in pair else ""
            if not name:
                raise self.fail("two relations without anything between them", start)
        if name == "=" and self.text.startswith(":", self.position):
            self.position, name = self.position + 1, "=:"
        self.emit("REL", name, start, end)

    def argument(self, stop: int) -> tuple[int, int]:
        """The span of the braces' content that follows."""
        found = re.compile(r"\s*\{").match(self.text, self.position, stop)
        if found is None:
            raise self.fail("a { is missing after this command")
        depth, start = 1, found.end()
        for brace in re.compile(r"\\.|[{}]").finditer(self.text, start, stop):
            depth += {"{": 1, "}": -1}.get(brace[0], 0)
            if depth == 0:
                return start, brace.start()
        raise self.fail("this { is never closed", found.end() - 1)

    def signed(self, start: int) -> bool:
        """Whether braces hold a term with its sign, and no factor: A {\\color{red} - B} is A - B."""
        return self.operand and SIGNED.match(self.text, start) is not None

    def inside(self, span: tuple[int, int], braces: bool) -> None:
        """Reads a span of the text."""
        if braces:
            self.open("{", span[0] - 1, span[0])
        depth = len(self.levels)
        self.position = span[0]
        self.nesting += 1
        self.scan(span[1])
        self.nesting -= 1
        if len(self.levels) != depth:
            raise self.fail("a bracket opens or closes inside these braces only", span[0])
        if braces:
            self.close("}", span[1], span[1] + 1)
        self.position = span[1] + 1

    def check_depth(self, start: int) -> None:
        """Raises Unread if \\underbrace and the like are nested too deep."""
        if self.nesting >= MAX_DEPTH:
            raise self.fail(TOO_DEEP, start)


def tokenise(text: str) -> list[Token]:
    """The tokens of one formula.

    Raises:
        Unread: on a character or command without meaning, or brackets that do not match.
    """
    slips.check_braces(text)
    scanner = Scanner(text)
    scanner.scan(len(text))
    if scanner.levels:
        level = scanner.levels[-1]
        raise Unread(f"this {level.bracket} is never closed", level.position)
    return mark_differentials(scanner.tokens)
