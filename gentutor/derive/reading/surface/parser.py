"""From tokens to the surface of a formula: the grammar, and what each of its rules builds."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError
from lark.lexer import Lexer

from gentutor.derive.reading.surface.pieces import (
    Accent,
    Differential,
    Fraction,
    Group,
    Hole,
    IntegralSign,
    Leaf,
    Product,
    Root,
    Scripted,
    Statement,
    Sum,
    Surface,
)
from gentutor.derive.reading.tokens.scanner import tokenise
from gentutor.derive.reading.unread import MAX_DEPTH, TOO_DEEP, Unread


class _Tokens(Lexer):
    """`tokenise` as lark wants it."""

    def __init__(self, lexer_conf: object) -> None:
        pass

    def lex(self, data: str) -> Iterator[Token]:  # type: ignore[override]
        yield from tokenise(data)


def _scripts(base: Surface, scripts: list[tuple[str, Surface]]) -> tuple[Surface | None, Surface | None, int]:
    sub: Surface | None = None
    sup: Surface | None = None
    primes = 0
    for kind, script in scripts:
        if kind == "prime":
            primes += 1
        elif kind == "sub":
            if sub is not None:
                raise Unread("a second subscript; brackets say which belongs to what", script.start)
            sub = script
        else:
            if sup is not None:
                raise Unread("a second superscript; brackets say which belongs to what", script.start)
            sup = script
    return sub, sup, primes


class _Build(Transformer[Token, Surface]):
    """From the grammar's rules to surfaces, while the parser runs."""

    def statement(self, children: list[Any]) -> Surface:
        if len(children) == 1 and children[0] is not None:
            return children[0]  # type: ignore[no-any-return]
        sides, relations = tuple(children[::2]), tuple(_leaf(token) for token in children[1::2])
        places = [*(side for side in sides if side), *relations]
        start = min((piece.start for piece in places), default=-1)
        return Statement(start, max((piece.end for piece in places), default=-1), sides, relations)

    def side(self, children: list[Any]) -> Surface | None:
        return children[0] if children else None

    def sum(self, children: list[Any]) -> Surface:
        signed = isinstance(children[0], Token)
        start = children[0].start_pos if signed else children[0].start
        if not signed:
            if len(children) == 1:
                return children[0]  # type: ignore[no-any-return]
            children = ["", *children]
        terms = tuple((str(sign), term) for sign, term in zip(children[::2], children[1::2], strict=True))
        return Sum(start, terms[-1][1].end, terms)

    def product(self, children: list[Any]) -> Surface:
        items: tuple[Surface, ...] = tuple(_leaf(child) for child in children)
        return items[0] if len(items) == 1 else Product(items[0].start, items[-1].end, items)

    def factor(self, children: list[Any]) -> Surface:
        base: Surface = _leaf(children[0])
        if len(children) == 1:
            return base
        sub, sup, primes = _scripts(base, children[1:])
        return Scripted(base.start, children[-1][1].end, base, sub, sup, primes)

    def sub(self, children: list[Any]) -> Any:
        return "sub", _leaf(children[-1])

    def sup(self, children: list[Any]) -> Any:
        return "sup", _leaf(children[-1])

    def prime(self, children: list[Any]) -> Any:
        return "prime", _leaf(children[0])

    def fraction(self, children: list[Any]) -> Surface:
        _, numerator, denominator = map(_leaf, children)
        return Fraction(children[0].start_pos, denominator.end, numerator, denominator)

    def root(self, children: list[Any]) -> Surface:
        body = _leaf(children[-1])
        return Root(children[0].start_pos, body.end, body, children[1] if len(children) == 3 else None)

    def accent(self, children: list[Any]) -> Surface:
        body = _leaf(children[1])
        return Accent(children[0].start_pos, body.end, str(children[0]), body)

    def blank(self, children: list[Any]) -> Surface:
        return Hole(children[0].start_pos, children[1].end, children[1])

    def integral(self, children: list[Any]) -> Surface:
        *scripts, body, variables = children[1:]
        sub, sup, primes = _scripts(body, scripts)
        if primes:
            raise Unread("no prime has a meaning here", children[0].start_pos)
        return IntegralSign(children[0].start_pos, variables[-1].end, sub, sup, body, tuple(variables))

    def differential(self, children: list[Any]) -> Any:
        return [child for child in children if isinstance(child, Surface)]

    def leading_differential(self, children: list[Any]) -> Surface:
        return Differential(children[0].start_pos, children[1].end, children[1])

    def group(self, children: list[Any]) -> Surface:
        opening, (items, separators), closing = children
        return Group(opening.start_pos, closing.end_pos, str(opening), items, separators)

    def listing(self, children: list[Any]) -> Any:
        return tuple(children[::2]), tuple(str(child) for child in children[1::2])

    def start(self, children: list[Any]) -> Surface:
        return children[0]  # type: ignore[no-any-return]


def _leaf(child: Any) -> Any:
    if isinstance(child, Token):
        return Leaf(child.start_pos or 0, child.end_pos or 0, child.type, str(child))
    return child


@cache
def _parser() -> Lark:
    grammar = files(__package__).joinpath("latex.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=_Tokens, transformer=_Build())


def _check_depth(surface: Surface) -> None:
    """Raises Unread where things are nested too deep for those who read them next."""
    stack: list[tuple[Any, int]] = [(surface, 0)]
    while stack:
        piece, depth = stack.pop()
        if isinstance(piece, Surface):
            if depth > 3 * MAX_DEPTH:
                raise Unread(TOO_DEEP, piece.start)
            stack += [(getattr(piece, name), depth + 1) for name in piece.__slots__]
        elif isinstance(piece, tuple):
            stack += [(item, depth) for item in piece]


def parse(text: str) -> Statement:
    """The surface of one line.

    Raises:
        Unread: if the text is no formula.
    """
    try:
        surface: Any = _parser().parse(text)
    except VisitError as error:
        if isinstance(error.orig_exc, Unread):
            raise error.orig_exc from None
        raise
    except UnexpectedInput as error:
        token = getattr(error, "token", None)
        if token is None or token.type == "$END":
            raise Unread("the line ends too early", max(0, len(text.rstrip()) - 1)) from None
        raise Unread(f"unexpected {token.value}", token.start_pos or 0) from None
    _check_depth(surface)
    if isinstance(surface, Statement):
        return surface
    return Statement(surface.start, surface.end, (surface,), ())
