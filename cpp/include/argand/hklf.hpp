// Reads lists of reflections in the fixed columns of SHELX: 3I4, 2F8.2, I4.
#pragma once

#include "argand/views.hpp"

namespace argand {

// The numbers of a row of the table that is written: h, k, l, value, sigma, batch number, and two
// that these columns do not hold.
constexpr Index numbers_of_row = 8;

// Reads rows from the beginning of a text of `length` bytes with lines that end in '\n', and writes
// the first six numbers of each to `table` (rows, 8). Stops before the first line that is not plain
// (a number that does not fill one column alone, a value without a decimal point, anything but
// blanks after the batch number) or is the reflection 0 0 0. Returns how many rows were read. What
// is not plain is read elsewhere, so that every number that is written here is beyond doubt.
Index read_fixed_rows(Index length, const char* text, Index rows, double* table);

}  // namespace argand
