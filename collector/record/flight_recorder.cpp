#include "collector/record/flight_recorder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "collector/base/file.h"

namespace ballast::record {
namespace {

Result<Fd> OpenForAppend(const std::string& path) {
  Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640));
  if (!fd.is_open()) return Error::FromErrno(errno, path);
  return fd;
}

}  // namespace

Result<std::unique_ptr<FlightRecorder>> FlightRecorder::Open(FlightRecorderOptions options) {
  BALLAST_TRY(Fd fd, OpenForAppend(options.path), "flight recorder");
  struct stat status {};
  if (::fstat(fd.get(), &status) != 0)
    return Error::FromErrno(errno, "flight recorder: " + options.path);
  return std::unique_ptr<FlightRecorder>(new FlightRecorder(
      std::move(options), std::move(fd), static_cast<std::uint64_t>(status.st_size)));
}

FlightRecorder::FlightRecorder(FlightRecorderOptions options, Fd fd, std::uint64_t size)
    : options_(std::move(options)), fd_(std::move(fd)), size_(size), thread_([this] { Run(); }) {}

FlightRecorder::~FlightRecorder() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
}

void FlightRecorder::Append(std::string frame, bool is_key) {
  {
    const std::lock_guard lock(mutex_);
    if (queued_bytes_ + frame.size() > options_.queue_bytes) {
      ++counters_.dropped_frames;
      return;
    }
    queued_bytes_ += frame.size();
    queue_.push_back({std::move(frame), is_key});
  }
  wake_.notify_one();
}

FlightRecorder::Counters FlightRecorder::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void FlightRecorder::Run() {
  std::vector<Frame> batch;
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) return;
      batch = std::exchange(queue_, {});
      queued_bytes_ = 0;
    }
    for (const Frame& frame : batch) WriteOut(frame);
  }
}

void FlightRecorder::WriteOut(const Frame& frame) {
  // Without its key a tick means nothing, so after an error wait for one.
  Result<> written = Ok();
  const bool skip = broken_ && !frame.is_key;
  if (!skip) {
    if (frame.is_key && size_ > options_.max_bytes / 2) written = Rotate();
    if (written) written = WriteAll(fd_.get(), frame.bytes, options_.path);
    broken_ = !written;
    if (written) size_ += frame.bytes.size();
  }
  const std::lock_guard lock(mutex_);
  if (skip || !written) {
    ++counters_.dropped_frames;
    if (!written) {
      ++counters_.write_errors;
      counters_.last_error = written.error().ToString();
    }
    return;
  }
  ++counters_.frames;
  counters_.bytes += frame.bytes.size();
  counters_.last_error.clear();
}

Result<> FlightRecorder::Rotate() {
  if (std::rename(options_.path.c_str(), (options_.path + ".1").c_str()) != 0)
    return Error::FromErrno(errno, options_.path);
  BALLAST_TRY(fd_, OpenForAppend(options_.path), "flight recorder");
  size_ = 0;
  return Ok();
}

}  // namespace ballast::record
