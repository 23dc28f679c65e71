"""The setting `gan`: data, a generator and a discriminator (Goodfellow et al. 2014)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gentutor.derive.setting import Facts, Parts, Setting, general, masses
from gentutor.derive.tree import (
    ANONYMOUS,
    Apply,
    Call,
    Density,
    Expectation,
    Gradient,
    Normal,
    Optimum,
    Symbol,
    Variable,
    node,
)
from gentutor.derive.vocabulary import DensitySpec, FunctionSpec, SymbolSpec, VariableSpec, Vocabulary
from gentutor.derive.worlds.array import Array, Data, Misfit, add, elementwise, negative, scalar
from gentutor.derive.worlds.laws import Apart, Gaussian, Law, Mixture, Points, Table
from gentutor.derive.worlds.world import Contents, Search, World

X, Z = Variable("x"), Variable("z")
P_DATA, P_G, P_Z = Density("p_data", (X,)), Density("p_g", (X,)), Density("p_z", (Z,))
D, D_STAR, G = Call("D", (X,)), Call("D^*", (X,)), Call("G", (Z,))

# V(D, G) = E_{x ~ p_data} log D(x) + E_{z ~ p_z} log(1 - D(G(z))), and C(G) = max_D V(D, G).
LOSS = Expectation((Z,), P_Z, Apply("log", node(1) - Call("D", (G,))))
VALUE = Expectation((X,), P_DATA, Apply("log", D)) + LOSS

VOCABULARY = Vocabulary(
    setting="gan",
    variables={
        "x": VariableSpec(about="an image, real or generated"),
        "tilde_x": VariableSpec(about="an image"),
        "hat_x": VariableSpec(about="an image"),
        "z": VariableSpec(about="the generator's noise"),
    },
    densities={
        "p_data": DensitySpec(("x",), bare=P_DATA, about="the law of the data"),
        "p_g": DensitySpec(("x",), bare=P_G, parameter="theta", about="the law of G(z), z from p_z"),
        "p_z": DensitySpec(("z",), bare=P_Z, about="the law of the noise z"),
        "p": DensitySpec(("x", "z"), parameter="theta", about="p(z) is p_z(z), p(x) is p_g(x)"),
    },
    functions={
        "D": FunctionSpec((X,), about="the discriminator, between 0 and 1"),
        "D^*": FunctionSpec((X,), about="the optimal one, p_data / (p_data + p_g)"),
        "G": FunctionSpec((Z,), about="the generator"),
        "a": FunctionSpec((X,), about="the discriminator's logits, D = sigma(a)"),
        "sigma": FunctionSpec((Call("a", (X,)),), about="the sigmoid 1 / (1 + exp(-a))"),
        "softplus": FunctionSpec((Call("a", (X,)),), about="log(1 + exp(a))"),
        "f": FunctionSpec((Symbol("y"),), about="a convex function with f(1) = 0, as of an f-divergence"),
        "f^*": FunctionSpec((Symbol("y"),), about="the convex conjugate of f, sup_u (u t - f(u))"),
        "f'": FunctionSpec((Symbol("y"),), about="the derivative of f"),
    },
    symbols={
        "a": SymbolSpec(about="a positive number"),
        "b": SymbolSpec(about="a positive number"),
        "y": SymbolSpec(about="a number between 0 and 1: the value of D at a point"),
        "d": SymbolSpec(about="the dimension"),
        "I": SymbolSpec(about="the identity matrix"),
    },
    noises={"epsilon": VariableSpec(about="standard normal noise")},
    parameters=("theta", "phi", "y"),
    spellings={
        **dict.fromkeys(("p_r", "p_d", "P_r", "P_data", "pi", "q_data", "p_real", "P"), "p_data"),
        **dict.fromkeys(("p_G", "p_model", "P_g", "p_theta", "q_g", "p_gen", "p_fake", "P_theta"), "p_g"),
        **dict.fromkeys(("p_g_theta", "p_G_theta", "P_g_theta", "P_G_theta", "Q", "q"), "p_g"),
        **dict.fromkeys(("D_phi", "D_theta_d", "D_w", "D_omega", "D_psi", "D_theta"), "D"),
        **dict.fromkeys(("D^*_G", "D_G^*", "D_G", "D_*", "D^*_phi", "D_phi^*"), "D^*"),
        **dict.fromkeys(("G_theta", "G_theta_g", "g", "g_theta", "G_phi"), "G"),
        **dict.fromkeys(("ell", "h", "a_phi", "T", "T_phi", "T_omega"), "a"),
        "sigmoid": "sigma",
        **dict.fromkeys(("theta_g", "theta_G"), "theta"),
        **dict.fromkeys(("theta_d", "theta_D", "w", "omega", "psi"), "phi"),
    },
    measures={"x": P_DATA, "z": P_Z},
    definable=("f",),
    functionals={"V": VALUE, "C": Optimum("max", ("D",), VALUE)},
)

SMOOTH = Parts(slope=(2,), wave=(3,))  # logits on a line
SPACE = ("x", "tilde_x", "hat_x")  # the names of an image
STATES = dict.fromkeys(SPACE, 4) | {"z": 6}


def finite(rng: np.random.Generator, facts: Facts) -> World:
    """4 states of x, 6 of z; a fixed table G that reaches every x.

    No small step moves a table: what varies with G or theta is the law of z, such that p_g takes any values.
    So every p_g is reached, as the theorem of the global optimum assumes; gradients by theta are for `line`.
    """
    table, share = generator_table(rng, STATES["x"], STATES["z"])
    a, b = rng.uniform(0.4, 1.6, 2)

    drawn = {name: general(rng, STATES["x"]) for name in ("theta", "G", "D", "phi", "data")}
    drawn["y"] = rng.choice([rng.uniform(0.38, 0.46, 1), rng.uniform(0.54, 0.62, 1)])

    def make(parameters: Mapping[str, Data]) -> Contents:
        now = {**drawn, **parameters}
        D, theta, target = now["D"] + now["phi"], now["theta"] + now["G"], now["data"]
        data = masses(target)
        model = data if "equal laws" in facts.given else masses(theta)
        p_data, p_g = Table(("x",), data), Table(("x",), model)
        p_z = Table(("z",), model[table] * share)
        optimum = np.log(data) - np.log(model)
        logits = lookup(optimum if "optimal" in facts.given else D, "D")
        contents = _contents(p_data, p_g, p_z, logits, lookup(table, "G", "state"), now["y"], a, b)
        searches = {
            "D": Search(optimum - now["phi"], place=Call("D", (X,))),
            "phi": Search(optimum - now["D"]),
            "G": Search(target - now["theta"]),
            "theta": Search(target - now["G"]),
        }
        return replace(contents, searches=searches)

    return World("finite", {}, moves(drawn, facts), make, STATES, seed=int(rng.integers(2**31)))


def generator_table(rng: np.random.Generator, points: int, codes: int) -> tuple[Data, Data]:
    """A table z -> x that reaches every x, and how much each z has of the mass of the x that it leads to."""
    table = rng.permutation(np.concatenate([np.arange(points), rng.integers(0, points, codes - points)]))
    share = rng.uniform(0.4, 1.6, codes)
    return table, share / np.bincount(table, share)[table]


def moves(drawn: Mapping[str, Data], facts: Facts) -> dict[str, Data]:
    """The parameters of a finite world, without the generator's if the chain takes a gradient by them."""
    by = [n.wrt for n in facts.nodes if isinstance(n, Gradient)]
    still = {"theta", "G"} if Symbol("theta") in by or Symbol("G") in by else set()
    return {name: vector for name, vector in drawn.items() if name not in still}


def line(rng: np.random.Generator, facts: Facts) -> World:
    """x and z on a line: smooth logits, a mixture of two normals as data, a bent monotone generator.

    u + bend u^3 = z with x = shift ± width u: so p_g has a closed form and no symmetry. Not every function
    is a discriminator here; where a chain speaks of a max or min, nothing varies.
    """
    frozen = any(isinstance(n, Optimum) and not n.arg for n in facts.nodes)
    sign = rng.choice([-1.0, 1.0])
    a, b = rng.uniform(0.4, 1.6, 2)
    unit = facts.unit
    drawn = {
        "theta": general(rng, 3),
        "phi": general(rng, SMOOTH.size),
        "data": general(rng, 4),
        "prior": general(rng, 2),
    }
    drawn["y"] = rng.choice([rng.uniform(0.38, 0.46, 1), rng.uniform(0.54, 0.62, 1)])
    standard = "standard prior" in facts.given or any(
        isinstance(n, Expectation) and n.measure == STANDARD[0] for n in facts.nodes
    )

    def make(parameters: Mapping[str, Data]) -> Contents:
        parameters = {**drawn, **parameters}
        where, spread = (
            (0.0, 1.0) if standard else unit * (np.array([0.4, 0.15]) * parameters["prior"] + (0.0, 1.0))
        )
        prior = Gaussian({"z": 1}, np.array([where]), np.array([[spread**2]]))
        generator = Generator(parameters["theta"], sign, prior, unit, 1.0 if standard else unit)
        p_data: Law = between(parameters["data"], unit)
        p_g: Law = p_data if "equal laws" in facts.given else generator
        logits = _optimal(p_data, p_g) if "optimal" in facts.given else _smooth(parameters["phi"])
        return _contents(p_data, p_g, prior, logits, generator, parameters["y"], a, b)

    parameters = {} if frozen else drawn
    return near(rng, facts, on_a_line(parameters, make, unit))


def on_a_line(
    parameters: Mapping[str, Data], make: Callable[[Mapping[str, Data]], Contents], unit: float
) -> World:
    """A one-dimensional world in which everything is of size `unit`."""
    kind = "one-dimensional Gaussian"
    return World(kind, {"d": 1}, parameters, make, d=1, reach=12 * unit, unit=unit)


def near(rng: np.random.Generator, facts: Facts, world: World) -> World:
    """The world with its free points no farther out than 2, where 1 - D(x) has not yet lost its digits."""
    names = {n.name for n in facts.nodes if isinstance(n, Variable)}
    while True:
        world = replace(world, seed=int(rng.integers(2**31)))
        if all(np.abs(world.free(name, name).data).max() < 2 for name in names):
            return world


Function = Callable[[Array], Array]


def _contents(
    p_data: Law, p_g: Law, p_z: Law, logits: Function, G: Function, y: Data, a: float, b: float
) -> Contents:
    optimum = _optimal(p_data, p_g)
    model = dict.fromkeys(SPACE, p_g)
    return Contents(
        {
            "p_data": Apart(dict.fromkeys(SPACE, p_data)),
            "p_g": Apart(model),
            "p_z": p_z,
            "p": Apart({**model, "z": p_z}),
        },
        {"y": scalar(y[0]), "a": scalar(a), "b": scalar(b), "I": Array(np.eye(1), (), "m")},
        {
            "a": logits,
            "D": lambda x: _sigmoid(logits(x)),
            "D^*": lambda x: _sigmoid(optimum(x)),
            "G": G,
            "sigma": lambda logits: _sigmoid(elementwise(logits, np.asarray)),
            "softplus": lambda logits: elementwise(logits, lambda data: np.log1p(np.exp(data))),
            **_convex(a, b),
        },
    )


def _convex(a: float, b: float) -> dict[str, Function]:
    """f(u) = a u log u + b (u - 1), its conjugate a exp((t - b) / a - 1) + b, and its derivative."""
    return {
        "f": lambda u: elementwise(u, lambda data: a * data * np.log(data) + b * (data - 1)),
        "f^*": lambda t: elementwise(t, lambda data: a * np.exp((data - b) / a - 1) + b),
        "f'": lambda u: elementwise(u, lambda data: a * np.log(data) + a + b),
    }


def _sigmoid(logits: Array) -> Array:
    """1 / (1 + exp(-logits)), never quite 0 or 1: its logarithm is finite, also where no mass is left."""
    data = np.where(np.abs(logits.data.real) > 36, 36 * np.sign(logits.data.real), logits.data)
    return Array(1 / (1 + np.exp(-data)), logits.axes)


def _optimal(p_data: Law, p_g: Law) -> Function:
    """The logits of p_data / (p_data + p_g)."""

    def logits(x: Array) -> Array:
        real, generated = (law.log_density(("x",), (), {"x": x}) for law in (p_data, p_g))
        return add(real, negative(generated))

    return logits


def lookup(table: Data, name: str, core: str = "s") -> Function:
    """A function of states, from its table."""

    def function(state: Array) -> Array:
        if state.core != "state" or np.max(state.data) >= len(table):
            raise Misfit(f"{name} is no function of what stands in it")
        return Array(table[state.data], state.axes, core)

    return function


def _smooth(vector: Data) -> Function:
    """b + m x + c tanh(k x + e): logits of either slope, neither affine nor symmetric."""
    part = SMOOTH(vector)
    (offset, slope), (height, k, e) = part["slope"], part["wave"]

    def logits(x: Array) -> Array:
        value = x.data[..., 0] if x.core == "c" else x.data
        return Array(offset + slope * value + height * np.tanh(k * value + e), x.axes)

    return logits


def between(vector: Data, unit: float) -> Mixture:
    """A mixture of two normals on a line, of unequal weights, means and variances."""
    means, deviations = unit * (1.2 * vector[:2] + (-0.5, 0.5)), unit * np.exp(0.15 * vector[2:])
    parts = [Gaussian({"x": 1}, means[i : i + 1], deviations[i : i + 1, None] ** 2) for i in (0, 1)]
    return Mixture(np.array([0.37, 0.63]), parts)


class Generator:
    """x = shift ± width u with u + bend u^3 = z, and the law of x for a normal z, from the inverse of G.

    x is measured in a unit of its own, as z is.
    """

    variables: tuple[str, ...] = ("x",)
    conditions: tuple[str, ...] = ()

    def __init__(self, vector: Data, sign: float, prior: Gaussian, unit: float, unit_z: float) -> None:
        self.unit, self.unit_z = unit, unit_z
        self.shift, log_width, log_bend = vector
        self.log_width = 0.2 * log_width
        self.width = sign * np.exp(self.log_width)
        self.bend = 0.03 * np.exp(0.3 * log_bend)
        self.prior = prior

    def __call__(self, z: Array) -> Array:
        """G(z), by Cardano's formula."""
        root = np.sqrt(3 * self.bend)
        u = 2 / root * np.sinh(np.arcsinh(1.5 * root * z.data / self.unit_z) / 3)
        return Array(self.unit * (self.shift + self.width * u), z.axes, z.core)

    def log_density(self, left: Sequence[str], given: Sequence[str], points: Points) -> Array:
        """log p_z(G^{-1}(x)) + log |d G^{-1}(x) / dx|."""
        x = points["x"]
        u = (x.data / self.unit - self.shift) / self.width
        z = Array(self.unit_z * (u + self.bend * u**3), x.axes, x.core)
        slope = np.log(1 + 3 * self.bend * u**2).sum(-1) - self.log_width
        steepness = Array(slope + np.log(self.unit_z / self.unit), x.axes)
        return add(self.prior.log_density(("z",), (), {"z": z}), steepness)


STANDARD = (Normal(Z, node(0), Symbol("I")), Normal(ANONYMOUS, node(0), Symbol("I")))

SETTING = Setting(
    VOCABULARY,
    {"finite": finite, "one-dimensional Gaussian": line},
    given=(
        *((law, normal, "standard prior") for normal in STANDARD for law in (P_Z, Density("p", (Z,)))),
        (P_G, P_DATA, "equal laws"),
        (D, D_STAR, "optimal"),
        (D, P_DATA / (P_DATA + P_G), "optimal"),
    ),
)
