#include "argand/gaussians.hpp"

#include <algorithm>

#include "argand/parallel.hpp"
#include "kernels/kernels.hpp"

namespace argand {

void gaussian_sums(Index rows, Index terms, const double* a, const double* b, Index points, const double* squares,
                   double* out) {
  constexpr Index piece = 8192;
  const Index pieces = (points + piece - 1) / piece;
  parallel_for(rows * pieces, [&](Index task) {
    const Index row = task / pieces, begin = task % pieces * piece, end = std::min(points, begin + piece);
    kernels().gaussian_sum(terms, a + row * terms, b + row * terms, end - begin, squares + begin,
                           out + row * points + begin);
  });
}

}  // namespace argand
