#include "argand/molecules.hpp"

#include <tuple>

#include "register.hpp"

namespace argand::bindings {

namespace py = pybind11;
// (crystals, slots, operations, rounds)
using Extents = std::tuple<Index, Index, Index, Index>;
// (seed, purpose, index, turn)
using Numbers = std::tuple<std::uint64_t, std::uint32_t, Address, Address>;
// (wanted, metric, to_frac, operation, axis, further)
using Starts = std::tuple<Address, Address, Address, Address, Address, Address>;
// (frac, code, share, count)
using Sites = std::tuple<Address, Address, Address, Address>;
// (count, atoms, limits, size, place, outward, code, further, is_ring)
using Units =
    std::tuple<Index, Index, Address, Address, Address, Address, Address, Address, Address>;
// (count, shares, limits, drawn, radius, contact_square, further, nitrogen, oxygen)
using Elements =
    std::tuple<Index, Index, Address, Address, Address, Address, Address, Index, Index>;

void register_molecules(py::module_& m) {
  m.def(
      "grow_molecules",
      [](const Extents& extents, const Numbers& numbers, const Starts& starts, const Sites& sites,
         const Units& units, const Elements& elements, double metal_square) {
        MoleculeArgs args{};
        std::tie(args.crystals, args.slots, args.operations, args.rounds) = extents;
        const auto& [seed, purpose, index, turn] = numbers;
        args.seed = seed;
        args.purpose = purpose;
        args.index = pointer<const std::int64_t>(index);
        args.turn = pointer<const std::int64_t>(turn);
        const auto& [wanted, metric, to_frac, operation, axis, further] = starts;
        args.wanted = pointer<const std::int64_t>(wanted);
        args.metric = pointer<const double>(metric);
        args.to_frac = pointer<const double>(to_frac);
        args.operation = pointer<const double>(operation);
        args.axis = pointer<const double>(axis);
        args.further = pointer<const std::int64_t>(further);
        args.metal_square = metal_square;
        const auto& [count, atoms, limits, size, place, outward, code, bonds, is_ring] = units;
        args.units = {count,
                      atoms,
                      pointer<const double>(limits),
                      pointer<const std::int64_t>(size),
                      pointer<const double>(place),
                      pointer<const double>(outward),
                      pointer<const std::int64_t>(code),
                      pointer<const std::int64_t>(bonds),
                      pointer<const bool>(is_ring)};
        const auto& [number, shares, ends, drawn, radius, contacts, valence, nitrogen, oxygen] =
            elements;
        args.elements = {number,
                         shares,
                         pointer<const double>(ends),
                         pointer<const std::int64_t>(drawn),
                         pointer<const double>(radius),
                         pointer<const double>(contacts),
                         pointer<const std::int64_t>(valence),
                         nitrogen,
                         oxygen};
        const auto& [frac, codes, share, sites_of] = sites;
        args.frac = pointer<double>(frac);
        args.code = pointer<std::int64_t>(codes);
        args.share = pointer<double>(share);
        args.count = pointer<std::int64_t>(sites_of);
        const py::gil_scoped_release unlocked;
        grow_molecules(args);
      },
      py::arg("extents"), py::arg("numbers"), py::arg("starts"), py::arg("sites"), py::arg("units"),
      py::arg("elements"), py::arg("metal_square"),
      "Grow molecules within their cells, unit by unit, with room for all their images.");
}

}  // namespace argand::bindings
