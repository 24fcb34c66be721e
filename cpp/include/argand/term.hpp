// The arithmetic of one atom and one reflection, written once for every compiler and device.
//
//   T(hkl) = exp(-h^T beta h) exp(2 pi i h.x)
//
// Along a row of reflections (h, k fixed, l -> l + s with s = +-1) each term follows from the last by a complex
// product, because the exponent is quadratic in l:
//
//   T <- T r,   r <- r q,   q = exp(-2 beta_33) real.
//
// V is a number, or a vector of them: several atoms at once.
#pragma once

#include "argand/elementary.hpp"

namespace argand {

// One reflection, or the first of a row, in numbers of type R. The orders need not be integers: satellites, points
// beside a reflection.
template <class R>
struct Orders {
  R h, k, l;
};
using Hkl = Orders<double>;

// h^T beta h
template <class V, class R>
ARGAND_HD ARGAND_INLINE V displacement_exponent(const V (&beta)[6], Orders<R> hkl) {
  using T = Element<V>;
  const T h = T(hkl.h), k = T(hkl.k), l = T(hkl.l);
  return beta[0] * (h * h) + beta[1] * (k * k) + beta[2] * (l * l) +
         T(2) * (beta[3] * (h * k) + beta[4] * (h * l) + beta[5] * (k * l));
}

template <class V, class R>
ARGAND_HD ARGAND_INLINE Complex<V> phase_factor(const V (&x)[3], Orders<R> hkl) {
  return cis<V>(widen(x[0]) * hkl.h + widen(x[1]) * hkl.k + widen(x[2]) * hkl.l);
}

// T(h, k, l)
template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> term(const V (&x)[3], const V (&beta)[6], Hkl hkl) {
  return phase_factor(x, hkl) * bounded_exp(-displacement_exponent(beta, hkl));
}

// |r| of r = T(h, k, l + s) / T(h, k, l); its phase is that of z alone: exp(2 pi i s z)
template <class V>
ARGAND_HD ARGAND_INLINE V term_ratio(const V (&beta)[6], Hkl hkl, int s) {
  using T = Element<V>;
  return bounded_exp(-(T(2 * s) * (beta[4] * T(hkl.h) + beta[5] * T(hkl.k) + beta[2] * T(hkl.l)) + beta[2]));
}

// q = r(l + s) / r(l)
template <class V>
ARGAND_HD ARGAND_INLINE V ratio_of_ratios(const V (&beta)[6]) {
  return bounded_exp(V(beta[2] * Element<V>(-2)));
}

// exp(-2 a^T beta b) of T(a + b) = T(a) T(b) exp(-2 a^T beta b), with b = steps along one axis
template <int axis, class V, class R>
ARGAND_HD ARGAND_INLINE V coupling(const V (&beta)[6], Orders<R> a, Element<V> steps) {
  constexpr int of[3][3] = {{0, 3, 4}, {3, 1, 5}, {4, 5, 2}};  // where beta_ij lies
  using T = Element<V>;
  const V along = beta[of[axis][0]] * T(a.h) + beta[of[axis][1]] * T(a.k) + beta[of[axis][2]] * T(a.l);
  return bounded_exp(T(-2) * steps * along);
}

}  // namespace argand
