#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "collector/net/http_message.h"

namespace ballast::serve {

// How this server answers: nothing is to be kept by caches, and a parameter
// that a path does not have is an error rather than silence.

net::Response MakeJson(std::string body);
net::Response MakeText(std::string content_type, std::string body);
// The first parameter that this path does not have.
std::optional<std::string> FindStranger(const net::Request& request,
                                        std::initializer_list<std::string_view> known);
net::Response UnknownParameter(const std::string& name, std::string_view known);

}  // namespace ballast::serve
