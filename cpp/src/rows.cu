#include "cuda/rows.cuh"

namespace argand::cuda {
namespace {

// Threads of a block: 2 to an odd power, see `running_sum`.
constexpr int threads = 512;

// Counts of rows with rising l and, times `falling_row`, of rows with falling l in one number.
constexpr std::int64_t falling_row = std::int64_t(1) << 32;
ARGAND_HD constexpr std::int32_t rising_rows(std::int64_t counts) {
  return std::int32_t(counts & (falling_row - 1));
}
ARGAND_HD constexpr std::int32_t falling_rows(std::int64_t counts) {
  return std::int32_t(counts >> 32);
}

// Reflections that a block searches for rows, from `first` to `end` of a list.
struct Stretch {
  Index first, end;
};

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)

// Returns one part of a list of so many reflections.
__device__ ARGAND_INLINE Stretch part_of_list(Index length, Index part, Index parts) {
  const Index rounds = (length + parts * threads - 1) / (parts * threads);
  const Index first = part * rounds * threads, end = first + rounds * threads;
  return {first < length ? first : length, end < length ? end : length};
}

// Returns what reflection i of a list adds to the counts: a row that begins with it, or nothing.
template <class Order>
__device__ ARGAND_INLINE std::int64_t row_that_begins(const Order* hkl, Index i) {
  if (!begins_row(hkl, i)) return 0;
  return hkl[3 * i + 2] >= 0 ? 1 : falling_row;
}

// Returns the sum of the values of all threads up to this one, and the sum of all of them. `sums`
// has room for two numbers a thread. After an odd number of steps the last sums of one call and the
// first sums of the next lie in different halves of `sums`, so that no barrier is needed between.
__device__ ARGAND_INLINE std::int64_t running_sum(const Shared<std::int64_t>& sums,
                                                  std::int64_t value, std::int64_t& total) {
  const int t = int(threadIdx.x);
  int side = 0;
  sums[t] = value;
  __syncthreads();
  for (int reach = 1; reach < threads; reach *= 2) {
    if (t >= reach) value += sums[side + t - reach];
    side = threads - side;
    sums[side + t] = value;
    __syncthreads();
  }
  total = sums[side + threads - 1];
  return value;
}

// Counts the rows of every part of every list. Block b has part b % parts of list b / parts.
template <class Order>
__global__ void __launch_bounds__(threads)
    count(Reflections<Order> reflections, Index lists, Index parts) {
  SharedMemory memory = block_memory();
  const Shared<std::int64_t> sums = memory.take<std::int64_t>(2 * threads);
  for (Index task = blockIdx.x; task < lists * parts; task += gridDim.x) {
    const Index list = task / parts, begin = reflections.list_begin(list);
    const Stretch stretch = part_of_list(reflections.list_length(list), task % parts, parts);
    const Order* hkl = reflections.hkl + 3 * begin;
    std::int64_t rows = 0, total = 0;
    for (Index i = stretch.first + threadIdx.x; i < stretch.end; i += threads) {
      rows += row_that_begins(hkl, i);
    }
    (void)running_sum(sums, rows, total);
    if (threadIdx.x == 0) reflections.parts[task] = total;
  }
}

// Finds the rows of lists. Block b has part b % parts of list b / parts. In every round each thread
// looks at one reflection. A running sum over the threads numbers the reflections that begin a row,
// in the order of the list.
template <class Order>
__global__ void __launch_bounds__(threads)
    find(Reflections<Order> reflections, Index lists, Index parts) {
  SharedMemory memory = block_memory();
  const Shared<std::int64_t> sums = memory.take<std::int64_t>(2 * threads);
  const int t = int(threadIdx.x);
  for (Index task = blockIdx.x; task < lists * parts; task += gridDim.x) {
    const Index list = task / parts, part = task % parts;
    const Index begin = reflections.list_begin(list), length = reflections.list_length(list);
    const Stretch stretch = part_of_list(length, part, parts);
    const Order* hkl = reflections.hkl + 3 * begin;
    // The rows of the parts before this one.
    std::int64_t rows = 0;
    if (part > 0) (void)running_sum(sums, t < part ? reflections.parts[task - part + t] : 0, rows);
    for (Index round = stretch.first; round < stretch.end; round += threads) {
      const Index i = round + t;
      const std::int64_t row = i < stretch.end ? row_that_begins(hkl, i) : 0;
      std::int64_t total = 0;
      const std::int64_t numbers = rows + running_sum(sums, row, total);
      if (row != 0) {
        Index end = i + 1;
        while (end < length && end < i + row_length && !begins_row(hkl, end)) ++end;
        const bool rises = row == 1;
        const Index slot = rises ? rising_rows(numbers) : reflections.count + falling_rows(numbers);
        reflections.segments[begin + slot - 1] = {
            std::int32_t(rises ? i : end - 1), std::int16_t(end - i), std::int16_t(rises ? 1 : -1)};
      }
      rows += total;
    }
    if (t == 0 && part == parts - 1) {
      reflections.counts[2 * list] = rising_rows(rows);
      reflections.counts[2 * list + 1] = falling_rows(rows);
    }
  }
}

#endif

}  // namespace

template <class Order>
void find_rows(const Queue& queue, Index crystals, const Reflections<Order>& reflections) {
  const Index lists = reflections.lists(crystals);
  if (reflections.is_box || lists == 0) return;
  SharedMemory memory = counting_memory();
  memory.take<std::int64_t>(2 * threads);
  const Index parts = reflections.parts_of_list(crystals);
  if (parts > 1) {
    ARGAND_LAUNCH(count<Order>, grid_of(lists * parts), threads, memory.bytes(), queue, reflections,
                  lists, parts);
    check(cudaGetLastError());
  }
  ARGAND_LAUNCH(find<Order>, grid_of(lists * parts), threads, memory.bytes(), queue, reflections,
                lists, parts);
  check(cudaGetLastError());
}

template <class Order>
Index rows_workspace(Index crystals, const Reflections<Order>& reflections) {
  if (reflections.is_box) return 0;
  const Index lists = reflections.lists(crystals), parts = reflections.parts_of_list(crystals);
  return Index(2 * sizeof(Segment)) * reflections.count +
         ceil_div(Index(sizeof(std::int64_t)) * lists * (1 + parts), 16) * 16;
}

template <class Order>
void place_rows(Index crystals, Reflections<Order>& reflections, void* workspace) {
  if (reflections.is_box) return;
  reflections.segments = static_cast<Segment*>(workspace);
  reflections.parts = reinterpret_cast<std::int64_t*>(reflections.segments + 2 * reflections.count);
  reflections.counts = reinterpret_cast<std::int32_t*>(
      reflections.parts + reflections.lists(crystals) * reflections.parts_of_list(crystals));
}

#define ARGAND_INSTANTIATE(Order)                                          \
  template void find_rows(const Queue&, Index, const Reflections<Order>&); \
  template Index rows_workspace(Index, const Reflections<Order>&);         \
  template void place_rows(Index, Reflections<Order>&, void*);
ARGAND_INSTANTIATE(std::int32_t)
ARGAND_INSTANTIATE(double)

}  // namespace argand::cuda
