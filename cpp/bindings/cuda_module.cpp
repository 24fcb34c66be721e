// The module _cuda: kernels for CUDA devices. It can be imported where there is no driver, and says
// why there is no device. Functions have the names and arguments of _core, and then arguments for
// the device: extents that cannot be read from its memory, the workspace, and (device, stream).
#include <pybind11/stl.h>

#include "argand/cuda.hpp"
#include "crossing.hpp"
#include "dlpack.hpp"

#if defined(ARGAND_EMULATION)  // tests/emulation/
#include "controls.hpp"
#endif

#if !defined(ARGAND_MODULE)
#define ARGAND_MODULE _cuda
#endif

namespace argand::bindings {
namespace {

namespace py = pybind11;
using ExtentsArgs = std::tuple<Index, Index, Index>;  // (atoms, reflections, form)
using QueueArgs = std::tuple<int, Address>;           // (device, stream)
using BoxArgs = std::tuple<int, int, int>;
using GridArgs = std::tuple<Index, Index, Index>;

cuda::Queue queue_of(const QueueArgs& args) {
  return {std::get<0>(args), pointer<void>(std::get<1>(args))};
}
cuda::Extents extents_of(const ExtentsArgs& args) {
  return {std::get<0>(args), std::get<1>(args), std::get<2>(args)};
}

// Returns an address of complex numbers that kernels read and write by one access each.
template <class T>
T* aligned(Address address, const char* name) {
  if (address % sizeof(T) != 0) {
    throw py::value_error(std::string(name) + " begins at an address that is no multiple of " +
                          std::to_string(sizeof(T)) + " bytes, needs one");
  }
  return pointer<T>(address);
}

// Registers the sums and derivatives for one kind of reflections.
template <class Reflections>
void register_for(py::module_& m, const std::string& suffix) {
  using Args = typename Crossing<Reflections>::Args;
  const std::string name = "structure_factors_" + suffix;
  m.def((name + "_workspace").c_str(),
        [](Index crystals, const ExtentsArgs& extents, const Args& reflections) {
          return cuda::structure_factors_workspace(crystals, extents_of(extents),
                                                   Crossing<Reflections>::make(reflections));
        },
        py::arg("crystals"), py::arg("extents"), py::arg("reflections"));
  m.def((name + "_vjp_workspace").c_str(),
        [](Index crystals, const ExtentsArgs& extents, const Args& reflections) {
          return cuda::structure_factors_vjp_workspace(crystals, extents_of(extents),
                                                       Crossing<Reflections>::make(reflections));
        },
        py::arg("crystals"), py::arg("extents"), py::arg("reflections"));
  m.def((name + "_form_vjp_workspace").c_str(),
        [](Index crystals, const ExtentsArgs& extents, const Args& reflections) {
          return cuda::structure_factors_form_vjp_workspace(
              crystals, extents_of(extents), Crossing<Reflections>::make(reflections));
        },
        py::arg("crystals"), py::arg("extents"), py::arg("reflections"));

  const auto with_bits = [](int bits, const AtomsArgs& atoms, const FormArgs& form,
                            const auto& kernel) {
    const Address number = (bits / 8) * (std::get<2>(form) ? 2 : 1);
    if (std::get<0>(form) % number != 0) {
      throw py::value_error("form begins at an address that is no multiple of " +
                            std::to_string(number) + " bytes, needs one");
    }
    if (bits == 32) {
      with_types<float>(atoms, form, kernel);
    } else {
      with_types<double>(atoms, form, kernel);
    }
  };
  m.def(
      name.c_str(),
      [with_bits](int bits, const AtomsArgs& atoms, const FormArgs& form, const Args& reflections,
                  Address out, const ExtentsArgs& extents, Address workspace,
                  const QueueArgs& queue) {
        const auto hkl = Crossing<Reflections>::make(reflections);
        with_bits(
            bits, atoms, form, [&]<class T, class F>(const Atoms<T>& a, const FormFactors<F>& f) {
              cuda::structure_factors(queue_of(queue), a, extents_of(extents), f, hkl,
                                      aligned<Complex<T>>(out, "out"), pointer<void>(workspace));
            });
      },
      py::arg("bits"), py::arg("atoms"), py::arg("form"), py::arg("reflections"), py::arg("out"),
      py::arg("extents"), py::arg("workspace"), py::arg("queue"));
  m.def((name + "_vjp").c_str(),
        [with_bits](int bits, const AtomsArgs& atoms, const FormArgs& form, const Args& reflections,
                    Address g, Address grad_frac, Address grad_beta, Address grad_occ,
                    const ExtentsArgs& extents, Address workspace, const QueueArgs& queue) {
          const auto hkl = Crossing<Reflections>::make(reflections);
          with_bits(bits, atoms, form,
                    [&]<class T, class F>(const Atoms<T>& a, const FormFactors<F>& f) {
                      const AtomGradients<T> gradients{pointer<T>(grad_frac), pointer<T>(grad_beta),
                                                       pointer<T>(grad_occ)};
                      cuda::structure_factors_vjp(queue_of(queue), a, extents_of(extents), f, hkl,
                                                  aligned<const Complex<T>>(g, "g"), gradients,
                                                  pointer<void>(workspace));
                    });
        },
        py::arg("bits"), py::arg("atoms"), py::arg("form"), py::arg("reflections"), py::arg("g"),
        py::arg("grad_frac"), py::arg("grad_beta"), py::arg("grad_occ"), py::arg("extents"),
        py::arg("workspace"), py::arg("queue"));
  m.def((name + "_form_vjp").c_str(),
        [with_bits](int bits, const AtomsArgs& atoms, const FormArgs& form, const Args& reflections,
                    Address g, Address gradient, const ExtentsArgs& extents, Address workspace,
                    const QueueArgs& queue) {
          const auto hkl = Crossing<Reflections>::make(reflections);
          with_bits(bits, atoms, form,
                    [&]<class T, class F>(const Atoms<T>& a, const FormFactors<F>& f) {
                      cuda::structure_factors_form_vjp(queue_of(queue), a, extents_of(extents), f,
                                                       hkl, aligned<const Complex<T>>(g, "g"),
                                                       aligned<F>(gradient, "gradient"),
                                                       pointer<void>(workspace));
                    });
        },
        py::arg("bits"), py::arg("atoms"), py::arg("form"), py::arg("reflections"), py::arg("g"),
        py::arg("gradient"), py::arg("extents"), py::arg("workspace"), py::arg("queue"));
}

HklBox box_of(const BoxArgs& args) {
  return {std::get<0>(args), std::get<1>(args), std::get<2>(args)};
}
Grid grid_of(const GridArgs& args) {
  return {std::get<0>(args), std::get<1>(args), std::get<2>(args)};
}

// Registers the transforms between boxes and maps.
void register_transforms(py::module_& m) {
  m.def(
      "transform_fits",
      [](int bits, const BoxArgs& box, const GridArgs& grid) {
        return bits == 32 ? cuda::transform_fits<float>(box_of(box), grid_of(grid))
                          : cuda::transform_fits<double>(box_of(box), grid_of(grid));
      },
      py::arg("bits"), py::arg("box"), py::arg("grid"),
      "Tell whether the transforms of a box and a grid have memory enough on a device.");
  m.def(
      "structure_factors_from_map_workspace",
      [](int bits, Index maps, const BoxArgs& box, const GridArgs& grid) {
        return bits == 32 ? cuda::structure_factors_from_map_workspace<float>(maps, box_of(box),
                                                                              grid_of(grid))
                          : cuda::structure_factors_from_map_workspace<double>(maps, box_of(box),
                                                                               grid_of(grid));
      },
      py::arg("bits"), py::arg("maps"), py::arg("box"), py::arg("grid"));
  m.def(
      "map_from_structure_factors",
      [](int bits, Index maps, const BoxArgs& box, Address f, const GridArgs& grid, double scale,
         Address map, const QueueArgs& queue) {
        const auto run = [&]<class T>(T) {
          const py::gil_scoped_release unlocked;
          cuda::map_from_structure_factors(queue_of(queue), maps, box_of(box),
                                           aligned<const Complex<T>>(f, "f"), grid_of(grid), scale,
                                           pointer<T>(map));
        };
        bits == 32 ? run(float{}) : run(double{});
      },
      py::arg("bits"), py::arg("maps"), py::arg("box"), py::arg("f"), py::arg("grid"),
      py::arg("scale"), py::arg("map"), py::arg("queue"));
  m.def(
      "structure_factors_from_map",
      [](int bits, Index maps, const BoxArgs& box, Address f, const GridArgs& grid, double scale,
         Address map, Address workspace, const QueueArgs& queue) {
        const auto run = [&]<class T>(T) {
          const py::gil_scoped_release unlocked;
          cuda::structure_factors_from_map(queue_of(queue), maps, box_of(box),
                                           pointer<const T>(map), grid_of(grid), scale,
                                           aligned<Complex<T>>(f, "f"), pointer<void>(workspace));
        };
        bits == 32 ? run(float{}) : run(double{});
      },
      py::arg("bits"), py::arg("maps"), py::arg("box"), py::arg("f"), py::arg("grid"),
      py::arg("scale"), py::arg("map"), py::arg("workspace"), py::arg("queue"));
}

}  // namespace
}  // namespace argand::bindings

// Safe without the GIL: calls share the contexts of the devices alone, behind a mutex.
PYBIND11_MODULE(ARGAND_MODULE, m, pybind11::mod_gil_not_used()) {
  using namespace argand::bindings;
  m.doc() = "Kernels of argand for CUDA devices. Call them through argand, which checks arguments.";
  m.def(
      "version", [] { return ARGAND_VERSION; },
      "Return the version that this module was built with.");
  m.def(
      "compiler", [] { return ARGAND_CUDA_COMPILER; },
      "Return the compiler that built this module.");
  m.def(
      "architectures", [] { return ARGAND_CUDA_ARCHITECTURES; },
      "Return the architectures that this module holds machine code for.");
  m.def(
      "status",
      [] {
        const argand::cuda::Status now = argand::cuda::status();
        return std::make_tuple(now.devices, now.reason);
      },
      "Return the number of devices, and in words why there is none.");
  m.def("read_dlpack", &read_dlpack, pybind11::arg("capsule"),
        "Return (address, device_type, device_id, type_code, bits, shape, strides, read_only) of a "
        "DLPack capsule.");
  register_for<argand::HklLists<std::int32_t>>(m, "list");
  register_for<argand::HklLists<double>>(m, "points");
  register_for<argand::HklBox>(m, "box");
  register_transforms(m);
#if defined(ARGAND_EMULATION)
  register_emulation(m);
#endif
}
