#include "dashboards/cli/allocation_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <initializer_list>
#include <optional>
#include <set>

namespace ballast::cli {
namespace {

namespace json = boost::json;
using allocate::Allocation;
using allocate::Item;
using allocate::Status;

// Above 2^53 a double cannot count bytes any more.
constexpr double kLargest = 9007199254740992.0;

Result<json::value> ParseJson(std::string_view text) {
  json::stream_parser parser;
  json::error_code code;
  const std::size_t taken = parser.write_some(text.data(), text.size(), code);
  if (!code && taken < text.size()) code = json::error::extra_data;
  if (!code) parser.finish(code);
  if (!code) return parser.release();
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(taken, text.size()));
  return Error::Invalid(
      fmt::format("line {}: no JSON: {}", 1 + std::count(text.begin(), end, '\n'), code.message()));
}

struct NumberRule {
  std::optional<double> initial = std::nullopt;  // absent: the key must be there
  bool above_zero = false;
};

// Walks the document and keeps the first thing that is wrong with it; after
// that, what it returns is of no use.
class InputReader {
 public:
  Result<AllocationInput> Read(const json::value& document) {
    AllocationInput input;
    if (const json::object* top = Object(document, "", {"host", "containers"}))
      ReadTop(*top, input);
    if (!wrong_.empty()) return Error::Invalid(wrong_);
    return input;
  }

 private:
  void Fail(const std::string& pointer, const std::string& what) {
    if (wrong_.empty()) wrong_ = (pointer.empty() ? "/" : pointer) + ": " + what;
  }

  void ReadTop(const json::object& top, AllocationInput& input) {
    const json::value* host_value = Member(top, "", "host");
    const json::object* host =
        host_value == nullptr ? nullptr : Object(*host_value, "/host", {"cpu", "memory"});
    if (host != nullptr) {
      input.cpu.capacity = Number(*host, "/host", "cpu");
      input.memory.capacity = Number(*host, "/host", "memory");
    }
    const json::value* containers = Member(top, "", "containers");
    if (containers == nullptr) return;
    if (!containers->is_array()) return Fail("/containers", "must be an array");
    std::set<std::string> names;
    for (std::size_t i = 0; i < containers->get_array().size() && wrong_.empty(); ++i) {
      const std::string pointer = fmt::format("/containers/{}", i);
      ReadContainer(containers->get_array()[i], pointer, input);
      if (wrong_.empty() && !names.insert(input.names.back()).second)
        Fail(pointer + "/name", "'" + input.names.back() + "' is there twice");
    }
  }

  void ReadContainer(const json::value& value, const std::string& pointer, AllocationInput& input) {
    const json::object* object = Object(value, pointer,
                                        {"name", "cpu", "memory", "weight", "min_cpu", "min_memory",
                                         "max_cpu", "max_memory", "priority"});
    if (object == nullptr) return;
    if (const json::value* name = Member(*object, pointer, "name")) {
      if (!name->is_string() || name->get_string().empty())
        Fail(pointer + "/name", "must be a text that is not empty");
      else
        input.names.emplace_back(name->get_string());
    }
    input.cpu.items.push_back(ReadItem(*object, pointer, "cpu"));
    input.memory.items.push_back(ReadItem(*object, pointer, "memory"));
  }

  Item ReadItem(const json::object& object, const std::string& pointer,
                const std::string& resource) {
    Item item;
    item.demand = Number(object, pointer, resource);
    item.guarantee = Number(object, pointer, "min_" + resource, {.initial = 0});
    item.ceiling = Number(object, pointer, "max_" + resource, {.initial = allocate::kNoCeiling});
    item.weight = Number(object, pointer, "weight", {.initial = 1, .above_zero = true});
    item.priority = Priority(object, pointer);
    if (item.ceiling < item.guarantee)
      Fail(pointer + "/max_" + resource, "is below min_" + resource);
    return item;
  }

  int Priority(const json::object& object, const std::string& pointer) {
    const json::value* value = object.if_contains("priority");
    if (value == nullptr) return 0;
    const std::int64_t* number = value->if_int64();
    if (number != nullptr && std::abs(*number) <= 1000) return static_cast<int>(*number);
    Fail(pointer + "/priority", "must be a whole number from -1000 to 1000");
    return 0;
  }

  double Number(const json::object& object, const std::string& pointer, const std::string& key,
                const NumberRule& rule = {}) {
    const std::string here = pointer + "/" + key;
    const json::value* value =
        rule.initial ? object.if_contains(key) : Member(object, pointer, key);
    if (value == nullptr) return rule.initial.value_or(0);
    if (!value->is_number()) {
      Fail(here, "must be a number, not " + json::serialize(*value));
      return 0;
    }
    const auto number = value->to_number<double>();
    if (!std::isfinite(number) || number > kLargest)
      Fail(here, fmt::format("is {}, more than {:.0f}", number, kLargest));
    else if (number < 0)
      Fail(here, fmt::format("is {}, below 0", number));
    else if (rule.above_zero && number == 0)
      Fail(here, "must be above 0");
    return number;
  }

  const json::value* Member(const json::object& object, const std::string& pointer,
                            const std::string& key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr) Fail(pointer + "/" + key, "is missing");
    return value;
  }

  const json::object* Object(const json::value& value, const std::string& pointer,
                             std::initializer_list<std::string_view> known) {
    if (!value.is_object()) {
      Fail(pointer, "must be an object");
      return nullptr;
    }
    for (const auto& [key, member] : value.get_object())
      if (std::ranges::find(known, std::string_view(key)) == known.end())
        Fail(pointer + "/" + std::string(key),
             fmt::format("unknown key; use {}", fmt::join(known, ", ")));
    return &value.get_object();
  }

  std::string wrong_;
};

// 2 reads as 2, not as 2E0; everything else in the shortest form that reads back the same.
std::string Number(double value) {
  return fmt::format("{}", value);
}
std::string NumberOrNull(double value) {
  return std::isfinite(value) ? Number(value) : "null";
}

std::string Quoted(std::string_view text) {
  return json::serialize(json::value(text));
}

// How much of what it asked for it gets; nothing asked is all of it.
double Share(double amount, double demand) {
  return demand > 0 ? amount / demand : 1;
}

bool IsOptimal(const Allocation& cpu, const Allocation& memory) {
  return cpu.status == Status::kOptimal && memory.status == Status::kOptimal;
}

}  // namespace

Result<AllocationInput> ParseAllocationInput(std::string_view text) {
  const auto document = ParseJson(text);
  if (!document) return document.error();
  return InputReader().Read(*document);
}

std::string FormatAllocation(const AllocationInput& input, const Allocation& cpu,
                             const Allocation& memory, double seconds) {
  if (!IsOptimal(cpu, memory))
    return fmt::format(
        R"({{"status":"infeasible","objective":null,"containers":[],"shadow_prices":{{"cpu":null,"memory":null}},"seconds":{}}})",
        Number(seconds));
  std::string containers;
  for (std::size_t i = 0; i < input.names.size(); ++i)
    containers += fmt::format(
        R"({}{{"name":{},"x":{},"y":{},"cpu":{},"memory":{},"binding":{{"cpu":"{}","memory":"{}"}}}})",
        i == 0 ? "" : ",", Quoted(input.names[i]),
        Number(Share(cpu.amounts[i], input.cpu.items[i].demand)),
        Number(Share(memory.amounts[i], input.memory.items[i].demand)), Number(cpu.amounts[i]),
        Number(memory.amounts[i]), ToString(cpu.bindings[i]), ToString(memory.bindings[i]));
  return fmt::format(
      R"({{"status":"optimal","objective":{},"containers":[{}],"shadow_prices":{{"cpu":{},"memory":{}}},"water_levels":{{"cpu":{},"memory":{}}},"seconds":{}}})",
      Number(cpu.objective + memory.objective), containers, Number(cpu.shadow_price),
      Number(memory.shadow_price), NumberOrNull(cpu.water_level), NumberOrNull(memory.water_level),
      Number(seconds));
}

std::string DescribeAllocation(const AllocationInput& input, const Allocation& cpu,
                               const Allocation& memory, double seconds) {
  if (!IsOptimal(cpu, memory)) return "infeasible\n";
  const auto level = [](const Allocation& one) {
    return std::isfinite(one.water_level) ? Number(one.water_level) + " per unit of weight"
                                          : std::string("nobody is short");
  };
  std::string text =
      fmt::format("optimal: {} cores, {} bytes; {:.6f} s\nwater level: cpu {}, memory {}\n",
                  cpu.objective, memory.objective, seconds, level(cpu), level(memory));
  text += fmt::format("{:<24} {:>10} {:<12} {:>16} {}\n", "container", "cores", "bound by", "bytes",
                      "bound by");
  for (std::size_t i = 0; i < input.names.size(); ++i)
    text += fmt::format("{:<24} {:>10.3f} {:<12} {:>16.0f} {}\n", input.names[i], cpu.amounts[i],
                        ToString(cpu.bindings[i]), memory.amounts[i], ToString(memory.bindings[i]));
  return text;
}

}  // namespace ballast::cli
