// Computes amplitudes and phases of complex numbers, reflections across the lanes.
#pragma once

#include "argand/elementary.hpp"
#include "kernels.hpp"

namespace argand {
namespace {

// Loads complex numbers re, im, re, im, ... as a vector of real and a vector of imaginary parts.
template <class T, int... I>
ARGAND_INLINE Complex<Lanes<T>> load_complex(const T* from, std::integer_sequence<int, I...>) {
  const Lanes<T> low = load(from), high = load(from + lane_count<T>);
  return {__builtin_shufflevector(low, high, (2 * I)...),
          __builtin_shufflevector(low, high, (2 * I + 1)...)};
}

// Returns the square root of each lane.
template <class T>
ARGAND_INLINE Lanes<T> square_root(const Lanes<T>& v) {
  T part[lane_count<T>];
  store(part, v);
  for (int i = 0; i < lane_count<T>; ++i)
    part[i] = sizeof(T) == 4 ? T(__builtin_sqrtf(float(part[i]))) : T(__builtin_sqrt(part[i]));
  return load(part);
}

// Coefficients of atan(x) / x as a polynomial in x^2 for 0 <= x <= 1, by Chebyshev interpolation.
// The error is 3e-9 in float and 2e-17 in double.
template <class T>
struct ArcTangent;
template <>
struct ArcTangent<float> {
  static constexpr int terms = 10;
  static constexpr float coefficients[] = {
      0.999999997f,   -0.333332763f, 0.199980753f,   -0.142600161f, 0.109323415f,
      -0.0834972497f, 0.0570895559f, -0.0303518648f, 0.0104876493f, -0.00170117006f};
};
template <>
struct ArcTangent<double> {
  static constexpr int terms = 22;
  static constexpr double coefficients[] = {
      1.0,
      -0.3333333333333325,
      0.19999999999986157,
      -0.14285714284820428,
      0.11111111080383854,
      -0.09090908440338843,
      0.07692298432985685,
      -0.06666572806289763,
      0.05881647236717415,
      -0.05259103789485882,
      0.0474370596643217,
      -0.042828645702794474,
      0.038129809754225044,
      -0.03264116292977077,
      0.0259471057039563,
      -0.018386836817918875,
      0.011122014669752633,
      -0.005484778971809356,
      0.002090633535263676,
      -0.0005727925781292097,
      9.978410811953032e-05,
      -8.26799581733715e-06,
  };
};

// Returns arg z: the angle within its octant, unfolded.
template <class T>
ARGAND_INLINE Lanes<T> argument(const Complex<Lanes<T>>& z) {
  using V = Lanes<T>;
  constexpr T pi = T(3.14159265358979323846);
  const V re = z.re < T(0) ? -z.re : z.re, im = z.im < T(0) ? -z.im : z.im;
  const V longer = re > im ? re : im, shorter = re > im ? im : re;
  const V x = shorter / (longer > T(0) ? longer : broadcast<V>(1));
  const V octant =
      x * detail::polynomial<0, 1, ArcTangent<T>::terms>(ArcTangent<T>::coefficients, V(x * x));
  const V quadrant = re > im ? octant : pi / 2 - octant;
  const V upper = z.re < T(0) ? pi - quadrant : quadrant;
  return z.im < T(0) ? -upper : upper;
}

// A vector of bytes, one for every lane.
template <class T>
struct ByteLanes;
template <>
struct ByteLanes<float> {
  using Type = std::uint8_t __attribute__((vector_size(lane_count<float>)));
};
template <>
struct ByteLanes<double> {
  using Type = std::uint8_t __attribute__((vector_size(lane_count<double>)));
};

// Measures a vector of reflections of one crystal, see MeasureArgs.
template <class T>
ARGAND_INLINE void measure_lanes(const Complex<Lanes<T>>& f, const T* scale,
                                 const std::uint8_t* reach, T threshold, T* weight, T* amplitude,
                                 T* phase, std::uint8_t* mask) {
  using V = Lanes<T>;
  using Bytes = typename ByteLanes<T>::Type;
  const V modulus = square_root<T>(f.re * f.re + f.im * f.im);
  const V angle = argument<T>(f), amplitude_of_lanes = modulus * load(scale);
  Bytes within;
  __builtin_memcpy(&within, reach, sizeof within);
  const Bits<V> is_within = __builtin_convertvector(within, Bits<V>);
  const auto is_seen = (is_within != 0) & (amplitude_of_lanes > threshold);
  const Bytes as_bytes = __builtin_convertvector(is_seen & 1, Bytes);
  __builtin_memcpy(mask, &as_bytes, sizeof as_bytes);
  store(weight, V(is_seen ? modulus : V{}));
  store(amplitude, V(is_seen ? amplitude_of_lanes : V{}));
  store(phase, V(is_seen ? angle : V{}));
}

// Measures crystals begin .. end, see MeasureArgs.
template <class T>
void measure(const MeasureArgs<T>& args, Index begin, Index end) {
  constexpr int lanes = lane_count<T>;
  constexpr auto all_lanes = std::make_integer_sequence<int, lanes>{};
  const Index size = args.size;
  for (Index c = begin; c < end; ++c) {
    const Complex<T>* f = args.f + c * size;
    const T* scale = args.scale + args.row[c] * size;
    const std::uint8_t* reach = args.reach + args.row[c] * size;
    T *weight = args.weight + c * size, *amplitude = args.amplitude + c * size,
      *phase = args.phase + c * size;
    std::uint8_t* mask = args.mask + c * size;
    Index i = 0;
    for (; i + lanes <= size; i += lanes) {
      measure_lanes<T>(load_complex<T>(&f[i].re, all_lanes), scale + i, reach + i, args.threshold,
                       weight + i, amplitude + i, phase + i, mask + i);
    }
    if (i == size) continue;
    Complex<T> last_f[lanes] = {};
    T last_scale[lanes] = {}, last[3][lanes];
    std::uint8_t last_reach[lanes] = {}, last_mask[lanes];
    for (Index j = 0; i + j < size; ++j) {
      last_f[j] = f[i + j];
      last_scale[j] = scale[i + j];
      last_reach[j] = reach[i + j];
    }
    measure_lanes<T>(load_complex<T>(&last_f[0].re, all_lanes), last_scale, last_reach,
                     args.threshold, last[0], last[1], last[2], last_mask);
    for (Index j = 0; i + j < size; ++j) {
      weight[i + j] = last[0][j], amplitude[i + j] = last[1][j], phase[i + j] = last[2][j],
                 mask[i + j] = last_mask[j];
    }
  }
}

}  // namespace
}  // namespace argand
