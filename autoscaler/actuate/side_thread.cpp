#include "autoscaler/actuate/side_thread.h"

#include <pthread.h>
#include <signal.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "collector/base/check.h"

namespace ballast::actuate {

struct SideThread::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::function<void()> work;  // empty: idle
  bool stop = false;

  void Run() {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [this] { return stop || work; });
      if (stop) return;
      lock.unlock();
      work();
      lock.lock();
      work = nullptr;
      changed.notify_all();
    }
  }
};

SideThread::~SideThread() {
  if (!shared_) return;
  const std::lock_guard lock(shared_->mutex);
  shared_->stop = true;
  shared_->changed.notify_all();
}

bool SideThread::is_busy() const {
  return !Wait(std::chrono::milliseconds(0));
}

void SideThread::Begin(std::function<void()> work) {
  BALLAST_CHECK(!is_busy(), "one call at a time");
  if (!shared_) {
    shared_ = std::make_shared<Shared>();
    // Signals are the loop's: they are blocked before the thread inherits them.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, &before);
    std::thread([shared = shared_, name = name_] {
      ::pthread_setname_np(::pthread_self(), name);
      shared->Run();
    }).detach();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  const std::lock_guard lock(shared_->mutex);
  shared_->work = std::move(work);
  shared_->changed.notify_all();
}

bool SideThread::Wait(std::chrono::milliseconds patience) const {
  if (!shared_) return true;
  std::unique_lock lock(shared_->mutex);
  return shared_->changed.wait_for(lock, patience, [this] { return !shared_->work; });
}

}  // namespace ballast::actuate
