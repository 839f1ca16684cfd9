// Text format 0.0.4 and OpenMetrics 1.0. They differ in a counter's family name, in units, in
// exemplars and in the end mark.

#include "collector/export/labels.h"
#include "collector/export/page.h"
#include "collector/export/sample_text.h"

namespace ballast::exposition {
namespace {

// "seconds" of "x_seconds" and "x_seconds_total"; OpenMetrics wants it said.
std::string_view UnitOf(std::string_view name) {
  for (const std::string_view unit : {"seconds", "bytes", "cores"})
    if (name.ends_with(unit) && name.size() > unit.size() &&
        name[name.size() - unit.size() - 1] == '_')
      return unit;
  return {};
}

class TextPage final : public Page {
 public:
  explicit TextPage(std::shared_ptr<const Snapshot> snapshot)
      : snapshot_(std::move(snapshot)),
        is_open_metrics_(snapshot_->format == Format::kOpenMetrics) {}

  bool Next(std::string& piece) override {
    const std::size_t end = piece.size() + kPieceBytes;
    piece.reserve(end + kSlack);
    while (family_ < AllFamilies().size()) {
      if (!WriteRows(AllFamilies()[family_], piece, end)) return true;
      ++family_;
      row_ = 0;
      is_begun_ = false;
    }
    for (; own_ < snapshot_->own.size(); ++own_) {
      if (piece.size() >= end) return true;
      WriteOwn(snapshot_->own[own_], piece);
    }
    if (is_open_metrics_) piece.append("# EOF\n");
    return false;
  }

 private:
  // A row's lines: the largest histogram with the longest labels stays below.
  static constexpr std::size_t kSlack = 64 << 10;

  // One series of the family that is being written.
  struct Column {
    const std::vector<std::uint64_t>* cells = nullptr;
    Cell kind{};
    std::string before;  // name{
    std::string after;   // ,more} and the space; with info labels: only the comma
  };

  void Prepare(const Family& family, const Snapshot::Table& table) {
    columns_.clear();
    for (std::size_t i = 0; i < family.series_count; ++i) {
      const Series& series = family.series[i];
      Column column{&table.columns[family.first_column + i], CellOf(series),
                    std::string(family.spec.name), ""};
      const bool has_labels = family.group != Group::kHost || !series.labels.empty();
      if (has_labels) column.before += '{';
      if (!series.labels.empty()) {
        if (family.group != Group::kHost) column.after += ',';
        column.after.append(series.labels);
      }
      if (has_labels) column.after += '}';
      column.after += ' ';
      columns_.push_back(std::move(column));
    }
  }

  // False: the piece is full and the family goes on.
  bool WriteRows(const Family& family, std::string& piece, std::size_t end) {
    const Snapshot::Table& table = snapshot_->Of(family.group);
    if (row_ == 0) Prepare(family, table);
    for (; row_ < table.rows(); ++row_) {
      if (piece.size() >= end) return false;
      for (std::size_t i = 0; i < columns_.size(); ++i) {
        const std::uint64_t cell = (*columns_[i].cells)[row_];
        if (cell == kAbsent) continue;
        if (!is_begun_) WriteHead(family.spec.name, family.spec.help, family.spec.kind, piece);
        is_begun_ = true;
        WriteCell(family, i, cell, piece);
      }
    }
    return true;
  }

  void WriteCell(const Family& family, std::size_t i, std::uint64_t cell, std::string& piece) {
    const Snapshot::Table& table = snapshot_->Of(family.group);
    const Column& column = columns_[i];
    const std::string& labels = table.labels[row_];
    if (column.kind == Cell::kHistogram) {
      const Exemplar* exemplar =
          is_open_metrics_ && family.has_exemplars ? &table.exemplars[row_] : nullptr;
      return AppendHistogram(piece, family.spec.name, labels, family.series[i].labels,
                             snapshot_->histograms[cell], exemplar);
    }
    piece.append(column.before).append(labels);
    // The host is no workload of a kind, and has no such labels.
    if (family.has_info_labels && !table.info[row_].empty())
      piece.append(1, ',').append(table.info[row_]);
    piece.append(column.after);
    if (column.kind == Cell::kWhole)
      AppendNumber(piece, cell);
    else if (column.kind == Cell::kNanoseconds)
      AppendSeconds(piece, cell);
    else
      AppendNumber(piece, std::bit_cast<double>(cell));
    piece += '\n';
  }

  void WriteHead(std::string_view name, std::string_view help, metrics::Kind kind,
                 std::string& piece) const {
    if (is_open_metrics_ && kind == metrics::Kind::kCounter)
      name.remove_suffix(std::string_view("_total").size());
    piece.append("# HELP ").append(name).append(1, ' ');
    AppendHelp(piece, help, is_open_metrics_);
    piece.append("\n# TYPE ").append(name).append(1, ' ').append(NameOf(kind)).append(1, '\n');
    const std::string_view unit = UnitOf(name);
    if (is_open_metrics_ && !unit.empty())
      piece.append("# UNIT ").append(name).append(1, ' ').append(unit).append(1, '\n');
  }

  void WriteOwn(const metrics::OwnFamily& family, std::string& piece) const {
    WriteHead(family.name, family.help, family.kind, piece);
    for (const metrics::OwnSample& sample : family.samples) {
      std::string labels;
      for (const auto& [name, value] : sample.labels)
        AppendLabel(labels, snapshot_->format, name, value);
      if (family.kind != metrics::Kind::kHistogram) {
        AppendSeries(piece, family.name, "", labels, "");
        AppendNumber(piece, sample.value);
        piece += '\n';
        continue;
      }
      for (const auto& [edge, count] : sample.buckets) {
        std::string le = "le=\"";
        AppendNumber(le, edge);
        AppendSeries(piece, family.name, "_bucket", labels, le + '"');
        AppendNumber(piece, count);
        piece += '\n';
      }
      AppendSeries(piece, family.name, "_sum", labels, "");
      AppendNumber(piece, sample.sum);
      piece += '\n';
      AppendSeries(piece, family.name, "_count", labels, "");
      AppendNumber(piece, sample.buckets.empty() ? 0 : sample.buckets.back().second);
      piece += '\n';
    }
  }

  std::shared_ptr<const Snapshot> snapshot_;
  const bool is_open_metrics_;
  std::size_t family_ = 0, row_ = 0, own_ = 0;
  bool is_begun_ = false;
  std::vector<Column> columns_;
};

}  // namespace

std::unique_ptr<Page> MakeTextPage(std::shared_ptr<const Snapshot> snapshot) {
  return std::make_unique<TextPage>(std::move(snapshot));
}

}  // namespace ballast::exposition
