#include "collector/source/procfs/host_file_source.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "collector/source/cgroupfs/control_text.h"
#include "collector/source/procfs/host_text.h"

namespace ballast::source {
namespace {

using model::Field;

// The lines wanted are the first of each file; /proc/stat's interrupt line is longer than all
// before it.
constexpr std::size_t kBeginning = 4096;
constexpr std::uint64_t kNsPerUs = 1'000;

void SetIfAbsent(model::FieldSet& fields, Field field, std::optional<std::uint64_t> value) {
  if (!fields.Has(field)) fields.Set(field, value);
}

struct PressureFields {
  Field some, full;
};
constexpr std::array kPressure = {
    PressureFields{Field::kPressureCpuSomeNs, Field::kPressureCpuFullNs},
    PressureFields{Field::kPressureMemorySomeNs, Field::kPressureMemoryFullNs},
    PressureFields{Field::kPressureIoSomeNs, Field::kPressureIoFullNs},
};

}  // namespace

HostFileSource::HostFileSource(const HostPaths& paths)
    : stat_{paths.proc + "/stat"},
      meminfo_{paths.proc + "/meminfo"},
      online_{paths.sys + "/devices/system/cpu/online"},
      possible_{paths.sys + "/devices/system/cpu/possible"},
      pressure_{File{paths.proc + "/pressure/cpu"}, File{paths.proc + "/pressure/memory"},
                File{paths.proc + "/pressure/io"}} {
  text_.resize(kBeginning);
}

std::string_view HostFileSource::Read(File& file) {
  if (!file.fd.is_open()) file.fd.Reset(::open(file.path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.fd.is_open()) return {};
  const ssize_t got = ::pread(file.fd.get(), text_.data(), text_.size(), 0);
  if (got < 0) {
    file.fd.Reset();
    return {};
  }
  return {text_.data(), static_cast<std::size_t>(got)};
}

Result<> HostFileSource::Collect(Sample& sample) {
  model::FieldSet& host = sample.Of(kHostSlot);
  SetIfAbsent(host, Field::kCpusOnline, CountCpus(Read(online_)));
  SetIfAbsent(host, Field::kCpusPossible, CountCpus(Read(possible_)));
  CollectPressure(host);
  const auto cpu = ParseProcStat(Read(stat_));
  if (cpu) {
    SetIfAbsent(host, Field::kCpuUsageNs, cpu->busy_ns);
    SetIfAbsent(host, Field::kCpuUserNs, cpu->user_ns);
    SetIfAbsent(host, Field::kCpuSystemNs, cpu->system_ns);
  }
  const HostMemory memory = ParseMeminfo(Read(meminfo_));
  SetIfAbsent(host, Field::kMemoryTotalBytes, memory.total_bytes);
  SetIfAbsent(host, Field::kMemoryAvailableBytes, memory.available_bytes);
  if (!cpu) return Error::FromErrno(EIO, stat_.path + ": no usable `cpu` line");
  if (!memory.total_bytes)
    return Error::FromErrno(EIO, meminfo_.path + ": no usable `MemTotal` line");
  return Ok();
}

void HostFileSource::CollectPressure(model::FieldSet& host) {
  for (std::size_t i = 0; i < kPressure.size(); ++i) {
    const Pressure pressure = ParsePressure(Read(pressure_[i]));
    SetIfAbsent(host, kPressure[i].some, Scaled(pressure.some_us, kNsPerUs));
    SetIfAbsent(host, kPressure[i].full, Scaled(pressure.full_us, kNsPerUs));
  }
}

}  // namespace ballast::source
