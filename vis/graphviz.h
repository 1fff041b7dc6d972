// SPDX-License-Identifier: MIT
// Graphviz's functions, out of libraries that are opened when the first graph is made: most commands make none, and to
// load six libraries takes longer than what many of them do. The types are those of its headers.
#pragma once

#include <graphviz/gvc.h>

namespace nstrace::vis {

struct Graphviz {
  decltype(::agattr)* agattr;
  decltype(::agclose)* agclose;
  decltype(::agedge)* agedge;
  decltype(::agnode)* agnode;
  decltype(::agopen)* agopen;
  decltype(::agroot)* agroot;
  decltype(::agseterr)* agseterr;
  decltype(::agstrdup)* agstrdup;
  decltype(::agstrdup_html)* agstrdup_html;
  decltype(::agstrfree)* agstrfree;
  decltype(::agsubg)* agsubg;
  decltype(::agwrite)* agwrite;
  decltype(::agxset)* agxset;
  decltype(::Agdirected)* Agdirected;
  decltype(::AgIoDisc)* AgIoDisc;
  decltype(::AgMemDisc)* AgMemDisc;
  decltype(::gvContext)* gvContext;
  decltype(::gvFreeContext)* gvFreeContext;
  decltype(::gvFreeLayout)* gvFreeLayout;
  decltype(::gvLayout)* gvLayout;
};

// The libraries that nstrace was built with. Throws Error when they are not here.
const Graphviz& graphviz();

}  // namespace nstrace::vis
