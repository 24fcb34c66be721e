#include "argand/elementary.hpp"
#include "cuda/device.hpp"

// Transforms boxes to maps by three short sums, with one plane x of a map as the work of a block:
//
//   P(k, l)      = sum_h F(h, k, l) exp(-2 pi i h x / na)
//   Q(y, l)      = sum_k P(k, l) exp(-2 pi i k y / nb)
//   map(x, y, z) = Re sum_l Q(y, l) exp(-2 pi i l z / nc)
//
// and maps to boxes in the opposite order. Only the Hermitian part of F shows in a real map, so
// l >= 0 is enough.
namespace argand::cuda {
namespace {

// Threads of a block.
constexpr int transform_threads = 128;
// Most lines y of a plane that are in shared memory at once.
constexpr int most_lines = 32;
// Lines that a thread sums at once, so that it loads each cosine once for all of them.
constexpr int together = 4;
// Most numbers of the lines of a map that are in shared memory at once.
constexpr int most_map_numbers = 3072;

// A table exp(2 pi i j / n) of one axis, for all j.
template <class T>
struct Axis {
  int reach, points;
  Shared<Pair<T>> turn;

  ARGAND_HD Axis(SharedMemory& memory, int orders, Index n)
      : reach(orders), points(int(n)), turn(memory.take<Pair<T>>(int(n))) {}

  // Returns exp(2 pi i j / n), exact to the last digit: the angle is reduced as an integer.
  ARGAND_HD static Complex<T> turn_of(int j, int n) {
    return cis_reduced(T(2 * j > n ? j - n : j) / T(n));
  }
};

// Data of one plane of a map in shared memory.
template <class T>
struct Plane {
  HklBox box;
  Axis<T> y, z;
  int width, half, lines;  // orders of k, orders l >= 0, lines in memory at once
  Shared<Pair<T>> x;       // exp(2 pi i h x / na) for all h, used from box to map
  Shared<Pair<T>> p, q;    // P (k, l) and Q (line, l)
  Shared<T> map;           // (line, z), used from map to box

  ARGAND_HD Plane(SharedMemory& memory, const HklBox& hkl, const Grid& grid, bool back)
      : box(hkl),
        y(memory, hkl.k, grid.b),
        z(memory, hkl.l, grid.c),
        width(2 * hkl.k + 1),
        half(hkl.l + 1) {
    lines = most_lines;
    while (back && lines > together && lines * (grid.c + 1) > most_map_numbers) lines /= 2;
    if (!back) x = memory.take<Pair<T>>(2 * hkl.h + 1);
    p = memory.take<Pair<T>>(width * half);
    q = memory.take<Pair<T>>(lines * half);
    if (back) map = memory.take<T>(lines * int(grid.c + 1) - 1);
  }
};

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)

// Fills the table of an axis.
template <class T>
__device__ ARGAND_INLINE void fill(const Axis<T>& axis) {
  for (int j = int(threadIdx.x); j < axis.points; j += transform_threads) {
    axis.turn[j] = pair(Axis<T>::turn_of(j, axis.points));
  }
}

// Returns j + step, reduced to 0 .. n - 1, for j and step below n.
__device__ ARGAND_INLINE int onward(int j, int step, int n) {
  j += step;
  return j >= n ? j - n : j;
}

// Returns j modulo n, from 0 to n - 1.
__device__ ARGAND_INLINE int remainder(Index j, int n) {
  const int r = int(j % n);
  return r < 0 ? r + n : r;
}

// Writes maps from boxes.
template <class T>
__global__ void __launch_bounds__(transform_threads)
    to_map(Index maps, HklBox box, const Complex<T>* F, Grid grid, T scale, T* map) {
  SharedMemory memory = block_memory();
  const Plane<T> plane(memory, box, grid, false);
  const int t = int(threadIdx.x), half = plane.half, width = plane.width;
  fill(plane.y);
  fill(plane.z);
  for (Index task = blockIdx.x; task < maps * grid.a; task += gridDim.x) {
    const int x = int(task % grid.a);
    const Complex<T>* f = F + task / grid.a * box.size();
    T* out = map + task * grid.b * grid.c;
    for (int h = t; h <= 2 * box.h; h += transform_threads) {
      plane.x[h] =
          pair(Axis<T>::turn_of(remainder(Index(h - box.h) * x, int(grid.a)), int(grid.a)));
    }
    __syncthreads();
    for (int e = t; e < width * half; e += transform_threads) {
      const int k = e / half, l = e % half;
      const Index stride = Index(width) * (2 * box.l + 1), last = box.size() - 1;
      Index at = Index(k) * (2 * box.l + 1) + box.l + l;
      Complex<T> sum{0, 0};
      for (int h = 0; h <= 2 * box.h; ++h, at += stride) {
        sum = sum + (f[at] + conj(f[last - at])) * conj(Pair<T>(plane.x[h]).complex());
      }
      plane.p[e] = pair(sum * (l == 0 ? scale / 2 : scale));
    }
    for (int y0 = 0; y0 < plane.y.points; y0 += plane.lines) {
      __syncthreads();
      for (int e = t; e < plane.lines * half; e += transform_threads) {
        const int line = e / half, l = e % half, y = y0 + line;
        Complex<T> sum{0, 0};
        if (y < plane.y.points) {
          int j = remainder(-Index(box.k) * y, plane.y.points);
          for (int k = 0; k < width; ++k) {
            sum = sum + Pair<T>(plane.p[k * half + l]).complex() *
                            conj(Pair<T>(plane.y.turn[j]).complex());
            j = onward(j, y, plane.y.points);
          }
        }
        plane.q[e] = pair(sum);
      }
      __syncthreads();
      // z and nc - z share their cosines: an even and an odd sum give both.
      const int n = plane.z.points, pairs = n / 2 + 1;
      for (int e = t; e < pairs * (plane.lines / together); e += transform_threads) {
        const int z = e % pairs, line = e / pairs * together;
        T even[together] = {}, odd[together] = {};
        for (int l = 0, j = 0; l < half; ++l, j = onward(j, z, n)) {
          const Pair<T> turn = plane.z.turn[j];
#pragma unroll
          for (int i = 0; i < together; ++i) {
            const Pair<T> q = plane.q[(line + i) * half + l];
            even[i] += q.re * turn.re;
            odd[i] += q.im * turn.im;
          }
        }
#pragma unroll
        for (int i = 0; i < together; ++i) {
          const int y = y0 + line + i;
          if (y >= plane.y.points) continue;
          T* to = out + y * grid.c;
          to[z] = even[i] + odd[i];
          if (z != 0 && 2 * z != n) to[n - z] = even[i] - odd[i];
        }
      }
    }
  }
}

// Writes the transforms of all planes of maps along y and z, planes (maps, x, k, l >= 0).
template <class T>
__global__ void __launch_bounds__(transform_threads)
    from_planes(Index maps, HklBox box, const T* map, Grid grid, Pair<T>* planes) {
  SharedMemory memory = block_memory();
  const Plane<T> plane(memory, box, grid, true);
  const int t = int(threadIdx.x), half = plane.half, width = plane.width, n = plane.z.points;
  fill(plane.y);
  fill(plane.z);
  for (Index task = blockIdx.x; task < maps * grid.a; task += gridDim.x) {
    const T* in = map + task * grid.b * grid.c;
    for (int e = t; e < width * half; e += transform_threads) plane.p[e] = {0, 0};
    for (int y0 = 0; y0 < plane.y.points; y0 += plane.lines) {
      const int lines = plane.lines < plane.y.points - y0 ? plane.lines : plane.y.points - y0;
      for (int e = t; e < lines * n; e += transform_threads) {
        plane.map[e / n * (n + 1) + e % n] = in[Index(y0) * n + e];
      }
      __syncthreads();
      for (int e = t; e < lines * half; e += transform_threads) {
        const int line = e / half * (n + 1), l = e % half;
        Complex<T> sum{plane.map[line], 0};
        int j = 0;
        for (int z = 1; 2 * z < n; ++z) {
          j = onward(j, l % n, n);
          const Pair<T> turn = plane.z.turn[j];
          const T value = plane.map[line + z], mirrored = plane.map[line + n - z];
          sum.re += (value + mirrored) * turn.re;
          sum.im += (value - mirrored) * turn.im;
        }
        if (n % 2 == 0) sum.re += plane.map[line + n / 2] * (l % 2 ? T(-1) : T(1));
        plane.q[e] = pair(sum);
      }
      __syncthreads();
      for (int e = t; e < width * half; e += transform_threads) {
        const int k = e / half - box.k, l = e % half, step = remainder(k, plane.y.points);
        int j = remainder(Index(k) * y0, plane.y.points);
        Complex<T> sum{0, 0};
        for (int line = 0; line < lines; ++line) {
          sum = sum +
                Pair<T>(plane.q[line * half + l]).complex() * Pair<T>(plane.y.turn[j]).complex();
          j = onward(j, step, plane.y.points);
        }
        plane.p[e] = pair(sum + Pair<T>(plane.p[e]).complex());
      }
    }
    Pair<T>* to = planes + task * width * half;
    for (int e = t; e < width * half; e += transform_threads) to[e] = plane.p[e];
  }
}

// Sums planes (maps, x, k, l >= 0) along x to boxes F, and writes the mates at l < 0.
template <class T>
__global__ void __launch_bounds__(transform_threads)
    join_planes(Index maps, HklBox box, const Pair<T>* planes, Grid grid, T scale, Complex<T>* F) {
  SharedMemory memory = block_memory();
  const Axis<T> x(memory, box.h, grid.a);
  fill(x);
  __syncthreads();
  const int half = box.l + 1, size = (2 * box.k + 1) * half;
  const Index each = Index(2 * box.h + 1) * size, last = box.size() - 1;
  for (Index e = Index(blockIdx.x) * transform_threads + threadIdx.x; e < maps * each;
       e += Index(gridDim.x) * transform_threads) {
    const Index m = e / each;
    const int h = int(e % each / size) - box.h, kl = int(e % size), l = kl % half;
    const Pair<T>* from = planes + m * grid.a * size + kl;
    const int step = remainder(h, x.points);
    Complex<T> sum{0, 0};
    for (int i = 0, j = 0; i < x.points; ++i, j = onward(j, step, x.points)) {
      sum = sum + from[Index(i) * size].complex() * Pair<T>(x.turn[j]).complex();
    }
    sum = sum * scale;
    const Index at = (Index(h + box.h) * (2 * box.k + 1) + kl / half) * (2 * box.l + 1) + box.l + l;
    Complex<T>* f = F + m * box.size();
    f[at] = sum;
    if (l > 0) f[last - at] = conj(sum);
  }
}

#endif

// Returns the shared memory that a plane needs.
template <class T>
int plane_bytes(const HklBox& box, const Grid& grid, bool back) {
  SharedMemory memory = counting_memory();
  const Plane<T> plane(memory, box, grid, back);
  return memory.bytes();
}

// Returns the shared memory that the table of the x axis needs.
template <class T>
int axis_bytes(const HklBox& box, const Grid& grid) {
  SharedMemory memory = counting_memory();
  const Axis<T> axis(memory, box.h, grid.a);
  return memory.bytes();
}

}  // namespace

template <class T>
bool transform_fits(const HklBox& box, const Grid& grid) {
  // Larger extents would overflow the count of bytes.
  constexpr Index most = plain_shared / (2 * sizeof(T));
  if (grid.a > most || grid.b > most || grid.c > most || box.h > most || box.k > 256 || box.l > 256)
    return false;
  return plane_bytes<T>(box, grid, false) <= plain_shared &&
         plane_bytes<T>(box, grid, true) <= plain_shared &&
         axis_bytes<T>(box, grid) <= plain_shared;
}

template <class T>
Index structure_factors_from_map_workspace(Index maps, const HklBox& box, const Grid& grid) {
  return maps * grid.a * (2 * box.k + 1) * (box.l + 1) * Index(sizeof(Pair<T>));
}

template <class T>
void map_from_structure_factors(const Queue& queue, Index maps, const HklBox& box,
                                const Complex<T>* F, const Grid& grid, double scale, T* map) {
  if (maps == 0) return;
  const DeviceGuard guard(queue.device);
  ARGAND_LAUNCH(to_map<T>, grid_of(maps * grid.a), transform_threads,
                plane_bytes<T>(box, grid, false), queue, maps, box, F, grid, T(scale), map);
  check(cudaGetLastError());
}

template <class T>
void structure_factors_from_map(const Queue& queue, Index maps, const HklBox& box, const T* map,
                                const Grid& grid, double scale, Complex<T>* F, void* workspace) {
  if (maps == 0) return;
  const DeviceGuard guard(queue.device);
  auto* planes = static_cast<Pair<T>*>(workspace);
  ARGAND_LAUNCH(from_planes<T>, grid_of(maps * grid.a), transform_threads,
                plane_bytes<T>(box, grid, true), queue, maps, box, map, grid, planes);
  check(cudaGetLastError());
  const Index outputs = maps * (2 * box.h + 1) * (2 * box.k + 1) * (box.l + 1);
  ARGAND_LAUNCH(join_planes<T>, grid_of(ceil_div(outputs, transform_threads)), transform_threads,
                axis_bytes<T>(box, grid), queue, maps, box, planes, grid, T(scale), F);
  check(cudaGetLastError());
}

#define ARGAND_INSTANTIATE(T)                                                                     \
  template bool transform_fits<T>(const HklBox&, const Grid&);                                    \
  template Index structure_factors_from_map_workspace<T>(Index, const HklBox&, const Grid&);      \
  template void map_from_structure_factors(const Queue&, Index, const HklBox&, const Complex<T>*, \
                                           const Grid&, double, T*);                              \
  template void structure_factors_from_map(const Queue&, Index, const HklBox&, const T*,          \
                                           const Grid&, double, Complex<T>*, void*);
ARGAND_INSTANTIATE(float)
ARGAND_INSTANTIATE(double)

}  // namespace argand::cuda
