#pragma once

// The smallest virtual machine that is worth measuring: one vCPU in real mode
// under KVM, whose program leaves for the host as often as it is told.
//
//   TinyVm vm;
//   if (!vm.Open()) ... vm.problem()
//   vm.RunRound({.outs = 100, .cpuids = 30, .halts = 5, .halt = 3ms});
//   vm.ReadStats()["halt_exits"]                     // KVM's own account
//
// Interrupt controllers are the kernel's, so that halts are, too. Each halt ends
// by an interrupt that a second thread raises. The descriptors stay open until
// destruction: `anon_inode:kvm-vm` is how such a process is known for a VMM.

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

namespace ballast::test {

struct Round {
  std::uint16_t outs = 0;    // at least 1, as the loops below end only then
  std::uint16_t cpuids = 0;  // likewise
  std::uint16_t halts = 0;   // likewise
  std::chrono::milliseconds halt{3};

  // One that is asked for before each halt, the acknowledgement of its interrupt, and
  // one that ends the round.
  std::uint64_t io_exits() const { return std::uint64_t{outs} + 2 * halts + 1; }
};

class TinyVm {
 public:
  TinyVm() = default;
  TinyVm(const TinyVm&) = delete;
  TinyVm& operator=(const TinyVm&) = delete;
  ~TinyVm() {
    for (const int fd : {stats_, vcpu_, vm_, kvm_})
      if (fd >= 0) ::close(fd);
  }

  const std::string& problem() const { return problem_; }

  bool Open() {
    kvm_ = ::open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm_ < 0) return Fail("open /dev/kvm");
    vm_ = ::ioctl(kvm_, KVM_CREATE_VM, 0);
    if (vm_ < 0) return Fail("KVM_CREATE_VM");
    // Intel wants a place for it; AMD does not care.
    static_cast<void>(::ioctl(vm_, KVM_SET_TSS_ADDR, 0xfffbd000));
    if (::ioctl(vm_, KVM_CREATE_IRQCHIP, 0) != 0) return Fail("KVM_CREATE_IRQCHIP");
    memory_ = static_cast<std::uint8_t*>(
        ::mmap(nullptr, kMemoryBytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    const kvm_userspace_memory_region region{
        .slot = 0,
        .flags = 0,
        .guest_phys_addr = 0,
        .memory_size = kMemoryBytes,
        .userspace_addr = reinterpret_cast<std::uint64_t>(memory_)};
    if (::ioctl(vm_, KVM_SET_USER_MEMORY_REGION, &region) != 0) return Fail("memory");
    vcpu_ = ::ioctl(vm_, KVM_CREATE_VCPU, 0);
    if (vcpu_ < 0) return Fail("KVM_CREATE_VCPU");
    const int run_bytes = ::ioctl(kvm_, KVM_GET_VCPU_MMAP_SIZE, 0);
    run_ = static_cast<kvm_run*>(::mmap(nullptr, static_cast<std::size_t>(run_bytes),
                                        PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_, 0));
    stats_ = ::ioctl(vcpu_, KVM_GET_STATS_FD, 0);
    return SetUp();
  }

  bool RunRound(const Round& round) {
    const std::array<std::uint16_t, 3> counts = {round.outs, round.cpuids, round.halts};
    std::memcpy(memory_ + kCounts, counts.data(), sizeof(counts));
    for (;;) {
      if (::ioctl(vcpu_, KVM_RUN, 0) != 0) return Fail("KVM_RUN");
      if (run_->exit_reason != KVM_EXIT_IO)
        return Fail("exit " + std::to_string(run_->exit_reason));
      if (run_->io.port == kHalts) RaiseAfter(round.halt);
      if (run_->io.port == kDone) return true;
    }
  }

  // Empty: a kernel without KVM_GET_STATS_FD (before 5.14).
  std::map<std::string, std::uint64_t> ReadStats() const {
    std::map<std::string, std::uint64_t> stats;
    kvm_stats_header header{};
    if (stats_ < 0 || ::pread(stats_, &header, sizeof(header), 0) != sizeof(header)) return stats;
    // Linux's Documentation/virt/kvm/api.rst, 4.133: 16 bytes (the offset of the value at 8),
    // then the name. In C++ the kernel's own struct has another size.
    constexpr std::size_t kEntryBytes = 16, kOffsetAt = 8;
    const std::size_t entry_bytes = kEntryBytes + header.name_size;
    std::vector<char> entries(entry_bytes * header.num_desc);
    if (::pread(stats_, entries.data(), entries.size(), header.desc_offset) < 0) return stats;
    for (std::uint32_t i = 0; i < header.num_desc; ++i) {
      const char* entry = entries.data() + i * entry_bytes;
      std::uint32_t offset = 0;
      std::memcpy(&offset, entry + kOffsetAt, sizeof(offset));
      std::uint64_t value = 0;
      if (::pread(stats_, &value, sizeof(value), header.data_offset + offset) == sizeof(value))
        stats[entry + kEntryBytes] = value;
    }
    return stats;
  }

 private:
  static constexpr std::size_t kMemoryBytes = 0x10000;
  static constexpr std::size_t kCode = 0x1000, kHandler = 0x1100, kCounts = 0x2000;
  static constexpr std::uint16_t kHalts = 0x11, kDone = 0x12;

  bool SetUp() {
    constexpr std::array<std::uint8_t, 39> kProgram = {
        0xbc, 0x00, 0x80,        // start: mov sp, 0x8000
        0x8b, 0x0e, 0x00, 0x20,  //        mov cx, [outs]
        0xe6, 0x10,              // outs:  out 0x10, al
        0xe2, 0xfc,              //        loop outs
        0x8b, 0x36, 0x02, 0x20,  //        mov si, [cpuids]
        0x66, 0x31, 0xc0,        // ids:   xor eax, eax
        0x0f, 0xa2,              //        cpuid
        0x4e,                    //        dec si
        0x75, 0xf8,              //        jnz ids
        0x8b, 0x36, 0x04, 0x20,  //        mov si, [halts]
        0xe6, 0x11,              // halts: out 0x11, al   please wake me
        0xfb,                    //        sti            takes effect after hlt began
        0xf4,                    //        hlt
        0xfa,                    //        cli
        0x4e,                    //        dec si
        0x75, 0xf8,              //        jnz halts
        0xe6, 0x12,              //        out 0x12, al   the round is over
        0xeb, 0xd9,              //        jmp start
    };
    // push ax; mov al, 0x20; out 0x20, al (end of interrupt); pop ax; iret
    constexpr std::array<std::uint8_t, 7> kAcknowledge = {0x50, 0xb0, 0x20, 0xe6, 0x20, 0x58, 0xcf};
    // Vector 1: the interrupt controller as it is at reset passes line n as vector n.
    constexpr std::array<std::uint16_t, 2> kVector = {kHandler, 0};
    std::memcpy(memory_ + kCode, kProgram.data(), kProgram.size());
    std::memcpy(memory_ + kHandler, kAcknowledge.data(), kAcknowledge.size());
    std::memcpy(memory_ + 4, kVector.data(), sizeof(kVector));
    kvm_sregs system{};
    if (::ioctl(vcpu_, KVM_GET_SREGS, &system) != 0) return Fail("KVM_GET_SREGS");
    system.cs.base = 0;
    system.cs.selector = 0;
    if (::ioctl(vcpu_, KVM_SET_SREGS, &system) != 0) return Fail("KVM_SET_SREGS");
    kvm_regs registers{};
    registers.rip = kCode;
    registers.rflags = 2;
    return ::ioctl(vcpu_, KVM_SET_REGS, &registers) == 0 || Fail("KVM_SET_REGS");
  }

  void RaiseAfter(std::chrono::milliseconds wait) const {
    std::thread([vm = vm_, wait] {
      std::this_thread::sleep_for(wait);
      for (const std::uint32_t level : {1U, 0U}) {
        kvm_irq_level line{};
        line.irq = 1;
        line.level = level;
        ::ioctl(vm, KVM_IRQ_LINE, &line);
      }
    }).detach();
  }

  bool Fail(const std::string& what) {
    problem_ = what + ": " + std::strerror(errno);
    return false;
  }

  int kvm_ = -1, vm_ = -1, vcpu_ = -1, stats_ = -1;
  std::uint8_t* memory_ = nullptr;  // both until the process ends
  kvm_run* run_ = nullptr;
  std::string problem_;
};

}  // namespace ballast::test
