#include "argand/structure_factors.hpp"

#include <tuple>

#include "register.hpp"

namespace argand::bindings {
namespace {

namespace py = pybind11;

// (crystals, atom_ptr, frac, beta, occ, scatterer)
using AtomsArgs = std::tuple<Index, Address, Address, Address, Address, Address>;
// (value, row_ptr, is_complex)
using FormArgs = std::tuple<Address, Address, bool>;
// (count, hkl_ptr, hkl) of lists, or (h, k, l) of a box
using ListArgs = std::tuple<Index, Address, Address>;
using BoxArgs = std::tuple<int, int, int>;

HklLists reflections(const ListArgs& args) {
  const auto& [count, hkl_ptr, hkl] = args;
  return {count, pointer<const std::int64_t>(hkl_ptr), pointer<const std::int32_t>(hkl)};
}

HklBox reflections(const BoxArgs& args) {
  const auto& [h, k, l] = args;
  return {h, k, l};
}

// Calls kernel(atoms, form, reflections) with the types that the arguments name, without the GIL.
template <class T, class Args, class Kernel>
void with_types(const AtomsArgs& atoms_args, const FormArgs& form_args, const Args& args, const Kernel& kernel) {
  const auto& [crystals, atom_ptr, frac, beta, occ, scatterer] = atoms_args;
  const Atoms<T> atoms{crystals,
                       pointer<const std::int64_t>(atom_ptr),
                       pointer<const T>(frac),
                       pointer<const T>(beta),
                       pointer<const T>(occ),
                       pointer<const std::int32_t>(scatterer)};
  const auto& [value, row_ptr, is_complex] = form_args;
  const auto* rows = pointer<const std::int64_t>(row_ptr);
  const py::gil_scoped_release unlocked;
  if (is_complex) {
    kernel(atoms, FormFactors<Complex<T>>{pointer<const Complex<T>>(value), rows}, reflections(args));
  } else {
    kernel(atoms, FormFactors<T>{pointer<const T>(value), rows}, reflections(args));
  }
}

template <class T, class Args>
void forward(const AtomsArgs& atoms, const FormArgs& form, const Args& args, Address out) {
  with_types<T>(atoms, form, args, [&](const auto& a, const auto& f, const auto& r) {
    structure_factors(a, f, r, pointer<Complex<T>>(out));
  });
}

template <class T, class Args>
void backward(const AtomsArgs& atoms, const FormArgs& form, const Args& args, Address g, Address grad_frac,
              Address grad_beta, Address grad_occ) {
  const AtomGradients<T> gradients{pointer<T>(grad_frac), pointer<T>(grad_beta), pointer<T>(grad_occ)};
  with_types<T>(atoms, form, args, [&](const auto& a, const auto& f, const auto& r) {
    structure_factors_vjp(a, f, r, pointer<const Complex<T>>(g), gradients);
  });
}

template <class Args>
void register_for(py::module_& m, const char* suffix) {
  const std::string name = std::string("structure_factors_") + suffix;
  m.def(
      name.c_str(),
      [](int bits, const AtomsArgs& atoms, const FormArgs& form, const Args& reflections, Address out) {
        (bits == 32 ? forward<float, Args> : forward<double, Args>)(atoms, form, reflections, out);
      },
      py::arg("bits"), py::arg("atoms"), py::arg("form"), py::arg("reflections"), py::arg("out"));
  m.def((name + "_vjp").c_str(),
        [](int bits, const AtomsArgs& atoms, const FormArgs& form, const Args& reflections, Address g,
           Address grad_frac, Address grad_beta, Address grad_occ) {
          (bits == 32 ? backward<float, Args> : backward<double, Args>)(atoms, form, reflections, g, grad_frac,
                                                                        grad_beta, grad_occ);
        },
        py::arg("bits"), py::arg("atoms"), py::arg("form"), py::arg("reflections"), py::arg("g"), py::arg("grad_frac"),
        py::arg("grad_beta"), py::arg("grad_occ"));
}

}  // namespace

void register_structure_factors(py::module_& m) {
  register_for<ListArgs>(m, "list");
  register_for<BoxArgs>(m, "box");
}

}  // namespace argand::bindings
