#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/model/state.h"
#include "collector/serve/visibility.h"

namespace ballast::serve {

// For each of four shelves, so that a storm of one sort does not push out the
// others: decisions and what came of them; tool calls; their begins; everything else.
struct EventLogOptions {
  std::size_t max_events = 10'000;
  std::size_t max_bytes = 16 << 20;  // a decision about a thousand workloads is 400 kB
};

// The last events as the API answers them, each written once when it happens:
// then the names of the workloads are still known. With a scope: those that it
// may see, as it may see them.
// Not thread-safe.
class EventLog {
 public:
  struct Filter {
    std::vector<model::EventKind> kinds = {};  // empty: all
    std::string workload = {};                 // name, path or container id; empty: all
    std::size_t limit = 100;
  };

  explicit EventLog(EventLogOptions options = {}, Scope scope = {})
      : options_(options), scope_(std::move(scope)) {}

  // `state` knows the workloads that the event is about. Returns the event's JSON; nullptr where
  // the scope may not see it.
  const std::string* Add(const model::Record& record, const model::Event& event,
                         const model::State& state);
  // A JSON array, newest first.
  std::string Write(const Filter& filter) const;

 private:
  struct Entry {
    std::uint64_t order = 0;  // over all shelves
    model::EventKind kind{};
    std::vector<std::string> names;  // by which the workloads may be asked for
    std::string json;
  };
  struct Shelf {
    std::deque<Entry> entries;
    std::size_t bytes = 0;
  };
  const std::string& Keep(const model::Record& record, const model::Event& event,
                          const model::State& state);
  static std::size_t ShelfOf(model::EventKind kind);
  static bool Matches(const Entry& entry, const Filter& filter);

  EventLogOptions options_;
  Scope scope_;
  std::array<Shelf, 4> shelves_;
  std::uint64_t added_ = 0;
};

}  // namespace ballast::serve
