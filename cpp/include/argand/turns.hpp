// Coordinates ready for phases at many reflections. A processor that is slow in double keeps float
// coordinates as fractions of 2^32 of a turn where orders are whole: products and sums wrap around,
// so whole turns fall off by themselves and what is left is exact to 2^-33 |h| of a turn.
// Everything else keeps double.
#pragma once

#include "argand/term.hpp"

namespace argand {

template <class T, class Order>
struct Turns {
  double x;
  ARGAND_HD static Turns of(T x) { return {widen(x)}; }
};

template <>
struct Turns<float, std::int32_t> {
  std::uint32_t x;
  ARGAND_HD static Turns of(float x) {
    const double rest = widen(x) - nearest(widen(x));  // |rest| <= 1/2
    return {rest == rest ? std::uint32_t(std::int64_t(rest * 4294967296.0)) : 0u};
  }
};

// exp(2 pi i h.x)
template <class T, class Order>
ARGAND_HD ARGAND_INLINE Complex<T> phase_factor(const Turns<T, Order> (&x)[3], Orders<Order> hkl) {
  return cis<T>(x[0].x * hkl.h + x[1].x * hkl.k + x[2].x * hkl.l);
}

ARGAND_HD ARGAND_INLINE Complex<float> phase_factor(const Turns<float, std::int32_t> (&x)[3],
                                                    Orders<std::int32_t> hkl) {
  const std::uint32_t turns =
      x[0].x * std::uint32_t(hkl.h) + x[1].x * std::uint32_t(hkl.k) + x[2].x * std::uint32_t(hkl.l);
  return cis_reduced(float(std::int32_t(turns)) * 2.3283064365386963e-10f);  // 2^-32
}

}  // namespace argand
