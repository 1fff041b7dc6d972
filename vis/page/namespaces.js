// SPDX-License-Identifier: MIT
// Who shares what at the moment: user namespaces are boxes in each other, in them a card for each set of the other
// seven, as in the picture `--view namespaces`.
const namespacesView = (() => {
  const root = byId('namespaces');
  const kUser = kinds.indexOf('user'), kPid = kinds.indexOf('pid'), kMost = 12;

  function households() {
    const all = new Map();
    processes.forEach((p, id) => {
      if (!p.followed || !isAlive(p, state.at)) return;
      const ids = nsAt(p, state.at);
      if (ids.every(ns => ns < 0)) return;
      const key = ids.join();
      if (!all.has(key)) all.set(key, {ids, members: []});
      all.get(key).members.push(id);
    });
    return [...all.values()];
  }

  function card(house, some) {
    const first = processes[house.members[0]];
    const inside = house.members.map(id => processes[id]).find(p => p.container !== undefined);
    const host = house.ids.every(id => id < 0 || !namespaces[id].colour);
    const container = inside && containers[inside.container];
    const whole = container && house.ids.every((id, i) => id === container.ns[i]);
    const title = host ? 'on the host' : whole ? 'container ' + container.name : container ? 'on the way into ' + (container.name || 'a container')
      : 'in between: neither the host nor a container';
    const head = el('h4', {}, title);
    if (container && !host) head.style.boxShadow = 'inset 4px 0 ' + container.colour;
    const list = el('ul', {});
    for (const id of house.members.slice(0, kMost)) {
      const p = processes[id];
      list.append(el('li', {class: p.born === state.at || p.ns.includes(state.at) ? 'fresh' : ''},
        el('button', {type: 'button', onclick: () => toggle(state.processes, id), onpointerover: () => hoverProcess(id)},
          nameAt(p, state.at), el('span', {class: 'pid'}, p.pids))));
    }
    if (house.members.length > kMost) list.append(el('li', {class: 'pid'}, 'and ' + (house.members.length - kMost) + ' more'));
    const band = el('div', {class: 'band'}, ...house.ids.map((id, i) => {
      const ns = namespaces[id];
      const tile = el('button', {type: 'button', class: ns && ns.colour ? '' : 'host', title: ns ? ns.tip : 'not known', 'data-ns': id,
        onclick: () => { if (ns && ns.colour) toggle(state.namespaces, id); }}, kinds[i],
        el('b', {}, !ns ? '?' : ns.colour ? ns.text.slice(ns.type.length + 1) : 'host'));
      if (ns && ns.colour) tile.style.background = ns.colour;
      tile.addEventListener('pointerover', () => {
        for (const other of root.querySelectorAll('[data-ns]')) other.classList.toggle('same', id >= 0 && Number(other.dataset.ns) === id);
      });
      return tile;
    }));
    const dim = some !== null && !house.members.some(id => some.has(id));
    return el('div', {class: 'house' + (dim ? ' dim' : ''), 'data-first': first.pid}, head, list, band);
  }

  // Namespaces of one kind as a tree; what lies between two that are in use is shown, too.
  function nest(used, kind) {
    const children = new Map(), roots = [], known = new Set();
    const add = id => {
      if (known.has(id)) return;
      known.add(id);
      const parent = id >= 0 ? namespaces[id].parent : undefined;
      if (parent === undefined || namespaces[parent].type !== kind) { roots.push(id); return; }
      add(parent);
      if (!children.has(parent)) children.set(parent, []);
      children.get(parent).push(id);
    };
    used.forEach(add);
    return {roots, children};
  }

  return {
    init() { root.addEventListener('pointerleave', unhover); },
    update(some) {
      const houses = households();
      const users = nest([...new Set(houses.map(h => h.ids[kUser]))], 'user');
      const box = id => {
        const ns = namespaces[id];
        const title = !ns ? 'user namespace not known' : ns.colour ? 'user namespace ' + ns.text.slice(5) : "the host's user namespace";
        const element = el('div', {class: 'user'}, el('h3', {}, title), ...houses.filter(h => h.ids[kUser] === id).map(h => card(h, some)),
          ...(users.children.get(id) || []).map(box));
        if (ns && ns.colour) element.style.borderColor = ns.colour;
        return element;
      };
      const count = id => houses.filter(h => h.ids[kPid] === id).reduce((sum, h) => sum + h.members.length, 0);
      const pids = nest([...new Set(houses.map(h => h.ids[kPid]))].filter(id => id >= 0), 'pid');
      const branch = id => el('li', {}, badge(id, namespaces[id].colour ? undefined : 'pid host'), ' ' + count(id) + (count(id) === 1 ? ' process' : ' processes'),
        pids.children.has(id) ? el('ul', {}, ...pids.children.get(id).map(branch)) : null);
      root.replaceChildren(...users.roots.map(box),
        el('div', {class: 'nesting'}, el('b', {}, 'pid namespaces, one in another'), el('ul', {}, ...pids.roots.map(branch))));
      if (!houses.length) root.append('No process whose namespaces are known is alive at this moment.');
    },
    follow() {},
  };
})();
