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

template <class T, class F>
void sum_row(const BlockView<T>& atoms, const FormFactors<F>& form, const Row& row, bool add, Complex<T>* out) {
  using V = Lanes<T>;
  V re[max_row], im[max_row];
  Complex<T> total[max_row];
  for (int i = 0; i < row.length; ++i) total[i] = add ? out[row.at + row.step * i] : Complex<T>{0, 0};
  for (Index begin = 0; begin < atoms.count;) {
    const Index end = end_of_group(atoms, begin);
    for (int i = 0; i < row.length; ++i) re[i] = im[i] = V{};
    for (Index b = begin; b < end; ++b) {
      Walker<T> walker(atoms.block[b], atoms.step[b], row, atoms.at_rest);
      walker.t = walker.t * load(atoms.block[b].occ);
      for (int i = 0; i < row.length; ++i) {
        re[i] += walker.t.re;
        im[i] += walker.t.im;
        walker.step();
      }
    }
    const F* f = form.value + form.row_ptr[atoms.block[begin].scatterer] + row.at;
    for (int i = 0; i < row.length; ++i) {
      total[i] = total[i] + f[row.step * i] * Complex<T>{sum_of_lanes<T>(re[i]), sum_of_lanes<T>(im[i])};
    }
    begin = end;
  }
  for (int i = 0; i < row.length; ++i) out[row.at + row.step * i] = total[i];
  if (row.mirror != no_mirror) {
    for (int i = 0; i < row.length; ++i) out[row.mirror - row.step * i] = conj(total[i]);
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

template <class T, class F>
void gather_row(const BlockView<T>& atoms, const FormFactors<F>& form, const Row& row, const Complex<T>* g,
                Moments<T>* moments) {
  using V = Lanes<T>;
  Complex<T> weight[max_row];
  const double h = row.first.h, k = row.first.k;
  for (Index begin = 0; begin < atoms.count;) {
    const Index end = end_of_group(atoms, begin);
    const F* f = form.value + form.row_ptr[atoms.block[begin].scatterer] + row.at;
    for (int i = 0; i < row.length; ++i) {
      Complex<T> conj_g = conj(g[row.at + row.step * i]);
      if (row.mirror != no_mirror) conj_g = conj_g + g[row.mirror - row.step * i];  // F(-h) = conj F(h) has its own g
      weight[i] = f[row.step * i] * conj_g;
    }
    for (Index b = begin; b < end; ++b) {
      Walker<T> walker(atoms.block[b], atoms.step[b], row, atoms.at_rest);
      V i0{}, i1{}, r0{}, r1{}, r2{};
      for (int i = 0; i < row.length; ++i) {
        const T l = T(row.first.l + row.step * i);
        const V pr = walker.t.re * weight[i].re - walker.t.im * weight[i].im;
        const V pi = walker.t.im * weight[i].re + walker.t.re * weight[i].im;
        i0 += pi;
        i1 += pi * l;
        r0 += pr;
        r1 += pr * l;
        r2 += pr * (l * l);
        walker.step();
      }
      Moments<T>& m = moments[b];
      add_wide<T>(m.im[0], h, i0);
      add_wide<T>(m.im[1], k, i0);
      add_wide<T>(m.im[2], 1, i1);
      add_wide<T>(m.re[0], h * h, r0);
      add_wide<T>(m.re[1], k * k, r0);
      add_wide<T>(m.re[2], 1, r2);
      add_wide<T>(m.re[3], h * k, r0);
      add_wide<T>(m.re[4], h, r1);
      add_wide<T>(m.re[5], k, r1);
      add_wide<T>(m.re0, 1, r0);
    }
    begin = end;
  }
}

}  // namespace
}  // namespace argand
