#include "argand/nufft.hpp"

#include <algorithm>
#include <vector>

#include "argand/parallel.hpp"
#include "kernels/kernels.hpp"

namespace argand {
namespace {

// Fewer reflections, and fewer atoms, are not worth a thread.
constexpr Index reflections_worth_a_thread = 16384;
constexpr Index atoms_worth_a_thread = 2048;
// Reflections whose series are evaluated at a time: the values stay on the stack.
constexpr Index reflections_at_a_time = 256;

// Positions of a reflection h and of its mate -h in the flat box, and the factor that both share.
struct BoxPosition {
  Index reflection, mate;
  double factor;
};

BoxPosition position_of(const BoxAxis (&axis)[3], const std::int32_t* hkl) {
  BoxPosition position{0, 0, 1};
  for (int x = 0; x < 3; ++x) {
    const Index middle = axis[x].reach;
    position.reflection += axis[x].position[middle + hkl[x]];
    position.mate += axis[x].position[middle - hkl[x]];
    position.factor *= axis[x].factor[middle + hkl[x]];
  }
  return position;
}

// Calls use(i, position, factor v1, factor v2) for every reflection i, in several threads.
template <class Use>
void for_each_reflection(const ReflectionsInBox& reflections, const SeriesPair& pair,
                         const Use& use) {
  const SeriesKernels& kernel = kernels();
  const Index count = reflections.end - reflections.begin;
  const Index tasks = (count + reflections_worth_a_thread - 1) / reflections_worth_a_thread;
  parallel_for(tasks, [&](Index task) {
    const Index first = reflections.begin + task * reflections_worth_a_thread;
    const Index end = std::min(reflections.end, first + reflections_worth_a_thread);
    double v1[reflections_at_a_time], v2[reflections_at_a_time];
    for (Index begin = first; begin < end; begin += reflections_at_a_time) {
      const Index chunk = std::min(reflections_at_a_time, end - begin);
      kernel.evaluate_series_pair(pair.series, pair.terms, pair.low, pair.high, chunk,
                                  reflections.q + begin, v1, v2);
      for (Index i = 0; i < chunk; ++i) {
        const BoxPosition position =
            position_of(reflections.axis, reflections.hkl + 3 * (begin + i));
        use(begin + i, position, position.factor * v1[i], position.factor * v2[i]);
      }
    }
  });
}

}  // namespace

void project_scattering(const AtomScattering& scattering, const double* count, double* strengths,
                        double* squares) {
  const ProjectionKernels& kernel = kernels();
  const Index rank = scattering.rank;
  AtomScattering padded = scattering;
  padded.stride = (rank + kernel.width - 1) / kernel.width * kernel.width;
  std::vector<double> functions(scattering.points * padded.stride, 0);
  for (Index p = 0; p < scattering.points; ++p) {
    std::copy_n(scattering.functions + p * scattering.stride, rank,
                functions.data() + p * padded.stride);
  }
  padded.functions = functions.data();

  const Index tasks = (scattering.atoms + atoms_worth_a_thread - 1) / atoms_worth_a_thread;
  // Each task has sums of its own, so that they are always added in the same order.
  std::vector<double> sums(tasks * rank, 0);
  parallel_for(tasks, [&](Index task) {
    const Index begin = task * atoms_worth_a_thread;
    const Index end = std::min(scattering.atoms, begin + atoms_worth_a_thread);
    kernel.project_scattering(padded, begin, end, strengths);
    for (Index r = 0; r < rank; ++r) {
      const double* strength = strengths + r * scattering.atoms;
      double sum[4] = {};
      for (Index j = begin; j < end; ++j) {
        sum[j % 4] += (count ? count[j] : 1) * strength[j] * strength[j];
      }
      sums[task * rank + r] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
  });
  std::fill_n(squares, rank, 0);
  for (Index task = 0; task < tasks; ++task) {
    for (Index r = 0; r < rank; ++r) squares[r] += sums[task * rank + r];
  }
}

template <class T>
void add_box_to_reflections(const ReflectionsInBox& reflections, const SeriesPair& pair,
                            const Complex<T>* box, Complex<double>* F) {
  for_each_reflection(
      reflections, pair, [=](Index i, const BoxPosition& position, double v1, double v2) {
        const Complex<T> a = box[position.reflection], mate = box[position.mate];
        const double sum_re = double(a.re) + mate.re, difference_re = double(a.re) - mate.re;
        const double sum_im = double(a.im) + mate.im, difference_im = double(a.im) - mate.im;
        F[i].re += 0.5 * (v1 * sum_re + v2 * sum_im);
        F[i].im += 0.5 * (v1 * difference_im - v2 * difference_re);
      });
}

template <class T>
void add_reflections_to_box(const ReflectionsInBox& reflections, const SeriesPair& pair,
                            const Complex<double>* a, Complex<T>* box) {
  for_each_reflection(reflections, pair,
                      [=](Index i, const BoxPosition& position, double v1, double v2) {
                        const auto add = [&](Complex<T>& to, double im) {
                          to.re += T(v1 * a[i].re - v2 * im);
                          to.im += T(v1 * im + v2 * a[i].re);
                        };
                        add(box[position.reflection], a[i].im);
                        add(box[position.mate], -a[i].im);
                      });
}

#define ARGAND_INSTANTIATE(T)                                                      \
  template void add_box_to_reflections(const ReflectionsInBox&, const SeriesPair&, \
                                       const Complex<T>*, Complex<double>*);       \
  template void add_reflections_to_box(const ReflectionsInBox&, const SeriesPair&, \
                                       const Complex<double>*, Complex<T>*);
ARGAND_INSTANTIATE(float)
ARGAND_INSTANTIATE(double)

}  // namespace argand
