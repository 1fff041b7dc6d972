// SPDX-License-Identifier: MIT
// Opens libcgraph and libgvc by the names that the build found in them (SONAME), and looks up what is used.
#include "vis/graphviz.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include "trace/error.h"

namespace nstrace::vis {
namespace {

void* open_library(const char* name) {
  void* library = dlopen(name, RTLD_LAZY | RTLD_GLOBAL);  // global: its plugins use it
  if (!library) throw Error(fmt::format("{} is not here, which pictures need: apt-get install graphviz", name));
  return library;
}

template <typename Symbol>
void find(void* library, const char* name, Symbol*& symbol) {
  symbol = reinterpret_cast<Symbol*>(dlsym(library, name));
  if (!symbol)
    throw Error(fmt::format(
        "the Graphviz of this system has no {}, which pictures need: another is installed than nstrace was built with",
        name));
}

Graphviz load() {
  Graphviz g{};
  void* const cgraph = open_library(NSTRACE_LIBCGRAPH);
  find(cgraph, "agattr", g.agattr);
  find(cgraph, "agclose", g.agclose);
  find(cgraph, "agedge", g.agedge);
  find(cgraph, "agnode", g.agnode);
  find(cgraph, "agopen", g.agopen);
  find(cgraph, "agroot", g.agroot);
  find(cgraph, "agseterr", g.agseterr);
  find(cgraph, "agstrdup", g.agstrdup);
  find(cgraph, "agstrdup_html", g.agstrdup_html);
  find(cgraph, "agstrfree", g.agstrfree);
  find(cgraph, "agsubg", g.agsubg);
  find(cgraph, "agwrite", g.agwrite);
  find(cgraph, "agxset", g.agxset);
  find(cgraph, "Agdirected", g.Agdirected);
  find(cgraph, "AgIoDisc", g.AgIoDisc);
  find(cgraph, "AgMemDisc", g.AgMemDisc);
  void* const gvc = open_library(NSTRACE_LIBGVC);
  find(gvc, "gvContext", g.gvContext);
  find(gvc, "gvFreeContext", g.gvFreeContext);
  find(gvc, "gvFreeLayout", g.gvFreeLayout);
  find(gvc, "gvLayout", g.gvLayout);
  return g;
}

}  // namespace

const Graphviz& graphviz() {
  static const Graphviz functions = load();
  return functions;
}

}  // namespace nstrace::vis
