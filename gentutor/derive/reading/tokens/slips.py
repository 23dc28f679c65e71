"""Slips of the pen that would read as something else: each raises `Unread` and says what to write."""

import difflib
import re

from gentutor.derive.reading.tokens import macros
from gentutor.derive.reading.unread import Unread

PLAIN_WORD = re.compile(  # pdata, qphi, theta
    r"(?P<name>[A-Za-z]?)(?P<word>"
    + "|".join(sorted((word for word in macros.GREEK if len(word) > 2), key=len, reverse=True))
    + r"|data|model)(?![A-Za-z])"
)
LOOSE_MEASURE = re.compile(  # E_q(z|x)[..]
    r"E\s*\}?\s*_\s*(?P<measure>[A-Za-z])\s*\(\s*(?P<arguments>[a-z](?:_\w)?(?:\s*(?:\||\\mid|,)\s*[a-z](?:_\w)?)*)"
    r"\s*\)\s*(?:\\[a-zA-Z]+\s*)?(?:\[|\\\{)"
)


def check_letters(text: str, start: int, stop: int) -> None:
    """Greek letters without a backslash, and names without their underscore."""
    found = PLAIN_WORD.match(text, start, stop)
    if found is None or not (found["name"] or found["word"] in macros.GREEK):
        return
    word = f"\\{found['word']}" if found["word"] in macros.GREEK else found["word"]
    if not found["name"]:
        raise Unread(f"{found['word']} without its backslash is a product of letters; write {word}", start)
    raise Unread(f"{found[0]} is a product of letters; write {found['name']}_{{{word}}}", start)


def check_braces(text: str) -> None:
    """E_q(z|x)[..], which prints the arguments of q beside its subscript."""
    loose = LOOSE_MEASURE.search(text)
    if loose:
        measure = f"{loose['measure']}({loose['arguments']})"
        message = f"braces are missing below the E: write \\mathbb{{E}}_{{{measure}}}"
        raise Unread(message, loose.start("measure"))


# What the scanner knows besides the tables of `macros`.
STRUCTURE = {
    "frac",
    "dfrac",
    "tfrac",
    "sqrt",
    "int",
    "iint",
    "blank",
    "prime",
    "mid",
    "vert",
    "Vert",
    "parallel",
} | {*("lvert", "rvert", "lVert", "rVert", "langle", "rangle", "lbrace", "rbrace", "colon")}


def nearest_command(name: str) -> str:
    """What an unknown command may have been meant to be, as a sentence; "" where nothing is near."""
    tables = (
        *(macros.NAMES, macros.LAYOUT, macros.SIZES, macros.FONTS, macros.WORD_FONTS, macros.ACCENTS),
        *(macros.RELATIONS, macros.TIMES, macros.DOTS, macros.TRANSPOSE, macros.OPERATORS),
    )
    known = sorted(STRUCTURE.union(*tables, macros.SHOWN, macros.BRACED, macros.STACKED))
    close = difflib.get_close_matches(name, known, 1, 0.75)
    heads = [other for other in known if len(other) > 2 and name.startswith(other)]
    longest = max(heads, key=len, default="")
    meant = [f"\\{other}" for other in close] + ([f"\\{longest} {name[len(longest) :]}"] if heads else [])
    return f". Did you mean {' or '.join(meant)}?" if meant else ""
