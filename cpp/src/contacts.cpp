#include "argand/contacts.hpp"

#include <algorithm>
#include <cmath>

#include "argand/parallel.hpp"

namespace argand {
namespace {

// Crystals of one task: some tens of microseconds of work.
constexpr Index crystals_of_a_task = 16;

// Returns a number less the nearest whole number. Conversion to a whole number is one instruction
// everywhere, rounding is not.
double wrapped(double x) {
  return x - static_cast<std::int32_t>(x + std::copysign(0.5, x));
}

// Returns the squared length of a difference x, y, z in the metric g.
double square(const double* g, double x, double y, double z) {
  return x * (g[0] * x + 2.0 * (g[3] * y + g[4] * z)) + y * (g[1] * y + 2.0 * g[5] * z) +
         g[2] * z * z;
}

// Returns the squared distance of two points to the nearest image by lattice.
double wrapped_square(const double* g, const double* a, const double* b) {
  return square(g, wrapped(a[0] - b[0]), wrapped(a[1] - b[1]), wrapped(a[2] - b[2]));
}

// Tells whether a point is too near to a site or one of its images.
bool touches_site(const ContactArgs& args, const double* g, const double* images,
                  const double* point, double between, double within) {
  const double x = images[0] - point[0], y = images[1] - point[1], z = images[2] - point[2];
  const bool is_direct = std::abs(x) < 0.5 && std::abs(y) < 0.5 && std::abs(z) < 0.5;
  if (is_direct ? square(g, x, y, z) < within : wrapped_square(g, images, point) < between)
    return true;
  for (Index o = 1; o < args.operations; ++o)
    if (wrapped_square(g, images + 3 * o, point) < between) return true;
  return false;
}

// Tells whether images of the atoms of a candidate are too near to its atoms.
bool touches_itself(const ContactArgs& args, const double* g, const double* points, Index size,
                    const double* own) {
  for (Index o = 1; o < args.operations; ++o) {
    const double* m = args.operation + 12 * o;
    for (Index a = 0; a < size; ++a) {
      const double* p = points + 3 * a;
      double image[3];
      for (int i = 0; i < 3; ++i)
        image[i] = m[4 * i] * p[0] + m[4 * i + 1] * p[1] + m[4 * i + 2] * p[2] + m[4 * i + 3];
      for (Index b = 0; b < size; ++b)
        if (wrapped_square(g, image, points + 3 * b) < own[a * args.atoms + b]) return true;
    }
  }
  return false;
}

// Tells whether candidate `candidate` of crystal number `number` keeps all its distances.
bool is_free(const ContactArgs& args, Index number, Index candidate) {
  const Index row = args.row[number], size = args.size[number];
  const Index sites = std::min<Index>(args.sites, args.count[row]);
  const double* g = args.metric + 6 * row;
  const double* images = args.images + row * args.slots * args.operations * 3;
  const Index place = (number * args.candidates + candidate) * args.atoms;
  for (Index a = 0; a < size; ++a) {
    const double* point = args.points + 3 * (place + a);
    const double* between = args.between + (number * args.atoms + a) * args.sites;
    const double* within = args.within + (place + a) * args.sites;
    for (Index s = 0; s < sites; ++s)
      if (touches_site(args, g, images + 3 * s * args.operations, point, between[s], within[s]))
        return false;
  }
  if (!args.own) return true;
  const double* own = args.own + number * args.atoms * args.atoms;
  return !touches_itself(args, g, args.points + 3 * place, size, own);
}

}  // namespace

void find_free(const ContactArgs& args) {
  const Index tasks = (args.crystals + crystals_of_a_task - 1) / crystals_of_a_task;
  parallel_for(tasks, [&](Index task) {
    const Index end = std::min(args.crystals, (task + 1) * crystals_of_a_task);
    for (Index number = task * crystals_of_a_task; number < end; ++number)
      for (Index candidate = 0; candidate < args.candidates; ++candidate)
        args.is_free[number * args.candidates + candidate] = is_free(args, number, candidate);
  });
}

}  // namespace argand
