// SPDX-License-Identifier: MIT
// The drawn tree: what has not happened yet at the moment is faint, what is not wanted is dimmed, and each card's band
// shows the namespaces of that moment.
const treeView = (() => {
  const svg = document.querySelector('#tree svg');
  const cards = [...svg.querySelectorAll('[data-p]')], rows = [...svg.querySelectorAll('[data-e]')];
  const edges = [...svg.querySelectorAll('[data-edge]')];
  // Whose an edge is: of who was made or of who entered then.
  const owner = edge => {
    const event = Number(edge.dataset.edge), born = processes.findIndex(p => p.born === event), call = callAt(event);
    return born >= 0 ? born : call ? call.process : -1;
  };
  const owners = new Map();  // by edge
  let fresh = true;          // nothing was shown yet
  const bands = new Map();  // process -> its band with what it shows

  function paintBand(card, id, moment) {
    const group = card.querySelector('[data-band]');
    if (!group) return;
    const p = processes[id], ids = nsAt(p, moment), text = ids.join();
    if (!bands.has(id)) bands.set(id, nsAt(p, lastEvent).join());
    if (bands.get(id) === text) return;
    bands.set(id, text);
    const border = card.querySelector(':scope > rect'), width = border.width.baseVal.value, left = border.x.baseVal.value;
    const box = group.getBBox();
    const make = (name, attributes, words) => {
      const shape = document.createElementNS('http://www.w3.org/2000/svg', name);
      for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
      if (words) shape.textContent = words;
      return shape;
    };
    const tile = width / ids.length;
    group.replaceChildren(...ids.flatMap((nsId, i) => {
      const ns = namespaces[nsId], own = ns && ns.colour, x = left + tile * i;
      const parts = [
        make('rect', {x: x, y: box.y, width: tile - 1, height: box.height, fill: own ? ns.colour : '', class: own ? '' : 'f-host'}),
        make('text', {x: x + tile / 2, y: box.y + (own ? 10 : box.height / 2 + 3), 'font-size': 7.8, 'text-anchor': 'middle',
          fill: own ? '#ffffff' : '', class: 'sans' + (own ? '' : ' f-hosttext')}, kinds[i]),
      ];
      if (!own) parts[0].removeAttribute('fill');
      if (own && box.height > 20) parts.push(make('text', {x: x + tile / 2, y: box.y + 20.5, 'font-size': 10.5,
        'text-anchor': 'middle', fill: '#ffffff', class: 'sans b'}, ns.text.slice(ns.type.length + 1)));
      return parts;
    }));
  }

  return {
    init() {
      for (const card of cards) {
        const id = Number(card.dataset.p);
        card.setAttribute('tabindex', '0');
        card.setAttribute('role', 'button');
        card.addEventListener('click', e => {
          const row = e.target.closest('[data-e]');
          if (row) pin(Number(row.dataset.e)); else toggle(state.processes, id);
        });
        card.addEventListener('keydown', e => {
          if (e.key === 'Enter') toggle(state.processes, id);
        });
        card.addEventListener('pointerover', e => {
          const row = e.target.closest('[data-e]');
          if (row) hover(Number(row.dataset.e), Number(row.dataset.u), id); else hoverProcess(id);
        });
      }
      for (const edge of edges) owners.set(edge, owner(edge));
      svg.addEventListener('pointerleave', unhover);
    },
    update(some) {
      for (const card of cards) {
        const id = Number(card.dataset.p), p = processes[id];
        card.classList.toggle('future', p.born > state.at);
        card.classList.toggle('over', p.end !== undefined && p.end <= state.at && state.at < lastEvent);
        card.classList.toggle('dim', some !== null && !some.has(id));
        paintBand(card, id, state.at);
      }
      const here = state.at === lastEvent ? null : state.at;
      for (const row of rows) {
        const e = Number(row.dataset.e);
        row.classList.toggle('future', e > state.at);
        row.classList.toggle('here', here !== null && e <= here && here <= Number(row.dataset.u));
      }
      for (const edge of edges) {
        edge.classList.toggle('future', Number(edge.dataset.edge) > state.at);
        edge.classList.toggle('dim', some !== null && !some.has(owners.get(edge)));
      }
      const call = here === null ? null : callAt(here);
      for (const card of cards) card.classList.toggle('now', call !== null && Number(card.dataset.p) === call.process);
    },
    // What is wide opens where it begins, not on blank paper.
    open() {
      const way = svg.querySelector('[data-p] > rect.s-way');
      if (fresh && way) way.scrollIntoView({block: 'nearest', inline: 'center'});
      fresh = false;
    },
    // The first that is wanted comes into sight.
    reveal() {
      const view = byId('tree').getBoundingClientRect(), found = cards.filter(c => !c.classList.contains('dim'));
      const seen = found.some(c => {
        const box = c.getBoundingClientRect();
        return box.bottom > view.top && box.top < view.bottom && box.right > view.left && box.left < view.right;
      });
      if (!seen && found.length) found[0].scrollIntoView({block: 'center', inline: 'center'});
    },
    follow() {
      const card = cards.find(c => c.classList.contains('now'));
      const row = rows.find(r => r.classList.contains('here'));
      const target = row || card;
      if (!target) return;
      const box = target.getBoundingClientRect(), view = byId('tree').getBoundingClientRect();
      if (box.top < view.top || box.bottom > view.bottom || box.left < view.left || box.right > view.right)
        target.scrollIntoView({block: 'center', inline: 'center'});
    },
  };
})();
