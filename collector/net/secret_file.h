#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "collector/base/result.h"

namespace ballast::net {

// A file that holds secrets: a regular file that nobody but owner and group can read.
Result<> CheckSecretFile(const std::string& path);

// Lines of such a file, without blanks around them, empty ones and comments (#).
// Errors name the file.
Result<std::vector<std::string>> ReadSecretLines(const std::string& path);

// Compares in a time that does not depend on where they differ.
bool IsSameSecret(std::string_view a, std::string_view b);

}  // namespace ballast::net
