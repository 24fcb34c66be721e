"""Networks from channels on the box of Miller indices to (cos, sin); they know tensors only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from argand.learn.models.conv import ThreeLayerConv
from argand.learn.models.friedel import FriedelHalf
from argand.learn.models.linear import LinearRegression
from argand.learn.models.mlp import ThreeLayerMLP
from argand.learn.models.recycling import PhaseRecycling
from argand.learn.models.unet import UNet

__all__ = [
    "MODELS",
    "FriedelHalf",
    "LinearRegression",
    "PhaseRecycling",
    "ThreeLayerConv",
    "ThreeLayerMLP",
    "UNet",
    "build_model",
]

#: Models by name; each is built from the shape of the box, the number of channels, and arguments of
#: its own; `argand.learn.register_model` adds to them
MODELS: dict[str, Callable[..., nn.Module]] = {
    "linear": LinearRegression,
    "mlp": ThreeLayerMLP,
    "conv": ThreeLayerConv,
    "unet": UNet,
    "recycling": PhaseRecycling,
}


# Models of users decide themselves what their arguments may be.
_OWN_MODELS = frozenset(MODELS)

# Largest values of arguments of models that count something, of which torch builds layers without
# weights for 0. Layers are built one after the other, and U-nets double their width with depth; how
# much memory a width needs is said elsewhere.
_LARGEST_COUNTS = {
    "width": 10**8,
    "depth": 50,
    "kernel": 999,
    "convolutions": 100,
    "hidden": 10**8,
    "cycles": 1000,
    "states": 1000,
    "starts": 1000,
}

# Models that see the whole box: they tie Friedel mates themselves, with all other equivalents.
_ON_THE_WHOLE_BOX = ("recycling",)


def build_model(
    name: str,
    hkl_max: int,
    channels: int,
    hyper: Mapping[str, Any] | None = None,
    friedel: bool = True,
) -> nn.Module:
    """Build a network (b, channels, D, D, D) -> (b, 2, D, D, D) with D = 2 hkl_max + 1.

    Parameters
    ----------
    name
        One of `MODELS`.
    hkl_max
        H of the box of Miller indices -H..H.
    channels
        Number of input channels.
    hyper
        Arguments of the model itself.
    friedel
        Whether the network works on the half h >= 0 and F(-h) = conj F(h) gives the other half:
        right without dispersion. Models that tie equivalents themselves always see the whole box.

    Raises
    ------
    ValueError
        There is no such model, or `hyper` does not fit it.
    """
    if name not in MODELS:
        raise ValueError(
            f"model is {name!r}, needs to be one of {', '.join(MODELS)}, "
            "or to be made known first by argand.learn.register_model"
        )
    side = 2 * hkl_max + 1
    friedel = friedel and name not in _ON_THE_WHOLE_BOX
    shape = (hkl_max + 1 if friedel else side, side, side)
    if name in _OWN_MODELS:
        _check_hyper(hyper or {})
    try:
        net = MODELS[name](shape, channels, **(hyper or {}))
    except (TypeError, RuntimeError, OverflowError, ZeroDivisionError) as error:
        words = str(error).splitlines()[0]
        raise ValueError(f"hyper does not fit the model {name!r}: {words}") from None
    return FriedelHalf(net) if friedel else net


def _check_hyper(hyper: Mapping[str, Any]) -> None:
    """Raise a ValueError for an argument of a model that torch takes and no network can have."""
    for name, largest in _LARGEST_COUNTS.items():
        value = hyper.get(name, 1)
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if not is_whole or not 1 <= value <= largest:
            raise ValueError(
                f"hyper: {name} is {value!r}, needs a whole number from 1 to {largest}"
            )
    dropout = hyper.get("dropout", 0.0)
    is_number = isinstance(dropout, (int, float)) and not isinstance(dropout, bool)
    if not is_number or not 0.0 <= dropout < 1.0:
        raise ValueError(f"hyper: dropout is {dropout!r}, needs a share from 0 to below 1")
