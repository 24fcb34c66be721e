// Sums rows of reflections over the atoms of crystals. A thread has a row: for every atom of a tile
// it computes A and g, and walks along the row with its sums in registers. What becomes of the sums
// of each scatterer is the affair of the class To:
//
//   typename To::Sums sums(to, memory, threads)   takes its shared memory
//   sums.begin(row)                               before the atoms of a crystal
//   sums.add(row, first, form_row, sum)           sum[i] is the sum of a scatterer at entry i
//   sums.finish(row, reflections, first)          after the atoms of a crystal
//   sums.close(row)                               before the thread takes another row
//
// where `first` is where F of the crystal begins, and `form_row` where its form factors do.
#pragma once

#include "tile.cuh"

namespace argand::cuda {

// Most atoms of a tile. Its sums stay in registers.
constexpr int atoms_of_tile = 32;

// How a batch is shared out: block b sums the rows of tile b % tiles of every groups-th crystal, as
// many rows as it has threads. A block keeps its rows from crystal to crystal where all crystals
// have the same reflections.
struct Share {
  int threads;
  Index tiles, groups;
};

// Shares out crystals among blocks that sum so many tiles of rows.
inline Share share_of(int threads, Index tiles, Index crystals) {
  const Index groups = ceil_div(blocks_of_device, tiles);
  return {threads, tiles, groups < crystals ? groups : crystals};
}

// Shares out a batch among blocks of `threads` threads. The number of rows of a list is not known:
// where rows are shorter than half full, each block does more.
template <class Order>
Share share_of_rows(const Reflections<Order>& reflections, Index crystals, int threads) {
  if (reflections.is_box)
    return share_of(threads, ceil_div(reflections.rows(0), threads), crystals);
  const Index lists = reflections.lists(crystals);
  const Index each = reflections.count / (lists < 1 ? 1 : lists);
  return share_of(threads, 1 + each / (threads * row_length / 2), crystals);
}

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)

// Adds the terms of the atoms of a tile along the row of this thread, one scatterer at a time. The
// sums of a scatterer go to `sums` after its last atom of the tile, so that errors grow with the
// number of tiles, not of atoms.
template <bool guarded, class T, class Order, class Sums>
__device__ ARGAND_INLINE void add_tile(const AtomTile<T, Order>& tile, int count, bool at_rest,
                                       const Row<Order>& row, const RisingRow<T, Order>& rising,
                                       Index first, const std::int64_t* row_ptr, Sums& sums) {
  const T sign = T(row.step);
  for (int slot = 0; slot < count;) {
    Atom<T, Order> atom = tile.atom[slot];
    const std::int32_t scatterer = atom.scatterer;
    const Index form_row = row_ptr[scatterer];
    Complex<T> sum[row_length];
#pragma unroll
    for (int i = 0; i < row_length; ++i) sum[i] = {0, 0};
    while (true) {
      const Start<T> start = start_of<guarded>(atom, rising, at_rest);
      const Complex<T> a = start.phase * (start.damping * atom.occ);
      walk<guarded>(tile, slot, row.length, atom.reach, a, start.g,
                    [&](int i, Complex<T> t, Complex<T> z) {
                      sum[i].re += t.re * z.re;
                      sum[i].re -= t.im * z.im;
                      sum[i].im += t.re * z.im;
                      sum[i].im += t.im * z.re;
                    });
      atom = tile.atom[++slot];
      if (atom.scatterer != scatterer) break;
    }
#pragma unroll
    for (int i = 0; i < row_length; ++i) sum[i].im *= sign;
    sums.add(row, first, form_row, sum);
  }
}

// Sums rows of reflections over atoms. One block on a multiprocessor is enough: without that bound
// the compiler spills registers for the sake of more.
template <class T, class Order, class To>
__global__ void __launch_bounds__(To::most_threads, 1)
    sum_rows(Atoms<T> atoms, Reflections<Order> reflections, const std::int64_t* row_ptr, To to,
             Share share) {
  SharedMemory memory = block_memory();
  const AtomTile<T, Order> tile(memory, atoms_of_tile);
  typename To::Sums sums(to, memory, share.threads);
  const int t = int(threadIdx.x), longest = reflections.longest_row();
  const bool at_rest = atoms.beta == nullptr;
  const Index first_row = Index(blockIdx.x) % share.tiles * share.threads;
  Row<Order> row{{0, 0, 0}, 1, 0, 0};
  RisingRow<T, Order> rising;
  Index loaded = -1;
  for (Index crystal = blockIdx.x / share.tiles; crystal < atoms.crystals;
       crystal += share.groups) {
    const Index rows = reflections.rows(crystal), first = reflections.out_begin(crystal);
    const Index begin = atoms.atom_ptr[crystal], end = atoms.atom_ptr[crystal + 1];
    for (Index r0 = first_row; r0 < rows; r0 += share.tiles * share.threads) {
      if (r0 != loaded || reflections.hkl_ptr) {
        sums.close(row);
        row = Row<Order>{{0, 0, 0}, 1, 0, 0};
        if (r0 + t < rows) row = reflections.row(crystal, r0 + t);
        rising = RisingRow<T, Order>(row);
        loaded = r0;
      }
      sums.begin(row);
      for (Index a = begin; a < end; a += atoms_of_tile) {
        const int count = int(end - a < atoms_of_tile ? end - a : atoms_of_tile);
        const bool is_plain = load_atoms(tile, atoms, a, count, [](int, Index) {});
        fill_along(tile, count, longest);
        // Atoms that are not plain guard against overflow; then all of the tile do.
        const bool all_plain = __syncthreads_and(is_plain);
        if (row.length == 0) continue;
        if (all_plain) {
          add_tile<false>(tile, count, at_rest, row, rising, first, row_ptr, sums);
        } else {
          add_tile<true>(tile, count, at_rest, row, rising, first, row_ptr, sums);
        }
      }
      sums.finish(row, reflections, first);
    }
  }
  sums.close(row);
}

#endif

// Puts the kernel of a sum on the stream. The rows of lists have been found.
template <class T, class Order, class To>
void launch_sum(const Queue& queue, const Atoms<T>& atoms, const Reflections<Order>& reflections,
                const std::int64_t* row_ptr, const To& to, const Share& share) {
  SharedMemory memory = counting_memory();
  const AtomTile<T, Order> tile(memory, atoms_of_tile);
  const typename To::Sums sums(to, memory, share.threads);
  const auto kernel = sum_rows<T, Order, To>;
  ARGAND_LAUNCH(kernel, share.tiles * share.groups, share.threads, memory.bytes(), queue, atoms,
                reflections, row_ptr, to, share);
  check(cudaGetLastError());
}

}  // namespace argand::cuda
