#pragma once

// BALLAST_CHECK(count > 0, "a histogram needs a bucket");
//
// For broken preconditions, which are bugs: ends the process, in release too.
// Expected failures are Results (result.h), never checks.

#include <cstdio>
#include <cstdlib>

namespace ballast {

[[noreturn]] inline void CheckFailed(const char* file, int line, const char* claim,
                                     const char* why) {
  std::fprintf(stderr, "%s:%d: check failed: %s (%s)\n", file, line, claim, why);
  std::abort();
}

}  // namespace ballast

#define BALLAST_CHECK(claim, why) \
  ((claim) ? static_cast<void>(0) : ::ballast::CheckFailed(__FILE__, __LINE__, #claim, why))
