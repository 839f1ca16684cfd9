#pragma once

namespace ballast {

// The scrape of 10,000 workloads; prints its figures. 0: done.
int ScrapeBench();

}  // namespace ballast
