#pragma once

// Instantiates templates for all kinds of lists of reflections, numbers and form factors.
// WORKSPACE(R) is for a kind of list R, SUM(T, F, R) for numbers T and form factors F as well.
#define ARGAND_INSTANTIATE_FOR(WORKSPACE, SUM, R) \
  WORKSPACE(R)                                    \
  SUM(float, float, R)                            \
  SUM(float, Complex<float>, R)                   \
  SUM(double, double, R)                          \
  SUM(double, Complex<double>, R)
#define ARGAND_INSTANTIATE(WORKSPACE, SUM)                       \
  ARGAND_INSTANTIATE_FOR(WORKSPACE, SUM, HklBox)                 \
  ARGAND_INSTANTIATE_FOR(WORKSPACE, SUM, HklLists<std::int32_t>) \
  ARGAND_INSTANTIATE_FOR(WORKSPACE, SUM, HklLists<double>)
