// SPDX-License-Identifier: MIT
// Graphviz's graphs, owned: a thin wrapper so that nobody else needs to know who frees what.
#pragma once

#include <memory>
#include <string>

#include "vis/graphviz.h"

namespace nstrace::vis {

struct CloseGraph {
  void operator()(Agraph_t* graph) const { graphviz().agclose(graph); }
};
using GraphHandle = std::unique_ptr<Agraph_t, CloseGraph>;

GraphHandle new_digraph(const std::string& name);
Agnode_t* new_node(Agraph_t* graph, const std::string& id);
Agedge_t* new_edge(Agraph_t* graph, Agnode_t* from, Agnode_t* to, const std::string& id);
Agraph_t* new_subgraph(Agraph_t* graph, const std::string& id);

// Sets an attribute of a graph, node or edge. Declares it on the root with an empty default where that is still to do.
void set(void* object, const std::string& name, const std::string& value);
void set_html(void* object, const std::string& name, const std::string& value);
// The default of all nodes (AGNODE), edges (AGEDGE) or graphs (AGRAPH).
void set_default(Agraph_t* graph, int kind, const std::string& name, const std::string& value);

// As set(), of text in which Graphviz would interpret backslashes (labels, tooltips).
void set_text(void* object, const std::string& name, const std::string& value);

// While it lives, Graphviz prints nothing.
class QuietGraphviz {
 public:
  QuietGraphviz();
  ~QuietGraphviz();
  QuietGraphviz(const QuietGraphviz&) = delete;
  QuietGraphviz& operator=(const QuietGraphviz&) = delete;

 private:
  agerrlevel_t before_;
};

}  // namespace nstrace::vis
