"""What lecture 07 says of DCGANs with one rule broken is what the record says."""

import math

from gentutor import weights


def test_the_record_is_small_and_whole():
    kept, record = weights.read("rules_mnist")
    assert (weights.FOLDER / "rules_mnist.safetensors").stat().st_size < 3e6
    assert record["command"].startswith("python tools/leave_out_rules.py")
    assert record["seconds"] > 0
    assert "torch 2." in record["machine"]
    assert set(kept) == set(record["figures"])
    for name, pictures in kept.items():
        assert pictures.shape == (12, 28, 28)
        assert pictures.min() >= 0
        assert pictures.max() <= 1
        assert len(record["figures"][name]["frechet"]) == 3


def test_which_rules_bite():
    kept, record = weights.read("rules_mnist")
    distances = {name[:2]: each["frechet"] for name, each in record["figures"].items() if name[0] != "2"}
    own = distances.pop("al")
    assert all(math.isfinite(d) for each in record["figures"].values() for d in each["frechet"])
    for name, each in record["figures"].items():
        if name[0] in "234":
            assert min(each["frechet"]) > 2 * max(own), name
    assert max(distances["1:"]) < min(own)
    assert min(own) < sorted(distances["5:"])[1] < max(own)
    assert kept["3: dense hidden layers"].std(0).max() < 0.05  # all samples are one
    assert kept["all five rules"].std(0).max() > 0.3
