// SPDX-License-Identifier: MIT
'use strict';
// The trace as the page was given it, and questions to it. A moment is the number of an event: at moment e, event e has
// happened. Text from the trace reaches the page by textContent only.
const trace = JSON.parse(document.getElementById('trace').textContent);
const kinds = ['mnt', 'uts', 'ipc', 'net', 'pid', 'user', 'cgroup', 'time'];  // the order of every list of namespaces
const processes = trace.processes, namespaces = trace.ns, containers = trace.containers, story = trace.story;
const calls = trace.calls.map(([event, process, tid, kind, start, end, text, result, flags]) =>
  ({event, process, tid, kind, start, end, text, result, failed: (flags & 1) !== 0, thread: (flags & 2) !== 0}));
const phases = trace.phases, steps = trace.steps;
const lastEvent = calls.length ? calls[calls.length - 1].event : 0;
const nsByText = new Map(namespaces.map((ns, id) => [ns.text, id]));
const processOfNode = new Map(processes.map((p, id) => [p.node, id]));

// The place in a list sorted by key where `value` would come after all that are not greater.
function after(list, value, key) {
  let low = 0, high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(list[middle]) <= value) low = middle + 1; else high = middle;
  }
  return low;
}
const callAt = event => {
  const at = after(calls, event, c => c.event) - 1;
  return at >= 0 && calls[at].event === event ? calls[at] : null;
};
const timeAt = event => {
  const at = after(calls, event, c => c.event) - 1;
  return at >= 0 ? calls[at].end : 0;
};
const isAlive = (p, e) => (p.born === 0 ? true : p.born <= e) && !(p.end && p.end <= e);
function nameAt(p, e) {
  let name = p.name;
  for (let i = 0; i < p.called.length; i += 2) if (i === 0 || p.called[i] <= e) name = p.called[i + 1];
  return name;
}
// What all shims have in front goes, so that what they differ in stays (vis/headline.h).
const shortName = name => name.replace(/^containerd-(?=shim)/, '');
function nsAt(p, e) {
  let ids = p.ns[1];
  for (let i = 2; i < p.ns.length; i += 2) if (p.ns[i] <= e) ids = p.ns[i + 1];
  return ids;
}
const everIn = (p, id) => p.ns.some((ids, i) => i % 2 === 1 && ids.includes(id));
// Of an event: that of the last step of its process, else of anybody, that had begun.
const phaseOf = (() => {
  const of = new Map();
  const order = [...steps].sort((a, b) => a.e - b.e);
  let at = 0, all = -1;
  const own = new Map();
  for (const call of calls) {
    while (at < order.length && order[at].e <= call.event) { all = order[at].phase; own.set(order[at].p, order[at].phase); ++at; }
    of.set(call.event, own.has(call.process) ? own.get(call.process) : all);
  }
  return event => of.has(event) ? of.get(event) : -1;
})();
const stepsAt = (from, to, process) => steps.filter(s => s.p === process && s.e <= to && s.last >= from);
const containerColour = p => p.container === undefined ? '' : containers[p.container].colour;
// A colour that text can have on the page's paper: on a dark one, half way to white.
const dark = matchMedia('(prefers-color-scheme: dark)');
const inkOf = colour => !colour || !dark.matches ? colour
  : '#' + [1, 3, 5].map(i => ((parseInt(colour.slice(i, i + 2), 16) + 255) >> 1).toString(16).padStart(2, '0')).join('');

function milliseconds(ns) { return (ns / 1e6).toFixed(2); }
function duration(ns) {
  if (ns < 1e6) return (ns / 1e3).toFixed(0) + ' \u00b5s';
  if (ns < 1e8) return (ns / 1e6).toFixed(1) + ' ms';
  return ns < 1e9 ? (ns / 1e6).toFixed(0) + ' ms' : (ns / 1e9).toFixed(2) + ' s';
}

// An element; strings among the children become text.
function el(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(key, value);
  }
  element.append(...children.filter(child => child !== null && child !== undefined && child !== ''));
  return element;
}
const byId = id => document.getElementById(id);
function badge(id, text) {
  const ns = namespaces[id];
  const sign = el('span', {class: 'badge' + (ns && ns.colour ? '' : ' host'), title: ns ? ns.tip : ''}, text || (ns ? ns.text : '?'));
  if (ns && ns.colour) sign.style.background = ns.colour;
  return sign;
}
const badges = texts => (texts || []).map(text => badge(nsByText.has(text) ? nsByText.get(text) : -1, text));
