// SPDX-License-Identifier: MIT
// Over time: each moment is a row of text; at the left each process is a lane, painted for the rows in sight only, so
// that ten thousand rows cost what thirty do. Rows do not stand in proportion to time: silence is cut, and a row says so.
const timelineView = (() => {
  const kRow = 22, kHead = 112, kStripe = 2, kLong = 1e6;
  const scroll = byId('scroll'), canvas = byId('lanes'), holder = byId('rows');
  let rows = [], lanes = [], laneOf = new Map(), pitch = 26, width = 0, places = new Map();
  let key = '';

  function collect() {
    const every = state.every || state.query !== '';
    rows = [];
    let before = null;
    const span = calls.length ? calls[calls.length - 1].end - calls[0].end : 0, silence = Math.max(3e6, span / 12);
    const add = (row, time) => {
      if (trace.timed && before !== null && time - before > silence) rows.push({gap: time - before, event: row.event});
      before = before === null ? time : Math.max(before, time);
      rows.push(row);
    };
    if (every) {
      for (const call of calls) if (wantedCall(call)) add({event: call.event, process: call.process, call}, call.end);
    } else {
      for (const item of story) {
        if (wanted(item.e, item.p)) add({event: item.e, process: item.p, item}, timeAt(item.e));
      }
    }
    const used = new Set();
    for (const row of rows) {
      if (row.gap !== undefined || row.process < 0) continue;
      used.add(row.process);
      if (row.item && row.item.to !== undefined) used.add(row.item.to);
    }
    lanes = [...used].sort((a, b) => a - b);
    // A lane is used again when its process has ended, where there would be too many.
    laneOf = new Map();
    if (lanes.length <= 24) {
      lanes.forEach((id, i) => laneOf.set(id, i));
      width = lanes.length;
    } else {
      const free = [];
      const ends = [];  // [event, lane], by event
      width = 0;
      for (const id of lanes) {
        const born = processes[id].born;
        for (let i = ends.length - 1; i >= 0; --i) if (ends[i][0] <= born) free.push(...ends.splice(i, 1).map(e => e[1]));
        free.sort((a, b) => b - a);
        const lane = free.length ? free.pop() : width++;
        laneOf.set(id, lane);
        if (processes[id].end) ends.push([processes[id].end, lane]);
      }
    }
    pitch = Math.max(9, Math.min(26, 520 / Math.max(1, width)));
    places = new Map();
    let phase = -1;
    rows.forEach((row, i) => {
      if (row.gap !== undefined) return;
      places.set(row.event, i);
      const own = row.item ? (row.item.phase === undefined ? phase : row.item.phase) : -1;
      if (own !== phase && own >= 0) row.begins = phases[own].name;
      phase = own;
    });
  }

  const lanesWidth = () => Math.min(Math.ceil(width * pitch) + 86, Math.floor(scroll.clientWidth * 0.6));
  // The row of the last moment up to an event, as a place between rows.
  const placeOf = event => after(rows, event, row => row.event) - 1;

  function paint() {
    const w = lanesWidth(), h = scroll.clientHeight, ratio = window.devicePixelRatio || 1;
    if (canvas.width !== w * ratio || canvas.height !== h * ratio) {
      canvas.width = w * ratio;
      canvas.height = h * ratio;
      canvas.style.width = w + 'px';
      canvas.style.height = h + 'px';
      canvas.style.marginBottom = -h + 'px';
    }
    const c = canvas.getContext('2d');
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    const css = getComputedStyle(document.documentElement), tone = name => css.getPropertyValue('--' + name).trim();
    c.fillStyle = tone('paper');
    c.fillRect(0, 0, w, h);
    const top = scroll.scrollTop, y = place => kHead + place * kRow + kRow / 2 - top;
    const first = Math.max(0, Math.floor((top - kHead) / kRow) - 1), last = Math.min(rows.length - 1, Math.ceil((top + h - kHead) / kRow) + 1);
    // Many lanes: those around the middle row's.
    let shift = 0;
    const room = w - 86;
    if (width * pitch > room) {
      let sum = 0, count = 0;
      for (let i = first; i <= last; ++i) if (laneOf.has(rows[i].process)) { sum += laneOf.get(rows[i].process); ++count; }
      shift = Math.max(0, Math.min(width * pitch - room, (count ? sum / count : 0) * pitch - room / 2));
    }
    const x = id => 8 + laneOf.get(id) * pitch + pitch / 2 - shift;
    c.save();
    c.beginPath();
    c.rect(0, kHead - 6, w, h);
    c.clip();
    const bar = Math.min(kStripe * 8, pitch - 4), stripe = bar / 8;
    const named = [];
    for (const id of lanes) {
      const p = processes[id];
      const from = p.born ? placeOf(p.born) : -1, to = p.end ? placeOf(p.end) : rows.length;
      if (from > last || to < first) continue;
      const left = x(id) - bar / 2, y0 = Math.max(from < 0 ? kHead - 4 : y(from), kHead - 6), y1 = Math.min(y(Math.min(to, rows.length - 0.5)), h + 20);
      if (y1 < kHead - 6) continue;
      named.push(id);
      const faint = filtering() && state.processes.size && !state.processes.has(id);
      c.globalAlpha = faint ? 0.35 : 1;
      // stripes: one for each kind, in pieces between changes
      for (let i = 0; i < p.ns.length; i += 2) {
        const a = i === 0 ? y0 : Math.max(y0, Math.min(y1, y(placeOf(p.ns[i]))));
        const b = i + 2 < p.ns.length ? Math.max(y0, Math.min(y1, y(placeOf(p.ns[i + 2])))) : y1;
        if (b <= a) continue;
        p.ns[i + 1].forEach((nsId, k) => {
          const ns = namespaces[nsId];
          c.fillStyle = ns && ns.colour ? ns.colour : tone('hostbar');
          c.fillRect(left + k * stripe, a, stripe + 0.4, b - a);
        });
      }
      if (p.end && y1 < h) { c.fillStyle = p.failed ? tone('bad') : tone('dim'); c.fillRect(left - 3, y1 - 1, bar + 6, 2.5); }
      c.globalAlpha = 1;
    }
    // what the program's begin waited for: a line beside the bars, from process to process
    if (trace.path.length) {
      const clamp = at => Math.max(kHead - 8, Math.min(h + 20, at));
      c.strokeStyle = tone('path');
      c.lineWidth = 2.6;
      c.beginPath();
      let begun = false;
      for (let i = 0; i < trace.path.length; i += 3) {
        const [id, from, to] = trace.path.slice(i, i + 3);
        if (!laneOf.has(id)) continue;
        const at = x(id) - bar / 2 - 3.4, upper = clamp(y(placeOf(from))), lower = clamp(y(placeOf(to)));
        if (begun && lower - upper < 2 && i + 3 < trace.path.length) continue;  // too short to be seen
        if (begun) c.lineTo(at, lower); else c.moveTo(at, lower);
        c.lineTo(at, upper);
        begun = true;
      }
      c.stroke();
    }
    // arrows, dots, steps
    for (let i = first; i <= last; ++i) {
      const row = rows[i];
      if (row.gap !== undefined) {
        c.fillStyle = tone('paper');
        c.fillRect(0, y(i) - 4, w - 70, 8);
        c.strokeStyle = tone('line');
        for (const dy of [-4, 4]) {
          c.beginPath();
          for (let at = 4; at < w - 70; at += 8) { c.lineTo(at, y(i) + dy); c.lineTo(at + 4, y(i) + dy - 3); }
          c.stroke();
        }
        continue;
      }
      if (!laneOf.has(row.process)) continue;
      const item = row.item, at = x(row.process), faint = row.event > state.at;
      c.globalAlpha = faint ? 0.3 : 1;
      c.strokeStyle = tone('line');
      c.lineWidth = 0.6;
      c.beginPath();
      c.moveTo(at + bar / 2 + 3, y(i));
      c.lineTo(w - 66, y(i));
      c.stroke();
      // a long call: hatched from its begin
      const call = row.call || (item && callAt(row.event));
      if (call && call.end - call.start > kLong) {
        const begin = Math.max(placeOfTime(call.start), i - 40, row.process >= 0 && processes[row.process].born ? placeOf(processes[row.process].born) : 0);
        c.save();
        c.beginPath();
        c.rect(at - bar / 2, y(begin), bar, y(i) - y(begin));
        c.clip();
        c.strokeStyle = tone('paper');
        c.lineWidth = 1.2;
        c.beginPath();
        for (let d = y(begin) - bar; d < y(i) + bar; d += 5) { c.moveTo(at - bar / 2, d + bar); c.lineTo(at + bar / 2, d); }
        c.stroke();
        c.restore();
      }
      if (item && item.kind === 'fork' && laneOf.has(item.to)) {
        const to = x(item.to), side = to > at ? 1 : -1;
        c.strokeStyle = c.fillStyle = item.way ? tone('way') : tone('dim');
        c.lineWidth = item.way ? 2 : 1.2;
        c.beginPath();
        c.moveTo(at + side * (bar / 2 + 1), y(i));
        c.lineTo(to - side * (bar / 2 + 5), y(i));
        c.stroke();
        c.beginPath();
        c.moveTo(to - side * (bar / 2 + 1), y(i));
        c.lineTo(to - side * (bar / 2 + 7), y(i) - 3.5);
        c.lineTo(to - side * (bar / 2 + 7), y(i) + 3.5);
        c.fill();
      }
      if (item && item.step) {
        const words = String(item.step);
        c.font = '700 10px Helvetica, Arial, sans-serif';
        const half = Math.max(8, c.measureText(words).width / 2 + 4);
        c.fillStyle = tone('text');
        c.beginPath();
        c.roundRect(at - half, y(i) - 8, 2 * half, 16, 8);
        c.fill();
        c.fillStyle = tone('paper');
        c.textAlign = 'center';
        c.fillText(words, at, y(i) + 3.5);
      } else if (!(item && (item.kind === 'end' || item.kind === 'fork'))) {
        c.fillStyle = row.call && row.call.failed ? tone('bad') : tone('text');
        c.beginPath();
        c.arc(at, y(i), 2.6, 0, 7);
        c.fill();
      }
      c.globalAlpha = 1;
    }
    c.restore();
    if (state.at < lastEvent) {
      const line = y(placeOf(state.at)) + kRow / 2;
      c.fillStyle = tone('mark');
      if (line > kHead - 6) c.fillRect(0, line - 1, w, 1.5);
    }
    c.textAlign = 'left';
    for (const id of named) {
      const p = processes[id];
      c.save();
      c.translate(x(id) + 2, kHead - 10);
      c.rotate(-0.72);
      c.fillStyle = inkOf(containerColour(p)) || tone('text');
      c.font = (p.container !== undefined ? '700 ' : '') + '11px Helvetica, Arial, sans-serif';
      let words = shortName(nameAt(p, Math.max(rows.length ? rows[Math.min(last, rows.length - 1)].event : 0, p.born)));
      while (words.length > 3 && c.measureText(words).width > 130) words = words.replace(/\u2026$/, '').slice(0, -1) + '\u2026';
      c.fillText(words, 0, 0);
      c.restore();
    }
  }
  // The place among the rows of a time, with a fraction.
  function placeOfTime(time) {
    let low = 0, high = rows.length;
    const end = row => timeAt(row.event);
    while (low < high) { const m = (low + high) >> 1; if (end(rows[m]) <= time) low = m + 1; else high = m; }
    if (low === 0) return 0;
    if (low >= rows.length) return rows.length - 1;
    const a = end(rows[low - 1]), b = end(rows[low]);
    return low - 1 + (b > a ? (time - a) / (b - a) : 0);
  }

  function rowElement(row, i) {
    const left = lanesWidth() - 66;
    if (row.gap !== undefined) {
      const gap = el('div', {class: 'row gap'}, el('span', {class: 'clock'}), duration(row.gap) + ' without a step, cut short');
      gap.style.top = kHead + i * kRow + 'px';
      gap.style.left = left + 'px';
      return gap;
    }
    const p = processes[row.process], item = row.item, call = row.call;
    const who = el('span', {class: 'who'}, p ? shortName(nameAt(p, row.event - 1)) : '');
    if (p && containerColour(p)) who.style.boxShadow = 'inset 0 -2px ' + containerColour(p);
    const what = el('span', {class: 'what'});
    let more = [];
    if (item) {
      const word = {exec: 'exec ', name: 'is named '}[item.kind];
      if (item.step) what.append(el('span', {class: 'step'}, String(item.step)), ' ');
      if (word) what.append(el('b', {}, word));
      what.append(item.text);
      if (item.failed) what.classList.add('failed');
      more = [item.badges ? el('span', {class: 'badges'}, ...badges(item.badges)) : null, item.words ? el('span', {class: 'words'}, item.words) : null].filter(Boolean);
    } else {
      what.append(call.text.slice(0, 300) + (call.result !== '' ? ' = ' + call.result : ''));
      if (call.failed) what.classList.add('failed');
    }
    const element = el('div', {class: 'row' + (row.event > state.at ? ' future' : '') + (row.event === state.at && state.at < lastEvent || row.event === state.pinned ? ' here' : ''),
      role: 'option', title: row.begins ? 'phase: ' + row.begins : undefined, 'data-event': row.event, 'data-process': row.process}, el('span', {class: 'clock'}, trace.timed ? milliseconds(timeAt(row.event)) : ''), who, what, ...more,
      row.begins ? el('span', {class: 'phase'}, row.begins) : '');
    element.style.top = kHead + i * kRow + 'px';
    element.style.left = left + 'px';
    return element;
  }

  function show() {
    const h = scroll.clientHeight, top = scroll.scrollTop;
    const first = Math.max(0, Math.floor((top - kHead) / kRow) - 8), last = Math.min(rows.length - 1, Math.ceil((top + h - kHead) / kRow) + 8);
    holder.style.height = kHead + rows.length * kRow + 30 + 'px';
    const elements = [];
    for (let i = first; i <= last; ++i) elements.push(rowElement(rows[i], i));
    holder.replaceChildren(...elements);
    paint();
  }

  let waiting = false;
  const later = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; if (state.view === 'timeline') show(); });
  };

  // What the signs mean, those only that this trace has.
  function explainSigns() {
    const sign = (kind, words) => el('span', {}, el('i', {class: kind}), words);
    const stripes = el('span', {}, 'stripes of a bar, from the left:', ...kinds.map(kind => el('b', {}, kind)));
    const long = trace.timed && calls.some(call => call.end - call.start > kLong);
    const signs = [stripes, sign('grey', "the host's namespace"), sign('ends', 'ends'),
      trace.path.length ? sign('golden', 'what the program had to wait for before it could begin') : null,
      long ? sign('hatched', 'waits, or in a call that takes long') : null];
    byId('signs').replaceChildren(...signs.filter(Boolean));
  }

  return {
    init() {
      explainSigns();
      scroll.addEventListener('scroll', later);
      window.addEventListener('resize', later);
      matchMedia('(prefers-color-scheme: dark)').addEventListener('change', later);
      holder.addEventListener('click', e => {
        const row = e.target.closest('[data-event]');
        if (row) pin(Number(row.dataset.event));
      });
      holder.addEventListener('pointerover', e => {
        const row = e.target.closest('[data-event]');
        if (!row) return;
        const at = places.get(Number(row.dataset.event)), item = at === undefined ? null : rows[at].item;
        hover(Number(row.dataset.event), item && item.last || Number(row.dataset.event), Number(row.dataset.process));
      });
      holder.addEventListener('pointerleave', unhover);
    },
    collect() {
      const now = [state.every, state.query, ...state.processes, '|', ...state.namespaces, '|', ...state.phases].join();
      if (now === key) return;
      key = now;
      collect();
    },
    update: show,
    follow() {
      const top = kHead + placeOf(state.at) * kRow;
      if (top < scroll.scrollTop + kHead || top > scroll.scrollTop + scroll.clientHeight - 2 * kRow)
        scroll.scrollTop = top - scroll.clientHeight / 2;
    },
    events: () => rows.filter(row => row.gap === undefined).map(row => row.event),
    count: () => rows.filter(row => row.gap === undefined).length,
  };
})();
