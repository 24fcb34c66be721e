// The arithmetic of one atom and one reflection, written once for every compiler and device.
//
//   T(hkl) = exp(-h^T beta h) exp(2 pi i h.x)
//
// Along a row of reflections (h, k fixed, l -> l + s with s = +-1) each term follows from the last by a complex
// product, because the exponent is quadratic in l:
//
//   T <- T r,   r <- r q,   q = exp(-2 beta_33) real.
#pragma once

#include <cmath>
#include <cstdint>

#if defined(__CUDACC__)
#define ARGAND_HD __host__ __device__
#else
#define ARGAND_HD
#endif
#if defined(__GNUC__)
#define ARGAND_INLINE inline __attribute__((always_inline))
#else
#define ARGAND_INLINE inline
#endif

namespace argand {

template <class T>
struct Complex {
  T re, im;
};

template <class T>
ARGAND_HD ARGAND_INLINE Complex<T> operator*(Complex<T> a, Complex<T> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

template <class T>
ARGAND_HD ARGAND_INLINE Complex<T> operator*(Complex<T> a, T b) {
  return {a.re * b, a.im * b};
}

// One reflection, or the first of a row.
struct Hkl {
  std::int32_t h, k, l;
};

// exp(2 pi i turns). Whole turns are taken off in double, so that float keeps its digits at high order.
template <class T>
ARGAND_HD ARGAND_INLINE Complex<T> cis(double turns) {
  constexpr double two_pi = 6.283185307179586476925286766559;
  const T angle = T(two_pi * (turns - std::nearbyint(turns)));
  return {std::cos(angle), std::sin(angle)};
}

// exp(e), held back from overflow: the ratio of a row whose first term has underflowed stays finite, so that the
// row is 0 and never 0 * inf.
template <class T>
ARGAND_HD ARGAND_INLINE T bounded_exp(T e) {
  constexpr T largest = sizeof(T) == 4 ? T(80) : T(700);
  return std::exp(e < largest ? e : largest);
}

// h^T beta h
template <class T>
ARGAND_HD ARGAND_INLINE T displacement_exponent(const T (&beta)[6], Hkl hkl) {
  const T h = T(hkl.h), k = T(hkl.k), l = T(hkl.l);
  return h * (h * beta[0] + 2 * (k * beta[3] + l * beta[4])) + k * (k * beta[1] + 2 * l * beta[5]) + l * l * beta[2];
}

template <class T>
ARGAND_HD ARGAND_INLINE Complex<T> phase_factor(const T (&x)[3], Hkl hkl) {
  return cis<T>(double(x[0]) * hkl.h + double(x[1]) * hkl.k + double(x[2]) * hkl.l);
}

// T(h, k, l)
template <class T>
ARGAND_HD ARGAND_INLINE Complex<T> term(const T (&x)[3], const T (&beta)[6], Hkl hkl) {
  return phase_factor(x, hkl) * bounded_exp(-displacement_exponent(beta, hkl));
}

// r = T(h, k, l + s) / T(h, k, l)
template <class T>
ARGAND_HD ARGAND_INLINE Complex<T> term_ratio(const T (&x)[3], const T (&beta)[6], Hkl hkl, int s) {
  const T slope = 2 * (T(hkl.h) * beta[4] + T(hkl.k) * beta[5]) + 2 * T(hkl.l) * beta[2];
  return cis<T>(s * double(x[2])) * bounded_exp(-(T(s) * slope + beta[2]));
}

// q = r(l + s) / r(l)
template <class T>
ARGAND_HD ARGAND_INLINE T ratio_of_ratios(const T (&beta)[6]) {
  return bounded_exp(-2 * beta[2]);
}

}  // namespace argand
