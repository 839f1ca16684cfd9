#include "collector/runtime/libvirt_library.h"

#include <dlfcn.h>
#include <pthread.h>

#include <cerrno>
#include <csignal>
#include <thread>

namespace ballast::runtime {
namespace {

// libvirt's ABI is this soname's since 2006; functions are only ever added.
constexpr const char* kLibrary = "libvirt.so.0";

class Binder {
 public:
  explicit Binder(void* handle) : handle_(handle) {}

  template <typename Function>
  void operator()(const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(handle_, name));
    if (function == nullptr && missing_ == nullptr) missing_ = name;
  }
  const char* missing() const { return missing_; }

 private:
  void* handle_;
  const char* missing_ = nullptr;  // the first one
};

// table
void BindAll(Binder& bind, LibvirtLibrary& library) {
  bind("virConnectOpen", library.ConnectOpen);
  bind("virConnectOpenReadOnly", library.ConnectOpenReadOnly);
  bind("virConnectClose", library.ConnectClose);
  bind("virConnectIsAlive", library.ConnectIsAlive);
  bind("virConnectSetKeepAlive", library.ConnectSetKeepAlive);
  bind("virConnectGetAllDomainStats", library.ConnectGetAllDomainStats);
  bind("virDomainStatsRecordListFree", library.DomainStatsRecordListFree);
  bind("virDomainLookupByUUIDString", library.DomainLookupByUUIDString);
  bind("virDomainFree", library.DomainFree);
  bind("virDomainGetName", library.DomainGetName);
  bind("virDomainGetID", library.DomainGetID);
  bind("virDomainGetUUIDString", library.DomainGetUUIDString);
  bind("virDomainGetInfo", library.DomainGetInfo);
  bind("virDomainGetMetadata", library.DomainGetMetadata);
  bind("virDomainGetXMLDesc", library.DomainGetXMLDesc);
  bind("virDomainListGetStats", library.DomainListGetStats);
  bind("virDomainSetMemoryFlags", library.DomainSetMemoryFlags);
  bind("virDomainSetMemoryStatsPeriod", library.DomainSetMemoryStatsPeriod);
  bind("virDomainSetVcpusFlags", library.DomainSetVcpusFlags);
  bind("virDomainGetSchedulerType", library.DomainGetSchedulerType);
  bind("virDomainGetSchedulerParametersFlags", library.DomainGetSchedulerParametersFlags);
  bind("virDomainSetSchedulerParametersFlags", library.DomainSetSchedulerParametersFlags);
  bind("virDomainGetBlockIoTune", library.DomainGetBlockIoTune);
  bind("virDomainSetBlockIoTune", library.DomainSetBlockIoTune);
  bind("virEventRegisterDefaultImpl", library.EventRegisterDefaultImpl);
  bind("virEventRunDefaultImpl", library.EventRunDefaultImpl);
  bind("virInitialize", library.Initialize);
  bind("virSetErrorFunc", library.SetErrorFunc);
  bind("virGetLastError", library.GetLastError);
  bind("virTypedParamsClear", library.TypedParamsClear);
}

// libvirt notices a daemon that hangs only by keepalive messages, and sends
// those only from its event loop. One thread for the life of the process;
// libvirt has no way to stop it safely, and it owns nothing of ours.
void RunEvents(const LibvirtLibrary& library) {
  std::thread([&library] {
    ::pthread_setname_np(::pthread_self(), "ballast-virt-ev");
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    while (library.EventRunDefaultImpl() == 0) {
    }
  }).detach();
}

Result<LibvirtLibrary*> Load() {
  static LibvirtLibrary library;
  // Never closed: libvirt keeps threads and thread-local errors.
  void* handle = ::dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) return Error::FromErrno(ENOENT, kLibrary);
  Binder bind(handle);
  BindAll(bind, library);
  if (bind.missing() != nullptr)
    return Error::FromErrno(ENOSYS, std::string(kLibrary) + ": " + bind.missing());
  // Before anything else, or it prints each error on standard error.
  library.SetErrorFunc(nullptr, [](void*, virErrorPtr) {});
  if (library.Initialize() != 0 || library.EventRegisterDefaultImpl() != 0)
    return LastLibvirtError(library, kLibrary);
  RunEvents(library);
  return &library;
}

std::error_code CodeOf(int libvirt_code) {
  switch (libvirt_code) {
    case VIR_ERR_NO_DOMAIN:
      return std::make_error_code(std::errc::no_such_process);
    case VIR_ERR_NO_SUPPORT:
    case VIR_ERR_OPERATION_UNSUPPORTED:
    case VIR_ERR_CONFIG_UNSUPPORTED:
    case VIR_ERR_ARGUMENT_UNSUPPORTED:
      return std::make_error_code(std::errc::not_supported);
    case VIR_ERR_ACCESS_DENIED:
    case VIR_ERR_OPERATION_DENIED:
    case VIR_ERR_AUTH_FAILED:
    case VIR_ERR_AUTH_UNAVAILABLE:
      return std::make_error_code(std::errc::permission_denied);
    case VIR_ERR_INVALID_ARG:
      return std::make_error_code(std::errc::invalid_argument);
    case VIR_ERR_OPERATION_TIMEOUT:
      return std::make_error_code(std::errc::timed_out);
    case VIR_ERR_OPERATION_INVALID:  // "domain is not running"
      return std::make_error_code(std::errc::operation_not_permitted);
    default:  // libvirt's own sentence says more than any errno
      return std::make_error_code(std::errc::io_error);
  }
}

}  // namespace

Result<const LibvirtLibrary*> LoadLibvirt() {
  static const Result<LibvirtLibrary*> loaded = Load();
  if (!loaded) return loaded.error();
  return *loaded;
}

Error LastLibvirtError(const LibvirtLibrary& library, std::string_view what) {
  const virError* last = library.GetLastError();
  if (last == nullptr) return Error::FromErrno(EIO, std::string(what));
  std::string text(what);
  if (last->message != nullptr) text.append(": ").append(last->message);
  return {CodeOf(last->code), std::move(text)};
}

}  // namespace ballast::runtime
