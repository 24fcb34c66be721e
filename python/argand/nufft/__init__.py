"""Compute structure factors of thousands of atoms by non-uniform fast Fourier transforms.

    F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(2 pi i h.x_j)
         = sum_r v_r(h) [ sum_p u_r(p) exp(2 pi i h.x_p) ]

The sum has three steps, and each may use its share of an error `eps` that the caller chooses:

1. `atoms`: an anisotropic atom becomes a group of isotropic points by Gauss-Hermite quadrature,
   whose error has a bound.
2. `basis`: f_j(q) exp(-B_j q) with q = stol^2 becomes a sum over a few functions v_r(q), found by
   a singular value decomposition whose error is measured.
3. `transforms`: the sums in brackets are Fourier transforms of points. Two real ones share one
   complex transform (`pairs`), which is as accurate as its share in F demands.

The work grows as atoms + box log box, that of the direct sum as atoms x reflections. `choice`
estimates both costs; `argand.structure_factors(method="auto")` uses the faster way. The transforms
need finufft: `pip install ".[nufft]"` in its source folder.

`eps` is the largest error of F divided by

    S = max_h sqrt(sum_j (occ_j |f_j(h)| exp(-B_j stol^2))^2),

the root mean square of F for atoms at random positions, at the reflection where it is largest. On
random triclinic crystals (isotropic and anisotropic, with and without dispersion, eps of 1e-4, 1e-6
and 1e-9) the measured errors were 0.1 to 1.0 eps S, which is at most 0.4 eps max |F|.

Sources: Barnett, Magland, af Klinteberg, SIAM J. Sci. Comput. 41 (2019) C479 for finufft; the
low-rank basis and the quadrature are argand's own.
"""

from __future__ import annotations

from argand.nufft.atoms import type_numbers
from argand.nufft.choice import INSTALL, NufftCost, estimate, pays
from argand.nufft.sums import Gradients, structure_factors, sum_in_p1, vjp

__all__ = [
    "INSTALL",
    "Gradients",
    "NufftCost",
    "estimate",
    "pays",
    "structure_factors",
    "sum_in_p1",
    "type_numbers",
    "vjp",
]
