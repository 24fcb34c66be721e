// A box of reflections, where displacement does not couple the axes: every term is a product of three factors,
//
//   T(hkl) = X(h) Y(k) Z(l),   X(h) = occ exp(-beta_11 h^2) exp(2 pi i h x), ...
//
// so a line along l costs one complex multiply-add an atom and reflection, with l across the lanes.
#pragma once

#include "kernels.hpp"

namespace argand {
namespace {

// exp(-b n^2) exp(2 pi i n x) scale for n = -reach .. reach, real parts in re, imaginary ones in im.
template <class T>
ARGAND_INLINE void fill_axis(T x, T b, T scale, int reach, T* re, T* im) {
  Complex<T> t{scale, 0}, r = cis<T>(widen(x));
  T q = 1;
  if (b != 0) {
    r = r * bounded_exp(-b);
    q = bounded_exp(-2 * b);
  }
  for (int n = 0; n <= reach; ++n) {
    re[reach + n] = re[reach - n] = t.re;
    im[reach + n] = t.im;
    im[reach - n] = -t.im;
    t = t * r;
    r = r * q;
  }
}

template <class T, class F>
void sum_box(const Atoms<T>& atoms, const Index* order, Index count, const FormFactors<F>& form, const HklBox& box,
             bool friedel, T* scratch, Complex<T>* out) {
  using V = Lanes<T>;
  constexpr int lanes = lane_count<T>;
  const int nh = 2 * box.h + 1, nk = 2 * box.k + 1, nl = 2 * box.l + 1;
  const int padded = (nl + lanes - 1) / lanes * lanes;
  // scratch, as box_scratch() has measured it
  T* line_re = scratch;
  T* line_im = line_re + padded;
  T* along_re = line_im + padded;  // X(h) Y(k) of every atom
  T* along_im = along_re + count;
  T* tables = along_im + count;
  const Index stride = 2 * (nh + nk + padded);

  for (Index a = 0; a < count; ++a) {
    const Index atom = order[a];
    const T* x = atoms.frac + 3 * atom;
    const T* beta = atoms.beta ? atoms.beta + 6 * atom : nullptr;
    T* table = tables + a * stride;
    fill_axis<T>(x[0], beta ? beta[0] : T(0), atoms.occ ? atoms.occ[atom] : T(1), box.h, table, table + nh);
    table += 2 * nh;
    fill_axis<T>(x[1], beta ? beta[1] : T(0), T(1), box.k, table, table + nk);
    table += 2 * nk;
    for (int i = nl; i < padded; ++i) table[i] = table[padded + i] = 0;
    fill_axis<T>(x[2], beta ? beta[2] : T(0), T(1), box.l, table, table + padded);
  }

  const Index last = Index(nh) * nk * nl - 1;
  for (int h = friedel ? box.h : 0; h < nh; ++h) {
    for (int k = friedel && h == box.h ? box.k : 0; k < nk; ++k) {
      const Index at = (Index(h) * nk + k) * nl;
      for (Index a = 0; a < count; ++a) {
        const T *X = tables + a * stride, *Y = X + 2 * nh;
        along_re[a] = X[h] * Y[k] - X[nh + h] * Y[nk + k];
        along_im[a] = X[h] * Y[nk + k] + X[nh + h] * Y[k];
      }
      Complex<T>* row = out + at;
      if (count == 0) {
        for (int l = 0; l < nl; ++l) row[l] = {0, 0};
      }
      for (Index begin = 0; begin < count;) {
        const std::int32_t scatterer = atoms.scatterer[order[begin]];
        Index end = begin + 1;
        while (end < count && atoms.scatterer[order[end]] == scatterer) ++end;
        for (int c = 0; c < padded; c += lanes) {
          V re{}, im{};
          for (Index a = begin; a < end; ++a) {
            const T* Z = tables + a * stride + 2 * (nh + nk) + c;
            const V z_re = load(Z), z_im = load(Z + padded);
            re += z_re * along_re[a] - z_im * along_im[a];
            im += z_im * along_re[a] + z_re * along_im[a];
          }
          store(line_re + c, re);
          store(line_im + c, im);
        }
        const F* f = form.value + form.row_ptr[scatterer] + at;
        if (begin == 0) {
          for (int l = 0; l < nl; ++l) row[l] = f[l] * Complex<T>{line_re[l], line_im[l]};
        } else {
          for (int l = 0; l < nl; ++l) row[l] = row[l] + f[l] * Complex<T>{line_re[l], line_im[l]};
        }
        begin = end;
      }
      if (friedel) {
        Complex<T>* mate = out + (last - at);
        for (int l = 0; l < nl; ++l) mate[-l] = conj(row[l]);
      }
    }
  }
}

}  // namespace
}  // namespace argand
