// Atoms of one crystal in shared memory, and the recurrence along a row of reflections.
//
// Along a row a term is a product of three numbers, by T(a + b) = T(a) T(b) exp(-2 a^T beta b):
//
//   T(h, k, l + i) = A g^i Z(i),   A = T(h, k, l),   Z(i) = T(0, 0, i),
//   g = exp(-2 (beta_13 h + beta_23 k + beta_33 l)).
//
// A row with falling l is the rising row of its mates (-h, -k, -l), whose terms are the conjugates.
// Z belongs to the atom alone, so a step takes a real and a complex product.
//
// Shared memory of a block, array after array: the atoms of the tile, sorted by scatterer, so that
// threads read an atom as a whole; their scatterers before the sorting; and Z two entries at a
// time, with one column more than is used, so that neighbouring atoms lie in different banks.
#pragma once

#include "argand/turns.hpp"
#include "rows.cuh"

namespace argand::cuda {

// Columns of the table Z, each of two entries.
constexpr int along_columns = row_length / 2 + 1;

// An atom of a tile. `exponent` is -log2(e) beta, twice off the diagonal, so that T is 2 to the sum
// of its products with hh, kk, ll, hk, hl, kl. `reach` is the first i at which Z(i) is below the
// normal numbers, at most row_length, and row_length + 1 of a plain atom: there beta is positive
// semidefinite besides, so that no T exceeds 1.
template <class T, class Order>
struct alignas(16) Atom {
  Turns<T, Order> x[3];
  T exponent[6], occ;
  std::int32_t scatterer, reach;

  ARGAND_HD bool is_plain() const { return reach > row_length; }
};

// A row of reflections as a rising row, with the numbers that exponents need.
template <class T, class Order>
struct RisingRow {
  Orders<Order> first{0, 0, 0};
  T h = 0, k = 0, l = 0, hh = 0, kk = 0, hk = 0;

  RisingRow() = default;
  ARGAND_HD ARGAND_INLINE explicit RisingRow(const Row<Order>& row)
      : first{row.first.h * row.step, row.first.k * row.step, row.first.l * row.step},
        h(T(first.h)),
        k(T(first.k)),
        l(T(first.l)),
        hh(h * h),
        kk(k * k),
        hk(h * k) {}
};

// A and g of an atom at the first entry of a row; A is a phase factor times a damping.
template <class T>
struct Start {
  Complex<T> phase;
  T damping, g;
};

// Atoms of a tile in shared memory.
template <class T, class Order>
struct AtomTile {
  Shared<Atom<T, Order>> atom;    // after the last one lies one with scatterer -1
  Shared<std::int32_t> unsorted;  // scatterers as they lie in the caller's array
  Shared<TwoPairs<T>> along;      // Z (atom, i / 2)

  // Takes memory for a tile of so many atoms.
  ARGAND_HD AtomTile(SharedMemory& memory, int atoms)
      : atom(memory.take<Atom<T, Order>>(atoms + 1)),
        unsorted(memory.take<std::int32_t>(atoms)),
        along(memory.take<TwoPairs<T>>(atoms * along_columns - 1)) {}
};

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)

// Tells whether the matrix of the exponents of an atom is negative semidefinite, by its minors.
template <class T>
__device__ ARGAND_INLINE bool only_damps(const T (&c)[6]) {
  const bool axes = c[0] <= 0 && c[1] <= 0 && c[2] <= 0;
  const bool planes = 4 * c[0] * c[1] >= c[3] * c[3] && 4 * c[0] * c[2] >= c[4] * c[4] &&
                      4 * c[1] * c[2] >= c[5] * c[5];
  const T determinant = 4 * c[0] * c[1] * c[2] + c[3] * c[4] * c[5] - c[0] * c[5] * c[5] -
                        c[1] * c[4] * c[4] - c[2] * c[3] * c[3];
  return axes && planes && determinant <= 0;
}

// Loads an atom from the caller's arrays.
template <class T, class Order>
__device__ ARGAND_INLINE Atom<T, Order> load_atom(const Atoms<T>& atoms, Index a) {
  constexpr T log2_e = T(1.4426950408889634074);
  Atom<T, Order> atom;
  T sum = 0;
#pragma unroll
  for (int d = 0; d < 3; ++d) {
    const T x = atoms.frac[3 * a + d];
    atom.x[d] = Turns<T, Order>::of(x);
    sum += x;
  }
#pragma unroll
  for (int d = 0; d < 6; ++d) {
    const T beta = atoms.beta ? atoms.beta[6 * a + d] : T(0);
    atom.exponent[d] = beta * (d < 3 ? -log2_e : -2 * log2_e);
  }
  // F becomes NaN where a coordinate is NaN.
  atom.occ = (atoms.occ ? atoms.occ[a] : T(1)) + T(0) * sum;
  constexpr T lowest = 1 - T(detail::Precision<T>::bias);
  atom.reach = row_length;
  while (atom.reach > 1 && atom.exponent[2] * T((atom.reach - 1) * (atom.reach - 1)) < lowest)
    --atom.reach;
  if (atom.reach == row_length && only_damps(atom.exponent)) ++atom.reach;
  return atom;
}

// Returns Z(i) of an atom.
template <class T, class Order>
__device__ ARGAND_INLINE Pair<T> along_of(const Atom<T, Order>& atom, int i) {
  const Complex<T> phase = phase_factor(atom.x, Orders<Order>{0, 0, Order(i)});
  return pair(phase * bounded_exp2(atom.exponent[2] * T(i * i)));
}

// Loads the atoms begin .. begin + count of a tile, sorted by scatterer. `sorted(slot, a)` is
// called by one thread for each atom a with its place in the tile. There is a barrier before
// anything is overwritten that threads may still read, and one at the end. Returns false where the
// atom that this thread has loaded is not plain.
template <class T, class Order, class Sorted>
__device__ ARGAND_INLINE bool load_atoms(const AtomTile<T, Order>& tile, const Atoms<T>& atoms,
                                         Index begin, int count, const Sorted& sorted) {
  const int t = int(threadIdx.x);
  bool is_plain = true;
  if (t < count) tile.unsorted[t] = atoms.scatterer[begin + t];
  __syncthreads();
  if (t < count) {
    const std::int32_t scatterer = tile.unsorted[t];
    int slot = 0;
    for (int other = 0; other < count; ++other) {
      const std::int32_t scatterer_of_other = tile.unsorted[other];
      slot += scatterer_of_other < scatterer || (scatterer_of_other == scatterer && other < t);
    }
    Atom<T, Order> atom = load_atom<T, Order>(atoms, begin + t);
    atom.scatterer = scatterer;
    tile.atom[slot] = atom;
    sorted(slot, begin + t);
    is_plain = atom.is_plain();
  }
  if (t == 0) {
    Atom<T, Order> end{};
    end.scatterer = -1;
    tile.atom[count] = end;
  }
  __syncthreads();
  return is_plain;
}

// Computes Z of the atoms of a tile up to the longest row. There is no barrier.
template <class T, class Order>
__device__ ARGAND_INLINE void fill_along(const AtomTile<T, Order>& tile, int count, int longest) {
  for (int e = int(threadIdx.x); e < count * (row_length / 2); e += int(blockDim.x)) {
    const int slot = e / (row_length / 2), i = e % (row_length / 2) * 2;
    if (i >= longest) continue;
    const Atom<T, Order> atom = tile.atom[slot];
    tile.along[slot * along_columns + i / 2] =
        TwoPairs<T>{along_of(atom, i), along_of(atom, i + 1)};
  }
}

// Returns A and g of an atom at the first entry of a row; `guarded` where it may not be plain.
template <bool guarded, class T, class Order>
__device__ ARGAND_INLINE Start<T> start_of(const Atom<T, Order>& atom,
                                           const RisingRow<T, Order>& row, bool at_rest) {
  Start<T> start{{1, 0}, 1, 1};
  if constexpr (sizeof(T) == 8) {
    // Devices convert integers to double slowly.
    start.phase = phase_factor(atom.x, Orders<T>{row.h, row.k, row.l});
  } else {
    start.phase = phase_factor(atom.x, row.first);
  }
  // In float the exponents, which are 0 at rest, take less than a branch around them.
  if (sizeof(T) == 8 && at_rest) return start;
  const T(&c)[6] = atom.exponent;
  const T slope = c[4] * row.h + c[5] * row.k, curve = c[2] * row.l;
  const T plane = c[0] * row.hh + c[1] * row.kk + c[3] * row.hk;
  // Only beta that is not positive definite makes T exceed 1: float becomes infinite then.
  const T exponent = plane + (slope + curve) * row.l;
  if constexpr (!guarded && sizeof(T) == 8) {
    // Where T of a plain atom is a normal number, |log2 g| is at most twice the root of the product
    // of 1022 and 1022 / 15^2, the exponents of T and of Z(1), which is 136: g needs no bounds.
    constexpr T lowest = 1 - T(detail::Precision<T>::bias);
    const T damping = normal_power_of_two(exponent), g = normal_power_of_two(slope + 2 * curve);
    const bool is_normal = exponent >= lowest;
    start.damping = is_normal ? damping : 0;
    start.g = is_normal ? g : 0;
    return start;
  }
  start.damping = sizeof(T) == 4 ? power_of_two(exponent) : bounded_exp2(exponent);
  start.g = bounded_exp2(slope + 2 * curve);
  return start;
}

// Calls use(i, a g^i, Z(i)) for the entries i of a row; i is a constant of the program. Entries up
// to the next multiple of 4 are called too. From where Z is below the normal numbers on, a g^i is
// 0, lest it overflow.
template <bool guarded, class T, class Order, class A, class Use>
__device__ ARGAND_INLINE void walk(const AtomTile<T, Order>& tile, int slot, int length, int reach,
                                   A a, T g, const Use& use) {
#pragma unroll
  for (int part = 0; part < row_length; part += 4) {
    if (part >= length) break;
#pragma unroll
    for (int i = part; i < part + 4; i += 2) {
      const TwoPairs<T> z = tile.along[slot * along_columns + i / 2];
      use(i, a, z.first.complex());
      a = a * (guarded && i + 1 >= reach ? T(0) : g);
      use(i + 1, a, z.second.complex());
      a = a * (guarded && i + 2 >= reach ? T(0) : g);
    }
  }
}

#endif

}  // namespace argand::cuda
