#include "collector/record/codec.h"

#include <boost/crc.hpp>

#include <algorithm>
#include <cstring>

#include "collector/base/check.h"
#include "collector/record/wire.h"

namespace ballast::record {
namespace {

using model::EntityRef;
using model::EntityRow;
using model::Field;
using model::FieldSet;
using model::FieldType;
using model::Histogram;

// Tags. Part of the format: append only.
enum HeaderTag : std::uint32_t {
  kHost = 1,
  kBootId = 2,
  kIncarnation = 3,
  kSequence = 4,
  kAt = 5,
  kWallOffset = 6
};
enum BodyTag : std::uint32_t {
  kRow = 10,        // EntityRow, in ticks, events and keys
  kRemoved = 11,    // tick: EntityRef
  kEventKind = 12,  // event
  kSubject = 13,    // event: EntityRef
  kKeyCgroup = 14,  // event: WorkloadKey
  kKeyHierarchy = 15,
  kEventFields = 16,
  kFieldName = 17,  // key: {1: number, 2: name}
};
// Inside a row, field numbers are shifted so that both share one tag space.
enum RowTag : std::uint32_t { kRef = 1, kKind = 2, kParent = 3, kCleared = 4 };
constexpr std::uint32_t kFirstFieldTag = 16;
enum class FrameKind : std::uint8_t { kTick = 1, kEvent = 2, kKey = 3 };

// --- encoding ---------------------------------------------------------------

// sum, then the counts up to the last one that is not zero.
void WriteHistogram(WireWriter& out, std::uint32_t tag, const Histogram& histogram) {
  std::size_t used = Histogram::kBuckets;
  while (used > 0 && histogram.counts[used - 1] == 0) --used;
  out.Message(tag, [&](WireWriter& inner) {
    inner.Raw(histogram.sum_ns);
    for (std::size_t i = 0; i < used; ++i) inner.Raw(histogram.counts[i]);
  });
}

void WriteFields(WireWriter& out, const FieldSet& fields) {
  const auto tag = [](Field field) { return static_cast<std::uint32_t>(field) + kFirstFieldTag; };
  fields.ForEachNumber([&](Field field, std::uint64_t value) {
    if (model::InfoOf(field).type == FieldType::kReal) {
      out.Fixed64(tag(field), value);
    } else {
      out.Varint(tag(field), value);
    }
  });
  for (const auto& [field, histogram] : fields.histograms())
    WriteHistogram(out, tag(field), histogram);
  for (const auto& [field, text] : fields.texts()) out.Bytes(tag(field), text);
}

void WriteRow(WireWriter& out, const EntityRow& row) {
  out.Message(kRow, [&](WireWriter& inner) {
    inner.Varint(kRef, static_cast<std::uint32_t>(row.ref));
    if (row.kind) inner.Varint(kKind, static_cast<std::uint8_t>(*row.kind));
    if (row.parent) inner.Varint(kParent, static_cast<std::uint32_t>(*row.parent));
    for (const Field field : row.cleared) inner.Varint(kCleared, static_cast<std::uint16_t>(field));
    WriteFields(inner, row.fields);
  });
}

FrameKind WriteBody(WireWriter& out, const model::Tick& tick) {
  for (const EntityRow& row : tick.rows) WriteRow(out, row);
  for (const EntityRef ref : tick.removed) out.Varint(kRemoved, static_cast<std::uint32_t>(ref));
  return FrameKind::kTick;
}

FrameKind WriteBody(WireWriter& out, const model::Event& event) {
  out.Varint(kEventKind, static_cast<std::uint16_t>(event.kind));
  if (event.subject) out.Varint(kSubject, static_cast<std::uint32_t>(*event.subject));
  if (event.key) {
    out.Varint(kKeyCgroup, event.key->cgroup_id);
    out.Varint(kKeyHierarchy, event.key->hierarchy_id);
  }
  if (!event.fields.empty())
    out.Message(kEventFields, [&](WireWriter& inner) { WriteFields(inner, event.fields); });
  for (const EntityRow& row : event.rows) WriteRow(out, row);
  return FrameKind::kEvent;
}

FrameKind WriteBody(WireWriter& out, const model::Key& key) {
  for (const model::FieldName& name : key.field_names)
    out.Message(kFieldName, [&](WireWriter& inner) {
      inner.Varint(1, name.number);
      inner.Bytes(2, name.name);
    });
  for (const EntityRow& row : key.entities) WriteRow(out, row);
  return FrameKind::kKey;
}

void WriteHeader(WireWriter& out, const model::RecordHeader& header) {
  out.Bytes(kHost, header.host);
  out.Bytes(kBootId, header.boot_id);
  out.Varint(kIncarnation, header.incarnation);
  out.Varint(kSequence, header.sequence);
  out.Varint(kAt, static_cast<std::uint64_t>(header.at.count()));
  out.Signed(kWallOffset, header.wall_offset.count());
}

template <typename Int>
void PutInt(char* at, Int value) {
  std::memcpy(at, &value, sizeof value);
}
template <typename Int>
Int GetInt(std::string_view bytes, std::size_t at) {
  Int value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// CRC32C (Castagnoli, RFC 3720 B.4): what storage uses, and what disks and CPUs compute in
// hardware.
std::uint32_t Checksum(std::string_view frame) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(frame.data() + 12, frame.size() - 12);
  return crc.checksum();
}

// --- decoding ---------------------------------------------------------------

bool IsKnownKind(std::uint64_t kind) {
  return kind >= static_cast<std::uint64_t>(model::EntityKind::kHost) &&
         kind <= static_cast<std::uint64_t>(model::EntityKind::kLoss);
}

bool ReadHistogram(std::string_view bytes, Histogram& histogram) {
  WireReader in(bytes);
  const auto sum = in.Raw();
  if (!sum) return false;
  histogram.sum_ns = *sum;
  // More buckets than this build has: a newer writer's; the last one is open.
  for (std::size_t i = 0; !in.at_end(); ++i) {
    const auto count = in.Raw();
    if (!count) return false;
    histogram.counts[std::min<std::size_t>(i, Histogram::kBuckets - 1)] += *count;
  }
  return true;
}

// False: malformed. A field whose wire type is not the one of its table entry
// was redefined by somebody and is passed over like an unknown one.
bool ReadField(const WireItem& item, FieldSet& fields, Unknown& unknown) {
  const model::FieldInfo* info =
      item.tag < kFirstFieldTag ? nullptr : model::FindField(item.tag - kFirstFieldTag);
  if (info == nullptr) {
    ++unknown.items;
    return true;
  }
  switch (info->type) {
    case FieldType::kHistogram:
      if (item.type == WireType::kBytes) {
        Histogram histogram;
        if (!ReadHistogram(item.bytes, histogram)) return false;
        fields.SetHistogram(info->field, histogram);
        return true;
      }
      break;
    case FieldType::kText:
      if (item.type == WireType::kBytes) {
        fields.SetText(info->field, item.bytes);
        return true;
      }
      break;
    case FieldType::kReal:
      if (item.type == WireType::kFixed64) {
        fields.Set(info->field, item.number);
        return true;
      }
      break;
    case FieldType::kCounter:
    case FieldType::kGauge:
    case FieldType::kPeak:
    case FieldType::kLimit:
      if (item.type == WireType::kVarint) {
        fields.Set(info->field, item.number);
        return true;
      }
      break;
  }
  ++unknown.items;
  return true;
}

bool ReadFields(std::string_view bytes, FieldSet& fields, Unknown& unknown) {
  WireReader in(bytes);
  while (const auto item = in.Next())
    if (!ReadField(*item, fields, unknown)) return false;
  return !in.is_malformed();
}

// nullopt: malformed. A row of an unknown kind comes back with `keep` false.
struct ReadRowResult {
  EntityRow row;
  bool keep = true;
};
std::optional<ReadRowResult> ReadRow(std::string_view bytes, Unknown& unknown) {
  ReadRowResult read;
  WireReader in(bytes);
  while (const auto item = in.Next()) {
    switch (item->tag) {
      case kRef:
        read.row.ref = EntityRef{static_cast<std::uint32_t>(item->number)};
        break;
      case kKind:
        read.keep = IsKnownKind(item->number);
        if (read.keep) read.row.kind = static_cast<model::EntityKind>(item->number);
        break;
      case kParent:
        read.row.parent = EntityRef{static_cast<std::uint32_t>(item->number)};
        break;
      case kCleared:
        if (const auto* info = model::FindField(static_cast<std::uint32_t>(item->number)))
          read.row.cleared.push_back(info->field);
        break;
      default:
        if (!ReadField(*item, read.row.fields, unknown)) return std::nullopt;
    }
  }
  if (in.is_malformed()) return std::nullopt;
  if (!read.keep) ++unknown.items;
  return read;
}

model::FieldName ReadFieldName(std::string_view bytes) {
  model::FieldName name;
  WireReader in(bytes);
  while (const auto item = in.Next()) {
    if (item->tag == 1) name.number = static_cast<std::uint32_t>(item->number);
    if (item->tag == 2) name.name = std::string(item->bytes);
  }
  return name;
}

void ReadHeaderItem(const WireItem& item, model::RecordHeader& header) {
  switch (item.tag) {
    case kHost:
      header.host = std::string(item.bytes);
      break;
    case kBootId:
      header.boot_id = std::string(item.bytes);
      break;
    case kIncarnation:
      header.incarnation = item.number;
      break;
    case kSequence:
      header.sequence = item.number;
      break;
    case kAt:
      header.at = BootTime(static_cast<std::int64_t>(item.number));
      break;
    case kWallOffset:
      header.wall_offset = std::chrono::nanoseconds(item.AsSigned());
      break;
    default:
      break;
  }
}

// Collects the body items of any kind; the frame's kind says which are used.
struct Body {
  std::vector<EntityRow> rows;
  std::vector<EntityRef> removed;
  model::Event event;
  model::WorkloadKey key;
  bool has_key = false;
  std::vector<model::FieldName> names;
};

bool ReadBodyItem(const WireItem& item, Body& body, Unknown& unknown) {
  switch (item.tag) {
    case kRow: {
      auto read = ReadRow(item.bytes, unknown);
      if (!read) return false;
      if (read->keep) body.rows.push_back(std::move(read->row));
      return true;
    }
    case kRemoved:
      body.removed.push_back(EntityRef{static_cast<std::uint32_t>(item.number)});
      return true;
    case kEventKind:
      body.event.kind = static_cast<model::EventKind>(item.number);
      return true;
    case kSubject:
      body.event.subject = EntityRef{static_cast<std::uint32_t>(item.number)};
      return true;
    case kKeyCgroup:
      body.has_key = true;
      body.key.cgroup_id = item.number;
      return true;
    case kKeyHierarchy:
      body.key.hierarchy_id = static_cast<std::uint32_t>(item.number);
      return true;
    case kEventFields:
      return ReadFields(item.bytes, body.event.fields, unknown);
    case kFieldName:
      body.names.push_back(ReadFieldName(item.bytes));
      return true;
    default:
      ++unknown.items;
      return true;
  }
}

Error Damaged(const char* what) {
  return {std::make_error_code(std::errc::bad_message), what};
}

}  // namespace

void AppendFrame(std::string& out, const model::Record& record) {
  const std::size_t start = out.size();
  out.resize(start + kFrameHeaderBytes);
  WireWriter writer(out);
  WriteHeader(writer, record.header);
  const FrameKind kind =
      std::visit([&](const auto& body) { return WriteBody(writer, body); }, record.body);

  const std::size_t payload = out.size() - start - kFrameHeaderBytes;
  BALLAST_CHECK(payload <= kMaxPayloadBytes, "a record is bounded by the number of workloads");
  PutInt(&out[start], kMagic);
  PutInt(&out[start + 4], static_cast<std::uint32_t>(payload));
  out[start + 12] = static_cast<char>(kFormatVersion);
  out[start + 13] = static_cast<char>(kind);
  PutInt(&out[start + 14], std::uint16_t{0});
  PutInt(&out[start + 8], Checksum(std::string_view(out).substr(start)));
}

std::string EncodeFrame(const model::Record& record) {
  std::string frame;
  AppendFrame(frame, record);
  return frame;
}

Result<std::size_t> FrameSize(std::string_view bytes) {
  if (bytes.size() < kFrameHeaderBytes) return std::size_t{0};
  if (GetInt<std::uint32_t>(bytes, 0) != kMagic) return Damaged("record: no frame starts here");
  const auto payload = GetInt<std::uint32_t>(bytes, 4);
  if (payload > kMaxPayloadBytes) return Damaged("record: length out of bounds");
  return kFrameHeaderBytes + payload;
}

Result<model::Record> DecodeFrame(std::string_view frame, Unknown* unknown) {
  Unknown ignored;
  Unknown& seen = unknown == nullptr ? ignored : *unknown;
  BALLAST_TRY(const std::size_t size, FrameSize(frame), "decode");
  if (size == 0 || size > frame.size()) return Damaged("record: frame is cut short");
  frame = frame.substr(0, size);
  if (GetInt<std::uint32_t>(frame, 8) != Checksum(frame))
    return Damaged("record: checksum differs");
  const auto version = static_cast<std::uint8_t>(frame[12]);
  const auto kind = static_cast<std::uint8_t>(frame[13]);
  if (version != kFormatVersion || kind < 1 || kind > 3) {
    ++seen.kinds;
    return Error(std::make_error_code(std::errc::operation_not_supported),
                 "record: version " + std::to_string(version) + " kind " + std::to_string(kind) +
                     " was written by a newer Ballast");
  }

  model::Record record;
  Body body;
  WireReader in(frame.substr(kFrameHeaderBytes));
  while (const auto item = in.Next()) {
    if (item->tag < kRow) {
      ReadHeaderItem(*item, record.header);
    } else if (!ReadBodyItem(*item, body, seen)) {
      return Damaged("record: malformed payload");
    }
  }
  if (in.is_malformed()) return Damaged("record: malformed payload");

  switch (static_cast<FrameKind>(kind)) {
    case FrameKind::kTick:
      record.body = model::Tick{std::move(body.rows), std::move(body.removed)};
      break;
    case FrameKind::kEvent:
      body.event.rows = std::move(body.rows);
      if (body.has_key) body.event.key = body.key;
      record.body = std::move(body.event);
      break;
    case FrameKind::kKey:
      record.body = model::Key{std::move(body.rows), std::move(body.names)};
      break;
  }
  return record;
}

}  // namespace ballast::record
