// Vectors of numbers (lanes). The arithmetic of this library is written once, for a type V that is
// either a plain number or a vector of numbers; operators and ?: read the same for both.
#pragma once

#include <cstdint>
#include <utility>

#if defined(__CUDACC__)
#define ARGAND_HD __host__ __device__
#else
#define ARGAND_HD
#endif
// Inlined by force: a vector that a function is handed over would go through memory. Checked builds
// (ARGAND_SANITIZE in CMake) inline as they see fit: there are no others' instructions to meet.
#if defined(ARGAND_PLAIN_INLINE)
#define ARGAND_INLINE inline
#else
#define ARGAND_INLINE inline __attribute__((always_inline))
#endif

namespace argand {

// Bytes of a vector: one register of x86-64-v4, two of v3, four of v2 and of NEON.
constexpr int lane_bytes = 64;
template <class T>
inline constexpr int lane_count = lane_bytes / int(sizeof(T));

// Types that belong to V: its element, its lanes as double, its lanes as integers of equal width.
template <class V>
struct LaneTraits;
template <>
struct LaneTraits<float> {
  using Element = float;
  using Wide = double;
  using Bits = std::uint32_t;
};
template <>
struct LaneTraits<double> {
  using Element = double;
  using Wide = double;
  using Bits = std::uint64_t;
};

template <class V>
using Element = typename LaneTraits<V>::Element;
template <class V>
using Wide = typename LaneTraits<V>::Wide;
template <class V>
using Bits = typename LaneTraits<V>::Bits;

#if !defined(__CUDACC__)

using FloatLanes = float __attribute__((vector_size(lane_bytes)));
using DoubleLanes = double __attribute__((vector_size(lane_bytes)));
using WideFloatLanes = double __attribute__((vector_size(2 * lane_bytes)));

template <>
struct LaneTraits<FloatLanes> {
  using Element = float;
  using Wide = WideFloatLanes;
  using Bits = std::uint32_t __attribute__((vector_size(lane_bytes)));
};
template <>
struct LaneTraits<DoubleLanes> {
  using Element = double;
  using Wide = DoubleLanes;
  using Bits = std::uint64_t __attribute__((vector_size(lane_bytes)));
};

template <class T>
struct LanesOf;
template <>
struct LanesOf<float> {
  using Type = FloatLanes;
};
template <>
struct LanesOf<double> {
  using Type = DoubleLanes;
};
template <class T>
using Lanes = typename LanesOf<T>::Type;

ARGAND_INLINE WideFloatLanes widen(FloatLanes v) {
  return __builtin_convertvector(v, WideFloatLanes);
}
ARGAND_INLINE DoubleLanes widen(DoubleLanes v) {
  return v;
}
ARGAND_INLINE void narrow(WideFloatLanes w, FloatLanes& v) {
  v = __builtin_convertvector(w, FloatLanes);
}
ARGAND_INLINE void narrow(DoubleLanes w, DoubleLanes& v) {
  v = w;
}

template <class T>
ARGAND_INLINE Lanes<T> load(const T* from) {
  Lanes<T> v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
template <class T>
ARGAND_INLINE void store(T* to, Lanes<T> v) {
  __builtin_memcpy(to, &v, sizeof v);
}

namespace detail {

template <class T, int... I>
ARGAND_INLINE void store_complex(T* to, const Lanes<T>& re, const Lanes<T>& im,
                                 std::integer_sequence<int, I...>) {
  constexpr int n = lane_count<T>;
  store(to, Lanes<T>(__builtin_shufflevector(re, im, (I / 2 + I % 2 * n)...)));
  store(to + n, Lanes<T>(__builtin_shufflevector(re, im, (n / 2 + I / 2 + I % 2 * n)...)));
}

template <class T, int... I>
ARGAND_INLINE void store_reversed_complex(T* to, const Lanes<T>& re, const Lanes<T>& im,
                                          std::integer_sequence<int, I...>) {
  constexpr int n = lane_count<T>;
  store(to, Lanes<T>(__builtin_shufflevector(re, im, (n - 1 - I / 2 + I % 2 * n)...)));
  store(to + n, Lanes<T>(__builtin_shufflevector(re, im, (n / 2 - 1 - I / 2 + I % 2 * n)...)));
}

template <class T, int... I>
ARGAND_INLINE Lanes<T> reversed(const Lanes<T>& v, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(v, v, (lane_count<T> - 1 - I)...);
}

}  // namespace detail

// Stores re, im, re, im, ... as complex numbers lie in memory.
template <class T>
ARGAND_INLINE void store_complex(T* to, const Lanes<T>& re, const Lanes<T>& im) {
  detail::store_complex(to, re, im, std::make_integer_sequence<int, lane_count<T>>{});
}

// Stores the complex numbers re + i im, the last lane first.
template <class T>
ARGAND_INLINE void store_reversed_complex(T* to, const Lanes<T>& re, const Lanes<T>& im) {
  detail::store_reversed_complex(to, re, im, std::make_integer_sequence<int, lane_count<T>>{});
}

// Returns the lanes of v in the opposite order.
template <class T>
ARGAND_INLINE Lanes<T> reversed(const Lanes<T>& v) {
  return detail::reversed<T>(v, std::make_integer_sequence<int, lane_count<T>>{});
}

namespace detail {

// Adds the lower half of the lanes to the upper half, until two lanes are left.
template <int... I, class V>
ARGAND_INLINE auto sum_of_halves(V v, std::integer_sequence<int, I...>) {
  constexpr int half = sizeof...(I);
  const auto sum =
      __builtin_shufflevector(v, v, I...) + __builtin_shufflevector(v, v, (half + I)...);
  if constexpr (half == 2) {
    return sum[0] + sum[1];
  } else {
    return sum_of_halves(sum, std::make_integer_sequence<int, half / 2>{});
  }
}

}  // namespace detail

template <class T>
ARGAND_INLINE T sum_of_lanes(const Lanes<T>& v) {
  return detail::sum_of_halves(v, std::make_integer_sequence<int, lane_count<T> / 2>{});
}

#endif

ARGAND_HD ARGAND_INLINE double widen(float v) {
  return v;
}
ARGAND_HD ARGAND_INLINE double widen(double v) {
  return v;
}
ARGAND_HD ARGAND_INLINE void narrow(double w, float& v) {
  v = float(w);
}
ARGAND_HD ARGAND_INLINE void narrow(double w, double& v) {
  v = w;
}

// Returns V with the same number in every lane.
template <class V>
ARGAND_HD ARGAND_INLINE V broadcast(Element<V> value) {
  // value - 0 is value, which compilers know; value + 0 is not, where value is -0.
  return value - V{};
}

// A complex number, or a vector of complex numbers.
template <class V>
struct Complex {
  V re, im;
};

template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> operator*(Complex<V> a, Complex<V> b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> operator*(Complex<V> a, V b) {
  return {a.re * b, a.im * b};
}

template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> operator*(V a, Complex<V> b) {
  return {a * b.re, a * b.im};
}

template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> operator+(Complex<V> a, Complex<V> b) {
  return {a.re + b.re, a.im + b.im};
}
template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> operator-(Complex<V> a, Complex<V> b) {
  return {a.re - b.re, a.im - b.im};
}

template <class V>
ARGAND_HD ARGAND_INLINE Complex<V> conj(Complex<V> a) {
  return {a.re, -a.im};
}

}  // namespace argand
