// SPDX-License-Identifier: MIT
// Takes a model, draws who shares what at one moment. What is shared bears the same colour and number in every card, so
// the eye needs no lines between them; how pid namespaces lie in each other stands beside.
#include "vis/ns_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <map>

#include "vis/card.h"
#include "vis/facts.h"
#include "vis/headline.h"
#include "vis/namespaces.h"
#include "vis/snapshot.h"
#include "vis/svg.h"
#include "vis/text.h"

namespace nstrace::vis {

using model::kNoNamespace;
using model::NamespaceId;
using trace::Ns;

namespace {

using namespace style;

constexpr double kGap = 16, kPadding = 14, kTitleRow = 34, kWidest = 1060, kIndentStep = 20;
constexpr std::size_t kListed = 12;  // processes of a card

class NamespaceView {
 public:
  NamespaceView(const model::Model& model, const DrawOptions& options)
      : model_(model), options_(options), signs_(model), snapshot_(take_snapshot(model, options.at)) {}

  Sheet draw() {
    describe();
    make_cards();
    const Sheet pids = draw_pids();
    const double room = kWidest - (pids.w > 0 ? pids.w + 2 * kGap : 0);
    const Sheet boxes = draw_user(root(), room);
    const double body = boxes.w + (pids.w > 0 ? pids.w + 2 * kGap : 0);
    const double width = std::max(640.0, body);
    const Sheet head = draw_head(graph_, width), legend = draw_legend(graph_, width);
    Sheet sheet;
    sheet.w = width;
    sheet.place(head, 0, 0);
    const double top = head.h + 18;
    sheet.place(boxes, 0, top);
    if (pids.w > 0) sheet.place(pids, boxes.w + 2 * kGap, top);
    const double below = top + std::max(boxes.h, pids.h) + 22;
    sheet.box(0, below - 10, sheet.w, 1, {.fill = tone::kLine, .opacity = 0.6});
    sheet.place(legend, 0, below);
    sheet.h = below + legend.h;
    return sheet;
  }
  const std::string& title() const { return graph_.title; }

 private:
  void describe() {
    const Facts facts = facts_of(model_, options_.title);
    graph_.title = facts.title;
    graph_.facts = facts.facts;
    graph_.loss = facts.loss;
    graph_.lossy = facts.lossy;
    std::string_view which;
    switch (snapshot_.moment) {
      case Moment::Given:
        break;
      case Moment::End:
        which = ", at its end";
        break;
      case Moment::Containers:
        which = ", the last moment with the most containers";
        break;
      case Moment::Richest:
        which = ", when the most different sets of namespaces were in use";
        break;
    }
    const double ms = static_cast<double>(snapshot_.at) / 1e6;
    if (snapshot_.households.empty()) {
      graph_.notes.push_back(
          "no process whose namespaces are known; an strace log tells them only where a call names them");
    } else if (has_times(model_)) {
      graph_.notes.push_back(fmt::format("{:.2f} ms after the start of the trace{}", ms, which));
    } else if (!which.empty()) {
      graph_.notes.push_back("as it was" + std::string(which.substr(1)));
    }
  }

  // A card for each household; the graph has them as nodes, for the legend.
  void make_cards() {
    std::map<std::pair<Ns, int>, LegendEntry> legend;
    for (const Household& household : snapshot_.households) {
      Node node;
      node.id = fmt::format("s{}", graph_.nodes.size());
      node.band = signs_.band(household.ids);
      node.host = std::all_of(node.band.begin(), node.band.end(),
                              [](const Badge& badge) { return badge.kind == Badge::Kind::Host; });
      int family = -1;
      name_card(household, node, family);
      list(household, node);
      for (std::size_t i = 0; i < node.band.size(); ++i) {
        const Badge& badge = node.band[i];
        if (badge.kind != Badge::Kind::Own) continue;
        const model::Namespace& ns = model_.namespaces()[household.ids[badge.type]];
        legend[{badge.type, badge.number}] = {badge, fmt::format("{}:[{}]", ns_name(ns.type), ns.inode)};
      }
      cards_.push_back(draw_node(node, family));
      graph_.nodes.push_back(std::move(node));
    }
    for (const Ns type : kBandOrder) {
      for (auto& [key, entry] : legend) {
        if (key.first == type) graph_.legend.push_back(entry);
      }
    }
  }

  // Called after the container, where all of them are in one.
  void name_card(const Household& household, Node& node, int& family) const {
    const std::size_t count = household.residents.size();
    node.subtitle = count == 1 ? "1 process" : fmt::format("{} processes", count);
    if (node.host) {
      node.title = "on the host";
      return;
    }
    node.title = fit(household.residents.front().name, Font::Bold, kName, kCard - 2 * kPad);
    const auto container = model_.processes()[household.residents.front().process].container;
    const bool same = std::all_of(household.residents.begin(), household.residents.end(), [&](const Resident& r) {
      return model_.processes()[r.process].container == container;
    });
    if (!container || !same) return;
    const model::Container& c = model_.containers()[*container];
    const model::NsIds own = namespaces_of(model_, c);
    for (const Ns type : {Ns::Pid, Ns::Mnt}) {
      if (own[type] != household.ids[type]) return;  // on its way there, or to another one
    }
    family = signs_.family(c);
    node.title = headline(c, 22);
  }

  void list(const Household& household, Node& node) const {
    const std::size_t count = household.residents.size();
    for (std::size_t i = 0; i < count && (i < kListed || options_.all); ++i) {
      const Resident& resident = household.residents[i];
      const model::Process& p = model_.processes()[resident.process];
      Row row;
      const std::string pids = " \u00b7 " + pid_text(p);
      row.text = fit(resident.name, Font::Sans, kSmall, kCard - 2 * kPad - text_width(pids, Font::Sans, kSmall)) + pids;
      row.tip = resident.name + '\n' + pid_text(p);
      node.rows.push_back(std::move(row));
    }
    if (node.rows.size() == count) return;
    Row row;
    row.text = fmt::format("and {} more; --all lists each", count - node.rows.size());
    node.rows.push_back(std::move(row));
  }

  // The user namespace around a household.
  NamespaceId user_of(const Household& household) const { return household.ids[Ns::User]; }

  std::optional<NamespaceId> parent(NamespaceId id) const {
    if (id == kNoNamespace || model_.namespaces()[id].host) return std::nullopt;
    const model::Namespace& ns = model_.namespaces()[id];
    if (ns.parent && *ns.parent != id) return ns.parent;
    return host_of(ns.type);
  }

  std::optional<NamespaceId> host_of(Ns type) const {
    for (const model::Namespace& ns : model_.namespaces()) {
      if (ns.type == type && ns.host) return ns.id;
    }
    return std::nullopt;
  }

  // The outermost that is drawn; kNoNamespace stands for "not known".
  NamespaceId root() const { return host_of(Ns::User).value_or(kNoNamespace); }

  bool around(NamespaceId outer, NamespaceId inner) const {
    for (int depth = 0; depth < 40; ++depth) {  // the kernel allows 32
      if (inner == outer) return true;
      const auto up = parent(inner);
      if (!up) return outer == root();  // whatever is not known to be elsewhere
      inner = *up;
    }
    return false;
  }

  // The user namespaces right inside another one, of those that somebody lives in or below.
  std::vector<NamespaceId> users_in(NamespaceId outer) const {
    std::vector<NamespaceId> inside;
    for (const model::Namespace& ns : model_.namespaces()) {
      if (ns.type != Ns::User || ns.id == outer || ns.id == root()) continue;
      if (parent(ns.id).value_or(root()) != outer) continue;
      const bool inhabited = std::any_of(snapshot_.households.begin(), snapshot_.households.end(),
                                         [&](const Household& h) { return around(ns.id, user_of(h)); });
      if (inhabited) inside.push_back(ns.id);
    }
    return inside;
  }

  Sheet draw_user(NamespaceId user, double room) const {
    std::vector<Sheet> parts;
    for (std::size_t i = 0; i < snapshot_.households.size(); ++i) {
      const NamespaceId of = user_of(snapshot_.households[i]);
      if (of == user || (of == kNoNamespace && user == root())) parts.push_back(cards_[i]);
    }
    for (const NamespaceId inner : users_in(user)) parts.push_back(draw_user(inner, room - 2 * kPadding));

    Sheet sheet;
    const Badge badge = signs_.badge(Ns::User, user);
    double x = kPadding, y = kTitleRow + 4, tallest = 0;
    Sheet inner;
    for (const Sheet& part : parts) {
      if (x > kPadding && x + part.w + kPadding > room) {
        x = kPadding;
        y += tallest + kGap;
        tallest = 0;
      }
      inner.place(part, x, y);
      x += part.w + kGap;
      tallest = std::max(tallest, part.h);
      sheet.w = std::max(sheet.w, x - kGap + kPadding);
    }
    sheet.h = y + tallest + kPadding;
    const std::string words = badge.kind == Badge::Kind::Own    ? fmt::format("user namespace {}", badge.number)
                              : badge.kind == Badge::Kind::Host ? "the host's user namespace"
                                                                : "user namespace not known";
    sheet.w = std::max(sheet.w, text_width(words, Font::Bold, kName) + 2 * kPadding);
    const bool own = badge.kind == Badge::Kind::Own;
    const Paint line = own ? Paint(family_colour(badge.family, Ns::User)) : Paint(tone::kLine);
    sheet.open(badge.tip);
    sheet.box(0, 0, sheet.w, sheet.h,
              {.fill = own ? line : Paint(tone::kHost), .radius = 10, .opacity = own ? 0.10 : 0.28});
    sheet.box(0, 0, sheet.w, sheet.h, {.stroke = line, .radius = 10, .line = 1.4});
    sheet.text(kPadding, 22, words,
               {.font = Font::Bold, .size = kName, .fill = own ? Paint::ink_of(badge.family) : Paint(tone::kDim)});
    sheet.close();
    sheet.place(inner, 0, 0);
    return sheet;
  }

  // Pid namespaces as a tree, where there is more than the host's.
  Sheet draw_pids() const {
    std::map<NamespaceId, std::size_t> count;
    for (const Household& h : snapshot_.households) count[h.ids[Ns::Pid]] += h.residents.size();
    Sheet sheet;
    const auto host = host_of(Ns::Pid);
    if (!host || count.size() < 2) return sheet;
    sheet.text(0, 16, "pid namespaces, one in another", {.font = Font::Bold, .size = kSmall, .fill = tone::kDim});
    sheet.w = text_width("pid namespaces, one in another", Font::Bold, kSmall);
    sheet.h = 26;
    const std::function<bool(NamespaceId)> inhabited = [&](NamespaceId id) {
      if (count.count(id)) return true;
      return std::any_of(model_.namespaces().begin(), model_.namespaces().end(), [&](const model::Namespace& ns) {
        return ns.type == Ns::Pid && ns.id != id && parent(ns.id) == id && inhabited(ns.id);
      });
    };
    const std::function<void(NamespaceId, int, double)> put = [&](NamespaceId id, int depth, double above) {
      Badge badge = signs_.badge(Ns::Pid, id);
      const double x = depth * kIndentStep, y = sheet.h;
      if (depth > 0) {
        sheet.box(x - 11, above + 17, 1, y - 7 - above, {.fill = tone::kLine});
        sheet.box(x - 11, y + 9, 8, 1, {.fill = tone::kLine});
      }
      const Sheet drawn = draw_badge(badge);
      sheet.place(drawn, x, y + 2);
      const auto found = count.find(id);
      const std::size_t here = found == count.end() ? 0 : found->second;
      const std::string words = here == 1 ? "1 process" : fmt::format("{} processes", here);
      sheet.text(x + drawn.w + 6, y + 12.5, words, {.size = kSmall, .fill = tone::kDim});
      sheet.w = std::max(sheet.w, x + drawn.w + 6 + text_width(words, Font::Sans, kSmall));
      sheet.h += 21;
      for (const model::Namespace& ns : model_.namespaces()) {
        if (ns.type == Ns::Pid && ns.id != id && parent(ns.id) == id && inhabited(ns.id) && depth < 32)
          put(ns.id, depth + 1, y);
      }
    };
    put(*host, 0, 0);
    return sheet;
  }

  const model::Model& model_;
  const DrawOptions& options_;
  NamespaceSigns signs_;
  Snapshot snapshot_;
  Graph graph_;               // title, facts, legend, and the cards as nodes
  std::vector<Sheet> cards_;  // by household
};

}  // namespace

Sheet draw_namespaces(const model::Model& model, const DrawOptions& options) {
  return NamespaceView(model, options).draw();
}

std::string namespaces_svg(const model::Model& model, const DrawOptions& options) {
  NamespaceView view(model, options);
  const Sheet sheet = view.draw();
  return write_svg(sheet, view.title());
}

}  // namespace nstrace::vis
