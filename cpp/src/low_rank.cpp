#include "argand/low_rank.hpp"

#include <algorithm>
#include <vector>

#include "argand/parallel.hpp"
#include "kernels/kernels.hpp"

namespace argand {
namespace {

constexpr Index worth_a_thread = 16384, at_a_time = 256;  // reflections
constexpr Index atoms_worth_a_thread = 2048;

struct Place {
  Index there, opposite;
  double factor;
};

Place place_of(const BoxAxis (&axis)[3], const std::int32_t* hkl) {
  Place found{0, 0, 1};
  for (int x = 0; x < 3; ++x) {
    const Index middle = axis[x].reach;
    found.there += axis[x].place[middle + hkl[x]];
    found.opposite += axis[x].place[middle - hkl[x]];
    found.factor *= axis[x].factor[middle + hkl[x]];
  }
  return found;
}

// each(i, place, factor v1, factor v2) for every reflection, some of them in each thread.
template <class Each>
void for_reflections(const BoxReflections& at, const FunctionPair& v, const Each& each) {
  const SeriesKernels& kernel = kernels();
  parallel_for((at.end - at.begin + worth_a_thread - 1) / worth_a_thread, [&](Index task) {
    const Index first = at.begin + task * worth_a_thread,
                end = std::min(at.end, first + worth_a_thread);
    double values[2][at_a_time];
    for (Index begin = first; begin < end; begin += at_a_time) {
      const Index some = std::min(at_a_time, end - begin);
      kernel.series_pair(v.series, v.terms, v.low, v.high, some, at.q + begin, values[0],
                         values[1]);
      for (Index i = 0; i < some; ++i) {
        const Place place = place_of(at.axis, at.hkl + 3 * (begin + i));
        each(begin + i, place, place.factor * values[0][i], place.factor * values[1][i]);
      }
    }
  });
}

}  // namespace

void project(const Family& family, const double* count, double* u, double* squares) {
  const FamilyKernels& kernel = kernels();
  Family padded = family;
  padded.stride = (family.rank + kernel.width - 1) / kernel.width * kernel.width;
  std::vector<double> functions(family.points * padded.stride, 0);
  for (Index p = 0; p < family.points; ++p) {
    std::copy_n(family.functions + p * family.stride, family.rank, &functions[p * padded.stride]);
  }
  padded.functions = functions.data();
  const Index tasks = (family.atoms + atoms_worth_a_thread - 1) / atoms_worth_a_thread;
  std::vector<double> sums(tasks * family.rank,
                           0);  // of each task, so that their order is always the same
  parallel_for(tasks, [&](Index task) {
    const Index begin = task * atoms_worth_a_thread,
                end = std::min(family.atoms, begin + atoms_worth_a_thread);
    kernel.project_family(padded, begin, end, u);
    for (Index r = 0; r < family.rank; ++r) {
      const double* of_rank = u + r * family.atoms;
      double sum[4] = {};
      for (Index j = begin; j < end; ++j) {
        sum[j % 4] += (count ? count[j] : 1) * of_rank[j] * of_rank[j];
      }
      sums[task * family.rank + r] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
  });
  std::fill_n(squares, family.rank, 0);
  for (Index task = 0; task < tasks; ++task) {
    for (Index r = 0; r < family.rank; ++r) squares[r] += sums[task * family.rank + r];
  }
}

template <class T>
void gather_pair(const BoxReflections& at, const FunctionPair& v, const Complex<T>* box,
                 Complex<double>* F) {
  for_reflections(at, v, [=](Index i, const Place& place, double v1, double v2) {
    const Complex<T> a = box[place.there], b = box[place.opposite];
    const double sum_re = double(a.re) + b.re, difference_re = double(a.re) - b.re;
    const double sum_im = double(a.im) + b.im, difference_im = double(a.im) - b.im;
    F[i].re += 0.5 * (v1 * sum_re + v2 * sum_im);
    F[i].im += 0.5 * (v1 * difference_im - v2 * difference_re);
  });
}

template <class T>
void scatter_pair(const BoxReflections& at, const FunctionPair& v, const Complex<double>* a,
                  Complex<T>* box) {
  for_reflections(at, v, [=](Index i, const Place& place, double v1, double v2) {
    const auto add = [&](Complex<T>& to, double im) {
      to.re += T(v1 * a[i].re - v2 * im);
      to.im += T(v1 * im + v2 * a[i].re);
    };
    add(box[place.there], a[i].im);
    add(box[place.opposite], -a[i].im);
  });
}

#define ARGAND_INSTANTIATE(T)                                                                    \
  template void gather_pair(const BoxReflections&, const FunctionPair&, const Complex<T>*,       \
                            Complex<double>*);                                                   \
  template void scatter_pair(const BoxReflections&, const FunctionPair&, const Complex<double>*, \
                             Complex<T>*);
ARGAND_INSTANTIATE(float)
ARGAND_INSTANTIATE(double)

}  // namespace argand
