// Sums structure factors over atoms, and their vector-Jacobian product.
//
//   F(hkl) = sum_j occ_j f_j(hkl) exp(-h^T beta_j h) exp(2 pi i h.x_j)
#pragma once

#include "argand/lanes.hpp"
#include "argand/views.hpp"

namespace argand {

// Writes F at the reflections of every crystal to `out`, one crystal after another. T is float or
// double, the form factor type F is T or Complex<T>, and Reflections is HklLists or HklBox. With
// real form factors half of a box is summed and the rest is written by F(-h) = conj F(h): f must be
// even in h.
template <class T, class F, class Reflections>
void structure_factors(const Atoms<T>& atoms, const FormFactors<F>& form, const Reflections& hkl,
                       Complex<T>* out);

// Writes dL/dfrac, dL/dbeta and dL/docc of a real loss L, given g = dL/dRe F + i dL/dIm F, which is
// laid out like F.
template <class T, class F, class Reflections>
void structure_factors_vjp(const Atoms<T>& atoms, const FormFactors<F>& form,
                           const Reflections& hkl, const Complex<T>* g,
                           const AtomGradients<T>& gradients);

}  // namespace argand
