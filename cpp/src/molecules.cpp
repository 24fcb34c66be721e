#include "argand/molecules.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

#include "argand/parallel.hpp"
#include "near_images.hpp"
#include "philox.hpp"

namespace argand {
namespace {

// Crystals of one task: some hundred microseconds of work.
constexpr Index crystals_of_a_task = 4;

// Positions that are tried for a unit in a round, and rounds without growth that end a molecule.
constexpr int candidates = 12;
constexpr int most_failures = 6;

// Uniform numbers of a round: the unit, the donor, elements of six atoms, three a candidate.
constexpr int first_element_number = 2;
constexpr int first_candidate_number = 8;
constexpr Index blocks_of_a_round = (first_candidate_number + 3 * candidates) / 4;

// Least squares of distances within a molecule, square angstrom: of atoms with a common neighbour,
// and of atoms that are three bonds or more apart.
constexpr double across_angle = 2.2 * 2.2;
constexpr double across_torsion = 2.65 * 2.65;

// Atoms nearer than this are bonded; bonds to a metal are longer. Square angstrom.
constexpr double bonded = 1.9 * 1.9;

// Share of nitrogen among the atoms of rings, and among the donors of a metal.
constexpr double nitrogen_in_rings = 0.12;
constexpr double nitrogen_of_donors = 0.6;

// Cosine of the angle of bonds about a single atom, 111 degrees.
constexpr double single_cosine = -0.35836794954530027;

using Vector = std::array<double, 3>;

Vector combined(double a, const Vector& x, double b, const Vector& y) {
  return {a * x[0] + b * y[0], a * x[1] + b * y[1], a * x[2] + b * y[2]};
}

// Returns a unit vector perpendicular to a unit vector, turned about it by a share of a turn.
//
// T. Duff et al., "Building an orthonormal basis, revisited", JCGT 6 (2017) 1.
Vector perpendicular(const Vector& axis, double turns) {
  const double angle = 2.0 * std::numbers::pi * turns;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const auto& [x, y, z] = axis;
  const double sign = std::copysign(1.0, z);
  const double a = -1.0 / (sign + z), b = x * y * a;
  return {cosine * (1.0 + sign * x * x * a) + sine * b,
          cosine * (sign * b) + sine * (sign + y * y * a), -cosine * (sign * x) - sine * y};
}

// Returns the place, angstrom, of fractional coordinates.
Vector to_cartesian(const double* t, const Vector& frac) {
  const double z = frac[2] / t[2];
  const double y = (frac[1] - t[5] * z) / t[1];
  return {(frac[0] - t[3] * y - t[4] * z) / t[0], y, z};
}

// Returns the fractional coordinates of a place, angstrom.
Vector to_frac(const double* t, const Vector& place) {
  const auto& [x, y, z] = place;
  return {t[0] * x + t[3] * y + t[4] * z, t[1] * y + t[5] * z, t[2] * z};
}

// Returns the number of the interval between sorted limits in which a number lies.
Index interval(const double* limits, Index count, double number) {
  return std::upper_bound(limits, limits + count, number) - limits;
}

// An atom of a growing molecule. Further bonds lie on a cone about an axis.
struct Site {
  std::int64_t code, further;
  bool on_element;
  Vector place, axis;
  double cosine;
};

// A unit at one of its candidate positions.
struct Unit {
  Index number, size, anchor;
  std::vector<std::int64_t> code;
  std::vector<Vector> place, frac;
  Vector along, across;
};

// One molecule while it grows.
class Growth {
 public:
  Growth(const MoleculeArgs& args, Index crystal)
      : args_(args),
        crystal_(crystal),
        metric_(args.metric + 6 * crystal),
        to_frac_(args.to_frac + 6 * crystal),
        images_(args.slots * args.operations * 3) {
    unit_.code.resize(args.units.atoms);
    unit_.place.resize(args.units.atoms);
    unit_.frac.resize(args.units.atoms);
    const double* axis = args.axis + 3 * crystal;
    Vector frac;
    for (int i = 0; i < 3; ++i) frac[i] = args.frac[slot(0) + i * args.crystals * args.slots];
    // The first bond has no other bond to keep an angle with; any direction is as good.
    sites_.push_back({args.code[slot(0)],
                      args.further[crystal],
                      args.share[slot(0)] < 1.0,
                      to_cartesian(to_frac_, frac),
                      {axis[0], axis[1], axis[2]},
                      1.0});
    set_images(frac);
  }

  void grow() {
    const PhiloxStream stream{args_.seed, std::uint64_t(args_.index[crystal_]), args_.purpose};
    const auto turn = std::uint32_t(args_.turn[crystal_]);
    int failures = 0;
    for (Index round = 1; round <= args_.rounds && failures < most_failures; ++round) {
      if (Index(sites_.size()) >= args_.wanted[crystal_]) return;
      anchors_.clear();
      for (Index s = 0; s < Index(sites_.size()); ++s)
        if (sites_[s].further > 0) anchors_.push_back(s);
      if (anchors_.empty()) return;
      draw_uniforms(stream, turn + std::uint32_t(round), blocks_of_a_round, uniform_.data());
      failures = add_unit() ? 0 : failures + 1;
    }
  }

  // Writes the sites behind the first one to the arrays of all crystals.
  void write() const {
    for (Index s = 1; s < Index(sites_.size()); ++s) {
      const double* frac = images_.data() + 3 * s * args_.operations;
      for (int i = 0; i < 3; ++i) args_.frac[slot(s) + i * args_.crystals * args_.slots] = frac[i];
      args_.code[slot(s)] = sites_[s].code;
      args_.share[slot(s)] = 1.0;
    }
    args_.count[crystal_] = Index(sites_.size());
  }

 private:
  // Returns where a site of this crystal stands in arrays (crystals, slots).
  Index slot(Index site) const { return crystal_ * args_.slots + site; }

  // Sets the images of the last site.
  void set_images(const Vector& frac) {
    double* images = images_.data() + 3 * (Index(sites_.size()) - 1) * args_.operations;
    for (Index o = 0; o < args_.operations; ++o)
      set_image(args_.operation + 12 * o, frac.data(), images + 3 * o);
  }

  // Adds a unit at the first candidate position that has room; tells whether there is one.
  bool add_unit() {
    choose_unit();
    for (int candidate = 0; candidate < candidates; ++candidate) {
      put_unit(uniform_.data() + first_candidate_number + 3 * candidate);
      if (!has_room()) continue;
      --sites_[unit_.anchor].further;
      for (Index atom = 0; atom < unit_.size; ++atom) add_atom(atom);
      return true;
    }
    return false;
  }

  // Draws a unit and its elements.
  void choose_unit() {
    const MoleculeUnits& units = args_.units;
    const MoleculeElements& elements = args_.elements;
    unit_.number = interval(units.limits, units.count - 1, uniform_[0]);
    const Index remaining = args_.wanted[crystal_] - Index(sites_.size());
    if (units.size[unit_.number] > remaining) unit_.number = 0;
    unit_.size = units.size[unit_.number];
    for (Index atom = 0; atom < unit_.size; ++atom) {
      unit_.code[atom] = units.code[unit_.number * units.atoms + atom];
      const bool may_be_nitrogen = units.is_ring[unit_.number] && atom > 0;
      if (may_be_nitrogen && uniform_[first_element_number + atom] < nitrogen_in_rings)
        unit_.code[atom] = elements.nitrogen;
    }
    const double drawn = uniform_[first_element_number];
    if (unit_.number == 0)
      unit_.code[0] = elements.drawn[interval(elements.limits, elements.shares - 1, drawn)];
    // Donors of a metal are nitrogen and oxygen; the candidates of a round share their elements, so
    // the first one decides.
    const Site& anchor = sites_[anchor_of(uniform_[first_candidate_number])];
    if (elements.further[anchor.code] != 0 || unit_.number > 1) return;
    const bool is_nitrogen = unit_.number == 1 || uniform_[1] < nitrogen_of_donors;
    unit_.code[0] = is_nitrogen ? elements.nitrogen : elements.oxygen;
  }

  // Returns a site that has further bonds.
  Index anchor_of(double uniform) const {
    return anchors_[Index(uniform * double(anchors_.size()))];
  }

  // Puts the unit at the position that three uniform numbers choose.
  void put_unit(const double* uniform) {
    unit_.anchor = anchor_of(uniform[0]);
    const Site& anchor = sites_[unit_.anchor];
    const double sine = std::sqrt(std::max(1.0 - anchor.cosine * anchor.cosine, 0.0));
    unit_.along =
        combined(anchor.cosine, anchor.axis, sine, perpendicular(anchor.axis, uniform[1]));
    unit_.across = perpendicular(unit_.along, uniform[2]);
    const double* radius = args_.elements.radius;
    const double length = radius[anchor.code] + radius[unit_.code[0]];
    const Vector first = combined(1.0, anchor.place, length, unit_.along);
    const double* xy = args_.units.place + 2 * unit_.number * args_.units.atoms;
    for (Index atom = 0; atom < unit_.size; ++atom, xy += 2) {
      const Vector offset = combined(xy[0], unit_.along, xy[1], unit_.across);
      unit_.place[atom] = combined(1.0, first, 1.0, offset);
      unit_.frac[atom] = to_frac(to_frac_, unit_.place[atom]);
    }
  }

  // Tells whether the unit keeps all distances, to images and in the molecule.
  bool has_room() const {
    const Vector& start = sites_[unit_.anchor].place;
    const double* images = images_.data();
    for (Index s = 0; s < Index(sites_.size()); ++s, images += 3 * args_.operations) {
      const Site& site = sites_[s];
      const Vector apart = combined(1.0, site.place, -1.0, start);
      const bool is_anchor = s == unit_.anchor;
      const bool is_neighbour =
          apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2] < bonded;
      for (Index atom = 0; atom < unit_.size; ++atom) {
        double within = across_torsion;
        // The first atom of a unit is bonded to the anchor, the others are two bonds from it.
        if (atom == 0 && is_neighbour) within = is_anchor ? 0.0 : across_angle;
        if (atom > 0 && is_anchor) within = across_angle;
        const double between =
            site.on_element ? args_.metal_square : contact_square(unit_.code[atom], site.code);
        if (touches_site(metric_, images, args_.operations, unit_.frac[atom].data(), between,
                         within))
          return false;
      }
    }
    return !touches_itself();
  }

  // Returns the least square of the distance of two elements of different molecules.
  double contact_square(std::int64_t a, std::int64_t b) const {
    return args_.elements.contact_square[a * args_.elements.count + b];
  }

  // Tells whether images of the atoms of the unit are too near to its atoms.
  bool touches_itself() const {
    for (Index o = 1; o < args_.operations; ++o) {
      for (Index a = 0; a < unit_.size; ++a) {
        double image[3];
        set_image(args_.operation + 12 * o, unit_.frac[a].data(), image);
        for (Index b = 0; b < unit_.size; ++b) {
          const double limit = contact_square(unit_.code[a], unit_.code[b]);
          if (wrapped_square(metric_, image, unit_.frac[b].data()) < limit) return true;
        }
      }
    }
    return false;
  }

  // Makes an atom of the unit a site.
  void add_atom(Index atom) {
    const MoleculeUnits& units = args_.units;
    const Index entry = unit_.number * units.atoms + atom;
    const double x = units.outward[2 * entry], y = units.outward[2 * entry + 1];
    const std::int64_t code = unit_.code[atom];
    Site site{code, units.further[entry], false, unit_.place[atom], {}, 1.0};
    if (std::isnan(x)) {
      site.axis = combined(-1.0, unit_.along, 0.0, unit_.across);
      site.cosine = single_cosine;
    } else {
      site.axis = combined(x, unit_.along, y, unit_.across);
    }
    if (unit_.number == 0) site.further = args_.elements.further[code];
    // Nitrogen of a ring has no further bond.
    if (units.is_ring[unit_.number] && code == args_.elements.nitrogen) site.further = 0;
    sites_.push_back(site);
    set_images(unit_.frac[atom]);
  }

  const MoleculeArgs& args_;
  const Index crystal_;
  const double* const metric_;
  const double* const to_frac_;
  std::vector<Site> sites_;
  // (slots, operations, 3) images of the sites
  std::vector<double> images_;
  std::vector<Index> anchors_;
  std::array<double, 4 * blocks_of_a_round> uniform_{};
  Unit unit_{};
};

}  // namespace

void grow_molecules(const MoleculeArgs& args) {
  const Index tasks = (args.crystals + crystals_of_a_task - 1) / crystals_of_a_task;
  parallel_for(tasks, [&](Index task) {
    const Index end = std::min(args.crystals, (task + 1) * crystals_of_a_task);
    for (Index crystal = task * crystals_of_a_task; crystal < end; ++crystal) {
      if (args.count[crystal] == 0) continue;
      Growth growth(args, crystal);
      growth.grow();
      growth.write();
    }
  });
}

}  // namespace argand
