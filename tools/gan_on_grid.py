"""Train plain GANs on the 25 Gaussians, with the networks of `gentutor train wgan grid`, for lecture 08.

    python tools/gan_on_grid.py    # gentutor/weights/grid_gan-SEED for three seeds, four minutes each

The loss is the non-saturating one, D takes as many steps as the critic there, and Adam runs as for DCGAN.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from gentutor import weights  # noqa: E402
from gentutor.recipes import gan as recipes  # noqa: E402

COMMAND = "python tools/gan_on_grid.py"
TRAINING = {"steps": 20_000, "k": 2, "batch_size": 128, "lr": 2e-4, "decay": True}

if __name__ == "__main__":
    recipes.RECIPES["gan"]["grid"] = replace(recipes.RECIPES["wgan"]["grid"], training=TRAINING)
    for seed in range(3):
        path = weights.FOLDER / f"grid_gan-{seed}.safetensors"
        recipes.run("gan", "grid", path, seed=seed, device="cpu")
        state, record = weights.read(path)
        weights.write(path, state, record | {"command": COMMAND})
        print(path.name, record["seconds"], "s", record["figures"])
