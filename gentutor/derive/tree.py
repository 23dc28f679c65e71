"""The expression tree: one small type for each thing that a derivation writes.

The reader builds it from LaTeX, Python may build it by hand, the evaluator walks it, and `latex` prints it
back. Nodes are immutable and compare by value. An expression carries no numbers of a world: those enter in
`evaluate`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields, replace
from fractions import Fraction


@dataclass(frozen=True)
class Node:
    """An expression. `a + b`, `a - b`, `a * b`, `a / b`, `-a` and `a**n` build the obvious trees."""

    def __add__(self, other: "Node | float") -> "Node":
        return Add((self, node(other)))

    def __sub__(self, other: "Node | float") -> "Node":
        return Add((self, Neg(node(other))))

    def __mul__(self, other: "Node | float") -> "Node":
        return Mul((self, node(other)))

    def __rmul__(self, other: float) -> "Node":
        return Mul((node(other), self))

    def __truediv__(self, other: "Node | float") -> "Node":
        return Div(self, node(other))

    def __neg__(self) -> "Node":
        return Neg(self)

    def __pow__(self, other: "Node | float") -> "Node":
        return Pow(self, node(other))


# ------------------------------------------------------------------------------------------------- names


@dataclass(frozen=True)
class Number(Node):
    """A rational constant: 1/2 is `Div`, 0.5 is `Number(Fraction(1, 2))`."""

    value: Fraction


@dataclass(frozen=True)
class Symbol(Node):
    """A quantity of the setting that is not random: alpha_t, beta_t, T, t, d, I, X, Theta, K.

    `name` is the setting's own name for it ("alpha", "bar_alpha"), `index` its indices (alpha_{t-1}).
    An index of a sum (t, k, j) and an integer of the world (T, K, d) are symbols too.
    """

    name: str
    index: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Variable(Node):
    """A random variable, or a value of it: x, z, x_{t-1}, z_2, x', epsilon_0.

    `index` holds levels (x_{t-1}, z_l), `sample` the index of an independent copy (z^{(k)}, or z_k under an
    average over k), `component` a coordinate (z_j beside mu_j).
    """

    name: str
    index: tuple[Node, ...] = ()
    sample: Node | None = None
    component: Node | None = None


@dataclass(frozen=True)
class Range(Node):
    """The variables name_{first}, ..., name_{last} together: x_{1:T}; samples z^{(1:K)} if `sample`."""

    name: str
    first: Node
    last: Node
    sample: bool = False


@dataclass(frozen=True)
class Assigned(Node):
    """A density's argument that is no plain variable: p(x | mu + sigma epsilon) has Assigned(z, mu + ...)."""

    variable: Variable
    value: Node


# --------------------------------------------------------------------------------------------- densities


@dataclass(frozen=True)
class Density(Node):
    """The value of a density at its arguments: p(x|z), q(x_{1:T}|x_0), pi(x'|sigma).

    `left` and `given` hold `Variable`, `Range` or `Assigned`. `mark` keeps a marked parameter, so that
    p(z|x, theta^old) ("old") and p(z|x) are two densities.
    """

    name: str
    left: tuple[Node, ...]
    given: tuple[Node, ...] = ()
    mark: str = ""


@dataclass(frozen=True)
class Normal(Node):
    """N(left; mean, covariance), its density at `left`. A bare N(m, S) has an anonymous `Variable("·")`.

    A covariance that is a scalar stands for that scalar times the identity.
    """

    left: Node
    mean: Node
    covariance: Node


# -------------------------------------------------------------------------------------------- arithmetic


@dataclass(frozen=True)
class Add(Node):
    """The sum of its terms; a subtracted term is `Neg`."""

    terms: tuple[Node, ...]


@dataclass(frozen=True)
class Neg(Node):
    """-body."""

    body: Node


@dataclass(frozen=True)
class Mul(Node):
    """The product of its factors in printed order: matrices and vectors multiply as lectures write them."""

    factors: tuple[Node, ...]


@dataclass(frozen=True)
class Div(Node):
    """numerator / denominator."""

    numerator: Node
    denominator: Node


@dataclass(frozen=True)
class Pow(Node):
    """base ** exponent; of a vector the square is x^T x, of a matrix A^{-1} the inverse."""

    base: Node
    exponent: Node


@dataclass(frozen=True)
class Apply(Node):
    """A function that every setting knows: log, exp, sqrt, tr, det, abs, transpose, sigmoid, diag, sum."""

    function: str
    body: Node


@dataclass(frozen=True)
class Norm(Node):
    """The norm of body, not squared: Euclidean or, of a matrix, Frobenius where no order is printed; F, 1.

    "2" of a matrix is its largest singular value. "L" is the Lipschitz constant of a function.
    """

    body: Node
    order: str = ""


@dataclass(frozen=True)
class Call(Node):
    """A function of the setting: D(x), G(z), s(x, sigma), epsilon_theta(x_t, t), mu_q(x_t, x_0)."""

    name: str
    arguments: tuple[Node, ...]
    mark: str = ""


# ----------------------------------------------------------------------------------- binders and functionals


@dataclass(frozen=True)
class Expectation(Node):
    """E over `variables` under `measure`: a `Density`, a `Normal`, or a product or mixture of them.

    E_{x ~ p, z ~ q} is two of them, nested.
    """

    variables: tuple[Node, ...]
    measure: Node
    body: Node


@dataclass(frozen=True)
class Integral(Node):
    """The integral of body over `variables`; `discrete`: it was printed as a sum over states."""

    variables: tuple[Node, ...]
    body: Node
    discrete: bool = False


@dataclass(frozen=True)
class Sum(Node):
    """sum_{index=first}^{last} body; the index is a `Symbol` inside. `skip` leaves out one value (j != i)."""

    index: str
    first: Node
    last: Node
    body: Node
    skip: Node | None = None


@dataclass(frozen=True)
class Prod(Node):
    """prod_{index=first}^{last} body."""

    index: str
    first: Node
    last: Node
    body: Node


@dataclass(frozen=True)
class Divergence(Node):
    """A functional of densities over `variables`: KL, JSD, TV, CE, W (two arguments), H (one), MI (two).

    Each argument is a density's value at the variables: `Density`, `Normal`, a mixture of them.
    H is the entropy -E log, CE the cross-entropy -E_left log right, MI the mutual information of a joint
    density whose `variables` are split in `arguments` (two `Density`).
    """

    kind: str
    arguments: tuple[Node, ...]
    variables: tuple[Node, ...]


@dataclass(frozen=True)
class Gradient(Node):
    """The derivative of body by `wrt`: a `Variable` (a point) or a `Symbol` (a parameter: theta, phi, Theta).

    kind "grad" (of a scalar a vector, of a vector its Jacobian matrix), "div" (of a vector a scalar),
    "laplacian" or "hessian" (of a scalar).
    """

    wrt: Node
    body: Node
    kind: str = "grad"


@dataclass(frozen=True)
class Optimum(Node):
    """min or max of body over `over` (names of parameters or functions), or with `arg` the place of it."""

    kind: str  # "min" or "max"
    over: tuple[str, ...]
    body: Node
    arg: bool = False
    limit: Node | None = (
        None  # the largest Lipschitz norm of a function that is sought: sup over |f|_L <= limit
    )


@dataclass(frozen=True)
class Const(Node):
    """A term that does not vary with `arguments`; with none, with the setting's parameters.

    `of`: a term that varies with nothing but its arguments, as papers write C(x_t, x_0).
    """

    arguments: tuple[Node, ...] = ()
    of: bool = False


@dataclass(frozen=True)
class Dots(Node):
    """`\\dots` as a whole line: nothing is claimed."""


@dataclass(frozen=True)
class Blank(Node):
    """A hole of a graded derivation that nobody has filled yet: `\\blank{a}`."""

    label: str


# ------------------------------------------------------------------------------------------- walking a tree

ANONYMOUS = Variable("·")


def node(value: "Node | float") -> Node:
    """A number as a node; a node as it is."""
    return value if isinstance(value, Node) else Number(Fraction(value))


def children(expression: Node) -> Iterator[Node]:
    """The nodes directly under `expression`, in printed order."""
    yield from (child for _, child in parts(expression))


Step = tuple[str, int | None]  # a field, and the place in it if it is a tuple


def parts(expression: Node) -> Iterator[tuple[Step, Node]]:
    """The nodes directly under `expression`, each with the step that leads to it."""
    for field in fields(expression):
        value = getattr(expression, field.name)
        if isinstance(value, Node):
            yield (field.name, None), value
        elif isinstance(value, tuple):
            yield from (((field.name, i), item) for i, item in enumerate(value) if isinstance(item, Node))


def replace_at(expression: Node, path: tuple[Step, ...], new: Node) -> Node:
    """`expression` with the node at the end of `path` replaced."""
    if not path:
        return new
    (name, i), *rest = path
    value = getattr(expression, name)
    if i is None:
        changed: object = replace_at(value, tuple(rest), new)
    else:
        changed = (*value[:i], replace_at(value[i], tuple(rest), new), *value[i + 1 :])
    return replace(expression, **{name: changed})


def walk(expression: Node) -> Iterator[Node]:
    """`expression` and every node under it, parents first."""
    yield expression
    for child in children(expression):
        yield from walk(child)


def rebuild(expression: Node, change: Callable[[Node], Node]) -> Node:
    """`expression` with `change` applied to each direct child."""
    new: dict[str, object] = {}
    for field in fields(expression):
        value = getattr(expression, field.name)
        if isinstance(value, Node):
            new[field.name] = change(value)
        elif isinstance(value, tuple):
            new[field.name] = tuple(change(item) if isinstance(item, Node) else item for item in value)
    return replace(expression, **new) if new else expression
