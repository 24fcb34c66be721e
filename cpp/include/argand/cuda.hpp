// Structure factors and density maps on a CUDA device. Every pointer points to memory of the
// device. Nothing is allocated, copied or waited for: a call puts kernels on a stream and returns.
#pragma once

#include <string>

#include "argand/density.hpp"
#include "argand/views.hpp"

namespace argand::cuda {

// A device and a stream to run on. A stream is a queue of work of a device, which runs in the order
// in which it was put there; work of two streams may run at the same time. The stream is a
// cudaStream_t of that device; 0 is its legacy default stream, 2 the default stream of the calling
// thread.
struct Queue {
  int device;
  void* stream;
};

// The number of devices, and in words why there is none.
struct Status {
  int devices;
  std::string reason;
};

// Asks the driver for devices.
Status status();

// Lengths of arrays that the host needs to share out the work, but cannot read from the device.
struct Extents {
  Index atoms;        // of all crystals
  Index reflections;  // of the lists of all crystals, or of one box
  Index form;         // entries of all rows of form factors
};

// Return the bytes of device memory, aligned to 16, that a sum, its derivatives, or a transform of
// maps may write to. The contents are not needed after the call.
template <class Reflections>
Index structure_factors_workspace(Index crystals, const Extents& extents, const Reflections& hkl);
template <class Reflections>
Index structure_factors_vjp_workspace(Index crystals, const Extents& extents,
                                      const Reflections& hkl);
template <class Reflections>
Index structure_factors_form_vjp_workspace(Index crystals, const Extents& extents,
                                           const Reflections& hkl);
template <class T>
Index structure_factors_from_map_workspace(Index maps, const HklBox& box, const Grid& grid);

// Writes structure factors of every crystal to `out`, see structure_factors.hpp.
template <class T, class F, class Reflections>
void structure_factors(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
                       const FormFactors<F>& form, const Reflections& hkl, Complex<T>* out,
                       void* workspace);

// Writes the derivatives of a loss by the atoms, given g = dL/dRe F + i dL/dIm F.
template <class T, class F, class Reflections>
void structure_factors_vjp(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
                           const FormFactors<F>& form, const Reflections& hkl, const Complex<T>* g,
                           const AtomGradients<T>& gradients, void* workspace);

// Adds dL/df to `gradient`, which is laid out like the form factors: Re(conj(g) A) for real f,
// g conj(A) for complex f, where A is the sum over the atoms of a scatterer without f. Crystals
// that share a row of f are added in double, in no fixed order.
template <class T, class F, class Reflections>
void structure_factors_form_vjp(const Queue& queue, const Atoms<T>& atoms, const Extents& extents,
                                const FormFactors<F>& form, const Reflections& hkl,
                                const Complex<T>* g, F* gradient, void* workspace);

// Tells whether a box and a grid are compact enough for map_from_structure_factors and
// structure_factors_from_map; for others an FFT is faster.
template <class T>
bool transform_fits(const HklBox& box, const Grid& grid);

// Transforms boxes of structure factors to real maps, see density.hpp.
template <class T>
void map_from_structure_factors(const Queue& queue, Index maps, const HklBox& box,
                                const Complex<T>* F, const Grid& grid, double scale, T* map);

// Transforms real maps to boxes of structure factors, see density.hpp.
template <class T>
void structure_factors_from_map(const Queue& queue, Index maps, const HklBox& box, const T* map,
                                const Grid& grid, double scale, Complex<T>* F, void* workspace);

}  // namespace argand::cuda
