#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autoscaler/control/node_loop.h"
#include "tests/unit/autoscaler/control/host_script.h"

namespace ballast::control {

// One host, one loop, time by hand. Tests add workloads, then Start().
class LoopFixture : public ::testing::Test {
 protected:
  LoopFixture() {
    options_.mode = Mode::kAuto;
    options_.auto_prefixes = {"/agents"};
    options_.cpu_reserve = 0;
    options_.memory_reserve = 0;
    // Quotas that follow demand show what the loop does; those that only bound have their own
    // tests.
    options_.cpu_headroom.shared = false;
    options_.readings_before_shrink = 3;
  }

  void Start() {
    loop_ = std::make_unique<NodeLoop>(options_, actuator_, outbox_);
    Feed(host_.Key());
  }
  void Feed(const model::Record& record) {
    actuator_.now = record.header.at;
    loop_->OnRecord(record, record.header.at);
  }
  void Ticks(int count) {
    for (int i = 0; i < count; ++i) Feed(host_.Tick());
  }
  // The last amount written for `path`; empty: none yet.
  std::optional<std::int64_t> Last(const std::string& path, actuate::Resource resource) const {
    std::optional<std::int64_t> last;
    for (const auto& call : actuator_.calls)
      if (call.path == path && call.resource == resource) last = call.amount;
    return last;
  }
  std::vector<model::Event> Events() {
    std::vector<model::Event> events;
    outbox_.Drain([&](const model::Event& event) {
      events.push_back(event);
      return true;
    });
    return events;
  }
  std::vector<model::Event> Events(model::EventKind kind) {
    std::vector<model::Event> events = Events();
    std::erase_if(events, [&](const model::Event& event) { return event.kind != kind; });
    return events;
  }
  bool Said(const std::string& text) {
    for (const model::Event& event : Events(model::EventKind::kAutoscaler))
      if (event.fields.GetText(model::Field::kText).find(text) != std::string_view::npos)
        return true;
    return false;
  }

  test::HostScript host_;
  test::ObedientActuator actuator_;
  Outbox outbox_;
  NodeOptions options_;
  std::unique_ptr<NodeLoop> loop_;
};

}  // namespace ballast::control
