// Structure factors whose scattering is a sum of a few functions of stol^2, F = sum_r v_r A_r: the
// strengths of atoms in A_r; what joins the boxes of Fourier transforms, each of which holds two
// real sums A1 + i A2, to a list of reflections; and the adjoint of that.
#pragma once

#include "argand/lanes.hpp"
#include "argand/views.hpp"

namespace argand {

// Atoms that scatter as g_j(q) = weight_j form(kind_j, q) exp(-b_j q), q = stol^2, and functions of
// q.
struct Family {
  Index atoms, points, rank;
  const std::int64_t* kind;  // (atoms)
  const double* b;           // (atoms)
  const double* weight;      // (atoms), or null: 1
  const double* q;           // (points)
  const double* form;        // (kinds, points)
  const double* functions;   // (points, stride), of which rank are in use
  Index stride;
};

// u[r, j] = sum_q g_j(q) functions[q, r]: (rank, atoms). squares[r] = sum_j count_j u[r, j]^2,
// count null: 1.
void project(const Family& family, const double* count, double* u, double* squares);

// The orders -reach .. reach along one axis of a box.
struct BoxAxis {
  const std::int64_t*
      place;  // (2 reach + 1) of the order, in numbers of the box; those of three axes are added
  const double* factor;  // (2 reach + 1) even in the order; those of three axes are multiplied
  std::int32_t reach;
};

// Two functions of q = stol^2 as Chebyshev series on an interval.
struct FunctionPair {
  const double* series;  // (terms, 2)
  Index terms;
  double low, high;
};

// Those from begin to end of a list.
struct BoxReflections {
  Index begin, end;
  const std::int32_t* hkl;  // (m, 3) within the reach
  const double* q;          // (m)
  BoxAxis axis[3];
};

// F(h) += w A(h) + conj(w A(-h)), w = factor (v1 - i v2) / 2: v1 A1 + v2 A2, since A1(-h) = conj
// A1(h).
template <class T>
void gather_pair(const BoxReflections& at, const FunctionPair& v, const Complex<T>* box,
                 Complex<double>* F);

// box(h) += d a(h), box(-h) += d conj(a(h)), d = factor (v1 + i v2). The list holds one of each
// Friedel pair.
template <class T>
void scatter_pair(const BoxReflections& at, const FunctionPair& v, const Complex<double>* a,
                  Complex<T>* box);

}  // namespace argand
