// Fourier transforms of many lines at once: y(k) = sum_j x(j) exp(2 pi i j k / n), one line a lane.
// Stockham's passes of radices 2, 3, 4, 5, 7 and 8 leave the numbers in their natural order.
#pragma once

#include "kernels.hpp"

namespace argand {
namespace {

// The register of this instruction set: vectors of two registers would not leave room for the
// numbers of a pass.
#if defined(__AVX512F__)
constexpr int register_bytes = 64;
#elif defined(__AVX__)
constexpr int register_bytes = 32;
#else
constexpr int register_bytes = 16;
#endif
constexpr int register_lanes = register_bytes / int(sizeof(float));
using Register = float __attribute__((vector_size(register_bytes)));
using Number = Complex<Register>;

ARGAND_INLINE Number minus(const Number& a, const Number& b) {
  return {a.re - b.re, a.im - b.im};
}

// Returns a + i b.
ARGAND_INLINE Number plus_i(const Number& a, const Number& b) {
  return {a.re - b.im, a.im + b.re};
}

// Returns a - i b.
ARGAND_INLINE Number minus_i(const Number& a, const Number& b) {
  return {a.re + b.im, a.im - b.re};
}

// Returns a number with its parts exchanged. A transform of such numbers, whose results are
// exchanged again, has exp(-2 pi i j k / n).
ARGAND_INLINE Number exchanged(const Number& a) {
  return {a.im, a.re};
}

// cos and sin of 2 pi j / r.
template <int r>
struct Circle;
template <>
struct Circle<3> {
  static constexpr float cos[] = {1, -0.5f, -0.5f};
  static constexpr float sin[] = {0, 0.866025404f, -0.866025404f};
};
template <>
struct Circle<5> {
  static constexpr float cos[] = {1, 0.309016994f, -0.809016994f, -0.809016994f, 0.309016994f};
  static constexpr float sin[] = {0, 0.951056516f, 0.587785252f, -0.587785252f, -0.951056516f};
};
template <>
struct Circle<7> {
  static constexpr float cos[] = {
      1, 0.623489802f, -0.222520934f, -0.900968868f, -0.900968868f, -0.222520934f, 0.623489802f};
  static constexpr float sin[] = {
      0, 0.781831482f, 0.974927912f, 0.433883739f, -0.433883739f, -0.974927912f, -0.781831482f};
};

// Transforms an odd number of values: x(j) + x(r - j) have the cosines in common, x(j) - x(r - j)
// the sines.
template <int r>
ARGAND_INLINE void butterfly(Number (&x)[r]) {
  constexpr int half = (r - 1) / 2;
  Number even[half], odd[half];
  Number total = x[0];
#pragma GCC unroll 8
  for (int j = 0; j < half; ++j) {
    even[j] = x[j + 1] + x[r - 1 - j];
    odd[j] = minus(x[j + 1], x[r - 1 - j]);
    total = total + even[j];
  }
#pragma GCC unroll 8
  for (int k = 1; k <= half; ++k) {
    Number cosines = x[0], sines{};
#pragma GCC unroll 8
    for (int j = 0; j < half; ++j) {
      const float c = Circle<r>::cos[(j + 1) * k % r], s = Circle<r>::sin[(j + 1) * k % r];
      cosines = {cosines.re + even[j].re * c, cosines.im + even[j].im * c};
      sines = j == 0 ? Number{odd[j].re * s, odd[j].im * s}
                     : Number{sines.re + odd[j].re * s, sines.im + odd[j].im * s};
    }
    x[k] = plus_i(cosines, sines);
    x[r - k] = minus_i(cosines, sines);
  }
  x[0] = total;
}

template <>
ARGAND_INLINE void butterfly<1>(Number (&)[1]) {}

template <>
ARGAND_INLINE void butterfly<2>(Number (&x)[2]) {
  const Number first = x[0];
  x[0] = first + x[1];
  x[1] = minus(first, x[1]);
}

template <>
ARGAND_INLINE void butterfly<4>(Number (&x)[4]) {
  const Number a = x[0] + x[2], b = minus(x[0], x[2]), c = x[1] + x[3], d = minus(x[1], x[3]);
  x[0] = a + c;
  x[1] = plus_i(b, d);
  x[2] = minus(a, c);
  x[3] = minus_i(b, d);
}

template <>
ARGAND_INLINE void butterfly<8>(Number (&x)[8]) {
  constexpr float root = 0.707106781f;
  Number even[4] = {x[0], x[2], x[4], x[6]}, odd[4] = {x[1], x[3], x[5], x[7]};
  butterfly<4>(even);
  butterfly<4>(odd);
  odd[1] = {(odd[1].re - odd[1].im) * root, (odd[1].re + odd[1].im) * root};
  odd[3] = {(odd[3].re + odd[3].im) * -root, (odd[3].re - odd[3].im) * root};
  x[0] = even[0] + odd[0];
  x[4] = minus(even[0], odd[0]);
  x[1] = even[1] + odd[1];
  x[5] = minus(even[1], odd[1]);
  x[2] = plus_i(even[2], odd[2]);
  x[6] = minus_i(even[2], odd[2]);
  x[3] = even[3] + odd[3];
  x[7] = minus(even[3], odd[3]);
}

// Makes a pass of radix r. `before` is the product of the radices of earlier passes; load(j) and
// store(j, number) reach the numbers of the line.
template <int r, class Load, class Store>
ARGAND_INLINE const float* pass(Index points, Index before, const float* twiddles, const Load& load,
                                const Store& store) {
  const Index after = points / (before * r);
  for (Index k = 0; k < before; ++k) {
    Number x[r];
#pragma GCC unroll 8
    for (int j = 0; j < r; ++j) x[j] = load(after * (j + r * k));
    butterfly<r>(x);
#pragma GCC unroll 8
    for (int j = 0; j < r; ++j) store(after * (k + before * j), x[j]);
    const float* turn = twiddles;
    for (Index i = 1; i < after; ++i, turn += 2 * (r - 1)) {
#pragma GCC unroll 8
      for (int j = 0; j < r; ++j) x[j] = load(i + after * (j + r * k));
      butterfly<r>(x);
      store(i + after * k, x[0]);
#pragma GCC unroll 8
      for (int j = 1; j < r; ++j) {
        const float c = turn[2 * j - 2], s = turn[2 * j - 1];
        const Number turned{x[j].re * c - x[j].im * s, x[j].re * s + x[j].im * c};
        store(i + after * (k + before * j), turned);
      }
    }
  }
  return twiddles + 2 * (r - 1) * (after - 1);
}

// Makes a pass of a radix that is known when the program runs.
template <class Load, class Store>
ARGAND_INLINE const float* pass_of(int radix, Index points, Index before, const float* twiddles,
                                   const Load& load, const Store& store) {
  switch (radix) {
    case 2:
      return pass<2>(points, before, twiddles, load, store);
    case 3:
      return pass<3>(points, before, twiddles, load, store);
    case 4:
      return pass<4>(points, before, twiddles, load, store);
    case 5:
      return pass<5>(points, before, twiddles, load, store);
    case 7:
      return pass<7>(points, before, twiddles, load, store);
    case 8:
      return pass<8>(points, before, twiddles, load, store);
    default:
      return pass<1>(points, before, twiddles, load, store);
  }
}

// Makes the passes between the first and the last one, from one buffer to the other and back.
// Returns the buffer with the numbers, and the twiddles of the last pass.
inline Number* middle_passes(const LinePlan& plan, Number* from, Number* to,
                             const float*& twiddles) {
  Index before = plan.radix[0];
  for (int p = 1; p + 1 < plan.passes; ++p) {
    twiddles = pass_of(
        plan.radix[p], plan.points, before, twiddles, [=](Index j) { return from[j]; },
        [=](Index j, const Number& x) { to[j] = x; });
    before *= plan.radix[p];
    Number* const full = to;
    to = from, from = full;
  }
  return from;
}

// Transforms one line a lane: load(j) returns x(j), store(k, y) takes y(k). The buffers have room
// for a line each.
template <class Load, class Store>
ARGAND_INLINE void transform_line(const LinePlan& plan, Number* buffer, Number* other,
                                  const Load& load, const Store& store) {
  const float* twiddles = pass_of(plan.radix[0], plan.points, 1, plan.twiddles, load,
                                  [=](Index j, const Number& x) { buffer[j] = x; });
  const Number* from = middle_passes(plan, buffer, other, twiddles);
  const int last = plan.radix[plan.passes - 1];
  pass_of(last, plan.points, plan.points / last, twiddles, [=](Index j) { return from[j]; }, store);
}

}  // namespace
}  // namespace argand
