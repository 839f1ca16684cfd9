#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ballast::serve {

// Writes JSON straight into a string; commas and escapes are its business,
// matching Begin and End the caller's.
//
//   JsonWriter json(out);
//   json.BeginObject().Key("name").Text(name).Key("cpu").Real(0.5).EndObject();
//
// Not thread-safe; appends to a string that outlives it.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& BeginObject() { return Open('{'); }
  JsonWriter& EndObject() { return Shut('}'); }
  JsonWriter& BeginArray() { return Open('['); }
  JsonWriter& EndArray() { return Shut(']'); }
  JsonWriter& Key(std::string_view name);
  // Bytes that are no UTF-8 become U+FFFD.
  JsonWriter& Text(std::string_view value);
  JsonWriter& Number(std::uint64_t value);
  JsonWriter& Signed(std::int64_t value);
  // JSON has no infinity: "inf", "-inf"; not-a-number is null.
  JsonWriter& Real(double value);
  JsonWriter& Bool(bool value);
  // A value that is JSON already.
  JsonWriter& Raw(std::string_view json);

 private:
  JsonWriter& Open(char bracket);
  JsonWriter& Shut(char bracket);
  void Separate();
  void Quote(std::string_view text);

  std::string& out_;
  bool needs_comma_ = false;
};

}  // namespace ballast::serve
