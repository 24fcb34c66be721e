// The functions of structure_factors.hpp and density.hpp on a CUDA device. Every pointer is one of
// the device's; nothing is allocated, copied or waited for: the call puts kernels on a stream and
// returns.
#pragma once

#include <string>

#include "argand/density.hpp"
#include "argand/views.hpp"

namespace argand::cuda {

// Where to run. The stream is a cudaStream_t of that device; 0 is its legacy default stream, 2 the
// thread's own.
struct Queue {
  int device;
  void* stream;
};

// How many devices there are, and in words why there is none.
struct Status {
  int devices;
  std::string reason;
};
Status status();

// What lies on the device and is yet needed to share out the work: lengths of arrays.
struct Extents {
  Index atoms;        // of all crystals
  Index reflections;  // entries of the list hkl; those of one box
};

// Bytes of device memory, aligned to 16, that a call may write to. Nothing in it outlives the call.
template <class Reflections>
Index structure_factors_workspace(Index crystals, const Extents& extents, const Reflections& hkl);
template <class Reflections>
Index structure_factors_vjp_workspace(Index crystals, const Extents& extents,
                                      const Reflections& hkl);
template <class T>
Index structure_factors_from_map_workspace(Index maps, const HklBox& box, const Grid& grid);

template <class T, class F, class Reflections>
void structure_factors(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
                       const FormFactors<F>& form, const Reflections& hkl, Complex<T>* out,
                       void* workspace);

template <class T, class F, class Reflections>
void structure_factors_vjp(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
                           const FormFactors<F>& form, const Reflections& hkl, const Complex<T>* g,
                           const AtomGradients<T>& gradients, void* workspace);

// gradient += dL/df, laid out like the form factors: Re(conj(g) A) for real f, g conj(A) for
// complex f, where A is the sum over the atoms of a scatterer without their f. Crystals that share
// a row add to it in no fixed order.
template <class T, class F, class Reflections>
void structure_factors_form_vjp(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
                                const FormFactors<F>& form, const Reflections& hkl,
                                const Complex<T>* g, F* gradient, void* workspace);

// Whether a box and a grid are compact enough for the two functions below; an FFT serves the others
// better.
template <class T>
bool transform_fits(const HklBox& box, const Grid& grid);

template <class T>
void map_from_structure_factors(const Queue& queue, Index maps, const HklBox& box,
                                const Complex<T>* F, const Grid& grid, double scale, T* map);
template <class T>
void structure_factors_from_map(const Queue& queue, Index maps, const HklBox& box, const T* map,
                                const Grid& grid, double scale, Complex<T>* F, void* workspace);

}  // namespace argand::cuda
