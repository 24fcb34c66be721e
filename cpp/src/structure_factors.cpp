#include "argand/structure_factors.hpp"

#include <algorithm>
#include <concepts>
#include <memory>
#include <numeric>
#include <vector>

#include "argand/moments.hpp"
#include "argand/parallel.hpp"
#include "argand/rows.hpp"
#include "kernels/kernels.hpp"

// Shares the work out among threads; the arithmetic is in kernels/.
namespace argand {
namespace {

// F(-h) = conj F(h) holds without dispersion, that is with real form factors.
template <class F>
constexpr bool friedel = std::floating_point<F>;

// ---- atoms ----

// Writes the atoms of a crystal, sorted by scatterer, to `order`.
template <class T>
void sort_by_scatterer(const Atoms<T>& atoms, Index crystal, std::vector<Index>& order) {
  const Index begin = atoms.atom_ptr[crystal], end = atoms.atom_ptr[crystal + 1];
  order.resize(end - begin);
  std::iota(order.begin(), order.end(), begin);
  const auto less = [&](Index a, Index b) { return atoms.scatterer[a] < atoms.scatterer[b]; };
  if (!std::is_sorted(order.begin(), order.end(), less))
    std::stable_sort(order.begin(), order.end(), less);
}

// The atoms of a crystal in blocks of one scatterer each.
template <class T>
struct Packed {
  std::vector<Block<T>> blocks;
  std::vector<BlockStep<T>> steps;
  bool at_rest;

  Packed(const Atoms<T>& atoms, Index crystal) : at_rest(atoms.beta == nullptr) {
    std::vector<Index> order;
    sort_by_scatterer(atoms, crystal, order);
    for (const Index atom : order) {
      const std::int32_t scatterer = atoms.scatterer[atom];
      if (blocks.empty() || blocks.back().count == Block<T>::lanes ||
          blocks.back().scatterer != scatterer) {
        blocks.push_back(Block<T>{});
        blocks.back().scatterer = scatterer;
      }
      Block<T>& block = blocks.back();
      const int lane = block.count++;
      for (int d = 0; d < 3; ++d) block.x[d][lane] = atoms.frac[3 * atom + d];
      for (int d = 0; d < 6; ++d) block.beta[d][lane] = at_rest ? T(0) : atoms.beta[6 * atom + d];
      block.occ[lane] = atoms.occ ? atoms.occ[atom] : T(1);
      block.source[lane] = atom;
    }
    steps.resize(blocks.size());
    static_cast<const BlockKernels<T>&>(kernels()).prepare(blocks.data(), Index(blocks.size()),
                                                           steps.data());
  }

  // Returns the blocks begin .. end.
  BlockView<T> view(Index begin, Index end) const {
    return {blocks.data() + begin, steps.data() + begin, end - begin, at_rest};
  }
};

// Writes the gradients of the atoms of a block.
template <class T>
void store_gradients(const Block<T>& block, const Moments<T>& moments,
                     const AtomGradients<T>& out) {
  for (int lane = 0; lane < block.count; ++lane) {
    double moments_of_atom[moment_count];
    for (int m = 0; m < moment_count; ++m) moments_of_atom[m] = moments.sum[m][lane];
    store_gradients(moments_of_atom, block.occ[lane], block.source[lane], out);
  }
}

// ---- reflections ----

// The rows of all crystals.
struct Layout {
  std::vector<Rows> rows;    // one entry for all crystals, or one for each
  std::vector<Index> first;  // first reflection of each crystal
  const Rows& operator[](Index crystal) const { return rows[rows.size() == 1 ? 0 : crystal]; }
};

// Cuts a box, which all crystals share, into rows.
template <class F>
Layout lay_out(const HklBox& box, Index crystals) {
  Layout layout{{rows_of_box(box, friedel<F>)}, {}};
  for (Index c = 0; c < crystals; ++c) layout.first.push_back(c * box.size());
  return layout;
}

// Cuts the list of every crystal, or the list that they share, into rows.
template <class F, class Order>
Layout lay_out(const HklLists<Order>& lists, Index crystals) {
  Layout layout;
  if (lists.hkl_ptr == nullptr) layout.rows.push_back(rows_of_list(lists.hkl, lists.count));
  for (Index c = 0; c < crystals; ++c) {
    layout.first.push_back(lists.hkl_ptr ? lists.hkl_ptr[c] : c * lists.count);
    if (lists.hkl_ptr) {
      layout.rows.push_back(
          rows_of_list(lists.hkl + 3 * lists.hkl_ptr[c], lists.hkl_ptr[c + 1] - lists.hkl_ptr[c]));
    }
  }
  return layout;
}

// ---- parts of the work ----

// Terms that are worth a thread: some 0.1 ms.
constexpr Index worth_a_thread = 200'000;

// The strips of rows (forward) or blocks of atoms (backward) begin .. end of one crystal.
struct Part {
  Index crystal, begin, end;
};

// Cuts the `count(c)` pieces of every crystal c, which cost `cost(c)` terms each, into parts. There
// are several parts for each thread, so that none waits long for the last; but they are large,
// because the data of a part stays in the cache.
template <class Count, class Cost>
std::vector<Part> share_out(Index crystals, const Count& count, const Cost& cost) {
  Index total = 0;
  for (Index c = 0; c < crystals; ++c) total += count(c) * cost(c);
  const Index threads = num_threads();
  const Index fair_terms = threads == 1 ? total : total / (4 * threads);
  std::vector<Part> parts;
  for (Index c = 0; c < crystals; ++c) {
    const Index pieces =
        std::max<Index>(1, std::max(worth_a_thread, fair_terms) / std::max<Index>(1, cost(c)));
    for (Index begin = 0; begin < count(c); begin += pieces) {
      parts.push_back({c, begin, std::min<Index>(count(c), begin + pieces)});
    }
  }
  return parts;
}

// Returns the cost of a strip for one atom, in terms: the start of the strip and of each row cost
// about as much as 16 terms.
Index terms_a_strip(const Rows& rows) {
  return 16 + 16 * Index(rows.rows.size()) / std::max<Index>(1, Index(rows.strips.size()));
}

// Packs the atoms of crystals: once and for all for a crystal of several parts, and in its one task
// for any other crystal.
template <class T>
class Packing {
 public:
  Packing(const Atoms<T>& atoms, const std::vector<Part>& parts)
      : atoms_(atoms), shared_(atoms.crystals) {
    for (std::size_t p = 1; p < parts.size(); ++p) {
      const Index crystal = parts[p].crystal;
      if (crystal == parts[p - 1].crystal && !shared_[crystal]) shared_[crystal] = make(crystal);
    }
  }
  std::shared_ptr<const Packed<T>> operator()(Index crystal) const {
    return shared_[crystal] ? shared_[crystal] : make(crystal);
  }

 private:
  std::shared_ptr<const Packed<T>> make(Index crystal) const {
    return std::make_shared<const Packed<T>>(atoms_, crystal);
  }
  const Atoms<T>& atoms_;
  std::vector<std::shared_ptr<const Packed<T>>> shared_;
};

// Tells whether no displacement couples two axes.
template <class T>
bool axes_are_separate(const Atoms<T>& atoms) {
  if (atoms.beta == nullptr) return true;
  for (Index a = 0; a < atoms.atom_ptr[atoms.crystals]; ++a) {
    if (atoms.beta[6 * a + 3] != 0 || atoms.beta[6 * a + 4] != 0 || atoms.beta[6 * a + 5] != 0)
      return false;
  }
  return true;
}

// Sums a box of every crystal where displacement does not couple the axes.
template <class T, class F>
void sum_boxes(const Atoms<T>& atoms, const FormFactors<F>& form, const HklBox& box,
               Complex<T>* out) {
  const BoxKernels<T, F>& kernel = kernels();
  const Index half = half_plane(box);
  const Index mean_atoms = atoms.atom_ptr[atoms.crystals] / std::max<Index>(1, atoms.crystals);
  const Index terms_of_crystal = box.size() * (1 + mean_atoms);
  // Several small crystals are one task, a large crystal is several tasks.
  const Index batch = std::max<Index>(1, worth_a_thread / terms_of_crystal);
  const Index parts = std::clamp<Index>(terms_of_crystal / worth_a_thread, 1, (half + 255) / 256);
  const Index part = (half + parts - 1) / parts, bytes = box.size() * Index(sizeof(Complex<T>));
  const bool streamed = parts == 1 && atoms.crystals * bytes >= beyond_caches;
  parallel_for((atoms.crystals + batch - 1) / batch * parts, [&](Index task) {
    const Index first = task / parts * batch, begin = task % parts * part,
                end = std::min(half, begin + part);
    std::vector<T> scratch;
    std::vector<Index> order;
    std::vector<Complex<T>> buffer(streamed ? box.size() : 0);
    const Index last = std::min(atoms.crystals, first + batch);
    for (Index c = first; c < last; ++c) {
      sort_by_scatterer(atoms, c, order);
      const Index count = Index(order.size());
      scratch.resize(std::max<Index>(scratch.size(), box_scratch<T>(box, begin, end, count)));
      Complex<T>* F_of_crystal = out + c * box.size();
      Complex<T>* target = streamed ? buffer.data() : F_of_crystal;
      kernel.sum_box(atoms, order.data(), count, form, box, begin, end, scratch.data(), target);
      if (streamed) kernels().copy_past_caches(bytes, target, F_of_crystal);
    }
  });
}

}  // namespace

template <class T, class F, class Reflections>
void structure_factors(const Atoms<T>& atoms, const FormFactors<F>& form, const Reflections& hkl,
                       Complex<T>* out) {
  if constexpr (std::same_as<Reflections, HklBox>) {
    if (axes_are_separate(atoms)) return sum_boxes(atoms, form, hkl, out);
  }
  const RowKernels<T, F>& kernel = kernels();
  const Layout layout = lay_out<F>(hkl, atoms.crystals);
  const auto strips_of = [&](Index c) { return Index(layout[c].strips.size()); };
  const auto cost = [&](Index c) {
    return (atoms.atom_ptr[c + 1] - atoms.atom_ptr[c]) * terms_a_strip(layout[c]);
  };
  const std::vector<Part> parts = share_out(atoms.crystals, strips_of, cost);
  const Packing<T> packing(atoms, parts);
  parallel_for(Index(parts.size()), [&](Index p) {
    const auto& [crystal, begin, end] = parts[p];
    const std::shared_ptr<const Packed<T>> packed = packing(crystal);
    const Index blocks = Index(packed->blocks.size());
    Complex<T>* F_of_crystal = out + layout.first[crystal];
    const Index terms_of_strip = Block<T>::lanes * terms_a_strip(layout[crystal]);
    Watch watch;
    // The blocks of a view stay in the cache while all rows are summed. Without atoms one pass
    // writes zeros.
    for (Index first = 0; first == 0 || first < blocks; first += blocks_in_cache) {
      const BlockView<T> view = packed->view(first, std::min(blocks, first + blocks_in_cache));
      const auto& [rows, strips] = layout[crystal];
      for (Index s = begin; s < end; ++s) {
        const Strip& strip = strips[s];
        kernel.sum_rows(view, form, &rows[strip.begin], strip.end - strip.begin, strip.step,
                        first > 0, F_of_crystal);
        watch.did(view.count * terms_of_strip);
      }
    }
  });
}

template <class T, class F, class Reflections>
void structure_factors_vjp(const Atoms<T>& atoms, const FormFactors<F>& form,
                           const Reflections& hkl, const Complex<T>* g,
                           const AtomGradients<T>& gradients) {
  const RowKernels<T, F>& kernel = kernels();
  const Layout layout = lay_out<F>(hkl, atoms.crystals);
  // Each scatterer that does not fill its last block adds one block: the last part takes them.
  const auto full_blocks = [&](Index c) {
    return (atoms.atom_ptr[c + 1] - atoms.atom_ptr[c] + Block<T>::lanes - 1) / Block<T>::lanes;
  };
  const auto cost = [&](Index c) { return Block<T>::lanes * 16 * Index(layout[c].rows.size()); };
  const std::vector<Part> parts = share_out(atoms.crystals, full_blocks, cost);
  const Packing<T> packing(atoms, parts);
  parallel_for(Index(parts.size()), [&](Index p) {
    const auto& [crystal, first, limit] = parts[p];
    const std::shared_ptr<const Packed<T>> packed = packing(crystal);
    const Index end = limit == full_blocks(crystal) ? Index(packed->blocks.size()) : limit;
    const auto& [rows, strips] = layout[crystal];
    const Index terms_of_strip = Block<T>::lanes * terms_a_strip(layout[crystal]);
    Watch watch;
    for (Index begin = first; begin < end; begin += blocks_in_cache) {
      const BlockView<T> view = packed->view(begin, std::min(end, begin + blocks_in_cache));
      std::vector<Moments<T>> moments(view.count);
      for (const Strip& strip : strips) {
        kernel.gather_rows(view, form, &rows[strip.begin], strip.end - strip.begin, strip.step,
                           g + layout.first[crystal], moments.data());
        watch.did(view.count * terms_of_strip);
      }
      for (Index b = 0; b < view.count; ++b) store_gradients(view.block[b], moments[b], gradients);
    }
  });
}

#define ARGAND_INSTANTIATE(T, F, R)                                                               \
  template void structure_factors(const Atoms<T>&, const FormFactors<F>&, const R&, Complex<T>*); \
  template void structure_factors_vjp(const Atoms<T>&, const FormFactors<F>&, const R&,           \
                                      const Complex<T>*, const AtomGradients<T>&);
#define ARGAND_INSTANTIATE_ALL(T, R) \
  ARGAND_INSTANTIATE(T, T, R)        \
  ARGAND_INSTANTIATE(T, Complex<T>, R)
ARGAND_INSTANTIATE_ALL(float, HklBox)
ARGAND_INSTANTIATE_ALL(float, HklLists<std::int32_t>)
ARGAND_INSTANTIATE_ALL(float, HklLists<double>)
ARGAND_INSTANTIATE_ALL(double, HklBox)
ARGAND_INSTANTIATE_ALL(double, HklLists<std::int32_t>)
ARGAND_INSTANTIATE_ALL(double, HklLists<double>)

}  // namespace argand
