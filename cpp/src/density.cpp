#include "argand/density.hpp"

#include <algorithm>
#include <functional>
#include <vector>

#include "argand/elementary.hpp"
#include "argand/parallel.hpp"
#include "kernels/kernels.hpp"

namespace argand {
namespace {

// Makes a table of cos, then of sin, of 2 pi order point / n, exact to the last digit: the angle is
// reduced as an integer. position(order, point) is the index in the table, or negative.
template <class T>
std::vector<T> axis_table(int reach, Index n, Index size,
                          const std::function<Index(Index order, Index point)>& position) {
  std::vector<Complex<T>> turn(n);
  for (Index i = 0; i < n; ++i) turn[i] = cis<T>(double(i) / double(n));
  std::vector<T> table(2 * size, T(0));
  for (Index order = 0; order <= reach; ++order) {
    for (Index point = 0; point <= n / 2; ++point) {
      const Index at = position(order, point);
      if (at < 0) continue;
      table[at] = turn[order * point % n].re;
      table[size + at] = turn[order * point % n].im;
    }
  }
  return table;
}

// The tables and sizes of a transform, and the memory of the tables.
template <class T>
struct Plan : TransformPlan<T> {
  std::vector<T> table_x, table_y, table_z, table_z_orders;

  Plan(const HklBox& box, const Grid& grid, bool streamed) {
    this->streamed = streamed;
    constexpr Index lanes = lane_count<T>;
    const auto whole_vectors = [](Index n) { return (n + lanes - 1) / lanes * lanes; };
    this->half = box.l + 1;
    this->line = whole_vectors(2 * this->half);
    this->plane = (2 * box.k + 1) * this->line;
    this->z_padded = whole_vectors(std::max<Index>(1, grid.c / 2));
    const auto by_point = [](int reach, Index n) {
      const Index orders = reach + 1;
      return axis_table<T>(reach, n, (n / 2 + 1) * orders,
                           [=](Index order, Index p) { return p * orders + order; });
    };
    table_x = by_point(box.h, grid.a);
    table_y = by_point(box.k, grid.b);
    const Index padded = this->z_padded;
    table_z = axis_table<T>(box.l, grid.c, (box.l + 1) * padded, [=](Index order, Index p) {
      return p == 0 ? -1 : order * padded + p - 1;
    });
    const Index orders = this->half_padded = whole_vectors(this->half);
    table_z_orders = axis_table<T>(box.l, grid.c, grid.c / 2 * orders, [=](Index order, Index p) {
      return p == 0 ? -1 : (p - 1) * orders + order;
    });
    this->z_orders_cos = table_z_orders.data();
    this->z_orders_sin = table_z_orders.data() + table_z_orders.size() / 2;
    const auto axis = [](int reach, Index points, const std::vector<T>& table) {
      return AxisTable<T>{reach, points, table.data(), table.data() + table.size() / 2};
    };
    this->x = axis(box.h, grid.a, table_x);
    this->y = axis(box.k, grid.b, table_y);
    this->z = axis(box.l, grid.c, table_z);
  }
};

// Writes even = scale [F(h) + F(-h)] and odd = -i scale [F(h) - F(-h)] for h >= 0 on the half box
// l >= 0, of the Hermitian part of F, which alone shows in the real part of the map. l > 0 counts
// twice, because its mate is left out.
template <class T>
void fold_box(const TransformPlan<T>& plan, const HklBox& box, const Complex<T>* F, T scale,
              T* even, T* odd) {
  const Index width = 2 * box.l + 1, last = box.size() - 1;
  const auto value = [&](int h, int k, int l) {
    const Index at = (Index(h + box.h) * (2 * box.k + 1) + (k + box.k)) * width + box.l + l;
    const T weight = l == 0 ? scale / 2 : scale;
    return (F[at] + conj(F[last - at])) * weight;
  };
  for (int h = 0; h <= box.h; ++h) {
    for (int k = -box.k; k <= box.k; ++k) {
      const Index at = h * plan.plane + (k + box.k) * plan.line;
      for (int l = 0; l <= box.l; ++l) {
        const Complex<T> f = value(h, k, l), mate = h == 0 ? Complex<T>{0, 0} : value(-h, k, l);
        even[at + l] = f.re + mate.re;
        even[at + plan.half + l] = f.im + mate.im;
        odd[at + l] = f.im - mate.im;
        odd[at + plan.half + l] = mate.re - f.re;
      }
    }
  }
}

// Writes F(h) = scale (even + i odd) and F(-h) = scale (even - i odd) for h >= 0 and l >= 0, and
// the mates at l < 0.
template <class T>
void unfold_box(const TransformPlan<T>& plan, const HklBox& box, const T* even, const T* odd,
                T scale, Complex<T>* F) {
  const Index width = 2 * box.l + 1, last = box.size() - 1;
  const auto put = [&](int h, int k, int l, Complex<T> f) {
    const Index at = (Index(h + box.h) * (2 * box.k + 1) + (k + box.k)) * width + box.l + l;
    F[at] = f;
    if (l > 0) F[last - at] = conj(f);
  };
  for (int h = 0; h <= box.h; ++h) {
    for (int k = -box.k; k <= box.k; ++k) {
      const Index at = h * plan.plane + (k + box.k) * plan.line;
      for (int l = 0; l <= box.l; ++l) {
        const Complex<T> e = Complex<T>{even[at + l], even[at + plan.half + l]} * scale;
        const Complex<T> o = Complex<T>{odd[at + l], odd[at + plan.half + l]} * scale;
        put(h, k, l, {e.re - o.im, e.im + o.re});
        if (h > 0) put(-h, k, l, {e.re + o.im, e.im - o.re});
      }
    }
  }
}

}  // namespace

template <class T>
void map_from_structure_factors(Index maps, const HklBox& box, const Complex<T>* F,
                                const Grid& grid, double scale, T* map) {
  const TransformKernels<T>& kernel = kernels();
  const Plan<T> plan(box, grid, maps * grid.size() * Index(sizeof(T)) >= beyond_caches);
  // Each plane is made together with its mirror.
  const Index planes = grid.a / 2 + 1;
  const Index slab = std::clamp<Index>(maps * planes / 64, 1, planes);
  const Index slabs = (planes + slab - 1) / slab;
  const Index folded = (box.h + 1) * plan.plane;
  parallel_for(maps * slabs, [&](Index task) {
    const Index m = task / slabs, begin = task % slabs * slab, end = std::min(planes, begin + slab);
    std::vector<T> work(2 * folded + plan.scratch(), T(0));
    T *even = work.data(), *odd = even + folded;
    fold_box<T>(plan, box, F + m * box.size(), T(scale), even, odd);
    kernel.to_map(plan, even, odd, begin, end, odd + folded, map + m * grid.size());
  });
}

template <class T>
void structure_factors_from_map(Index maps, const HklBox& box, const T* map, const Grid& grid,
                                double scale, Complex<T>* F) {
  const TransformKernels<T>& kernel = kernels();
  const Plan<T> plan(box, grid, false);
  const Index folded = (box.h + 1) * plan.plane;
  parallel_for(maps, [&](Index m) {
    std::vector<T> work(2 * folded + plan.scratch(), T(0));
    T *even = work.data(), *odd = even + folded;
    kernel.from_map(plan, map + m * grid.size(), odd + folded, even, odd);
    unfold_box<T>(plan, box, even, odd, T(scale), F + m * box.size());
  });
}

#define ARGAND_INSTANTIATE(T)                                                                    \
  template void map_from_structure_factors(Index, const HklBox&, const Complex<T>*, const Grid&, \
                                           double, T*);                                          \
  template void structure_factors_from_map(Index, const HklBox&, const T*, const Grid&, double,  \
                                           Complex<T>*);
ARGAND_INSTANTIATE(float)
ARGAND_INSTANTIATE(double)

}  // namespace argand
