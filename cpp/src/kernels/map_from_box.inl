// The transform of a box of reflections to a real map, one axis after another.
//
// Along z first: the four lines over l of an h and k >= 0 and their signs make four real lines
// along z. With X = 2 pi h x / a and Y = 2 pi k y / b,
//
//   Re sum_signs F e^-i(+-X +-Y) e^-ilz = cc cos X cos Y + ss sin X sin Y + sc sin X cos Y
//                                        + cs cos X sin Y.
//
// Then the lines of all orders are summed along x, and along y. Points p and -p share the sum of
// the cosines and that of the sines.
#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "kernels.hpp"
#include "stream.inl"

namespace argand {
namespace {

// ---- along z ----

// What one h and k have in the lines cc, ss, sc and cs, over l: of cosines and of sines along z.
template <class T>
struct LineOrders {
  T cosines[4], sines[4];
};

// Calculates the orders of a line. Of F only the Hermitian part shows in the real part of the map;
// l > 0 counts twice, because its mate is left out.
template <class T>
ARGAND_INLINE LineOrders<T> line_orders(const TransformPlan<T>& plan, const Complex<T>* F, T scale,
                                        int h, int k, int l) {
  const Index columns = plan.orders_y(), width = 2 * plan.reach_z + 1;
  const Index last = plan.orders_x() * columns * width - 1;
  const T weight = l == 0 ? scale / 2 : scale;
  const auto value = [&](int i, int j) {
    const Index at = ((i + plan.x.reach) * columns + j + plan.y.reach) * width + plan.reach_z + l;
    return (F[at] + conj(F[last - at])) * weight;
  };
  // Orders that are equal count once.
  const Complex<T> none{0, 0};
  const Complex<T> f = value(h, k), mate = h == 0 && k == 0 ? none : value(-h, -k);
  const bool once = h == 0 || k == 0;
  const Complex<T> g = once ? none : value(h, -k), mate_of_g = once ? none : value(-h, k);
  const Complex<T> plus = f + mate, minus = f - mate;
  const Complex<T> plus_g = g + mate_of_g, minus_g = g - mate_of_g;
  return {
      {plus.re + plus_g.re, plus_g.re - plus.re, minus.im + minus_g.im, minus.im - minus_g.im},
      {plus.im + plus_g.im, plus_g.im - plus.im, -minus.re - minus_g.re, minus_g.re - minus.re}};
}

// Writes the real lines of h >= 0 and of all k.
template <class T>
void lines_from_box(const TransformPlan<T>& plan, const Complex<T>* F, T scale, int h, T* lines) {
  using V = Lanes<T>;
  constexpr Index lanes = lane_count<T>;
  const int half = plan.reach_z + 1;
  std::vector<LineOrders<T>> orders(half);
  for (int k = 0; k <= plan.y.reach; ++k) {
    for (int l = 0; l < half; ++l) orders[l] = line_orders(plan, F, scale, h, k, l);
    const auto line = [&](bool sin_x, bool sin_y) -> T* {
      if ((sin_x && h == 0) || (sin_y && k == 0)) return nullptr;
      return lines + plan.line_of(sin_x ? plan.x.reach + h : h, sin_y ? plan.y.reach + k : k);
    };
    T* const out[4] = {line(false, false), line(true, true), line(true, false), line(false, true)};
    for (Index z = 0; z < plan.row; z += lanes) {
      V sum[4] = {V{}, V{}, V{}, V{}};
      const T *cos = plan.z_cos + z, *sin = plan.z_sin + z;
      for (int l = 0; l < half; ++l, cos += plan.row, sin += plan.row) {
        const V c = load(cos), s = load(sin);
#pragma GCC unroll 4
        for (int i = 0; i < 4; ++i) {
          sum[i] += c * broadcast<V>(orders[l].cosines[i]);
          sum[i] += s * broadcast<V>(orders[l].sines[i]);
        }
      }
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i)
        if (out[i]) store(out[i] + z, sum[i]);
    }
  }
}

// ---- along x and y ----

// Points and vectors whose sums the registers hold at once, of cosines and of sines.
#if defined(__AVX512F__)
constexpr int points_at_once = 6, vectors_of_points = 2;
#else
constexpr int points_at_once = 2, vectors_of_points = 1;
#endif

// Rows of numbers, `stride` apart: of points from one on, and of their mirrors, the other way.
template <class T>
struct MirroredRows {
  T *right, *left;
  Index stride;
};

// Writes `points` points from p on and their mirrors, over `vectors` vectors, from rows of all
// orders: of cosines 0 .. reach, then of sines 1 .. reach.
template <int points, int vectors, class T>
ARGAND_INLINE void sum_orders_at(const AxisTable<T>& axis, Index p, const T* in, Index stride,
                                 const MirroredRows<T>& out) {
  using V = Lanes<T>;
  constexpr Index lanes = lane_count<T>;
  const Index n = axis.points, width = axis.reach + 1;
  V cosines[points][vectors], sines[points][vectors];
#pragma GCC unroll 6
  for (int j = 0; j < points; ++j) {
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      cosines[j][v] = load(in + v * lanes);
      sines[j][v] = V{};
    }
  }
  const T *cos = axis.cos + p * width, *sin = axis.sin + p * width;
  for (Index k = 1; k <= axis.reach; ++k) {
    const T *even = in + k * stride, *odd = even + axis.reach * stride;
#pragma GCC unroll 6
    for (int j = 0; j < points; ++j) {
      const V cos_j = broadcast<V>(cos[j * width + k]), sin_j = broadcast<V>(sin[j * width + k]);
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) {
        cosines[j][v] += load(even + v * lanes) * cos_j;
        sines[j][v] += load(odd + v * lanes) * sin_j;
      }
    }
  }
#pragma GCC unroll 6
  for (int j = 0; j < points; ++j) {
    const Index point = p + j;
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      store(out.right + j * out.stride + v * lanes, V(cosines[j][v] + sines[j][v]));
      if (point > 0 && n - point > point)
        store(out.left - j * out.stride + v * lanes, V(cosines[j][v] - sines[j][v]));
    }
  }
}

// Writes the last points p .. p + count, `points` of them or fewer.
template <int points, int vectors, class T>
ARGAND_INLINE void sum_orders_at_last(const AxisTable<T>& axis, Index p, Index count, const T* in,
                                      Index stride, const MirroredRows<T>& out) {
  if (count == points) {
    sum_orders_at<points, vectors>(axis, p, in, stride, out);
  } else if constexpr (points > 1) {
    sum_orders_at_last<points - 1, vectors>(axis, p, count, in, stride, out);
  }
}

// Writes points p .. p + count and their mirrors over `vectors` vectors.
template <int vectors, class T>
void sum_orders_of_columns(const AxisTable<T>& axis, Index p, Index count, const T* in,
                           Index stride, MirroredRows<T> out) {
  constexpr int most = points_at_once;
  for (; count >= most; p += most, count -= most) {
    sum_orders_at<most, vectors>(axis, p, in, stride, out);
    out.right += most * out.stride;
    out.left -= most * out.stride;
  }
  sum_orders_at_last<most - 1, vectors>(axis, p, count, in, stride, out);
}

// Writes points p .. p + count and their mirrors over `length` numbers, at least one vector. The
// last vector ends with them, and repeats numbers of the one before.
template <class T>
void sum_orders(const AxisTable<T>& axis, Index p, Index count, Index length, const T* in,
                Index stride, const MirroredRows<T>& out) {
  constexpr Index lanes = lane_count<T>;
  const auto columns_from = [&](Index i, auto vectors) {
    sum_orders_of_columns<vectors.value>(axis, p, count, in + i, stride,
                                         {out.right + i, out.left + i, out.stride});
  };
  Index i = 0;
  for (; i + vectors_of_points * lanes <= length; i += vectors_of_points * lanes)
    columns_from(i, std::integral_constant<int, vectors_of_points>{});
  for (; i < length; i += lanes)
    columns_from(std::min(i, length - lanes), std::integral_constant<int, 1>{});
}

// Writes a plane of the map from its lines of all orders along y. A plane that is streamed, or
// whose rows are shorter than a vector, is made in scratch memory first.
template <class T>
void plane_from_lines(const TransformPlan<T>& plan, const T* lines, T* scratch, T* plane) {
  constexpr Index lanes = lane_count<T>;
  const Index nb = plan.y.points, nc = plan.points_z, length = std::max(nc, lanes);
  T* out = plan.streamed || plan.has_short_rows() ? scratch : plane;
  sum_orders<T>(plan.y, 0, nb / 2 + 1, length, lines, plan.row, {out, out + nb * length, length});
  if (plan.has_short_rows()) {
    for (Index y = 0; y < nb; ++y)
      std::copy(out + y * length, out + y * length + nc, plane + y * nc);
  } else if (plan.streamed) {
    stream(nb * nc * Index(sizeof(T)), out, plane);
  }
}

// Returns how many numbers a plane needs that is made in scratch memory.
template <class T>
Index plane_scratch(const TransformPlan<T>& plan) {
  if (!plan.streamed && !plan.has_short_rows()) return 0;
  return plan.y.points * std::max<Index>(plan.points_z, lane_count<T>);
}

// Returns how many numbers of scratch memory planes_from_lines needs.
template <class T>
Index planes_scratch(const TransformPlan<T>& plan) {
  return plane_scratch(plan) + 2 * points_at_once * plan.orders_y() * plan.row;
}

// Writes planes x = begin .. end of the map, end <= na / 2 + 1, and their mirrors na - x.
template <class T>
void planes_from_lines(const TransformPlan<T>& plan, const T* lines, Index begin, Index end,
                       T* scratch, T* map) {
  const Index na = plan.x.points, plane = plan.orders_y() * plan.row;
  const Index size = plan.y.points * plan.points_z;
  T *at_x = scratch, *plane_memory = at_x + 2 * points_at_once * plane;
  for (Index x = begin; x < end; x += points_at_once) {
    const Index count = std::min<Index>(points_at_once, end - x);
    T* mirrors = at_x + (2 * count - 1) * plane;
    sum_orders<T>(plan.x, x, count, plane, lines, plane, {at_x, mirrors, plane});
    for (Index i = 0; i < count; ++i) {
      const Index mirror = na - x - i;
      plane_from_lines(plan, at_x + i * plane, plane_memory, map + (x + i) * size);
      if (x + i > 0 && mirror > x + i)
        plane_from_lines(plan, mirrors - i * plane, plane_memory, map + mirror * size);
    }
  }
  finish_streams();
}

}  // namespace
}  // namespace argand
