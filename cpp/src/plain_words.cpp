#include "argand/plain_words.hpp"

#include <cstring>
#include <limits>

namespace argand {
namespace {

// Bytes of a word that fit into the place of a number.
constexpr Index longest_word = sizeof(double);
// An integer of so many digits is exact as a double. Numbers of more are read elsewhere.
constexpr int exact_digits = 15;
// These are exact too, so that the quotient of both is the double next to the decimal number.
constexpr double power_of_ten[exact_digits + 1] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                   1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

// With these begin quotes, comments, texts and what a CIF may not hold.
constexpr char other_beginnings[] = {'"', '#', '$', '\'', ';', '[', ']'};

bool is_blank(char character) {
  return character == ' ' || character == '\n' || character == '\t' || character == '\r';
}

bool is_null(const char* word, Index length) {
  return length == 1 && (*word == '.' || *word == '?');
}

// Returns whether a word is a number of at most so many digits, a sign and a decimal point, and
// reads it.
bool read_number(const char* word, Index length, double& number) {
  const char* const end = word + length;
  const char* at = word;
  const bool is_negative = *at == '-';
  if (is_negative || *at == '+') ++at;
  std::int64_t digits = 0;
  int digit_count = 0;
  int decimals = -1;
  for (; at < end; ++at) {
    if (*at == '.' && decimals < 0) {
      decimals = 0;
      continue;
    }
    if (*at < '0' || *at > '9') return false;
    if (++digit_count > exact_digits) return false;
    digits = 10 * digits + (*at - '0');
    if (decimals >= 0) ++decimals;
  }
  if (digit_count == 0) return false;
  double modulus = double(digits);
  if (decimals > 0) modulus /= power_of_ten[decimals];
  number = is_negative ? -modulus : modulus;
  return true;
}

// Writes a word of at most eight bytes in the place of a number.
void store_word(const char* word, Index length, double* place) {
  char bytes[longest_word] = {};
  std::memcpy(bytes, word, length);
  std::memcpy(place, bytes, longest_word);
}

// Reads one value into its column; returns whether it is of the column's kind.
bool read_value(const char* word, Index length, Index row, double* column, ColumnKind& kind) {
  constexpr double null = std::numeric_limits<double>::quiet_NaN();
  if (is_null(word, length)) {
    column[row] = null;
    if (kind == ColumnKind::word) store_word(word, 0, column + row);
    return true;
  }
  if (kind != ColumnKind::word && read_number(word, length, column[row])) {
    kind = ColumnKind::number;
    return true;
  }
  if (kind == ColumnKind::number || length > longest_word) return false;
  if (kind == ColumnKind::null) {
    // All rows before this one are null.
    for (Index before = 0; before < row; ++before) store_word(word, 0, column + before);
    kind = ColumnKind::word;
  }
  store_word(word, length, column + row);
  return true;
}

}  // namespace

PlainWords count_plain_words(Index length, const char* text) {
  const char* const end = text + length;
  const char* at = text;
  PlainWords plain{0, 0};
  while (true) {
    while (at < end && is_blank(*at)) ++at;
    plain.bytes = at - text;
    if (at == end || std::memchr(other_beginnings, *at, sizeof(other_beginnings))) return plain;
    for (; at < end && !is_blank(*at); ++at) {
      if (*at <= ' ' || *at > '~' || *at == '_') return plain;
    }
    ++plain.words;
  }
}

bool read_plain_words(Index length, const char* text, Index columns, Index rows, double* table,
                      ColumnKind* kinds) {
  const char* const end = text + length;
  for (Index column = 0; column < columns; ++column) kinds[column] = ColumnKind::null;
  for (Index row = 0; row < rows; ++row) {
    for (Index column = 0; column < columns; ++column) {
      while (text < end && is_blank(*text)) ++text;
      const char* const word = text;
      while (text < end && !is_blank(*text)) ++text;
      if (text == word) return false;
      if (!read_value(word, text - word, row, table + column * rows, kinds[column])) return false;
    }
  }
  return true;
}

}  // namespace argand
