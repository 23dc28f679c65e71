"""What a slip is, and how it is put into words."""

from gentutor.derive.setting import Setting
from gentutor.derive.showing.latex import to_latex
from gentutor.derive.tree import Div, Node, node

Slip = tuple[Node, str, str]  # what a place of a line may have been meant to be, the kind of slip, the words

ONE, TWO, HALF = node(1), node(2), Div(node(1), node(2))


def formula(n: Node) -> str:
    """In mathematics."""
    return f"${to_latex(n)}$"


def called(n: Node, setting: Setting) -> str:
    """ "the prior $p(z)$" where the setting has a word for a density, else its formula."""
    word = setting.words.get(n)
    return f"{word} {formula(n)}" if word else formula(n)


def capital(words: str) -> str:
    """With a capital first letter."""
    return words[0].upper() + words[1:]
