// Computes the derivatives by the coordinates of one site, reflections across the lanes; see
// JacobianArgs.
#pragma once

#include "argand/elementary.hpp"
#include "kernels.hpp"

namespace argand {
namespace {

template <class T>
void jacobian_of_site(const JacobianArgs<T>& args, Index crystal, Index site) {
  using V = Lanes<T>;
  constexpr T two_pi = T(6.283185307179586477);
  const Index size = args.reflections, at = crystal * args.sites + site;
  const double* x = args.frac + 3 * at;
  const T* beta = args.beta + 6 * at;
  const T share = args.share[site], occ = args.occ[at] * share;
  const std::int32_t* column = args.columns + 4 * site;
  const bool tensor = column[1] >= 0;
  const T* u = args.u + (crystal * args.scatterers + args.scatterer[site]) * 2 * size;
  T* out = args.out + crystal * args.width * size;
  for (Index i = 0; i < size; i += lane_count<T>) {
    const Complex<V> factor{load(u + i), load(u + size + i)};
    V sum{}, by_position[3] = {}, by_beta[6] = {};
    for (Index o = 0; o < args.operations; ++o) {
      const T* order = args.orders + 3 * o * size + i;
      const V h = load(order), k = load(order + size), l = load(order + 2 * size);
      const V product[6] = {h * h, k * k, l * l, T(2) * h * k, T(2) * h * l, T(2) * k * l};
      V exponent{};
      for (int j = 0; j < 6; ++j) exponent -= beta[j] * product[j];
      const auto turns = widen(h) * x[0] + widen(k) * x[1] + widen(l) * x[2] +
                         widen(load(args.turns + o * size + i));
      const Complex<V> t = factor * cis<V>(turns) * bounded_exp(exponent);
      sum += t.re;
      by_position[0] -= t.im * h, by_position[1] -= t.im * k, by_position[2] -= t.im * l;
      if (tensor) {
        for (int j = 0; j < 6; ++j) by_beta[j] -= t.re * product[j];
      }
    }
    if (column[0] >= 0) {
      for (int j = 0; j < 3; ++j)
        store(out + (column[0] + j) * size + i, V(by_position[j] * (two_pi * occ)));
    }
    if (tensor) {
      for (int j = 0; j < 6; ++j) store(out + (column[1] + j) * size + i, V(by_beta[j] * occ));
    }
    if (column[2] >= 0) store(out + column[2] * size + i, V(sum * load(args.squares + i) * -occ));
    if (column[3] >= 0) store(out + column[3] * size + i, V(sum * share));
  }
}

}  // namespace
}  // namespace argand
