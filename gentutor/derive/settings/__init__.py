"""The settings: one file each, which declares its vocabulary and draws its worlds."""

from difflib import get_close_matches
from functools import cache
from importlib import import_module

from gentutor.derive.setting import Setting

NAMES = ("vae", "latents", "ddpm", "score", "gan", "wgan", "pca")


@cache
def setting_named(name: str) -> Setting:
    """The setting of that name. Raises ValueError, with the names there are."""
    if name not in NAMES:
        near = get_close_matches(str(name), NAMES, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"there is no setting {name!r}; there are {', '.join(NAMES)}.{hint}")
    setting = import_module(f"{__name__}.{name}").SETTING
    assert isinstance(setting, Setting)
    return setting
