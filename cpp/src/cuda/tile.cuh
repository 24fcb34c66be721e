// A tile: some atoms of one crystal and rows_in_tile rows of its reflections, the work of a block
// between two barriers.
//
// Along a row a term is a product of three numbers, T(a + b) = T(a) T(b) exp(-2 a^T beta b):
//
//   T(h, k, l + s i) = A g^i Z(i),   A = T(h, k, l),   Z(i) = T(0, 0, i),   g = exp(-2 s (beta_13 h
//   + beta_23 k + beta_33 l))
//
// (for s = -1 the conjugate of all this). Z belongs to the atom alone, so a step costs a real and a
// complex product. Of A and g, what costs most is taken over from the row beside it, k -> k + 1. In
// float that is the phase, by a table, so that errors do not add up; the exponential is an
// instruction of the device. In double, where it is none and the last digits are not missed, it is
// all of A and g, by the same law.
#pragma once

#include "argand/turns.hpp"
#include "rows.cuh"

namespace argand::cuda {

constexpr int tile_threads = 64;
constexpr int rows_in_tile = 64;
template <class T>
constexpr int most_atoms = sizeof(T) == 4 ? 16 : 8;  // of a tile
constexpr int columns =
    rows_in_tile + 1;  // one more than there are, so that no two lanes meet in a bank
constexpr int stage_columns = row_length + 1;

// Atoms of a tile, so that few threads idle where crystals are small. A thread with an atom has as
// many rows.
template <class T>
int atoms_in_tile(Index atoms, Index crystals) {
  const Index mean = ceil_div(atoms, crystals < 1 ? 1 : crystals);
  return mean <= 4 ? 4 : mean <= 8 ? 8 : most_atoms<T>;
}

template <class T, class Order>
struct Atom {
  Turns<T, Order> x[3];
  T beta[6], occ;
};

// What the threads of a block share about the atoms of a tile, sorted by scatterer.
template <class T, class Order>
struct AtomTile {
  Shared<Atom<T, Order>> atom;
  Shared<Index> source;  // row in the caller's arrays
  Shared<std::int32_t> unsorted, scatterer;
  Shared<Pair<T>> along;       // Z(i)
  Shared<Pair<T>> across;      // exp(2 pi i j y) of (j, atom)
  Shared<std::int32_t> reach;  // the first i at which Z(i) has left the normal numbers

  ARGAND_HD explicit AtomTile(SharedMemory& memory) {
    atom = memory.take<Atom<T, Order>>(most_atoms<T>);
    source = memory.take<Index>(most_atoms<T>);
    unsorted = memory.take<std::int32_t>(most_atoms<T>);
    scatterer = memory.take<std::int32_t>(most_atoms<T>);
    along = memory.take<Pair<T>>(most_atoms<T> * row_length);
    across = memory.take<Pair<T>>(most_atoms<T> *
                                  (sizeof(T) == 4 ? row_length : 2));  // double asks for j = 1 only
    reach = memory.take<std::int32_t>(most_atoms<T>);
  }
};

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)

template <class T>
__device__ ARGAND_INLINE void load_beta(const Atoms<T>& atoms, Index a, T (&beta)[6]) {
#pragma unroll
  for (int d = 0; d < 6; ++d) beta[d] = atoms.beta ? atoms.beta[6 * a + d] : T(0);
}

// Fills the tile with atoms begin .. begin + count. `transposed`: Z(i) of an atom at i * most_atoms
// + atom, else at atom * row_length + i. Ends with a barrier; who still reads the tile before it
// needs none.
template <bool transposed, class T, class Order>
__device__ ARGAND_INLINE void fill(const AtomTile<T, Order>& tile, const Atoms<T>& atoms,
                                   Index begin, int count) {
  const int t = int(threadIdx.x);
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
    atom.occ =
        (atoms.occ ? atoms.occ[a] : T(1)) + T(0) * sum;  // NaN where a coordinate is no number
    tile.atom[place] = atom;
    tile.source[place] = a;
    tile.scatterer[place] = own;
  }
  __syncthreads();
  // The tables, half of the threads for each: some entries a thread, the first of them by its
  // definition.
  constexpr int half = tile_threads / 2, part = row_length * most_atoms<T> / half;
  const int place = t % most_atoms<T>, first = t % half / most_atoms<T> * part;
  if (place < count && t < half) {
    const Atom<T, Order> atom = tile.atom[place];
    const Orders<Order> at{0, 0, Order(first)}, l{0, 0, 1};
    const T damped = bounded_exp(-atom.beta[2]);
    Complex<T> z = phase_factor(atom.x, at) * bounded_exp(-displacement_exponent(atom.beta, at));
    Complex<T> ratio = phase_factor(atom.x, l) * (coupling<2>(atom.beta, at, T(1)) * damped);
    const T bend = coupling<2>(atom.beta, l, T(1));
#pragma unroll
    for (int i = 0; i < part; ++i) {
      tile.along[transposed ? (first + i) * most_atoms<T> + place
                            : place * row_length + first + i] = pair(z);
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
      tile.reach[place] = reach;
    }
  } else if (place < count) {
    const Atom<T, Order> atom = tile.atom[place];
    const Complex<T> beside = phase_factor(atom.x, Orders<Order>{0, 1, 0});
    if constexpr (sizeof(T) == 8) {  // the only entry that is asked for
      if (first == 0) tile.across[most_atoms<T> + place] = pair(beside);
    } else {
      const auto put = [&](int j, Complex<T> value) {
        tile.across[j * most_atoms<T> + place] = pair(value);
      };
      constexpr int middle = part / 2;  // from there both ways, so that errors stay half as large
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

// A and g of one atom, from row to row.
template <class T, class Order>
class Start {
 public:
  Complex<T> a{0, 0};
  T g = 1;

  __device__ ARGAND_INLINE void go(const AtomTile<T, Order>& tile, int place,
                                   const Atom<T, Order>& atom, const Row<Order>& row,
                                   bool at_rest) {
    const bool beside = known_ && row.first.h == from_.h && row.first.l == from_.l &&
                        row.step == step_ && row.first.k >= from_.k &&
                        row.first.k < from_.k + row_length;
    const int j = beside ? int(row.first.k - from_.k) : 0;
    const bool whole = std::is_integral_v<Order> || from_.k + Order(j) == row.first.k;
    if constexpr (sizeof(T) == 4) {
      if (!beside || !whole) enter(row, phase_factor(atom.x, row.first));
      a = beside && whole ? phase_ * Pair<T>(tile.across[j * most_atoms<T> + place]).complex()
                          : phase_;
      if (at_rest) return;
      const Orders<T> first = numbers(row.first);
      a = a * bounded_exp(-displacement_exponent(atom.beta, first));
      g = coupling<2>(atom.beta, first, T(row.step));
    } else {
      if (!beside || !whole || j != steps_ + 1) return begin(tile, place, atom, row, at_rest);
      ++steps_;
      a = a * phase_;
      if (at_rest) return;
      phase_ = phase_ * bend_;
      g = g * turn_;
    }
  }

 private:
  bool known_ = false;
  Orders<Order> from_{0, 0, 0};  // the row that the others are taken from
  std::int32_t step_ = 0, steps_ = 0;
  Complex<T> phase_{0, 0};  // float: of A at from_; double: A(k + 1) / A(k)
  T turn_ = 1, bend_ = 1;   // double: g(k + 1) / g(k), and the ratio of two ratios of A

  static __device__ ARGAND_INLINE Orders<T> numbers(const Orders<Order>& hkl) {
    return {T(hkl.h), T(hkl.k), T(hkl.l)};
  }

  __device__ ARGAND_INLINE void enter(const Row<Order>& row, Complex<T> phase) {
    known_ = true;
    from_ = row.first;
    step_ = row.step;
    phase_ = phase;
  }

  __device__ ARGAND_INLINE void begin(const AtomTile<T, Order>& tile, int place,
                                      const Atom<T, Order>& atom, const Row<Order>& row,
                                      bool at_rest) {
    enter(row, Pair<T>(tile.across[most_atoms<T> + place]).complex());
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
    // The next row may follow only where A is a normal number with room to spare.
    known_ = exponent < T(0.7) * -detail::Precision<T>::lowest;
  }
};

// Calls use(i, Z) for the entries of a row, i a constant of the program; A becomes A g from one to
// the next, and 0 where Z has left the normal numbers, lest A overflow. z(i) reads Z.
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
