// A tile: some atoms of one crystal and rows_in_tile rows of its reflections, the work of a block between two barriers.
//
// Along a row a term is a product of three numbers, T(a + b) = T(a) T(b) exp(-2 a^T beta b):
//
//   T(h, k, l + s i) = A g^i Z(i),   A = T(h, k, l),   Z(i) = T(0, 0, i),   g = exp(-2 s (beta_13 h + beta_23 k + beta_33 l))
//
// (for s = -1 the conjugate of all this). Z belongs to the atom alone, so a step costs a real and a complex product. A
// and g follow from those of the row beside it, k -> k + 1, in the same way, so few of them need an exp and a cis.
#pragma once

#include "argand/turns.hpp"
#include "rows.cuh"

namespace argand::cuda {

constexpr int tile_threads = 64;
constexpr int rows_in_tile = 64;
template <class T>
constexpr int most_atoms = sizeof(T) == 4 ? 16 : 8;  // of a tile
constexpr int columns = rows_in_tile + 1;            // one more than there are, so that no two lanes meet in a bank
constexpr int stage_columns = row_length + 1;

// Atoms of a tile, so that few threads idle where crystals are small. A thread with an atom has as many rows.
template <class T>
int atoms_in_tile(Index atoms, Index crystals) {
  const Index mean = ceil_div(atoms, crystals < 1 ? 1 : crystals);
  return mean <= 4 ? 4 : mean <= 8 ? 8 : most_atoms<T>;
}

template <class T, class Order>
struct Atom {
  Turns<T, Order> x[3];
  T beta[6], occ;
  Pair<T> beside;  // T(0, 1, 0)
  T bend;          // exp(-2 beta_22)
};

// What the threads of a block share about the atoms of a tile, sorted by scatterer.
template <class T, class Order>
struct AtomTile {
  Shared<Atom<T, Order>> atom;
  Shared<Index> source;            // row in the caller's arrays
  Shared<std::int32_t> unsorted, scatterer;
  Shared<Pair<T>> along;           // Z(i)
  Shared<std::int32_t> reach;      // the first i at which Z(i) has left the normal numbers

  ARGAND_HD explicit AtomTile(SharedMemory& memory) {
    atom = memory.take<Atom<T, Order>>(most_atoms<T>);
    source = memory.take<Index>(most_atoms<T>);
    unsorted = memory.take<std::int32_t>(most_atoms<T>);
    scatterer = memory.take<std::int32_t>(most_atoms<T>);
    along = memory.take<Pair<T>>(most_atoms<T> * row_length);
    reach = memory.take<std::int32_t>(most_atoms<T>);
  }
};

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)

template <class T>
__device__ ARGAND_INLINE void load_beta(const Atoms<T>& atoms, Index a, T (&beta)[6]) {
#pragma unroll
  for (int d = 0; d < 6; ++d) beta[d] = atoms.beta ? atoms.beta[6 * a + d] : T(0);
}

// Fills the tile with atoms begin .. begin + count. `transposed`: Z(i) of an atom at i * most_atoms + atom, else at
// atom * row_length + i. Begins and ends with a barrier.
template <bool transposed, class T, class Order>
__device__ ARGAND_INLINE void fill(const AtomTile<T, Order>& tile, const Atoms<T>& atoms, Index begin, int count) {
  const int t = int(threadIdx.x);
  __syncthreads();
  if (t < count) tile.unsorted[t] = atoms.scatterer[begin + t];
  __syncthreads();
  if (t < count) {
    const Index a = begin + t;
    const std::int32_t own = tile.unsorted[t];
    int place = 0;
    for (int other = 0; other < count; ++other) {
      const std::int32_t theirs = tile.unsorted[other];
      place += theirs < own || (theirs == own && other < t);
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
    atom.occ = (atoms.occ ? atoms.occ[a] : T(1)) + T(0) * sum;  // NaN where a coordinate is no number
    const Orders<Order> k{0, 1, 0};
    atom.beside = pair(phase_factor(atom.x, k) * bounded_exp(-displacement_exponent(atom.beta, k)));
    atom.bend = coupling(atom.beta, k, k);
    tile.atom[place] = atom;
    tile.source[place] = a;
    tile.scatterer[place] = own;
  }
  __syncthreads();
  // Z: four entries a thread, one of them by its definition.
  constexpr int part = row_length * most_atoms<T> / tile_threads;
  const int place = t % most_atoms<T>, first = t / most_atoms<T> * part;
  if (place < count) {
    const Atom<T, Order> atom = tile.atom[place];
    const Orders<Order> at{0, 0, Order(first)}, l{0, 0, 1};
    const T damped = bounded_exp(-displacement_exponent(atom.beta, l));
    Complex<T> z = phase_factor(atom.x, at) * bounded_exp(-displacement_exponent(atom.beta, at));
    Complex<T> ratio = phase_factor(atom.x, l) * (coupling(atom.beta, at, l) * damped);
    const T bend = coupling(atom.beta, l, l);
#pragma unroll
    for (int i = 0; i < part; ++i) {
      tile.along[transposed ? (first + i) * most_atoms<T> + place : place * row_length + first + i] = pair(z);
      z = z * ratio;
      ratio = ratio * bend;
    }
    if (first == 0) {
      const T last = atom.beta[2] * T(row_length * row_length);
      int reach = row_length;
      if (last > -detail::Precision<T>::lowest) {
        while (reach > 1 && atom.beta[2] * T((reach - 1) * (reach - 1)) > -detail::Precision<T>::lowest) --reach;
      }
      tile.reach[place] = reach;
    }
  }
  __syncthreads();
}

// A and g of one atom, from row to row.
template <class T, class Order>
struct Start {
  Complex<T> a;
  T g;
  bool good;  // the next row may follow from this one: A is a normal number, with room to spare

  __device__ ARGAND_INLINE Start() : a{0, 0}, g(1), good(false), ratio{0, 0}, turn(1) {}

  // To `row`, from `before` if that lies beside it.
  __device__ ARGAND_INLINE void go(const Atom<T, Order>& atom, const Row<Order>& row, const Row<Order>& before,
                                   bool at_rest) {
    const bool beside = good && row.first.h == before.first.h && row.first.k == before.first.k + 1 &&
                        row.first.l == before.first.l && row.step == before.step;
    if (beside) {
      a = a * ratio;
    } else {
      begin(atom, row, at_rest);
      return;
    }
    if (!at_rest) {
      ratio = ratio * atom.bend;
      g = g * turn;
    }
  }

 private:
  Complex<T> ratio;  // A(k + 1) / A(k)
  T turn;            // g(k + 1) / g(k)

  __device__ ARGAND_INLINE void begin(const Atom<T, Order>& atom, const Row<Order>& row, bool at_rest) {
    a = phase_factor(atom.x, row.first);
    ratio = atom.beside.complex();
    turn = g = 1;
    good = true;
    if (at_rest) return;
    const Orders<T> first{T(row.first.h), T(row.first.k), T(row.first.l)}, k{0, 1, 0}, l{0, 0, T(row.step)};
    const T exponent = displacement_exponent(atom.beta, first);
    a = a * bounded_exp(-exponent);
    g = coupling(atom.beta, first, l);
    ratio = ratio * coupling(atom.beta, first, k);
    turn = coupling(atom.beta, k, l);
    good = exponent < T(0.7) * -detail::Precision<T>::lowest;
  }
};

// Calls use(i, Z) for the entries of a row, i a constant of the program; A becomes A g from one to the next, and 0 where
// Z has left the normal numbers, lest A overflow. z(i) reads Z.
template <bool guarded, class T, class Z, class Use>
__device__ ARGAND_INLINE void walk(int length, int reach, Complex<T> a, T g, const Z& z, const Use& use) {
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
