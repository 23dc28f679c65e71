"""What a first line defines: a name of its own, or the value function behind a min max."""

from gentutor.derive.reading.meaning import expectations, functionals, names, optima
from gentutor.derive.reading.meaning.names import Meaning
from gentutor.derive.reading.meaning.reader import Reader
from gentutor.derive.reading.surface import heads
from gentutor.derive.reading.surface.heads import Head, head_of
from gentutor.derive.reading.surface.pieces import (
    Group,
    Sum,
    Surface,
    bare,
    joined,
    name_and_bracket,
    side_by_side,
)
from gentutor.derive.reading.tokens import macros
from gentutor.derive.tree import Call, Node, Optimum, walk


def opening_name(side: Surface, reader: Reader) -> tuple[str | None, str]:
    """The name that opens a chain, and the sign before it: L, -L(theta; x), theta^(t+1)."""
    plain = bare(side)
    sign = ""
    if isinstance(plain, Sum) and len(plain.terms) == 1:
        sign, plain = plain.terms[0]
    name, group = name_and_bracket(plain)
    head = head_of(name)
    if head is not None and head.base in reader.vocabulary.parameters and group is None:
        return heads.key(head), sign  # theta = arg max ...: the place gets a name
    if head is not None and head.base in reader.vocabulary.densities and head.mark == "^*":
        return heads.key(head), sign  # q^* = arg min ...
    return new_name(plain, reader), sign


def new_name(side: Surface, reader: Reader) -> str | None:
    """The name that `side` introduces, if it is one that neither the setting nor the reader knows."""
    name, group = name_and_bracket(side)
    head = head_of(name)
    if head is None or (head.sup is not None and not heads.is_label(head.sup)):
        return None
    found = names.meaning(reader, head, group is not None)
    if found is not None and found.kind == "symbol" and names.of_parameter(reader, group):
        return heads.key(head) + "()"  # the loss L(theta), where L alone is another thing
    if found is not None and not _free(reader, head, found):
        return None
    if _reserved(reader, head, group):
        return None
    return heads.key(head)


def _free(reader: Reader, head: Head, found: Meaning) -> bool:
    """Whether a known name may be defined: theta^* and G^* have no value of their own, L may be a loss."""
    starred = found.kind in ("parameter", "function") and "*" in found.mark
    # \hat x_0 is a name for what follows
    estimate = found.kind == "variable" and found.name.startswith("hat_")
    return starred or estimate or (head.base in reader.vocabulary.definable and not head.subs)


def _reserved(reader: Reader, head: Head, group: Group | None) -> bool:
    """True of names that mean something in every setting: E, N, KL, const."""
    return (
        expectations.is_expectation(reader, head)
        or functionals.is_functional(reader, head, group)
        or head.base in macros.CONST
        or head.base in reader.indices
    )


def less_constant(side: Surface, reader: Reader) -> bool:
    """Whether a side is a new name less a constant, as in Ho's L_{t-1} - C = ..."""
    plain = bare(side)
    if not isinstance(plain, Sum) or len(plain.terms) != 2 or plain.terms[1][0] != "-":
        return False
    head = head_of(plain.terms[1][1])
    return (
        head is not None and head.base in ("C", "const") and new_name(plain.terms[0][1], reader) is not None
    )


def value_defined(left: Surface, right: Surface, reader: Reader) -> Surface:
    """`left`, without its min max where that is printed on the left alone.

    Papers write min_G max_D V(D, G) = E log D(x) + ... for the definition of V: what is right of it still
    depends on D and G.
    """
    items = side_by_side(left)
    value = next((items[i:] for i, item in enumerate(items) if not optima.is_optimum(item)), ())
    head = head_of(value[0]) if value and len(value) < len(items) else None
    found = None if head is None else names.meaning(reader, head, applied=True)
    if found is None or found.kind != "functional" or len(value) > 2:
        return left
    if not _depends(reader.read(right), reader.read(left)):
        return left
    return joined(value)


def _depends(right: Node, left: Node) -> bool:
    """Whether `right` writes a function over which `left` is an optimum, and takes no optimum itself."""
    optima = [n for n in walk(left) if isinstance(n, Optimum)]
    over = {name for n in optima for name in n.over}
    functions = {n.name for n in walk(left) if isinstance(n, Call)}
    sought = over & functions or functions  # below a min max theta stands for G, phi for D
    written = {n.name for n in walk(right) if isinstance(n, Call)}
    return bool(written & sought) and not any(isinstance(n, Optimum) for n in walk(right))
