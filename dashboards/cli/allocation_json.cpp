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
using allocate::Coupling;
using allocate::HostAllocation;
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
    if (const json::object* top = Object(document, "", {"host", "containers", "coupling"}))
      ReadTop(*top, input);
    if (!wrong_.empty()) return Error::Invalid(wrong_);
    return input;
  }

 private:
  void Fail(const std::string& pointer, const std::string& what) {
    if (wrong_.empty()) wrong_ = (pointer.empty() ? "/" : pointer) + ": " + what;
  }

  void ReadTop(const json::object& top, AllocationInput& input) {
    input.host.coupling = ReadCoupling(top);
    input.host.resources = {{"cpu", {}}, {"memory", {}}};
    const json::value* host_value = Member(top, "", "host");
    const json::object* host = host_value == nullptr
                                   ? nullptr
                                   : Object(*host_value, "/host", {"cpu", "memory", "resources"});
    if (host != nullptr) ReadHost(*host, input);
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

  Coupling ReadCoupling(const json::object& top) {
    const json::value* value = top.if_contains("coupling");
    if (value == nullptr) return Coupling::kSeparate;
    for (const Coupling coupling : {Coupling::kSeparate, Coupling::kDominantShare})
      if (value->is_string() && value->get_string() == ToString(coupling)) return coupling;
    Fail("/coupling", "must be \"none\" or \"dominant_share\", not " + json::serialize(*value));
    return Coupling::kSeparate;
  }

  void ReadHost(const json::object& host, AllocationInput& input) {
    auto& resources = input.host.resources;
    resources[0].problem.capacity = Number(host, "/host", "cpu");
    resources[1].problem.capacity = Number(host, "/host", "memory");
    const json::object* more = Resources(host, "/host", "resources");
    if (more == nullptr) return;
    for (const auto& [key, value] : *more) {
      const std::string name(key);
      if (name.empty() || name == "cpu" || name == "memory")
        Fail("/host/resources/" + name, "is no name of a further resource");
      resources.push_back(
          {name, {.capacity = Number(*more, "/host/resources", name), .items = {}}});
    }
  }

  void ReadContainer(const json::value& value, const std::string& pointer, AllocationInput& input) {
    const json::object* object =
        Object(value, pointer,
               {"name", "cpu", "memory", "weight", "min_cpu", "min_memory", "max_cpu", "max_memory",
                "priority", "resources", "min_resources", "max_resources"});
    if (object == nullptr) return;
    if (const json::value* name = Member(*object, pointer, "name")) {
      if (!name->is_string() || name->get_string().empty())
        Fail(pointer + "/name", "must be a text that is not empty");
      else
        input.names.emplace_back(name->get_string());
    }
    auto& resources = input.host.resources;
    resources[0].problem.items.push_back(ReadItem(*object, pointer, "cpu"));
    resources[1].problem.items.push_back(ReadItem(*object, pointer, "memory"));
    ReadFurther(*object, pointer, input);
  }

  // Resources that the host names; a container that does not name one needs none of it.
  void ReadFurther(const json::object& object, const std::string& pointer, AllocationInput& input) {
    const json::object* demands = KnownResources(object, pointer, "resources", input);
    const json::object* guarantees = KnownResources(object, pointer, "min_resources", input);
    const json::object* ceilings = KnownResources(object, pointer, "max_resources", input);
    for (std::size_t r = 2; r < input.host.resources.size(); ++r) {
      const std::string& name = input.host.resources[r].name;
      const auto number = [&](const json::object* from, const char* key, double initial) {
        return from == nullptr ? initial
                               : Number(*from, pointer + "/" + key, name, {.initial = initial});
      };
      Item item = Rights(object, pointer);
      item.demand = number(demands, "resources", 0);
      item.guarantee = number(guarantees, "min_resources", 0);
      item.ceiling = number(ceilings, "max_resources", allocate::kNoCeiling);
      if (item.ceiling < item.guarantee)
        Fail(pointer + "/max_resources/" + name, "is below that of min_resources");
      input.host.resources[r].problem.items.push_back(item);
    }
  }

  const json::object* KnownResources(const json::object& object, const std::string& pointer,
                                     const std::string& key, const AllocationInput& input) {
    const json::object* resources = Resources(object, pointer, key);
    if (resources == nullptr) return nullptr;
    for (const auto& [name, value] : *resources) {
      const auto is_it = [&](const auto& one) { return one.name == std::string_view(name); };
      if (std::none_of(input.host.resources.begin() + 2, input.host.resources.end(), is_it))
        Fail(pointer + "/" + key + "/" + std::string(name), "is not in /host/resources");
    }
    return resources;
  }

  // nullptr: there are none.
  const json::object* Resources(const json::object& object, const std::string& pointer,
                                const std::string& key) {
    const json::value* value = object.if_contains(key);
    if (value == nullptr) return nullptr;
    if (value->is_object()) return &value->get_object();
    Fail(pointer + "/" + key, "must be an object of names and numbers");
    return nullptr;
  }

  Item ReadItem(const json::object& object, const std::string& pointer,
                const std::string& resource) {
    Item item = Rights(object, pointer);
    item.demand = Number(object, pointer, resource);
    item.guarantee = Number(object, pointer, "min_" + resource, {.initial = 0});
    item.ceiling = Number(object, pointer, "max_" + resource, {.initial = allocate::kNoCeiling});
    if (item.ceiling < item.guarantee)
      Fail(pointer + "/max_" + resource, "is below min_" + resource);
    return item;
  }

  // What is the same for every resource.
  Item Rights(const json::object& object, const std::string& pointer) {
    Item item;
    item.weight = Number(object, pointer, "weight", {.initial = 1, .above_zero = true});
    item.priority = Priority(object, pointer);
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

// {"cpu":1,"memory":2,"disk":3}: one value of each resource.
template <typename Function>
std::string ByResource(const AllocationInput& input, Function&& value) {
  std::string text;
  for (std::size_t r = 0; r < input.host.resources.size(); ++r)
    text +=
        fmt::format("{}{}:{}", r == 0 ? "{" : ",", Quoted(input.host.resources[r].name), value(r));
  return text + "}";
}

bool IsCoupled(const AllocationInput& input) {
  return input.host.coupling != Coupling::kSeparate;
}

std::string ContainerJson(const AllocationInput& input, const HostAllocation& solved,
                          std::size_t i) {
  const auto amount = [&](std::size_t r) { return solved.resources[r].amounts[i]; };
  const auto share = [&](std::size_t r) {
    return Number(Share(amount(r), input.host.resources[r].problem.items[i].demand));
  };
  std::string text = fmt::format(R"({{"name":{},"x":{},"y":{},"cpu":{},"memory":{},"binding":{})",
                                 Quoted(input.names[i]), share(0), share(1), Number(amount(0)),
                                 Number(amount(1)), ByResource(input, [&](std::size_t r) {
                                   return Quoted(ToString(solved.resources[r].bindings[i]));
                                 }));
  if (input.host.resources.size() > 2) {
    text += R"(,"resources":{)";
    for (std::size_t r = 2; r < input.host.resources.size(); ++r)
      text += fmt::format("{}{}:{}", r == 2 ? "" : ",", Quoted(input.host.resources[r].name),
                          Number(amount(r)));
    text += "}";
  }
  if (IsCoupled(input))
    text += fmt::format(R"(,"progress":{},"dominant_share":{},"dominant":{})",
                        Number(solved.progress[i].x), Number(solved.progress[i].dominant_share),
                        Quoted(input.host.resources[solved.progress[i].dominant].name));
  return text + "}";
}

std::string CouplingJson(const AllocationInput& input) {
  return IsCoupled(input) ? fmt::format(R"("coupling":"{}",)", ToString(input.host.coupling)) : "";
}

// "full at 950 per unit of weight (one more is worth 1)"
std::string LevelText(const AllocationInput& input, const Allocation& one) {
  if (!std::isfinite(one.water_level)) return "nobody is short; one more unit is worth nothing";
  return IsCoupled(input)
             ? fmt::format(
                   "full at a dominant share of {:.6g} per unit of weight; one more unit "
                   "lifts it by {:.6g}",
                   one.water_level, one.shadow_price)
             : fmt::format(
                   "full at a water level of {:.6g} per unit of weight; one more unit is "
                   "worth {:g}",
                   one.water_level, one.shadow_price);
}

}  // namespace

Result<AllocationInput> ParseAllocationInput(std::string_view text) {
  const auto document = ParseJson(text);
  if (!document) return document.error();
  return InputReader().Read(*document);
}

std::string FormatAllocation(const AllocationInput& input, const HostAllocation& solved,
                             double seconds) {
  if (solved.status != Status::kOptimal)
    return fmt::format(
        R"({{"status":"infeasible",{}"objective":null,"containers":[],"shadow_prices":{},"seconds":{}}})",
        CouplingJson(input), ByResource(input, [](std::size_t) { return "null"; }),
        Number(seconds));
  std::string containers;
  for (std::size_t i = 0; i < input.names.size(); ++i) {
    if (i > 0) containers += ',';
    containers += ContainerJson(input, solved, i);
  }
  double objective = 0;
  for (const Allocation& one : solved.resources) objective += one.objective;
  return fmt::format(
      R"({{"status":"optimal",{}"objective":{},"containers":[{}],"shadow_prices":{},"water_levels":{},"seconds":{}}})",
      CouplingJson(input), Number(objective), containers,
      ByResource(input, [&](std::size_t r) { return Number(solved.resources[r].shadow_price); }),
      ByResource(input,
                 [&](std::size_t r) { return NumberOrNull(solved.resources[r].water_level); }),
      Number(seconds));
}

std::string DescribeAllocation(const AllocationInput& input, const HostAllocation& solved,
                               double seconds) {
  if (solved.status != Status::kOptimal) return "infeasible\n";
  std::string text = fmt::format(
      "optimal, {}; {:.6f} s\n",
      IsCoupled(input) ? "resources coupled by dominant share" : "each resource for itself",
      seconds);
  for (std::size_t r = 0; r < input.host.resources.size(); ++r) {
    const Allocation& one = solved.resources[r];
    text += fmt::format("{}: {:.10g} of {:.10g}, {}\n", input.host.resources[r].name, one.objective,
                        input.host.resources[r].problem.capacity, LevelText(input, one));
  }
  text += fmt::format("{:<24}", "container");
  for (const allocate::Resource& resource : input.host.resources)
    text += fmt::format(" {:>16} {:<12}", resource.name, "bound by");
  if (IsCoupled(input)) text += fmt::format(" {:>10} of", "share");
  text += "\n";
  for (std::size_t i = 0; i < input.names.size(); ++i) {
    text += fmt::format("{:<24}", input.names[i]);
    for (std::size_t r = 0; r < input.host.resources.size(); ++r)
      text += fmt::format(" {:>16.{}f} {:<12}", solved.resources[r].amounts[i], r == 1 ? 0 : 3,
                          ToString(solved.resources[r].bindings[i]));
    if (IsCoupled(input))
      text += fmt::format(" {:>10.4f} {}", solved.progress[i].dominant_share,
                          input.host.resources[solved.progress[i].dominant].name);
    text += "\n";
  }
  return text;
}

}  // namespace ballast::cli
