// SPDX-License-Identifier: MIT
// The page: what was asked by mouse and keys goes into `state`, and update() makes all that is seen follow it.
const views = {tree: treeView, timeline: timelineView, namespaces: namespacesView};

// The call under the pointer or at the moment, whole.
function showCalls(list, process) {
  const panel = byId('detail');
  panel.replaceChildren();
  if (process !== undefined && process >= 0 && !list.length) return describeProcess(panel, process);
  if (!list.length) return showStory(panel);
  const first = list[0], p = processes[first.process];
  const item = story.find(s => s.e === first.event && s.p === first.process);
  const told = stepsAt(first.event, list[list.length - 1].event, first.process);
  for (const step of told) {
    panel.append(el('h2', {}, 'step ' + step.n + ', ' + phases[step.phase].name), el('p', {class: 'words'}, step.text));
    if (step.see.length) panel.append(el('p', {class: 'see'}, 'see ' + step.see.join('; ')));
  }
  if (!told.length && item && item.words) panel.append(el('p', {class: 'words'}, item.words));
  if (item && item.badges) panel.append(el('p', {}, ...badges(item.badges)));
  for (const call of list.slice(0, 200)) {
    panel.append(el('pre', {class: call.failed ? 'failed' : ''}, call.text + (call.result !== '' ? ' = ' + call.result : '')));
  }
  if (list.length > 200) panel.append(el('p', {}, 'and ' + (list.length - 200) + ' more'));
  const facts = el('dl', {});
  const fact = (name, ...what) => facts.append(el('dt', {}, name), el('dd', {}, ...what));
  if (p) fact('who', nameAt(p, first.event - 1), el('span', {class: 'pid'}, p.pids));
  if (first.tid && p && first.tid !== p.pid) fact('thread', String(first.tid));
  if (trace.timed) fact('when', milliseconds(first.end) + ' ms');
  if (trace.timed && first.end > first.start) fact('took', duration(first.end - first.start));
  const phase = phaseOf(first.event);
  if (phase >= 0 && !told.length) fact('phase', phases[phase].name);
  if (p) fact('lives in', ...nsAt(p, first.event).map(id => badge(id)));
  fact('event', String(first.event) + (list.length > 1 ? ' to ' + list[list.length - 1].event : ''));
  panel.append(facts);
}
// With nothing pointed at: all steps, each a way to its moment.
function showStory(panel) {
  panel.append(el('p', {class: 'pid'}, 'Point at a step, a process or a call to read the whole of it here. Click to keep it.'));
  let chapter = -1, phase = -1;
  for (const step of steps) {
    if (step.chapter !== chapter) { chapter = step.chapter; phase = -1; panel.append(el('h3', {}, trace.chapters[chapter])); }
    if (step.phase !== phase) { phase = step.phase; panel.append(el('h2', {}, phases[phase].name)); }
    panel.append(el('button', {type: 'button', class: 'told', 'data-step': step.n, onclick: () => pin(step.e)},
      el('span', {class: 'step'}, String(step.n)), ' ' + step.text));
  }
}
function describeProcess(panel, id) {
  const p = processes[id];
  panel.append(el('h2', {}, 'process'), el('p', {class: 'words'}, el('b', {}, nameAt(p, state.at)), el('span', {class: 'pid'}, p.pids)));
  const facts = el('dl', {});
  const fact = (name, ...what) => facts.append(el('dt', {}, name), el('dd', {}, ...what));
  if (p.creator !== undefined) fact('made by', nameAt(processes[p.creator], p.born) + ', pid ' + processes[p.creator].pid);
  if (trace.timed && p.born) fact('made at', milliseconds(timeAt(p.born)) + ' ms');
  if (trace.timed && p.end) fact('ended at', milliseconds(timeAt(p.end)) + ' ms');
  if (p.container !== undefined) fact('container', containers[p.container].name || '(without a name)');
  fact('lives in', ...nsAt(p, state.at).map(ns => badge(ns)));
  fact('was called', ...p.called.filter((_, i) => i % 2 === 1).flatMap((name, i) => i ? [el('br'), name] : [name]));
  panel.append(facts);
}

function callsBetween(from, to, process) {
  const list = [];
  for (let i = after(calls, from - 1, c => c.event); i < calls.length && calls[i].event <= to; ++i)
    if (calls[i].process === process || calls[i].event === from) list.push(calls[i]);
  return list;
}
function hover(from, to, process) { showCalls(callsBetween(from, to, process)); }
function hoverProcess(id) { showCalls([], id); }
function unhover() { showMoment(); }
function showMoment() {
  const event = state.pinned !== null ? state.pinned : state.at < lastEvent ? state.at : null;
  const item = event === null ? null : story.find(s => s.e === event);
  showCalls(event === null ? [] : callsBetween(event, item && item.last || event, item ? item.p : -1));
}

function pin(event) {
  state.pinned = state.pinned === event ? null : event;
  go(event);
}
function go(event) {
  state.at = Math.max(0, Math.min(lastEvent, event));
  update();
  views[state.view].follow();
}
// To the next row there is, or the one before.
function step(by) {
  const events = timelineView.events();
  const at = after(events, state.at, e => e);
  const next = by > 0 ? at : (events[at - 1] === state.at ? at - 2 : at - 1);
  state.pinned = null;
  if (next < 0) go(0); else if (next >= events.length) go(lastEvent); else go(events[next]);
  return next < events.length;
}

// To the next row that a search found; behind the last comes the first.
function seek(by) {
  const events = timelineView.events();
  if (!events.length) return;
  const at = after(events, state.at, e => e);
  const next = by > 0 ? at : (events[at - 1] === state.at ? at - 2 : at - 1);
  state.pinned = null;
  go(events[(next + events.length) % events.length]);
}

let timer = 0;
function play(on) {
  clearTimeout(timer);
  timer = 0;
  byId('play').setAttribute('aria-pressed', String(on));
  byId('play').textContent = on ? 'pause' : 'play';
  if (!on) return;
  if (state.at >= lastEvent) go(0);
  const tick = () => {
    const before = timeAt(state.at);
    if (!step(1) || state.at >= lastEvent) return play(false);
    timer = setTimeout(tick, Math.max(150, Math.min(900, (timeAt(state.at) - before) / 1e6 * 10 + 150)));
  };
  timer = setTimeout(tick, 100);
}

function update() {
  timelineView.collect();
  const some = filtering() ? wantedProcesses() : null;
  for (const name of Object.keys(views)) {
    byId(name).hidden = name !== state.view;
    byId('tab-' + name).setAttribute('aria-selected', String(name === state.view));
  }
  views[state.view].update(some);
  if (state.view === 'tree') treeView.open();
  showFilters();
  byId('clear').hidden = !filtering() && state.pinned === null && state.at === lastEvent;
  byId('every').setAttribute('aria-pressed', String(state.every));
  const count = timelineView.count();
  byId('found').textContent = filtering() ? (count === 0 ? 'nothing' : count + (state.every || state.query ? ' calls' : ' steps')) : '';
  byId('time').value = state.at;
  const call = callAt(state.at), p = call && processes[call.process];
  const item = story.find(s => s.e === state.at);
  const now = state.at === 0 ? 'before the first event' : (trace.timed ? milliseconds(timeAt(state.at)) + ' ms' : 'event ' + state.at) +
    (state.at === lastEvent ? ', the end' : '') + (call ? ' \u00b7 ' + (p ? nameAt(p, state.at - 1) + ': ' : '') + (item ? item.text : call.text.slice(0, 200)) : '');
  byId('now').textContent = now;
  byId('time').setAttribute('aria-valuetext', now);
  showMoment();
}

function clearAll() {
  for (const set of [state.processes, state.namespaces, state.phases]) set.clear();
  state.query = byId('search').value = '';
  state.pinned = null;
  state.at = lastEvent;
  play(false);
  update();
}
function show(view) {
  state.view = view;
  update();
  if (state.at < lastEvent) views[view].follow();
}

function keys(e) {
  if (e.ctrlKey || e.metaKey || e.altKey || byId('keys').open) return;
  const typing = e.target === byId('search');
  if (e.key === 'Escape') { clearAll(); byId('search').blur(); return; }
  if (typing) {
    if (e.key === 'Enter') { seek(e.shiftKey ? -1 : 1); e.preventDefault(); }
    return;
  }
  const onButton = e.target.tagName === 'BUTTON' || e.target.getAttribute && e.target.getAttribute('role') === 'button';
  const act = {
    1: () => show('tree'), 2: () => show('timeline'), 3: () => show('namespaces'),
    '/': () => byId('search').focus(), a: () => { state.every = !state.every; update(); },
    ArrowLeft: () => step(-1), ArrowRight: () => step(1), k: () => step(-1), j: () => step(1),
    Home: () => { state.pinned = null; go(0); }, End: () => { state.pinned = null; go(lastEvent); },
    '?': () => byId('keys').showModal(),
  };
  if (state.view === 'timeline') { act.ArrowUp = act.ArrowLeft; act.ArrowDown = act.ArrowRight; }
  if (e.key === ' ' && !onButton) play(timer === 0);
  else if (act[e.key]) { if (timer && e.key.startsWith('Arrow')) play(false); act[e.key](); }
  else return;
  e.preventDefault();
}

(() => {
  for (const id of ['tools', 'detail', 'player']) byId(id).hidden = false;
  buildFilters();
  for (const view of Object.values(views)) view.init();
  for (const tab of document.querySelectorAll('[data-view]')) tab.addEventListener('click', () => show(tab.dataset.view));
  byId('search').addEventListener('input', e => { state.query = e.target.value.trim().toLowerCase(); update(); });
  byId('every').addEventListener('click', () => { state.every = !state.every; update(); });
  byId('clear').addEventListener('click', clearAll);
  byId('help').addEventListener('click', () => byId('keys').showModal());
  byId('play').addEventListener('click', () => play(timer === 0));
  byId('back').addEventListener('click', () => step(-1));
  byId('forward').addEventListener('click', () => step(1));
  byId('time').max = lastEvent;
  byId('time').addEventListener('input', e => { play(false); state.pinned = null; go(Number(e.target.value)); });
  document.addEventListener('keydown', keys);
  const wish = location.hash.slice(1);
  if (views[wish]) state.view = wish;
  update();
})();
