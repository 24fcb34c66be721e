// The inner loops, compiled once for each instruction set that they may run on. A kernel takes
// plain pointers and calls nothing that is shared with other translation units: a function compiled
// for one processor must never be the one that the linker keeps for all.
#pragma once

#include "argand/jacobian.hpp"
#include "argand/lanes.hpp"
#include "argand/measure.hpp"
#include "argand/moments.hpp"
#include "argand/nufft.hpp"
#include "argand/reflections.hpp"
#include "argand/rows.hpp"
#include "argand/views.hpp"

namespace argand {

// Atoms that share a form factor, one a lane; short groups are filled with atoms of occupancy 0.
template <class T>
struct Block {
  static constexpr int lanes = lane_count<T>;
  alignas(lane_bytes) T x[3][lanes];
  alignas(lane_bytes) T beta[6][lanes];
  alignas(lane_bytes) T occ[lanes];
  std::int32_t scatterer;
  int count;
  Index source[lanes];  // row in the caller's arrays
};

// The same, prepared for walking: what a lane needs that does not depend on the reflection.
template <class T>
struct BlockStep {
  alignas(lane_bytes) T y_re[lane_count<T>], y_im[lane_count<T>];  // exp(2 pi i y)
  alignas(lane_bytes) T z_re[lane_count<T>], z_im[lane_count<T>];  // exp(2 pi i z)
  alignas(lane_bytes) T q_k[lane_count<T>], q_l[lane_count<T>];    // ratios of ratios along k and l
  alignas(lane_bytes) T across[2][lane_count<T>];  // ratio_across for signs +1 and -1
};

// What a block of atoms gathers over the reflections, see moments.hpp.
template <class T>
struct Moments {
  double sum[moment_count][lane_count<T>];
};

// Atoms of one crystal, packed: at most blocks_in_cache, so that they stay there while rows pass
// by.
template <class T>
struct BlockView {
  const Block<T>* block;
  const BlockStep<T>* step;
  Index count;
  bool at_rest;
};

constexpr Index blocks_in_cache = 48;

// F is T or Complex<T>; rows are those of one strip, with its step.
template <class T, class F>
struct RowKernels {
  // out[row] and its mirror = sum over the atoms, or += with add
  void (*sum_rows)(const BlockView<T>&, const FormFactors<F>&, const Row* rows, Index count,
                   int step, bool add, Complex<T>* out);
  // moments[block] += the share of the rows
  void (*gather_rows)(const BlockView<T>&, const FormFactors<F>&, const Row* rows, Index count,
                      int step, const Complex<T>* g, Moments<T>* moments);
};

// Reflections (k, l) of a box that are left when one of each pair kl, -kl is taken: kl = 0 first,
// then up.
ARGAND_INLINE Index half_plane(const HklBox& box) {
  return (Index(2 * box.k + 1) * (2 * box.l + 1) + 1) / 2;
}

// Numbers of a line over l and of a part of the half plane, with room for the lanes that begin on
// their last one.
template <class T>
ARGAND_INLINE Index padded_line(const HklBox& box) {
  return 2 * box.l + 1 + lane_count<T>;
}
template <class T>
ARGAND_INLINE Index padded_part(Index begin, Index end) {
  return end - begin + lane_count<T>;
}
template <class T>
ARGAND_INLINE Index box_scratch_of_atom(const HklBox& box, Index begin, Index end) {
  return 2 * (box.h + 1 + box.k + 1 + padded_line<T>(box) + padded_part<T>(begin, end));
}

// F is T or Complex<T>.
template <class T, class F>
struct BoxKernels {
  // out = sum over the atoms `order`, which are sorted by scatterer; displacement must not couple
  // the axes. Entries begin .. end of the half plane and their mates. scratch:
  // box_scratch_of_atom() numbers for each.
  void (*sum_box)(const Atoms<T>&, const Index* order, Index count, const FormFactors<F>&,
                  const HklBox&, Index begin, Index end, T* scratch, Complex<T>* out);
};

template <class T>
struct BlockKernels {
  void (*prepare)(const Block<T>*, Index count, BlockStep<T>*);
};

// cos and sin of 2 pi order point / points. Along x and y: (points / 2 + 1, reach + 1). Along z:
// (reach + 1, z_padded), from point 1 on.
template <class T>
struct AxisTable {
  int reach;
  Index points;
  const T *cos, *sin;
};

template <class T>
struct TransformPlan {
  AxisTable<T> x, y, z;
  int half;        // orders l >= 0
  Index line;      // numbers of a line over l: 2 half, padded to whole lanes
  Index plane;     // numbers of a plane over (k, l)
  Index z_padded;  // points z = 1 .. n / 2, at least one, padded to whole lanes
  bool streamed;   // the map is written past the caches
  Index scratch() const {
    return 4 * plane + (2 * y.reach + 6) * line + 2 * z_padded +
           (streamed ? y.points * z.points : 0);
  }
};

template <class T>
struct TransformKernels {
  void (*to_map)(const TransformPlan<T>&, const T* even, const T* odd, Index begin, Index end,
                 T* scratch, T* map);
  void (*from_map)(const TransformPlan<T>&, const T* map, T* scratch, T* even, T* odd);
};

template <class T>
struct MeasureKernels {
  void (*measure)(const MeasureArgs<T>&, Index begin, Index end);
};

template <class T>
struct JacobianKernels {
  void (*jacobian_of_site)(const JacobianArgs<T>&, Index crystal, Index site);
};

struct GaussianKernels {
  // out[i] = sum_t a[t] 2^(rate[t] squares[i]), rate <= 0
  void (*gaussian_sum)(Index terms, const double* a, const double* rate, Index points,
                       const double* squares, double* out);
};

struct SeriesKernels {
  // Two Chebyshev series (terms, 2) on low .. high; points beyond count as the ends
  void (*evaluate_series_pair)(const double* series, Index terms, double low, double high, Index points,
                      const double* q, double* v1, double* v2);
};

// Results of so many bytes and more are written past the caches, which would not hold them until
// they are used.
constexpr Index beyond_caches = 16 << 20;

struct StreamKernels {
  void (*copy_past_caches)(Index bytes, const void* from, void* to);
};

struct ProjectionKernels {
  static constexpr int width =
      8;  // functions that are summed at once: the stride is a multiple of it

  // u (rank, atoms) of atoms begin .. end
  void (*project_scattering)(const AtomScattering&, Index begin, Index end, double* strengths);
};

struct SurveyKernels {
  // As the function of that name, of at least one reflection
  void (*survey)(Index count, const std::int32_t* hkl, const StolSquare&, double* squares, Survey&);
};

struct Kernels : BlockKernels<float>,
                 BlockKernels<double>,
                 RowKernels<float, float>,
                 RowKernels<float, Complex<float>>,
                 RowKernels<double, double>,
                 RowKernels<double, Complex<double>>,
                 BoxKernels<float, float>,
                 BoxKernels<float, Complex<float>>,
                 BoxKernels<double, double>,
                 BoxKernels<double, Complex<double>>,
                 TransformKernels<float>,
                 TransformKernels<double>,
                 MeasureKernels<float>,
                 MeasureKernels<double>,
                 JacobianKernels<float>,
                 JacobianKernels<double>,
                 GaussianKernels,
                 SeriesKernels,
                 ProjectionKernels,
                 StreamKernels,
                 SurveyKernels {
  const char* level;
};

// Those of the best instruction set that this processor has, or of the one that ARGAND_SIMD names.
const Kernels& kernels();

}  // namespace argand
