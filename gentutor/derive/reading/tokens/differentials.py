"""Which d begins a differential: one at the bracket depth of an integral sign that is still open."""

from lark import Token

STARTS = ("NAME", "WORD", "ACCENT")
MEASURES = ("gamma", "pi", "mu", "nu", "p", "q")  # and capitals: dP(x) is of a measure, dx (a + b) is not


def mark_differentials(tokens: list[Token]) -> list[Token]:
    """`tokens` with the d of \\int f dz as D, AND or DFIRST.

    D closes the innermost open integral; AND names a further variable of the one just closed (\\int f dx dz);
    DFIRST stands before the integrand (\\int dz f). An integral sign without one becomes an OPERATOR.
    """
    open_signs: list[list[int]] = [[]]
    result: list[Token] = []
    i = 0
    while i < len(tokens):
        token = tokens[i]
        if token.type == "OPEN":
            open_signs.append([])
        elif token.type == "CLOSE":
            _leave_open(result, open_signs.pop())
        elif token.type == "INT":
            open_signs[-1].append(len(result))
        elif open_signs[-1] and _starts(tokens, i):
            end = _end_of_run(tokens, i)
            result += _marked(tokens[i:end], result, open_signs[-1])
            i = end
            continue
        result.append(token)
        i += 1
    _leave_open(result, open_signs.pop())
    return result


def _starts(tokens: list[Token], i: int) -> bool:
    """A d, then a name."""
    return (
        tokens[i] == "d" and tokens[i].type == "NAME" and i + 1 < len(tokens) and tokens[i + 1].type in STARTS
    )


def _end_of_run(tokens: list[Token], i: int) -> int:
    """Where the differentials that begin at `i` (dx dz_{1:T}) end."""
    while i < len(tokens) and _starts(tokens, i):
        i += 1
        while tokens[i].type == "ACCENT":
            i += 1
        name, i = i, _after_argument(tokens, i)
        while i < len(tokens) and tokens[i].type in ("PRIME", "SUB", "SUP"):
            i = i + 1 if tokens[i].type == "PRIME" else _after_argument(tokens, i + 1)
        if i < len(tokens) and tokens[i] == "(" and _is_measure(tokens[name]):
            i = _after_argument(tokens, i)
    return i


def _is_measure(name: Token) -> bool:
    return name in MEASURES or name.isupper()


def _after_argument(tokens: list[Token], i: int) -> int:
    """The place after one token, or after the bracket that opens there."""
    depth = 0
    while i < len(tokens):
        depth += {"OPEN": 1, "CLOSE": -1}.get(tokens[i].type, 0)
        i += 1
        if depth <= 0:
            break
    return i


def _marked(run: list[Token], before: list[Token], signs: list[int]) -> list[Token]:
    places = [i for i in range(len(run)) if _starts(run, i) and _depth(run, i) == 0]
    first = _only_scripts(before, signs[-1])
    if first:
        _leave_open(before, [signs.pop()])
    for place in places:
        if first:
            kind = "DFIRST"
        elif signs:
            kind = "D"
            sign = signs.pop()
            if signs and signs[-1] == sign - 1 and _is_of_a_pair(run):
                del before[signs.pop()]  # \int\int f d gamma(x, y) is one integral
        else:
            kind = "AND"
        run[place] = Token.new_borrow_pos(kind, "d", run[place])
    ends = [*places[1:], len(run)]
    return [t for place, end in zip(places, ends, strict=True) for t in _braced(run[place:end])]


def _is_of_a_pair(run: list[Token]) -> bool:
    """True of the one differential d gamma(x, y)."""
    return sum(_starts(run, i) for i in range(len(run))) == 1 and "," in run and "(" in run


def _braced(run: list[Token]) -> list[Token]:
    """d P(x) as d{P(x)}: a measure with its argument is one thing."""
    if "(" not in run:
        return run
    opening, closing = (Token.new_borrow_pos(*pair, run[1]) for pair in (("OPEN", "{"), ("CLOSE", "}")))
    return [run[0], opening, *run[1:], closing]


def _depth(run: list[Token], i: int) -> int:
    return sum({"OPEN": 1, "CLOSE": -1}.get(token.type, 0) for token in run[:i])


def _only_scripts(tokens: list[Token], sign: int) -> bool:
    """True if nothing but bounds follows the integral sign."""
    i = sign + 1
    while i < len(tokens) and tokens[i].type in ("SUB", "SUP"):
        i = _after_argument(tokens, i + 1)
    return i >= len(tokens)


def _leave_open(tokens: list[Token], signs: list[int]) -> None:
    for sign in signs:
        tokens[sign] = Token.new_borrow_pos("OPERATOR", "int", tokens[sign])
