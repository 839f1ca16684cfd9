#pragma once

#include <string>
#include <utility>

#include "collector/net/event_feed.h"
#include "collector/serve/event_log.h"
#include "collector/serve/visibility.h"

namespace ballast::serve {

// Whom an answer is for: everybody, or a tenant whose credentials are limited
// to a label. What each may see of events is told apart when they happen, once;
// everything else when it is asked for.
//
// Belongs to the thread that answers HTTP.
struct Audience {
  Audience(std::string label, Scope limit, EventLogOptions options)
      : name(std::move(label)), scope(std::move(limit)), events(options, scope) {}

  const std::string name;  // "namespace=red"; empty: sees everything
  const Scope scope;       // of the name
  EventLog events;
  net::EventFeed table_feed, event_feed, page_feed;
};

}  // namespace ballast::serve
