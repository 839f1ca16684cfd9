#include "collector/pipeline/sequencer.h"

#include <unistd.h>

#include <array>

#include "collector/base/file.h"
#include "collector/record/codec.h"

namespace ballast::pipeline {

Result<HostIdentity> ReadHostIdentity() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return Error::FromErrno(errno, "host name");
  BALLAST_TRY(std::string boot_id, ReadSmallFile("/proc/sys/kernel/random/boot_id"),
              "host identity");
  boot_id.resize(boot_id.find_last_not_of('\n') + 1);
  return HostIdentity{name.data(), boot_id};
}

Sequencer::Sequencer(HostIdentity identity, const Clock& clock, PublishFn publish)
    : identity_(std::move(identity)),
      clock_(clock),
      publish_(std::move(publish)),
      incarnation_(static_cast<std::uint64_t>(clock.Now().count())) {
  model::EntityRow host{model::kHostRef, model::EntityKind::kHost, std::nullopt, {}, {}};
  host.fields.SetText(model::Field::kName, identity_.host);
  Write(model::Key{{std::move(host)}, model::KnownFieldNames()});
}

void Sequencer::Write(Body body) {
  auto published = std::make_shared<Published>();
  const BootTime now = clock_.Now();
  published->record = {.header = {.host = identity_.host,
                                  .boot_id = identity_.boot_id,
                                  .incarnation = incarnation_,
                                  .sequence = ++sequence_,
                                  .at = now,
                                  .wall_offset = clock_.Wall() - now},
                       .body = std::move(body)};
  state_.Apply(published->record);
  record::AppendFrame(published->frame, published->record);
  publish_(published);
}

void Sequencer::WriteKey() {
  Write(state_.ToKey());
}

}  // namespace ballast::pipeline
