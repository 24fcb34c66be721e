// What a test can ask of the emulated device, as functions of its Python module.
#pragma once

#include <pybind11/pybind11.h>

#include "cuda_emulation.hpp"

namespace argand::bindings {

inline void register_emulation(pybind11::module_& m) {
  namespace py = pybind11;
  m.def(
      "set_order", [](bool last_first) { emulation::settings().last_block_first = last_first; },
      py::arg("last_first"));
  m.def(
      "plant",
      [](int launch, int skip_barrier, int shrink_shared, int twin_thread, bool lose_block) {
        emulation::settings().planted = {launch, skip_barrier, shrink_shared, twin_thread,
                                         lose_block};
      },
      py::arg("launch") = -1, py::arg("skip_barrier") = -1, py::arg("shrink_shared") = -1,
      py::arg("twin_thread") = -1, py::arg("lose_block") = false);
  m.def("launches", [] {
    py::list all;
    for (const emulation::Launch& one : emulation::launches()) {
      all.append(py::make_tuple(one.blocks, one.barriers, one.arrays, one.threads, one.bytes));
    }
    return all;
  });
  m.def("reset", [] { emulation::launches().clear(); });
}

}  // namespace argand::bindings
