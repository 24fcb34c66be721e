#include "cuda/instantiate.cuh"
#include "cuda/sum_rows.cuh"

namespace argand::cuda {
namespace {

// Columns of sums by thread and entry, one more than are in use: no two threads of a warp then meet
// in a bank of the shared memory.
constexpr int sum_columns = row_length + 1;

// Threads of a block where each thread keeps sums of its own, so that they fit into plain_shared.
template <class T>
constexpr int threads_of_rows = sizeof(T) == 4 ? 256 : 128;

// Bytes of a box that is put together in shared memory, beside a tile of atoms.
constexpr Index most_box_bytes = 36000;

template <class T, class F>
class SumsOfF;

// Writes F. The sums of a scatterer are multiplied by its form factors and added up in shared
// memory. A box that fits there is put together as a whole, and stored in whole lines; otherwise
// each thread stores its row.
template <class T, class F>
struct ToF {
  using Sums = SumsOfF<T, F>;
  // Most threads of a block, so that sums and rows stay in registers.
  static constexpr int most_threads = sizeof(T) == 4 ? 384 : 256;

  const Stored<F>* form;
  Pair<T>* out;
  int box;  // reflections of a box that is put together in shared memory, else 0
};

// The sums of a block on their way to F.
template <class T, class F>
class SumsOfF {
 public:
  ARGAND_HD SumsOfF(const ToF<T, F>& to, SharedMemory& memory, int threads)
      : to_(to), sum_(memory.take<Pair<T>>(to.box ? to.box : threads * sum_columns - 1)) {}

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)
  template <class Order>
  __device__ ARGAND_INLINE void begin(const Row<Order>& row) {
    const int base = base_of(row);
    entries(row, [&](int, int offset) { sum_[base + offset] = Pair<T>{0, 0}; });
  }

  template <class Order>
  __device__ ARGAND_INLINE void add(const Row<Order>& row, Index, Index form_row,
                                    const Complex<T> (&sum)[row_length]) {
    const Stored<F>* f = to_.form + form_row + row.at;
    if (row.step > 0) {
      add_in_step<1>(row, f, sum);
    } else {
      add_in_step<-1>(row, f, sum);
    }
  }

  template <class Order>
  __device__ ARGAND_INLINE void finish(const Row<Order>& row, const Reflections<Order>& reflections,
                                       Index first) {
    const int base = base_of(row);
    const Index mate = reflections.mate(row.at);
    // The origin alone is its own mate.
    const bool friedel = reflections.friedel, first_has_mate = friedel && row.at != mate;
    if (to_.box) {
      entries(row, [&](int i, int offset) {
        const Pair<T> f = sum_[base + offset];
        if (i > 0 ? friedel : first_has_mate) sum_[int(mate) - offset] = Pair<T>{f.re, -f.im};
      });
      return store_box(to_.out + first);
    }
    Pair<T>* out = to_.out + first + row.at;
    Pair<T>* out_of_mate = to_.out + first + mate;
    entries(row, [&](int i, int offset) {
      const Pair<T> f = sum_[base + offset];
      out[offset] = f;
      if (i > 0 ? friedel : first_has_mate) out_of_mate[-offset] = Pair<T>{f.re, -f.im};
    });
  }

  template <class Order>
  __device__ ARGAND_INLINE void close(const Row<Order>&) {}

 private:
  static __device__ ARGAND_INLINE T number(T f) { return f; }
  static __device__ ARGAND_INLINE Complex<T> number(Pair<T> f) { return f.complex(); }

  // Returns where the sum of the first entry of this thread's row lies. Other entries lie at the
  // same offset from it as their reflections.
  template <class Order>
  __device__ ARGAND_INLINE int base_of(const Row<Order>& row) const {
    const int last = row.step > 0 ? 0 : row_length - 1;
    return to_.box ? int(row.at) : int(threadIdx.x) * sum_columns + last;
  }

  // Adds sums times form factors, which are loaded four at a time, so that the loads do not wait
  // for each other.
  template <int step, class Order>
  __device__ ARGAND_INLINE void add_in_step(const Row<Order>& row, const Stored<F>* f,
                                            const Complex<T> (&sum)[row_length]) {
    const int base = base_of(row);
#pragma unroll
    for (int part = 0; part < row_length; part += 4) {
      if (part >= row.length) break;
      Stored<F> factors[4];
#pragma unroll
      for (int i = part; i < part + 4; ++i) {
        factors[i - part] = i < row.length ? f[step * i] : Stored<F>{};
      }
#pragma unroll
      for (int i = part; i < part + 4; ++i) {
        if (i >= row.length) break;
        const Complex<T> before = Pair<T>(sum_[base + step * i]).complex();
        sum_[base + step * i] = pair(before + number(factors[i - part]) * sum[i]);
      }
    }
  }

  // Stores the box that lies in shared memory.
  __device__ ARGAND_INLINE void store_box(Pair<T>* out) {
    __syncthreads();
    for (int at = int(threadIdx.x); at < to_.box; at += int(blockDim.x)) out[at] = sum_[at];
    __syncthreads();
  }
#endif

  const ToF<T, F> to_;
  Shared<Pair<T>> sum_;
};

// Puts the kernels of a sum on the stream.
template <class T, class F, class Order>
void launch(const Queue& queue, const Atoms<T>& atoms, const FormFactors<F>& form,
            Reflections<Order> reflections, Complex<T>* out, void* workspace) {
  if (atoms.crystals == 0 || reflections.count == 0) return;
  const DeviceGuard guard(queue.device);
  place_rows(atoms.crystals, reflections, workspace);
  find_rows(queue, atoms.crystals, reflections);
  ToF<T, F> to{stored(form.value), stored(out), 0};
  const int most = ToF<T, F>::most_threads;
  Share share = share_of_rows(reflections, atoms.crystals, threads_of_rows<T>);
  if (reflections.is_box && reflections.rows(0) <= most &&
      reflections.count * Index(sizeof(Pair<T>)) <= most_box_bytes) {
    to.box = int(reflections.count);
    share = share_of(int(ceil_div(reflections.rows(0), 32)) * 32, 1, atoms.crystals);
  }
  launch_sum(queue, atoms, reflections, form.row_ptr, to, share);
}

}  // namespace

template <class HklType>
Index structure_factors_workspace(Index crystals, const Extents&, const HklType& hkl) {
  return rows_workspace(crystals, reflections_of(hkl, false));
}

template <class T, class F, class HklType>
void structure_factors(const Queue& queue, const Atoms<T>& atoms, const Extents&,
                       const FormFactors<F>& form, const HklType& hkl, Complex<T>* out,
                       void* workspace) {
  launch(queue, atoms, form, reflections_of(hkl, sizeof(F) == sizeof(T)), out, workspace);
}

#define ARGAND_WORKSPACE(R) \
  template Index structure_factors_workspace(Index, const Extents&, const R&);
#define ARGAND_SUM(T, F, R)                                                      \
  template void structure_factors(const Queue&, const Atoms<T>&, const Extents&, \
                                  const FormFactors<F>&, const R&, Complex<T>*, void*);
ARGAND_INSTANTIATE(ARGAND_WORKSPACE, ARGAND_SUM)

}  // namespace argand::cuda
