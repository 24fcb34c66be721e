// Parts of structure factors by non-uniform Fourier transforms.
//
// The scattering of every atom is a sum of a few functions v_r of q = stol^2, so that
// F = sum_r v_r A_r with A_r(h) = sum_j u_r(j) exp(2 pi i h.x_j). Here are the strengths u_r of the
// atoms, the step from the boxes that hold A_r to a list of reflections, and the adjoint of that
// step. The transforms themselves are made elsewhere; each holds two real sums as A1 + i A2.
#pragma once

#include "argand/lanes.hpp"
#include "argand/views.hpp"

namespace argand {

// Atoms that scatter as g_j(q) = weight_j form(type_j, q) exp(-b_j q), and functions of q to
// project g_j on.
struct AtomScattering {
  Index atoms, points, rank;
  const std::int64_t* type;  // (atoms) row of form
  const double* b;           // (atoms) B in A^2
  const double* weight;      // (atoms), or null: 1
  const double* q;           // (points) stol^2 in 1/A^2
  const double* form;        // (types, points)
  const double* functions;   // (points, stride), of which the first `rank` columns are in use
  Index stride;
};

// Computes strengths[r, j] = sum_q g_j(q) functions[q, r] (rank, atoms), and
// squares[r] = sum_j count_j strengths[r, j]^2 (rank); without count every atom counts once.
void project_scattering(const AtomScattering& scattering, const double* count, double* strengths,
                        double* squares);

// The orders -reach .. reach along one axis of a box. The three positions of a reflection are added
// to give its index in the flat box; the three factors are multiplied.
struct BoxAxis {
  const std::int64_t* position;  // (2 reach + 1)
  const double* factor;          // (2 reach + 1) even in the order
  std::int32_t reach;
};

// Two functions v1, v2 of q = stol^2 as Chebyshev series on an interval.
struct SeriesPair {
  const double* series;  // (terms, 2)
  Index terms;
  double low, high;
};

// The reflections begin .. end of a list, and the box that holds them.
struct ReflectionsInBox {
  Index begin, end;
  const std::int32_t* hkl;  // (m, 3) within the reach of the axes
  const double* q;          // (m) stol^2 in 1/A^2
  BoxAxis axis[3];
};

// Adds v1 A1 + v2 A2 of a box A = A1 + i A2 to F. Since A1(-h) = conj A1(h), that is
// w A(h) + conj(w A(-h)) with w = factor (v1 - i v2) / 2.
template <class T>
void add_box_to_reflections(const ReflectionsInBox& reflections, const SeriesPair& pair,
                            const Complex<T>* box, Complex<double>* F);

// Adds d a(h) to box(h) and d conj(a(h)) to box(-h), with d = factor (v1 + i v2). The list holds
// one reflection of each Friedel pair.
template <class T>
void add_reflections_to_box(const ReflectionsInBox& reflections, const SeriesPair& pair,
                            const Complex<double>* a, Complex<T>* box);

}  // namespace argand
