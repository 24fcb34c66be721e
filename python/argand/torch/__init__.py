"""The functions of argand as differentiable torch operators on the compiled core.

Importing this module registers ``torch.ops.argand.*``; ``import argand`` alone does not import
torch.
"""

from argand.torch.density import map_from_structure_factors, structure_factors_from_map
from argand.torch.displacement import beta_from_b_iso, beta_from_u_aniso
from argand.torch.nufft import nufft_structure_factors
from argand.torch.structure_factors import structure_factors, tensors

__all__ = [
    "beta_from_b_iso",
    "beta_from_u_aniso",
    "map_from_structure_factors",
    "nufft_structure_factors",
    "structure_factors",
    "structure_factors_from_map",
    "tensors",
]
