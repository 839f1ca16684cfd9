#include "collector/net/event_feed.h"

namespace ballast::net {

std::string EventFeed::Format(std::string_view event, std::string_view data) {
  std::string text = "event: ";
  text.append(event).append("\n");
  do {
    const std::size_t end = data.find('\n');
    text.append("data: ").append(data.substr(0, end)).append("\n");
    data.remove_prefix(end == std::string_view::npos ? data.size() : end + 1);
  } while (!data.empty());
  return text.append("\n");
}

void EventFeed::Send(std::string_view event, std::string_view data) {
  if (listeners_.empty()) return;
  const auto bytes = std::make_shared<const std::string>(Format(event, data));
  std::erase_if(listeners_, [&](const std::weak_ptr<Listener>& weak) {
    const auto listener = weak.lock();
    if (!listener) return true;
    if (listener->Push(bytes)) return false;
    ++dropped_;
    return true;
  });
}

}  // namespace ballast::net
