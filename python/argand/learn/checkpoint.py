"""Checkpoints of lightning as safetensors: tensors as tensors, all the rest as JSON in the header. No pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lightning.fabric.plugins import CheckpointIO
from safetensors import SafetensorError, safe_open
from torch import Tensor

from argand.errors import ArgandError
from argand.learn.weights import write_tensors

__all__ = ["SafetensorsIO", "read_checkpoint"]

_TENSOR, _PAIRS, _TUPLE = "__tensor__", "__pairs__", "__tuple__"


class SafetensorsIO(CheckpointIO):
    """lightning's way to write and read checkpoints, through one safetensors file."""

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None
    ) -> None:
        tensors: dict[str, Tensor] = {}
        tree = _pack(checkpoint, tensors)
        write_tensors(Path(path), tensors, {"checkpoint": json.dumps(tree)})

    def load_checkpoint(
        self, path: Any, map_location: Any | None = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        return read_checkpoint(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What was saved, on the CPU; an `ArgandError` when the file is damaged."""
    try:
        with safe_open(path, framework="pt") as file:
            tree = json.loads((file.metadata() or {})["checkpoint"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        restored: dict[str, Any] = _unpack(tree, tensors)
    except (SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise ArgandError(f"{path} is no checkpoint ({error}); remove it to start again") from None
    return restored


def _pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """JSON of a nested structure; tensors are put aside under a number."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.clone()  # safetensors refuses memory that two tensors share
        return {_TENSOR: name}
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {key: _pack(item, tensors) for key, item in value.items()}
        return {
            _PAIRS: [[_pack(key, tensors), _pack(item, tensors)] for key, item in value.items()]
        }
    if isinstance(value, tuple):
        return {_TUPLE: [_pack(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_pack(item, tensors) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a checkpoint holds a {type(value).__name__}, needs tensors and JSON only")


def _unpack(tree: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(tree, list):
        return [_unpack(item, tensors) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if _TENSOR in tree:
        return tensors[tree[_TENSOR]]
    if _TUPLE in tree:
        return tuple(_unpack(item, tensors) for item in tree[_TUPLE])
    if _PAIRS in tree:
        return {_unpack(key, tensors): _unpack(item, tensors) for key, item in tree[_PAIRS]}
    return {key: _unpack(item, tensors) for key, item in tree.items()}
