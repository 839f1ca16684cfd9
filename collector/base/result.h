#pragma once

// Result<T>: a value or an Error. The C++20 subset of std::expected that this
// project uses, under the same names, so that a later move to C++23 is a
// one-line alias. Our compilers rule the standard type out today: g++ 12 has it
// only in -std=c++23 and without the monadic members, clang 14 (tidy, fuzzers)
// not at all.

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>

namespace ballast {

// What failed (`code`) and on what (`what`), outermost context first.
class [[nodiscard]] Error {
 public:
  Error(std::error_code code, std::string what) : code_(code), what_(std::move(what)) {}

  // `positive_errno` is errno itself, never libbpf's negated form.
  static Error FromErrno(int positive_errno, std::string what) {
    return {{positive_errno, std::system_category()}, std::move(what)};
  }

  // Input that breaks a rule: `what` is the whole sentence for the user,
  // because "Invalid argument" behind it would add nothing.
  static Error Invalid(std::string what) {
    return {std::make_error_code(std::errc::invalid_argument), std::move(what)};
  }

  // "cpu.max: No such file" -> "resize web-3: cpu.max: No such file"
  Error Context(std::string_view outer) && {
    what_.insert(0, ": ").insert(0, outer);
    return std::move(*this);
  }

  std::error_code code() const { return code_; }
  const std::string& what() const { return what_; }
  std::string ToString() const {
    return code_ == std::errc::invalid_argument && code_.category() == std::generic_category()
               ? what_
               : what_ + ": " + code_.message();
  }

 private:
  std::error_code code_;
  std::string what_;
};

struct Unit {};

template <typename T = Unit>
class [[nodiscard]] Result {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): `return value;` is the point.
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): so is `return error;`.
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  T& value() & { return *std::get_if<0>(Checked()); }
  const T& value() const& { return *std::get_if<0>(Checked()); }
  T&& value() && { return std::move(*std::get_if<0>(Checked())); }

  // Requires: !has_value().
  const Error& error() const& { return *std::get_if<1>(&state_); }
  Error&& error() && { return std::move(*std::get_if<1>(&state_)); }

  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

 private:
  // Reading a value that is not there is a bug in the caller, not an error.
  auto* Checked() {
    if (!has_value()) Die();
    return &state_;
  }
  const auto* Checked() const {
    if (!has_value()) Die();
    return &state_;
  }
  [[noreturn]] void Die() const {
    std::fprintf(stderr, "Result without a value was read: %s\n", error().ToString().c_str());
    std::abort();
  }

  std::variant<T, Error> state_;
};

inline Result<> Ok() {
  return Unit{};
}

}  // namespace ballast

// BALLAST_TRY(auto quota, ReadCpuMax(group), "resize " + name);
#define BALLAST_TRY_CAT2(a, b) a##b
#define BALLAST_TRY_CAT(a, b) BALLAST_TRY_CAT2(a, b)
// NOLINTBEGIN(bugprone-macro-parentheses): `decl` declares, so it cannot stand in any.
#define BALLAST_TRY(decl, expr, context)                                                \
  auto BALLAST_TRY_CAT(ballast_try_, __LINE__) = (expr);                                \
  if (!BALLAST_TRY_CAT(ballast_try_, __LINE__))                                         \
    return std::move(BALLAST_TRY_CAT(ballast_try_, __LINE__)).error().Context(context); \
  decl = *std::move(BALLAST_TRY_CAT(ballast_try_, __LINE__))

// NOLINTEND(bugprone-macro-parentheses)

// The same for an operation whose value nobody needs.
#define BALLAST_TRY_DO(expr, context)                                               \
  do {                                                                              \
    auto ballast_try_do = (expr);                                                   \
    if (!ballast_try_do) return std::move(ballast_try_do).error().Context(context); \
  } while (false)
