// Sums over a box of reflections where displacement does not couple the axes. Every term is then a
// product of three factors,
//
//   T(hkl) = X(h) Y(k) Z(l),   X(h) = occ exp(-beta_11 h^2) exp(2 pi i h x), ...
//
// With P = Y Z on one half of the plane (k, l), and the sums C = sum X Re P and S = sum X Im P over
// the atoms of one scatterer,
//
//   G(h, kl)   = C + i S,           G(h, -kl) = C - i S,
//   G(-h, -kl) = conj G(h, kl),     G(-h, kl) = conj G(h, -kl),
//
// so that four multiply-adds an atom give the sums at four reflections. The pairs (k, l) lie across
// the lanes.
#pragma once

#include "kernels.hpp"

namespace argand {
namespace {

// Tables of the factors X, Y, Z and P of every atom, in the scratch memory of a crystal.
template <class T>
struct BoxTables {
  int h, k, l;            // orders 0..h and 0..k of X and Y, -l..l of Z
  Index half, begin;      // entries of the half plane; the first entry that P holds
  Index padded, entries;  // lengths of Z and of P
  Index stride;           // numbers of one atom
  T* tables;

  static constexpr Index lanes = lane_count<T>;

  ARGAND_INLINE BoxTables(const HklBox& box, Index begin, Index end, T* scratch)
      : h(box.h), k(box.k), l(box.l), half(half_plane(box)), begin(begin), tables(scratch) {
    padded = padded_line<T>(box);
    entries = padded_part<T>(begin, end);
    stride = box_tables_of_atom<T>(box, begin, end);
  }

  // Return the tables of an atom: all real parts, then all imaginary parts.
  ARGAND_INLINE T* x(Index atom) const { return tables + atom * stride; }
  ARGAND_INLINE T* y(Index atom) const { return x(atom) + 2 * (h + 1); }
  ARGAND_INLINE T* z(Index atom) const { return y(atom) + 2 * (k + 1); }
  ARGAND_INLINE T* p(Index atom) const { return z(atom) + 2 * padded; }

  // Fills the tables of `count` atoms. Every lane has one axis of one atom, and rises from order 0.
  ARGAND_INLINE void fill(const Atoms<T>& atoms, const Index* order, Index count) {
    using V = Lanes<T>;
    const int reach[3] = {h, k, l}, most = h > k ? (h > l ? h : l) : (k > l ? k : l);
    T* risen = x(count);
    for (Index first = 0; first < 3 * count; first += lanes) {
      const int used = int(3 * count - first < lanes ? 3 * count - first : lanes);
      T x_of[lanes] = {}, b[lanes] = {}, scale[lanes] = {};
      for (int w = 0; w < used; ++w) {
        const Index atom = order[(first + w) / 3];
        const int d = int((first + w) % 3);
        x_of[w] = atoms.frac[3 * atom + d];
        b[w] = atoms.beta ? atoms.beta[6 * atom + d] : T(0);
        scale[w] = d == 0 && atoms.occ ? atoms.occ[atom] : T(1);
      }
      Complex<V> t{load(scale), V{}}, r = cis<V>(widen(load(x_of)));
      V q = broadcast<V>(1);
      if (atoms.beta) {
        r = r * bounded_exp(-load(b));
        q = bounded_exp(V(load(b) * T(-2)));
      }
      // The orders of a lane follow each other `lanes` apart.
      for (int n = 0; n <= most; ++n) {
        store(risen + 2 * n * lanes, t.re);
        store(risen + (2 * n + 1) * lanes, t.im);
        t = t * r;
        r = r * q;
      }
      for (int w = 0; w < used; ++w) {
        const Index atom = (first + w) / 3;
        const int d = int((first + w) % 3);
        const T *re = risen + w, *im = re + lanes;
        if (d < 2) {
          T *axis = d == 0 ? x(atom) : y(atom), *sines = axis + reach[d] + 1;
          for (int n = 0; n <= reach[d]; ++n) {
            axis[n] = re[2 * n * lanes];
            sines[n] = im[2 * n * lanes];
          }
        } else {
          T *axis = z(atom) + l, *sines = axis + padded;
          for (int n = 0; n <= l; ++n) {
            axis[n] = axis[-n] = re[2 * n * lanes];
            sines[n] = im[2 * n * lanes];
            sines[-n] = -im[2 * n * lanes];
          }
        }
      }
    }
    for (Index a = 0; a < count; ++a) {
      for (Index i = 2 * l + 1; i < padded; ++i) z(a)[i] = z(a)[padded + i] = 0;
      multiply(a);
    }
  }

  // Multiplies Y and Z of one atom to P, line by line: k = 0 from l = 0 on, then whole lines. Each
  // line is written in whole vectors; numbers beyond its end are overwritten by the next line.
  ARGAND_INLINE void multiply(Index atom) const {
    const int width = 2 * l + 1;
    const Index end = begin + entries;
    T* to = p(atom);
    for (Index row = begin <= l ? 0 : (begin - l - 1) / width + 1; row <= k; ++row) {
      const Index start =
          row == 0 ? 0 : l + 1 + (row - 1) * width;  // of the line in the half plane
      if (start >= end) break;
      const Index skipped = begin > start ? begin - start : 0;
      const T *re = z(atom) + (row == 0 ? l : 0) + skipped, *im = re + padded;
      const Complex<T> factor{y(atom)[row], y(atom)[k + 1 + row]};
      const Index length = (row == 0 ? l + 1 : width) - skipped, at = start + skipped - begin;
      for (Index i = 0; i < length; i += lanes) {
        if (at + i + lanes > entries) break;
        const Lanes<T> z_re = load(re + i), z_im = load(im + i);
        store(to + at + i, z_re * factor.re - z_im * factor.im);
        store(to + entries + at + i, z_re * factor.im + z_im * factor.re);
      }
    }
  }

  // Sums C and S over the atoms first .. last, at the planes `plane` .. `plane` + planes of h and
  // the entries i .. i + lanes.
  template <int planes>
  ARGAND_INLINE void sum(Index first, Index last, int plane, Index i,
                         Complex<Lanes<T>> (&c)[planes], Complex<Lanes<T>> (&s)[planes]) const {
#pragma GCC unroll 2
    for (int n = 0; n < planes; ++n) c[n] = s[n] = {Lanes<T>{}, Lanes<T>{}};
    for (Index a = first; a < last; ++a) {
      const T* from = p(a) + (i - begin);
      const Lanes<T> re = load(from), im = load(from + entries);
      const T* factor = x(a) + plane;
#pragma GCC unroll 2
      for (int n = 0; n < planes; ++n) {
        c[n].re += re * factor[n];
        c[n].im += re * factor[h + 1 + n];
        s[n].re += im * factor[n];
        s[n].im += im * factor[h + 1 + n];
      }
    }
  }
};

// The direction in which an array is read or written: entry j is at[j] (up) or at[-j] (down).
// Unless a `whole` vector is wanted, only the first `count` entries are touched.
enum class Side { up, down };

// Loads a vector of real numbers.
template <Side side, bool whole, class T>
ARGAND_INLINE Lanes<T> load_side(const T* at, Index count) {
  constexpr Index lanes = lane_count<T>;
  if constexpr (whole) return side == Side::down ? reversed<T>(load(at - (lanes - 1))) : load(at);
  T entries[lanes] = {};
  for (Index j = 0; j < count; ++j) entries[j] = side == Side::down ? at[-j] : at[j];
  return load(entries);
}

// Loads a vector of complex numbers.
template <Side side, bool whole, class T>
ARGAND_INLINE Complex<Lanes<T>> load_side(const Complex<T>* at, Index count) {
  constexpr Index lanes = lane_count<T>;
  T re[lanes] = {}, im[lanes] = {};
  for (Index j = 0; j < (whole ? lanes : count); ++j) {
    const Complex<T> value = side == Side::down ? at[-j] : at[j];
    re[j] = value.re;
    im[j] = value.im;
  }
  return {load(re), load(im)};
}

// Stores a vector of complex numbers.
template <Side side, bool whole, class T>
ARGAND_INLINE void store_side(Complex<T>* at, Index count, const Complex<Lanes<T>>& v) {
  constexpr Index lanes = lane_count<T>;
  if constexpr (whole && side == Side::up) {
    store_complex<T>(&at->re, v.re, v.im);
  } else if constexpr (whole) {
    store_reversed_complex<T>(&at[-(lanes - 1)].re, v.re, v.im);
  } else {
    T re[lanes], im[lanes];
    store(re, v.re);
    store(im, v.im);
    for (Index j = 0; j < count; ++j) at[side == Side::down ? -j : j] = {re[j], im[j]};
  }
}

// Adds g f to a sum, for real and for complex f.
template <class V>
ARGAND_INLINE void add(Complex<V>& sum, const Complex<V>& g, const V& f) {
  sum.re += g.re * f;
  sum.im += g.im * f;
}
template <class V>
ARGAND_INLINE void add(Complex<V>& sum, const Complex<V>& g, const Complex<V>& f) {
  sum.re += g.re * f.re - g.im * f.im;
  sum.im += g.re * f.im + g.im * f.re;
}

// Writes F at `count` entries from i on, at the planes `plane` .. `plane` + planes of h, and at
// their mates.
template <int planes, bool whole, class T, class F>
ARGAND_INLINE void put_planes(const BoxTables<T>& tables, const Atoms<T>& atoms, const Index* order,
                              Index atom_count, const FormFactors<F>& form, int plane, Index i,
                              Index count, Complex<T>* out) {
  using V = Lanes<T>;
  // Real form factors have f(-h) = f(h).
  constexpr bool real = sizeof(F) == sizeof(T);
  const Index size = 2 * tables.half - 1, centre = Index(tables.h) * size + tables.half - 1;
  Complex<V> up[planes], down[planes], mate_up[planes], mate_down[planes];
#pragma GCC unroll 2
  for (int n = 0; n < planes; ++n) up[n] = down[n] = mate_up[n] = mate_down[n] = {V{}, V{}};
  for (Index begin = 0; begin < atom_count;) {
    const std::int32_t scatterer = atoms.scatterer[order[begin]];
    Index end = begin + 1;
    while (end < atom_count && atoms.scatterer[order[end]] == scatterer) ++end;
    Complex<V> c[planes], s[planes];
    tables.sum(begin, end, plane, i, c, s);
    const F* f = form.value + form.row_ptr[scatterer] + centre;
#pragma GCC unroll 2
    for (int n = 0; n < planes; ++n) {
      const Index at = (plane + n) * size;
      const Complex<V> g_up{c[n].re - s[n].im, c[n].im + s[n].re},
          g_down{c[n].re + s[n].im, c[n].im - s[n].re};
      add(up[n], g_up, load_side<Side::up, whole>(f + at + i, count));
      add(down[n], g_down, load_side<Side::down, whole>(f + at - i, count));
      if constexpr (!real) {
        add(mate_up[n], conj(g_down), load_side<Side::up, whole>(f - at + i, count));
        add(mate_down[n], conj(g_up), load_side<Side::down, whole>(f - at - i, count));
      }
    }
    begin = end;
  }
#pragma GCC unroll 2
  for (int n = 0; n < planes; ++n) {
    const Index at = (plane + n) * size;
    // The lines of the next planes are fetched meanwhile.
    for (int half = 0; half < (whole ? 2 : 0); ++half) {
      const Index ahead = planes * size, next = half * Index(lane_count<T>) / 2;
      __builtin_prefetch(out + centre + at + ahead + i + next, 1);
      __builtin_prefetch(out + centre + at + ahead - i - next, 1);
      __builtin_prefetch(out + centre - at - ahead + i + next, 1);
      __builtin_prefetch(out + centre - at - ahead - i - next, 1);
    }
    store_side<Side::up, whole>(out + centre + at + i, count, up[n]);
    store_side<Side::down, whole>(out + centre + at - i, count, down[n]);
    if (plane + n == 0) continue;
    store_side<Side::up, whole>(out + centre - at + i, count, real ? conj(down[n]) : mate_up[n]);
    store_side<Side::down, whole>(out + centre - at - i, count, real ? conj(up[n]) : mate_down[n]);
  }
}

// Sums a part of the half plane and its mates over atoms, see BoxKernels.
template <class T, class F>
void sum_box(const Atoms<T>& atoms, const Index* order, Index count, const FormFactors<F>& form,
             const HklBox& box, Index begin, Index end, T* scratch, Complex<T>* out) {
  constexpr Index lanes = lane_count<T>;
  BoxTables<T> tables(box, begin, end, scratch);
  tables.fill(atoms, order, count);
  // Plane by plane, so that memory is written in its order, for as many entries as P stays in the
  // cache for: 16 KiB of it.
  constexpr Index in_cache = 16384 / (2 * lane_bytes);
  const Index block = (count < in_cache ? in_cache / (count < 1 ? 1 : count) : 1) * lanes;
  const bool whole = end - begin >= lanes;
  for (Index first = begin; first < end; first += block) {
    const Index last = end - first < block ? end : first + block;
    for (int plane = 0; plane <= box.h; plane += 2) {
      for (Index done = first; done < last; done += lanes) {
        const Index i = whole && end - done < lanes
                            ? end - lanes
                            : done;  // the last register lies over the one before
        const Index entries = whole ? lanes : end - begin;
        const auto put = [&]<int planes, bool all>() {
          put_planes<planes, all>(tables, atoms, order, count, form, plane, i, entries, out);
        };
        if (plane < box.h) {
          whole ? put.template operator()<2, true>() : put.template operator()<2, false>();
        } else {
          whole ? put.template operator()<1, true>() : put.template operator()<1, false>();
        }
      }
    }
  }
}

}  // namespace
}  // namespace argand
