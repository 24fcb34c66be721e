"""The compiled modules `_core` and `_cuda`: loading, versions, and how they were built.

`_core` is always there. `_cuda` is optional and is loaded when a call first needs it, so that
importing argand does not pay for it.
"""

from __future__ import annotations

from typing import Any

from argand import _core
from argand._version import __version__

# The module `_cuda` once it has been asked for, by its name; None where argand was built without
# CUDA.
_optional_modules: dict[str, Any] = {}


def _require_version(part: str, version: str) -> None:
    """Raise where a compiled module belongs to another version: it would compute otherwise."""
    if version != __version__:
        raise ImportError(
            f"argand is {__version__} but its {part} is {version}: "
            "build it anew with `pip install .`"
        )


_require_version("compiled core", _core.version())


def cuda_module() -> Any:
    """Return the compiled module `_cuda`, loaded by the first call; None without CUDA."""
    if "_cuda" not in _optional_modules:
        _optional_modules["_cuda"] = _load_cuda()
    return _optional_modules["_cuda"]


def _load_cuda() -> Any:
    try:
        from argand import _cuda
    except ImportError:
        return None
    _require_version("CUDA module", _cuda.version())
    return _cuda


def core_build() -> tuple[str, str]:
    """Return the compiler of the core, and the instruction set of its kernels on this processor."""
    return _core.compiler(), _core.simd_level()


def cuda_build() -> tuple[str, str] | None:
    """Return the compiler and the architectures of the CUDA module; None without CUDA."""
    cuda = cuda_module()
    if cuda is None:
        return None
    return cuda.compiler(), cuda.architectures()


def cuda_status() -> tuple[int, str]:
    """Return the number of CUDA devices, and the reason in words where there is none."""
    cuda = cuda_module()
    if cuda is None:
        return 0, "argand was built without CUDA: no nvcc was found, or ARGAND_CUDA was OFF"
    count, reason = cuda.status()
    return int(count), str(reason)


def num_threads() -> int:
    """Return the number of threads that a call of the core may use."""
    return _core.num_threads()


def set_num_threads(count: int) -> None:
    """Let every call of the core use up to `count` threads.

    The number is not checked: it must be at least 1.
    """
    _core.set_num_threads(count)
