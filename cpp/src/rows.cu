#include "cuda/rows.cuh"

namespace argand::cuda {
namespace {

// Threads of a block: 2 to an odd power, see the end of a round in `find`.
constexpr int threads = 512;

// Finds the rows of lists, one block for each list. In every round each thread looks at one
// reflection. A running sum over the threads numbers the reflections that begin a row, in the order
// of the list.
template <class Order>
__global__ void __launch_bounds__(threads) find(Reflections<Order> reflections, Index lists) {
  SharedMemory memory = block_memory();
  const Shared<std::int32_t> sums = memory.take<std::int32_t>(2 * threads);
  const int t = int(threadIdx.x);
  for (Index list = blockIdx.x; list < lists; list += gridDim.x) {
    const Index begin = reflections.list_begin(list);
    const Index length =
        reflections.hkl_ptr ? reflections.hkl_ptr[list + 1] - begin : reflections.count;
    const Order* hkl = reflections.hkl + 3 * begin;
    Index up = 0, down = 0;
    for (Index round = 0; round < length; round += threads) {
      const Index i = round + t;
      const bool first = i < length && begins_row(hkl, i), rises = first && hkl[3 * i + 2] >= 0;
      // Both counts share one number: there are at most `threads` of each.
      std::int32_t sum = first ? (rises ? 1 : 1 << 16) : 0;
      int side = 0;
      sums[t] = sum;
      __syncthreads();
      for (int reach = 1; reach < threads; reach *= 2) {
        if (t >= reach) sum += sums[side + t - reach];
        side = threads - side;
        sums[side + t] = sum;
        __syncthreads();
      }
      const std::int32_t total = sums[side + threads - 1];
      if (first) {
        Index end = i + 1;
        while (end < length && end < i + row_length && !begins_row(hkl, end)) ++end;
        const Index slot =
            begin + (rises ? up + (sum & 0xffff) : reflections.count + down + (sum >> 16)) - 1;
        reflections.segments[slot] = {std::int32_t(rises ? i : end - 1), std::int16_t(end - i),
                                      std::int16_t(rises ? 1 : -1)};
      }
      up += total & 0xffff;
      down += total >> 16;
      // No barrier is needed: after an odd number of steps the last sums of this round and the
      // first sums of the next lie in different halves of `sums`.
    }
    if (t == 0) {
      reflections.counts[2 * list] = std::int32_t(up);
      reflections.counts[2 * list + 1] = std::int32_t(down);
    }
  }
}

}  // namespace

template <class Order>
void find_rows(const Queue& queue, Index crystals, const Reflections<Order>& reflections) {
  const Index lists = reflections.lists(crystals);
  if (!reflections.hkl || lists == 0) return;
  SharedMemory memory = counting_memory();
  memory.take<std::int32_t>(2 * threads);
  ARGAND_LAUNCH(find<Order>, grid_of(lists), threads, memory.bytes(), queue, reflections, lists);
  check(cudaGetLastError());
}

template <class Order>
Index rows_workspace(Index crystals, const Reflections<Order>& reflections) {
  if (!reflections.hkl) return 0;
  return Index(2 * sizeof(Segment)) * reflections.count +
         ceil_div(2 * Index(sizeof(std::int32_t)) * reflections.lists(crystals), 16) * 16;
}

template <class Order>
void place_rows(Index, Reflections<Order>& reflections, void* workspace) {
  if (!reflections.hkl) return;
  reflections.segments = static_cast<Segment*>(workspace);
  reflections.counts =
      reinterpret_cast<std::int32_t*>(reflections.segments + 2 * reflections.count);
}

#define ARGAND_INSTANTIATE(Order)                                          \
  template void find_rows(const Queue&, Index, const Reflections<Order>&); \
  template Index rows_workspace(Index, const Reflections<Order>&);         \
  template void place_rows(Index, Reflections<Order>&, void*);
ARGAND_INSTANTIATE(std::int32_t)
ARGAND_INSTANTIATE(double)

}  // namespace argand::cuda
