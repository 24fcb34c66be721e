// Sums over rows of reflections, atoms across the lanes: the terms of all lanes walk along the row.
#pragma once

#include "kernels.hpp"

namespace argand {
namespace {

// Computes what the recurrences of every block need.
template <class T>
void prepare(const Block<T>* blocks, Index count, BlockStep<T>* steps) {
  using V = Lanes<T>;
  for (Index b = 0; b < count; ++b) {
    const Complex<V> y = cis<V>(widen(load(blocks[b].x[1]))),
                     z = cis<V>(widen(load(blocks[b].x[2])));
    V beta[6];
    for (int d = 0; d < 6; ++d) beta[d] = load(blocks[b].beta[d]);
    store(steps[b].y_re, y.re);
    store(steps[b].y_im, y.im);
    store(steps[b].z_re, z.re);
    store(steps[b].z_im, z.im);
    store(steps[b].q_k, ratio_of_ratios<1>(beta));
    store(steps[b].q_l, ratio_of_ratios<2>(beta));
    store(steps[b].across[0], ratio_across(beta, +1));
    store(steps[b].across[1], ratio_across(beta, -1));
  }
}

// The recurrence along a row: the term t, its ratio r to the next term, and the ratio q of ratios.
template <class T>
struct Walker {
  using V = Lanes<T>;
  Complex<V> t, r;
  V q;

  ARGAND_INLINE void step() {
    t = t * r;
    r = r * q;
  }
};

// The recurrence from the first term of a row to the first term of the next row of a strip. The
// caller multiplies by the occupancy, because its gradient needs the bare term.
template <class T>
struct StripWalker {
  using V = Lanes<T>;
  Complex<V> t, r;  // the first term of the row, and the ratio of the next row's first term to it
  V along;          // |ratio| along the row

  ARGAND_INLINE StripWalker() = default;

  ARGAND_INLINE StripWalker(const Block<T>& block, const BlockStep<T>& prepared, const Row& row,
                            int step, bool at_rest) {
    const V x[3] = {load(block.x[0]), load(block.x[1]), load(block.x[2])};
    t = phase_factor(x, row.first);
    r = {load(prepared.y_re), step > 0 ? load(prepared.y_im) : -load(prepared.y_im)};
    along = broadcast<V>(1);
    if (at_rest) return;
    V beta[6];
    for (int d = 0; d < 6; ++d) beta[d] = load(block.beta[d]);
    t = t * bounded_exp(-displacement_exponent(beta, row.first));
    r = r * term_ratio<1>(beta, row.first, step);
    along = term_ratio<2>(beta, row.first, row.step);
  }

  ARGAND_INLINE Walker<T> along_row(const BlockStep<T>& prepared, int row_step) const {
    const Complex<V> z = {load(prepared.z_re),
                          row_step > 0 ? load(prepared.z_im) : -load(prepared.z_im)};
    return {t, z * along, load(prepared.q_l)};
  }

  ARGAND_INLINE void step(const BlockStep<T>& prepared, bool same_sign) {
    t = t * r;
    r = r * load(prepared.q_k);
    const V next = along * load(prepared.across[same_sign ? 0 : 1]),
            most = broadcast<V>(largest_exp<T>);
    // Only where t is 0 would the ratio be infinite; their product must stay 0.
    along = next < most ? next : most;
  }
};

// Returns the end of the blocks from `begin` on that share one scatterer.
template <class T>
ARGAND_INLINE Index end_of_group(const BlockView<T>& atoms, Index begin) {
  Index end = begin + 1;
  while (end < atoms.count && atoms.block[end].scatterer == atoms.block[begin].scatterer) ++end;
  return end;
}

// Returns a number in every lane. Where a vector is two registers g++ puts it together in memory,
// number by number, and waits for that; a half is one register.
template <class T>
ARGAND_INLINE Lanes<T> in_every_lane(T number) {
#if defined(__AVX__) && !defined(__AVX512F__)
  typedef T Half __attribute__((vector_size(lane_bytes / 2)));
  struct Halves {
    Half first, second;
  };
  const Half half = Half{} + number;
  return __builtin_bit_cast(Lanes<T>, Halves{half, half});
#else
  return number - Lanes<T>{};
#endif
}

// Adds f t to re + i im, for real and for complex f.
template <class T>
ARGAND_INLINE void add_product(T f, const Complex<Lanes<T>>& t, Lanes<T>& re, Lanes<T>& im) {
  const Lanes<T> factor = in_every_lane(f);
  re += t.re * factor;
  im += t.im * factor;
}
template <class T>
ARGAND_INLINE void add_product(Complex<T> f, const Complex<Lanes<T>>& t, Lanes<T>& re,
                               Lanes<T>& im) {
  re += t.re * f.re - t.im * f.im;
  im += t.im * f.re + t.re * f.im;
}

// Adds f times the terms of the blocks b .. b + n to the sums re[i] + i im[i] of a row. The blocks
// walk side by side: each step waits for the one before, so several walks keep the processor busy.
template <int n, class T, class F>
ARGAND_INLINE void walk(const BlockView<T>& atoms, Index b, const FormFactors<F>& form,
                        const Row& row, bool same_sign, StripWalker<T>* strip, Lanes<T>* re,
                        Lanes<T>* im) {
  Walker<T> walker[n];
  const F* f[n];
#pragma GCC unroll 4
  for (int w = 0; w < n; ++w) {
    walker[w] = strip[b + w].along_row(atoms.step[b + w], row.step);
    strip[b + w].step(atoms.step[b + w], same_sign);
    f[w] = form.value + form.row_ptr[atoms.block[b + w].scatterer] + row.at;
  }
  for (int i = 0; i < row.length; ++i) {
    Lanes<T> sum_re = re[i], sum_im = im[i];
#pragma GCC unroll 4
    for (int w = 0; w < n; ++w) {
      add_product<T>(f[w][row.step * i], walker[w].t, sum_re, sum_im);
      walker[w].step();
    }
    re[i] = sum_re;
    im[i] = sum_im;
  }
}

// Sums the rows of a strip over atoms, see RowKernels.
template <class T, class F>
void sum_rows(const BlockView<T>& atoms, const FormFactors<F>& form, const Row* rows, Index count,
              int step, bool add, Complex<T>* out) {
  StripWalker<T> strip[blocks_in_cache];
  for (Index b = 0; b < atoms.count; ++b) {
    strip[b] = StripWalker<T>(atoms.block[b], atoms.step[b], rows[0], step, atoms.at_rest);
    strip[b].t = strip[b].t * load(atoms.block[b].occ);
  }
  Lanes<T> re[max_row], im[max_row];
  for (Index r = 0; r < count; ++r) {
    const Row& row = rows[r];
    const bool same_sign = row.step == step;
    for (int i = 0; i < row.length; ++i) re[i] = im[i] = Lanes<T>{};
    Index b = 0;
    for (; b + 4 <= atoms.count; b += 4) walk<4>(atoms, b, form, row, same_sign, strip, re, im);
    for (; b + 2 <= atoms.count; b += 2) walk<2>(atoms, b, form, row, same_sign, strip, re, im);
    if (b < atoms.count) walk<1>(atoms, b, form, row, same_sign, strip, re, im);
    for (int i = 0; i < row.length; ++i) {
      Complex<T> total{sum_of_lanes<T>(re[i]), sum_of_lanes<T>(im[i])};
      Complex<T>& to = out[row.at + row.step * i];
      if (add) total = total + to;
      to = total;
      if (row.mirror != no_mirror) out[row.mirror - row.step * i] = conj(total);
    }
  }
}

// Adds factor v to a vector of doubles.
template <class T>
ARGAND_INLINE void add_wide(double* to, double factor, Lanes<T> v) {
  using W = Wide<Lanes<T>>;
  W sum;
  __builtin_memcpy(&sum, to, sizeof sum);
  sum += factor * widen(v);
  __builtin_memcpy(to, &sum, sizeof sum);
}

// Adds the part of a row to the moments of the blocks b .. b + n, with weight = conj(g) f. The
// blocks walk side by side to keep the processor busy.
template <int n, class T>
ARGAND_INLINE void gather(const BlockView<T>& atoms, Index b, const Row& row, bool same_sign,
                          StripWalker<T>* strip, const Complex<T>* weight, Moments<T>* moments) {
  using V = Lanes<T>;
  Walker<T> walker[n];
  V i0[n] = {}, i1[n] = {}, r0[n] = {}, r1[n] = {}, r2[n] = {};
#pragma GCC unroll 2
  for (int w = 0; w < n; ++w) {
    walker[w] = strip[b + w].along_row(atoms.step[b + w], row.step);
    strip[b + w].step(atoms.step[b + w], same_sign);
  }
  for (int i = 0; i < row.length; ++i) {
    const T l = T(row.first.l + row.step * i);
#pragma GCC unroll 2
    for (int w = 0; w < n; ++w) {
      const V pr = walker[w].t.re * weight[i].re - walker[w].t.im * weight[i].im;
      const V pi = walker[w].t.im * weight[i].re + walker[w].t.re * weight[i].im;
      i0[w] += pi;
      i1[w] += pi * l;
      r0[w] += pr;
      r1[w] += pr * l;
      r2[w] += pr * (l * l);
      walker[w].step();
    }
  }
  const double h = row.first.h, k = row.first.k;
#pragma GCC unroll 2
  for (int w = 0; w < n; ++w) {
    Moments<T>& m = moments[b + w];
    add_wide<T>(m.sum[0], h, i0[w]);
    add_wide<T>(m.sum[1], k, i0[w]);
    add_wide<T>(m.sum[2], 1, i1[w]);
    add_wide<T>(m.sum[3], h * h, r0[w]);
    add_wide<T>(m.sum[4], k * k, r0[w]);
    add_wide<T>(m.sum[5], 1, r2[w]);
    add_wide<T>(m.sum[6], h * k, r0[w]);
    add_wide<T>(m.sum[7], h, r1[w]);
    add_wide<T>(m.sum[8], k, r1[w]);
    add_wide<T>(m.sum[9], 1, r0[w]);
  }
}

// Adds the rows of a strip to the moments of atoms, see RowKernels.
template <class T, class F>
void gather_rows(const BlockView<T>& atoms, const FormFactors<F>& form, const Row* rows,
                 Index count, int step, const Complex<T>* g, Moments<T>* moments) {
  StripWalker<T> strip[blocks_in_cache];
  for (Index b = 0; b < atoms.count; ++b) {
    strip[b] = StripWalker<T>(atoms.block[b], atoms.step[b], rows[0], step, atoms.at_rest);
  }
  Complex<T> weight[max_row];
  for (Index r = 0; r < count; ++r) {
    const Row& row = rows[r];
    const bool same_sign = row.step == step;
    for (Index begin = 0; begin < atoms.count;) {
      const Index end = end_of_group(atoms, begin);
      const F* f = form.value + form.row_ptr[atoms.block[begin].scatterer] + row.at;
      for (int i = 0; i < row.length; ++i) {
        Complex<T> conj_g = conj(g[row.at + row.step * i]);
        // The mate F(-h) = conj F(h) has a g of its own.
        if (row.mirror != no_mirror) conj_g = conj_g + g[row.mirror - row.step * i];
        weight[i] = f[row.step * i] * conj_g;
      }
      Index b = begin;
      for (; b + 2 <= end; b += 2) gather<2>(atoms, b, row, same_sign, strip, weight, moments);
      if (b < end) gather<1>(atoms, b, row, same_sign, strip, weight, moments);
      begin = end;
    }
  }
}

}  // namespace
}  // namespace argand
