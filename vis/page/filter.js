// SPDX-License-Identifier: MIT
// What is wanted: a moment, words to search, and sets of processes, namespaces and phases. Empty sets want all.
const state = {
  view: 'tree', at: lastEvent, every: false, query: '', pinned: null,
  processes: new Set(), namespaces: new Set(), phases: new Set(),
};
const filtering = () => state.query !== '' || state.processes.size + state.namespaces.size + state.phases.size > 0;

const hay = new Map();  // of a call: what a search looks at, made when first asked
function hayOf(call) {
  let text = hay.get(call);
  if (text === undefined) {
    const p = processes[call.process];
    text = (call.text + ' = ' + call.result + ' ' + (p ? nameAt(p, call.event) + ' ' + p.pids : '')).toLowerCase();
    hay.set(call, text);
  }
  return text;
}

function wanted(event, process) {
  if (state.processes.size && !state.processes.has(process)) return false;
  if (state.phases.size && !state.phases.has(phaseOf(event))) return false;
  if (state.namespaces.size) {
    const p = processes[process];
    if (!p || !nsAt(p, event).some(id => state.namespaces.has(id))) return false;
  }
  return true;
}
const wantedCall = call => wanted(call.event, call.process) && (!state.query || hayOf(call).includes(state.query));

// Processes of which something is wanted.
function wantedProcesses() {
  const all = new Set();
  for (const call of calls) if (call.process >= 0 && !all.has(call.process) && wantedCall(call)) all.add(call.process);
  processes.forEach((p, id) => {  // those without a call of their own
    if (all.has(id) || state.phases.size || state.query && !(p.name + ' ' + p.pids).toLowerCase().includes(state.query)) return;
    if (state.processes.size && !state.processes.has(id)) return;
    if (state.namespaces.size && ![...state.namespaces].some(ns => everIn(p, ns))) return;
    all.add(id);
  });
  return all;
}

function toggle(set, value) {
  if (!set.delete(value)) set.add(value);
  update();
  if (state.view === 'tree' && filtering()) treeView.reveal();
}

function buildFilters() {
  const panel = byId('filters');
  panel.hidden = false;
  const section = (title, entries) => {
    if (!entries.length) return;
    panel.append(el('h2', {}, title), ...entries);
  };
  const told = new Set(steps.map(s => s.phase));
  section('phases', phases.map((f, i) => told.has(i) ? toggler('phases', i, {title: f.what}, f.name) : null).filter(Boolean));
  const shown = processes.map((p, id) => id).filter(id => processes[id].node);
  section('processes', shown.map(id => {
    const p = processes[id];
    const button = toggler('processes', id, {title: p.name + ', ' + p.pids}, el('span', {class: 'name'}, shortName(p.name)), el('span', {class: 'pid'}, String(p.pid)));
    const colour = containerColour(p);
    if (colour) button.style.boxShadow = 'inset 3px 0 ' + colour;
    return button;
  }));
  const seen = new Set();
  section('namespaces', namespaces.map((ns, id) => id).filter(id => !namespaces[id].host && !seen.has(namespaces[id].text) &&
    seen.add(namespaces[id].text)).map(id => toggler('namespaces', id, {title: namespaces[id].tip}, badge(id))));
}
function toggler(set, value, attributes, ...children) {
  return el('button', {type: 'button', 'aria-pressed': 'false', 'data-set': set, 'data-value': value, ...attributes,
    onclick: () => toggle(state[set], value)}, ...children);
}
function showFilters() {
  for (const button of document.querySelectorAll('#filters button')) {
    const value = Number(button.dataset.value);
    button.setAttribute('aria-pressed', String(state[button.dataset.set].has(value)));
    if (button.dataset.set === 'processes') button.classList.toggle('over', !isAlive(processes[value], state.at));
  }
}
