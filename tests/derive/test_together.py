"""Worlds that are put together give the values that each of them gives alone."""

import numpy as np
import pytest
import trial

from gentutor.derive.checker import facts
from gentutor.derive.reading.chain import read
from gentutor.derive.settings import setting_named
from gentutor.derive.worlds.array import NotExact, spread
from gentutor.derive.worlds.evaluate import Scope, evaluate
from gentutor.derive.worlds.together import alike, along, together

# One chain of each setting that has worlds to put together, with gradients, samples, levels and mixtures.
CHAINS = [
    printed
    for printed in trial.chains()
    if printed.id
    in {
        *("luo-two-terms", "score-function-gradient", "kingma-welling-reparameterisation", "elbo-surgery"),
        *("luo-snr", "mipt-ddpm-elbo", "tweedie", "hyvarinen-components", "optimal-discriminator"),
        *("saturating-logits", "critic-lower-bound", "lipschitz-definition", "marginals"),
    }
]
AXIS = "~world"


@pytest.mark.parametrize("printed", CHAINS, ids=lambda printed: printed.id)
def test_values_are_those_of_each_world(printed: trial.Printed) -> None:
    setting = setting_named(printed.setting)
    chain = read(printed.text, setting.vocabulary)
    compared = 0
    for draw in setting.kinds.values():
        try:
            worlds = [draw(np.random.default_rng(seed), facts(chain, setting)) for seed in range(40)]
        except NotExact:
            continue
        worlds = [world for world in worlds if alike(world) == alike(worlds[0])][:4]
        several = Scope(together(worlds, AXIS))
        for claim in (claim for line in chain.lines for claim in line.claims):
            try:
                found = evaluate(claim.expression, several)
            except NotExact:
                continue
            each = along([evaluate(claim.expression, Scope(world)) for world in worlds], AXIS)
            assert (found.core, found.shape) == (each.core, each.shape)
            np.testing.assert_allclose(spread(found, each.axes), each.data, rtol=1e-9, atol=1e-11)
            compared += AXIS in found.axes
    assert compared
    assert len(CHAINS) >= 10


def test_a_wrong_line_fails_among_many_worlds() -> None:
    setting = setting_named("vae")
    for line in (r"= \log p(x|z)", r"\geq \log p(x|z)", r"= \log p(x) + \text{const}(\theta) + \log p(z)"):
        steps = trial.report_on(r"\log p(x)" + f"\n{line}", setting, seed=1, count=40).steps
        assert steps[-1].status == "fails"
