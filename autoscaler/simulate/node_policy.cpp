#include "autoscaler/simulate/node_policy.h"

#include <unordered_map>

#include "autoscaler/actuate/actuator.h"
#include "autoscaler/control/node_loop.h"
#include "autoscaler/simulate/host_records.h"
#include "autoscaler/simulate/prior.h"

namespace ballast::simulate {
namespace {

// Obeys at once as far as the loop can see; the host lets it stand when it would.
class SimulatedActuator final : public actuate::Actuator {
 public:
  void BeginStep(Host& host) {
    host_ = &host;
    slots_.clear();
    for (std::size_t i = 0; i < host.agents().size(); ++i)
      slots_[KeyOfTask(host.agents()[i].task)] = static_cast<int>(i);
  }
  // Whether what is set now answers a refusal.
  void SetUrgent(bool urgent) { urgent_ = urgent; }

  std::vector<actuate::Adoption> Adopt(const std::vector<actuate::Group>& groups) override {
    std::vector<actuate::Adoption> adoptions;
    adoptions.reserve(groups.size());
    for (const actuate::Group& group : groups) adoptions.push_back({group, std::nullopt});
    return adoptions;
  }

  void Forget(const model::WorkloadKey& key) override { wanted_.erase(key); }

  actuate::Actuation Set(const actuate::Group& group, actuate::Resource resource,
                         std::int64_t amount) override {
    actuate::Actuation done;
    done.written_at = TimeOf(*host_);
    done.in_force = amount;
    done.outcome = actuate::Outcome::kApplied;
    const auto units = static_cast<double>(amount);
    if (resource == actuate::Resource::kMemoryPool) {
      host_->SetPool(units);
      return done;
    }
    const auto slot = slots_.find(group.key);
    if (slot == slots_.end()) {
      done.outcome = actuate::Outcome::kGone;
      return done;
    }
    auto& limits =
        wanted_
            .try_emplace(group.key, host_->agents()[static_cast<std::size_t>(slot->second)].limits)
            .first->second;
    if (resource == actuate::Resource::kCpu)
      limits.cpu_cores = units / 1000;
    else if (resource == actuate::Resource::kMemory)
      limits.memory_high = units;
    else
      done.outcome = actuate::Outcome::kUnchanged;  // weights and waiting: as the host does anyway
    if (done.outcome == actuate::Outcome::kApplied) host_->SetLimits(slot->second, limits, urgent_);
    return done;
  }

 private:
  Host* host_ = nullptr;  // of the step that is decided about
  bool urgent_ = false;
  std::unordered_map<model::WorkloadKey, int> slots_;
  std::unordered_map<model::WorkloadKey, Limits> wanted_;
};

// Of a simulated host's memory all but what growth may overshoot a full pool by is the agents':
// there is no system beside them.
constexpr double kOvershoot = 0.02;

control::NodeOptions NodeOptionsFor(const PolicyOptions& options, bool pooled) {
  control::NodeOptions node;
  node.mode = control::Mode::kAuto;
  node.auto_prefixes = {kAgentsPath};
  node.memory_reserve = kOvershoot;
  node.learn_tools = options.learn_tools;
  if (pooled) {
    node.cpu_headroom.shared = true;
    node.shared_pool.emplace();
    node.shared_pool->parent = kAgentsPath;
    node.shared_pool->forecast.generosity = options.generosity;
  } else {
    node.forecast.memory.margin *= options.generosity;
    node.memory_headroom.share *= options.generosity;
    node.memory_headroom.least = static_cast<std::int64_t>(
        static_cast<double>(node.memory_headroom.least) * options.generosity);
  }
  return node;
}

class NodePolicy final : public Policy {
 public:
  NodePolicy(const PolicyOptions& options, bool pooled, const Limits& first)
      : pooled_(pooled),
        first_(first),
        outbox_(kKeptEvents),
        loop_(NodeOptionsFor(options, pooled), actuator_, outbox_) {}

  Limits FirstLimits(const Host&, int) override { return first_; }

  void Act(Host& host) override {
    actuator_.BeginStep(host);
    records_.Emit(host, [&](const model::Record& record) {
      actuator_.SetUrgent(std::holds_alternative<model::Event>(record.body));
      loop_.OnRecord(record, record.header.at);
    });
  }

  double Reserved(const Host& host) const override {
    if (!pooled_) return Policy::Reserved(host);
    if (host.pool_high() != kNoLimit) return std::max(host.pool_high(), host.pool_asked());
    // Before the first decision: what a pool without history begins with, as far as the host has it.
    const double cold = host.used_bytes() * (1 + forecast::PooledDemandOptions{}.cold_share);
    return std::min(cold, std::max(host.used_bytes(), host.options().memory_bytes));
  }

 private:
  // Nobody reads them here; the oldest are dropped.
  static constexpr std::size_t kKeptEvents = 16;

  bool pooled_;
  Limits first_;
  HostRecords records_;
  SimulatedActuator actuator_;
  control::Outbox outbox_;
  control::NodeLoop loop_;
};

}  // namespace

std::unique_ptr<Policy> MakeBallast(const PolicyOptions& options) {
  return std::make_unique<NodePolicy>(options, true, Limits{});
}

std::unique_ptr<Policy> MakeBallastNoTools(const PolicyOptions& options) {
  PolicyOptions untold = options;
  untold.learn_tools = false;
  return MakeBallast(untold);
}

std::unique_ptr<Policy> MakeBallastLimitsNoTools(const PolicyOptions& options) {
  PolicyOptions untold = options;
  untold.learn_tools = false;
  return MakeBallastLimits(untold);
}

// Containers come with the limit that a user set; the loop takes it from there.
std::unique_ptr<Policy> MakeBallastLimits(const PolicyOptions& options) {
  return std::make_unique<NodePolicy>(
      options, false, Limits{.memory_high = Quantile(MemoryPeaks(*options.history), 0.99) * 1.15});
}

}  // namespace ballast::simulate
