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

// Returns exp(2 pi i h.x).
template <class T, class Order>
ARGAND_HD ARGAND_INLINE Complex<T> phase_factor(const Turns<T, Order> (&x)[3], Orders<Order> hkl) {
  return cis<T>(x[0].x * hkl.h + x[1].x * hkl.k + x[2].x * hkl.l);
}

ARGAND_HD ARGAND_INLINE Complex<float> phase_factor(const Turns<float, std::int32_t> (&x)[3],
                                                    Orders<std::int32_t> hkl) {
  const std::uint32_t turns =
      x[0].x * std::uint32_t(hkl.h) + x[1].x * std::uint32_t(hkl.k) + x[2].x * std::uint32_t(hkl.l);
  constexpr float unit = 2.3283064365386963e-10f;  // 2^-32
  return cis_reduced(float(std::int32_t(turns)) * unit);
}

}  // namespace argand
