#pragma once

// libvirt's functions, found at run time: Ballast runs where libvirt is not
// installed, and a host without VMs does not carry its 50 libraries in memory.
// Included only by the files that wrap libvirt.

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <string>
#include <string_view>

#include "collector/base/result.h"

namespace ballast::runtime {

// Each member is libvirt's function of that name; none is null.
struct LibvirtLibrary {
  decltype(&::virConnectOpen) ConnectOpen = nullptr;
  decltype(&::virConnectOpenReadOnly) ConnectOpenReadOnly = nullptr;
  decltype(&::virConnectClose) ConnectClose = nullptr;
  decltype(&::virConnectIsAlive) ConnectIsAlive = nullptr;
  decltype(&::virConnectSetKeepAlive) ConnectSetKeepAlive = nullptr;
  decltype(&::virConnectGetAllDomainStats) ConnectGetAllDomainStats = nullptr;
  decltype(&::virDomainStatsRecordListFree) DomainStatsRecordListFree = nullptr;
  decltype(&::virDomainLookupByUUIDString) DomainLookupByUUIDString = nullptr;
  decltype(&::virDomainFree) DomainFree = nullptr;
  decltype(&::virDomainGetName) DomainGetName = nullptr;
  decltype(&::virDomainGetID) DomainGetID = nullptr;
  decltype(&::virDomainGetUUIDString) DomainGetUUIDString = nullptr;
  decltype(&::virDomainGetInfo) DomainGetInfo = nullptr;
  decltype(&::virDomainGetMetadata) DomainGetMetadata = nullptr;
  decltype(&::virDomainGetXMLDesc) DomainGetXMLDesc = nullptr;
  decltype(&::virDomainListGetStats) DomainListGetStats = nullptr;
  decltype(&::virDomainSetMemoryFlags) DomainSetMemoryFlags = nullptr;
  decltype(&::virDomainSetMemoryStatsPeriod) DomainSetMemoryStatsPeriod = nullptr;
  decltype(&::virDomainSetVcpusFlags) DomainSetVcpusFlags = nullptr;
  decltype(&::virDomainGetSchedulerType) DomainGetSchedulerType = nullptr;
  decltype(&::virDomainGetSchedulerParametersFlags) DomainGetSchedulerParametersFlags = nullptr;
  decltype(&::virDomainSetSchedulerParametersFlags) DomainSetSchedulerParametersFlags = nullptr;
  decltype(&::virDomainGetBlockIoTune) DomainGetBlockIoTune = nullptr;
  decltype(&::virDomainSetBlockIoTune) DomainSetBlockIoTune = nullptr;
  decltype(&::virEventRegisterDefaultImpl) EventRegisterDefaultImpl = nullptr;
  decltype(&::virEventRunDefaultImpl) EventRunDefaultImpl = nullptr;
  decltype(&::virInitialize) Initialize = nullptr;
  decltype(&::virSetErrorFunc) SetErrorFunc = nullptr;
  decltype(&::virGetLastError) GetLastError = nullptr;
  decltype(&::virTypedParamsClear) TypedParamsClear = nullptr;
};

// Loaded once, by the first call, and kept. Error: libvirt.so.0 is not
// installed (ENOENT), or too old for a function. Thread-safe.
Result<const LibvirtLibrary*> LoadLibvirt();

// The calling thread's last libvirt error, after a call that failed.
Error LastLibvirtError(const LibvirtLibrary& library, std::string_view what);

}  // namespace ballast::runtime
