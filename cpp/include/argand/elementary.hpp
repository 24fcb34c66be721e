// Computes exp and exp(2 pi i t) by short polynomials without branches or tables, for numbers and
// for vectors of numbers. Both are right to a few units in the last place.
#pragma once

#include "argand/lanes.hpp"

namespace argand {
namespace detail {

// Constants of a floating point type.
template <class T>
struct Precision;
template <>
struct Precision<float> {
  // Terms of the Taylor series that reach the last digit on the reduced range.
  static constexpr int exp_terms = 8;
  static constexpr int trig_terms = 6;
  // Layout of the type: bits of the mantissa, and the exponent of 1.
  static constexpr int mantissa = 23;
  static constexpr int bias = 127;
  // Range in which exp(x) is a normal number, and exp(highest).
  static constexpr float lowest = -87;
  static constexpr float highest = 88;
  static constexpr float largest = 1.6516363e38f;
  // The first 10 bits of ln 2, and the rest: k ln2_high is exact.
  static constexpr float ln2_high = 0.693359375f;
  static constexpr float ln2_low = -2.12194440e-4f;
};
template <>
struct Precision<double> {
  // Terms of the Taylor series that reach the last digit on the reduced range.
  static constexpr int exp_terms = 14;
  static constexpr int trig_terms = 9;
  // Layout of the type: bits of the mantissa, and the exponent of 1.
  static constexpr int mantissa = 52;
  static constexpr int bias = 1023;
  // Range in which exp(x) is a normal number, and exp(highest).
  static constexpr double lowest = -708;
  static constexpr double highest = 709;
  static constexpr double largest = 8.2184074615549724e307;
  // The first 20 bits of ln 2, and the rest: k ln2_high is exact.
  static constexpr double ln2_high = 0.693145751953125;
  static constexpr double ln2_low = 1.42860682030941723212e-6;
};

// Rounds by addition: x + shifter has the integer nearest to x in its lowest bits.
template <class T>
inline constexpr T shifter = T(1.5) * T(std::int64_t(1) << Precision<T>::mantissa);

// Returns x^n / n!.
ARGAND_HD constexpr double power_over_factorial(double x, int n) {
  double value = 1;
  for (int i = 1; i <= n; ++i) value *= x / i;
  return value;
}

// Coefficients of the Taylor series of exp(x), cos(pi/2 x) and sin(pi/2 x) / x in x^2.
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

// Devices hide the latency of an instruction behind other warps: what counts is their number.
#if defined(__CUDA_ARCH__) || defined(ARGAND_EMULATION)
inline constexpr bool fewest_instructions = true;
#else
inline constexpr bool fewest_instructions = false;
#endif

// Sums c[first + stride n] x^n over `terms` terms n: on processors by halves, so that the longest
// chain of multiply-adds has log2(terms) steps instead of `terms`, on devices one after another,
// without powers of x.
template <int first, int stride, int terms, class V>
ARGAND_HD ARGAND_INLINE V polynomial(const Element<V>* c, V x) {
  if constexpr (terms == 1) {
    return broadcast<V>(c[first]);
  } else if constexpr (fewest_instructions) {
    return polynomial<first + stride, stride, terms - 1>(c, x) * x + broadcast<V>(c[first]);
  } else {
    const V even = polynomial<first, 2 * stride, (terms + 1) / 2>(c, V(x * x));
    const V odd = polynomial<first + stride, 2 * stride, terms / 2>(c, V(x * x));
    return odd * x + even;
  }
}

// Coefficients of 2^x on -1/2 .. 1/2 by Chebyshev interpolation, with an error of 2e-17.
constexpr int power_terms = 12;
struct PowerCoefficients {
  double of[power_terms] = {0x1.0000000000000p+0,  0x1.62e42fefa39efp-1,  0x1.ebfbdff82c5aep-3,
                            0x1.c6b08d704a0c6p-5,  0x1.3b2ab6fb9f1a5p-7,  0x1.5d87fe78a3f9cp-10,
                            0x1.430913112c61bp-13, 0x1.ffcbfc6da6ed1p-17, 0x1.62bfc2c86d700p-20,
                            0x1.b524ebd13a55fp-24, 0x1.e6228acd1c6e5p-28, 0x1.e9ec1fcb69a7fp-32};
};

#if defined(__CUDACC__)
// Coefficients in the constant memory of a device, where an instruction in double reads them
// itself; written into the program, each would take two instructions more.
static __constant__ Coefficients<double> device_coefficients = make_coefficients<double>();
static __constant__ PowerCoefficients device_powers{};
#endif

// Returns the square of a complex number of modulus 1.
template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> twice_the_angle(Complex<V> z) {
  if constexpr (fewest_instructions) {
    const V twice = z.im + z.im;
    return {V(1) - twice * z.im, twice * z.re};
  } else {
    return z * z;
  }
}

// Computes exp(2 pi i x) for |x| <= 1/2, see cis_reduced.
template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> cis_by(const Coefficients<Element<V>>& coefficients, V x) {
  constexpr int terms = Precision<Element<V>>::trig_terms;
  // The polynomials give a quarter of the angle, pi/2 x, with |pi/2 x| <= pi/4.
  const V square = x * x;
  const V c = polynomial<0, 1, terms>(coefficients.cos, square);
  const V s = polynomial<0, 1, terms>(coefficients.sin, square);
  const Complex<V> quarter{c, s * x};
  return twice_the_angle(twice_the_angle(quarter));
}

// Computes 2^x for -1022 <= x <= 1023.
template <class V>
ARGAND_HD ARGAND_INLINE V two_to_by(const PowerCoefficients& coefficients, V x) {
  // The lowest bits of `shifted` are the integer nearest to x.
  const V shifted = x + shifter<double>;
  const V sum = polynomial<0, 1, power_terms>(coefficients.of, V(x - (shifted - shifter<double>)));
  // Adding the integer to the exponent of the sum multiplies it by 2^integer.
#if defined(__CUDA_ARCH__)
  // The exponent stands in the upper half, and the integer in the lower half of its number.
  constexpr int mantissa_of_upper_half = Precision<double>::mantissa - 32;
  const int upper = __double2hiint(sum) + (__double2loint(shifted) << mantissa_of_upper_half);
  return __hiloint2double(upper, __double2loint(sum));
#else
  const Bits<V> power = __builtin_bit_cast(Bits<V>, shifted) << Precision<double>::mantissa;
  return __builtin_bit_cast(V, Bits<V>(__builtin_bit_cast(Bits<V>, sum) + power));
#endif
}

}  // namespace detail

// Returns the integer nearest to x, |x| < 2^51.
template <class W>
ARGAND_HD ARGAND_INLINE W nearest(W x) {
  return (x + detail::shifter<double>)-detail::shifter<double>;
}

// The largest value that bounded_exp returns.
template <class T>
inline constexpr T largest_exp = detail::Precision<T>::largest;

// Computes exp(e): exactly 0 where the result would be below the normal numbers, and at most
// largest_exp.
template <class V>
ARGAND_HD ARGAND_INLINE V bounded_exp(V e) {
  using T = Element<V>;
  using P = detail::Precision<T>;
  constexpr auto coefficients = detail::make_coefficients<T>();
  const V low = broadcast<V>(P::lowest), high = broadcast<V>(P::highest);
  const V x = e < high ? e : high;
  const V clamped = x > low ? x : low;
  // The lowest bits of `shifted` are the integer k that is nearest to e / ln 2.
  const V shifted = clamped * T(1.4426950408889634074) + detail::shifter<T>;
  const V k = shifted - detail::shifter<T>;
  // exp(e) = exp(r) 2^k with |r| <= ln 2 / 2.
  const V r = (clamped - k * P::ln2_high) - k * P::ln2_low;
  const V sum = detail::polynomial<0, 1, P::exp_terms>(coefficients.exp, r);
  const Bits<V> power = (__builtin_bit_cast(Bits<V>, shifted) + P::bias) << P::mantissa;
  const V value = sum * __builtin_bit_cast(V, power);
  return e < low ? V{} : value;
}

// Computes 2^x for x <= 1023, and 2^-1022 where it would be less. It takes half the work of
// bounded_exp: the reduction of the range needs no constants, and the polynomial has fewer terms.
template <class V>
ARGAND_HD ARGAND_INLINE V two_to(V x) {
  constexpr detail::PowerCoefficients coefficients;
  const V least = broadcast<V>(-1022);
  return detail::two_to_by(coefficients, V(x > least ? x : least));
}

// Computes 2^x of a number x <= 127 (float) or x <= 1023 (double): exactly 0 where the result would
// be below the normal numbers. On a device, float takes the device's own 2^x, which NVIDIA states
// to be right to two units in the last place; x = e log2(e) for exp(e) has been rounded before,
// which adds |e| 2^-24 to the relative error (4e-7 at |e| = 7, 5e-6 at 87).
template <class T>
ARGAND_HD ARGAND_INLINE T power_of_two(T x) {
  constexpr T lowest = 1 - T(detail::Precision<T>::bias);
#if defined(__CUDA_ARCH__)
  if constexpr (sizeof(T) == sizeof(float)) {
    float value;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(value) : "f"(x));
    return value;
  } else {
    return x < lowest ? T(0) : detail::two_to_by(detail::device_powers, x);
  }
#else
  constexpr detail::PowerCoefficients coefficients;
  return x < lowest ? T(0) : T(detail::two_to_by(coefficients, double(x)));
#endif
}

// Computes 2^x of any number, at most 2^127 or 2^1023.
template <class T>
ARGAND_HD ARGAND_INLINE T bounded_exp2(T x) {
  constexpr T highest = T(detail::Precision<T>::bias);
  return power_of_two(x < highest ? x : highest);
}

// Computes 2^x for -1022 <= x <= 1023, and anything for other x.
ARGAND_HD ARGAND_INLINE double normal_power_of_two(double x) {
#if defined(__CUDA_ARCH__)
  return detail::two_to_by(detail::device_powers, x);
#else
  constexpr detail::PowerCoefficients coefficients;
  return detail::two_to_by(coefficients, x);
#endif
}

// Computes exp(2 pi i x) for |x| <= 1/2.
template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> cis_reduced(V x) {
#if defined(__CUDA_ARCH__)
  if constexpr (sizeof(V) == sizeof(double)) return detail::cis_by(detail::device_coefficients, x);
#endif
  constexpr auto coefficients = detail::make_coefficients<Element<V>>();
  return detail::cis_by(coefficients, x);
}

// Computes exp(2 pi i turns). Whole turns are subtracted in double, so that float keeps its digits
// at high orders.
template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> cis(Wide<V> turns) {
  V x;
  narrow(turns - nearest(turns), x);
  return cis_reduced(x);
}

}  // namespace argand
