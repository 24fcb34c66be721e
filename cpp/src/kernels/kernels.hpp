// The inner loops, compiled once for each instruction set that they may run on. A kernel takes
// plain pointers and calls nothing that it shares with other translation units: the linker must
// never keep a function compiled for one processor for all of them.
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

// Atoms that share a form factor, one a lane. Empty lanes hold atoms of occupancy 0.
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

// What the recurrences of a block of atoms need and does not depend on the reflection.
template <class T>
struct BlockStep {
  alignas(lane_bytes) T y_re[lane_count<T>], y_im[lane_count<T>];  // exp(2 pi i y)
  alignas(lane_bytes) T z_re[lane_count<T>], z_im[lane_count<T>];  // exp(2 pi i z)
  alignas(lane_bytes) T q_k[lane_count<T>], q_l[lane_count<T>];    // ratio_of_ratios along k and l
  alignas(lane_bytes) T across[2][lane_count<T>];  // ratio_across for signs +1 and -1
};

// Sums of a block of atoms over the reflections, see moments.hpp.
template <class T>
struct Moments {
  double sum[moment_count][lane_count<T>];
};

// Most blocks of a view: they stay in the cache while all rows are summed.
constexpr Index blocks_in_cache = 48;

// Some packed atoms of one crystal.
template <class T>
struct BlockView {
  const Block<T>* block;
  const BlockStep<T>* step;
  Index count;
  bool at_rest;
};

// Sums over packed atoms. F is T or Complex<T>; the rows form one strip, and `step` is its step of
// k.
template <class T, class F>
struct RowKernels {
  // Writes the sum over the atoms to the reflections of the rows and their mirrors; with `add` the
  // sum is added.
  void (*sum_rows)(const BlockView<T>&, const FormFactors<F>&, const Row* rows, Index count,
                   int step, bool add, Complex<T>* out);
  // Adds the part of the rows to the moments of every block.
  void (*gather_rows)(const BlockView<T>&, const FormFactors<F>&, const Row* rows, Index count,
                      int step, const Complex<T>* g, Moments<T>* moments);
};

// Returns the number of pairs (k, l) in one half of the plane, which has one of (k, l) and (-k,
// -l). The half plane begins with (0, 0).
ARGAND_INLINE Index half_plane(const HklBox& box) {
  return (Index(2 * box.k + 1) * (2 * box.l + 1) + 1) / 2;
}

// Returns the length of a line over l, with room for a vector that begins on its last number.
template <class T>
ARGAND_INLINE Index padded_line(const HklBox& box) {
  return 2 * box.l + 1 + lane_count<T>;
}

// Returns the length of a part of the half plane, with room for a vector that begins on its last
// number.
template <class T>
ARGAND_INLINE Index padded_part(Index begin, Index end) {
  return end - begin + lane_count<T>;
}

// Returns how many numbers the tables of one atom have in sum_box.
template <class T>
ARGAND_INLINE Index box_tables_of_atom(const HklBox& box, Index begin, Index end) {
  return 2 * (box.h + 1 + box.k + 1 + padded_line<T>(box) + padded_part<T>(begin, end));
}

// Returns how many numbers of scratch memory sum_box needs for so many atoms: their tables, and the
// orders of the axes that rise side by side.
template <class T>
ARGAND_INLINE Index box_scratch(const HklBox& box, Index begin, Index end, Index atoms) {
  const int most =
      box.h > box.k ? (box.h > box.l ? box.h : box.l) : (box.k > box.l ? box.k : box.l);
  return atoms * box_tables_of_atom<T>(box, begin, end) + 2 * (most + 1) * lane_count<T>;
}

// Sums over a box where displacement does not couple the axes. F is T or Complex<T>.
template <class T, class F>
struct BoxKernels {
  // Writes the sum over the atoms `order` (count), sorted by scatterer, to the entries begin .. end
  // of the half plane and their mates, at every h. `scratch` has box_scratch() numbers.
  void (*sum_box)(const Atoms<T>&, const Index* order, Index count, const FormFactors<F>&,
                  const HklBox&, Index begin, Index end, T* scratch, Complex<T>* out);
};

// Prepares packed atoms for their recurrences.
template <class T>
struct BlockKernels {
  void (*prepare)(const Block<T>*, Index count, BlockStep<T>*);
};

// cos and sin of 2 pi order point / points along an axis, (points / 2 + 1, reach + 1).
template <class T>
struct AxisTable {
  int reach;
  Index points;
  const T *cos, *sin;
};

// Tables and sizes of the transforms between a box and a map.
template <class T>
struct TransformPlan {
  AxisTable<T> x, y;
  int reach_z;
  Index points_z;
  Index row;         // points along z, padded to whole vectors
  Index row_orders;  // orders l >= 0, padded to whole vectors
  // cos and sin of 2 pi l z / points: with points side by side, (reach_z + 1, row), and with orders
  // side by side, (points_z, row_orders). 0 beyond the points and orders.
  const T *z_cos, *z_sin, *l_cos, *l_sin;
  Index slab;     // points along z that box_from_map sums along y and x at once: whole vectors
  bool streamed;  // the map is written past the caches

  // Numbers of cosines and sines along x and y.
  Index orders_x() const { return 2 * x.reach + 1; }
  Index orders_y() const { return 2 * y.reach + 1; }

  // Returns the size of the real lines along z, (orders_x, orders_y, row), and where one begins.
  // Orders along an axis are those of cosines, 0 .. reach, then those of sines, 1 .. reach.
  Index lines() const { return orders_x() * orders_y() * row; }
  Index line_of(Index i, Index j) const { return (i * orders_y() + j) * row; }

  // Returns the size of the half box l >= 0, (2 h + 1, 2 k + 1, 2 row_orders): all real parts of a
  // line, then all imaginary parts.
  Index half_box() const { return orders_x() * orders_y() * 2 * row_orders; }

  bool has_short_rows() const { return points_z < lane_count<T>; }
};

// Transforms between boxes and maps, see map_from_box.inl and box_from_map.inl.
template <class T>
struct TransformKernels {
  void (*lines_from_box)(const TransformPlan<T>&, const Complex<T>* F, T scale, int h, T* lines);
  Index (*planes_scratch)(const TransformPlan<T>&);
  void (*planes_from_lines)(const TransformPlan<T>&, const T* lines, Index begin, Index end,
                            T* scratch, T* map);
  Index (*box_scratch)(const TransformPlan<T>&);
  void (*box_from_map)(const TransformPlan<T>&, const T* map, T* scratch, T* half_box);
};

// Measures crystals begin .. end, see measure.hpp.
template <class T>
struct MeasureKernels {
  void (*measure)(const MeasureArgs<T>&, Index begin, Index end);
};

// Computes the derivatives by the coordinates of one site, see jacobian.hpp.
template <class T>
struct JacobianKernels {
  void (*jacobian_of_site)(const JacobianArgs<T>&, Index crystal, Index site);
};

struct GaussianKernels {
  // Writes out[i] = sum_t a[t] 2^(rate[t] squares[i]), rate <= 0.
  void (*gaussian_sum)(Index terms, const double* a, const double* rate, Index points,
                       const double* squares, double* out);
};

struct SeriesKernels {
  // Evaluates two Chebyshev series (terms, 2) on low .. high; points beyond are moved to the ends.
  void (*evaluate_series_pair)(const double* series, Index terms, double low, double high,
                               Index points, const double* q, double* v1, double* v2);
};

// Results of at least so many bytes are written past the caches, which would not hold them until
// they are used.
constexpr Index beyond_caches = 16 << 20;

struct StreamKernels {
  // Copies memory without leaving it in the caches.
  void (*copy_past_caches)(Index bytes, const void* from, void* to);
};

struct ProjectionKernels {
  // Functions that are summed at once: the stride of the functions is a multiple of it.
  static constexpr int width = 8;

  // Writes the strengths (rank, atoms) of atoms begin .. end.
  void (*project_scattering)(const AtomScattering&, Index begin, Index end, double* strengths);
};

struct SurveyKernels {
  // Surveys at least one reflection, see reflections.hpp.
  void (*survey)(Index count, const std::int32_t* hkl, const StolSquare&, double* squares, Survey&);
};

// How a line of complex numbers is transformed: passes of small radices, at least two.
struct LinePlan {
  static constexpr int most_passes = 32;
  Index points;
  int passes;
  int radix[most_passes];
  const float* twiddles;  // cos and sin, in the order in which the passes need them
};

// How a grid of half the structure factors is transformed to a density and back. A plane of the
// grid has one l: rows along h or x, one for each k or y; all real parts, then all imaginary parts.
struct DualSpacePlan {
  LinePlan h, k;
  LinePlan half_l;               // two neighbouring points of the density make one complex number
  const float* split;            // (points[2] / 4 + 1, 2): cos and sin of 2 pi l / points[2]
  Index row;                     // floats of a row: the points along h, padded to a multiple of 4
  Index plane;                   // floats of the real parts of a plane, padded
  Index planes;                  // l_max + 1
  Index blocks;                  // of columns
  const Index* row_of_column;    // (blocks lanes): where the row of a column begins on the grid
  const std::uint8_t* row_used;  // (planes, points along k): whether a row has columns
  const float* weight;           // (blocks lanes): 2, on l = 0 it is 1, and 0 without a column
  const Index* reach;            // (blocks): largest |h| of a block
  const float* target;           // (blocks, points along h, lanes), see target_of_* below
  float scale;                   // from the sums of the transform to G

  Index dense() const { return blocks * h.points; }
};

// A target says how F follows from G: an amplitude > 0, or minus the largest |F| that is carried.
// 0 stands where there is no reflection, and two powers of two where F = i G and F = -i G. The
// stored numbers are conj F where the reflection itself is stored, so that the signs differ for its
// mate.
constexpr float target_plus_i = -0x1p123f;
constexpr float target_minus_i = -0x1p124f;
// The largest |F| that is carried where there is no limit: smaller than those in size.
constexpr float target_free = -0x1p120f;

// Memory of one start, in floats.
struct DualSpaceMemory {
  float* grid;      // (planes + 1, 2, plane) and one register
  float* f;         // (blocks, points along h, 2, lanes)
  float* g;         // (blocks, points along h, 2, lanes)
  float* lines[4];  // each (longest line + lanes, 2, lanes)
};

struct DualSpaceKernels {
  int lanes;
  // Transforms the columns f along h and writes them to the grid.
  void (*columns_to_grid)(const DualSpacePlan&, const DualSpaceMemory&);
  // Transforms the grid to density, multiplies values below the threshold by the factor, and
  // transforms it back.
  void (*change_density)(const DualSpacePlan&, const DualSpaceMemory&, float threshold,
                         float factor);
  // Transforms the columns of the grid along h, and makes F of them. It is transformed and written
  // to the grid, or in the last cycle F and G are kept. Returns sum |F|^2 without F(000).
  double (*project)(const DualSpacePlan&, const DualSpaceMemory&, bool last);
  // Makes the two transforms of a cycle and nothing else.
  void (*transform_twice)(const DualSpacePlan&, const DualSpaceMemory&);
};

// All kernels of one instruction set.
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
                 SurveyKernels,
                 DualSpaceKernels {
  const char* level;
};

// Returns the kernels of the best instruction set that this processor has, or of the one that
// ARGAND_SIMD names.
const Kernels& kernels();

}  // namespace argand
