// Dual-space cycles on a grid of half the structure factors, see dual_space.hpp. The numbers on the
// grid are conj F: to density the transforms have exp(2 pi i h.x), back exp(-2 pi i h.x).
//
// Columns of h lie one a lane; they are transposed when they are written to the rows of the grid,
// whose lanes are neighbouring x. The density of a line along z lives in the first cache only.
#pragma once

#include "line_transform.inl"

namespace argand {
namespace {

ARGAND_INLINE Register load_register(const float* from) {
  Register v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

// Stores the first `count` lanes.
template <int count>
ARGAND_INLINE void store_lanes(float* to, const Register& v) {
  __builtin_memcpy(to, &v, count * sizeof(float));
}

// Stores the lanes that are left at the end of a row, a multiple of four.
ARGAND_INLINE void store_rest(float* to, const Register& v, Index count) {
  if constexpr (register_lanes > 8) {
    if (count == 12) return store_lanes<12>(to, v);
    if (count == 8) return store_lanes<8>(to, v);
  }
  store_lanes<4>(to, v);
}

// Stores a register, or its first `count` lanes where a row ends.
template <bool whole>
ARGAND_INLINE void store_row(float* to, const Register& v, Index count) {
  if constexpr (whole) {
    store_lanes<register_lanes>(to, v);
  } else {
    store_rest(to, v, count);
  }
}

// Calls run.template operator()<whole>(x, count) for the registers of a row.
template <class Run>
ARGAND_INLINE void for_row(Index row, const Run& run) {
  Index x = 0;
  for (; x + register_lanes <= row; x += register_lanes)
    run.template operator()<true>(x, Index(register_lanes));
  if (x < row) run.template operator()<false>(x, row - x);
}

template <int step, int... I>
ARGAND_INLINE void exchange_blocks(Register& a, Register& b, std::integer_sequence<int, I...>) {
  constexpr int n = register_lanes;
  const Register low = __builtin_shufflevector(a, b, (I & step ? n + I - step : I)...);
  b = __builtin_shufflevector(a, b, (I & step ? n + I : I + step)...);
  a = low;
}

// Transposes a square of numbers: blocks of 1, 2, 4, ... lanes change places with their mirrors.
template <int step = 1>
ARGAND_INLINE void transpose(Register (&rows)[register_lanes]) {
  if constexpr (step < register_lanes) {
#pragma GCC unroll 16
    for (int i = 0; i < register_lanes; ++i) {
      if (i & step) continue;
      exchange_blocks<step>(rows[i], rows[i + step],
                            std::make_integer_sequence<int, register_lanes>{});
    }
    transpose<2 * step>(rows);
  }
}

ARGAND_INLINE Number* line(const DualSpaceMemory& memory, int i) {
  return reinterpret_cast<Number*>(memory.lines[i]);
}

// Writes one part, re or im, of the transformed columns to their rows, from x on.
template <bool whole>
ARGAND_INLINE void write_square(const Index* rows, float* grid, Index x, Index count,
                                Register (&square)[register_lanes]) {
  transpose(square);
#pragma GCC unroll 16
  for (int c = 0; c < register_lanes; ++c) store_row<whole>(grid + rows[c] + x, square[c], count);
}

// Transforms a block of columns along h, and writes them to their rows of the grid.
void block_to_grid(const DualSpacePlan& plan, const DualSpaceMemory& memory, Index block,
                   const Number* columns) {
  Number* const along_x = line(memory, 3);
  transform_line(
      plan.h, line(memory, 1), line(memory, 2), [=](Index h) { return columns[h]; },
      [=](Index x, const Number& value) { along_x[x] = value; });
  for (Index x = plan.h.points; x < plan.row; ++x) along_x[x] = Number{};
  const Index* rows = plan.row_of_column + block * register_lanes;
  float* const grid = memory.grid;
  for_row(plan.row, [&]<bool whole>(Index x, Index count) {
    Register square[register_lanes];
#pragma GCC unroll 16
    for (int i = 0; i < register_lanes; ++i) square[i] = along_x[x + i].re;
    write_square<whole>(rows, grid, x, count, square);
#pragma GCC unroll 16
    for (int i = 0; i < register_lanes; ++i) square[i] = along_x[x + i].im;
    write_square<whole>(rows, grid + plan.plane, x, count, square);
  });
}

// Reads the rows of a block of columns from the grid, one a lane.
ARGAND_INLINE void block_from_grid(const DualSpacePlan& plan, const DualSpaceMemory& memory,
                                   Index block, Number* along_x) {
  const Index* rows = plan.row_of_column + block * register_lanes;
  const float* grid = memory.grid;
  for (Index x = 0; x < plan.row; x += register_lanes) {
    Register square[register_lanes];
#pragma GCC unroll 16
    for (int c = 0; c < register_lanes; ++c) square[c] = load_register(grid + rows[c] + x);
    transpose(square);
#pragma GCC unroll 16
    for (int i = 0; i < register_lanes; ++i) along_x[x + i].re = square[i];
#pragma GCC unroll 16
    for (int c = 0; c < register_lanes; ++c)
      square[c] = load_register(grid + plan.plane + rows[c] + x);
    transpose(square);
#pragma GCC unroll 16
    for (int i = 0; i < register_lanes; ++i) along_x[x + i].im = square[i];
  }
}

void columns_to_grid(const DualSpacePlan& plan, const DualSpaceMemory& memory) {
  const auto* f = reinterpret_cast<const Number*>(memory.f);
  for (Index block = 0; block < plan.blocks; ++block)
    block_to_grid(plan, memory, block, f + block * plan.h.points);
}

using RegisterBits = std::int32_t __attribute__((vector_size(register_bytes)));

// Returns 1 / sqrt(v) to the last digits, and a large number for 0. The exponent gives a guess whose
// error, 1 - v guess^2, is at most .07; a polynomial of it, the best one of its degree, makes up for
// that. A square root and a division would take several times as long.
ARGAND_INLINE Register inverse_root(const Register& v) {
  RegisterBits bits;
  __builtin_memcpy(&bits, &v, sizeof v);
  bits = 0x5f375a86 - (bits >> 1);
  Register guess;
  __builtin_memcpy(&guess, &bits, sizeof guess);
  const Register error = 1 - v * guess * guess;
  const Register series =
      0.49999832f + error * (0.375f + error * (0.31393964f + error * 0.27414737f));
  return guess + guess * (error * series);
}

// Returns F of G by its target, and adds |F|^2 to the squares.
ARGAND_INLINE Number projected(const Number& g, const Register& target, Register& squares) {
  // Far below the rounding of G; it gives G = 0 the phase 0.
  constexpr float nearly_nothing = 1e-15f;
  const Register zero{}, one = zero + 1;
  const Register re = g.re + nearly_nothing;
  const Register square = re * re + g.im * g.im;
  const Register size = target < zero ? -target : target;
  const Register ratio = size * inverse_root(square);
  const Register bounded = ratio < one ? ratio : one;
  const Register factor = target > zero ? ratio : bounded;
  squares += factor * factor * square;
  const Number f{re * factor, g.im * factor};
  // 1 and -1 for the two targets of shifted reflections.
  const Register sign = 3 + target * (2 / -target_plus_i);
  const auto shifted = target <= target_plus_i;
  return {shifted ? -sign * f.im : f.re, shifted ? sign * f.re : f.im};
}

// Transforms a block of columns, read from the grid, back along h: to G.
void block_to_reflections(const DualSpacePlan& plan, const DualSpaceMemory& memory,
                          const Number* along_x, Number* columns) {
  const float scale = plan.scale;
  transform_line(
      plan.h, line(memory, 1), line(memory, 2), [=](Index x) { return exchanged(along_x[x]); },
      [=](Index h, const Number& value) { columns[h] = {value.im * scale, value.re * scale}; });
}

// Returns F(000) of the first block of columns, in lane 0.
ARGAND_INLINE float origin_of(const DualSpacePlan& plan, const Number* along_x) {
  double sum = 0;
  for (Index x = 0; x < plan.h.points; ++x) sum += along_x[x].re[0];
  return float(sum * plan.scale);
}

// Makes F of G in a block of columns by their targets; returns the sums of |F|^2 of the columns.
Register project_block(const DualSpacePlan& plan, Index block, Number* columns) {
  const Index points = plan.h.points, reach = plan.reach[block];
  const float* target = plan.target + block * points * register_lanes;
  Register squares{};
  const auto project_rows = [&](Index begin, Index end) {
    for (Index h = begin; h < end; ++h)
      columns[h] = projected(columns[h], load_register(target + h * register_lanes), squares);
  };
  // Orders h beyond the reach of the columns have no reflections.
  project_rows(0, reach + 1);
  for (Index h = reach + 1; h < points - reach; ++h) columns[h] = Number{};
  project_rows(points - reach, points);
  return squares * load_register(plan.weight + block * register_lanes);
}

double project(const DualSpacePlan& plan, const DualSpaceMemory& memory, bool last) {
  auto* f = reinterpret_cast<Number*>(memory.f);
  auto* g = reinterpret_cast<Number*>(memory.g);
  Number *const along_x = line(memory, 3), *const columns = line(memory, 0);
  const Index points = plan.h.points;
  using Doubles = double __attribute__((vector_size(2 * register_bytes)));
  Doubles totals{};
  for (Index block = 0; block < plan.blocks; ++block) {
    block_from_grid(plan, memory, block, along_x);
    const float origin = block == 0 ? origin_of(plan, along_x) : 0;
    block_to_reflections(plan, memory, along_x, columns);
    if (last) {
      for (Index h = 0; h < points; ++h) g[block * points + h] = columns[h];
    }
    const Register squares = project_block(plan, block, columns);
    totals += __builtin_convertvector(squares, Doubles);
    if (block == 0) columns[0].re[0] = origin;
    if (last) {
      for (Index h = 0; h < points; ++h) f[block * points + h] = columns[h];
    } else {
      block_to_grid(plan, memory, block, columns);
    }
  }
  double total = 0;
  for (int lane = 0; lane < register_lanes; ++lane) total += totals[lane];
  return total;
}

// Transforms every plane of the grid along k, to density or back.
template <bool to_density>
void transform_planes(const DualSpacePlan& plan, const DualSpaceMemory& memory) {
  const Index row = plan.row, points = plan.k.points;
  for (Index l = 0; l < plan.planes; ++l) {
    const std::uint8_t* used = plan.row_used + l * points;
    float* const plane = memory.grid + 2 * l * plan.plane;
    for_row(row, [&]<bool whole>(Index x, Index count) {
      float *const re = plane + x, *const im = re + plan.plane;
      transform_line(
          plan.k, line(memory, 1), line(memory, 2),
          [=](Index k) {
            if constexpr (to_density) {
              if (!used[k]) return Number{};
              return Number{load_register(re + k * row), load_register(im + k * row)};
            } else {
              return Number{load_register(im + k * row), load_register(re + k * row)};
            }
          },
          [=](Index k, const Number& value) {
            if constexpr (to_density) {
              store_row<whole>(re + k * row, value.re, count);
              store_row<whole>(im + k * row, value.im, count);
            } else if (used[k]) {
              store_row<whole>(re + k * row, value.im, count);
              store_row<whole>(im + k * row, value.re, count);
            }
          });
    });
  }
}

// Packs the half of a line along l, whose real parts begin at `from`, so that a complex transform
// of half the length gives the density at two neighbouring points.
ARGAND_INLINE void pack_line(const DualSpacePlan& plan, const float* from, Number* packed) {
  const Index points = plan.half_l.points, stride = 2 * plan.plane, planes = plan.planes;
  const auto at = [=](Index l) {
    if (l >= planes) return Number{};
    return Number{load_register(from + l * stride), load_register(from + l * stride + plan.plane)};
  };
  packed[0].re = packed[0].im = load_register(from);
  Index l = 1;
  for (; 2 * l < points; ++l) {
    const Number a = at(l), b = conj(at(points - l));
    const Number sum = a + b, difference = minus(a, b);
    const float c = plan.split[2 * l], s = plan.split[2 * l + 1];
    const Number turned{difference.re * c - difference.im * s,
                        difference.re * s + difference.im * c};
    packed[l] = plus_i(sum, turned);
    packed[points - l] = conj(minus_i(sum, turned));
  }
  if (2 * l == points) {
    const Number middle = at(l);
    packed[l] = {2 * middle.re, -2 * middle.im};
  }
}

// Writes the half of a line along l of which a packed transform has been made, times two.
ARGAND_INLINE void unpack_line(const DualSpacePlan& plan, const Number* packed, float* to) {
  const Index points = plan.half_l.points, stride = 2 * plan.plane, planes = plan.planes;
  const auto write = [=](Index l, const Number& value) {
    if (l >= planes) return;
    store_lanes<register_lanes>(to + l * stride, value.re);
    store_lanes<register_lanes>(to + l * stride + plan.plane, value.im);
  };
  write(0, {2 * (packed[0].re + packed[0].im), Register{}});
  Index l = 1;
  for (; 2 * l < points; ++l) {
    const Number a = packed[l], b = conj(packed[points - l]);
    const Number sum = a + b, difference = minus(a, b);
    const float c = plan.split[2 * l], s = plan.split[2 * l + 1];
    const Number turned{difference.re * c + difference.im * s,
                        difference.im * c - difference.re * s};
    write(l, minus_i(sum, turned));
    write(points - l, conj(plus_i(sum, turned)));
  }
  if (2 * l == points) write(l, {2 * packed[l].re, -2 * packed[l].im});
}

// Transforms the lines along l to density and back, changed in between: change(density) returns
// what is to stand in its place.
template <class Change>
ARGAND_INLINE void transform_lines(const DualSpacePlan& plan, const DualSpaceMemory& memory,
                                   const Change& change) {
  const Index lines = plan.k.points * plan.row;
  Number* const packed = line(memory, 0);
  Number* const density = line(memory, 3);
  for (Index first = 0; first < lines; first += register_lanes) {
    float* const spectrum = memory.grid + first;
    pack_line(plan, spectrum, packed);
    transform_line(
        plan.half_l, line(memory, 1), line(memory, 2), [=](Index l) { return packed[l]; },
        [&](Index z, const Number& value) { density[z] = {change(value.re), change(value.im)}; });
    transform_line(
        plan.half_l, line(memory, 1), line(memory, 2),
        [=](Index z) { return exchanged(density[z]); },
        [=](Index l, const Number& value) { packed[l] = exchanged(value); });
    unpack_line(plan, packed, spectrum);
  }
}

void change_density(const DualSpacePlan& plan, const DualSpaceMemory& memory, float threshold,
                    float factor) {
  transform_planes<true>(plan, memory);
  transform_lines(plan, memory, [=](const Register& density) {
    return density < threshold ? density * factor : density;
  });
  transform_planes<false>(plan, memory);
}

void transform_twice(const DualSpacePlan& plan, const DualSpaceMemory& memory) {
  transform_planes<true>(plan, memory);
  transform_lines(plan, memory, [](const Register& density) { return density; });
  transform_planes<false>(plan, memory);
  Number *const columns = line(memory, 0), *const along_x = line(memory, 3);
  for (Index block = 0; block < plan.blocks; ++block) {
    block_from_grid(plan, memory, block, along_x);
    block_to_reflections(plan, memory, along_x, columns);
    block_to_grid(plan, memory, block, columns);
  }
}

}  // namespace
}  // namespace argand
