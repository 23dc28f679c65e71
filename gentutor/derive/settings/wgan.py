"""The setting `wgan`: two laws, a critic, the Wasserstein distance (Arjovsky et al. 2017)."""

from collections.abc import Mapping
from itertools import combinations, product

import numpy as np

from gentutor.derive.setting import Facts, Parts, Setting, general, masses
from gentutor.derive.settings.gan import Generator, between, generator_table, lookup, moves, near, on_a_line
from gentutor.derive.tree import Call, Density, Norm, Optimum, Symbol, Variable, node
from gentutor.derive.vocabulary import DensitySpec, FunctionSpec, SymbolSpec, VariableSpec, Vocabulary
from gentutor.derive.worlds.array import Array, Data, scalar
from gentutor.derive.worlds.laws import Apart, Gaussian, Law, Table
from gentutor.derive.worlds.world import Contents, Polytope, Search, World

X, Y, Z, X_HAT = Variable("x"), Variable("y"), Variable("z"), Variable("hat_x")
P_R, P_G, P_Z = Density("P_r", (X,)), Density("P_g", (X,)), Density("p_z", (Z,))
P_HAT = Density("P_hat_x", (X_HAT,))
F = Call("f", (X,))

SPACE = ("x", "y", "x'", "tilde_x", "hat_x")  # the names of a point of the metric space
N, CODES = 4, 6
STATES = dict.fromkeys(SPACE, N) | {"z": CODES}

VOCABULARY = Vocabulary(
    setting="wgan",
    variables={
        **{name: VariableSpec(about="a point, real or generated") for name in SPACE},
        "z": VariableSpec(about="the generator's noise"),
    },
    densities={
        "P_r": DensitySpec(SPACE, bare=P_R, about="the law of the data"),
        "P_g": DensitySpec(SPACE, bare=P_G, parameter="theta", about="the law of G(z), z from p_z"),
        "P_hat_x": DensitySpec(
            SPACE, bare=Density("P_hat_x", (X_HAT,)), about="where the gradient is penalised"
        ),
        "p_z": DensitySpec(("z",), bare=P_Z, about="the law of the noise z"),
        "p": DensitySpec((*SPACE, "z"), parameter="theta", about="p(z) is p_z(z), p(x) is P_g(x)"),
        "gamma": DensitySpec(("x", "y"), bare=Density("gamma", (X, Y)), about="a coupling of P_r and P_g"),
    },
    functions={
        "f": FunctionSpec((X,), about="the critic"),
        "f^*": FunctionSpec((X,), about="the best critic with Lipschitz constant 1"),
        "G": FunctionSpec((Z,), about="the generator"),
    },
    symbols={
        "K": SymbolSpec(about="a Lipschitz constant of f, not the least"),
        "lambda": SymbolSpec(about="the weight of the gradient penalty"),
        "d": SymbolSpec(about="the dimension"),
        "I": SymbolSpec(about="the identity matrix"),
    },
    noises={"epsilon": VariableSpec(about="standard normal noise")},
    parameters=("theta", "w"),
    spellings={
        **dict.fromkeys(("p_r", "p_data", "P_data", "P_d", "p_d", "P_x", "mu", "pi"), "P_r"),
        **dict.fromkeys(("p_g", "p_theta", "P_theta", "P_G", "p_G", "p_model", "nu"), "P_g"),
        **dict.fromkeys(("p_g_theta", "p_G_theta", "P_g_theta", "P_G_theta"), "P_g"),
        **dict.fromkeys(("p_hat_x", "P_hat"), "P_hat_x"),
        **dict.fromkeys(("f_w", "D", "D_w", "C", "T", "phi", "psi", "f_theta", "h", "f_phi", "D_phi"), "f"),
        **dict.fromkeys(("D^*", "f_*", "phi^*"), "f^*"),
        **dict.fromkeys(("G_theta", "g", "g_theta"), "G"),
        "L": "K",
    },
    pairs={"pi": "gamma"},
    definable=("L",),
    measures={"x": P_R, "z": P_Z, "tilde_x": Density("P_g", (Variable("tilde_x"),))},
)


def finite(rng: np.random.Generator, facts: Facts) -> World:
    """4 points in the plane with their Euclidean distances, 6 states of z, a fixed table G as in `gan`."""
    table, share = generator_table(rng, N, CODES)
    places = 1.4 * rng.standard_normal((N, 2)) + 0.3
    distances = np.linalg.norm(places[:, None] - places, axis=-1)
    critics = extreme_critics(distances)
    slack, weight = 1 + rng.uniform(0.1, 0.6), rng.uniform(0.5, 2.0)
    normed, bounded = "Lipschitz" in facts.given, "Lipschitz bound" in facts.given
    gentle = rng.uniform(0.5, 0.9)
    drawn = {name: general(rng, N) for name in ("theta", "G", "w", "data", "between")}
    drawn["f"] = 3 * general(rng, N)
    drawn["gamma"] = general(rng, (N - 1) ** 2)

    def make(parameters: Mapping[str, Data]) -> Contents:
        now = {**drawn, **parameters}
        real, model, critic = masses(now["data"]), masses(now["theta"] + now["G"]), now["f"] + now["w"]
        if "equal laws" in facts.given:
            model = real
        if normed:
            least = lipschitz_constant(critic, distances)
            critic = critic / (least if least.real > 1 else 1.0)
        if bounded:
            critic = gentle * critic / lipschitz_constant(critic, distances)
        least = lipschitz_constant(critic, distances)
        best = critics[np.argmax(critics @ (real - model))]
        gamma = coupling(real, model, now["gamma"])
        p_r, p_g, p_z = Table(("x",), real), Table(("x",), model), Table(("z",), model[table] * share)
        penalised = Table(("x",), masses(now["between"]))

        def critics_around(centre: Data) -> Search:
            """Of v, so that centre + v has no greater Lipschitz constant than the limit."""
            steps = (centre[:, None] - centre).ravel()

            def within(limit: float | None) -> Polytope | None:
                return None if limit is None else Polytope((DIFFERENCES, limit * distances.ravel() - steps))

            return Search(-centre, within=within)

        couplings = Polytope(at_most=(-SWAPS.T, np.outer(real, model).ravel()))
        return Contents(
            laws(p_r, p_g, p_z, penalised) | {"gamma": Table(("x", "y"), gamma)},
            {"K": scalar(slack * least), "lambda": scalar(weight)},
            {
                "f": lookup(critic, "f"),
                "f^*": lookup(best, "f^*"),
                "G": lookup(table, "G", "state"),
                "lipschitz": lambda value: scalar(lipschitz_constant(value.data, distances)),
            },
            searches={
                "f": critics_around(now["w"]),
                "w": critics_around(now["f"]),
                "gamma": Search(np.zeros((N - 1) ** 2), within=lambda limit: couplings),
            },
            coordinates=dict.fromkeys(SPACE, lookup(places, "x", "c")),
            divergences={"W": lambda left, right: scalar(np.max(critics @ (left.data - right.data)))},
        )

    parameters = moves(drawn, facts)
    return World("finite", {"d": 2}, parameters, make, STATES, seed=int(rng.integers(2**31)))


def lipschitz_constant(values: Data, distances: Data) -> complex:
    """max |f(x) - f(y)| / |x - y| over pairs of points; of complex values continued from the real ones."""
    i, j = PAIRS
    slopes = (values[i] - values[j]) / distances[i, j]
    steepest = slopes[np.argmax(np.abs(slopes.real))]
    return steepest if steepest.real > 0 else -steepest  # type: ignore[no-any-return]


def extreme_critics(distances: Data) -> Data:
    """The corners of the set of critics with constant 1 and f(first point) = 0, (corners, points).

    A linear objective is largest in a corner, so one of them attains the Wasserstein distance. In a corner
    |f(x) - f(y)| = |x - y| along the edges of a tree.
    """
    n = len(distances)
    edges = np.array(list(combinations(range(n), 2)))
    chosen = edges[list(map(list, combinations(range(len(edges)), n - 1)))]
    systems = np.eye(n)[chosen[..., 0]] - np.eye(n)[chosen[..., 1]]
    first = np.broadcast_to(np.eye(n)[:1], (len(systems), 1, n))
    systems = np.concatenate([systems, first], axis=1)
    trees = np.abs(np.linalg.det(systems)) > 0.5
    lengths = distances[chosen[trees][..., 0], chosen[trees][..., 1]]
    signs = np.array(list(product((-1.0, 1.0), repeat=n - 1)))
    right = np.concatenate([lengths[:, None] * signs, np.zeros((trees.sum(), len(signs), 1))], axis=-1)
    corners = np.linalg.solve(systems[trees][:, None], right[..., None])[..., 0].reshape(-1, n)
    steps = np.abs(corners[:, :, None] - corners[:, None])
    return np.asarray(corners[(steps <= distances * (1 + 1e-12)).all(axis=(1, 2))])


def _swaps() -> Data:
    """What may be added to a coupling without a change of its marginals: a basis, one row for each."""
    rows = []
    for i, j in product(range(N - 1), repeat=2):
        move = np.zeros((N, N))
        move[i, j] = move[-1, -1] = 1.0
        move[i, -1] = move[-1, j] = -1.0
        rows.append(move.ravel())
    return np.array(rows)


SWAPS = _swaps()
PAIRS = np.triu_indices(N, 1)
DIFFERENCES = np.array([np.eye(N)[i] - np.eye(N)[j] for i, j in product(range(N), repeat=2)])


def coupling(left: Data, right: Data, amounts: Data) -> Data:
    """The independent coupling and a move away from it, cut short where a mass would no longer be positive.

    Near the independent coupling it is linear in `amounts`.
    """
    independent, move = np.outer(left, right), (amounts @ SWAPS).reshape(N, N)
    furthest = np.max(-move / independent)
    return np.asarray(independent + move * min(1.0, 0.9 / max(furthest, 0.1)))


CRITIC = Parts(offset=(), slope=(), height=(), steepness=(), centre=())


def line(rng: np.random.Generator, facts: Facts) -> World:
    """Points on a line: P_r a mixture of two normals, P_g of a bent generator, f smooth and monotone."""
    frozen = any(isinstance(n, Optimum) and not n.arg for n in facts.nodes)
    sign = rng.choice([-1.0, 1.0])
    slack, weight = 1 + rng.uniform(0.1, 0.6), rng.uniform(0.5, 2.0)
    drawn = {"theta": general(rng, 3), "w": general(rng, CRITIC.size)}
    drawn |= {"data": general(rng, 4), "between": general(rng, 4)}
    constant = 1.0 if "Lipschitz" in facts.given else rng.uniform(0.5, 0.9)
    normed = bool(facts.given & {"Lipschitz", "Lipschitz bound"})
    unit = facts.unit
    mean, variance = unit * 0.2 * rng.standard_normal(), unit**2 * rng.uniform(0.7, 1.3)
    prior = Gaussian({"z": 1}, np.array([mean]), np.array([[variance]]))

    def make(parameters: Mapping[str, Data]) -> Contents:
        now = {**drawn, **parameters}
        part = CRITIC(now["w"])
        steepness, height = np.exp(0.3 * part["steepness"]), 0.6 * np.exp(0.3 * part["height"])
        slope = part["slope"]
        least = slope * np.sign(slope.real) * (1 + height * steepness)
        if normed:
            slope, least = constant * slope / least, constant * np.ones(())

        def critic(x: Array) -> Array:
            """offset + slope (x + height tanh(steepness x + centre)): its derivative keeps its sign."""
            at = x.data[..., 0] if x.core == "c" else x.data
            return Array(
                part["offset"] + slope * (at + height * np.tanh(steepness * at + part["centre"])), x.axes
            )

        p_r, generator = between(now["data"], unit), Generator(now["theta"], sign, prior, unit, unit)
        p_g = p_r if "equal laws" in facts.given else generator
        return Contents(
            laws(p_r, p_g, prior, between(now["between"], unit)),
            {"K": scalar(slack * least), "lambda": scalar(weight), "I": Array(np.eye(1), (), "m")},
            {"f": critic, "G": generator},
        )

    parameters = {} if frozen else drawn
    return near(rng, facts, on_a_line(parameters, make, unit))


def laws(p_r: Law, p_g: Law, p_z: Law, penalised: Law) -> dict[str, Law]:
    """The laws by name, each known at every point of the space whatever it is called."""
    everywhere = {"P_r": p_r, "P_g": p_g, "P_hat_x": penalised}
    return {
        **{name: Apart(dict.fromkeys(SPACE, law)) for name, law in everywhere.items()},
        "p_z": p_z,
        "p": Apart({**dict.fromkeys(SPACE, p_g), "z": p_z}),
    }


SETTING = Setting(
    VOCABULARY,
    {"finite": finite, "one-dimensional Gaussian": line},
    given=(
        (Norm(F, "L"), node(1), "Lipschitz"),
        (P_G, P_R, "equal laws"),
    ),
    factors=(Symbol("K"), Norm(F, "L")),
    bounds=((Norm(F, "L"), node(1), "Lipschitz bound"),),
)
