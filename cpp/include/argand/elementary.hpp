// exp and exp(2 pi i t) as short polynomials without branches or tables, for numbers and for
// vectors of them. Both are good to a few units in the last place.
#pragma once

#include "argand/lanes.hpp"

namespace argand {
namespace detail {

// Terms of the Taylor series that reach the last digit on the reduced range, and the range of exp.
template <class T>
struct Precision;
template <>
struct Precision<float> {
  static constexpr int exp_terms = 8, trig_terms = 6, mantissa = 23, bias = 127;
  static constexpr float lowest = -87, highest = 88, largest = 1.6516363e38f;  // exp(highest)
  static constexpr float ln2_high = 0.693359375f,
                         ln2_low = -2.12194440e-4f;  // 10 bits and the rest
};
template <>
struct Precision<double> {
  static constexpr int exp_terms = 14, trig_terms = 9, mantissa = 52, bias = 1023;
  static constexpr double lowest = -708, highest = 709, largest = 8.2184074615549724e307;
  static constexpr double ln2_high = 0.693145751953125,
                          ln2_low = 1.42860682030941723212e-6;  // 20 bits and the rest
};

// x + 1.5 * 2^mantissa has the integer nearest to x in its lowest bits
template <class T>
inline constexpr T shifter = T(1.5) * T(std::int64_t(1) << Precision<T>::mantissa);

ARGAND_HD constexpr double power_over_factorial(double x, int n) {
  double value = 1;
  for (int i = 1; i <= n; ++i) value *= x / i;
  return value;
}

// x^n / n!, alternating in sign: the coefficients as constants of the program
template <class T>
struct Coefficients {
  T exp[16], cos[16], sin[16];
};
template <class T>
constexpr Coefficients<T> make_coefficients() {
  constexpr double half_pi = 1.5707963267948966192;
  Coefficients<T> c{};
  for (int n = 0; n < 16; ++n) {
    const double sign = n % 2 ? -1 : 1;
    c.exp[n] = T(power_over_factorial(1, n));
    c.cos[n] = T(sign * power_over_factorial(half_pi, 2 * n));
    c.sin[n] = T(sign * power_over_factorial(half_pi, 2 * n + 1));
  }
  return c;
}

// sum_n c[first + stride n] x^n over `terms` terms, by halves: a chain of log2(terms)
// multiply-adds, not of terms.
template <int first, int stride, int terms, class V>
ARGAND_HD ARGAND_INLINE V polynomial(const Element<V>* c, V x) {
  if constexpr (terms == 1) {
    return broadcast<V>(c[first]);
  } else {
    const V even = polynomial<first, 2 * stride, (terms + 1) / 2>(c, V(x * x));
    const V odd = polynomial<first + stride, 2 * stride, terms / 2>(c, V(x * x));
    return odd * x + even;
  }
}

#if defined(__CUDA_ARCH__)
// By the device's own 2^x: good to two units in the last place, 0 below the normal numbers.
__device__ inline float device_exp(float e) {
  float value;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(value) : "f"(e * 1.4426950408889634f));
  return value;
}
#endif

}  // namespace detail

// The integer nearest to x, |x| < 2^51.
template <class W>
ARGAND_HD ARGAND_INLINE W nearest(W x) {
  return (x + detail::shifter<double>)-detail::shifter<double>;
}

// What bounded_exp is held at.
template <class T>
inline constexpr T largest_exp = detail::Precision<T>::largest;

// exp(e); exactly 0 where it would leave the normal numbers, and held at the largest one above.
template <class V>
ARGAND_HD ARGAND_INLINE V bounded_exp(V e) {
  using T = Element<V>;
  using P = detail::Precision<T>;
#if defined(__CUDA_ARCH__)
  if constexpr (sizeof(V) == sizeof(float))
    return detail::device_exp(e < P::highest ? e : P::highest);
#endif
  constexpr auto coefficients = detail::make_coefficients<T>();
  const V low = broadcast<V>(P::lowest), high = broadcast<V>(P::highest);
  const V x = e < high ? e : high;
  const V clamped = x > low ? x : low;
  const V shifted =
      clamped * T(1.4426950408889634074) + detail::shifter<T>;  // 2^k comes out of its lowest bits
  const V k = shifted - detail::shifter<T>;
  const V r = (clamped - k * P::ln2_high) - k * P::ln2_low;  // |r| <= ln 2 / 2
  const V sum = detail::polynomial<0, 1, P::exp_terms>(coefficients.exp, r);
  const Bits<V> power = (__builtin_bit_cast(Bits<V>, shifted) + P::bias) << P::mantissa;
  const V value = sum * __builtin_bit_cast(V, power);
  return e < low ? V{} : value;
}

// 2^x for x <= 0, to 2^-1022: what is less is held there. Half the work of bounded_exp: the range
// needs no constants of its own, and the polynomial (Chebyshev's interpolation of 2^x on -1/2 ..
// 1/2, off by 2e-17) has fewer terms.
template <class V>
ARGAND_HD ARGAND_INLINE V two_to(V x) {
  constexpr double coefficients[] = {
      0x1.0000000000000p+0,  0x1.62e42fefa39efp-1,  0x1.ebfbdff82c5aep-3,  0x1.c6b08d704a0c6p-5,
      0x1.3b2ab6fb9f1a5p-7,  0x1.5d87fe78a3f9cp-10, 0x1.430913112c61bp-13, 0x1.ffcbfc6da6ed1p-17,
      0x1.62bfc2c86d700p-20, 0x1.b524ebd13a55fp-24, 0x1.e6228acd1c6e5p-28, 0x1.e9ec1fcb69a7fp-32};
  const V least = broadcast<V>(-1022);
  const V held = x > least ? x : least;
  const V shifted =
      held + detail::shifter<double>;  // the nearest integer comes out of its lowest bits
  const V sum =
      detail::polynomial<0, 1, 12>(coefficients, V(held - (shifted - detail::shifter<double>)));
  // multiplied by 2^integer in its exponent
  const Bits<V> power = __builtin_bit_cast(Bits<V>, shifted) << detail::Precision<double>::mantissa;
  return __builtin_bit_cast(V, Bits<V>(__builtin_bit_cast(Bits<V>, sum) + power));
}

// exp(2 pi i x) for |x| <= 1/2.
template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> cis_reduced(V x) {
  using T = Element<V>;
  constexpr auto coefficients = detail::make_coefficients<T>();
  constexpr int terms = detail::Precision<T>::trig_terms;
  const V square = x * x;  // a quarter of the angle is pi/2 x: |pi/2 x| <= pi/4
  const V c = detail::polynomial<0, 1, terms>(coefficients.cos, square);
  const V s = detail::polynomial<0, 1, terms>(coefficients.sin, square);
  const Complex<V> quarter{c, s * x};
  const Complex<V> half = quarter * quarter;
  return half * half;
}

// exp(2 pi i turns). Whole turns are taken off in double, so that float keeps its digits at high
// order.
template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> cis(Wide<V> turns) {
  V x;
  narrow(turns - nearest(turns), x);
  return cis_reduced(x);
}

}  // namespace argand
