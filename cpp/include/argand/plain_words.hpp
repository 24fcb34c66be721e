// Reads tables of words with blanks between them, such as the loops of a CIF.
#pragma once

#include <cstdint>

#include "argand/views.hpp"

namespace argand {

// What a column of a table holds: numbers, words of at most eight bytes, or null values only, which
// are "." and "?".
enum class ColumnKind : std::int8_t { null, number, word };

// How many plain words begin a text, and how many bytes they take with the blanks around them.
struct PlainWords {
  Index words, bytes;
};

// Counts the plain words at the beginning of a text of `length` bytes. A word is plain where it
// means itself in a CIF: printable ASCII without '_', which tags and reserved words have, and not
// beginning with one of  " # $ ' ; [ ].
PlainWords count_plain_words(Index length, const char* text);

// Reads `rows` * `columns` plain words, row by row, to `table` (columns, rows) and the kinds of
// columns to `kinds` (columns,). The first value of a column that is not null tells its kind. A
// null value is NaN in a column of numbers or of nulls only, and eight zero bytes in a column of
// words, whose bytes are stored as they are and filled up with zeros. Returns whether all could be
// read: a word of more than eight bytes, and a column of numbers with another word, cannot, nor can
// more words than the `length` bytes of the text have.
bool read_plain_words(Index length, const char* text, Index columns, Index rows, double* table,
                      ColumnKind* kinds);

}  // namespace argand
