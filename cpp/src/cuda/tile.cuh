// A tile is the work of a block between two barriers: some atoms of one crystal, and rows_in_tile
// rows of its reflections.
//
// Along a row a term is a product of three numbers, by T(a + b) = T(a) T(b) exp(-2 a^T beta b):
//
//   T(h, k, l + s i) = A g^i Z(i),   A = T(h, k, l),   Z(i) = T(0, 0, i),
//   g = exp(-2 s (beta_13 h + beta_23 k + beta_33 l)),
//
// where for s = -1 Z is replaced by its conjugate. Z belongs to the atom alone, so a step takes a
// real and a complex product. The expensive part of A and g is taken over from the neighbouring
// row, k -> k + 1. In float that is the phase, by a table, so that errors do not add up; the
// exponential is an instruction of the device. In double the exponential is expensive and the last
// digits do not matter: all of A and g is taken over, by products.
#pragma once

#include "argand/turns.hpp"
#include "rows.cuh"

namespace argand::cuda {

// Threads of a block: each has a row of the tile.
constexpr int tile_threads = 64;
constexpr int rows_in_tile = 64;
// Most atoms of a tile, so that its tables fit into the shared memory.
template <class T>
constexpr int most_atoms = sizeof(T) == 4 ? 16 : 8;
// Columns of tables by row and by entry, one more than are in use: no two threads then meet in a
// bank of the shared memory.
constexpr int columns = rows_in_tile + 1;
constexpr int stage_columns = row_length + 1;

// Returns the number of atoms of a tile: few where crystals are small, so that few threads idle. A
// thread that has an atom has as many rows.
template <class T>
int atoms_in_tile(Index atoms, Index crystals) {
  const Index mean = ceil_div(atoms, crystals < 1 ? 1 : crystals);
  return mean <= 4 ? 4 : mean <= 8 ? 8 : most_atoms<T>;
}

// Parameters of one atom.
template <class T, class Order>
struct Atom {
  Turns<T, Order> x[3];
  T beta[6], occ;
};

// Data and tables of the atoms of a tile in shared memory, sorted by scatterer.
template <class T, class Order>
struct AtomTile {
  Shared<Atom<T, Order>> atom;
  Shared<Index> source;  // row in the caller's arrays
  Shared<std::int32_t> unsorted, scatterer;
  Shared<Pair<T>> along;       // Z(i)
  Shared<Pair<T>> across;      // exp(2 pi i j y), (j, atom)
  Shared<std::int32_t> reach;  // first i at which Z(i) is below the normal numbers

  ARGAND_HD explicit AtomTile(SharedMemory& memory) {
    atom = memory.take<Atom<T, Order>>(most_atoms<T>);
    source = memory.take<Index>(most_atoms<T>);
    unsorted = memory.take<std::int32_t>(most_atoms<T>);
    scatterer = memory.take<std::int32_t>(most_atoms<T>);
    along = memory.take<Pair<T>>(most_atoms<T> * row_length);
    // In double only j = 1 is used.
    across = memory.take<Pair<T>>(most_atoms<T> * (sizeof(T) == 4 ? row_length : 2));
    reach = memory.take<std::int32_t>(most_atoms<T>);
  }
};

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)

// Loads beta of an atom, 0 for atoms at rest.
template <class T>
__device__ ARGAND_INLINE void load_beta(const Atoms<T>& atoms, Index a, T (&beta)[6]) {
#pragma unroll
  for (int d = 0; d < 6; ++d) beta[d] = atoms.beta ? atoms.beta[6 * a + d] : T(0);
}

// Fills a tile with the atoms begin .. begin + count. Z(i) of an atom lies at i * most_atoms + atom
// where `transposed`, else at atom * row_length + i. There is a barrier before
// anything is overwritten that threads may still read, and one at the end.
template <bool transposed, class T, class Order>
__device__ ARGAND_INLINE void fill(const AtomTile<T, Order>& tile, const Atoms<T>& atoms,
                                   Index begin, int count) {
  const int t = int(threadIdx.x);
  if (t < count) tile.unsorted[t] = atoms.scatterer[begin + t];
  __syncthreads();
  if (t < count) {
    const Index a = begin + t;
    const std::int32_t scatterer = tile.unsorted[t];
    int slot = 0;
    for (int other = 0; other < count; ++other) {
      const std::int32_t scatterer_of_other = tile.unsorted[other];
      slot += scatterer_of_other < scatterer || (scatterer_of_other == scatterer && other < t);
    }
    Atom<T, Order> atom;
    T sum = 0;
#pragma unroll
    for (int d = 0; d < 3; ++d) {
      const T x = atoms.frac[3 * a + d];
      atom.x[d] = Turns<T, Order>::of(x);
      sum += x;
    }
    load_beta(atoms, a, atom.beta);
    // F becomes NaN where a coordinate is NaN.
    atom.occ = (atoms.occ ? atoms.occ[a] : T(1)) + T(0) * sum;
    tile.atom[slot] = atom;
    tile.source[slot] = a;
    tile.scatterer[slot] = scatterer;
  }
  __syncthreads();
  // Half of the threads fill each table. A thread computes its first entry by the definition, and
  // the others from that.
  constexpr int half = tile_threads / 2, part = row_length * most_atoms<T> / half;
  const int slot = t % most_atoms<T>, first = t % half / most_atoms<T> * part;
  if (slot < count && t < half) {
    const Atom<T, Order> atom = tile.atom[slot];
    const Orders<Order> at{0, 0, Order(first)}, l{0, 0, 1};
    const T damped = bounded_exp(-atom.beta[2]);
    Complex<T> z = phase_factor(atom.x, at) * bounded_exp(-displacement_exponent(atom.beta, at));
    Complex<T> ratio = phase_factor(atom.x, l) * (coupling<2>(atom.beta, at, T(1)) * damped);
    const T bend = coupling<2>(atom.beta, l, T(1));
#pragma unroll
    for (int i = 0; i < part; ++i) {
      tile.along[transposed ? (first + i) * most_atoms<T> + slot : slot * row_length + first + i] =
          pair(z);
      z = z * ratio;
      ratio = ratio * bend;
    }
    if (first == 0) {
      const T last = atom.beta[2] * T(row_length * row_length);
      int reach = row_length;
      if (last > -detail::Precision<T>::lowest) {
        while (reach > 1 &&
               atom.beta[2] * T((reach - 1) * (reach - 1)) > -detail::Precision<T>::lowest)
          --reach;
      }
      tile.reach[slot] = reach;
    }
  } else if (slot < count) {
    const Atom<T, Order> atom = tile.atom[slot];
    const Complex<T> beside = phase_factor(atom.x, Orders<Order>{0, 1, 0});
    if constexpr (sizeof(T) == 8) {
      // Only j = 1 is used.
      if (first == 0) tile.across[most_atoms<T> + slot] = pair(beside);
    } else {
      const auto put = [&](int j, Complex<T> value) {
        tile.across[j * most_atoms<T> + slot] = pair(value);
      };
      // Products go both ways from the middle, so that errors stay half as large.
      constexpr int middle = part / 2;
      Complex<T> up = phase_factor(atom.x, Orders<Order>{0, Order(first + middle), 0}), down = up;
      put(first + middle, up);
#pragma unroll
      for (int j = 1; j <= middle; ++j) {
        down = down * conj(beside);
        put(first + middle - j, down);
        if (j == middle) break;
        up = up * beside;
        put(first + middle + j, up);
      }
    }
  }
  __syncthreads();
}

// Computes A and g of one atom from row to row.
template <class T, class Order>
class Start {
 public:
  Complex<T> a{0, 0};
  T g = 1;

  // Computes A and g at the first entry of a row: from the row before where it is the neighbour in
  // k, else by the definition.
  __device__ ARGAND_INLINE void go(const AtomTile<T, Order>& tile, int slot,
                                   const Atom<T, Order>& atom, const Row<Order>& row,
                                   bool at_rest) {
    const bool beside = known_ && row.first.h == from_.h && row.first.l == from_.l &&
                        row.step == step_ && row.first.k >= from_.k &&
                        row.first.k < from_.k + row_length;
    const int j = beside ? int(row.first.k - from_.k) : 0;
    const bool whole = std::is_integral_v<Order> || from_.k + Order(j) == row.first.k;
    if constexpr (sizeof(T) == 4) {
      if (!beside || !whole) enter(row, phase_factor(atom.x, row.first));
      a = beside && whole ? phase_ * Pair<T>(tile.across[j * most_atoms<T> + slot]).complex()
                          : phase_;
      if (at_rest) return;
      const Orders<T> first = numbers(row.first);
      a = a * bounded_exp(-displacement_exponent(atom.beta, first));
      g = coupling<2>(atom.beta, first, T(row.step));
    } else {
      if (!beside || !whole || j != steps_ + 1) return begin(tile, slot, atom, row, at_rest);
      ++steps_;
      a = a * phase_;
      if (at_rest) return;
      phase_ = phase_ * bend_;
      g = g * turn_;
    }
  }

 private:
  bool known_ = false;
  Orders<Order> from_{0, 0, 0};  // first orders of the row that the others follow from
  std::int32_t step_ = 0, steps_ = 0;
  Complex<T> phase_{0, 0};  // in float the phase of A at from_, in double A(k + 1) / A(k)
  // Used in double: g(k + 1) / g(k), and the ratio of two ratios of A.
  T turn_ = 1, bend_ = 1;

  // Returns orders as numbers of type T.
  static __device__ ARGAND_INLINE Orders<T> numbers(const Orders<Order>& hkl) {
    return {T(hkl.h), T(hkl.k), T(hkl.l)};
  }

  // Makes a row the one that others follow from.
  __device__ ARGAND_INLINE void enter(const Row<Order>& row, Complex<T> phase) {
    known_ = true;
    from_ = row.first;
    step_ = row.step;
    phase_ = phase;
  }

  // Computes A, g and their ratios at the first entry of a row by the definition (in double).
  __device__ ARGAND_INLINE void begin(const AtomTile<T, Order>& tile, int slot,
                                      const Atom<T, Order>& atom, const Row<Order>& row,
                                      bool at_rest) {
    enter(row, Pair<T>(tile.across[most_atoms<T> + slot]).complex());
    steps_ = 0;
    a = phase_factor(atom.x, row.first);
    if (at_rest) return;
    const Orders<T> first = numbers(row.first), k{0, 1, 0};
    const T exponent = displacement_exponent(atom.beta, first);
    a = a * bounded_exp(-exponent);
    g = coupling<2>(atom.beta, first, T(row.step));
    phase_ = phase_ * (coupling<1>(atom.beta, first, T(1)) * bounded_exp(-atom.beta[1]));
    turn_ = coupling<2>(atom.beta, k, T(row.step));
    bend_ = coupling<1>(atom.beta, k, T(1));
    // The next row may follow from this one only where A is far above the smallest normal number.
    known_ = exponent < T(0.7) * -detail::Precision<T>::lowest;
  }
};

// Calls use(i, A g^i, z(i)) for the entries i of a row; i is a constant of the program. From where
// Z is below the normal numbers on, A g^i is 0, lest it overflow. z(i) reads Z.
template <bool guarded, class T, class Z, class Use>
__device__ ARGAND_INLINE void walk(int length, int reach, Complex<T> a, T g, const Z& z,
                                   const Use& use) {
#pragma unroll
  for (int part = 0; part < row_length; part += 4) {
    if (part >= length) break;
#pragma unroll
    for (int i = part; i < part + 4; ++i) {
      use(i, a, z(i));
      a = a * (guarded && i + 1 >= reach ? T(0) : g);
    }
  }
}

#endif

}  // namespace argand::cuda
