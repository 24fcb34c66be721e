"""Structure factors of cells with thousands of atoms: a low-rank basis and non-uniform fast Fourier transforms.

    F(h) = sum_j occ_j f_j(h) exp(-T_j(h)) exp(2 pi i h.x_j) = sum_r v_r(h) [ sum_p u_r(p) exp(2 pi i h.x_p) ]

Three steps, each to its share of an error `eps` that the caller chooses:

1. an anisotropic atom becomes some isotropic points (`_atoms`: Gauss-Hermite quadrature, with a bound);
2. f_j(q) exp(-B_j q), q = stol^2, becomes a sum over a few functions v_r(q) (`_basis`: SVD, error measured);
3. the sums in brackets are Fourier transforms of points (`_transforms`: finufft, two real ones at a time, each as
   accurate as its share in F demands).

The work grows as atoms + box log box, that of the direct sum as atoms x reflections. It needs finufft:
`pip install argand[nufft]`. `argand.structure_factors(method=...)` chooses between the two.

`eps` is the largest error over S, S = max_h sqrt(sum_j (occ_j |f_j(h)| exp(-B_j stol^2))^2): the root mean square of
F for atoms anywhere, where it is largest. Measured on random triclinic crystals, isotropic and anisotropic, with and
without dispersion, for eps of 1e-4, 1e-6 and 1e-9: 0.1 to 1.0 eps S, which is at most 0.4 eps max |F|.

Sources: Barnett, Magland, af Klinteberg, SIAM J. Sci. Comput. 41 (2019) C479 for finufft; the low-rank basis and the
quadrature are argand's own.
"""

from __future__ import annotations

from argand.nufft._atoms import atoms_of
from argand.nufft._choice import INSTALL, estimate, pays
from argand.nufft._sums import Gradients, structure_factors, sum_in_p1, vjp

__all__ = [
    "INSTALL",
    "Gradients",
    "atoms_of",
    "estimate",
    "pays",
    "structure_factors",
    "sum_in_p1",
    "vjp",
]
