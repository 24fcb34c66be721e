#include "argand/density.hpp"

#include <algorithm>
#include <vector>

#include "argand/parallel.hpp"
#include "argand/simd.hpp"
#include "argand/term.hpp"

// Three one-dimensional transforms, each a matrix product with a short inner dimension, over the half box l >= 0.
namespace argand {
namespace {

// exp(2 pi i order x / n) for order = -reach .. reach (rows) and x = 0 .. n - 1.
template <class T>
class Twiddles {
 public:
  Twiddles(int reach, Index n) : reach_(reach), n_(n), value_(n) {
    for (Index i = 0; i < n; ++i) value_[i] = cis<T>(double(i) / double(n));
  }
  Complex<T> operator()(int order, Index x) const {
    const Index i = order * x % n_;
    return value_[i < 0 ? i + n_ : i];
  }
  int reach() const { return reach_; }
  Index size() const { return n_; }

 private:
  int reach_;
  Index n_;
  std::vector<Complex<T>> value_;
};

// A complex array as two real ones: what vector units like.
template <class T>
struct Planes {
  std::vector<T> re, im;
  explicit Planes(Index n) : re(n), im(n) {}
  void clear() {
    std::fill(re.begin(), re.end(), T(0));
    std::fill(im.begin(), im.end(), T(0));
  }
};

// y += (c + i s) x over n numbers
template <class T>
ARGAND_CLONES void add_multiple(Index n, Complex<T> factor, const T* xr, const T* xi, T* yr, T* yi) {
  for (Index i = 0; i < n; ++i) {
    yr[i] += factor.re * xr[i] - factor.im * xi[i];
    yi[i] += factor.re * xi[i] + factor.im * xr[i];
  }
}

// y += Re (c + i s)(xr + i xi) for one complex x and a line of factors
template <class T>
ARGAND_CLONES void add_real_part(Index n, Complex<T> x, const T* c, const T* s, T* y) {
  for (Index i = 0; i < n; ++i) y[i] += c[i] * x.re - s[i] * x.im;
}

template <class T>
ARGAND_CLONES Complex<T> dot(Index n, const T* y, const T* c, const T* s) {
  constexpr int lanes = 16;
  T re[lanes] = {}, im[lanes] = {};
  Index i = 0;
  for (; i + lanes <= n; i += lanes) {
    for (int w = 0; w < lanes; ++w) {
      re[w] += y[i + w] * c[i + w];
      im[w] += y[i + w] * s[i + w];
    }
  }
  Complex<T> sum{0, 0};
  for (int w = 0; w < lanes; ++w) sum.re += re[w], sum.im += im[w];
  for (; i < n; ++i) sum.re += y[i] * c[i], sum.im += y[i] * s[i];
  return sum;
}

// exp(sign 2 pi i l z / nc) for l = 0 .. reach, as lines along z
template <class T>
Planes<T> lines_along_z(const Twiddles<T>& wz, int sign) {
  Planes<T> lines((wz.reach() + 1) * wz.size());
  for (int l = 0; l <= wz.reach(); ++l) {
    for (Index z = 0; z < wz.size(); ++z) {
      const Complex<T> w = wz(sign * l, z);
      lines.re[l * wz.size() + z] = w.re;
      lines.im[l * wz.size() + z] = w.im;
    }
  }
  return lines;
}

// The Hermitian part of F on l >= 0, its mates' share in it: scale (F(h) + conj F(-h)) / 2, twice that for l > 0.
template <class T>
Planes<T> fold(const HklBox& box, const std::complex<T>* F, T scale) {
  const Index width = 2 * box.l + 1, half = box.l + 1, lines = box.size() / width;
  Planes<T> folded(lines * half);
  for (Index line = 0; line < lines; ++line) {
    for (Index l = 0; l < half; ++l) {
      const Index at = line * width + box.l + l;
      const std::complex<T> f = F[at], mate = F[box.size() - 1 - at];
      const T weight = l == 0 ? scale / 2 : scale;
      folded.re[line * half + l] = weight * (f.real() + mate.real());
      folded.im[line * half + l] = weight * (f.imag() - mate.imag());
    }
  }
  return folded;
}

constexpr Index slab = 8;  // planes of constant x that make one task

}  // namespace

template <class T>
void map_from_structure_factors(Index maps, const HklBox& box, const std::complex<T>* F, const Grid& grid, double scale,
                                T* map) {
  const Twiddles<T> wx(box.h, grid.a), wy(box.k, grid.b), wz(box.l, grid.c);
  const Planes<T> lines = lines_along_z(wz, -1);
  const Index half = box.l + 1, plane = (2 * box.k + 1) * half;
  const Index slabs = (grid.a + slab - 1) / slab;
  parallel_for(maps * slabs, [&](Index task) {
    const Index m = task / slabs, begin = task % slabs * slab, end = std::min(grid.a, begin + slab);
    const Planes<T> folded = fold(box, F + m * box.size(), T(scale));
    Planes<T> kl(plane), yl(half);
    for (Index x = begin; x < end; ++x) {
      kl.clear();
      for (int h = -box.h; h <= box.h; ++h) {
        const Index at = (h + box.h) * plane;
        add_multiple(plane, wx(-h, x), &folded.re[at], &folded.im[at], kl.re.data(), kl.im.data());
      }
      for (Index y = 0; y < grid.b; ++y) {
        yl.clear();
        for (int k = -box.k; k <= box.k; ++k) {
          const Index at = (k + box.k) * half;
          add_multiple(half, wy(-k, y), &kl.re[at], &kl.im[at], yl.re.data(), yl.im.data());
        }
        T* out = map + m * grid.size() + (x * grid.b + y) * grid.c;
        std::fill(out, out + grid.c, T(0));
        for (Index l = 0; l < half; ++l) {
          add_real_part<T>(grid.c, {yl.re[l], yl.im[l]}, &lines.re[l * grid.c], &lines.im[l * grid.c], out);
        }
      }
    }
  });
}

template <class T>
void structure_factors_from_map(Index maps, const HklBox& box, const T* map, const Grid& grid, double scale,
                                std::complex<T>* F) {
  const Twiddles<T> wx(box.h, grid.a), wy(box.k, grid.b), wz(box.l, grid.c);
  const Planes<T> lines = lines_along_z(wz, +1);
  const Index half = box.l + 1, plane = (2 * box.k + 1) * half, width = 2 * box.l + 1;
  parallel_for(maps, [&](Index m) {
    Planes<T> hkl((2 * box.h + 1) * plane), kl(plane), yl(half);
    for (Index x = 0; x < grid.a; ++x) {
      kl.clear();
      for (Index y = 0; y < grid.b; ++y) {
        const T* line = map + m * grid.size() + (x * grid.b + y) * grid.c;
        for (Index l = 0; l < half; ++l) {
          const Complex<T> sum = dot(grid.c, line, &lines.re[l * grid.c], &lines.im[l * grid.c]);
          yl.re[l] = sum.re, yl.im[l] = sum.im;
        }
        for (int k = -box.k; k <= box.k; ++k) {
          const Index at = (k + box.k) * half;
          add_multiple(half, wy(k, y), yl.re.data(), yl.im.data(), &kl.re[at], &kl.im[at]);
        }
      }
      for (int h = -box.h; h <= box.h; ++h) {
        const Index at = (h + box.h) * plane;
        add_multiple(plane, wx(h, x), kl.re.data(), kl.im.data(), &hkl.re[at], &hkl.im[at]);
      }
    }
    std::complex<T>* out = F + m * box.size();
    for (Index line = 0; line < box.size() / width; ++line) {
      for (Index l = 0; l < half; ++l) {
        const Index at = line * width + box.l + l, from = line * half + l;
        const std::complex<T> f(T(scale) * hkl.re[from], T(scale) * hkl.im[from]);
        out[at] = f;
        if (l > 0) out[box.size() - 1 - at] = std::conj(f);
      }
    }
  });
}

#define ARGAND_INSTANTIATE(T)                                                                                      \
  template void map_from_structure_factors(Index, const HklBox&, const std::complex<T>*, const Grid&, double, T*); \
  template void structure_factors_from_map(Index, const HklBox&, const T*, const Grid&, double, std::complex<T>*);
ARGAND_INSTANTIATE(float)
ARGAND_INSTANTIATE(double)

}  // namespace argand
