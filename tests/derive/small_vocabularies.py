"""Two small vocabularies for the tests of the reader, and trees in the shorthand of the tests."""

from gentutor.derive.reading.chain import Chain, read
from gentutor.derive.tree import Density, Node, Range, Symbol, Variable, node
from gentutor.derive.vocabulary import DensitySpec, FunctionSpec, SymbolSpec, VariableSpec, Vocabulary

t, T, K, d = Symbol("t"), Symbol("T"), Symbol("K"), Symbol("d")
x, z, eps = Variable("x"), Variable("z"), Variable("epsilon")
x0, xt, xT = Variable("x", (node(0),)), Variable("x", (t,)), Variable("x", (T,))
x_before = Variable("x", (t - node(1),))
theta = Symbol("theta")

LATENT = Vocabulary(
    setting="latent",
    variables={"x": VariableSpec(), "z": VariableSpec(levels=(node(1), T))},
    densities={
        "p": DensitySpec(("x", "z"), parameter="theta"),
        "q": DensitySpec(("z",), bare=Density("q", (z,), (x,)), parameter="phi"),
        "p_data": DensitySpec(("x",), bare=Density("p_data", (x,))),
    },
    functions={
        "D": FunctionSpec((x,)),
        "G": FunctionSpec((z,)),
        "mu": FunctionSpec((x,)),
        "sigma": FunctionSpec((x,)),
    },
    symbols={
        "mu": SymbolSpec(1),
        "sigma": SymbolSpec(1),
        "T": SymbolSpec(),
        "K": SymbolSpec(),
        "d": SymbolSpec(),
    }
    | {"I": SymbolSpec(), "A": SymbolSpec(), "B": SymbolSpec(), "beta": SymbolSpec()},
    noises={"epsilon": VariableSpec()},
    parameters=("theta", "phi"),
    spellings={"mu_phi": "mu", "J": "d"},
    ranges={"j": (node(1), d), "k": (node(1), K)},
    measures={"z": Density("q", (z,), (x,))},
)
STEPS = Vocabulary(
    setting="steps",
    variables={"x": VariableSpec(levels=(node(0), T))},
    densities={
        "q": DensitySpec(("x",), bare=Density("q", (Range("x", node(1), T),), (x0,))),
        "p": DensitySpec(("x",), parameter="theta"),
    },
    functions={
        "epsilon_theta": FunctionSpec((xt, t)),
        "mu_theta": FunctionSpec((xt, t)),
        "mu_q": FunctionSpec((xt, x0)),
        "sigma_q": FunctionSpec((t,)),
    },
    symbols={name: SymbolSpec(1) for name in ("alpha", "bar_alpha", "beta", "tilde_beta")}
    | {name: SymbolSpec() for name in ("T", "t", "d", "I")},
    noises={"epsilon": VariableSpec(levels=(node(0), T))},
    parameters=("theta",),
    spellings={"tilde_mu": "mu_q"},
    ranges={"t": (node(1), T)},
)


def tree(latex: str, vocabulary: Vocabulary = LATENT) -> Node:
    """The tree of one expression; fails with the message if it cannot be read."""
    line = read(latex, vocabulary).lines[0]
    assert line.error is None, line.error.pointed()
    return line.claims[-1].expression


def message(latex: str, vocabulary: Vocabulary = LATENT) -> str:
    """Why the last line cannot be read."""
    error = read(latex, vocabulary).lines[-1].error
    assert error is not None
    return error.pointed()


def last(latex: str, vocabulary: Vocabulary = LATENT) -> Node:
    """The tree of the last line of a chain in which all lines are read."""
    chain = whole(latex, vocabulary)
    return chain.lines[-1].claims[-1].expression


def whole(latex: str, vocabulary: Vocabulary = LATENT) -> Chain:
    """The chain, all of whose lines must be read."""
    chain = read(latex, vocabulary)
    for line in chain.lines:
        assert line.error is None, line.error.pointed()
    return chain
