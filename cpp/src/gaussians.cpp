#include "argand/gaussians.hpp"

#include <algorithm>
#include <vector>

#include "argand/parallel.hpp"
#include "kernels/kernels.hpp"

namespace argand {

// Exponentials that are worth a thread: some 0.1 ms.
constexpr Index worth_a_thread = 50'000;
// Fewest points of a task: the rows of a table are then read in long runs.
constexpr Index smallest_piece = 512;

void gaussian_sums(Index rows, Index terms, const double* a, const double* b, Index points,
                   const double* squares, double* out) {
  constexpr double log2_e = 1.4426950408889634074;
  std::vector<double> rate(b, b + rows * terms);
  for (double& r : rate) r *= -log2_e;
  const Index piece = std::max(smallest_piece, worth_a_thread / std::max<Index>(1, rows * terms));
  parallel_for((points + piece - 1) / piece, [&](Index task) {
    const Index begin = task * piece, count = std::min(points - begin, piece);
    for (Index row = 0; row < rows; ++row) {
      kernels().gaussian_sum(terms, a + row * terms, rate.data() + row * terms, count,
                             squares + begin, out + row * points + begin);
    }
  });
}

}  // namespace argand
