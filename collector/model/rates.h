#pragma once

#include <cstdint>
#include <optional>

#include "collector/model/field_set.h"

namespace ballast::model {

// Change of a counter between two readings of the same entity. Empty where
// either reading lacks it or it stepped back (the source began anew): absent is
// never zero, and a reset is never a spike.
inline std::optional<std::uint64_t> Increase(const FieldSet& then, const FieldSet& now,
                                             Field counter) {
  const auto before = then.Get(counter);
  const auto after = now.Get(counter);
  if (!before || !after || *after < *before) return std::nullopt;
  return *after - *before;
}

// The same per second; empty also where no time passed.
inline std::optional<double> RatePerSecond(const FieldSet& then, const FieldSet& now, Field counter,
                                           double seconds) {
  const auto increase = Increase(then, now, counter);
  if (!increase || !(seconds > 0.0)) return std::nullopt;
  return static_cast<double>(*increase) / seconds;
}

}  // namespace ballast::model
