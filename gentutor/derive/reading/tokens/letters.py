"""Characters beyond ASCII, as pasted from a PDF: which are read as what, and which print nothing."""

import re
import unicodedata

INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")


def _greek(letter: str) -> str:
    """theta of θ, Theta of Θ."""
    name = unicodedata.name(letter).rpartition(" ")[2].lower().replace("lamda", "lambda")
    return name.capitalize() if letter.isupper() else name


# A character, and the LaTeX command that it stands for.
COMMANDS = {letter: _greek(letter) for letter in "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨΩ"} | {
    "ϕ": "phi",
    "ϵ": "epsilon",
    "∑": "sum",
    "∏": "prod",
    "∫": "int",
    "√": "sqrt",
    "∇": "nabla",
    "∂": "partial",
    "∞": "infty",
    "≥": "geq",
    "≤": "leq",
    "≈": "approx",
    "∼": "sim",
    "∝": "propto",
    "≠": "neq",
    "∈": "in",
    "·": "cdot",
    "×": "times",
    "⊙": "odot",
    "∥": "|",
    "‖": "|",
    "…": "dots",
    "⋯": "dots",
    "𝔼": "E",
    "⊤": "top",
    "⋅": "cdot",
    "∗": "ast",
    "⩾": "geq",
    "⩽": "leq",
    "≜": "triangleq",
    "≔": "coloneqq",
    "∣": "|",
    "∆": "Delta",
    "ϑ": "theta",
    "ς": "sigma",
    "□": "qed",
    "■": "qed",
    "∎": "qed",
}


def plain(text: str) -> str:
    """The text in the letters that the reader knows, without characters that print nothing."""
    return "".join(map(_plain, INVISIBLE.sub("", text)))


def _plain(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.category(character) == "Zs":
        return " "
    if character in "–‐‑":
        return "-"
    folded = unicodedata.normalize("NFKC", character)
    name = unicodedata.name(character, "")
    if name.startswith("VULGAR FRACTION"):
        return "\\frac{" + folded.replace("\u2044", "}{") + "}"
    if "SUPERSCRIPT" in name or character == "\u1d40":  # a raised T
        return f"^{{{folded}}}"
    if "SUBSCRIPT" in name:
        return f"_{{{folded}}}"
    return folded if name.startswith("MATHEMATICAL ") or character in "µΩℒℓℕℝℰ" else character
