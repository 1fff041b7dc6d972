// SPDX-License-Identifier: MIT
// libcgraph takes char* that it never writes to, and keeps attributes in tables of the root graph; both end here.
#include "vis/cgraph.h"

#include "trace/error.h"

namespace nstrace::vis {
namespace {

char* text(const std::string& s) {
  return const_cast<char*>(s.c_str());
}

Agsym_t* symbol(void* object, const std::string& name) {
  Agraph_t* root = agroot(object);
  const int kind = AGTYPE(object) == AGINEDGE ? AGEDGE : static_cast<int>(AGTYPE(object));
  Agsym_t* found = agattr(root, kind, text(name), nullptr);
  return found ? found : agattr(root, kind, text(name), text(""));
}

}  // namespace

GraphHandle new_digraph(const std::string& name) {
  GraphHandle graph(agopen(text(name), Agdirected, nullptr));
  if (!graph) throw Error("Graphviz cannot make a graph: out of memory");
  return graph;
}

Agnode_t* new_node(Agraph_t* graph, const std::string& id) {
  return agnode(graph, text(id), 1);
}

Agedge_t* new_edge(Agraph_t* graph, Agnode_t* from, Agnode_t* to, const std::string& id) {
  return agedge(graph, from, to, text(id), 1);
}

Agraph_t* new_subgraph(Agraph_t* graph, const std::string& id) {
  return agsubg(graph, text(id), 1);
}

void set(void* object, const std::string& name, const std::string& value) {
  agxset(object, symbol(object, name), text(value));
}

void set_html(void* object, const std::string& name, const std::string& value) {
  Agraph_t* root = agroot(object);
  char* kept = agstrdup_html(root, text(value));
  agxset(object, symbol(object, name), kept);
  agstrfree(root, kept);
}

void set_default(Agraph_t* graph, int kind, const std::string& name, const std::string& value) {
  agattr(agroot(graph), kind, text(name), text(value));
}

void set_text(void* object, const std::string& name, const std::string& value) {
  std::string escaped;
  for (const char c : value) escaped += c == '\\' ? std::string("\\\\") : std::string(1, c);
  set(object, name, escaped);
}

QuietGraphviz::QuietGraphviz() : before_(agseterr(AGMAX)) {}
QuietGraphviz::~QuietGraphviz() {
  agseterr(before_);
}

}  // namespace nstrace::vis
