"""The counter-based random numbers of `argand.simulate`, for networks."""

from __future__ import annotations

from argand.simulate.random import Purpose, normals, permutation, philox, uniforms

__all__ = ["Purpose", "normals", "permutation", "philox", "uniforms"]
