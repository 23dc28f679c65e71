"""The setting `ddpm`: the forward chain q(x_t|x_{t-1}), its posteriors, and the reverse model p."""

from collections.abc import Callable, Mapping

import numpy as np

from gentutor.derive.setting import (
    Facts,
    Noise,
    Parts,
    Setting,
    covariance,
    draw_levels,
    free_entries,
    general,
    masses,
)
from gentutor.derive.tree import Apply, Density, Node, Normal, Range, Symbol, Variable, node
from gentutor.derive.vocabulary import (
    DensitySpec,
    FunctionSpec,
    SymbolSpec,
    VariableSpec,
    Vocabulary,
)
from gentutor.derive.worlds.array import Array, Data, NotExact, add, scalar, scale
from gentutor.derive.worlds.laws import Chain, Gaussian, Law, StandardNormal, Table
from gentutor.derive.worlds.world import Contents, World

t, T, ONE, ZERO = Symbol("t"), Symbol("T"), node(1), node(0)
X_T, X_0 = Variable("x", (t,)), Variable("x", (ZERO,))

BAR = Symbol("bar_alpha", (t,))
VELOCITY = Apply("sqrt", BAR) * Variable("epsilon") - Apply("sqrt", ONE - BAR) * X_0  # Salimans and Ho 2022

VOCABULARY = Vocabulary(
    setting="ddpm",
    variables={
        "x": VariableSpec(levels=(ZERO, T), about="the chain x_0, ..., x_T"),
        "y": VariableSpec(about="what guidance conditions on, drawn given x_0"),
        "x'": VariableSpec(about="a value from which x_0 is one step away, with a constant beta"),
    },
    densities={
        "q": DensitySpec(
            ("x", "x'", "y"), bare=Density("q", (Range("x", ONE, T),), (X_0,)), about="the forward process"
        ),
        "p": DensitySpec(("x", "y"), parameter="theta", about="the reverse model"),
        "q_sigma": DensitySpec(("x",), about="the inference process of DDIM, with sigma_t free"),
        "p_infty": DensitySpec(("x", "x'"), bare=Density("p_infty", (X_0,)), about="the stationary law"),
    },
    functions={
        "epsilon_theta": FunctionSpec((X_T, t), about="the network's estimate of the noise"),
        "mu_theta": FunctionSpec((X_T, t), about="the mean of p(x_{t-1}|x_t)"),
        "mu_q": FunctionSpec((X_T, X_0), about="the mean of q(x_{t-1}|x_t, x_0)"),
        "x_theta": FunctionSpec((X_T, t), about="the network's estimate of x_0"),
        "v_theta": FunctionSpec((X_T, t), about="the network's estimate of v_t"),
        "Sigma_q": FunctionSpec((t,), about="the covariance of q(x_{t-1}|x_t, x_0)"),
        "sigma_q": FunctionSpec((t,), about="its standard deviation"),
        "SNR": FunctionSpec((t,), about="bar alpha_t / (1 - bar alpha_t)"),
    },
    symbols={
        "alpha": SymbolSpec(1, about="alpha_t = 1 - beta_t"),
        "beta": SymbolSpec(
            1, optional=True, about="the variance of a forward step; without an index that of q(x|x')"
        ),
        "bar_alpha": SymbolSpec(1, about="the product of alpha_1, ..., alpha_t"),
        "bar_beta": SymbolSpec(1, about="1 - bar alpha_t"),
        "tilde_beta": SymbolSpec(1, about="the variance of q(x_{t-1}|x_t, x_0)"),
        "sigma": SymbolSpec(1, about="the standard deviation of a sampler's step"),
        "gamma": SymbolSpec(about="the strength of guidance"),
        "T": SymbolSpec(about="the number of steps"),
        "t": SymbolSpec(about="a step"),
        "d": SymbolSpec(about="the dimension"),
        "I": SymbolSpec(about="the identity matrix"),
        "pi": SymbolSpec(about="3.14159..."),
    },
    noises={
        "epsilon": VariableSpec(levels=(ZERO, T), about="standard Gaussian noise"),
        "z": VariableSpec(about="the sampler's noise"),
    },
    parameters=("theta", "phi"),
    spellings={
        "tilde_mu": "mu_q",
        "tilde_mu_t": "mu_q",
        "mu_theta_t": "mu_theta",
        "x_hat_theta": "x_theta",
        "n": "d",
        "k": "d",
    },
    measures={"x": Density("q", (X_0,))},
    information="q",
    functionals=dict.fromkeys(("v", "v_t"), VELOCITY),
    ranges={"t": (ONE, T), "i": (ONE, t), "s": (ONE, t), "j": (ONE, Symbol("d"))},
)


def finite(rng: np.random.Generator, facts: Facts) -> World:
    """Random tables for every step; three states for short chains, two for long ones."""
    if "prior" in facts.given:
        raise NotExact("no finite world has a normal prior")
    if facts.writes("y"):
        raise NotExact("what guidance conditions on is drawn in Gaussian worlds")
    integers = draw_levels(rng, facts.nodes)
    levels = integers["T"]
    n = 3 if levels < 5 else 2

    def make(parameters: Mapping[str, Data]) -> Contents:
        steps, theta = (parameters[name].reshape(levels, n, n) for name in ("forward", "theta"))
        names = [f"x_{s}" for s in range(levels + 1)]
        forward = masses(parameters["data"])
        for step in masses(steps, axis=2):
            forward = forward[..., None] * step
        backward = masses(parameters["prior"])
        for step in masses(theta, axis=1):  # theta[t-1][x_{t-1}, x_t]
            backward = step.reshape(n, n, *(1,) * (backward.ndim - 1)) * backward
        return Contents({"q": Table(names, forward), "p": Table(names, backward)})

    parameters = {
        "forward": general(rng, levels * n * n),
        "theta": general(rng, levels * n * n),
        "data": general(rng, n),
        "prior": general(rng, n),
    }
    return World("finite", integers, parameters, make, {"x": n}, seed=int(rng.integers(2**31)))


def gaussian(rng: np.random.Generator, facts: Facts) -> World:
    """x_0 ~ N(m, S) in two dimensions; epsilon_theta is affine in x_t."""
    return _gaussian(rng, facts, 2)


def line(rng: np.random.Generator, facts: Facts) -> World:
    """The same in one dimension."""
    return _gaussian(rng, facts, 1)


def _gaussian(rng: np.random.Generator, facts: Facts, d: int) -> World:
    integers = draw_levels(rng, facts.nodes)
    levels, unit = integers["T"], facts.unit
    alpha = rng.permutation(np.linspace(0.45, 0.93, levels)) * rng.uniform(0.95, 1.05, levels)
    alpha = np.concatenate([[np.nan], 1 - unit**2 * (1 - alpha)])
    bar = np.concatenate([[1.0], np.cumprod(alpha[1:])])
    variance = np.concatenate(
        [[np.nan, 0.6 * (1 - alpha[1])], (1 - alpha[2:]) * (1 - bar[1:-1]) / (1 - bar[2:])]
    )
    network = Parts(A=(levels, d, d), b=(levels, d))
    eye = np.eye(d)
    # Where the steps are small, so is p(x_0), since epsilon_theta takes nearly all of x_T away.
    whole_noise = eye * (np.sqrt(1 - bar[1:]) / (1 - alpha[1:]))[:, None, None]

    def at(values: Data) -> Callable[[int], Array]:
        def value(t: int) -> Array:
            if not 0 <= t < len(values) or np.isnan(values[t]):
                raise NotExact(f"step {t} lies outside 1, ..., {levels}")
            return scalar(values[t])

        return value

    # From x' to x_0 the variance is a beta without an index, whose stationary law is standard normal.
    beta = unit**2 * float(rng.uniform(0.2, 0.7))
    mean, spread = unit * general(rng, d), unit**2 * covariance(general(rng, free_entries(d)), d)
    forward = Chain().append("x'", mean, spread)
    forward.append("x_0", np.zeros(d), beta * eye, **{"x'": np.sqrt(1 - beta) * eye})
    for t in range(1, levels + 1):
        forward.append(f"x_{t}", np.zeros(d), (1 - alpha[t]) * eye, **{f"x_{t - 1}": np.sqrt(alpha[t]) * eye})

    if guided := facts.writes("y"):
        label = general(rng, d), covariance(general(rng, free_entries(d)), d), general(rng, d, d)
        forward.append("y", *label[:2], x_0=label[2])
    gamma = float(rng.uniform(1.5, 3.0))
    betas = at(1 - alpha)
    laws: dict[str, Law] = {"q": forward.law, "p_infty": StandardNormal()}
    deviation = np.sqrt(variance)
    if facts.writes("q_sigma"):
        deviation[1:] = rng.uniform(0.3, 0.9, levels) * np.sqrt(1 - np.maximum(bar[:-1], bar[1]))
        laws["q_sigma"] = implicit(forward.law, bar, deviation, d)

    def whole(value: Array) -> int:
        if value.data.ndim:
            raise NotExact("a step that is no number")
        t = round(float(value.data.real))
        if not 1 <= t <= levels:
            raise NotExact(f"step {t} lies outside 1, ..., {levels}")
        return t

    def mu_q(x_t: Array, x_0: Array, step: Array) -> Array:
        t = whole(step)
        near = np.sqrt(alpha[t]) * (1 - bar[t - 1]) / (1 - bar[t])
        far = np.sqrt(bar[t - 1]) * (1 - alpha[t]) / (1 - bar[t])
        return add(scale(x_t, scalar(near)), scale(x_0, scalar(far)))

    def make(parameters: Mapping[str, Data]) -> Contents:
        part = network(parameters["theta"])
        part["A"] = part["A"] + (1 - unit) * whole_noise

        def epsilon_theta(x: Array, step: Array) -> Array:
            t = whole(step)
            return add(Array(x.data @ part["A"][t - 1].T, x.axes, "c"), Array(part["b"][t - 1], (), "c"))

        def mu_theta(x: Array, step: Array) -> Array:
            t = whole(step)
            noise = scale(epsilon_theta(x, step), scalar(-(1 - alpha[t]) / np.sqrt(1 - bar[t])))
            return scale(add(x, noise), scalar(1 / np.sqrt(alpha[t])))

        def x_theta(x: Array, step: Array) -> Array:
            t = whole(step)
            noise = scale(epsilon_theta(x, step), scalar(-np.sqrt(1 - bar[t])))
            return scale(add(x, noise), scalar(1 / np.sqrt(bar[t])))

        def v_theta(x: Array, step: Array) -> Array:
            t = whole(step)
            noise = scale(epsilon_theta(x, step), scalar(np.sqrt(bar[t])))
            return add(noise, scale(x_theta(x, step), scalar(-np.sqrt(1 - bar[t]))))

        backward = Chain().append(f"x_{levels}", np.zeros(d), eye)
        for t in range(levels, 0, -1):
            shrink = (1 - alpha[t]) / np.sqrt(1 - bar[t])
            gain = (eye - shrink * part["A"][t - 1]) / np.sqrt(alpha[t])
            offset = -shrink * part["b"][t - 1] / np.sqrt(alpha[t])
            backward.append(f"x_{t - 1}", offset, variance[t] * eye, **{f"x_{t}": gain})
        if guided:
            backward.append("y", *label[:2], x_0=label[2])
        return Contents(
            {**laws, "p": backward.law},
            {
                "alpha": at(alpha),
                "beta": lambda *t: betas(*t) if t else scalar(beta),
                "bar_alpha": at(bar),
                "bar_beta": at(1 - bar),
                "tilde_beta": at(variance),
                "sigma": at(deviation),
                "I": Array(eye, (), "m"),
                "gamma": scalar(gamma),
                "pi": scalar(np.pi),
            },
            {
                "epsilon_theta": epsilon_theta,
                "mu_theta": mu_theta,
                "x_theta": x_theta,
                "v_theta": v_theta,
                "mu_q": mu_q,
                "Sigma_q": lambda step: Array(variance[whole(step)] * eye, (), "m"),
                "sigma_q": lambda step: scalar(np.sqrt(variance[whole(step)])),
                "SNR": lambda step: scalar(bar[whole(step)] / (1 - bar[whole(step)])),
            },
            levelled=frozenset({"mu_q"}),
        )

    theta = np.concatenate([0.5 * general(rng, levels * d * d), general(rng, levels * d)])
    kind = "Gaussian" if d > 1 else "one-dimensional Gaussian"
    return World(
        kind,
        {**integers, "d": d},
        {"theta": theta},
        make,
        d=d,
        reach=16 * unit,
        seed=int(rng.integers(2**31)),
        unit=unit,
    )


def implicit(forward: Gaussian, bar: Data, deviation: Data, d: int) -> Gaussian:
    """q_sigma(x_{0:T}) of Song, Meng and Ermon 2021, eq. 6 and 7: from x_T down, each step given x_0."""
    eye, last = np.eye(d), len(bar) - 1
    _, mean, spread = forward.conditional(("x_0",), ())
    chain = Chain().append("x_0", mean, spread)
    chain.append(f"x_{last}", np.zeros(d), (1 - bar[last]) * eye, x_0=np.sqrt(bar[last]) * eye)
    for t in range(last, 1, -1):
        near = np.sqrt(1 - bar[t - 1] - deviation[t] ** 2) / np.sqrt(1 - bar[t])
        far = np.sqrt(bar[t - 1]) - near * np.sqrt(bar[t])
        gains = {"x_0": far * eye, f"x_{t}": near * eye}
        chain.append(f"x_{t - 1}", np.zeros(d), deviation[t] ** 2 * eye, **gains)
    return chain.law


def clean_noise(level: Node) -> Node:
    """(x_t - sqrt(bar alpha_t) x_0) / sqrt(1 - bar alpha_t), from Ho et al. 2020, eq. 4."""
    bar = Symbol("bar_alpha", (level,))
    return (Variable("x", (level,)) - Apply("sqrt", bar) * X_0) / Apply("sqrt", ONE - bar)


def noisy(level: Node, noise: Node) -> Node:
    """sqrt(bar alpha_t) x_0 + sqrt(1 - bar alpha_t) noise."""
    bar = Symbol("bar_alpha", (level,))
    return Apply("sqrt", bar) * X_0 + Apply("sqrt", ONE - bar) * noise


def step_back(*given: Node) -> Density:
    """q(x_{t-1}|...)."""
    return Density("q", (X_BEFORE,), given)


X_BEFORE = Variable("x", (t - ONE,))
WORDS: dict[Node, str] = {
    Density("q", (X_T,), (X_BEFORE,)): "the forward step",
    Density("q", (X_T,), (X_0,)): "the marginal",
    Density("q", (X_BEFORE,), (X_0,)): "the marginal",
    step_back(X_T, X_0): "the posterior given x_0",
    step_back(X_T): "the posterior without x_0",
    Density("p", (X_BEFORE,), (X_T,)): "the reverse step",
    Density("p", (Variable("x", (T,)),)): "the prior",
}


SETTING = Setting(
    VOCABULARY,
    {"finite": finite, "Gaussian": gaussian, "one-dimensional Gaussian": line},
    given=((Density("p", (Variable("x", (T,)),)), Normal(Variable("x", (T,)), ZERO, Symbol("I")), "prior"),),
    noise=Noise(names=("epsilon",), tied=clean_noise, noisy=noisy, variable="x", law="q", model="p"),
    words=WORDS,
)
