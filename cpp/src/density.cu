#include "argand/elementary.hpp"
#include "cuda/device.hpp"

// Transforms boxes to maps by three short sums, with one plane x of a map as the work of a block:
//
//   P(k, l)      = sum_h F(h, k, l) exp(-2 pi i h x / na)
//   Q(y, l)      = sum_k P(k, l) exp(-2 pi i k y / nb)
//   map(x, y, z) = Re sum_l Q(y, l) exp(-2 pi i l z / nc)
//
// and maps to boxes in the opposite order. Only the Hermitian part of F shows in a real map, so
// l >= 0 is enough. Orders k and -k, lines y and nb - y, points z and nc - z have one cosine, and
// sines that differ in sign: two sums, one with the cosines and one with the sines, give both.
namespace argand::cuda {
namespace {

// Threads of a block.
constexpr int transform_threads = 128;
// Threads of a warp.
constexpr int warp = 32;
// Most pairs of lines y and nb - y of a plane that are in shared memory at once: all of 32 lines.
constexpr int most_pairs = 18;
// Pairs of lines that a thread sums at once, so that it loads each cosine once for all of them.
constexpr int together = 2;
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
  int half, pairs;            // orders l >= 0, pairs of lines in memory at once
  Shared<Pair<T>> x;          // exp(2 pi i h x / na) for all h, used from box to map
  Shared<TwoPairs<T>> p;      // (k >= 0, l): P(k) + P(-k) and P(k) - P(-k), or P(k) and P(-k)
  Shared<TwoPairs<T>> lines;  // (pair, l): Q(y) and Q(nb - y), or their sum and difference
  Shared<T> map;              // (line, z), used from map to box

  ARGAND_HD Plane(SharedMemory& memory, const HklBox& hkl, const Grid& grid, bool back)
      : box(hkl), y(memory, hkl.k, grid.b), z(memory, hkl.l, grid.c), half(hkl.l + 1) {
    pairs = most_pairs;
    while (back && pairs > together && 2 * pairs * (grid.c + 1) > most_map_numbers)
      pairs -= together;
    if (!back) x = memory.take<Pair<T>>(2 * hkl.h + 1);
    p = memory.take<TwoPairs<T>>((hkl.k + 1) * half);
    lines = memory.take<TwoPairs<T>>(pairs * half);
    if (back) map = memory.take<T>(2 * pairs * int(grid.c + 1) - 1);
  }

  // Returns the number of pairs of lines of a plane.
  ARGAND_HD int all_pairs() const { return y.points / 2 + 1; }
  // Returns line y of a pair, or line nb - y, or -1 where there is none: lines 0 and nb / 2 are
  // alone.
  ARGAND_HD int line_of(int pair, bool is_second) const {
    const bool is_alone = pair == 0 || 2 * pair == y.points;
    if (2 * pair > y.points || (is_second && is_alone)) return -1;
    return is_second ? y.points - pair : pair;
  }
};

#if defined(__CUDACC__) || defined(ARGAND_EMULATED)

// Fills the table of an axis.
template <class T>
__device__ ARGAND_INLINE void fill(const Axis<T>& axis) {
#pragma unroll 1
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
__device__ ARGAND_INLINE int remainder(int j, int n) {
  const int r = j % n;
  return r < 0 ? r + n : r;
}

// Writes maps from boxes.
template <class T>
__global__ void __launch_bounds__(transform_threads)
    to_map(Index maps, HklBox box, const Pair<T>* F, Grid grid, T scale, T* map) {
  SharedMemory memory = block_memory();
  const Plane<T> plane(memory, box, grid, false);
  const int t = int(threadIdx.x), half = plane.half, planes = int(grid.a);
  const int length = 2 * box.l + 1, stride = (2 * box.k + 1) * length;
  fill(plane.y);
  fill(plane.z);
  for (Index task = blockIdx.x; task < maps * grid.a; task += gridDim.x) {
    const int x = int(task % grid.a);
    const Pair<T>* f = F + task / grid.a * box.size();
    T* out = map + task * grid.b * grid.c;
    for (int h = t; h <= 2 * box.h; h += transform_threads) {
      plane.x[h] = pair(Axis<T>::turn_of(remainder((h - box.h) * x, planes), planes));
    }
    __syncthreads();
    for (int e = t; e < (box.k + 1) * half; e += transform_threads) {
      const int k = e / half, l = e % half;
      // Reflections (h, k, l) and (h, -k, l), and their mates from the end of the box.
      const Pair<T>* at = f + (box.k + k) * length + box.l + l;
      const Pair<T>* across = at - 2 * k * length;
      const Pair<T>* mate = f + (box.size() - 1) - (at - f);
      const Pair<T>* mate_across = mate + 2 * k * length;
      Complex<T> sum{0, 0}, sum_across{0, 0};
#pragma unroll 2
      for (int h = 0; h <= 2 * box.h; ++h) {
        const Complex<T> turn = conj(Pair<T>(plane.x[h]).complex());
        sum = sum + (at->complex() + conj(mate->complex())) * turn;
        sum_across = sum_across + (across->complex() + conj(mate_across->complex())) * turn;
        at += stride, across += stride, mate -= stride, mate_across -= stride;
      }
      const T factor = l == 0 ? scale / 2 : scale;
      // Of k = 0 there is one only.
      if (k == 0) sum_across = {0, 0};
      plane.p[e] =
          TwoPairs<T>{pair((sum + sum_across) * factor), pair((sum - sum_across) * factor)};
    }
    for (int first_pair = 0; first_pair < plane.all_pairs(); first_pair += plane.pairs) {
      __syncthreads();
      for (int e = t; e < plane.pairs * half; e += transform_threads) {
        const int y = first_pair + e / half, l = e % half;
        Complex<T> even = TwoPairs<T>(plane.p[l]).first.complex(), odd{0, 0};
        if (y < plane.all_pairs()) {
          int j = 0;
#pragma unroll 2
          for (int k = 1; k <= box.k; ++k) {
            j = onward(j, y, plane.y.points);
            const TwoPairs<T> p = plane.p[k * half + l];
            const Pair<T> turn = plane.y.turn[j];
            even = even + p.first.complex() * turn.re;
            odd = odd + p.second.complex() * turn.im;
          }
        }
        plane.lines[e] =
            TwoPairs<T>{{even.re + odd.im, even.im - odd.re}, {even.re - odd.im, even.im + odd.re}};
      }
      __syncthreads();
      const int n = plane.z.points, points = n / 2 + 1;
      for (int e = t; e < points * (plane.pairs / together); e += transform_threads) {
        const int z = e % points, first = e / points * together;
        T even[2 * together] = {}, odd[2 * together] = {};
#pragma unroll 2
        for (int l = 0, j = 0; l < half; ++l, j = onward(j, z, n)) {
          const Pair<T> turn = plane.z.turn[j];
#pragma unroll
          for (int i = 0; i < together; ++i) {
            const TwoPairs<T> q = plane.lines[(first + i) * half + l];
            even[2 * i] += q.first.re * turn.re;
            odd[2 * i] += q.first.im * turn.im;
            even[2 * i + 1] += q.second.re * turn.re;
            odd[2 * i + 1] += q.second.im * turn.im;
          }
        }
#pragma unroll
        for (int i = 0; i < 2 * together; ++i) {
          const int y = plane.line_of(first_pair + first + i / 2, i % 2);
          if (y < 0) continue;
          T* to = out + y * n;
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
  const int t = int(threadIdx.x), half = plane.half, n = plane.z.points;
  const int orders = (box.k + 1) * half;
  fill(plane.y);
  fill(plane.z);
  for (Index task = blockIdx.x; task < maps * grid.a; task += gridDim.x) {
    const T* in = map + task * grid.b * grid.c;
    for (int e = t; e < orders; e += transform_threads) plane.p[e] = TwoPairs<T>{{0, 0}, {0, 0}};
    for (int first_pair = 0; first_pair < plane.all_pairs(); first_pair += plane.pairs) {
      for (int line = t / warp; line < 2 * plane.pairs; line += transform_threads / warp) {
        const int y = plane.line_of(first_pair + line / 2, line % 2);
        for (int z = t % warp; z < n; z += warp) {
          plane.map[line * (n + 1) + z] = y < 0 ? T(0) : in[y * n + z];
        }
      }
      __syncthreads();
      for (int e = t; e < plane.pairs / together * half; e += transform_threads) {
        const int first = e / half * together, l = e % half, step = l % n;
        const int line = 2 * first * (n + 1);
        Complex<T> sum[2 * together];
#pragma unroll
        for (int i = 0; i < 2 * together; ++i) sum[i] = {plane.map[line + i * (n + 1)], 0};
        int j = 0;
        for (int z = 1; 2 * z < n; ++z) {
          j = onward(j, step, n);
          const Pair<T> turn = plane.z.turn[j];
#pragma unroll
          for (int i = 0; i < 2 * together; ++i) {
            const T value = plane.map[line + i * (n + 1) + z];
            const T mirrored = plane.map[line + i * (n + 1) + n - z];
            sum[i].re += (value + mirrored) * turn.re;
            sum[i].im += (value - mirrored) * turn.im;
          }
        }
#pragma unroll
        for (int i = 0; i < 2 * together; ++i) {
          if (n % 2) continue;
          sum[i].re += plane.map[line + i * (n + 1) + n / 2] * (l % 2 ? T(-1) : T(1));
        }
#pragma unroll
        for (int i = 0; i < together; ++i) {
          const Complex<T> q = sum[2 * i], q_of_second = sum[2 * i + 1];
          plane.lines[(first + i) * half + l] =
              TwoPairs<T>{pair(q + q_of_second), pair(q - q_of_second)};
        }
      }
      __syncthreads();
      const int remaining = plane.all_pairs() - first_pair;
      const int pairs = plane.pairs < remaining ? plane.pairs : remaining;
      for (int e = t; e < orders; e += transform_threads) {
        const int k = e / half, l = e % half, step = remainder(k, plane.y.points);
        int j = remainder(k * first_pair, plane.y.points);
        Complex<T> even{0, 0}, odd{0, 0};
#pragma unroll 2
        for (int i = 0; i < pairs; ++i) {
          const TwoPairs<T> q = plane.lines[i * half + l];
          const Pair<T> turn = plane.y.turn[j];
          even = even + q.first.complex() * turn.re;
          odd = odd + q.second.complex() * turn.im;
          j = onward(j, step, plane.y.points);
        }
        const TwoPairs<T> before = plane.p[e];
        const Complex<T> turned{-odd.im, odd.re};
        plane.p[e] = TwoPairs<T>{pair(before.first.complex() + (even + turned)),
                                 pair(before.second.complex() + (even - turned))};
      }
    }
    Pair<T>* to = planes + (task * (2 * box.k + 1) + box.k) * half;
    for (int e = t; e < orders; e += transform_threads) {
      const int k = e / half, l = e % half;
      const TwoPairs<T> p = plane.p[e];
      to[k * half + l] = p.first;
      if (k > 0) to[l - k * half] = p.second;
    }
  }
}

// Sums planes (maps, x, k, l >= 0) along x to boxes F, and writes the mates at l < 0. A thread has
// the orders h and -h.
template <class T>
__global__ void __launch_bounds__(transform_threads)
    join_planes(Index maps, HklBox box, const Pair<T>* planes, Grid grid, T scale, Pair<T>* F) {
  SharedMemory memory = block_memory();
  const Axis<T> x(memory, box.h, grid.a);
  fill(x);
  __syncthreads();
  const int half = box.l + 1, size = (2 * box.k + 1) * half, length = 2 * box.l + 1;
  const Index each = Index(box.h + 1) * size, last = box.size() - 1;
  for (Index e = Index(blockIdx.x) * transform_threads + threadIdx.x; e < maps * each;
       e += Index(gridDim.x) * transform_threads) {
    const Index m = e / each;
    const int h = int(e % each / size), kl = int(e % size), l = kl % half;
    const Pair<T>* from = planes + m * grid.a * size + kl;
    const int step = remainder(h, x.points);
    Complex<T> even{0, 0}, odd{0, 0};
#pragma unroll 2
    for (int i = 0, j = 0; i < x.points; ++i, j = onward(j, step, x.points)) {
      const Complex<T> p = from->complex();
      const Pair<T> turn = x.turn[j];
      even = even + p * turn.re;
      odd = odd + p * turn.im;
      from += size;
    }
    const Complex<T> turned{-odd.im, odd.re};
    const Complex<T> sum = (even + turned) * scale, sum_across = (even - turned) * scale;
    Pair<T>* f = F + m * box.size();
    const Index plane = Index(2 * box.k + 1) * length;
    const Index at = box.h * plane + Index(kl / half) * length + box.l + l;
    f[at + h * plane] = pair(sum);
    if (l > 0) f[last - at - h * plane] = pair(conj(sum));
    if (h == 0) continue;
    f[at - h * plane] = pair(sum_across);
    if (l > 0) f[last - at + h * plane] = pair(conj(sum_across));
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
                plane_bytes<T>(box, grid, false), queue, maps, box, stored(F), grid, T(scale), map);
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
  const Index outputs = maps * (box.h + 1) * (2 * box.k + 1) * (box.l + 1);
  ARGAND_LAUNCH(join_planes<T>, grid_of(ceil_div(outputs, transform_threads)), transform_threads,
                axis_bytes<T>(box, grid), queue, maps, box, planes, grid, T(scale), stored(F));
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
