#include "argand/density.hpp"

#include <algorithm>
#include <vector>

#include "aligned.hpp"
#include "argand/elementary.hpp"
#include "argand/parallel.hpp"
#include "kernels/kernels.hpp"

namespace argand {
namespace {

template <class T>
Index whole_vectors(Index n) {
  constexpr Index lanes = lane_count<T>;
  return (n + lanes - 1) / lanes * lanes;
}

// A table of cos, then of sin, of 2 pi order point / n, exact to the last digit: the angle is
// reduced as an integer.
template <class T>
struct Waves {
  std::vector<T> numbers;

  // The value of an order < orders at a point < points lies at order * by_order + point * by_point
  // of `size` cosines, and of `size` sines.
  Waves(Index orders, Index points, Index n, Index by_order, Index by_point, Index size)
      : numbers(2 * size, T(0)) {
    std::vector<Complex<T>> turn(n);
    for (Index i = 0; i < n; ++i) turn[i] = cis<T>(double(i) / double(n));
    for (Index order = 0; order < orders; ++order) {
      for (Index point = 0; point < points; ++point) {
        const Index at = order * by_order + point * by_point;
        numbers[at] = turn[order * point % n].re;
        numbers[size + at] = turn[order * point % n].im;
      }
    }
  }

  const T* cos() const { return numbers.data(); }
  const T* sin() const { return numbers.data() + numbers.size() / 2; }
};

// Returns the table (n / 2 + 1, reach + 1) of an axis.
template <class T>
Waves<T> waves_of_axis(int reach, Index n) {
  const Index orders = reach + 1, points = n / 2 + 1;
  return {orders, points, n, 1, orders, orders * points};
}

// The tables and sizes of a transform, and the memory of the tables.
template <class T>
struct Plan : TransformPlan<T> {
  // Bytes of the sums along y that box_from_map keeps until they are summed along x: they are to
  // stay in the second cache.
  static constexpr Index most_bytes = 512 << 10;

  Waves<T> along_x, along_y, along_z, along_l;

  Plan(const HklBox& box, const Grid& grid, bool streamed)
      : along_x(waves_of_axis<T>(box.h, grid.a)),
        along_y(waves_of_axis<T>(box.k, grid.b)),
        along_z(box.l + 1, grid.c, grid.c, whole_vectors<T>(grid.c), 1,
                (box.l + 1) * whole_vectors<T>(grid.c)),
        along_l(box.l + 1, grid.c, grid.c, 1, whole_vectors<T>(box.l + 1),
                grid.c * whole_vectors<T>(box.l + 1)) {
    this->x = {box.h, grid.a, along_x.cos(), along_x.sin()};
    this->y = {box.k, grid.b, along_y.cos(), along_y.sin()};
    this->reach_z = box.l;
    this->points_z = grid.c;
    this->row = whole_vectors<T>(grid.c);
    this->row_orders = whole_vectors<T>(box.l + 1);
    this->z_cos = along_z.cos();
    this->z_sin = along_z.sin();
    this->l_cos = along_l.cos();
    this->l_sin = along_l.sin();
    const Index bytes = grid.a * this->orders_y() * this->row * Index(sizeof(T));
    const Index slabs = (bytes + most_bytes - 1) / most_bytes;
    this->slab = whole_vectors<T>((this->row + slabs - 1) / slabs);
    this->streamed = streamed;
  }
};

// Writes scale F and the mates at l < 0 of the half box (2h+1, 2k+1, 2 row_orders).
template <class T>
void unfold_box(const TransformPlan<T>& plan, const HklBox& box, const T* half_box, T scale,
                Complex<T>* F) {
  const Index width = 2 * box.l + 1, columns = box.size() / width, last = box.size() - 1;
  for (Index hk = 0; hk < columns; ++hk) {
    const T *re = half_box + 2 * hk * plan.row_orders, *im = re + plan.row_orders;
    Complex<T>*right = F + hk * width + box.l, *left = F + last - hk * width - box.l;
    for (int l = 0; l <= box.l; ++l) {
      const Complex<T> f = Complex<T>{re[l], im[l]} * scale;
      right[l] = f;
      if (l > 0) left[-l] = conj(f);
    }
  }
}

}  // namespace

// Planes, with as many mirrors, of a part of a map that one thread makes.
constexpr Index planes_of_part = 6;

template <class T>
void map_from_structure_factors(Index maps, const HklBox& box, const Complex<T>* F,
                                const Grid& grid, double scale, T* map) {
  const TransformKernels<T>& kernel = kernels();
  const Plan<T> plan(box, grid, maps * grid.size() * Index(sizeof(T)) >= beyond_caches);
  const auto lines_of = [&](Index m, int h, T* lines) {
    kernel.lines_from_box(plan, F + m * box.size(), T(scale), h, lines);
  };
  const auto planes_of = [&](Index m, const T* lines, Index begin, Index end) {
    const auto scratch = aligned_numbers<T>(kernel.planes_scratch(plan));
    kernel.planes_from_lines(plan, lines, begin, end, scratch.get(), map + m * grid.size());
  };
  // Each plane is made together with its mirror.
  const Index planes = grid.a / 2 + 1;
  if (maps >= 4 * num_threads()) {
    parallel_for(maps, [&](Index m) {
      const auto lines = aligned_numbers<T>(plan.lines());
      for (int h = 0; h <= box.h; ++h) lines_of(m, h, lines.get());
      planes_of(m, lines.get(), 0, planes);
    });
    return;
  }
  // Few maps are made in parts, or the threads would have nothing to do.
  const auto lines = aligned_numbers<T>(maps * plan.lines());
  parallel_for(maps * (box.h + 1), [&](Index task) {
    const Index m = task / (box.h + 1);
    lines_of(m, int(task % (box.h + 1)), lines.get() + m * plan.lines());
  });
  const Index parts = std::max<Index>(1, planes / planes_of_part);
  parallel_for(maps * parts, [&](Index task) {
    const Index m = task / parts, part = task % parts;
    planes_of(m, lines.get() + m * plan.lines(), part * planes / parts,
              (part + 1) * planes / parts);
  });
}

template <class T>
void structure_factors_from_map(Index maps, const HklBox& box, const T* map, const Grid& grid,
                                double scale, Complex<T>* F) {
  const TransformKernels<T>& kernel = kernels();
  const Plan<T> plan(box, grid, false);
  parallel_for(maps, [&](Index m) {
    const Index size = plan.half_box();
    const auto work = aligned_numbers<T>(size + kernel.box_scratch(plan));
    kernel.box_from_map(plan, map + m * grid.size(), work.get() + size, work.get());
    unfold_box<T>(plan, box, work.get(), T(scale), F + m * box.size());
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
