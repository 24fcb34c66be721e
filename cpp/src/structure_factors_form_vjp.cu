#include "cuda/instantiate.cuh"
#include "cuda/sum_rows.cuh"

namespace argand::cuda {
namespace {

// Columns of sums by thread and entry, one more than are in use: no two threads of a warp then meet
// in a bank of the shared memory.
constexpr int sum_columns = row_length + 1;

// Threads of a block, so that sums in double fit into plain_shared.
constexpr int threads = 128;

// The sums in double for form factors F, as they lie in memory.
template <class F>
struct InDouble {
  using Type = double;
};
template <class T>
struct InDouble<Complex<T>> {
  using Type = Pair<double>;
};
template <class F>
using Total = typename InDouble<F>::Type;

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)

__device__ ARGAND_INLINE void add(double* total, double share) {
  atomicAdd(total, share);
}
__device__ ARGAND_INLINE void add(Pair<double>* total, Pair<double> share) {
  atomicAdd(&total->re, share.re);
  atomicAdd(&total->im, share.im);
}
template <class T>
__device__ ARGAND_INLINE void add_share(double& total, Complex<T> share) {
  total += double(share.re);
}
template <class T>
__device__ ARGAND_INLINE void add_share(Pair<double>& total, Complex<T> share) {
  total = {total.re + double(share.re), total.im + double(share.im)};
}

#endif

template <class T, class F>
class SumsOfTotals;

// Adds g conj(A) to totals by form factor. A thread adds up what belongs to one row of form
// factors, crystal after crystal, before it adds that to the totals, which other blocks add to as
// well.
template <class T, class F>
struct ToTotals {
  using Sums = SumsOfTotals<T, F>;
  static constexpr int most_threads = threads;

  const Pair<T>* g;
  Total<F>* totals;
};

// The sums of a block on their way to the totals.
template <class T, class F>
class SumsOfTotals {
 public:
  ARGAND_HD SumsOfTotals(const ToTotals<T, F>& to, SharedMemory& memory, int)
      : to_(to), sum_(memory.take<Total<F>>(threads * sum_columns - 1)) {}

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)
  template <class Order>
  __device__ ARGAND_INLINE void begin(const Row<Order>&) {}

  template <class Order>
  __device__ ARGAND_INLINE void add(const Row<Order>& row, Index first, Index form_row,
                                    const Complex<T> (&sum)[row_length]) {
    if (form_row != form_row_) {
      close(row);
      form_row_ = form_row;
      entries(row, [&](int i, int) { sum_[place(i)] = Total<F>{}; });
    }
    const Pair<T>* g = to_.g + first + row.at;
    entries(row, [&](int i, int offset) {
      Total<F> total = sum_[place(i)];
      add_share(total, g[offset].complex() * conj(sum[i]));
      sum_[place(i)] = total;
    });
  }

  template <class Order>
  __device__ ARGAND_INLINE void finish(const Row<Order>&, const Reflections<Order>&, Index) {}

  // Adds what has been added up to the totals.
  template <class Order>
  __device__ ARGAND_INLINE void close(const Row<Order>& row) {
    if (form_row_ < 0) return;
    Total<F>* totals = to_.totals + form_row_ + row.at;
    entries(row, [&](int i, int offset) { cuda::add(totals + offset, Total<F>(sum_[place(i)])); });
    form_row_ = -1;
  }

 private:
  static __device__ ARGAND_INLINE int place(int i) { return int(threadIdx.x) * sum_columns + i; }
#endif

  const ToTotals<T, F> to_;
  Shared<Total<F>> sum_;
  Index form_row_ = -1;  // the form factors that sum_ belongs to
};

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)

// Sets the totals to 0.
template <class Total>
__global__ void __launch_bounds__(256) clear(Index entries, Total* totals) {
  for (Index e = Index(blockIdx.x) * 256 + threadIdx.x; e < entries; e += Index(gridDim.x) * 256)
    totals[e] = Total{};
}

// Adds the totals to the gradient.
template <class T>
__global__ void __launch_bounds__(256)
    add_totals(Index entries, const double* totals, T* gradient) {
  for (Index e = Index(blockIdx.x) * 256 + threadIdx.x; e < entries; e += Index(gridDim.x) * 256)
    gradient[e] = T(double(gradient[e]) + totals[e]);
}
template <class T>
__global__ void __launch_bounds__(256)
    add_totals(Index entries, const Pair<double>* totals, Pair<T>* gradient) {
  for (Index e = Index(blockIdx.x) * 256 + threadIdx.x; e < entries; e += Index(gridDim.x) * 256) {
    const Pair<double> total = totals[e];
    const Pair<T> before = gradient[e];
    gradient[e] = {T(double(before.re) + total.re), T(double(before.im) + total.im)};
  }
}

#endif

// Puts the kernels of the gradient on the stream.
template <class T, class F, class Order>
void launch(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
            const FormFactors<F>& form, Reflections<Order> reflections, const Complex<T>* g,
            F* gradient, void* workspace) {
  if (atoms.crystals == 0 || reflections.count == 0 || extents.form == 0) return;
  const DeviceGuard guard(queue.device);
  place_rows(atoms.crystals, reflections, workspace);
  auto* totals = reinterpret_cast<Total<F>*>(static_cast<unsigned char*>(workspace) +
                                             rows_workspace(atoms.crystals, reflections));
  find_rows(queue, atoms.crystals, reflections);
  const Index blocks = grid_of(ceil_div(extents.form, 256));
  ARGAND_LAUNCH(clear<Total<F>>, blocks, 256, 0, queue, extents.form, totals);
  check(cudaGetLastError());
  const ToTotals<T, F> to{stored(g), totals};
  launch_sum(queue, atoms, reflections, form.row_ptr, to,
             share_of_rows(reflections, atoms.crystals, threads));
  ARGAND_LAUNCH(add_totals<T>, blocks, 256, 0, queue, extents.form, totals, stored(gradient));
  check(cudaGetLastError());
}

}  // namespace

template <class HklType>
Index structure_factors_form_vjp_workspace(Index crystals, const Extents& extents,
                                           const HklType& hkl) {
  return rows_workspace(crystals, reflections_of(hkl, false)) +
         extents.form * Index(sizeof(Pair<double>));
}

template <class T, class F, class HklType>
void structure_factors_form_vjp(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
                                const FormFactors<F>& form, const HklType& hkl, const Complex<T>* g,
                                F* gradient, void* workspace) {
  launch(queue, atoms, extents, form, reflections_of(hkl, false), g, gradient, workspace);
}

#define ARGAND_WORKSPACE(R) \
  template Index structure_factors_form_vjp_workspace(Index, const Extents&, const R&);
#define ARGAND_SUM(T, F, R)                                                                        \
  template void structure_factors_form_vjp(const Queue&, const Atoms<T>&, const Extents&,          \
                                           const FormFactors<F>&, const R&, const Complex<T>*, F*, \
                                           void*);
ARGAND_INSTANTIATE(ARGAND_WORKSPACE, ARGAND_SUM)

}  // namespace argand::cuda
