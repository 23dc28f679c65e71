"""The setting `vae`: a model p(x, z) and a variational posterior q(z|x)."""

import re
from collections.abc import Mapping

import numpy as np

from gentutor.derive.setting import Facts, Noise, Parts, Setting, covariance, free_entries, general, masses
from gentutor.derive.tree import (
    Apply,
    Density,
    Divergence,
    Expectation,
    Node,
    Normal,
    Symbol,
    Variable,
    node,
)
from gentutor.derive.vocabulary import (
    Arguments,
    DensitySpec,
    FunctionSpec,
    SymbolSpec,
    VariableSpec,
    Vocabulary,
)
from gentutor.derive.worlds.array import Array, Data, NotExact, scalar
from gentutor.derive.worlds.laws import Chain, Gaussian, Table
from gentutor.derive.worlds.world import Contents, World

X, Z, T, K, D = Variable("x"), Variable("z"), Symbol("T"), Symbol("K"), Symbol("d")
ONE = node(1)
# What marks a second value of a parameter: theta', theta^*, theta^old, theta^(t). Other marks, as of theta_1,
# may tell the parts of one parameter apart.
SECOND_VALUE = re.compile(r"'+|\*|hat|bar|tilde|old|new|0|ML|MLE|MAP|[tkns]([+-]1)?")


def given_x(left: Arguments, given: Arguments) -> tuple[Arguments, Arguments]:
    """q(z) stands for q(z|x): in this setting q is always fitted to the chain's x."""
    names = {item.name for item in (*left, *given) if isinstance(item, Variable)}
    return left, given if "x" in names else (*given, X)


VOCABULARY = Vocabulary(
    setting="vae",
    variables={
        "x": VariableSpec(about="the observation"),
        "z": VariableSpec(levels=(ONE, T), about="the latent variable; z_1, ..., z_T if it has levels"),
    },
    densities={
        "p": DensitySpec(
            ("x", "z"), parameter="theta", about="the model p(x, z), its marginals and conditionals"
        ),
        "q": DensitySpec(
            ("x", "z"),
            bare=Density("q", (Z,), (X,)),
            resolve=given_x,
            parameter="phi",
            about="q(z|x), the variational posterior",
        ),
    },
    functions={
        "mu": FunctionSpec((X,), about="the mean of q(z|x)"),
        "sigma": FunctionSpec((X,), about="the standard deviations of q(z|x), as a diagonal matrix"),
        "Sigma": FunctionSpec((X,), about="the covariance of q(z|x)"),
    },
    symbols={
        "mu": SymbolSpec(1, about="a component of the mean of q(z|x)"),
        "sigma": SymbolSpec(1, about="a component of the standard deviations of q(z|x)"),
        "T": SymbolSpec(about="the number of levels"),
        "K": SymbolSpec(about="the number of samples"),
        "N": SymbolSpec(about="the number of data points"),
        "d": SymbolSpec(about="the dimension of z"),
        "I": SymbolSpec(about="the identity matrix"),
        "pi": SymbolSpec(about="3.14159..."),
    },
    noises={"epsilon": VariableSpec(about="standard Gaussian noise")},
    parameters=("theta", "phi"),
    spellings={
        "D": "d",
        "J": "d",
        "n": "d",
        "k": "d",
        "mu_phi": "mu",
        "sigma_phi": "sigma",
        "Sigma_phi": "Sigma",
        "mu_q": "mu",
        "sigma_q": "sigma",
        "Sigma_q": "Sigma",
    },
    ranges={"j": (ONE, D), "i": (ONE, D), "k": (ONE, K), "t": (ONE, T), "l": (ONE, T)},
    measures={"z": Density("q", (Z,), (X,))},
)


def marked(facts: Facts) -> dict[str, dict[str, str]]:
    """For p and q the laws in the chain, each with its parameter: {"p": "theta", "p@old": "theta@old"}."""
    return {
        law: {law: parameter}
        | {
            f"{law}@{mark}": f"{parameter}@{mark}"
            for mark in facts.marks(law)
            if SECOND_VALUE.fullmatch(mark)
        }
        for law, parameter in (("p", "theta"), ("q", "phi"))
    }


def finite(rng: np.random.Generator, facts: Facts) -> World:
    """Tables: 3 states of x, 4 of z; with levels 3 of each z_t."""
    if "standard prior" in facts.given:
        raise NotExact("no finite world has a normal prior")
    return _levelled(rng, facts) if facts.has_levels("z") else _flat(rng, facts)


def _flat(rng: np.random.Generator, facts: Facts) -> World:
    laws = marked(facts)

    def table(numbers: Data, conditions: tuple[str, ...] = ()) -> Table:
        return Table(("x", "z"), masses(numbers.reshape(3, 4)), conditions)

    def make(parameters: Mapping[str, Data]) -> Contents:
        p = {law: table(parameters[name]) for law, name in laws["p"].items()}
        q = {law: table(parameters[name], ("x",)) for law, name in laws["q"].items()}
        return Contents(p | q | ({"q": p["p"]} if "posterior" in facts.given else {}))

    parameters = {name: general(rng, 12) for group in laws.values() for name in group.values()}
    return World(
        "finite", {"K": 3, "N": 4}, parameters, make, {"x": 3, "z": 4}, seed=int(rng.integers(2**31))
    )


def _levelled(rng: np.random.Generator, facts: Facts) -> World:
    laws = marked(facts)
    T = int(rng.integers(3, 5))
    levels = tuple(f"z_{t}" for t in range(1, T + 1))
    size = 9 * T

    def chain(numbers: Data, first: Data) -> Data:
        """first[x, z_1] prod_t s_t[z_t, z_{t+1}] as a table over x, z_1, ..., z_T."""
        table = first
        for step in numbers:
            table = table[..., None] * step
        return table

    def model(vector: Data) -> Table:
        """x from z_1, z_t from z_{t+1}, z_T from its prior: the last numbers."""
        theta, prior = vector[:size].reshape(T, 3, 3), masses(vector[size:])
        steps = np.array([masses(step, axis=0) for step in theta[1:]])
        return Table(("x", *levels), chain(steps, masses(theta[0], axis=0)) * prior)

    def guess(vector: Data) -> Table:
        phi = vector.reshape(T, 3, 3)
        table = chain(masses(phi[1:], axis=2), masses(phi[0], axis=1) / 3)
        return Table(("x", *levels), table, conditions=("x",))

    def make(parameters: Mapping[str, Data]) -> Contents:
        p = {law: model(parameters[name]) for law, name in laws["p"].items()}
        q = {law: guess(parameters[name]) for law, name in laws["q"].items()}
        return Contents(p | q)

    parameters = {name: general(rng, size + 3) for name in laws["p"].values()}
    parameters |= {name: general(rng, size) for name in laws["q"].values()}
    return World(
        "finite",
        {"T": T, "K": 3, "N": 4, "t": 2},
        parameters,
        make,
        {"x": 3, "z": 3},
        seed=int(rng.integers(2**31)),
    )


def gaussian(rng: np.random.Generator, facts: Facts) -> World:
    """z ~ N(m, S), x = W z + b + noise, q(z|x) = N(A x + c, diag sigma^2); all of dimension d."""
    return _gaussian(rng, facts, 2)


def line(rng: np.random.Generator, facts: Facts) -> World:
    """The same in one dimension, where integrals need not be Gaussian."""
    return _gaussian(rng, facts, 1)


def _gaussian(rng: np.random.Generator, facts: Facts, d: int) -> World:
    free, unit = free_entries(d), facts.unit
    model = Parts(W=(d, d), b=(d,), noise=(free,), m=(d,), prior=(free,))
    guess = Parts(A=(d, d), c=(d,), s=(d,))
    laws = marked(facts)

    def joint(vector: Data) -> Gaussian:
        part = model(vector)
        m, S = (
            (np.zeros(d), np.eye(d))
            if "standard prior" in facts.given
            else (unit * part["m"], unit**2 * covariance(part["prior"], d))
        )
        noise = unit**2 * covariance(part["noise"], d)
        return Chain().append("z", m, S).append("x", unit * part["b"], noise, z=part["W"]).law

    def fitted(gain: Data, offset: Data, S: Data) -> Gaussian:
        return Chain(conditions=("x",)).append("x", np.zeros(d), np.eye(d)).append("z", offset, S, x=gain).law

    def second(vector: Data) -> Gaussian:
        part = guess(vector)
        return fitted(part["A"], unit * part["c"], unit**2 * np.diag(np.exp(2 * part["s"])))

    def make(parameters: Mapping[str, Data]) -> Contents:
        p = {law: joint(parameters[name]) for law, name in laws["p"].items()}
        part = guess(parameters["phi"])
        gain, offset, spread = part["A"], unit * part["c"], unit * np.diag(np.exp(part["s"]))
        posterior = "posterior" in facts.given
        if posterior:
            gain, offset, S = p["p"].conditional(("z",), ("x",))
        else:
            S = spread @ spread
        q = {law: second(parameters[name]) for law, name in laws["q"].items()}
        q["q"] = fitted(gain, offset, S)
        functions = {"mu": lambda x: Array(x.data @ gain.T + offset, x.axes, "c")}
        functions["Sigma"] = lambda x: Array(S, (), "m")
        if not posterior:
            functions["sigma"] = lambda x: Array(spread, (), "m")
        return Contents(
            p | q,
            {"I": Array(np.eye(d), (), "m"), "pi": scalar(np.pi)},
            functions,
            {"mu": ("x",), "sigma": ("x",)},
        )

    parameters = {name: general(rng, model.size) for name in laws["p"].values()}
    parameters |= {name: 0.6 * general(rng, guess.size) for name in laws["q"].values()}
    kind = "Gaussian" if d > 1 else "one-dimensional Gaussian"
    integers, seed = {"d": d, "K": 2, "N": 4}, int(rng.integers(2**31))
    return World(kind, integers, parameters, make, d=d, reach=16 * unit, seed=seed, unit=unit)


def m_steps(facts: Facts) -> list[tuple[Node, Node]]:
    """theta^(t+1) beside theta^(t), and theta^new beside theta^old: it does not lower E[log p(x, z)]."""
    marks = facts.marks("p")
    updates = [(mark, mark.removesuffix("+1")) for mark in marks if mark.endswith("+1")] + [("new", "old")]
    updates += [(mark, f"{mark}-1") for mark in marks]

    def objective(after: str, before: str) -> Node:
        joint = Density("p", (X, Z), (), after)
        return Expectation((Z,), Density("p", (Z,), (X,), before), Apply("log", joint))

    return [
        (objective(after, before), objective(before, before))
        for after, before in updates
        if {after, before} <= {*marks}
    ]


P_Z, Q = Density("p", (Z,)), Density("q", (Z,), (X,))
P_X, POSTERIOR, LIKELIHOOD, JOINT = (
    Density("p", (X,)),
    Density("p", (Z,), (X,)),
    Density("p", (X,), (Z,)),
    Density("p", (X, Z)),
)
WORDS: dict[Node, str] = {
    P_Z: "the prior",
    POSTERIOR: "the posterior",
    LIKELIHOOD: "the likelihood",
    P_X: "the evidence",
    JOINT: "the joint",
    Q: "the variational posterior",
}
TERMS = (
    Divergence("KL", (Q, P_Z), (Z,)),
    Divergence("KL", (Q, POSTERIOR), (Z,)),
    Divergence("KL", (P_Z, Q), (Z,)),
    Divergence("KL", (POSTERIOR, Q), (Z,)),
    Divergence("H", (Q,), (Z,)),
    Apply("log", P_X),
    *(Expectation((Z,), Q, Apply("log", density)) for density in (LIKELIHOOD, P_Z, POSTERIOR, JOINT)),
)
SETTING = Setting(
    VOCABULARY,
    {"finite": finite, "Gaussian": gaussian, "one-dimensional Gaussian": line},
    given=(
        (P_Z, Normal(Z, node(0), Symbol("I")), "standard prior"),
        (Q, Density("p", (Z,), (X,)), "posterior"),
    ),
    noise=Noise(names=(), variable="z", law="q", model="q"),
    premises=m_steps,
    words=WORDS,
    terms=TERMS,
)
