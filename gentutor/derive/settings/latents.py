"""The setting `latents`: as `vae`, but q(z) is the aggregate of q(z|x) over the law of x."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from gentutor.derive.setting import Facts, Setting
from gentutor.derive.settings import vae
from gentutor.derive.settings.vae import X, Z
from gentutor.derive.tree import Density
from gentutor.derive.vocabulary import DensitySpec
from gentutor.derive.worlds.array import Data
from gentutor.derive.worlds.laws import Chain, Gaussian, Law, Table
from gentutor.derive.worlds.world import Contents, World

VOCABULARY = replace(
    vae.VOCABULARY,
    setting="latents",
    densities={
        "p": vae.VOCABULARY.densities["p"],
        "q": DensitySpec(
            ("x", "z"),
            bare=Density("q", (Z,), (X,)),
            parameter="phi",
            about="q(z|x), and q(z), its average over p(x)",
        ),
    },
    information="q",
    measures={"z": Density("q", (Z,), (X,)), "x": Density("p", (X,))},
)


def _over_data(laws: Mapping[str, Law], aggregate: Callable[[Law], Law]) -> dict[str, Law]:
    """q, also with a marked parameter, with the law of x that p has."""
    return {name: aggregate(law) if name.partition("@")[0] == "q" else law for name, law in laws.items()}


def finite(rng: np.random.Generator, facts: Facts) -> World:
    """The tables of `vae`; q(x, z) = p(x) q(z|x)."""
    world = vae.finite(rng, facts)

    def make(parameters: Mapping[str, Data]) -> Contents:
        contents = world.make(parameters)
        p = contents.laws["p"]
        assert isinstance(p, Table)
        evidence = np.exp(p.marginal(frozenset("x"))[1])

        def aggregate(q: Law) -> Law:
            assert isinstance(q, Table)
            other = (1,) * (q.mass.ndim - 1)
            conditional = q.mass / q.mass.sum(axis=tuple(range(1, q.mass.ndim)), keepdims=True)
            return Table(q.variables, conditional * evidence.reshape(-1, *other))

        return replace(contents, laws=_over_data(contents.laws, aggregate))

    return replace(world, make=make)


def _continuous(world: World) -> World:
    def make(parameters: Mapping[str, Data]) -> Contents:
        contents = world.make(parameters)
        p = contents.laws["p"]
        assert isinstance(p, Gaussian)
        _, mean, spread = p.conditional(("x",), ())

        def aggregate(q: Law) -> Law:
            assert isinstance(q, Gaussian)
            gain, offset, noise = q.conditional(("z",), ("x",))
            return Chain().append("x", mean, spread).append("z", offset, noise, x=gain).law

        return replace(contents, laws=_over_data(contents.laws, aggregate))

    return replace(world, make=make)


def gaussian(rng: np.random.Generator, facts: Facts) -> World:
    """The linear Gaussian worlds of `vae`, in two dimensions."""
    return _continuous(vae.gaussian(rng, facts))


def line(rng: np.random.Generator, facts: Facts) -> World:
    """The same in one dimension."""
    return _continuous(vae.line(rng, facts))


SETTING = Setting(
    VOCABULARY,
    {"finite": finite, "Gaussian": gaussian, "one-dimensional Gaussian": line},
    given=vae.SETTING.given,
    noise=vae.SETTING.noise,
    premises=vae.m_steps,
)
