#include "argand/measure.hpp"

#include <algorithm>
#include <vector>

#include "argand/parallel.hpp"
#include "argand/structure_factors.hpp"
#include "kernels/kernels.hpp"

namespace argand {
namespace {

// Reflections that are worth a thread.
constexpr Index worth_a_thread = 50'000;

// Returns how many crystals of `size` reflections one task measures.
Index crystals_of_a_task(Index size) {
  return std::max<Index>(1, worth_a_thread / std::max<Index>(1, size));
}

// Returns the arguments of crystal c alone, whose structure factors are f.
template <class T>
MeasureArgs<T> arguments_of_crystal(const MeasureArgs<T>& all, Index c, const Complex<T>* f) {
  const Index at = c * all.size;
  return {1,
          all.size,
          f,
          all.row + c,
          all.scale,
          all.reach,
          all.threshold,
          all.weight + at,
          all.amplitude + at,
          all.phase + at,
          all.mask + at};
}

}  // namespace

template <class T>
void measure(const MeasureArgs<T>& args) {
  const MeasureKernels<T>& kernel = kernels();
  const Index batch = crystals_of_a_task(args.size);
  parallel_for((args.crystals + batch - 1) / batch, [&](Index task) {
    kernel.measure(args, task * batch, std::min(args.crystals, (task + 1) * batch));
  });
}

template <class T>
void measure_boxes(const Atoms<T>& atoms, const FormFactors<T>& form, const HklBox& box,
                   const MeasureArgs<T>& args) {
  const MeasureKernels<T>& kernel = kernels();
  const Index batch = crystals_of_a_task(box.size());
  parallel_for((atoms.crystals + batch - 1) / batch, [&](Index task) {
    std::vector<Complex<T>> f(box.size());
    for (Index c = task * batch; c < std::min(atoms.crystals, (task + 1) * batch); ++c) {
      const std::int64_t first = atoms.atom_ptr[c], ptr[] = {0, atoms.atom_ptr[c + 1] - first};
      const Atoms<T> crystal{1,
                             ptr,
                             atoms.frac + 3 * first,
                             atoms.beta ? atoms.beta + 6 * first : nullptr,
                             atoms.occ ? atoms.occ + first : nullptr,
                             atoms.scatterer + first};
      structure_factors(crystal, form, box, f.data());
      kernel.measure(arguments_of_crystal(args, c, f.data()), 0, 1);
    }
  });
}

#define ARGAND_INSTANTIATE(T)                                                        \
  template void measure(const MeasureArgs<T>&);                                      \
  template void measure_boxes(const Atoms<T>&, const FormFactors<T>&, const HklBox&, \
                              const MeasureArgs<T>&);
ARGAND_INSTANTIATE(float)
ARGAND_INSTANTIATE(double)

}  // namespace argand
