"""How this build was made, and how many threads it runs."""

from __future__ import annotations

from argand import _seam
from argand._version import __version__


def build_config() -> dict[str, str | int | bool]:
    """Describe this build: version, compiler, the processor's instruction set, threads, and CUDA.

    `argand.cuda.is_available` tells whether there is a device to run on.

    Returns
    -------
    dict
        "version", "compiler", "simd" (instruction set that the kernels run here), "threads" and
        "cuda" (whether it is built in); with CUDA also "cuda_compiler" and "cuda_architectures"
        (those that there is code for).
    """
    compiler, instruction_set = _seam.core_build()
    config: dict[str, str | int | bool] = {
        "version": __version__,
        "compiler": compiler,
        "simd": instruction_set,
        "threads": _seam.num_threads(),
        "cuda": False,
    }
    cuda_build = _seam.cuda_build()
    if cuda_build is not None:
        cuda_compiler, architectures = cuda_build
        config["cuda"] = True
        config["cuda_compiler"] = cuda_compiler
        config["cuda_architectures"] = architectures
    return config


def num_threads() -> int:
    """Return the number of threads that a call may use.

    It is ARGAND_NUM_THREADS at first, or without that the number of processors that this process
    may run on.
    """
    return _seam.num_threads()


def set_num_threads(n: int) -> None:
    """Let every call use up to n threads; 1 keeps all work in the calling thread."""
    if n < 1:
        raise ValueError(f"n is {n}, needs to be at least 1")
    _seam.set_num_threads(n)
