// One function for each stem adds its functions to the module _core. Arguments are plain: addresses
// as integers, extents, and the width of a real number in bits. python/argand/_seam is the only
// caller, and has checked them.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>

namespace argand::bindings {

using Address = std::uintptr_t;

// Returns a pointer to an address that Python hands over.
template <class T>
T* pointer(Address address) {
  return reinterpret_cast<T*>(address);
}

void register_structure_factors(pybind11::module_& m);
void register_contacts(pybind11::module_& m);
void register_density(pybind11::module_& m);
void register_dual_space(pybind11::module_& m);
void register_gaussians(pybind11::module_& m);
void register_hklf(pybind11::module_& m);
void register_indices(pybind11::module_& m);
void register_jacobian(pybind11::module_& m);
void register_measure(pybind11::module_& m);
void register_molecules(pybind11::module_& m);
void register_nufft(pybind11::module_& m);
void register_plain_words(pybind11::module_& m);
void register_reflections(pybind11::module_& m);

}  // namespace argand::bindings
