#include "argand/moments.hpp"
#include "cuda/instantiate.cuh"
#include "cuda/tile.cuh"

namespace argand::cuda {
namespace {

// Most atoms of a tile.
constexpr int most_atoms = 16;
// Threads of a block. A thread has one atom of the tile and some of its rows.
constexpr int tile_threads = 64;
// Rows of reflections that are in shared memory at once.
constexpr int rows_in_tile = 32;
// Scatterers whose products conj(g) f are in shared memory at once.
constexpr int most_kinds = 2;
// Columns of those products, one more than are in use: no two threads of a warp then meet in a bank
// of the shared memory.
constexpr int product_columns = row_length + 1;

// Returns the number of atoms of a tile: few where crystals are small, so that few threads idle. A
// thread has half as many rows.
inline int atoms_in_tile(Index atoms, Index crystals) {
  const Index mean = ceil_div(atoms, crystals);
  return mean <= 4 ? 4 : mean <= 8 ? 8 : most_atoms;
}

// The shared memory of a block.
template <class T, class Order>
struct Parts {
  AtomTile<T, Order> atoms;
  Shared<Index> source;       // (atom): row in the caller's arrays
  Shared<std::int32_t> kind;  // (atom): which scatterer of the tile it has
  Shared<Index> form;         // (kind): where its form factors begin
  Shared<Row<Order>> rows;    // (row)
  Shared<Pair<T>> product;    // (kind, row, entry): conj(g) f, conjugated where l falls
  Shared<double> moments;     // (moment, thread)

  ARGAND_HD explicit Parts(SharedMemory& memory)
      : atoms(memory, most_atoms),
        source(memory.take<Index>(most_atoms)),
        kind(memory.take<std::int32_t>(most_atoms)),
        form(memory.take<Index>(most_atoms)),
        rows(memory.take<Row<Order>>(rows_in_tile)),
        product(memory.take<Pair<T>>(most_kinds * rows_in_tile * product_columns - 1)),
        moments(memory.take<double>(moment_count * tile_threads)) {}
};

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)

// The moments of a thread's atom: summed in the precision of T over the rows of a tile, in double
// over tiles.
template <class T>
struct MomentSums {
  T of_tile[moment_count];
  double total[moment_count];

  __device__ ARGAND_INLINE MomentSums() : of_tile{}, total{} {}

  // Adds a rising row by its sums over the entries i: of p, i p and i^2 p.
  template <class Order>
  __device__ ARGAND_INLINE void add(const RisingRow<T, Order>& row, Complex<T> p, Complex<T> ip,
                                    T iip) {
    // The sum of l Re p, where entry i has l + i.
    const T l_re = row.l * p.re + ip.re;
    of_tile[0] += row.h * p.im;
    of_tile[1] += row.k * p.im;
    of_tile[2] += row.l * p.im + ip.im;
    of_tile[3] += row.h * row.h * p.re;
    of_tile[4] += row.k * row.k * p.re;
    of_tile[5] += row.l * l_re + row.l * ip.re + iip;
    of_tile[6] += row.h * row.k * p.re;
    of_tile[7] += row.h * l_re;
    of_tile[8] += row.k * l_re;
    of_tile[9] += p.re;
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

// Sums over a row what an atom is multiplied by: the phase of A waits until the end of the row.
template <bool guarded, class T, class Order>
__device__ ARGAND_INLINE void gather_row(const Parts<T, Order>& parts, const Row<Order>& row,
                                         int first_product, int slot, int reach, bool at_rest,
                                         const Atom<T, Order>& atom, MomentSums<T>& moments) {
  const RisingRow<T, Order> rising(row);
  const Start<T> start = start_of<guarded>(atom, rising, at_rest);
  Complex<T> sum{0, 0}, sum_i{0, 0}, sum_ii{0, 0};
  walk<guarded>(parts.atoms, slot, row.length, reach, start.damping, start.g,
                [&](int i, T damping, Complex<T> z) {
                  if (i >= row.length) return;
                  const Pair<T> product = parts.product[first_product + i];
                  const Complex<T> p = (z * damping) * product.complex();
                  sum = sum + p;
                  sum_i = sum_i + p * T(i);
                  sum_ii = sum_ii + p * T(i * i);
                });
  moments.add(rising, start.phase * sum, start.phase * sum_i, (start.phase * sum_ii).re);
}

template <class T>
__device__ ARGAND_INLINE Complex<T> number(Pair<T> f) {
  return f.complex();
}
template <class T>
__device__ ARGAND_INLINE T number(T f) {
  return f;
}

// Computes conj(g) f of the scatterers kind .. kind + kinds for the rows in shared memory.
template <class T, class Order, class F>
__device__ ARGAND_INLINE void multiply(const Parts<T, Order>& parts,
                                       const Reflections<Order>& reflections, const F* form,
                                       const Pair<T>* g, int kind, int kinds) {
  for (int e = int(threadIdx.x); e < rows_in_tile * row_length; e += tile_threads) {
    const int r = e / row_length, i = e % row_length;
    const Row<Order> row = parts.rows[r];
    if (i >= row.length) continue;
    const Index at = row.at + row.step * i, mate = reflections.mate(at);
    Complex<T> conj_g = conj(g[at].complex());
    // The mate F(-h) = conj F(h) has a g of its own.
    if (mate != at) conj_g = conj_g + g[mate].complex();
#pragma unroll
    for (int n = 0; n < most_kinds; ++n) {
      if (n >= kinds) break;
      const Index form_row = parts.form[kind + n];
      const Complex<T> product = conj_g * number(form[form_row + at]);
      parts.product[(n * rows_in_tile + r) * product_columns + i] =
          pair(row.step > 0 ? product : conj(product));
    }
  }
}

// Numbers the scatterers of a tile of atoms; they lie sorted. Returns their number.
template <class T, class Order>
__device__ ARGAND_INLINE int number_kinds(const Parts<T, Order>& parts, int count,
                                          const std::int64_t* row_ptr) {
  int kinds = 0;
  std::int32_t before = 0;
  for (int slot = 0; slot < count; ++slot) {
    const Atom<T, Order> atom = parts.atoms.atom[slot];
    const bool is_new = slot == 0 || atom.scatterer != before;
    before = atom.scatterer;
    kinds += is_new;
    if (int(threadIdx.x) != slot) continue;
    parts.kind[slot] = kinds - 1;
    if (is_new) parts.form[kinds - 1] = row_ptr[before];
  }
  return kinds;
}

// Sums the moments of atoms. A block takes some atoms of a crystal and every splits-th tile of its
// rows. A thread has one atom and per_tile / 2 rows. With one split the gradients are written, with
// more the moments, partial (split, moment, atom).
template <class T, class Order, class F>
__global__ void __launch_bounds__(tile_threads, sizeof(T) == 4 ? 8 : 4)
    gather_atoms(Atoms<T> atoms, Index all_atoms, Reflections<Order> reflections, const F* form,
                 const std::int64_t* row_ptr, const Pair<T>* g, AtomGradients<T> gradients,
                 int per_tile, Index tiles_of_crystal, Index splits, double* partial) {
  SharedMemory memory = block_memory();
  const Parts<T, Order> parts(memory);
  const int t = int(threadIdx.x), slot = t % per_tile, rows_of_thread = per_tile / 2;
  const int longest = reflections.longest_row();
  const Index tasks = atoms.crystals * tiles_of_crystal * splits;
  for (Index task = blockIdx.x; task < tasks; task += gridDim.x) {
    const Index split = task % splits, crystal = task / splits / tiles_of_crystal;
    const Index rows = reflections.rows(crystal), first = reflections.out_begin(crystal);
    const Index end = atoms.atom_ptr[crystal + 1];
    for (Index begin = atoms.atom_ptr[crystal] + task / splits % tiles_of_crystal * per_tile;
         begin < end; begin += tiles_of_crystal * per_tile) {
      const int count = int(end - begin < per_tile ? end - begin : per_tile);
      load_atoms(parts.atoms, atoms, begin, count,
                 [&](int place, Index source) { parts.source[place] = source; });
      fill_along(parts.atoms, count, longest);
      const int kinds = number_kinds(parts, count, row_ptr);
      const Atom<T, Order> atom = parts.atoms.atom[slot < count ? slot : 0];
      __syncthreads();
      const int kind = slot < count ? int(parts.kind[slot]) : -1;
      MomentSums<T> moments;
      for (Index r0 = split * rows_in_tile; r0 < rows; r0 += splits * rows_in_tile) {
        if (t < rows_in_tile) {
          parts.rows[t] =
              r0 + t < rows ? reflections.row(crystal, r0 + t) : Row<Order>{{0, 0, 0}, 1, 0, 0};
        }
        __syncthreads();
        for (int first_kind = 0; first_kind < kinds; first_kind += most_kinds) {
          const int remaining = kinds - first_kind;
          multiply(parts, reflections, form, g + first, first_kind,
                   remaining < most_kinds ? remaining : most_kinds);
          __syncthreads();
          if (kind >= first_kind && kind < first_kind + most_kinds) {
            for (int n = 0; n < rows_of_thread; ++n) {
              const int r = t / per_tile * rows_of_thread + n;
              const Row<Order> row = parts.rows[r];
              if (row.length == 0) continue;
              const int product = ((kind - first_kind) * rows_in_tile + r) * product_columns;
              if (atom.is_plain()) {
                gather_row<false>(parts, row, product, slot, row_length, atoms.beta == nullptr,
                                  atom, moments);
              } else {
                gather_row<true>(parts, row, product, slot, atom.reach, atoms.beta == nullptr, atom,
                                 moments);
              }
            }
          }
          __syncthreads();
        }
        moments.close_tile();
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
        const Index source = parts.source[t];
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

#endif

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
  // Without crystals no atom belongs to one.
  if (extents.atoms == 0 || atoms.crystals == 0) return;
  const DeviceGuard guard(queue.device);
  place_rows(atoms.crystals, reflections, workspace);
  auto* partial = reinterpret_cast<double*>(static_cast<unsigned char*>(workspace) +
                                            rows_workspace(atoms.crystals, reflections));
  find_rows(queue, atoms.crystals, reflections);
  SharedMemory memory = counting_memory();
  const Parts<T, Order> parts(memory);
  const Index splits = splits_for(atoms.crystals, extents, reflections);
  const int per_tile = atoms_in_tile(extents.atoms, atoms.crystals);
  const Index tiles = ceil_div(ceil_div(extents.atoms, atoms.crystals), per_tile);
  const auto kernel = gather_atoms<T, Order, Stored<F>>;
  ARGAND_LAUNCH(kernel, grid_of(atoms.crystals * tiles * splits), tile_threads, memory.bytes(),
                queue, atoms, extents.atoms, reflections, stored(form.value), form.row_ptr,
                stored(g), gradients, per_tile, tiles, splits, partial);
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

#define ARGAND_WORKSPACE(R) \
  template Index structure_factors_vjp_workspace(Index, const Extents&, const R&);
#define ARGAND_SUM(T, F, R)                                                               \
  template void structure_factors_vjp(const Queue&, const Atoms<T>&, const Extents&,      \
                                      const FormFactors<F>&, const R&, const Complex<T>*, \
                                      const AtomGradients<T>&, void*);
ARGAND_INSTANTIATE(ARGAND_WORKSPACE, ARGAND_SUM)

}  // namespace argand::cuda
