#include "autoscaler/control/outbox.h"

namespace ballast::control {

void Outbox::Push(model::Event event) {
  if (events_.size() == capacity_) {
    events_.pop_front();
    ++dropped_;
  }
  events_.push_back(std::move(event));
}

void Outbox::Drain(const std::function<bool(const model::Event&)>& send) {
  while (!events_.empty()) {
    if (!send(events_.front())) {
      for (model::Event& event : events_) event.fields.Set(model::Field::kLate, 1);
      return;
    }
    events_.pop_front();
  }
}

}  // namespace ballast::control
