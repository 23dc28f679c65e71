"""Which names a cell binds and reads."""

import pytest

from gentutor.grading import names


@pytest.mark.parametrize(
    ("source", "binds", "reads"),
    [
        ("y = f(x)", {"y"}, {"f", "x"}),
        ("x = 1\ny = x", {"x", "y"}, set()),
        ("y = x\nx = 1", {"x", "y"}, {"x"}),
        ("x += 1", {"x"}, {"x"}),
        ("import a.b as c, d.e", {"c", "d"}, set()),
        ("def f(a, b=c):\n    return a + b + g", {"f"}, {"c", "g"}),
        ("def f(n):\n    return f(n - 1)", {"f"}, {"f"}),
        ("class A(B):\n    k = c\n    def m(self):\n        return d", {"A"}, {"B", "c", "d"}),
        ("ys = [f(x) for x in xs if x > y]", {"ys"}, {"f", "xs", "y"}),
        ("for i, x in rows:\n    s = i + x\nprint(s, i)", {"i", "x", "s"}, {"rows", "print"}),
        ("with a as b:\n    c = b.d", {"b", "c"}, {"a"}),
        ("with a as b.c:\n    pass", set(), {"a", "b"}),
        ("try:\n    u = v\nexcept E as e:\n    print(e)\nfinally:\n    w", {"u"}, {"v", "E", "print", "w"}),
        ("if a:\n    b = 1\nelif c:\n    d = b", {"b", "d"}, {"a", "c"}),
        ("while k < n:\n    k += 1", {"k"}, {"k", "n"}),
        ("x[i] = y", set(), {"x", "i", "y"}),
        ("m.w, z = y", {"z"}, {"m", "y"}),
        ("%load_ext thing\nz = 1", {"z"}, {"get_ipython"}),
        ("%%derive vae as kept\n\\log p(x)", set(), {"get_ipython"}),
        ("f = lambda a, b=c: a + d", {"f"}, {"c", "d"}),
        ("(y := x)", {"y"}, {"x"}),
        ("print(f'{a:{b}} {c!r}')", set(), {"print", "a", "b", "c"}),
    ],
)
def test_names_of_a_cell(source, binds, reads):
    found = names.of(source)
    assert (found.binds, found.reads) == (binds, reads)


def test_a_cell_that_asks_which_checks_have_passed_says_so():
    assert names.of('if check.passed("01_pca/fit"):\n    x = 1').asks
    assert not names.of("passed = 3").asks
