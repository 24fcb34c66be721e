// Gradients of an atom from sums over the reflections. With p = conj(g) f T(hkl),
//
//   dL/dx    = -2 pi occ sum h Im p
//   dL/dbeta = -occ sum h h Re p (twice off the diagonal)
//   dL/docc  = sum Re p
#pragma once

#include "argand/lanes.hpp"
#include "argand/views.hpp"

namespace argand {

// Sums of an atom: 0..2 of Im p times h, k, l; 3..8 of Re p times hh, kk, ll, hk, hl, kl; 9 of Re
// p.
constexpr int moment_count = 10;

// Writes the gradients of one atom that are wanted.
template <class T>
ARGAND_HD ARGAND_INLINE void store_gradients(const double (&moments)[moment_count], double occ,
                                             Index atom, const AtomGradients<T>& out) {
  constexpr double two_pi = 6.283185307179586476925286766559;
  if (out.frac) {
    for (int d = 0; d < 3; ++d) out.frac[3 * atom + d] = T(-two_pi * occ * moments[d]);
  }
  if (out.beta) {
    for (int d = 0; d < 6; ++d)
      out.beta[6 * atom + d] = T((d < 3 ? -1 : -2) * occ * moments[3 + d]);
  }
  if (out.occ) out.occ[atom] = T(moments[9]);
}

}  // namespace argand
