// Transforms between a half box of reflections (l >= 0) and a real map, one axis after another.
//
// An axis takes a product with a short matrix of cosines and one of sines, which the orders h and
// -h (or the points x and -x) share:
//
//   F(h) e^(-i t) + F(-h) e^(i t) = [F(h) + F(-h)] cos t - i [F(h) - F(-h)] sin t.
//
// A line holds the numbers of one (h, k) or (x, y) along l: all real parts, then all imaginary
// parts, padded to whole vectors.
#pragma once

#include "kernels.hpp"
#include "stream.inl"

namespace argand {
namespace {

// Adds a x to y over n numbers, a multiple of the lanes.
template <class T>
ARGAND_INLINE void add_multiple(Index n, T a, const T* x, T* y) {
  for (Index i = 0; i < n; i += lane_count<T>) store(y + i, load(y + i) + load(x + i) * a);
}

// Writes plus = p + q and minus = p - q with p = sum_j c[j] even[j] and q = sum_j s[j] odd[j], at
// `chunks` vectors from i on. even and odd are (terms, n), n a multiple of the lanes. `plus`
// belongs to an order or a point, `minus` to its mirror.
template <int chunks, class T>
ARGAND_INLINE void combine_chunks(Index n, Index i, int terms, const T* c, const T* s,
                                  const T* even, const T* odd, T* plus, T* minus) {
  using V = Lanes<T>;
  constexpr Index lanes = lane_count<T>;
  V p[chunks], q[chunks];
#pragma GCC unroll 2
  for (int k = 0; k < chunks; ++k) p[k] = q[k] = V{};
  for (int j = 0; j < terms; ++j) {
#pragma GCC unroll 2
    for (int k = 0; k < chunks; ++k) {
      p[k] += load(even + j * n + i + k * lanes) * c[j];
      q[k] += load(odd + j * n + i + k * lanes) * s[j];
    }
  }
#pragma GCC unroll 2
  for (int k = 0; k < chunks; ++k) {
    store(plus + i + k * lanes, V(p[k] + q[k]));
    store(minus + i + k * lanes, V(p[k] - q[k]));
  }
}
// Writes plus and minus (see combine_chunks) over all n numbers.
template <class T>
ARGAND_INLINE void combine(Index n, int terms, const T* c, const T* s, const T* even, const T* odd,
                           T* plus, T* minus) {
  constexpr Index lanes = lane_count<T>;
  Index i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes)
    combine_chunks<2>(n, i, terms, c, s, even, odd, plus, minus);
  if (i < n) combine_chunks<1>(n, i, terms, c, s, even, odd, plus, minus);
}

// Writes sum = a + b and difference = a - b over n numbers.
template <class T>
ARGAND_INLINE void fold(Index n, const T* a, const T* b, T* sum, T* difference) {
  for (Index i = 0; i < n; i += lane_count<T>) {
    const Lanes<T> va = load(a + i), vb = load(b + i);
    store(sum + i, va + vb);
    store(difference + i, va - vb);
  }
}

// ---- structure factors to map ----

// Writes sum = a + b and turned = -i (a - b) for a line of complex numbers.
template <class T>
ARGAND_INLINE void fold_and_turn(int half, const T* a, const T* b, T* sum, T* turned) {
  for (int l = 0; l < half; ++l) {
    const T a_re = a[l], a_im = a[half + l], b_re = b[l], b_im = b[half + l];
    sum[l] = a_re + b_re;
    sum[half + l] = a_im + b_im;
    turned[l] = a_im - b_im;
    turned[half + l] = b_re - a_re;
  }
}

// Writes several lines of the map at `chunks` vectors of z = first, first + 1, ... and at -z:
// map[z] = sum_l Re u_l cos + Im u_l sin, whose first sum is even in z and whose second is odd. If
// first is 1, map[0] is written too.
template <int lines, int chunks, class T>
ARGAND_INLINE void points_to_map(const TransformPlan<T>& plan, Index first,
                                 const T* const (&u)[lines], T* const (&map)[lines]) {
  using V = Lanes<T>;
  constexpr Index lanes = lane_count<T>;
  const Index n = plan.z.points, last = n / 2;
  V even[lines][chunks], odd[lines][chunks], origin[lines];
#pragma GCC unroll 2
  for (int i = 0; i < lines; ++i) {
    origin[i] = V{};
#pragma GCC unroll 2
    for (int c = 0; c < chunks; ++c) even[i][c] = odd[i][c] = V{};
  }
  const T *cos = plan.z.cos + (first - 1), *sin = plan.z.sin + (first - 1);
  for (int l = 0; l < plan.half; ++l, cos += plan.z_padded, sin += plan.z_padded) {
#pragma GCC unroll 2
    for (int i = 0; i < lines; ++i) {
      const V re = broadcast<V>(u[i][l]), im = broadcast<V>(u[i][plan.half + l]);
      origin[i] += re;
#pragma GCC unroll 2
      for (int c = 0; c < chunks; ++c) {
        even[i][c] += load(cos + c * lanes) * re;
        odd[i][c] += load(sin + c * lanes) * im;
      }
    }
  }
#pragma GCC unroll 2
  for (int i = 0; i < lines; ++i) {
    if (first == 1) map[i][0] = origin[i][0];
#pragma GCC unroll 2
    for (int c = 0; c < chunks; ++c) {
      const Index z = first + c * lanes;
      const V right = even[i][c] + odd[i][c], left = even[i][c] - odd[i][c];
      if (z + lanes <= last + 1) {
        store(map[i] + z, right);
        store(map[i] + (n - z - lanes + 1), V(reversed<T>(left)));
      } else {
        T to_right[lanes], to_left[lanes];
        store(to_right, right);
        store(to_left, left);
        for (Index w = 0; z + w <= last; ++w) {
          map[i][z + w] = to_right[w];
          map[i][n - z - w] = to_left[w];
        }
      }
    }
  }
}

// Writes several lines of the map from their lines over l.
template <int lines, class T>
ARGAND_INLINE void lines_to_map(const TransformPlan<T>& plan, const T* const (&u)[lines],
                                T* const (&map)[lines]) {
  constexpr Index lanes = lane_count<T>;
  Index z = 1;
  for (; z + 2 * lanes <= plan.z_padded + 1; z += 2 * lanes)
    points_to_map<lines, 2>(plan, z, u, map);
  if (z + lanes <= plan.z_padded + 1) points_to_map<lines, 1>(plan, z, u, map);
}

// Writes planes x = begin .. end of the map and their mirrors na - x. even and odd are h + 1 planes
// F(h) + F(-h) and -i [F(h) - F(-h)]. A plane that is streamed is made in scratch memory first.
template <class T>
void to_map(const TransformPlan<T>& plan, const T* even, const T* odd, Index begin, Index end,
            T* scratch, T* map) {
  const Index line = plan.line, plane = plan.plane;
  const int reach = plan.y.reach;
  T* at_x[2] = {scratch, scratch + plane};
  T* sum = at_x[1] + plane;
  T* turned = sum + (reach + 1) * line;
  T* at_y[2] = {turned + (reach + 1) * line, turned + (reach + 2) * line};
  T* buffer = at_y[1] + line;
  const Index na = plan.x.points, nb = plan.y.points, nc = plan.z.points;
  for (Index i = 0; i < 2 * (reach + 1) * line; ++i) sum[i] = 0;
  for (Index x = begin; x < end; ++x) {
    const Index row = x * (plan.x.reach + 1);
    combine(plane, plan.x.reach + 1, plan.x.cos + row, plan.x.sin + row, even, odd, at_x[0],
            at_x[1]);
    const Index mirror = x == 0 ? 0 : na - x;
    for (int side = 0; side < (mirror == x ? 1 : 2); ++side) {
      const T* t = at_x[side];
      for (Index i = 0; i < line; ++i) sum[i] = t[reach * line + i];
      for (Index k = 1; k <= reach; ++k) {
        fold_and_turn(plan.half, t + (reach + k) * line, t + (reach - k) * line, sum + k * line,
                      turned + k * line);
      }
      T* plane_of_map = map + (side ? mirror : x) * nb * nc;
      T* out = plan.streamed ? buffer : plane_of_map;
      for (Index y = 0; y <= nb / 2; ++y) {
        const Index at = y * (reach + 1);
        combine(line, reach + 1, plan.y.cos + at, plan.y.sin + at, sum, turned, at_y[0], at_y[1]);
        if (y > 0 && nb - y != y) {
          lines_to_map<2, T>(plan, {at_y[0], at_y[1]}, {out + y * nc, out + (nb - y) * nc});
        } else {
          lines_to_map<1, T>(plan, {at_y[0]}, {out + y * nc});
        }
      }
      if (plan.streamed) stream(nb * nc * Index(sizeof(T)), buffer, plane_of_map);
    }
  }
  finish_streams();
}

// ---- map to structure factors ----

// Writes below = p - i q and above = p + i q for a line of complex numbers: the orders -k and k.
template <class T>
ARGAND_INLINE void split(int half, const T* p, const T* q, T* below, T* above) {
  for (int l = 0; l < half; ++l) {
    const T p_re = p[l], p_im = p[half + l], q_re = q[l], q_im = q[half + l];
    below[l] = p_re + q_im;
    below[half + l] = p_im - q_re;
    above[l] = p_re - q_im;
    above[half + l] = p_im + q_re;
  }
}

// Sums are kept in registers for so many orders k at once, for cosines and for sines.
template <class T>
constexpr int orders_at_once = lane_count<T> * Index(sizeof(T)) >= 64 ? 7 : 4;

// Writes p_k[z] = sum_y cos(2 pi k y / n) map[y, z] and q_k[z] with sines, a vector of z, for
// `orders` orders from k on. Points y and -y share both. p and q are (reach + 1, points along z).
template <int orders, class T>
ARGAND_INLINE void column_of_orders(const TransformPlan<T>& plan, int k, const T* map, T* p, T* q) {
  using V = Lanes<T>;
  const Index nb = plan.y.points, nc = plan.z.points, row = plan.y.reach + 1;
  V cosines[orders], sines[orders];
  const V origin = load(map);
#pragma GCC unroll 7
  for (int j = 0; j < orders; ++j) {
    cosines[j] = origin;
    sines[j] = V{};
  }
  const T *cos = plan.y.cos + row + k, *sin = plan.y.sin + row + k;
  Index y = 1;
  for (; nb - y > y; ++y, cos += row, sin += row) {
    const V right = load(map + y * nc), left = load(map + (nb - y) * nc);
    const V sum = right + left, difference = right - left;
#pragma GCC unroll 7
    for (int j = 0; j < orders; ++j) {
      cosines[j] += sum * cos[j];
      sines[j] += difference * sin[j];
    }
  }
  if (nb - y == y) {
    const V middle = load(map + y * nc);
#pragma GCC unroll 7
    for (int j = 0; j < orders; ++j) cosines[j] += middle * cos[j];
  }
#pragma GCC unroll 7
  for (int j = 0; j < orders; ++j) {
    store(p + (k + j) * nc, cosines[j]);
    store(q + (k + j) * nc, sines[j]);
  }
}

// Writes p_k and q_k of the last orders k .. reach, `orders` of them or fewer.
template <int orders, class T>
ARGAND_INLINE void last_orders(const TransformPlan<T>& plan, int k, const T* map, T* p, T* q) {
  if (k + orders == plan.y.reach + 1) {
    column_of_orders<orders>(plan, k, map, p, q);
  } else if constexpr (orders > 1) {
    last_orders<orders - 1>(plan, k, map, p, q);
  }
}

// Writes p_k and q_k of all orders for a vector of z.
template <class T>
ARGAND_INLINE void column_from_map(const TransformPlan<T>& plan, const T* map, T* p, T* q) {
  int k = 0;
  for (; k + orders_at_once<T> <= plan.y.reach + 1; k += orders_at_once<T>)
    column_of_orders<orders_at_once<T>>(plan, k, map, p, q);
  last_orders<orders_at_once<T> - 1>(plan, k, map, p, q);
}

// Writes p_k and q_k of all orders for one z: grids with fewer points than a vector.
template <class T>
void point_from_map(const TransformPlan<T>& plan, const T* map, T* p, T* q) {
  const Index nb = plan.y.points, nc = plan.z.points, row = plan.y.reach + 1;
  for (int k = 0; k <= plan.y.reach; ++k) {
    T cosines = map[0], sines = 0;
    for (Index y = 1; y <= nb / 2; ++y) {
      const bool alone = nb - y == y;
      const T right = map[y * nc], left = alone ? T(0) : map[(nb - y) * nc];
      cosines += (right + left) * plan.y.cos[y * row + k];
      if (!alone) sines += (right - left) * plan.y.sin[y * row + k];
    }
    p[k * nc] = cosines;
    q[k * nc] = sines;
  }
}

// Writes u_l = sum_z r[z] exp(2 pi i l z / n) of several lines r of real numbers. even and odd are
// scratch memory, z_padded numbers for each line.
template <int lines, class T>
ARGAND_INLINE void lines_from_map(const TransformPlan<T>& plan, const T* const (&r)[lines], T* even,
                                  T* odd, T* const (&u)[lines]) {
  using V = Lanes<T>;
  constexpr Index lanes = lane_count<T>;
  const Index n = plan.z.points, last = n / 2, padded = plan.z_padded;
  for (int i = 0; i < lines; ++i) {
    T *e = even + i * padded, *o = odd + i * padded;
    for (Index z = 1; n - z > z; ++z) {
      e[z - 1] = r[i][z] + r[i][n - z];
      o[z - 1] = r[i][z] - r[i][n - z];
    }
    if (n > 1 && n % 2 == 0) {
      e[last - 1] = r[i][last];
      o[last - 1] = 0;
    }
  }
  for (Index l = 0; l < plan.half; l += lanes) {
    V re[lines], im[lines];
#pragma GCC unroll 4
    for (int i = 0; i < lines; ++i) {
      re[i] = broadcast<V>(r[i][0]);
      im[i] = V{};
    }
    const T *cos = plan.z_orders_cos + l, *sin = plan.z_orders_sin + l;
    for (Index z = 0; z < last; ++z, cos += plan.half_padded, sin += plan.half_padded) {
      const V c = load(cos), s = load(sin);
#pragma GCC unroll 4
      for (int i = 0; i < lines; ++i) {
        re[i] += c * even[i * padded + z];
        im[i] += s * odd[i * padded + z];
      }
    }
    T parts[lanes];
    for (int i = 0; i < lines; ++i) {
      const Index count = plan.half - l < lanes ? plan.half - l : lanes;
      store(parts, re[i]);
      for (Index j = 0; j < count; ++j) u[i][l + j] = parts[j];
      store(parts, im[i]);
      for (Index j = 0; j < count; ++j) u[i][plan.half + l + j] = parts[j];
    }
  }
}

// Writes the plane t_k = sum_y u(y) exp(2 pi i k y / n) of one x: first along y, where neighbours
// along z are lanes, then along z, where orders l are.
template <class T>
ARGAND_INLINE void plane_from_map(const TransformPlan<T>& plan, const T* map, T* scratch, T* t) {
  constexpr Index lanes = lane_count<T>;
  const Index line = plan.line, nc = plan.z.points, padded = plan.z_padded;
  const int reach = plan.y.reach;
  T* p = scratch;
  T* q = p + (reach + 1) * nc;
  T* even = q + (reach + 1) * nc;
  T* odd = even + 4 * padded;
  T* u = odd + 4 * padded;
  if (nc < lanes) {
    for (Index z = 0; z < nc; ++z) point_from_map(plan, map + z, p + z, q + z);
  } else {
    for (Index z = 0; z + lanes <= nc; z += lanes) column_from_map(plan, map + z, p + z, q + z);
    // The last vector of a line ends with it, and repeats points of the one before.
    const Index z = nc - lanes;
    if (nc % lanes) column_from_map(plan, map + z, p + z, q + z);
  }
  // t_k = p + i q, t_-k = p - i q.
  const auto split_order = [&](int k, const T* p_line, const T* q_line) {
    split(plan.half, p_line, q_line, t + (reach - k) * line, t + (reach + k) * line);
  };
  int k = 0;
  for (; k < reach; k += 2) {
    const T *p_k = p + k * nc, *q_k = q + k * nc;
    lines_from_map<4, T>(plan, {p_k, q_k, p_k + nc, q_k + nc}, even, odd,
                         {u, u + line, u + 2 * line, u + 3 * line});
    split_order(k, u, u + line);
    split_order(k + 1, u + 2 * line, u + 3 * line);
  }
  if (k == reach) {
    lines_from_map<2, T>(plan, {p + k * nc, q + k * nc}, even, odd, {u, u + line});
    split_order(k, u, u + line);
  }
}

// Writes even and odd, h + 1 planes each, with F(h) = even + i odd and F(-h) = even - i odd.
template <class T>
void from_map(const TransformPlan<T>& plan, const T* map, T* scratch, T* even, T* odd) {
  const Index plane = plan.plane, na = plan.x.points, map_plane = plan.y.points * plan.z.points;
  const int reach = plan.x.reach;
  T* t[2] = {scratch, scratch + plane};
  T* sum = scratch + 2 * plane;
  T* difference = sum + plane;
  T* plane_scratch = difference + plane;
  for (Index i = 0; i < (reach + 1) * plane; ++i) even[i] = odd[i] = 0;
  for (Index i = 0; i < 2 * plane; ++i) scratch[i] = 0;
  for (Index x = 0; x <= na / 2; ++x) {
    const bool alone = x == 0 || na - x == x;
    plane_from_map(plan, map + x * map_plane, plane_scratch, t[0]);
    if (!alone) {
      plane_from_map(plan, map + (na - x) * map_plane, plane_scratch, t[1]);
      fold(plane, t[0], t[1], sum, difference);
    }
    for (int h = 0; h <= reach; ++h) {
      add_multiple(plane, plan.x.cos[x * (reach + 1) + h], alone ? t[0] : sum, even + h * plane);
      if (!alone) add_multiple(plane, plan.x.sin[x * (reach + 1) + h], difference, odd + h * plane);
    }
  }
}

}  // namespace
}  // namespace argand
