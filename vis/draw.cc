// SPDX-License-Identifier: MIT
// Takes a recording and what is wanted of it, calls the part that makes it.
#include "vis/draw.h"

#include "trace/error.h"
#include "vis/brief.h"
#include "vis/dot.h"
#include "vis/facts.h"
#include "vis/mermaid.h"
#include "vis/ns_view.h"
#include "vis/page.h"
#include "vis/perfetto.h"
#include "vis/raster.h"
#include "vis/svg.h"
#include "vis/timeline.h"

namespace nstrace::vis {

std::optional<View> view_from_name(std::string_view name) {
  if (name == "tree") return View::Tree;
  if (name == "timeline") return View::Timeline;
  if (name == "namespaces") return View::Namespaces;
  return std::nullopt;
}

namespace {

Graph tree(const Recording& recording, const DrawOptions& options) {
  Graph graph = build_tree(recording, options);
  return options.all ? graph : brief(std::move(graph));
}

std::string svg(const Recording& recording, View view, const DrawOptions& options) {
  switch (view) {
    case View::Tree:
      return to_svg(tree(recording, options));
    case View::Timeline:
      return timeline_svg(build_tree(recording, options));
    case View::Namespaces:
      return namespaces_svg(recording, options);
  }
  return "";
}

}  // namespace

bool needs_calls(Picture picture) {
  return picture == Picture::Html || picture == Picture::Perfetto;
}

bool needs_times(View view, Picture picture) {
  return view == View::Timeline || picture == Picture::Html;
}

std::string draw(const Recording& recording, View view, Picture picture, const DrawOptions& wanted) {
  DrawOptions options = wanted;
  options.story = &recording.story();
  if (needs_times(view, picture)) options.timing = &recording.timing();
  switch (picture) {
    case Picture::Svg:
      return svg(recording, view, options);
    case Picture::Png:
      return png_of(svg(recording, view, options));
    case Picture::Pdf:
      return pdf_of(svg(recording, view, options), facts_of(recording, options.title).title,
                    recording.header().start_realtime);
    case Picture::Dot:
      if (view != View::Tree) throw Error("only the view `tree` is a graph: use --view tree for .dot, or -o FILE.svg");
      return to_dot(tree(recording, options));
    case Picture::Mermaid:
      if (view == View::Namespaces) {
        throw Error("the view `namespaces` cannot be had as .mmd, which is a sequence in time: use -o FILE.svg");
      }
      return to_mermaid(tree(recording, options));
    case Picture::Html:
      return html_page(recording, options);
    case Picture::Perfetto:
      return to_perfetto(recording, options);
  }
  return "";
}

}  // namespace nstrace::vis
