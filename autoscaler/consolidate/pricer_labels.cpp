// Second search of the pricing problem: dynamic programming over the shapes by
// falling efficiency. A label is a partial filling; of labels that leave the
// same room only the most valuable can matter, and labels whose relaxed rest
// cannot beat the best are dropped. Flavours of clouds are multiples of few
// units, so labels meet often: the number of rooms stays small where the number
// of fillings explodes.

#include <algorithm>
#include <limits>

#include "autoscaler/consolidate/pricer.h"

namespace ballast::consolidate {
namespace {

constexpr double kEps = 1e-9;

struct Label {
  double value;
  double room;  // surrogate
  int parent;   // in the history; -1: empty host
  int item;     // added last
};

// Open addressing from room to label; rooms are stored once, flat.
class RoomTable {
 public:
  RoomTable(int resources, std::size_t expected) : resources_(resources) {
    std::size_t size = 64;
    while (size < 4 * expected) size *= 2;
    slots_.assign(size, -1);
  }

  // Slot of `room`: holds -1 when it is new.
  int& Find(const Amount* room, const std::vector<Amount>& rooms) {
    std::uint64_t hash = 0x9e3779b97f4a7c15ULL;
    for (int k = 0; k < resources_; ++k)
      hash = (hash ^ static_cast<std::uint64_t>(room[k])) * 0xff51afd7ed558ccdULL,
      hash ^= hash >> 29;
    for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      int& slot = slots_[at];
      if (slot < 0) return slot;
      const Amount* other = rooms.data() + static_cast<std::size_t>(slot) * resources_;
      if (std::equal(room, room + resources_, other)) return slot;
    }
  }

 private:
  int resources_;
  std::vector<int> slots_;
};

}  // namespace

double Pricer::SearchByLabels(std::size_t most_labels, WorkMeter& work) {
  const int resources = in_.resources;
  std::vector<Label> history;  // every label ever kept, for the way back
  std::vector<Label> labels = {{0, 1, -1, -1}};
  std::vector<Amount> rooms = room_;  // [label * resources + k]
  std::vector<int> ids = {-1};        // of labels in the history
  std::vector<Amount> room(static_cast<std::size_t>(resources));
  double best = best_;
  int best_id = -1;
  const double slack = 1 + tolerance_;
  for (std::size_t i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    const Shape& shape = in_.shapes[static_cast<std::size_t>(item.shape)];
    // Dropped before they are extended: the bound covers this item and the rest.
    std::size_t kept = 0;
    double bound = best * slack;
    for (std::size_t l = 0; l < labels.size(); ++l) {
      const double promise = labels[l].value + BoundFrom(i, labels[l].room);
      if (promise <= best * slack + kEps) continue;
      bound = std::max(bound, promise);
      labels[kept] = labels[l];
      ids[kept] = ids[l];
      std::copy_n(rooms.begin() + static_cast<std::ptrdiff_t>(l * resources), resources,
                  rooms.begin() + static_cast<std::ptrdiff_t>(kept * resources));
      ++kept;
    }
    labels.resize(kept);
    ids.resize(kept);
    rooms.resize(kept * static_cast<std::size_t>(resources));
    work.Spend(static_cast<std::int64_t>(kept) + 1);
    if (kept == 0) break;
    if (kept > most_labels || history.size() > 8 * most_labels || work.exhausted()) return bound;
    RoomTable table(resources, kept * 2);
    for (std::size_t l = 0; l < kept; ++l)
      table.Find(rooms.data() + l * resources, rooms) = static_cast<int>(l);
    std::size_t capacity = kept * 2;
    for (std::size_t l = 0; l < kept; ++l) {
      Label label = labels[l];
      std::copy_n(rooms.begin() + static_cast<std::ptrdiff_t>(l * resources), resources,
                  room.begin());
      for (int copy = 0; copy < item.most; ++copy) {
        bool fits = true;
        for (int k = 0; k < resources; ++k) fits &= shape.demand[k] <= room[k];
        if (!fits) break;
        for (int k = 0; k < resources; ++k) room[k] -= shape.demand[k];
        const int parent = copy == 0 ? ids[l] : static_cast<int>(history.size()) - 1;
        label = {label.value + item.value, std::max(0.0, label.room - item.size), parent,
                 static_cast<int>(i)};
        if (i + 1 < items_.size() &&
            label.value + BoundFrom(i + 1, label.room) <= best * slack + kEps &&
            label.value <= best + kEps && copy + 1 == item.most)
          break;
        history.push_back(label);
        const int id = static_cast<int>(history.size()) - 1;
        if (label.value > best + kEps) best = label.value, best_id = id;
        work.Spend(1);
        if (labels.size() >= capacity) {
          capacity *= 2;
          table = RoomTable(resources, capacity);
          for (std::size_t m = 0; m < labels.size(); ++m)
            table.Find(rooms.data() + m * resources, rooms) = static_cast<int>(m);
        }
        int& slot = table.Find(room.data(), rooms);
        if (slot < 0) {
          slot = static_cast<int>(labels.size());
          labels.push_back(label);
          ids.push_back(id);
          rooms.insert(rooms.end(), room.begin(), room.end());
        } else if (labels[static_cast<std::size_t>(slot)].value < label.value &&
                   static_cast<std::size_t>(slot) >= kept) {
          labels[static_cast<std::size_t>(slot)] = label;
          ids[static_cast<std::size_t>(slot)] = id;
        } else if (labels[static_cast<std::size_t>(slot)].value < label.value) {
          // An older label still has to be extended itself; keep both.
          labels.push_back(label);
          ids.push_back(id);
          rooms.insert(rooms.end(), room.begin(), room.end());
        }
        if (history.size() > 16 * most_labels) return std::max(bound, best * slack);
      }
    }
  }
  if (best_id >= 0) {
    std::fill(taken_.begin(), taken_.end(), 0);
    for (int id = best_id; id >= 0; id = history[static_cast<std::size_t>(id)].parent)
      ++taken_[static_cast<std::size_t>(history[static_cast<std::size_t>(id)].item)];
    // Labels do not know the anti-affinity sets: such a filling is a bound, no column.
    std::fill(set_count_.begin(), set_count_.end(), 0);
    bool valid = true;
    for (std::size_t i = 0; i < items_.size(); ++i)
      for (const int set : in_.shapes[static_cast<std::size_t>(items_[i].shape)].sets)
        valid &= (set_count_[static_cast<std::size_t>(set)] += taken_[i]) <=
                 in_.problem->anti_affinity[static_cast<std::size_t>(set)].at_most;
    std::fill(set_count_.begin(), set_count_.end(), 0);
    if (valid) Record(best);
    std::fill(taken_.begin(), taken_.end(), 0);
  }
  return best * slack;
}

}  // namespace ballast::consolidate
