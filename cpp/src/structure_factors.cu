#include "cuda/tile.cuh"

namespace argand::cuda {
namespace {

// The real type of T and of Complex<T>.
template <class T>
struct NumberOf {
  using Type = T;
};
template <class T>
struct NumberOf<Complex<T>> {
  using Type = T;
};
template <class F>
using Number = typename NumberOf<F>::Type;

// Calls use(i) for the entries i of a row; i is a constant of the program.
template <class Order, class Use>
__device__ ARGAND_INLINE void entries(const Row<Order>& row, const Use& use) {
#pragma unroll
  for (int i = 0; i < row_length; ++i) {
    if (i >= row.length) break;
    use(i);
  }
}

// Writes F: the sums of a tile's rows go to shared memory, and from there to F in whole lines.
template <class F>
struct ToF {
  using T = Number<F>;
  const F* form;
  Complex<T>* out;

  struct Parts {
    Shared<Pair<T>> sum;  // (rows, stage_columns)
    ARGAND_HD explicit Parts(SharedMemory& memory)
        : sum(memory.take<Pair<T>>(rows_in_tile * stage_columns - 1)) {}
  };

  __device__ ARGAND_INLINE void clear(const Parts& parts, int r) const {
#pragma unroll
    for (int i = 0; i < row_length; ++i) parts.sum[r * stage_columns + i] = {0, 0};
  }

  template <class Order, class Sum>
  __device__ ARGAND_INLINE void add(const Parts& parts, const Row<Order>& row, Index, int r,
                                    Index form_row, const Sum& sum) const {
    const F* f = form + form_row + row.at;
    const auto to = [&](int i) { return r * stage_columns + i; };
    entries(row, [&](int i) {
      const Complex<T> before = Pair<T>(parts.sum[to(i)]).complex();
      parts.sum[to(i)] = pair(before + *f * sum(i));
      f += row.step;
    });
  }

  template <class Order>
  __device__ ARGAND_INLINE void finish(const Parts& parts, const Shared<Row<Order>>& rows,
                                       const Reflections<Order>& reflections, Index first) const {
    for (int e = int(threadIdx.x); e < rows_in_tile * row_length; e += tile_threads) {
      const int r = e / row_length, i = e % row_length;
      const Row<Order> row = rows[r];
      if (i >= row.length) continue;
      const Pair<T> sum = parts.sum[r * stage_columns + i];
      const Index at = row.at + row.step * i, mate = reflections.mate(at);
      out[first + at] = sum.complex();
      if (mate != at) out[first + mate] = conj(sum.complex());
    }
  }
};

// Adds the sums of a scatterer's terms to the gradient by its form factors.
template <class F>
struct ToFormGradient {
  using T = Number<F>;
  const Complex<T>* g;
  F* gradient;

  struct Parts {
    ARGAND_HD explicit Parts(SharedMemory&) {}
  };

  __device__ ARGAND_INLINE void clear(const Parts&, int) const {}

  static __device__ ARGAND_INLINE void add_to(T* gradient, Complex<T> share) {
    atomicAdd(gradient, share.re);
  }
  static __device__ ARGAND_INLINE void add_to(Complex<T>* gradient, Complex<T> share) {
    atomicAdd(&gradient->re, share.re);
    atomicAdd(&gradient->im, share.im);
  }

  template <class Order, class Sum>
  __device__ ARGAND_INLINE void add(const Parts&, const Row<Order>& row, Index first, int,
                                    Index form_row, const Sum& sum) const {
    F* to = gradient + form_row + row.at;
    const Complex<T>* g_of_row = g + first + row.at;
    entries(row, [&](int i) {
      add_to(to, *g_of_row * conj(sum(i)));
      to += row.step;
      g_of_row += row.step;
    });
  }

  template <class Order>
  __device__ ARGAND_INLINE void finish(const Parts&, const Shared<Row<Order>>&,
                                       const Reflections<Order>&, Index) const {}
};

// The shared memory of a block.
template <class T, class Order, class To>
struct Parts {
  Shared<Row<Order>> rows;
  AtomTile<T, Order> atoms;
  Shared<Pair<T>> a;  // A (atom, row)
  Shared<T> g;        // g (atom, row)
  typename To::Parts to;

  ARGAND_HD explicit Parts(SharedMemory& memory)
      : rows(memory.take<Row<Order>>(rows_in_tile)),
        atoms(memory),
        a(memory.take<Pair<T>>(most_atoms<T> * columns - 1)),
        g(memory.take<T>(most_atoms<T> * columns - 1)),
        to(memory) {}
};

// Adds the terms of the atoms of a tile along the row of this thread, one scatterer at a time. Its
// sum stays in registers, and is multiplied by the form factors after its last atom. Sums of tiles
// are added in shared memory, so that errors grow with the number of tiles, not of atoms.
template <bool guarded, class T, class Order, class To>
__device__ ARGAND_INLINE void add_terms(const Parts<T, Order, To>& parts, const To& to,
                                        const Row<Order>& row, Index first, int r, int count,
                                        const std::int64_t* row_ptr) {
  Complex<T> sum[row_length];
  for (int a = 0; a < count;) {
    const std::int32_t scatterer = parts.atoms.scatterer[a];
#pragma unroll
    for (int i = 0; i < row_length; ++i) sum[i] = {0, 0};
    do {
      const Complex<T> start = Pair<T>(parts.a[a * columns + r]).complex();
      const T g = parts.g[a * columns + r];
      const int reach = guarded ? int(parts.atoms.reach[a]) : row_length;
      walk<guarded>(
          row.length, reach, start, g,
          [&](int i) { return Pair<T>(parts.atoms.along[a * row_length + i]).complex(); },
          [&](int i, Complex<T> t, Complex<T> z) {
            sum[i].re += t.re * z.re;
            sum[i].re -= t.im * z.im;
            sum[i].im += t.re * z.im;
            sum[i].im += t.im * z.re;
          });
      ++a;
    } while (a < count && parts.atoms.scatterer[a] == scatterer);
    const T turn = T(row.step);
    to.add(parts.to, row, first, r, row_ptr[scatterer],
           [&](int i) { return Complex<T>{sum[i].re, turn * sum[i].im}; });
  }
}

// Sums rows of reflections over atoms. A block takes rows_in_tile rows of a crystal after another.
// A thread has one row in add_terms, and before that one atom and per_tile rows.
template <class T, class Order, class To>
__global__ void __launch_bounds__(tile_threads, sizeof(T) == 4 ? 6 : 4)
    sum_rows(Atoms<T> atoms, Reflections<Order> reflections, const std::int64_t* row_ptr, To to,
             int per_tile, Index blocks_of_crystal) {
  SharedMemory memory = block_memory();
  const Parts<T, Order, To> parts(memory);
  const int t = int(threadIdx.x);
  const Index tasks = atoms.crystals * blocks_of_crystal;
  for (Index task = blockIdx.x; task < tasks; task += gridDim.x) {
    const Index crystal = task / blocks_of_crystal, rows = reflections.rows(crystal);
    const Index first = reflections.out_begin(crystal);
    const Index end = atoms.atom_ptr[crystal + 1];
    for (Index r0 = task % blocks_of_crystal * rows_in_tile; r0 < rows;
         r0 += blocks_of_crystal * rows_in_tile) {
      const Row<Order> row =
          r0 + t < rows ? reflections.row(crystal, r0 + t) : Row<Order>{{0, 0, 0}, 1, 0, 0};
      parts.rows[t] = row;
      to.clear(parts.to, t);
      for (Index begin = atoms.atom_ptr[crystal]; begin < end; begin += per_tile) {
        const int count = int(end - begin < per_tile ? end - begin : per_tile);
        fill<false>(parts.atoms, atoms, begin, count);
        const int slot = t % per_tile, r_first = t / per_tile * per_tile;
        int all_reach = 1;
        if (slot < count) {
          const Atom<T, Order> atom = parts.atoms.atom[slot];
          Start<T, Order> start;
          for (int r = r_first; r < r_first + per_tile; ++r) {
            const Row<Order> next = parts.rows[r];
            if (next.length == 0) continue;
            start.go(parts.atoms, slot, atom, next, atoms.beta == nullptr);
            const Complex<T> a = start.a * atom.occ;
            parts.a[slot * columns + r] = pair(next.step > 0 ? a : conj(a));
            parts.g[slot * columns + r] = start.g;
          }
          all_reach = parts.atoms.reach[slot] == row_length;
        }
        const bool plain = __syncthreads_and(all_reach);
        if (row.length == 0) continue;
        if (plain) {
          add_terms<false>(parts, to, row, first, t, count, row_ptr);
        } else {
          add_terms<true>(parts, to, row, first, t, count, row_ptr);
        }
      }
      __syncthreads();
      to.finish(parts.to, parts.rows, reflections, first);
      __syncthreads();
    }
  }
}

// Returns the number of blocks for each crystal: enough where rows are half full. Where rows are
// shorter, each block does more.
template <class Order>
Index blocks_for(const Reflections<Order>& reflections, Index crystals) {
  if (!reflections.hkl) return ceil_div(reflections.rows(0), rows_in_tile);
  const Index each = ceil_div(reflections.count,
                              reflections.lists(crystals) < 1 ? 1 : reflections.lists(crystals));
  return 1 + each / (rows_in_tile * row_length / 2);
}

// Puts the kernels of a sum on the stream.
template <class T, class Order, class To>
void launch(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
            Reflections<Order> reflections, const std::int64_t* row_ptr, const To& to,
            void* workspace) {
  if (atoms.crystals == 0 || reflections.count == 0) return;
  const DeviceGuard guard(queue.device);
  place_rows(atoms.crystals, reflections, workspace);
  find_rows(queue, atoms.crystals, reflections);
  SharedMemory memory = counting_memory();
  const Parts<T, Order, To> parts(memory);
  const auto kernel = sum_rows<T, Order, To>;
  static_assert(sizeof(T) <= 8 && most_atoms<T> * sizeof(T) <= 64,
                "the parts fit into plain_shared");
  const Index blocks = blocks_for(reflections, atoms.crystals);
  ARGAND_LAUNCH(kernel, grid_of(atoms.crystals * blocks), tile_threads, memory.bytes(), queue,
                atoms, reflections, row_ptr, to, atoms_in_tile<T>(extents.atoms, atoms.crystals),
                blocks);
  check(cudaGetLastError());
}

}  // namespace

template <class HklType>
Index structure_factors_workspace(Index crystals, const Extents&, const HklType& hkl) {
  return rows_workspace(crystals, reflections_of(hkl, false));
}

template <class T, class F, class HklType>
void structure_factors(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
                       const FormFactors<F>& form, const HklType& hkl, Complex<T>* out,
                       void* workspace) {
  launch(queue, atoms, extents, reflections_of(hkl, sizeof(F) == sizeof(T)), form.row_ptr,
         ToF<F>{form.value, out}, workspace);
}

template <class T, class F, class HklType>
void structure_factors_form_vjp(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
                                const FormFactors<F>& form, const HklType& hkl, const Complex<T>* g,
                                F* gradient, void* workspace) {
  launch(queue, atoms, extents, reflections_of(hkl, false), form.row_ptr,
         ToFormGradient<F>{g, gradient}, workspace);
}

#define ARGAND_INSTANTIATE(T, F, R)                                                                \
  template void structure_factors(const Queue&, const Atoms<T>&, const Extents&,                   \
                                  const FormFactors<F>&, const R&, Complex<T>*, void*);            \
  template void structure_factors_form_vjp(const Queue&, const Atoms<T>&, const Extents&,          \
                                           const FormFactors<F>&, const R&, const Complex<T>*, F*, \
                                           void*);
#define ARGAND_INSTANTIATE_ALL(R)                                              \
  template Index structure_factors_workspace(Index, const Extents&, const R&); \
  ARGAND_INSTANTIATE(float, float, R)                                          \
  ARGAND_INSTANTIATE(float, Complex<float>, R)                                 \
  ARGAND_INSTANTIATE(double, double, R)                                        \
  ARGAND_INSTANTIATE(double, Complex<double>, R)
ARGAND_INSTANTIATE_ALL(HklBox)
ARGAND_INSTANTIATE_ALL(HklLists<std::int32_t>)
ARGAND_INSTANTIATE_ALL(HklLists<double>)

}  // namespace argand::cuda
