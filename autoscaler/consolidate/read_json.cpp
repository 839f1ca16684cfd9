#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <map>
#include <unordered_map>

#include "autoscaler/consolidate/read_problem.h"

namespace ballast::consolidate {
namespace {

namespace json = boost::json;

// More would not be a fleet but a mistyped count.
constexpr std::int64_t kMaxThings = 2'000'000;
// Below 2^53 every whole number is exact in JSON's usual doubles.
constexpr double kMaxAmount = 9.0e15;

enum class Round { kUp, kDown };

Error At(const std::string& pointer, std::string_view what) {
  return Error::Invalid(fmt::format("{}: {}", pointer.empty() ? "/" : pointer, what));
}

std::string Child(const std::string& pointer, std::string_view key) {
  std::string escaped;
  for (const char c : key) escaped += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return pointer + "/" + escaped;
}
std::string Child(const std::string& pointer, std::size_t index) {
  return fmt::format("{}/{}", pointer, index);
}

Result<double> Number(const json::value& value, const std::string& pointer) {
  if (!value.is_number()) return At(pointer, "must be a number");
  const double number = value.to_number<double>();
  if (!std::isfinite(number)) return At(pointer, "must be a finite number");
  if (number < 0) return At(pointer, fmt::format("must not be negative, is {}", number));
  return number;
}

Result<Amount> ReadAmount(const json::value& value, const std::string& pointer, int scale,
                          Round round) {
  auto read = Number(value, pointer);
  if (!read) return std::move(read).error();
  const double number = *read;
  const double scaled = number * scale;
  if (scaled > kMaxAmount) return At(pointer, fmt::format("{} is too large", number));
  // 0.1 cores is not exactly representable; 100 milli-cores is what was meant.
  const double nearest = std::round(scaled);
  if (std::abs(scaled - nearest) <= 1e-6 + scaled * 1e-13) return static_cast<Amount>(nearest);
  return static_cast<Amount>(round == Round::kUp ? std::ceil(scaled) : std::floor(scaled));
}

Result<std::int64_t> ReadCount(const json::object& object, const std::string& pointer,
                               std::string_view key, std::int64_t fallback) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr) return fallback;
  const std::string at = Child(pointer, key);
  auto read = Number(*value, at);
  if (!read) return std::move(read).error();
  const double number = *read;
  if (number != std::floor(number)) return At(at, "must be a whole number");
  if (number > kMaxAmount) return At(at, "is too large");
  return static_cast<std::int64_t>(number);
}

Result<std::string> ReadName(const json::object& object, const std::string& pointer) {
  const json::value* name = object.if_contains("name");
  if (name == nullptr) return At(pointer, "has no \"name\"");
  if (!name->is_string() || name->get_string().empty())
    return At(Child(pointer, "name"), "must be a non-empty string");
  return std::string(name->get_string());
}

// No BALLAST_TRY here: the errors carry their pointer and need no context.
class Reader {
 public:
  Result<Problem> Read(const json::value& root);

 private:
  Result<> CollectResources(const json::object& root);
  Result<std::vector<Amount>> ReadSizes(const json::object& object, const std::string& pointer,
                                        Round round) const;
  Result<> ReadHost(const json::value& value, const std::string& pointer);
  Result<> TakeHeadroom(Host& host, const json::object& object, const std::string& pointer) const;
  Result<> ReadVm(const json::value& value, const std::string& pointer);
  Result<> ReadConstraints(const json::value& value, const std::string& pointer);
  Result<> ReadAntiAffinity(const json::value& value, const std::string& pointer);
  Result<> ReadHostLists(const json::value& value, const std::string& pointer,
                         std::vector<int> Vm::*list);
  Result<std::vector<int>> Find(const json::value& name, const std::string& pointer,
                                const std::unordered_map<std::string, std::vector<int>>& known,
                                const char* kind) const;

  Problem problem_;
  std::map<std::string, std::size_t, std::less<>> extra_;  // further resources, by name
  std::unordered_map<std::string, std::vector<int>> hosts_by_name_;
  std::unordered_map<std::string, std::vector<int>> vms_by_name_;
};

Result<const json::array*> FindArray(const json::object& root, std::string_view key) {
  const json::value* value = root.if_contains(key);
  if (value == nullptr) return At("", fmt::format("has no \"{}\"", key));
  if (!value->is_array()) return At(Child("", key), "must be an array");
  return &value->get_array();
}

Result<> Reader::CollectResources(const json::object& root) {
  problem_.resources = {"cpu", "memory"};
  for (const std::string_view key : {"hosts", "vms"}) {
    auto array = FindArray(root, key);
    if (!array) return std::move(array).error();
    for (std::size_t i = 0; i < (*array)->size(); ++i) {
      const std::string pointer = Child(Child("", key), i);
      if (!(**array)[i].is_object()) return At(pointer, "must be an object");
      const json::value* more = (**array)[i].get_object().if_contains("resources");
      if (more == nullptr) continue;
      if (!more->is_object()) return At(Child(pointer, "resources"), "must be an object");
      for (const auto& entry : more->get_object()) extra_.try_emplace(std::string(entry.key()), 0);
    }
  }
  for (auto& [name, index] : extra_) {
    index = problem_.resources.size();
    problem_.resources.push_back(name);
  }
  return Ok();
}

Result<std::vector<Amount>> Reader::ReadSizes(const json::object& object,
                                              const std::string& pointer, Round round) const {
  std::vector<Amount> sizes(problem_.resources.size(), 0);
  for (std::size_t k = 0; k < 2; ++k) {
    const std::string& key = problem_.resources[k];
    const json::value* value = object.if_contains(key);
    if (value == nullptr) return At(pointer, fmt::format("has no \"{}\"", key));
    auto amount = ReadAmount(*value, Child(pointer, key), k == 0 ? 1000 : 1, round);
    if (!amount) return std::move(amount).error();
    sizes[k] = *amount;
  }
  if (const json::value* more = object.if_contains("resources")) {
    for (const auto& entry : more->get_object()) {
      auto amount =
          ReadAmount(entry.value(), Child(Child(pointer, "resources"), entry.key()), 1000, round);
      if (!amount) return std::move(amount).error();
      sizes[extra_.find(entry.key())->second] = *amount;
    }
  }
  return sizes;
}

Result<> Reader::TakeHeadroom(Host& host, const json::object& object,
                              const std::string& pointer) const {
  const json::value* value = object.if_contains("headroom");
  if (value == nullptr) return Ok();
  const std::string at = Child(pointer, "headroom");
  if (!value->is_object()) return At(at, "must be an object of amounts");
  for (const auto& entry : value->get_object()) {
    const auto known = std::find(problem_.resources.begin(), problem_.resources.end(), entry.key());
    if (known == problem_.resources.end()) return At(Child(at, entry.key()), "no such resource");
    const auto k = static_cast<std::size_t>(known - problem_.resources.begin());
    auto amount = ReadAmount(entry.value(), Child(at, entry.key()), k == 1 ? 1 : 1000, Round::kUp);
    if (!amount) return std::move(amount).error();
    if (*amount > host.capacity[k]) return At(Child(at, entry.key()), "is more than the capacity");
    host.capacity[k] -= *amount;
  }
  return Ok();
}

Result<> Reader::ReadHost(const json::value& value, const std::string& pointer) {
  const json::object& object = value.get_object();
  Host host;
  auto name = ReadName(object, pointer);
  if (!name) return std::move(name).error();
  auto sizes = ReadSizes(object, pointer, Round::kDown);
  if (!sizes) return std::move(sizes).error();
  host.capacity = *std::move(sizes);
  if (auto taken = TakeHeadroom(host, object, pointer); !taken) return taken;
  if (const json::value* cost = object.if_contains("cost")) {
    auto number = Number(*cost, Child(pointer, "cost"));
    if (!number) return std::move(number).error();
    if (*number * kCostScale > kMaxAmount) return At(Child(pointer, "cost"), "is too large");
    host.cost = std::llround(*number * kCostScale);
  }
  if (const json::value* stay = object.if_contains("must_stay_on")) {
    if (!stay->is_bool()) return At(Child(pointer, "must_stay_on"), "must be true or false");
    host.must_stay_on = stay->get_bool();
  }
  auto count = ReadCount(object, pointer, "count", 1);
  if (!count) return std::move(count).error();
  if (*count + static_cast<std::int64_t>(problem_.hosts.size()) > kMaxThings)
    return At(Child(pointer, "count"), fmt::format("more than {} hosts", kMaxThings));
  std::vector<int>& members = hosts_by_name_[*name];
  if (!members.empty()) return At(pointer, fmt::format("host '{}' appears twice", *name));
  for (std::int64_t i = 1; i <= *count; ++i) {
    host.name = *count == 1 ? *name : fmt::format("{}-{}", *name, i);
    members.push_back(static_cast<int>(problem_.hosts.size()));
    problem_.hosts.push_back(host);
  }
  return Ok();
}

Result<> Reader::ReadVm(const json::value& value, const std::string& pointer) {
  const json::object& object = value.get_object();
  Vm vm;
  auto name = ReadName(object, pointer);
  if (!name) return std::move(name).error();
  auto sizes = ReadSizes(object, pointer, Round::kUp);
  if (!sizes) return std::move(sizes).error();
  vm.demand = *std::move(sizes);
  vm.migration_bytes = vm.demand[1];
  if (object.contains("migration_bytes")) {
    auto bytes = ReadCount(object, pointer, "migration_bytes", 0);
    if (!bytes) return std::move(bytes).error();
    vm.migration_bytes = *bytes;
  }
  const json::value* host = object.if_contains("host");
  if (host != nullptr && !host->is_null()) {
    auto found = Find(*host, Child(pointer, "host"), hosts_by_name_, "host");
    if (!found) return std::move(found).error();
    if (found->size() != 1) return At(Child(pointer, "host"), "stands for several hosts; name one");
    vm.current = found->front();
  }
  auto count = ReadCount(object, pointer, "count", 1);
  if (!count) return std::move(count).error();
  if (*count + static_cast<std::int64_t>(problem_.vms.size()) > kMaxThings)
    return At(Child(pointer, "count"), fmt::format("more than {} VMs", kMaxThings));
  std::vector<int>& members = vms_by_name_[*name];
  if (!members.empty()) return At(pointer, fmt::format("VM '{}' appears twice", *name));
  for (std::int64_t i = 1; i <= *count; ++i) {
    vm.name = *count == 1 ? *name : fmt::format("{}-{}", *name, i);
    members.push_back(static_cast<int>(problem_.vms.size()));
    problem_.vms.push_back(vm);
  }
  return Ok();
}

Result<std::vector<int>> Reader::Find(
    const json::value& name, const std::string& pointer,
    const std::unordered_map<std::string, std::vector<int>>& known, const char* kind) const {
  if (!name.is_string()) return At(pointer, fmt::format("must be the name of a {}", kind));
  std::string wanted(name.get_string());
  if (const auto found = known.find(wanted); found != known.end()) return found->second;
  // One copy of a counted thing: "web-3" of {"name":"web","count":5}.
  if (const auto dash = wanted.rfind('-'); dash != std::string::npos) {
    const auto group = known.find(wanted.substr(0, dash));
    const std::string_view digits = std::string_view(wanted).substr(dash + 1);
    const bool number =
        !digits.empty() && digits.size() < 8 && digits.front() != '0' &&
        std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (group != known.end() && number && group->second.size() > 1) {
      const auto index = static_cast<std::size_t>(std::stoul(std::string(digits)));
      if (index <= group->second.size()) return std::vector<int>{group->second[index - 1]};
    }
  }
  return At(pointer, fmt::format("unknown {} '{}'", kind, wanted));
}

Result<> Reader::ReadAntiAffinity(const json::value& value, const std::string& pointer) {
  if (!value.is_array()) return At(pointer, "must be an array of sets");
  for (std::size_t i = 0; i < value.get_array().size(); ++i) {
    const json::value& entry = value.get_array()[i];
    std::string at = Child(pointer, i);
    const json::value* names = &entry;
    AntiAffinity set;
    if (entry.is_object()) {
      names = entry.get_object().if_contains("vms");
      if (names == nullptr) return At(at, "has no \"vms\"");
      auto at_most = ReadCount(entry.get_object(), at, "at_most", 1);
      if (!at_most) return std::move(at_most).error();
      if (*at_most < 1) return At(Child(at, "at_most"), "must be at least 1");
      set.at_most = static_cast<int>(std::min<std::int64_t>(*at_most, kMaxThings));
      at = Child(at, "vms");
    }
    if (!names->is_array()) return At(at, "must be an array of VM names");
    for (std::size_t n = 0; n < names->get_array().size(); ++n) {
      auto vms = Find(names->get_array()[n], Child(at, n), vms_by_name_, "VM");
      if (!vms) return std::move(vms).error();
      set.vms.insert(set.vms.end(), vms->begin(), vms->end());
    }
    std::sort(set.vms.begin(), set.vms.end());
    set.vms.erase(std::unique(set.vms.begin(), set.vms.end()), set.vms.end());
    problem_.anti_affinity.push_back(std::move(set));
  }
  return Ok();
}

Result<> Reader::ReadHostLists(const json::value& value, const std::string& pointer,
                               std::vector<int> Vm::*list) {
  if (!value.is_object()) return At(pointer, "must be an object of VM names");
  for (const auto& entry : value.get_object()) {
    const std::string at = Child(pointer, entry.key());
    auto vms = Find(json::value(entry.key()), at, vms_by_name_, "VM");
    if (!vms) return std::move(vms).error();
    std::vector<int> hosts;
    const bool several = entry.value().is_array();
    const std::size_t names = several ? entry.value().get_array().size() : 1;
    if (names == 0) return At(at, "names no host");
    for (std::size_t n = 0; n < names; ++n) {
      const json::value& name = several ? entry.value().get_array()[n] : entry.value();
      auto found = Find(name, several ? Child(at, n) : at, hosts_by_name_, "host");
      if (!found) return std::move(found).error();
      hosts.insert(hosts.end(), found->begin(), found->end());
    }
    std::sort(hosts.begin(), hosts.end());
    hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());
    for (const int vm : *vms) problem_.vms[static_cast<std::size_t>(vm)].*list = hosts;
  }
  return Ok();
}

Result<> Reader::ReadConstraints(const json::value& value, const std::string& pointer) {
  if (!value.is_object()) return At(pointer, "must be an object");
  const json::object& object = value.get_object();
  for (const auto& entry : object) {
    const std::string at = Child(pointer, entry.key());
    Result<> read = Ok();
    if (entry.key() == "anti_affinity") {
      read = ReadAntiAffinity(entry.value(), at);
    } else if (entry.key() == "pinned") {
      read = ReadHostLists(entry.value(), at, &Vm::allowed);
    } else if (entry.key() == "forbidden") {
      read = ReadHostLists(entry.value(), at, &Vm::forbidden);
    } else if (entry.key() == "max_moves" || entry.key() == "migration_bytes") {
      if (entry.value().is_null()) continue;
      auto number = ReadCount(object, pointer, entry.key(), 0);
      if (!number) return std::move(number).error();
      (entry.key() == "max_moves" ? problem_.max_moves : problem_.max_migrated_bytes) = *number;
    } else {
      // A mistyped constraint that is silently dropped would be a wrong answer.
      return At(at,
                "no such constraint; known are anti_affinity, pinned, forbidden, max_moves, "
                "migration_bytes");
    }
    if (!read) return read;
  }
  return Ok();
}

Result<Problem> Reader::Read(const json::value& root) {
  if (!root.is_object()) return At("", "must be an object");
  const json::object& object = root.get_object();
  if (auto collected = CollectResources(object); !collected) return std::move(collected).error();
  const json::array& hosts = object.at("hosts").get_array();
  for (std::size_t i = 0; i < hosts.size(); ++i)
    if (auto read = ReadHost(hosts[i], Child("/hosts", i)); !read) return std::move(read).error();
  const json::array& vms = object.at("vms").get_array();
  for (std::size_t i = 0; i < vms.size(); ++i)
    if (auto read = ReadVm(vms[i], Child("/vms", i)); !read) return std::move(read).error();
  const json::value* constraints = object.if_contains("constraints");
  if (constraints != nullptr && !constraints->is_null())
    if (auto read = ReadConstraints(*constraints, "/constraints"); !read)
      return std::move(read).error();
  return std::move(problem_);
}

// "line 3, column 7" of an offset.
std::string Where(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto last = before.rfind('\n');
  const std::size_t column = before.size() - (last == std::string_view::npos ? 0 : last + 1) + 1;
  return fmt::format("line {}, column {}", line, column);
}

}  // namespace

Result<Problem> ReadProblemJson(std::string_view text) {
  json::stream_parser parser;
  json::error_code failure;
  const std::size_t read = parser.write_some(text.data(), text.size(), failure);
  if (!failure && read < text.size() &&
      text.find_first_not_of(" \t\r\n", read) != std::string_view::npos)
    return Error::Invalid(fmt::format("{}: something follows the JSON value", Where(text, read)));
  if (!failure) parser.finish(failure);
  if (failure)
    return Error::Invalid(fmt::format("{}: not JSON: {}", Where(text, read), failure.message()));
  auto problem = Reader().Read(parser.release());
  if (!problem) return problem;
  if (auto checked = CheckProblem(*problem); !checked) return std::move(checked).error();
  return problem;
}

Result<Problem> ReadProblem(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return Error::Invalid("line 1: the input is empty");
  const char start = text[first];
  // What starts neither as a number nor as a comment is meant to be JSON.
  const bool vbp = (start >= '0' && start <= '9') || start == '-' || start == '+' || start == '#' ||
                   start == '/';
  return vbp ? ReadProblemVbp(text) : ReadProblemJson(text);
}

}  // namespace ballast::consolidate
