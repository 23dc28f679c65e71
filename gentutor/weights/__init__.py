"""Small trained weights, each a safetensors file with the record of the run that made it.

`gentutor train` makes them: see `gentutor.recipes`.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

FOLDER = Path(__file__).parent


def names() -> list[str]:
    """The weights that are shipped."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def write(path: str | os.PathLike[str], state: dict[str, Tensor], record: dict[str, Any]) -> None:
    """One file of the tensors and the record, which holds plain values: command, seed, wall time, figures."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    content = save(tensors, {"record": json.dumps(record, ensure_ascii=False)})
    Path(path).write_bytes(content)


def read(name: str | os.PathLike[str]) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors, in float32 whatever they are stored in, and the record of the run that made them.

    Args:
        name: of shipped weights, or the path of a file.

    Raises:
        ValueError: there are no such weights, or the file is none of ours.
    """
    path = FOLDER / f"{name}.safetensors"
    if not path.exists():
        path = Path(name)
    if not path.is_file():
        raise ValueError(
            f"there are no weights {str(name)!r}. There are {', '.join(names())}, or name a file"
        )
    try:
        with safe_open(path, framework="pt") as file:
            record = json.loads((file.metadata() or {})["record"])
            return {key: file.get_tensor(key).to(torch.float32) for key in file.keys()}, record  # noqa: SIM118
    except (SafetensorError, KeyError, ValueError) as error:
        raise ValueError(f"{path} holds no weights with a record ({error}). Fetch it anew") from error
