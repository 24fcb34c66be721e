#include "argand/contacts.hpp"

#include <algorithm>

#include "argand/parallel.hpp"
#include "near_images.hpp"

namespace argand {
namespace {

// Crystals of one task: some tens of microseconds of work.
constexpr Index crystals_of_a_task = 16;

// Tells whether candidate `candidate` of crystal number `number` keeps all its distances.
bool is_free(const ContactArgs& args, Index number, Index candidate) {
  const Index row = args.row[number];
  const Index sites = std::min<Index>(args.sites, args.count[row]);
  const double* g = args.metric + 6 * row;
  const double* images = args.images + row * args.slots * args.operations * 3;
  const double* point = args.points + 3 * (number * args.candidates + candidate);
  const double* nearest = args.nearest + number * args.sites;
  for (Index s = 0; s < sites; ++s)
    if (touches_site(g, images + 3 * s * args.operations, args.operations, point, nearest[s],
                     nearest[s]))
      return false;
  return true;
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
