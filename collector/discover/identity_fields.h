#pragma once

#include <string>
#include <string_view>

#include "collector/base/clock.h"
#include "collector/discover/classify.h"
#include "collector/model/entity.h"
#include "collector/model/field_set.h"

namespace ballast::discover {

// Valid UTF-8 without control characters, at most model::kMaxTextBytes.
std::string CleanText(std::string_view raw);

// An identity as a record carries it. Texts become valid UTF-8 without control
// characters: the names of directories are any bytes, and whoever may make a
// group chooses them.
model::FieldSet IdentityFields(const Identity& identity, const model::WorkloadKey& key,
                               BootTime start);

}  // namespace ballast::discover
