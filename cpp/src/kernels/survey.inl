// Surveys a list of reflections in one pass, which the compiler lays across the lanes.
#pragma once

#include <cstdint>

#include "kernels.hpp"

namespace argand {
namespace {

// Writes stol^2 of each reflection, and the largest orders and the range of stol^2.
void survey_list(Index count, const std::int32_t* __restrict hkl, const StolSquare& form,
                 double* __restrict squares, Survey& result) {
  const StolSquare square = form;
  std::uint32_t h_most = 0, k_most = 0, l_most = 0;
  // Doubles that are neither negative nor NaN have the order of their bits as integers, which
  // vectors can compare.
  std::int64_t least = INT64_MAX, most = 0;
  // The modulus of the least int32 is no int32.
  const auto modulus = [](std::int32_t order) {
    const auto bits = static_cast<std::uint32_t>(order);
    return order < 0 ? 0u - bits : bits;
  };
  const auto larger = [](auto& to, auto other) { to = other > to ? other : to; };
  for (Index i = 0; i < count; ++i) {
    const std::int32_t h = hkl[3 * i], k = hkl[3 * i + 1], l = hkl[3 * i + 2];
    larger(h_most, modulus(h)), larger(k_most, modulus(k)), larger(l_most, modulus(l));
    squares[i] = square(h, k, l);
    const auto bits = __builtin_bit_cast(std::int64_t, squares[i]);
    least = bits < least ? bits : least;
    larger(most, bits);
  }
  result = {h_most, k_most, l_most, __builtin_bit_cast(double, least),
            __builtin_bit_cast(double, most)};
}

}  // namespace
}  // namespace argand
