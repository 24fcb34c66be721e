// Atoms by rows: every lane is an atom that walks along the row.
#pragma once

#include "kernels.hpp"

namespace argand {
namespace {

template <class T>
struct Walker {
  using V = Lanes<T>;
  Complex<V> t, r;
  V q;

  ARGAND_INLINE Walker() = default;

  // Occupancy is left to the caller: its gradient needs the bare term.
  ARGAND_INLINE Walker(const Block<T>& block, const BlockStep<T>& step, const Row& row, bool at_rest) {
    const V x[3] = {load(block.x[0]), load(block.x[1]), load(block.x[2])};
    t = phase_factor(x, row.first);
    r = {load(step.z_re), row.step > 0 ? load(step.z_im) : -load(step.z_im)};
    q = load(step.q);
    if (at_rest) return;
    V beta[6];
    for (int d = 0; d < 6; ++d) beta[d] = load(block.beta[d]);
    t = t * bounded_exp(-displacement_exponent(beta, row.first));
    r = r * term_ratio(beta, row.first, row.step);
  }

  ARGAND_INLINE void step() {
    t = t * r;
    r = r * q;
  }
};

template <class T>
void prepare(const Block<T>* blocks, Index count, BlockStep<T>* steps) {
  using V = Lanes<T>;
  for (Index b = 0; b < count; ++b) {
    const Complex<V> z = cis<V>(widen(load(blocks[b].x[2])));
    V beta[6];
    for (int d = 0; d < 6; ++d) beta[d] = load(blocks[b].beta[d]);
    store(steps[b].z_re, z.re);
    store(steps[b].z_im, z.im);
    store(steps[b].q, ratio_of_ratios(beta));
  }
}

// Blocks begin .. the returned end share one scatterer.
template <class T>
ARGAND_INLINE Index end_of_group(const BlockView<T>& atoms, Index begin) {
  Index end = begin + 1;
  while (end < atoms.count && atoms.block[end].scatterer == atoms.block[begin].scatterer) ++end;
  return end;
}

template <class T>
ARGAND_INLINE void add_product(T f, const Complex<Lanes<T>>& t, Lanes<T>& re, Lanes<T>& im) {
  re += t.re * f;
  im += t.im * f;
}
template <class T>
ARGAND_INLINE void add_product(Complex<T> f, const Complex<Lanes<T>>& t, Lanes<T>& re, Lanes<T>& im) {
  re += t.re * f.re - t.im * f.im;
  im += t.im * f.re + t.re * f.im;
}

// re, im [i] += f times the terms of blocks b .. b + n, which walk side by side: each step waits for the one before, so
// it takes several walks to keep the processor busy.
template <int n, class T, class F>
ARGAND_INLINE void walk(const BlockView<T>& atoms, Index b, const FormFactors<F>& form, const Row& row, Lanes<T>* re,
                        Lanes<T>* im) {
  Walker<T> walker[n];
  const F* f[n];
#pragma GCC unroll 4
  for (int w = 0; w < n; ++w) {
    const Block<T>& block = atoms.block[b + w];
    walker[w] = Walker<T>(block, atoms.step[b + w], row, atoms.at_rest);
    walker[w].t = walker[w].t * load(block.occ);
    f[w] = form.value + form.row_ptr[block.scatterer] + row.at;
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

template <class T, class F>
void sum_row(const BlockView<T>& atoms, const FormFactors<F>& form, const Row& row, bool add, Complex<T>* out) {
  Lanes<T> re[max_row], im[max_row];
  for (int i = 0; i < row.length; ++i) re[i] = im[i] = Lanes<T>{};
  Index b = 0;
  for (; b + 4 <= atoms.count; b += 4) walk<4>(atoms, b, form, row, re, im);
  for (; b + 2 <= atoms.count; b += 2) walk<2>(atoms, b, form, row, re, im);
  if (b < atoms.count) walk<1>(atoms, b, form, row, re, im);
  for (int i = 0; i < row.length; ++i) {
    Complex<T> total{sum_of_lanes<T>(re[i]), sum_of_lanes<T>(im[i])};
    Complex<T>& to = out[row.at + row.step * i];
    if (add) total = total + to;
    to = total;
    if (row.mirror != no_mirror) out[row.mirror - row.step * i] = conj(total);
  }
}

template <class T>
ARGAND_INLINE void add_wide(double* to, double factor, Lanes<T> v) {
  using W = Wide<Lanes<T>>;
  W sum;
  __builtin_memcpy(&sum, to, sizeof sum);
  sum += factor * widen(v);
  __builtin_memcpy(to, &sum, sizeof sum);
}

// moments of blocks b .. b + n += their share of a row; weight = conj(g) f. Side by side for the same reason as `walk`.
template <int n, class T>
ARGAND_INLINE void gather(const BlockView<T>& atoms, Index b, const Row& row, const Complex<T>* weight,
                          Moments<T>* moments) {
  using V = Lanes<T>;
  Walker<T> walker[n];
  V i0[n] = {}, i1[n] = {}, r0[n] = {}, r1[n] = {}, r2[n] = {};
#pragma GCC unroll 2
  for (int w = 0; w < n; ++w) walker[w] = Walker<T>(atoms.block[b + w], atoms.step[b + w], row, atoms.at_rest);
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
    add_wide<T>(m.im[0], h, i0[w]);
    add_wide<T>(m.im[1], k, i0[w]);
    add_wide<T>(m.im[2], 1, i1[w]);
    add_wide<T>(m.re[0], h * h, r0[w]);
    add_wide<T>(m.re[1], k * k, r0[w]);
    add_wide<T>(m.re[2], 1, r2[w]);
    add_wide<T>(m.re[3], h * k, r0[w]);
    add_wide<T>(m.re[4], h, r1[w]);
    add_wide<T>(m.re[5], k, r1[w]);
    add_wide<T>(m.re0, 1, r0[w]);
  }
}

template <class T, class F>
void gather_row(const BlockView<T>& atoms, const FormFactors<F>& form, const Row& row, const Complex<T>* g,
                Moments<T>* moments) {
  Complex<T> weight[max_row];
  for (Index begin = 0; begin < atoms.count;) {
    const Index end = end_of_group(atoms, begin);
    const F* f = form.value + form.row_ptr[atoms.block[begin].scatterer] + row.at;
    for (int i = 0; i < row.length; ++i) {
      Complex<T> conj_g = conj(g[row.at + row.step * i]);
      if (row.mirror != no_mirror) conj_g = conj_g + g[row.mirror - row.step * i];  // F(-h) = conj F(h) has its own g
      weight[i] = f[row.step * i] * conj_g;
    }
    Index b = begin;
    for (; b + 2 <= end; b += 2) gather<2>(atoms, b, row, weight, moments);
    if (b < end) gather<1>(atoms, b, row, weight, moments);
    begin = end;
  }
}

}  // namespace
}  // namespace argand
