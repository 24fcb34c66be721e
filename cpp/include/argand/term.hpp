// The term of one atom at one reflection, written once for every compiler and device.
//
//   T(hkl) = exp(-h^T beta h) exp(2 pi i h.x)
//
// Along a row of reflections (h and k fixed, l -> l + s with s = +1 or -1) each term follows from
// the one before by a complex product, because the exponent is quadratic in l:
//
//   T <- T r,   r <- r q,   q = exp(-2 beta_33) real.
//
// From one row to the next (k -> k + 1) the first term of a row follows by such products along k,
// and |r| is multiplied by the constant exp(-2 beta_23).
//
// V is a number, or a vector of numbers: several atoms at once.
#pragma once

#include "argand/elementary.hpp"

namespace argand {

// The orders of one reflection, as numbers of type R. They need not be integers: satellites and
// points beside a reflection have fractional orders.
template <class R>
struct Orders {
  R h, k, l;
};
using Hkl = Orders<double>;

// Returns h^T beta h.
template <class V, class R>
ARGAND_HD ARGAND_INLINE V displacement_exponent(const V (&beta)[6], Orders<R> hkl) {
  using T = Element<V>;
  const T h = T(hkl.h), k = T(hkl.k), l = T(hkl.l);
  return beta[0] * (h * h) + beta[1] * (k * k) + beta[2] * (l * l) +
         T(2) * (beta[3] * (h * k) + beta[4] * (h * l) + beta[5] * (k * l));
}

// Returns exp(2 pi i h.x).
template <class V, class R>
ARGAND_HD ARGAND_INLINE Complex<V> phase_factor(const V (&x)[3], Orders<R> hkl) {
  return cis<V>(widen(x[0]) * hkl.h + widen(x[1]) * hkl.k + widen(x[2]) * hkl.l);
}

// Returns T(h, k, l).
template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> term(const V (&x)[3], const V (&beta)[6], Hkl hkl) {
  return phase_factor(x, hkl) * bounded_exp(-displacement_exponent(beta, hkl));
}

// Returns |r| of the ratio r = T(one step s further along an axis) / T(h, k, l). Axis 1 is k, axis
// 2 is l. The phase of r is 2 pi s x_axis at every reflection.
template <int axis = 2, class V, class R>
ARGAND_HD ARGAND_INLINE V term_ratio(const V (&beta)[6], Orders<R> hkl, int s) {
  static_assert(axis == 1 || axis == 2);
  using T = Element<V>;
  const T h = T(hkl.h), k = T(hkl.k), l = T(hkl.l);
  const V slope =
      axis == 2 ? beta[4] * h + beta[5] * k + beta[2] * l : beta[3] * h + beta[1] * k + beta[5] * l;
  return bounded_exp(-(T(2 * s) * slope + beta[axis]));
}

// Returns q = r(one step further) / r along an axis.
template <int axis = 2, class V>
ARGAND_HD ARGAND_INLINE V ratio_of_ratios(const V (&beta)[6]) {
  return bounded_exp(V(beta[axis] * Element<V>(-2)));
}

// Returns the factor by which a step along k changes |r| along l. `sign` is +1 where both steps
// have the same sign, -1 where they have not.
template <class V>
ARGAND_HD ARGAND_INLINE V ratio_across(const V (&beta)[6], int sign) {
  return bounded_exp(V(beta[5] * Element<V>(-2 * sign)));
}

// Returns the coupling exp(-2 a^T beta b) in T(a + b) = T(a) T(b) exp(-2 a^T beta b), where b is a
// number of steps along one axis.
template <int axis, class V, class R>
ARGAND_HD ARGAND_INLINE V coupling(const V (&beta)[6], Orders<R> a, Element<V> steps) {
  // Positions of beta_ij among the six numbers 11 22 33 12 13 23.
  constexpr int position[3][3] = {{0, 3, 4}, {3, 1, 5}, {4, 5, 2}};
  using T = Element<V>;
  const V along = beta[position[axis][0]] * T(a.h) + beta[position[axis][1]] * T(a.k) +
                  beta[position[axis][2]] * T(a.l);
  return bounded_exp(T(-2) * steps * along);
}

}  // namespace argand
