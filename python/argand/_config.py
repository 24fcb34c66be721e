"""What this build is and how it runs."""

from __future__ import annotations

from argand import _core
from argand._seam import arrays as _arrays
from argand._version import __version__

_cuda = _arrays._cuda

# A compiled core that another version of the Python files was built with would compute something else.
if _core.version() != __version__:
    raise ImportError(
        f"argand is {__version__} but its compiled core is {_core.version()}: build it anew with `pip install .`"
    )
if _cuda is not None and _cuda.version() != __version__:
    raise ImportError(
        f"argand is {__version__} but its CUDA module is {_cuda.version()}: build it anew with `pip install .`"
    )


def build_config() -> dict[str, str | int | bool]:
    """Version, compiler, the instruction set that runs on this processor, threads, and whether CUDA is built in.

    With CUDA also its compiler and the architectures that there is code for; `argand.cuda.is_available` tells whether
    there is a device.
    """
    cuda: dict[str, str | int | bool] = {"cuda": False}
    if _cuda is not None:
        cuda = {
            "cuda": True,
            "cuda_compiler": _cuda.compiler(),
            "cuda_architectures": _cuda.architectures(),
        }
    return {
        "version": __version__,
        "compiler": _core.compiler(),
        "simd": _core.simd_level(),
        "threads": _core.num_threads(),
        **cuda,
    }


def num_threads() -> int:
    """Threads that a call may use: at first ARGAND_NUM_THREADS, else the processors this process may run on."""
    return _core.num_threads()


def set_num_threads(n: int) -> None:
    """Let every call use up to n threads; 1 keeps all work in the calling thread."""
    if n < 1:
        raise ValueError(f"n is {n}, needs to be at least 1")
    _core.set_num_threads(n)
