// Amplitude and phase of complex numbers.
#pragma once

#include "argand/elementary.hpp"
#include "kernels.hpp"

namespace argand {
namespace {

// Complex numbers from, from + 1, ... taken apart.
template <class T, int... I>
ARGAND_INLINE Complex<Lanes<T>> load_complex(const T* from, std::integer_sequence<int, I...>) {
  const Lanes<T> low = load(from), high = load(from + lane_count<T>);
  return {__builtin_shufflevector(low, high, (2 * I)...), __builtin_shufflevector(low, high, (2 * I + 1)...)};
}

template <class T>
ARGAND_INLINE Lanes<T> square_root(const Lanes<T>& v) {
  T part[lane_count<T>];
  store(part, v);
  for (int i = 0; i < lane_count<T>; ++i)
    part[i] = sizeof(T) == 4 ? T(__builtin_sqrtf(float(part[i]))) : T(__builtin_sqrt(part[i]));
  return load(part);
}

// arg z, |z| = modulus. A crude angle, good to 0.004, then one correction: the sine of what is left is the imaginary
// part of z exp(-i angle) / |z|, and the arc sine of so small a number three terms.
template <class T>
ARGAND_INLINE Lanes<T> argument(const Complex<Lanes<T>>& z, const Lanes<T>& modulus) {
  using V = Lanes<T>;
  constexpr T pi = T(3.14159265358979323846);
  const V re = z.re < T(0) ? -z.re : z.re, im = z.im < T(0) ? -z.im : z.im;
  const V longer = re > im ? re : im, shorter = re > im ? im : re;
  const V some = longer > T(0) ? longer : broadcast<V>(1);
  const V x = shorter / some;
  const V octant = x * (pi / 4 + T(0.273) * (T(1) - x));
  const V quadrant = re > im ? octant : pi / 2 - octant;
  const V upper = z.re < T(0) ? pi - quadrant : quadrant;
  const V crude = z.im < T(0) ? -upper : upper;
  const Complex<V> back = cis<V>(widen(crude) * (0.5 / 3.14159265358979323846));
  const V s = (z.im * back.re - z.re * back.im) / (modulus > T(0) ? modulus : broadcast<V>(1));
  return crude + s * (T(1) + s * s * (T(1) / 6 + s * s * (T(3) / 40)));
}

// See MeasureArgs. `count` numbers of one crystal.
template <class T>
ARGAND_INLINE void measure_some(const Complex<Lanes<T>>& f, const T* scale, const std::uint8_t* reach, T threshold,
                                T* weight, T* amplitude, T* phase, std::uint8_t* mask) {
  using V = Lanes<T>;
  constexpr int lanes = lane_count<T>;
  const V modulus = square_root<T>(f.re * f.re + f.im * f.im);
  const V angle = argument<T>(f, modulus), share = modulus * load(scale);
  T w[lanes], a[lanes], p[lanes];
  store(w, modulus);
  store(a, share);
  store(p, angle);
  for (int i = 0; i < lanes; ++i) {
    const bool seen = reach[i] != 0 && a[i] > threshold;
    mask[i] = seen;
    weight[i] = seen ? w[i] : T(0);
    amplitude[i] = seen ? a[i] : T(0);
    phase[i] = seen ? p[i] : T(0);
  }
}

template <class T>
void measure(const MeasureArgs<T>& args, Index begin, Index end) {
  constexpr int lanes = lane_count<T>;
  constexpr auto every = std::make_integer_sequence<int, lanes>{};
  const Index size = args.size;
  for (Index c = begin; c < end; ++c) {
    const Complex<T>* f = args.f + c * size;
    const T* scale = args.scale + args.row[c] * size;
    const std::uint8_t* reach = args.reach + args.row[c] * size;
    T *weight = args.weight + c * size, *amplitude = args.amplitude + c * size, *phase = args.phase + c * size;
    std::uint8_t* mask = args.mask + c * size;
    Index i = 0;
    for (; i + lanes <= size; i += lanes) {
      measure_some<T>(load_complex<T>(&f[i].re, every), scale + i, reach + i, args.threshold, weight + i, amplitude + i,
                      phase + i, mask + i);
    }
    if (i == size) continue;
    Complex<T> last_f[lanes] = {};
    T last_scale[lanes] = {}, last[3][lanes];
    std::uint8_t last_reach[lanes] = {}, last_mask[lanes];
    for (Index j = 0; i + j < size; ++j)
      last_f[j] = f[i + j], last_scale[j] = scale[i + j], last_reach[j] = reach[i + j];
    measure_some<T>(load_complex<T>(&last_f[0].re, every), last_scale, last_reach, args.threshold, last[0], last[1],
                    last[2], last_mask);
    for (Index j = 0; i + j < size; ++j) {
      weight[i + j] = last[0][j], amplitude[i + j] = last[1][j], phase[i + j] = last[2][j], mask[i + j] = last_mask[j];
    }
  }
}

}  // namespace
}  // namespace argand
