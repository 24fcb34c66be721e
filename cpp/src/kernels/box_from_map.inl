// The transform of a real map to a half box of reflections (l >= 0), one axis after another.
//
// Along y, then along x, the points of an axis are summed with the cosines and with the sines of
// every order; points p and -p share both. All is real until the last axis, where the four real
// lines along z of an h and k, cc, ss, sc and cs (sc: of sines along x and cosines along y), and
// their sums Z over exp(2 pi i l z / n) give four orders:
//
//   F(h, k) = Z[cc] - Z[ss] + i (Z[sc] + Z[cs]),    F(-h, -k) = Z[cc] - Z[ss] - i (Z[sc] + Z[cs]),
//   F(h, -k) = Z[cc] + Z[ss] + i (Z[sc] - Z[cs]),   F(-h, k) = Z[cc] + Z[ss] - i (Z[sc] - Z[cs]).
#pragma once

#include <algorithm>
#include <type_traits>

#include "kernels.hpp"

namespace argand {
namespace {

// Orders and vectors, and lines along z, whose sums the registers hold at once, of cosines and of
// sines.
#if defined(__AVX512F__)
constexpr int orders_at_once = 7, columns_at_once = 2, lines_at_once = 4;
#else
constexpr int orders_at_once = 3, columns_at_once = 1, lines_at_once = 2;
#endif

// Numbers of all points of an axis: rows `stride` apart, of which the next to be summed lie
// `ahead`.
template <class T>
struct PointRows {
  const T* row;
  Index stride, ahead;
};

// Sums of all orders of an axis: rows of cosines 0 .. reach, then of sines 1 .. reach.
template <class T>
struct OrderRows {
  T* row;
  Index stride;
};

// Writes the sums of `orders` orders from k on, over `columns` vectors. `first` says that k is 0,
// whose sines vanish.
template <int orders, int columns, bool first, class T>
ARGAND_INLINE void sum_points_of(const AxisTable<T>& axis, int k, const PointRows<T>& in,
                                 const OrderRows<T>& out) {
  using V = Lanes<T>;
  constexpr Index lanes = lane_count<T>;
  constexpr int from = first ? 1 : 0;
  const Index n = axis.points, width = axis.reach + 1;
  V cosines[orders][columns], sines[orders][columns];
#pragma GCC unroll 7
  for (int j = 0; j < orders; ++j) {
#pragma GCC unroll 2
    for (int c = 0; c < columns; ++c) {
      cosines[j][c] = load(in.row + c * lanes);
      sines[j][c] = V{};
    }
  }
  const T *cos = axis.cos + width + k, *sin = axis.sin + width + k;
  Index p = 1;
  for (; n - p > p; ++p, cos += width, sin += width) {
    V sum[columns], difference[columns];
#pragma GCC unroll 2
    for (int c = 0; c < columns; ++c) {
      const T *right = in.row + p * in.stride + c * lanes,
              *left = in.row + (n - p) * in.stride + c * lanes;
      __builtin_prefetch(right + in.ahead, 0, 2);
      __builtin_prefetch(left + in.ahead, 0, 2);
      sum[c] = load(right) + load(left);
      difference[c] = load(right) - load(left);
    }
#pragma GCC unroll 7
    for (int j = 0; j < orders; ++j) {
      const V cos_j = broadcast<V>(cos[j]);
#pragma GCC unroll 2
      for (int c = 0; c < columns; ++c) cosines[j][c] += sum[c] * cos_j;
      if (j < from) continue;
      const V sin_j = broadcast<V>(sin[j]);
#pragma GCC unroll 2
      for (int c = 0; c < columns; ++c) sines[j][c] += difference[c] * sin_j;
    }
  }
  if (n - p == p) {
#pragma GCC unroll 7
    for (int j = 0; j < orders; ++j) {
#pragma GCC unroll 2
      for (int c = 0; c < columns; ++c)
        cosines[j][c] += load(in.row + p * in.stride + c * lanes) * cos[j];
    }
  }
#pragma GCC unroll 7
  for (int j = 0; j < orders; ++j) {
#pragma GCC unroll 2
    for (int c = 0; c < columns; ++c) {
      store(out.row + (k + j) * out.stride + c * lanes, cosines[j][c]);
      if (j >= from) store(out.row + (axis.reach + k + j) * out.stride + c * lanes, sines[j][c]);
    }
  }
}

// Writes the sums of the last orders k .. reach, `orders` of them or fewer.
template <int orders, int columns, bool first, class T>
ARGAND_INLINE void sum_points_of_last(const AxisTable<T>& axis, int k, const PointRows<T>& in,
                                      const OrderRows<T>& out) {
  if (k + orders == axis.reach + 1) {
    sum_points_of<orders, columns, first>(axis, k, in, out);
  } else if constexpr (orders > 1) {
    sum_points_of_last<orders - 1, columns, first>(axis, k, in, out);
  }
}

// Writes the sums of all orders over `columns` vectors.
template <int columns, class T>
void sum_points_of_columns(const AxisTable<T>& axis, const PointRows<T>& in,
                           const OrderRows<T>& out) {
  constexpr int most = orders_at_once;
  if (axis.reach < most) return sum_points_of_last<most, columns, true>(axis, 0, in, out);
  sum_points_of<most, columns, true>(axis, 0, in, out);
  int k = most;
  for (; k + most <= axis.reach + 1; k += most)
    sum_points_of<most, columns, false>(axis, k, in, out);
  sum_points_of_last<most - 1, columns, false>(axis, k, in, out);
}

// Writes the sums of all orders over `count` numbers, at least one vector. The last vector ends
// with them, and repeats numbers of the one before.
template <class T>
void sum_points(const AxisTable<T>& axis, Index count, const PointRows<T>& in,
                const OrderRows<T>& out) {
  constexpr Index lanes = lane_count<T>;
  const auto columns_from = [&](Index i, auto columns) {
    sum_points_of_columns<columns.value>(axis, {in.row + i, in.stride, in.ahead},
                                         {out.row + i, out.stride});
  };
  Index i = 0;
  for (; i + columns_at_once * lanes <= count; i += columns_at_once * lanes)
    columns_from(i, std::integral_constant<int, columns_at_once>{});
  for (; i < count; i += lanes)
    columns_from(std::min(i, count - lanes), std::integral_constant<int, 1>{});
}

// Writes the sums along y, then along x, for points z .. z + count of rows `pitch` apart: the real
// lines along z of all orders.
template <class T>
void lines_from_planes(const TransformPlan<T>& plan, const T* map, Index pitch, Index z,
                       Index count, T* along_y, T* lines) {
  const Index size = plan.y.points * pitch, plane = plan.orders_y() * plan.slab;
  for (Index x = 0; x < plan.x.points; ++x) {
    sum_points<T>(plan.y, count, {map + x * size + z, pitch, size},
                  {along_y + x * plane, plan.slab});
  }
  for (Index j = 0; j < plan.orders_y(); ++j) {
    sum_points<T>(plan.x, count, {along_y + j * plan.slab, plane, plan.slab},
                  {lines + plan.line_of(0, j) + z, plan.line_of(1, 0)});
  }
}

// Calculates sum_z r[z] cos(2 pi l z / n), and with sines, of `count` lines for a vector of orders.
template <int count, class T>
ARGAND_INLINE void sum_lines(const TransformPlan<T>& plan, Index l, const T* const* lines,
                             Lanes<T>* cosines, Lanes<T>* sines) {
  using V = Lanes<T>;
  V re[count], im[count];
#pragma GCC unroll 4
  for (int i = 0; i < count; ++i) re[i] = im[i] = V{};
  const T *cos = plan.l_cos + l, *sin = plan.l_sin + l;
  for (Index z = 0; z < plan.points_z; ++z, cos += plan.row_orders, sin += plan.row_orders) {
    const V c = load(cos), s = load(sin);
#pragma GCC unroll 4
    for (int i = 0; i < count; ++i) {
      const V r = broadcast<V>(lines[i][z]);
      re[i] += c * r;
      im[i] += s * r;
    }
  }
#pragma GCC unroll 4
  for (int i = 0; i < count; ++i) {
    cosines[i] = re[i];
    sines[i] = im[i];
  }
}

// Writes F(h, k), F(-h, -k), F(h, -k) and F(-h, k) of the lines cc, ss, sc and cs over l: all real
// parts, then all imaginary parts.
template <class T>
ARGAND_INLINE void orders_from_lines(const TransformPlan<T>& plan, const T* const (&lines)[4],
                                     T* const (&f)[4]) {
  using V = Lanes<T>;
  constexpr Index lanes = lane_count<T>;
  for (Index l = 0; l < plan.row_orders; l += lanes) {
    V re[4], im[4];
#pragma GCC unroll 2
    for (int i = 0; i < 4; i += lines_at_once)
      sum_lines<lines_at_once>(plan, l, lines + i, re + i, im + i);
    // even +- i odd of (h, k) and (-h, -k), then of (h, -k) and (-h, k).
    const V even[2] = {re[0] - re[1], re[0] + re[1]}, even_im[2] = {im[0] - im[1], im[0] + im[1]};
    const V odd[2] = {re[2] + re[3], re[2] - re[3]}, odd_im[2] = {im[2] + im[3], im[2] - im[3]};
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
      T *plus = f[2 * i] + l, *minus = f[2 * i + 1] + l;
      store(plus, V(even[i] - odd_im[i]));
      store(plus + plan.row_orders, V(even_im[i] + odd[i]));
      store(minus, V(even[i] + odd_im[i]));
      store(minus + plan.row_orders, V(even_im[i] - odd[i]));
    }
  }
}

// Returns how many numbers of scratch memory box_from_map needs.
template <class T>
Index box_scratch(const TransformPlan<T>& plan) {
  const Index padded = plan.has_short_rows() ? plan.x.points * plan.y.points * plan.row : 0;
  return plan.row + plan.lines() + plan.x.points * plan.orders_y() * plan.slab + padded;
}

// Writes the half box of a map.
template <class T>
void box_from_map(const TransformPlan<T>& plan, const T* map, T* scratch, T* half_box) {
  constexpr Index lanes = lane_count<T>;
  const Index nc = plan.points_z, rows = plan.x.points * plan.y.points;
  T* zeros = scratch;
  T* lines = zeros + plan.row;
  T* along_y = lines + plan.lines();
  std::fill(zeros, lines, T(0));
  Index pitch = nc;
  if (plan.has_short_rows()) {
    T* padded = along_y + plan.x.points * plan.orders_y() * plan.slab;
    pitch = plan.row;
    for (Index i = 0; i < rows; ++i) {
      T* end = std::copy(map + i * nc, map + (i + 1) * nc, padded + i * pitch);
      std::fill(end, padded + (i + 1) * pitch, T(0));
    }
    map = padded;
  }
  for (Index slab = 0; slab < pitch; slab += plan.slab) {
    const Index z = std::min(slab, pitch - lanes);
    lines_from_planes(plan, map, pitch, z, std::min(plan.slab, pitch - z), along_y, lines);
  }
  for (int h = 0; h <= plan.x.reach; ++h) {
    for (int k = 0; k <= plan.y.reach; ++k) {
      const auto line = [&](bool sin_x, bool sin_y) -> const T* {
        if ((sin_x && h == 0) || (sin_y && k == 0)) return zeros;
        return lines + plan.line_of(sin_x ? plan.x.reach + h : h, sin_y ? plan.y.reach + k : k);
      };
      const auto out = [&](int i, int j) {
        const Index column = (i + plan.x.reach) * plan.orders_y() + j + plan.y.reach;
        return half_box + column * 2 * plan.row_orders;
      };
      orders_from_lines<T>(
          plan, {line(false, false), line(true, true), line(true, false), line(false, true)},
          {out(h, k), out(-h, -k), out(h, -k), out(-h, k)});
    }
  }
}

}  // namespace
}  // namespace argand
