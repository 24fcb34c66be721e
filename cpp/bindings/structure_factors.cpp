#include "argand/structure_factors.hpp"

#include <tuple>

#include "atoms.hpp"
#include "register.hpp"

namespace argand::bindings {
namespace {

namespace py = pybind11;

// (value, row_ptr, is_complex)
using FormArgs = std::tuple<Address, Address, bool>;

// How each kind of reflections crosses: lists as (count, hkl_ptr, hkl), a box as (h, k, l).
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

// Calls kernel(atoms, form) with the types that the arguments name, without the GIL.
template <class T, class Kernel>
void with_types(const AtomsArgs& atoms_args, const FormArgs& form_args, const Kernel& kernel) {
  const Atoms<T> atoms = atoms_of<T>(atoms_args);
  const auto& [value, row_ptr, is_complex] = form_args;
  const auto* rows = pointer<const std::int64_t>(row_ptr);
  const py::gil_scoped_release unlocked;
  if (is_complex) {
    kernel(atoms, FormFactors<Complex<T>>{pointer<const Complex<T>>(value), rows});
  } else {
    kernel(atoms, FormFactors<T>{pointer<const T>(value), rows});
  }
}

template <class T, class Reflections>
void forward(const AtomsArgs& atoms, const FormArgs& form, const Reflections& hkl, Address out) {
  with_types<T>(atoms, form,
                [&](const auto& a, const auto& f) { structure_factors(a, f, hkl, pointer<Complex<T>>(out)); });
}

template <class T, class Reflections>
void backward(const AtomsArgs& atoms, const FormArgs& form, const Reflections& hkl, Address g, Address grad_frac,
              Address grad_beta, Address grad_occ) {
  const AtomGradients<T> gradients{pointer<T>(grad_frac), pointer<T>(grad_beta), pointer<T>(grad_occ)};
  with_types<T>(atoms, form, [&](const auto& a, const auto& f) {
    structure_factors_vjp(a, f, hkl, pointer<const Complex<T>>(g), gradients);
  });
}

template <class Reflections>
void register_for(py::module_& m, const char* suffix) {
  using Args = typename Crossing<Reflections>::Args;
  const std::string name = std::string("structure_factors_") + suffix;
  m.def(
      name.c_str(),
      [](int bits, const AtomsArgs& atoms, const FormArgs& form, const Args& reflections, Address out) {
        const Reflections hkl = Crossing<Reflections>::make(reflections);
        (bits == 32 ? forward<float, Reflections> : forward<double, Reflections>)(atoms, form, hkl, out);
      },
      py::arg("bits"), py::arg("atoms"), py::arg("form"), py::arg("reflections"), py::arg("out"));
  m.def((name + "_vjp").c_str(),
        [](int bits, const AtomsArgs& atoms, const FormArgs& form, const Args& reflections, Address g,
           Address grad_frac, Address grad_beta, Address grad_occ) {
          const Reflections hkl = Crossing<Reflections>::make(reflections);
          (bits == 32 ? backward<float, Reflections> : backward<double, Reflections>)(atoms, form, hkl, g, grad_frac,
                                                                                      grad_beta, grad_occ);
        },
        py::arg("bits"), py::arg("atoms"), py::arg("form"), py::arg("reflections"), py::arg("g"), py::arg("grad_frac"),
        py::arg("grad_beta"), py::arg("grad_occ"));
}

}  // namespace

void register_structure_factors(py::module_& m) {
  register_for<HklLists<std::int32_t>>(m, "list");
  register_for<HklLists<double>>(m, "points");
  register_for<HklBox>(m, "box");
}

}  // namespace argand::bindings
