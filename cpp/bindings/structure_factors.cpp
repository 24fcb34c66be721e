#include "argand/structure_factors.hpp"

#include "crossing.hpp"

namespace argand::bindings {
namespace {

namespace py = pybind11;

// Sums structure factors in the precision of T.
template <class T, class Reflections>
void forward(const AtomsArgs& atoms, const FormArgs& form, const Reflections& hkl, Address out) {
  with_types<T>(atoms, form, [&](const auto& a, const auto& f) {
    structure_factors(a, f, hkl, pointer<Complex<T>>(out));
  });
}

// Computes derivatives in the precision of T.
template <class T, class Reflections>
void backward(const AtomsArgs& atoms, const FormArgs& form, const Reflections& hkl, Address g,
              Address grad_frac, Address grad_beta, Address grad_occ) {
  const AtomGradients<T> gradients{pointer<T>(grad_frac), pointer<T>(grad_beta),
                                   pointer<T>(grad_occ)};
  with_types<T>(atoms, form, [&](const auto& a, const auto& f) {
    structure_factors_vjp(a, f, hkl, pointer<const Complex<T>>(g), gradients);
  });
}

// Registers sum and derivatives for one kind of reflections.
template <class Reflections>
void register_for(py::module_& m, const char* suffix) {
  using Args = typename Crossing<Reflections>::Args;
  const std::string name = std::string("structure_factors_") + suffix;
  m.def(
      name.c_str(),
      [](int bits, const AtomsArgs& atoms, const FormArgs& form, const Args& reflections,
         Address out) {
        const Reflections hkl = Crossing<Reflections>::make(reflections);
        (bits == 32 ? forward<float, Reflections> : forward<double, Reflections>)(atoms, form, hkl,
                                                                                  out);
      },
      py::arg("bits"), py::arg("atoms"), py::arg("form"), py::arg("reflections"), py::arg("out"));
  m.def((name + "_vjp").c_str(),
        [](int bits, const AtomsArgs& atoms, const FormArgs& form, const Args& reflections,
           Address g, Address grad_frac, Address grad_beta, Address grad_occ) {
          const Reflections hkl = Crossing<Reflections>::make(reflections);
          (bits == 32 ? backward<float, Reflections>
                      : backward<double, Reflections>)(atoms, form, hkl, g, grad_frac, grad_beta,
                                                       grad_occ);
        },
        py::arg("bits"), py::arg("atoms"), py::arg("form"), py::arg("reflections"), py::arg("g"),
        py::arg("grad_frac"), py::arg("grad_beta"), py::arg("grad_occ"));
}

}  // namespace

void register_structure_factors(py::module_& m) {
  register_for<HklLists<std::int32_t>>(m, "list");
  register_for<HklLists<double>>(m, "points");
  register_for<HklBox>(m, "box");
}

}  // namespace argand::bindings
