"""Trees back to LaTeX, fully bracketed: every product, logarithm, sum and expectation shows where it ends.

What `to_latex` prints reads back to the same tree.
"""

import re
from collections.abc import Callable

from gentutor.derive.reading.tokens.macros import GREEK
from gentutor.derive.tree import (
    ANONYMOUS,
    Add,
    Apply,
    Assigned,
    Blank,
    Call,
    Const,
    Density,
    Div,
    Divergence,
    Dots,
    Expectation,
    Gradient,
    Integral,
    Mul,
    Neg,
    Node,
    Norm,
    Normal,
    Number,
    Optimum,
    Pow,
    Prod,
    Range,
    Sum,
    Symbol,
    Variable,
)

ACCENTS = ("bar", "tilde", "hat", "check", "dot", "breve")
TIGHT = (
    Symbol,
    Variable,
    Range,
    Density,
    Normal,
    Call,
    Divergence,
    Apply,
    Norm,
    Div,
    Pow,
    Blank,
    Const,
    Number,
    Expectation,
)
CALCULATED = (Add, Mul, Neg, Sum, Prod, Integral, Gradient, Optimum, Dots)


def to_latex(expression: Node) -> str:
    """The LaTeX of an expression, as the reader understood it."""
    return _RULES[type(expression)](expression)


def name_to_latex(name: str) -> str:
    """A setting's name in print: "bar_alpha" is \\bar{\\alpha}, "p_data" is p_{\\text{data}}."""
    name, _, mark = name.partition("@")
    if mark:
        return name_to_latex(name) + _mark(mark)
    accent = next((a for a in ACCENTS if name.startswith(a + "_")), None)
    if accent:
        rest = name_to_latex(name[len(accent) + 1 :])
        base, under, sub = rest.partition("_")
        return f"\\{accent}{{{base}}}{under}{sub}"
    base, _, sub = name.partition("_")
    base, star, _ = base.partition("^*")
    plain = base.rstrip("'")
    text = _word(plain) + base[len(plain) :]
    sub, outer_star, _ = sub.partition("^*")
    return text + (f"_{{{_word(sub)}}}" if sub else "") + ("^{*}" if star or outer_star else "")


def _mark(mark: str) -> str:
    """The mark of a parameter: theta^{(t)}, theta^{\\text{old}}, theta^{*}."""
    if set(mark) <= {"*", "'"}:
        return f"^{{{mark.replace(chr(39), chr(92) + 'prime ').strip()}}}"
    return f"^{{\\text{{{mark}}}}}" if mark in ("old", "new") else f"^{{({mark})}}"


def _word(word: str) -> str:
    if word in GREEK or word == "infty":
        return "\\" + word
    return word if len(word) == 1 or not word.isalpha() else f"\\text{{{word}}}"


def _brackets(text: str) -> str:
    return f"\\left( {text} \\right)"


def _factor(n: Node) -> str:
    """`n` as a factor: in brackets if it is a sum, a product or anything that reaches to the right."""
    return to_latex(n) if isinstance(n, TIGHT) else _brackets(to_latex(n))


def _base(n: Node) -> str:
    """`n` as what a superscript hangs on."""
    plain = isinstance(n, Symbol) or (isinstance(n, Variable) and n.sample is None)
    if plain and "^" not in to_latex(n) and "'" not in to_latex(n):
        return to_latex(n)
    if isinstance(n, Norm) or (isinstance(n, Number) and n.value >= 0):
        return to_latex(n)
    return _brackets(to_latex(n))


def _list(items: tuple[Node, ...]) -> str:
    return ", ".join(map(to_latex, items))


# -------------------------------------------------------------------------------------------------- names


def _number(n: Number) -> str:
    value = n.value
    if value.denominator == 1:
        return str(value)
    decimal = format(float(value), "f").rstrip("0")
    return decimal if type(value)(decimal) == value else f"\\frac{{{value.numerator}}}{{{value.denominator}}}"


def _indexed(name: str, subs: list[str], sup: str = "") -> str:
    """A name with more subscripts and a superscript; those of the name itself come first."""
    text = name_to_latex(name)
    if subs:
        own = re.fullmatch(r"(.*)_\{(.*?)\}(\^\{\*\})?", text)
        inner = ", ".join(([own[2]] if own else []) + subs)
        star = (own[3] or "") if own else ""
        text = own[1] if own else text
        text, mark = (text[: -len("^{*}")], "^{*}") if text.endswith("^{*}") else (text, star)
        text = f"{text}_{{{inner}}}{mark}"
    return text + (f"^{{{sup}}}" if sup else "")


def _symbol(n: Symbol) -> str:
    return _indexed(n.name, [to_latex(index) for index in n.index])


def _variable(n: Variable) -> str:
    if n == ANONYMOUS:
        return "\\cdot"
    subs = [to_latex(index) for index in (*n.index, *((n.component,) if n.component is not None else ()))]
    return _indexed(n.name, subs, f"({to_latex(n.sample)})" if n.sample is not None else "")


def _range(n: Range) -> str:
    ends = f"{to_latex(n.first)}:{to_latex(n.last)}"
    return _indexed(n.name, [], f"({ends})") if n.sample else _indexed(n.name, [ends])


def _assigned(n: Assigned) -> str:
    return f"{to_latex(n.variable)} = {to_latex(n.value)}"


def _density(n: Density) -> str:
    name = name_to_latex(n.name) + (_mark(n.mark) if n.mark else "")
    given = f" \\mid {_list(n.given)}" if n.given else ""
    return f"{name}({_list(n.left)}{given})"


def _normal(n: Normal) -> str:
    left = "" if n.left == ANONYMOUS else f"{to_latex(n.left)}; "
    return f"\\mathcal{{N}}\\left( {left}{to_latex(n.mean)}, {to_latex(n.covariance)} \\right)"


# --------------------------------------------------------------------------------------------- arithmetic


def _add(n: Add) -> str:
    text = ""
    for term in n.terms:
        negative = isinstance(term, Neg)
        body = term.body if isinstance(term, Neg) else term
        sign = (" - " if negative else " + ") if text else ("-" if negative else "")
        text += sign + _term(body)
    return text


def _term(n: Node) -> str:
    return _brackets(to_latex(n)) if isinstance(n, Add | Neg | Optimum | Dots) else to_latex(n)


def _neg(n: Neg) -> str:
    return "-" + _term(n.body)


def _mul(n: Mul) -> str:
    text = ""
    for factor in n.factors:
        after = _factor(factor)
        close = text == "" or not (
            re.match(r"\d|\\left\(", after) or text.endswith("d") or re.match(r"[A-Za-z]$", text[-1:])
        )
        text += after if not text else (" " if close else " \\cdot ") + after
    return text


def _div(n: Div) -> str:
    return f"\\frac{{{to_latex(n.numerator)}}}{{{to_latex(n.denominator)}}}"


def _pow(n: Pow) -> str:
    return f"{_base(n.base)}^{{{to_latex(n.exponent)}}}"


def _apply(n: Apply) -> str:
    body = to_latex(n.body)
    if n.function == "sqrt":
        return f"\\sqrt{{{body}}}"
    if n.function == "transpose":
        return f"{_base(n.body)}^{{\\top}}"
    if n.function == "abs":
        return f"\\left| {body} \\right|"
    name = "\\" + n.function if n.function in ("log", "exp", "det") else f"\\operatorname{{{n.function}}}"
    return f"{name}{_brackets(body)}"


def _norm(n: Norm) -> str:
    order = f"_{{{n.order}}}" if n.order else ""
    return f"\\left\\| {to_latex(n.body)} \\right\\|{order}"


def _call(n: Call) -> str:
    mark = f"^{{{n.mark}}}" if n.mark else ""
    return f"{name_to_latex(n.name)}{mark}({_list(n.arguments)})"


# ----------------------------------------------------------------------------------- binders, functionals


def _expectation(n: Expectation) -> str:
    measure = to_latex(n.measure)
    return f"\\mathbb{{E}}_{{{_list(n.variables)} \\sim {measure}}}\\left[ {to_latex(n.body)} \\right]"


def _integral(n: Integral) -> str:
    if n.discrete:
        return f"\\sum_{{{_list(n.variables)}}} {_brackets(to_latex(n.body))}"
    ends = " ".join(f"\\mathrm{{d}}{to_latex(variable)}" for variable in n.variables)
    return f"\\int {_brackets(to_latex(n.body))} \\, {ends}"


def _sum(n: Sum) -> str:
    if n.skip is not None:
        below = f"{name_to_latex(n.index)} \\neq {to_latex(n.skip)}"
        return f"\\sum_{{{below}}}^{{{to_latex(n.last)}}} {_brackets(to_latex(n.body))}"
    return _over("\\sum", n)


def _over(sign: str, n: Sum | Prod) -> str:
    first = f"{name_to_latex(n.index)}={to_latex(n.first)}"
    return f"{sign}_{{{first}}}^{{{to_latex(n.last)}}} {_brackets(to_latex(n.body))}"


def _divergence(n: Divergence) -> str:
    first, *others = map(to_latex, n.arguments)
    if n.kind == "MI":
        densities = [a for a in n.arguments if isinstance(a, Density)]
        return f"I_{{{name_to_latex(densities[0].name)}}}({'; '.join(map(to_latex, n.variables))})"
    if n.kind in ("H", "CE", "W"):
        return f"\\operatorname{{{n.kind}}}\\left( {', '.join([first, *others])} \\right)"
    return f"\\mathrm{{{n.kind}}}\\left( {first} \\,\\|\\, {others[0]} \\right)"


def _gradient(n: Gradient) -> str:
    by = f"_{{{to_latex(n.wrt)}}}"
    sign = {
        "grad": f"\\nabla{by}",
        "div": f"\\nabla{by} \\cdot",
        "laplacian": f"\\nabla{by}^{{2}}",
        "hessian": f"\\nabla{by} \\nabla{by}^{{\\top}}",
    }[n.kind]
    return f"{sign} {_brackets(to_latex(n.body))}"


def _optimum(n: Optimum) -> str:
    over = ", ".join(map(name_to_latex, n.over))
    if n.limit is not None:
        over = f"\\|{over}\\|_{{L}} \\leq {to_latex(n.limit)}"
    sign = f"\\{'arg' if n.arg else ''}{n.kind}" if not n.arg else f"\\arg\\{n.kind}"
    return f"{sign}{f'_{{{over}}}' if over else ''} {_brackets(to_latex(n.body))}"


def _const(n: Const) -> str:
    return "\\text{const}" + (f"({_list(n.arguments)})" if n.arguments else "")


def _blank(n: Blank) -> str:
    return f"\\blank{{{n.label}}}"


_RULES: dict[type[Node], Callable[..., str]] = {
    Number: _number,
    Symbol: _symbol,
    Variable: _variable,
    Range: _range,
    Assigned: _assigned,
    Density: _density,
    Normal: _normal,
    Add: _add,
    Neg: _neg,
    Mul: _mul,
    Div: _div,
    Pow: _pow,
    Apply: _apply,
    Norm: _norm,
    Call: _call,
    Expectation: _expectation,
    Integral: _integral,
    Sum: _sum,
    Prod: lambda n: _over("\\prod", n),
    Divergence: _divergence,
    Gradient: _gradient,
    Optimum: _optimum,
    Const: _const,
    Dots: lambda n: "\\dots",
    Blank: _blank,
}
