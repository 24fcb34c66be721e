#include "argand/moments.hpp"
#include "cuda/tile.cuh"

namespace argand::cuda {
namespace {

// The shared memory of a block.
template <class T, class Order>
struct Parts {
  Shared<Row<Order>> rows;
  AtomTile<T, Order> atoms;
  Shared<Pair<T>> g;       // conj(g) plus g of the mate (row, entry)
  Shared<double> moments;  // (moment, thread)

  ARGAND_HD explicit Parts(SharedMemory& memory)
      : rows(memory.take<Row<Order>>(rows_in_tile)),
        atoms(memory),
        g(memory.take<Pair<T>>(rows_in_tile * stage_columns - 1)),
        moments(memory.take<double>(moment_count * tile_threads)) {}
};

// The moments of a thread's atom: summed in the precision of T over the rows of a tile, in double
// over tiles.
template <class T>
struct MomentSums {
  T of_tile[moment_count];
  double total[moment_count];

  __device__ ARGAND_INLINE MomentSums() : of_tile{}, total{} {}

  // Adds a row by its sums over the entries i: of Im p and i Im p, and of Re p, i Re p and i^2 Re
  // p.
  template <class Order>
  __device__ ARGAND_INLINE void add(const Row<Order>& row, T i0, T i1, T r0, T r1, T r2) {
    const T h = T(row.first.h), k = T(row.first.k), l = T(row.first.l), s = T(row.step);
    // The sum of l Re p, where entry i has l + s i.
    const T l_r1 = l * r0 + s * r1;
    of_tile[0] += h * i0;
    of_tile[1] += k * i0;
    of_tile[2] += l * i0 + s * i1;
    of_tile[3] += h * h * r0;
    of_tile[4] += k * k * r0;
    of_tile[5] += l * l_r1 + s * l * r1 + r2;
    of_tile[6] += h * k * r0;
    of_tile[7] += h * l_r1;
    of_tile[8] += k * l_r1;
    of_tile[9] += r0;
  }

  // Adds the sums of the tile to the totals.
  __device__ ARGAND_INLINE void close_tile() {
#pragma unroll
    for (int m = 0; m < moment_count; ++m) {
      total[m] += double(of_tile[m]);
      of_tile[m] = 0;
    }
  }
};

// Returns f for a rising row, and its conjugate for a falling one.
template <class T>
__device__ ARGAND_INLINE T turned(T f, int) {
  return f;
}
template <class T>
__device__ ARGAND_INLINE Complex<T> turned(Complex<T> f, int step) {
  return {f.re, step > 0 ? f.im : -f.im};
}

// Adds the entries of a row to the moments of an atom. Along a falling row the recurrence gives the
// conjugate of T, so g and f are conjugated too, and Im p has the other sign.
template <bool guarded, class T, class Order, class F>
__device__ ARGAND_INLINE void gather_row(const Parts<T, Order>& parts, const Row<Order>& row, int r,
                                         int slot, Complex<T> a, T g, const F* form,
                                         MomentSums<T>& moments) {
  T i0 = 0, i1 = 0, r0 = 0, r1 = 0, r2 = 0;
  walk<guarded>(
      row.length, guarded ? int(parts.atoms.reach[slot]) : row_length, row.step > 0 ? a : conj(a),
      g, [&](int i) { return Pair<T>(parts.atoms.along[i * most_atoms<T> + slot]).complex(); },
      [&](int i, Complex<T> t, Complex<T> z) {
        if (i >= row.length) return;
        const Complex<T> conj_g = Pair<T>(parts.g[r * stage_columns + i]).complex();
        const Complex<T> p = (t * z) * (conj_g * turned(form[row.step * i], row.step));
        i0 += p.im;
        i1 += T(i) * p.im;
        r0 += p.re;
        r1 += T(i) * p.re;
        r2 += T(i * i) * p.re;
      });
  const T sign = T(row.step);
  moments.add(row, sign * i0, sign * i1, r0, r1, r2);
}

// Sums the moments of atoms. A block takes some atoms of a crystal and every splits-th tile of its
// rows. A thread has one atom and per_tile rows. With one split the gradients are written, with
// more the moments, partial (split, moment, atom).
template <class T, class Order, class F>
__global__ void __launch_bounds__(tile_threads, sizeof(T) == 4 ? 6 : 4)
    gather_atoms(Atoms<T> atoms, Index all_atoms, Reflections<Order> reflections,
                 FormFactors<F> form, const Complex<T>* g, AtomGradients<T> gradients, int per_tile,
                 Index tiles_of_crystal, Index splits, double* partial) {
  SharedMemory memory = block_memory();
  const Parts<T, Order> parts(memory);
  const int t = int(threadIdx.x), slot = t % per_tile, r_first = t / per_tile * per_tile;
  const Index tasks = atoms.crystals * tiles_of_crystal * splits;
  for (Index task = blockIdx.x; task < tasks; task += gridDim.x) {
    const Index split = task % splits, crystal = task / splits / tiles_of_crystal;
    const Index rows = reflections.rows(crystal), first = reflections.out_begin(crystal);
    const Index end = atoms.atom_ptr[crystal + 1];
    for (Index begin = atoms.atom_ptr[crystal] + task / splits % tiles_of_crystal * per_tile;
         begin < end; begin += tiles_of_crystal * per_tile) {
      const int count = int(end - begin < per_tile ? end - begin : per_tile);
      fill<true>(parts.atoms, atoms, begin, count);
      Atom<T, Order> atom{};
      const F* form_row = form.value;
      int reach = row_length;
      if (slot < count) {
        atom = parts.atoms.atom[slot];
        form_row += form.row_ptr[std::int32_t(parts.atoms.scatterer[slot])];
        reach = parts.atoms.reach[slot];
      }
      MomentSums<T> moments;
      for (Index r0 = split * rows_in_tile; r0 < rows; r0 += splits * rows_in_tile) {
        parts.rows[t] =
            r0 + t < rows ? reflections.row(crystal, r0 + t) : Row<Order>{{0, 0, 0}, 1, 0, 0};
        __syncthreads();
        for (int e = t; e < rows_in_tile * row_length; e += tile_threads) {
          const int r = e / row_length, i = e % row_length;
          const Row<Order> row = parts.rows[r];
          if (i >= row.length) continue;
          const Index at = row.at + row.step * i, mate = reflections.mate(at);
          Complex<T> conj_g = conj(g[first + at]);
          // The mate F(-h) = conj F(h) has a g of its own.
          if (mate != at) conj_g = conj_g + g[first + mate];
          parts.g[r * stage_columns + i] = pair(row.step > 0 ? conj_g : conj(conj_g));
        }
        __syncthreads();
        if (slot < count) {
          Start<T, Order> start;
          for (int r = r_first; r < r_first + per_tile; ++r) {
            const Row<Order> row = parts.rows[r];
            if (row.length == 0) continue;
            start.go(parts.atoms, slot, atom, row, atoms.beta == nullptr);
            if (reach == row_length) {
              gather_row<false>(parts, row, r, slot, start.a, start.g, form_row + row.at, moments);
            } else {
              gather_row<true>(parts, row, r, slot, start.a, start.g, form_row + row.at, moments);
            }
          }
          moments.close_tile();
        }
        __syncthreads();
      }
#pragma unroll
      for (int m = 0; m < moment_count; ++m) parts.moments[m * tile_threads + t] = moments.total[m];
      __syncthreads();
      if (t < count) {
        double sum[moment_count];
#pragma unroll
        for (int m = 0; m < moment_count; ++m) {
          sum[m] = 0;
          for (int other = t; other < tile_threads; other += per_tile)
            sum[m] += parts.moments[m * tile_threads + other];
        }
        const Index source = parts.atoms.source[t];
        if (splits == 1) {
          store_gradients(sum, double(atom.occ), source, gradients);
        } else {
#pragma unroll
          for (int m = 0; m < moment_count; ++m)
            partial[(split * moment_count + m) * all_atoms + source] = sum[m];
        }
      }
    }
  }
}

// Adds the moments of all splits, and writes the gradients.
template <class T>
__global__ void __launch_bounds__(256)
    join_splits(Index all_atoms, const T* occ, Index splits, const double* partial,
                AtomGradients<T> gradients) {
  for (Index a = Index(blockIdx.x) * 256 + threadIdx.x; a < all_atoms;
       a += Index(gridDim.x) * 256) {
    double sum[moment_count];
#pragma unroll
    for (int m = 0; m < moment_count; ++m) {
      sum[m] = 0;
      for (Index s = 0; s < splits; ++s) sum[m] += partial[(s * moment_count + m) * all_atoms + a];
    }
    store_gradients(sum, occ ? double(occ[a]) : 1.0, a, gradients);
  }
}

// Blocks that fill a device.
constexpr Index enough_blocks = 1024;
// Most blocks that share the rows of a crystal: they bound the workspace.
constexpr Index most_splits = 64;

// Returns among how many blocks the rows of a crystal are shared out, where there are too few atoms
// to fill a device.
template <class Order>
Index splits_for(Index crystals, const Extents& extents, const Reflections<Order>& reflections) {
  const Index tiles = crystals + extents.atoms / 16;
  const Index lists = reflections.lists(crystals);
  const Index row_tiles =
      1 + reflections.count / (lists < 1 ? 1 : lists) / (rows_in_tile * row_length / 2);
  Index splits = enough_blocks / (tiles < 1 ? 1 : tiles);
  splits = splits < row_tiles ? splits : row_tiles;
  return splits < 1 ? 1 : splits < most_splits ? splits : most_splits;
}

// Puts the kernels of the derivatives on the stream.
template <class T, class Order, class F>
void launch(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
            Reflections<Order> reflections, const FormFactors<F>& form, const Complex<T>* g,
            const AtomGradients<T>& gradients, void* workspace) {
  if (extents.atoms == 0) return;
  const DeviceGuard guard(queue.device);
  place_rows(atoms.crystals, reflections, workspace);
  auto* partial = reinterpret_cast<double*>(static_cast<unsigned char*>(workspace) +
                                            rows_workspace(atoms.crystals, reflections));
  find_rows(queue, atoms.crystals, reflections);
  SharedMemory memory = counting_memory();
  const Parts<T, Order> parts(memory);
  const Index splits = splits_for(atoms.crystals, extents, reflections);
  const int per_tile = atoms_in_tile<T>(extents.atoms, atoms.crystals);
  const Index tiles = ceil_div(ceil_div(extents.atoms, atoms.crystals), per_tile);
  const auto kernel = gather_atoms<T, Order, F>;
  ARGAND_LAUNCH(kernel, grid_of(atoms.crystals * tiles * splits), tile_threads, memory.bytes(),
                queue, atoms, extents.atoms, reflections, form, g, gradients, per_tile, tiles,
                splits, partial);
  check(cudaGetLastError());
  if (splits == 1) return;
  ARGAND_LAUNCH(join_splits<T>, grid_of(ceil_div(extents.atoms, 256)), 256, 0, queue, extents.atoms,
                atoms.occ, splits, partial, gradients);
  check(cudaGetLastError());
}

}  // namespace

template <class HklType>
Index structure_factors_vjp_workspace(Index crystals, const Extents& extents, const HklType& hkl) {
  const auto reflections = reflections_of(hkl, false);
  const Index splits = splits_for(crystals, extents, reflections);
  return rows_workspace(crystals, reflections) +
         (splits == 1 ? 0 : splits * moment_count * Index(sizeof(double)) * extents.atoms);
}

template <class T, class F, class HklType>
void structure_factors_vjp(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
                           const FormFactors<F>& form, const HklType& hkl, const Complex<T>* g,
                           const AtomGradients<T>& gradients, void* workspace) {
  launch(queue, atoms, extents, reflections_of(hkl, sizeof(F) == sizeof(T)), form, g, gradients,
         workspace);
}

#define ARGAND_INSTANTIATE(T, F, R)                                                       \
  template void structure_factors_vjp(const Queue&, const Atoms<T>&, const Extents&,      \
                                      const FormFactors<F>&, const R&, const Complex<T>*, \
                                      const AtomGradients<T>&, void*);
#define ARGAND_INSTANTIATE_ALL(R)                                                  \
  template Index structure_factors_vjp_workspace(Index, const Extents&, const R&); \
  ARGAND_INSTANTIATE(float, float, R)                                              \
  ARGAND_INSTANTIATE(float, Complex<float>, R)                                     \
  ARGAND_INSTANTIATE(double, double, R)                                            \
  ARGAND_INSTANTIATE(double, Complex<double>, R)
ARGAND_INSTANTIATE_ALL(HklBox)
ARGAND_INSTANTIATE_ALL(HklLists<std::int32_t>)
ARGAND_INSTANTIATE_ALL(HklLists<double>)

}  // namespace argand::cuda
