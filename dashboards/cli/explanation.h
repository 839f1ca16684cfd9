#pragma once

// One decision as a person wants to read it: what went in, what the model said, what the guards
// made of it and why, what became of it and how soon. Made from records alone; no file and no
// clock.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "collector/model/state.h"

namespace ballast::cli {

// One limit that the decision moved. Millicores or bytes.
struct ExplainedLimit {
  std::string resource;  // cpu, memory
  std::optional<std::uint64_t> demand, allocated, guarantee, ceiling;
  std::optional<std::uint64_t> before, after;  // model::kUnlimited: none
  std::string binding;                         // what the model's answer is held by
  std::vector<std::string> reasons;            // of the guards, in their order: "shrink step: 750"
  std::string outcome;                         // applied, recommended, held, refused, failed
  // Of the write; empty where nothing was written.
  std::string file, value_before, value_after, error, through;
  std::optional<std::int64_t> reaction_ns;  // from the kernel's refusal to the value in the file
};

struct ExplainedWorkload {
  std::string name;
  std::string path;
  double weight = 1;
  std::string mode;
  std::vector<ExplainedLimit> limits;
};

// The host's side of one resource.
struct ExplainedPool {
  std::string resource;
  std::uint64_t capacity = 0;
  double water_level = 0;  // per unit of weight; infinite: nobody is short
  double shadow_price = 0;
};

struct Explanation {
  std::uint64_t id = 0;
  std::uint64_t incarnation = 0;  // of the collector that recorded it
  std::string host, mode, origin, trigger, problem;
  BootTime at{};
  WallTime wall{};
  std::optional<BootTime> refused_at;
  bool is_late = false;  // the collector was away when it was made
  std::vector<ExplainedPool> pools;
  std::vector<ExplainedWorkload> workloads;
};

// Finds decisions in a series of records.
//
//   Explainer explainer({.id = 17});
//   for (each record) explainer.Add(record);
//   explainer.found()
//
// Numbers of decisions begin anew with every start of an autoscaler, so one number may name
// several. Not thread-safe.
class Explainer {
 public:
  struct Wish {
    std::optional<std::uint64_t> id;  // absent: any
    std::string workload;             // name or path of one that it changed; empty: any
  };
  // Of those that fit, the last ones are kept; more are counted and forgotten.
  static constexpr std::size_t kMostKept = 1000;

  explicit Explainer(Wish wish) : wish_(std::move(wish)) {}

  void Add(const model::Record& record);

  const std::vector<Explanation>& found() const { return found_; }  // oldest first
  std::uint64_t forgotten() const { return forgotten_; }
  // Of any decision seen, wished for or not; absent: there was none.
  std::optional<std::uint64_t> first_id() const { return first_id_; }
  std::optional<std::uint64_t> last_id() const { return last_id_; }

 private:
  void AddDecision(const model::Record& record, const model::Event& event);
  void AddActuation(const model::Record& record, const model::Event& event);
  bool IsWished(const Explanation& one) const;

  Wish wish_;
  model::State state_;
  std::vector<Explanation> found_;
  std::uint64_t forgotten_ = 0;
  std::optional<std::uint64_t> first_id_, last_id_;
};

// Several lines for a person.
std::string ToText(const Explanation& one);
// One line of JSON. Numbers in millicores, bytes and nanoseconds; absent is absent; a limit that is
// not set is "max".
std::string ToJson(const Explanation& one);

}  // namespace ballast::cli
