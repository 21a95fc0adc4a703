// Small words about text. Thread: any.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace gateway {

std::optional<unsigned> hex_digit(char c);  // In either case.
// The byte that two hexadecimal digits at the beginning of `digits` mean.
std::optional<char> hex_byte(std::string_view digits);
void append_hex(std::span<const uint8_t> bytes, std::string& out);  // In lower case.

// As it is, or if it is no UTF-8 with every byte above 0x7f as %XX.
void append_utf8(std::string_view text, std::string& out);

// As a JSON string, quotes included. What is no UTF-8 goes through append_utf8().
void append_json(std::string_view text, std::string& out);

}  // namespace gateway
