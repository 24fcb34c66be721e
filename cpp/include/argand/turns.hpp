// Prepares coordinates for phases at many reflections, for processors that are slow in double.
// Where orders are integers, float coordinates are kept as multiples of 2^-32 of a turn: integer
// products and sums wrap around, so that whole turns drop out and the rest is exact to 2^-33 |h| of
// a turn. All other coordinates are kept in double.
#pragma once

#include "argand/term.hpp"

namespace argand {

// One coordinate in double.
template <class T, class Order>
struct Turns {
  double x;
  ARGAND_HD static Turns of(T x) { return {widen(x)}; }
};

// One coordinate in units of 2^-32.
template <>
struct Turns<float, std::int32_t> {
  std::uint32_t x;
  ARGAND_HD static Turns of(float x) {
    // A fraction of a turn, at most 1/2; NaN becomes 0.
    const double fraction = widen(x) - nearest(widen(x));
    return {fraction == fraction ? std::uint32_t(std::int64_t(fraction * 4294967296.0)) : 0u};
  }
};

// Returns exp(2 pi i turns / 2^32). The nearest half turn is split off as an integer, which leaves
// an angle pi x with |x| <= 1/2. The polynomials interpolate cos(pi x) and sin(pi x) / x at
// Chebyshev nodes of x^2, with errors of 2e-10 and 1e-8.
ARGAND_HD ARGAND_INLINE Complex<float> cis_of_turns(std::uint32_t turns) {
  constexpr float cosine[] = {1.0f,          -4.934802055f, 4.058709145f,
                              -1.335211992f, 0.2349370718f, -0.02439593151f};
  constexpr float sine[] = {3.141592741f, -5.167710304f, 2.550077438f, -0.5982903838f,
                            0.07765591145f};
  constexpr float unit = 4.656612873077393e-10f;  // 2^-31
  const std::uint32_t half = (turns + 0x40000000u) & 0x80000000u;
  const float x = float(std::int32_t(turns - half)) * unit, square = x * x;
  float re = cosine[5], im = sine[4];
  for (int n = 4; n >= 0; --n) re = re * square + cosine[n];
  for (int n = 3; n >= 0; --n) im = im * square + sine[n];
  im = im * x;
  return {half ? -re : re, half ? -im : im};
}

// Returns exp(2 pi i h.x).
template <class T, class Order, class R>
ARGAND_HD ARGAND_INLINE Complex<T> phase_factor(const Turns<T, Order> (&x)[3], Orders<R> hkl) {
  return cis<T>(x[0].x * hkl.h + x[1].x * hkl.k + x[2].x * hkl.l);
}

ARGAND_HD ARGAND_INLINE Complex<float> phase_factor(const Turns<float, std::int32_t> (&x)[3],
                                                    Orders<std::int32_t> hkl) {
  return cis_of_turns(x[0].x * std::uint32_t(hkl.h) + x[1].x * std::uint32_t(hkl.k) +
                      x[2].x * std::uint32_t(hkl.l));
}

}  // namespace argand
