#include <pybind11/pybind11.h>

#include "argand/level.hpp"
#include "argand/parallel.hpp"
#include "register.hpp"

#if defined(__clang__)
#define ARGAND_COMPILER "clang " __clang_version__
#else
#define ARGAND_COMPILER "g++ " __VERSION__
#endif

namespace {

// Returns the address of an array by the buffer protocol, which is several times as fast as to ask
// numpy from Python.
std::uintptr_t address(const pybind11::object& array) {
  Py_buffer view;
  if (PyObject_GetBuffer(array.ptr(), &view, PyBUF_SIMPLE) != 0)
    throw pybind11::error_already_set();
  const auto begin = reinterpret_cast<std::uintptr_t>(view.buf);
  PyBuffer_Release(&view);
  return begin;
}

// The thread whose Python code handles signals; written when the module is imported.
unsigned long main_thread = 0;

// Lets Python handle signals that have arrived, and throws what a handler raises. Other threads
// than the main thread are never told of signals.
void handle_signals() {
  if (PyThread_get_thread_ident() != main_thread) return;
  const pybind11::gil_scoped_acquire locked;
  if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
}

}  // namespace

// Safe without the GIL: what calls share is the pool of threads, behind its mutexes, and constants
// that the first call makes (static locals). Arrays belong to the caller, as with numpy.
PYBIND11_MODULE(_core, m, pybind11::mod_gil_not_used()) {
  m.doc() = "Compiled kernels of argand. Call them through argand, which checks arguments.";
  const auto threading = pybind11::module_::import("threading");
  main_thread = threading.attr("main_thread")().attr("ident").cast<unsigned long>();
  argand::set_look(&handle_signals);
  m.def(
      "version", [] { return ARGAND_VERSION; },
      "Return the version that this module was built with.");
  m.def("compiler", [] { return ARGAND_COMPILER; }, "Return the compiler that built this module.");
  m.def("simd_level", &argand::simd_level,
        "Return the instruction set that the kernels use on this processor.");
  m.def("num_threads", &argand::num_threads, "Return the number of threads that a call may use.");
  m.def("set_num_threads", &argand::set_num_threads, pybind11::arg("n"),
        "Let calls use up to n threads.");
  m.def("address", &address, pybind11::arg("array"),
        "Return the address of the first number of a contiguous array.");
  argand::bindings::register_structure_factors(m);
  argand::bindings::register_contacts(m);
  argand::bindings::register_density(m);
  argand::bindings::register_dual_space(m);
  argand::bindings::register_gaussians(m);
  argand::bindings::register_hklf(m);
  argand::bindings::register_indices(m);
  argand::bindings::register_jacobian(m);
  argand::bindings::register_measure(m);
  argand::bindings::register_molecules(m);
  argand::bindings::register_nufft(m);
  argand::bindings::register_plain_words(m);
  argand::bindings::register_reflections(m);
}
