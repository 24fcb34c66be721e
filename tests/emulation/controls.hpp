// What a test can ask of the emulated device, as functions of its Python module.
#pragma once

#include <pybind11/pybind11.h>

#include "argand/elementary.hpp"
#include "cuda_emulation.hpp"
#include "dlpack.hpp"

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
  m.def(
      "set_driver", [](int version) { emulation::driver().version = version; }, py::arg("version"));
  m.def("fail_launch", [] { emulation::driver().next_launch = cudaErrorEmulated; });
  // Sets the stack of contexts by device numbers; no device has a context otherwise.
  m.def(
      "set_contexts",
      [](const std::vector<int>& devices) {
        emulation::Driver& driver = emulation::driver();
        driver.stack.clear();
        for (bool& has_context : driver.contexts) has_context = false;
        for (const int device : devices) {
          driver.contexts[device] = true;
          driver.stack.push_back(&driver.contexts[device]);
        }
      },
      py::arg("devices"));
  // Returns the stack of contexts, and which devices have one, by device numbers.
  m.def("contexts", [] {
    const emulation::Driver& driver = emulation::driver();
    py::list stack, devices;
    for (const bool* context : driver.stack) stack.append(context - driver.contexts);
    for (int device = 0; device < emulation::most_devices; ++device) {
      if (driver.contexts[device]) devices.append(device);
    }
    return py::make_tuple(stack, devices);
  });
  // Returns 2^x in float as the kernels compute it.
  m.def("bounded_exp2", [](double x) { return bounded_exp2(float(x)); }, py::arg("x"));
  // torch and CuPy give the address 0 for arrays without elements, numpy does not.
  m.attr("read_dlpack") = py::cpp_function(
      [](const py::capsule& capsule) {
        DlpackView view = read_dlpack(capsule);
        for (const std::int64_t length : std::get<5>(view)) {
          if (length == 0) std::get<0>(view) = 0;
        }
        return view;
      },
      py::arg("capsule"));
}

}  // namespace argand::bindings
