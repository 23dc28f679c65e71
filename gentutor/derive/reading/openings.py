"""What a first line defines: a name of its own, or the value function behind a min max."""

from gentutor.derive.reading import binders, names
from gentutor.derive.reading.names import Head, Meaning, bare, bracket_at, head_of
from gentutor.derive.reading.reader import Reader
from gentutor.derive.reading.syntax import Product, Sum, Surface
from gentutor.derive.tree import Call, Node, Optimum, walk


def opening_name(side: Surface, reader: Reader) -> tuple[str | None, str]:
    """The name that opens a chain, and the sign before it: L, -L(theta; x), theta^(t+1)."""
    plain = bare(side)
    sign = ""
    if isinstance(plain, Sum) and len(plain.terms) == 1:
        sign, plain = plain.terms[0]
    applied = isinstance(plain, Product) and len(plain.items) == 2 and bracket_at(plain.items, 1) is not None
    head = head_of(plain.items[0] if applied and isinstance(plain, Product) else plain)
    if head is not None and head.base in reader.vocabulary.parameters and not applied:
        return names.key(head), sign  # theta = arg max ...: the place gets a name
    if head is not None and head.base in reader.vocabulary.densities and head.mark == "^*":
        return names.key(head), sign  # q^* = arg min ...
    return new_name(plain, reader), sign


def new_name(side: Surface, reader: Reader) -> str | None:
    """The name that `side` introduces, if it is one that neither the setting nor the reader knows."""
    plain = bare(side)
    group = None
    if isinstance(plain, Product) and len(plain.items) == 2:
        group = bracket_at(plain.items, 1)
        plain = bare(plain.items[0]) if group else plain
    head = head_of(plain)
    if head is None or (head.sup is not None and not names.is_label(head.sup)):
        return None
    found = names.meaning(reader, head, group is not None)
    if found is not None and found.kind == "symbol" and names.of_parameter(reader, group):
        return names.key(head) + "()"  # the loss L(theta), where L alone is another thing
    if found is not None and not _free(reader, head, found):
        return None
    if reader.reserved(head, group):
        return None
    return names.key(head)


def _free(reader: Reader, head: Head, found: Meaning) -> bool:
    """Whether a known name may be defined: theta^* and G^* have no value of their own, L may be a loss."""
    starred = found.kind in ("parameter", "function") and "*" in found.mark
    estimate = found.kind == "variable" and found.name.startswith(
        "hat_"
    )  # \\hat x_0 is a name for what follows
    return starred or estimate or (head.base in reader.vocabulary.definable and not head.subs)


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
    items = _items(left)
    value = next((items[i:] for i, item in enumerate(items) if not binders.is_optimum(item)), ())
    head = head_of(value[0]) if value and len(value) < len(items) else None
    found = None if head is None else names.meaning(reader, head, applied=True)
    if found is None or found.kind != "functional" or len(value) > 2:
        return left
    if not _depends(reader.read(right), reader.read(left)):
        return left
    return Product(value[0].start, value[-1].end, value) if len(value) > 1 else value[0]


def _items(side: Surface) -> tuple[Surface, ...]:
    plain = bare(side)
    return plain.items if isinstance(plain, Product) else (plain,)


def _depends(right: Node, left: Node) -> bool:
    """Whether `right` writes a function over which `left` is an optimum, and takes no optimum itself."""
    optima = [n for n in walk(left) if isinstance(n, Optimum)]
    over = {name for n in optima for name in n.over}
    functions = {n.name for n in walk(left) if isinstance(n, Call)}
    sought = over & functions or functions  # below a min max theta stands for G, phi for D
    written = {n.name for n in walk(right) if isinstance(n, Call)}
    return bool(written & sought) and not any(isinstance(n, Optimum) for n in walk(right))
