// A batch of crystals as Python hands it over to the core and to the CUDA module: tuples of
// addresses and extents.
#pragma once

#include <tuple>

#include "argand/lanes.hpp"
#include "argand/views.hpp"
#include "atoms.hpp"

namespace argand::bindings {

// (value, row_ptr, is_complex)
using FormArgs = std::tuple<Address, Address, bool>;

// Reflections as Python hands them over: lists as (count, hkl_ptr, hkl), a box as (h, k, l).
template <class Reflections>
struct Crossing;
template <class Order>
struct Crossing<HklLists<Order>> {
  using Args = std::tuple<Index, Address, Address>;
  static HklLists<Order> make(const Args& args) {
    const auto& [count, hkl_ptr, hkl] = args;
    return {count, pointer<const std::int64_t>(hkl_ptr), pointer<const Order>(hkl)};
  }
};
template <>
struct Crossing<HklBox> {
  using Args = std::tuple<int, int, int>;
  static HklBox make(const Args& args) {
    const auto& [h, k, l] = args;
    return {h, k, l};
  }
};

// Calls kernel(atoms, form) with real or complex form factors, without the GIL.
template <class T, class Kernel>
void with_types(const AtomsArgs& atoms_args, const FormArgs& form_args, const Kernel& kernel) {
  const Atoms<T> atoms = atoms_of<T>(atoms_args);
  const auto& [value, row_ptr, is_complex] = form_args;
  const auto* rows = pointer<const std::int64_t>(row_ptr);
  const pybind11::gil_scoped_release unlocked;
  if (is_complex) {
    kernel(atoms, FormFactors<Complex<T>>{pointer<const Complex<T>>(value), rows});
  } else {
    kernel(atoms, FormFactors<T>{pointer<const T>(value), rows});
  }
}

}  // namespace argand::bindings
