#pragma once

// Exit statuses of every `ballast` command; scripts rely on them.

namespace ballast::cli {

inline constexpr int kSolved = 0;
inline constexpr int kInfeasible = 1;  // or: no answer within the limits; standard error says which
inline constexpr int kBadInput = 2;    // also a wrong command line
inline constexpr int kInternalError = 3;

}  // namespace ballast::cli
