// A box of reflections, where displacement does not couple the axes: every term is a product of three factors,
//
//   T(hkl) = X(h) Y(k) Z(l),   X(h) = occ exp(-beta_11 h^2) exp(2 pi i h x), ...
//
// so a line along l costs one complex multiply-add an atom and reflection, with l across the lanes.
#pragma once

#include "kernels.hpp"

namespace argand {
namespace {

// The three factors of every atom for all orders, as they lie in the scratch memory of a crystal.
template <class T>
struct BoxTables {
  int nh, nk, nl, padded;  // orders of each axis; those of l padded to whole lanes
  Index stride;            // numbers of an atom
  T *tables, *along;       // (atoms, stride); X Y of every atom on one line (atoms, 2)

  ARGAND_INLINE BoxTables(const HklBox& box, Index atoms, T* scratch)
      : nh(2 * box.h + 1), nk(2 * box.k + 1), nl(2 * box.l + 1) {
    padded = (nl + lane_count<T> - 1) / lane_count<T> * lane_count<T>;
    stride = 2 * (nh + nk + padded);
    along = scratch;
    tables = scratch + 2 * atoms;
  }

  ARGAND_INLINE T* axis(Index atom, int d) const {
    return tables + atom * stride + (d == 0 ? 0 : d == 1 ? 2 * nh : 2 * (nh + nk));
  }
  ARGAND_INLINE int length(int d) const { return d == 0 ? nh : d == 1 ? nk : padded; }
  ARGAND_INLINE int orders(int d) const { return d == 0 ? nh : d == 1 ? nk : nl; }

  // Real parts of an axis lie first, then imaginary ones. Every lane makes one axis of one atom, from order 0 outwards.
  ARGAND_INLINE void fill(const Atoms<T>& atoms, const Index* order, Index count) {
    using V = Lanes<T>;
    constexpr int lanes = lane_count<T>;
    const int most = (nh > nk ? (nh > nl ? nh : nl) : (nk > nl ? nk : nl)) / 2;
    for (Index begin = 0; begin < 3 * count; begin += lanes) {
      const int used = int(3 * count - begin < lanes ? 3 * count - begin : lanes);
      T x[lanes] = {}, b[lanes] = {}, first[lanes] = {};
      for (int w = 0; w < used; ++w) {
        const Index atom = order[(begin + w) / 3];
        const int d = int((begin + w) % 3);
        x[w] = atoms.frac[3 * atom + d];
        b[w] = atoms.beta ? atoms.beta[6 * atom + d] : T(0);
        first[w] = d == 0 && atoms.occ ? atoms.occ[atom] : T(1);
      }
      Complex<V> t{load(first), V{}}, r = cis<V>(widen(load(x)));
      V q = broadcast<V>(1);
      if (atoms.beta) {
        r = r * bounded_exp(-load(b));
        q = bounded_exp(V(load(b) * T(-2)));
      }
      for (int n = 0; n <= most; ++n) {
        T re[lanes], im[lanes];
        store(re, t.re);
        store(im, t.im);
        for (int w = 0; w < used; ++w) {
          const int d = int((begin + w) % 3), reach = orders(d) / 2;
          if (n > reach) continue;
          T* table = axis((begin + w) / 3, d);
          table[reach + n] = table[reach - n] = re[w];
          table[length(d) + reach + n] = im[w];
          table[length(d) + reach - n] = -im[w];
        }
        t = t * r;
        r = r * q;
      }
    }
    for (Index a = 0; a < count; ++a) {
      T* z = axis(a, 2);
      for (int i = nl; i < padded; ++i) z[i] = z[padded + i] = 0;
    }
  }

  ARGAND_INLINE void enter_line(Index count, int h, int k) const {
    for (Index a = 0; a < count; ++a) {
      const T *X = axis(a, 0), *Y = axis(a, 1);
      along[2 * a] = X[h] * Y[k] - X[nh + h] * Y[nk + k];
      along[2 * a + 1] = X[h] * Y[nk + k] + X[nh + h] * Y[k];
    }
  }

  // `chunks` registers of l = c, c + 1, ... of the sum over atoms begin .. end. Four sums each, so that none waits long
  // for the one before.
  template <int chunks>
  ARGAND_INLINE void sum(Index begin, Index end, int c, Complex<Lanes<T>> (&out)[chunks]) const {
    using V = Lanes<T>;
    V rr[chunks] = {}, ii[chunks] = {}, ri[chunks] = {}, ir[chunks] = {};
    for (Index a = begin; a < end; ++a) {
      const T* Z = axis(a, 2) + c;
      const T re = along[2 * a], im = along[2 * a + 1];
      for (int i = 0; i < chunks; ++i) {
        const V z_re = load(Z + i * lane_count<T>), z_im = load(Z + padded + i * lane_count<T>);
        rr[i] += z_re * re;
        ii[i] += z_im * im;
        ri[i] += z_re * im;
        ir[i] += z_im * re;
      }
    }
    for (int i = 0; i < chunks; ++i) out[i] = {rr[i] - ii[i], ri[i] + ir[i]};
  }
};

// f times the sums of one line, added to what the line holds (or put there first).
template <class T, class F>
ARGAND_INLINE void add_line(const BoxTables<T>& tables, Index begin, Index end, const F* f, Complex<T>* line) {
  constexpr int lanes = lane_count<T>;
  for (int c = 0; c < tables.padded; c += lanes) {
    Complex<Lanes<T>> sum[1];
    tables.sum(begin, end, c, sum);
    T re[lanes], im[lanes];
    store(re, sum[0].re);
    store(im, sum[0].im);
    const int count = tables.nl - c < lanes ? tables.nl - c : lanes;
    for (int i = 0; i < count; ++i) {
      const Complex<T> value = f[c + i] * Complex<T>{re[i], im[i]};
      line[c + i] = begin == 0 ? value : line[c + i] + value;
    }
  }
}

// The same for one scatterer, real f and a line with its mate, in whole lanes: up to a register's worth of numbers
// beyond either line is overwritten, and f is read as far.
template <int chunks, class T>
ARGAND_INLINE void put_chunks(const BoxTables<T>& tables, Index count, int c, const T* f, Complex<T>* line,
                              Complex<T>* mate) {
  constexpr int lanes = lane_count<T>;
  Complex<Lanes<T>> sum[chunks];
  tables.sum(0, count, c, sum);
  for (int i = 0; i < chunks; ++i, c += lanes) {
    const Lanes<T> re = sum[i].re * load(f + c), im = sum[i].im * load(f + c);
    store_complex<T>(&line[c].re, re, im);
    store_complex<T>(&mate[-(c + lanes - 1)].re, reversed<T>(re), -reversed<T>(im));
  }
}

template <class T>
ARGAND_INLINE void put_line_and_mate(const BoxTables<T>& tables, Index count, const T* f, Complex<T>* line,
                                     Complex<T>* mate) {
  constexpr int lanes = lane_count<T>;
  int c = 0;
  for (; c + 2 * lanes <= tables.padded; c += 2 * lanes) put_chunks<2>(tables, count, c, f, line, mate);
  if (c < tables.padded) put_chunks<1>(tables, count, c, f, line, mate);
}

template <class T, class F>
void sum_box(const Atoms<T>& atoms, const Index* order, Index count, const FormFactors<F>& form, const HklBox& box,
             bool friedel, T* scratch, Complex<T>* out) {
  BoxTables<T> tables(box, count, scratch);
  tables.fill(atoms, order, count);
  const auto scatterer = [&](Index a) { return atoms.scatterer[order[a]]; };
  const bool one_scatterer = count > 0 && scatterer(0) == scatterer(count - 1);
  const int nh = tables.nh, nk = tables.nk, nl = tables.nl;
  const Index last = Index(nh) * nk * nl - 1;
  // Lines are visited from the middle of the box outwards, so what is written beyond one is written again later ...
  const Index inner = last + 1 - 2 * lane_count<T>;  // ... except near the ends of the box
  for (int h = friedel ? box.h : 0; h < nh; ++h) {
    for (int k = friedel && h == box.h ? box.k : 0; k < nk; ++k) {
      const Index at = (Index(h) * nk + k) * nl;
      tables.enter_line(count, h, k);
      if constexpr (sizeof(F) == sizeof(T)) {
        if (friedel && one_scatterer && at + nl < inner) {
          put_line_and_mate(tables, count, form.value + form.row_ptr[scatterer(0)] + at, out + at, out + (last - at));
          continue;
        }
      }
      if (count == 0) {
        for (int l = 0; l < nl; ++l) out[at + l] = {0, 0};
      }
      for (Index begin = 0; begin < count;) {
        Index end = begin + 1;
        while (end < count && scatterer(end) == scatterer(begin)) ++end;
        add_line(tables, begin, end, form.value + form.row_ptr[scatterer(begin)] + at, out + at);
        begin = end;
      }
      if (friedel) {
        for (int l = 0; l < nl; ++l) out[last - at - l] = conj(out[at + l]);
      }
    }
  }
}

}  // namespace
}  // namespace argand
