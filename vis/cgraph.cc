// SPDX-License-Identifier: MIT
// libcgraph takes char* that it never writes to, keeps attributes in tables of the root graph, and by default numbers
// what it makes by the addresses of names, by which it then sorts subgraphs; all three end here.
#include "vis/cgraph.h"

#include <map>
#include <string>
#include <vector>

#include "trace/error.h"

namespace nstrace::vis {
namespace {

char* text(const std::string& s) {
  return const_cast<char*>(s.c_str());
}

Agsym_t* symbol(void* object, const std::string& name) {
  Agraph_t* root = graphviz().agroot(object);
  const int kind = AGTYPE(object) == AGINEDGE ? AGEDGE : static_cast<int>(AGTYPE(object));
  Agsym_t* found = graphviz().agattr(root, kind, text(name), nullptr);
  return found ? found : graphviz().agattr(root, kind, text(name), text(""));
}

// Numbers in order of first sight, so that the same calls give the same graph in every run. Names are kept in the
// graph's own table of strings: agwrite looks at what stands before them there.
class Ids {
 public:
  static void* open(Agraph_t* graph, Agdisc_t*) { return new Ids(graph); }
  static void close(void* state) { delete static_cast<Ids*>(state); }
  static long map(void* state, int, char* name, IDTYPE* id, int create) {
    Ids& ids = *static_cast<Ids*>(state);
    if (name) {
      if (const auto known = ids.by_name_.find(name); known != ids.by_name_.end()) {
        *id = known->second;
        return 1;
      }
      if (!create) return 0;
    }
    ids.names_.push_back(name ? graphviz().agstrdup(ids.graph_, name) : nullptr);
    *id = ids.names_.size();
    if (name) ids.by_name_[name] = *id;
    return 1;
  }
  static long alloc(void*, int, IDTYPE) { return 0; }
  static void free(void*, int, IDTYPE) {}
  static char* print(void* state, int, IDTYPE id) {
    const std::vector<char*>& names = static_cast<Ids*>(state)->names_;
    return id == 0 || id > names.size() ? nullptr : names[id - 1];
  }
  static void registered(void*, int, void*) {}

 private:
  explicit Ids(Agraph_t* graph) : graph_(graph) {}

  Agraph_t* graph_;
  std::map<std::string, IDTYPE, std::less<>> by_name_;
  std::vector<char*> names_;  // by number - 1; nullptr = without a name
};

Agiddisc_t* numbering() {
  static Agiddisc_t table{Ids::open, Ids::map, Ids::alloc, Ids::free, Ids::print, Ids::close, Ids::registered};
  return &table;
}

}  // namespace

GraphHandle new_digraph(const std::string& name) {
  static Agdisc_t disciplines{graphviz().AgMemDisc, numbering(), graphviz().AgIoDisc};
  GraphHandle graph(graphviz().agopen(text(name), *graphviz().Agdirected, &disciplines));
  if (!graph) throw Error("Graphviz cannot make a graph: out of memory");
  return graph;
}

Agnode_t* new_node(Agraph_t* graph, const std::string& id) {
  return graphviz().agnode(graph, text(id), 1);
}

Agedge_t* new_edge(Agraph_t* graph, Agnode_t* from, Agnode_t* to, const std::string& id) {
  return graphviz().agedge(graph, from, to, text(id), 1);
}

Agraph_t* new_subgraph(Agraph_t* graph, const std::string& id) {
  return graphviz().agsubg(graph, text(id), 1);
}

void set(void* object, const std::string& name, const std::string& value) {
  graphviz().agxset(object, symbol(object, name), text(value));
}

void set_html(void* object, const std::string& name, const std::string& value) {
  Agraph_t* root = graphviz().agroot(object);
  char* kept = graphviz().agstrdup_html(root, text(value));
  graphviz().agxset(object, symbol(object, name), kept);
  graphviz().agstrfree(root, kept);
}

void set_default(Agraph_t* graph, int kind, const std::string& name, const std::string& value) {
  graphviz().agattr(graphviz().agroot(graph), kind, text(name), text(value));
}

void set_text(void* object, const std::string& name, const std::string& value) {
  std::string escaped;
  for (const char c : value) escaped += c == '\\' ? std::string("\\\\") : std::string(1, c);
  set(object, name, escaped);
}

QuietGraphviz::QuietGraphviz() : before_(graphviz().agseterr(AGMAX)) {}
QuietGraphviz::~QuietGraphviz() {
  graphviz().agseterr(before_);
}

}  // namespace nstrace::vis
