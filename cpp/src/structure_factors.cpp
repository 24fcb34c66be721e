#include "argand/structure_factors.hpp"

#include <algorithm>
#include <array>
#include <concepts>
#include <numeric>
#include <vector>

#include "argand/parallel.hpp"
#include "argand/rows.hpp"
#include "argand/simd.hpp"
#include "argand/term.hpp"

namespace argand {
namespace {

// ---- atoms, packed for vector arithmetic ----------------------------------------------------------------------

constexpr int lanes = 8;
template <class T>
using Lanes = std::array<T, lanes>;

// Eight atoms that share a form factor; short groups are filled with atoms of occupancy 0.
template <class T>
struct Block {
  Lanes<T> x[3], beta[6], occ;
  std::int32_t scatterer;
  int count;
  std::array<Index, lanes> source;  // row in the caller's arrays
};

template <class T>
std::vector<Block<T>> pack(const Atoms<T>& atoms, Index crystal) {
  const Index begin = atoms.atom_ptr[crystal], end = atoms.atom_ptr[crystal + 1];
  std::vector<Index> order(end - begin);
  std::iota(order.begin(), order.end(), begin);
  std::stable_sort(order.begin(), order.end(),
                   [&](Index a, Index b) { return atoms.scatterer[a] < atoms.scatterer[b]; });
  std::vector<Block<T>> blocks;
  for (const Index atom : order) {
    if (blocks.empty() || blocks.back().count == lanes || blocks.back().scatterer != atoms.scatterer[atom]) {
      blocks.push_back(Block<T>{});
      blocks.back().scatterer = atoms.scatterer[atom];
    }
    Block<T>& block = blocks.back();
    const int w = block.count++;
    for (int d = 0; d < 3; ++d) block.x[d][w] = atoms.frac[3 * atom + d];
    if (atoms.beta) {
      for (int d = 0; d < 6; ++d) block.beta[d][w] = atoms.beta[6 * atom + d];
    }
    block.occ[w] = atoms.occ ? atoms.occ[atom] : T(1);
    block.source[w] = atom;
  }
  return blocks;
}

// Eight terms walking along a row together.
template <class T>
struct Walker {
  Lanes<T> tr, ti, rr, ri, q;

  // Occupancy is left to the caller: its gradient needs the bare term.
  ARGAND_INLINE void start(const Block<T>& block, const Row& row, bool at_rest) {
    for (int w = 0; w < lanes; ++w) {
      const T x[3] = {block.x[0][w], block.x[1][w], block.x[2][w]};
      Complex<T> t, r;
      if (at_rest) {
        t = phase_factor(x, row.first);
        r = cis<T>(row.step * double(x[2]));
        q[w] = 1;
      } else {
        T beta[6];
        for (int d = 0; d < 6; ++d) beta[d] = block.beta[d][w];
        t = term(x, beta, row.first);
        r = term_ratio(x, beta, row.first, row.step);
        q[w] = ratio_of_ratios(beta);
      }
      tr[w] = t.re, ti[w] = t.im, rr[w] = r.re, ri[w] = r.im;
    }
  }

  ARGAND_INLINE void step() {
    for (int w = 0; w < lanes; ++w) {
      const T re = tr[w] * rr[w] - ti[w] * ri[w];
      ti[w] = tr[w] * ri[w] + ti[w] * rr[w];
      tr[w] = re;
      rr[w] *= q[w];
      ri[w] *= q[w];
    }
  }
};

// ---- one row --------------------------------------------------------------------------------------------------

// out[row] = sum over atoms; form(scatterer) points at the form factors of the crystal's reflections.
template <class T, class F, class Form>
ARGAND_CLONES void sum_row(const std::vector<Block<T>>& blocks, bool at_rest, const Row& row, const Form& form,
                           std::complex<T>* out) {
  Lanes<T> re[max_row], im[max_row];
  std::complex<T> total[max_row] = {};
  for (std::size_t b = 0; b < blocks.size(); ++b) {
    const Block<T>& block = blocks[b];
    const bool first = b == 0 || blocks[b - 1].scatterer != block.scatterer;
    const bool last = b + 1 == blocks.size() || blocks[b + 1].scatterer != block.scatterer;
    if (first) {
      for (int i = 0; i < row.length; ++i) re[i] = im[i] = Lanes<T>{};
    }
    Walker<T> walker;
    walker.start(block, row, at_rest);
    for (int w = 0; w < lanes; ++w) {
      walker.tr[w] *= block.occ[w];
      walker.ti[w] *= block.occ[w];
    }
    for (int i = 0; i < row.length; ++i) {
      for (int w = 0; w < lanes; ++w) {
        re[i][w] += walker.tr[w];
        im[i][w] += walker.ti[w];
      }
      walker.step();
    }
    if (last) {
      const F* f = form(block.scatterer) + row.at;
      for (int i = 0; i < row.length; ++i) {
        const std::complex<T> sum(std::accumulate(re[i].begin(), re[i].end(), T(0)),
                                  std::accumulate(im[i].begin(), im[i].end(), T(0)));
        total[i] += multiply(f[row.step * i], sum);
      }
    }
  }
  for (int i = 0; i < row.length; ++i) out[row.at + row.step * i] = total[i];
  if (row.mirror != no_mirror) {
    for (int i = 0; i < row.length; ++i) out[row.mirror - row.step * i] = std::conj(total[i]);
  }
}

// What a block of atoms gathers over the reflections, with p = conj(g) f T(hkl):
// sums of Im p (h, k, l), of Re p (hh, kk, ll, hk, hl, kl) and of Re p.
struct Moments {
  Lanes<double> im[3], re[6], re0;
};

template <class T, class F>
ARGAND_CLONES void gather_row(const Block<T>& block, bool at_rest, const Row& row, const F* f, const std::complex<T>* g,
                              Moments& moments) {
  T gr[max_row], gi[max_row];
  for (int i = 0; i < row.length; ++i) {
    std::complex<T> weight = std::conj(g[row.at + row.step * i]);
    if (row.mirror != no_mirror) weight += g[row.mirror - row.step * i];  // F(-h) = conj F(h) carries its own g
    weight = multiply(f[row.at + row.step * i], weight);
    gr[i] = weight.real(), gi[i] = weight.imag();
  }
  Walker<T> walker;
  walker.start(block, row, at_rest);
  Lanes<T> i0{}, i1{}, r0{}, r1{}, r2{};
  for (int i = 0; i < row.length; ++i) {
    const T l = T(row.first.l + row.step * i);
    for (int w = 0; w < lanes; ++w) {
      const T pr = gr[i] * walker.tr[w] - gi[i] * walker.ti[w];
      const T pi = gr[i] * walker.ti[w] + gi[i] * walker.tr[w];
      i0[w] += pi;
      i1[w] += l * pi;
      r0[w] += pr;
      r1[w] += l * pr;
      r2[w] += l * l * pr;
    }
    walker.step();
  }
  const double h = row.first.h, k = row.first.k;
  for (int w = 0; w < lanes; ++w) {
    moments.im[0][w] += h * i0[w];
    moments.im[1][w] += k * i0[w];
    moments.im[2][w] += i1[w];
    moments.re[0][w] += h * h * r0[w];
    moments.re[1][w] += k * k * r0[w];
    moments.re[2][w] += r2[w];
    moments.re[3][w] += h * k * r0[w];
    moments.re[4][w] += h * r1[w];
    moments.re[5][w] += k * r1[w];
    moments.re0[w] += r0[w];
  }
}

// dF/dx = 2 pi i h F, dF/dbeta_ij = -h_i h_j F (twice off the diagonal), dF/docc = F / occ.
template <class T>
void store_gradients(const Block<T>& block, const Moments& moments, const AtomGradients<T>& out) {
  constexpr double two_pi = 6.283185307179586476925286766559;
  for (int w = 0; w < block.count; ++w) {
    const Index atom = block.source[w];
    const double occ = block.occ[w];
    if (out.frac) {
      for (int d = 0; d < 3; ++d) out.frac[3 * atom + d] = T(-two_pi * occ * moments.im[d][w]);
    }
    if (out.beta) {
      for (int d = 0; d < 6; ++d) out.beta[6 * atom + d] = T((d < 3 ? -1 : -2) * occ * moments.re[d][w]);
    }
    if (out.occ) out.occ[atom] = T(moments.re0[w]);
  }
}

// ---- where the reflections of a crystal lie -------------------------------------------------------------------

template <class F>
constexpr bool friedel = std::floating_point<F>;  // F(-h) = conj F(h) holds without dispersion only

struct Layout {
  std::vector<std::vector<Row>> rows;  // one for all crystals, or one each
  std::vector<Index> first;            // reflection at which each crystal starts
  const std::vector<Row>& operator[](Index crystal) const { return rows[rows.size() == 1 ? 0 : crystal]; }
};

template <class F>
Layout lay_out(const HklBox& box, Index crystals) {
  Layout layout{{rows_of_box(box, friedel<F>)}, {}};
  for (Index c = 0; c < crystals; ++c) layout.first.push_back(c * box.size());
  return layout;
}

template <class F>
Layout lay_out(const HklLists& lists, Index crystals) {
  Layout layout;
  if (lists.hkl_ptr == nullptr) layout.rows.push_back(rows_of_list(lists.hkl, lists.count));
  for (Index c = 0; c < crystals; ++c) {
    layout.first.push_back(lists.hkl_ptr ? lists.hkl_ptr[c] : c * lists.count);
    if (lists.hkl_ptr) {
      layout.rows.push_back(rows_of_list(lists.hkl + 3 * lists.hkl_ptr[c], lists.hkl_ptr[c + 1] - lists.hkl_ptr[c]));
    }
  }
  return layout;
}

// ---- how the work is shared out -------------------------------------------------------------------------------

// A part of one crystal: rows (forward) or blocks of atoms (backward) begin .. end.
struct Part {
  Index crystal, begin, end;
};

// Cuts `count` pieces of `cost` each so that a part is worth waking a thread for.
void append_parts(std::vector<Part>& parts, Index crystal, Index count, Index cost) {
  constexpr Index worth = 200'000;  // terms: some 0.2 ms
  const Index pieces = std::max<Index>(1, worth / std::max<Index>(1, cost));
  for (Index begin = 0; begin < count; begin += pieces)
    parts.push_back({crystal, begin, std::min(count, begin + pieces)});
}

}  // namespace

template <class T, class F, class Reflections>
void structure_factors(const Atoms<T>& atoms, const FormFactors<F>& form, const Reflections& hkl,
                       std::complex<T>* out) {
  const Layout layout = lay_out<F>(hkl, atoms.crystals);
  std::vector<Part> parts;
  for (Index c = 0; c < atoms.crystals; ++c) {
    const Index start = 16;  // a row costs its start besides its length
    append_parts(parts, c, Index(layout[c].size()), (atoms.atom_ptr[c + 1] - atoms.atom_ptr[c]) * start);
  }
  parallel_for(Index(parts.size()), [&](Index p) {
    const Part& part = parts[p];
    const std::vector<Block<T>> blocks = pack(atoms, part.crystal);
    const auto form_of = [&](std::int32_t scatterer) { return form.value + form.row_ptr[scatterer]; };
    for (Index r = part.begin; r < part.end; ++r) {
      sum_row<T, F>(blocks, atoms.beta == nullptr, layout[part.crystal][r], form_of, out + layout.first[part.crystal]);
    }
  });
}

template <class T, class F, class Reflections>
void structure_factors_vjp(const Atoms<T>& atoms, const FormFactors<F>& form, const Reflections& hkl,
                           const std::complex<T>* g, const AtomGradients<T>& gradients) {
  const Layout layout = lay_out<F>(hkl, atoms.crystals);
  std::vector<Part> parts;
  for (Index c = 0; c < atoms.crystals; ++c) {
    const Index blocks_at_most = atoms.atom_ptr[c + 1] - atoms.atom_ptr[c];
    append_parts(parts, c, blocks_at_most, lanes * 16 * Index(layout[c].size()));
  }
  parallel_for(Index(parts.size()), [&](Index p) {
    const Part& part = parts[p];
    const std::vector<Block<T>> blocks = pack(atoms, part.crystal);
    for (Index b = part.begin; b < std::min<Index>(part.end, blocks.size()); ++b) {
      const F* f = form.value + form.row_ptr[blocks[b].scatterer];
      Moments moments{};
      for (const Row& row : layout[part.crystal]) {
        gather_row(blocks[b], atoms.beta == nullptr, row, f, g + layout.first[part.crystal], moments);
      }
      store_gradients(blocks[b], moments, gradients);
    }
  });
}

#define ARGAND_INSTANTIATE(T, F, R)                                                                             \
  template void structure_factors(const Atoms<T>&, const FormFactors<F>&, const R&, std::complex<T>*);          \
  template void structure_factors_vjp(const Atoms<T>&, const FormFactors<F>&, const R&, const std::complex<T>*, \
                                      const AtomGradients<T>&);
#define ARGAND_INSTANTIATE_ALL(T)                  \
  ARGAND_INSTANTIATE(T, T, HklLists)               \
  ARGAND_INSTANTIATE(T, T, HklBox)                 \
  ARGAND_INSTANTIATE(T, std::complex<T>, HklLists) \
  ARGAND_INSTANTIATE(T, std::complex<T>, HklBox)
ARGAND_INSTANTIATE_ALL(float)
ARGAND_INSTANTIATE_ALL(double)

}  // namespace argand
