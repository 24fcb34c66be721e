"""Checkpoints of lightning as safetensors, all but tensors as JSON in the header; no pickle."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import CheckpointIO
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from argand.errors import ArgandError, reading
from argand.files import replacing

__all__ = ["SafetensorsIO", "read_checkpoint"]

# Key of a JSON object that stands for a tensor, which it names.
_TENSOR = "__tensor__"
# Key of a JSON object that stands for a dictionary whose keys are not all strings: a list of pairs.
_PAIRS = "__pairs__"
# Key of a JSON object that stands for a tuple: a list.
_TUPLE = "__tuple__"


class SafetensorsIO(CheckpointIO):
    """Write and read lightning's checkpoints as one safetensors file each."""

    def save_checkpoint(
        self,
        checkpoint: dict[str, Any],
        path: Any,
        storage_options: Any | None = None,
    ) -> None:
        """Write a checkpoint, whole or not at all."""
        tensors: dict[str, Tensor] = {}
        tree = _pack(checkpoint, tensors)
        text = json.dumps(tree)
        digest = _digest(text, tensors)
        with replacing(path) as temporary:
            # The writer of safetensors makes a temporary file of its own, which a kill would leave.
            content = save(tensors, {"checkpoint": text, "digest": digest})
            Path(temporary).write_bytes(content)

    def load_checkpoint(
        self,
        path: Any,
        map_location: Any | None = None,
        weights_only: bool | None = None,
    ) -> dict[str, Any]:
        """Read a checkpoint, see `read_checkpoint`."""
        return read_checkpoint(Path(path))

    def remove_checkpoint(self, path: Any) -> None:
        """Delete a checkpoint if it exists."""
        Path(path).unlink(missing_ok=True)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Raises
    ------
    ArgandError
        The file is damaged.
    """
    tensors: dict[str, Tensor] = {}
    with reading(path):
        try:
            with safe_open(path, framework="pt") as file:
                metadata = file.metadata() or {}
                for name in file.keys():  # noqa: SIM118, the file is no dictionary
                    tensors[name] = file.get_tensor(name)
            text = metadata["checkpoint"]
            # Checkpoints of an earlier argand have no digest.
            if metadata.get("digest", _digest(text, tensors)) != _digest(text, tensors):
                raise ValueError("its content is not what was written")
            content = _unpack(json.loads(text), tensors)
            if not isinstance(content, dict):
                raise ValueError(f"holds a {type(content).__name__}")
        except (SafetensorError, OSError, KeyError, TypeError, ValueError, RecursionError) as error:
            words = " ".join(str(error).split())
            raise ArgandError(
                f"{path} is no checkpoint ({words}); remove it to start again"
            ) from None
        return content


def _digest(text: str, tensors: dict[str, Tensor]) -> str:
    """Return the SHA-256 of a checkpoint's JSON, and of the names, types and bytes of tensors."""
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _pack(value: Any, tensors: dict[str, Tensor]) -> Any:
    """Turn a nested structure into what JSON takes; tensors go to `tensors`, numbered from 0."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        # safetensors refuses memory that two tensors share, and knows C order only.
        tensors[name] = value.detach().cpu().clone().contiguous()
        return {_TENSOR: name}
    if isinstance(value, dict):
        if all(isinstance(key, str) for key in value):
            return {key: _pack(item, tensors) for key, item in value.items()}
        pairs = []
        for key, item in value.items():
            pairs.append([_pack(key, tensors), _pack(item, tensors)])
        return {_PAIRS: pairs}
    if isinstance(value, tuple):
        return {_TUPLE: [_pack(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_pack(item, tensors) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"a checkpoint holds a {type(value).__name__}, needs tensors and JSON only")


def _unpack(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """Rebuild the nested structure that `_pack` was given."""
    if isinstance(tree, list):
        return [_unpack(item, tensors) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if _TENSOR in tree:
        return tensors[tree[_TENSOR]]
    if _TUPLE in tree:
        return tuple(_unpack(item, tensors) for item in tree[_TUPLE])
    if _PAIRS in tree:
        pairs = _unpack(tree[_PAIRS], tensors)
        return dict(pairs)
    return {key: _unpack(item, tensors) for key, item in tree.items()}
