// Structure factors by direct summation, and their vector-Jacobian product.
//
//   F(hkl) = sum_j occ_j f_j(hkl) exp(-h^T beta_j h) exp(2 pi i h.x_j)
#pragma once

#include "argand/lanes.hpp"
#include "argand/views.hpp"

namespace argand {

// out: the reflections of every crystal, one after another. T is float or double; F is T or
// Complex<T>; Reflections is an HklLists or HklBox. With real F a box is summed over half of it and
// mirrored, F(-h) = conj F(h): f must be even in h.
template <class T, class F, class Reflections>
void structure_factors(const Atoms<T>& atoms, const FormFactors<F>& form, const Reflections& hkl,
                       Complex<T>* out);

// For a real loss L with g = dL/dRe F + i dL/dIm F (laid out like out), writes dL/dfrac, dL/dbeta,
// dL/docc.
template <class T, class F, class Reflections>
void structure_factors_vjp(const Atoms<T>& atoms, const FormFactors<F>& form,
                           const Reflections& hkl, const Complex<T>* g,
                           const AtomGradients<T>& gradients);

}  // namespace argand
