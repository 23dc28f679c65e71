"""Which names a cell binds and which it reads, by its text alone."""

import ast
import symtable
from collections.abc import Iterable
from dataclasses import dataclass

from IPython.core.inputtransformer2 import TransformerManager

COMPOUND = (ast.For, ast.While, ast.If, ast.With, ast.Try)


@dataclass(frozen=True)
class Names:
    """Of one cell.

    Attributes:
        binds: names that its statements bind in the notebook's namespace.
        reads: names that it reads before it binds them itself, in the bodies of its functions too.
        asks: whether it asks which checks have passed, so that it depends on them.
    """

    binds: frozenset[str]
    reads: frozenset[str]
    asks: bool


def of(source: str) -> Names:
    """The names of a cell in IPython's dialect; what magics bind is not seen. Raises SyntaxError."""
    tree = ast.parse(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]
    bound: set[str] = set()
    read = _read(tree.body, bound)
    asks = any(isinstance(node, ast.Attribute) and node.attr == "passed" for node in ast.walk(tree))
    return Names(frozenset(bound), frozenset(read), asks)


def _read(statements: Iterable[ast.stmt], bound: set[str]) -> set[str]:
    """Names that the statements, one after the other, read unless they are in `bound`, which grows."""
    read: set[str] = set()
    for statement in statements:
        if isinstance(statement, COMPOUND):
            read |= _read_compound(statement, bound)
            continue
        binds, reads = _simple(statement)
        read |= reads - bound
        bound |= binds
    return read


def _read_compound(statement: ast.stmt, bound: set[str]) -> set[str]:
    """The same for a statement with a body: its head is read and bound first."""
    read: set[str] = set()
    for name in ("iter", "test", "items", "target"):  # in the order in which they run
        part = getattr(statement, name, None)
        for node in part if isinstance(part, list) else [part]:
            if node is not None:
                binds, reads = _expression(node)
                read |= reads - bound
                bound |= binds
    for body in ("body", "handlers", "orelse", "finalbody"):
        for part in getattr(statement, body, []):
            if isinstance(part, ast.ExceptHandler):
                read |= (_expression(part.type)[1] if part.type else set()) - bound
                read |= _read(part.body, bound | ({part.name} if part.name else set()))
            else:
                read |= _read([part], bound)
    return read


def _expression(node: ast.AST) -> tuple[set[str], set[str]]:
    """What an expression, a target or an item of `with` binds and reads."""
    if isinstance(node, ast.withitem):
        binds, reads = _expression(node.optional_vars) if node.optional_vars else (set(), set())
        return binds, reads | _expression(node.context_expr)[1]
    found = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    binds = {n.id for n in found if isinstance(n.ctx, ast.Store)}
    if isinstance(getattr(node, "ctx", None), ast.Store):  # a target such as x, (x, y) or x.y
        return binds, {n.id for n in found if isinstance(n.ctx, ast.Load)}
    return binds, _simple(ast.Expr(node))[1] if isinstance(node, ast.expr) else set()


def _simple(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """What one statement binds at the top level, and what it reads there and in its functions."""
    table = symtable.symtable(ast.unparse(statement), "<cell>", "exec")
    binds = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}
    reads = {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        reads.add(statement.target.id)
    inner = [*table.get_children()]
    while inner:
        scope = inner.pop()
        reads |= {s.get_name() for s in scope.get_symbols() if s.is_global() and s.is_referenced()}
        inner += scope.get_children()
    return binds, reads
