/** Sizes in SVG units. */
export const nodeWidth = 164;
export const nodeHeight = 54;

const layerGap = { across: 168, down: 78 };
const nodeGap = { across: 46, down: 22 };
const margin = 34;
const maxBends = 200;

/**
 * Places nodes in layers: callers before callees. Calls that lead back into an earlier layer do not
 * count, so that circles have a place as well.
 * @param across true: layers from left to right; false: from top to bottom, two nodes wide.
 */
export function placeNodes(ids, pairs, across) {
  const found = layersOf(ids, pairs);
  const bends = across ? addBends(found, pairs) : new Map();
  const layers = order(found, withBends(pairs, bends));
  const rows = across ? layers : layers.flatMap((layer) => chunks(layer, 2));
  const size = { main: across ? nodeWidth : nodeHeight, cross: across ? nodeHeight : nodeWidth };
  const gap = across
    ? { main: layerGap.across, cross: nodeGap.across }
    : { main: layerGap.down, cross: nodeGap.down };
  const longest = Math.max(1, ...rows.map(({ length }) => length));
  const extent = (count, unit, space) => count * unit + (count - 1) * space;
  const { ahead, before } = startOf(pairs, across);
  const crossTotal = extent(longest, size.cross, gap.cross);
  const places = new Map();
  for (const [layer, row] of rows.entries()) {
    const begin = (crossTotal - extent(row.length, size.cross, gap.cross)) / 2;
    for (const [index, id] of row.entries()) {
      const main = ahead + layer * (size.main + gap.main);
      const cross = before + begin + index * (size.cross + gap.cross);
      places.set(id, { x: across ? main : cross, y: across ? cross : main, layer });
    }
  }
  const mainTotal = extent(Math.max(1, rows.length), size.main, gap.main);
  const [width, height] = across ? [mainTotal, crossTotal] : [crossTotal, mainTotal];
  const isBack = ([from, to]) => from !== to && places.get(to).layer <= places.get(from).layer;
  // Lines that lead back go around, with their labels.
  const around = pairs.some(isBack) ? 1 : 0;
  const [left, top] = across ? [ahead, before] : [before, ahead];
  return {
    places: new Map(ids.map((id) => [id, places.get(id)])),
    /** The points by which lines over several layers go around the nodes between. */
    bendsOf: (from, to) =>
      (bends.get(`${from}\n${to}`) ?? []).map((id) => {
        const { x, y } = places.get(id);
        return { x: x + nodeWidth / 2, y: y + nodeHeight / 2 };
      }),
    width: width + left + margin + (across ? 0 : around * 64),
    height: height + top + margin + (across ? around * 30 : 0),
  };
}

/** Gives lines that cross a layer a place of their own in it. */
function addBends(layers, pairs) {
  const layerOf = new Map(layers.flatMap((layer, at) => layer.map((id) => [id, at])));
  const bends = new Map();
  const spans = pairs.map(([from, to]) => Math.max(0, layerOf.get(to) - layerOf.get(from) - 1));
  // A drawing that large is a net whatever is done.
  if (spans.reduce((sum, span) => sum + span, 0) > maxBends) return bends;
  for (const [from, to] of pairs) {
    const key = `${from}\n${to}`;
    for (let at = layerOf.get(from) + 1; at < layerOf.get(to); at += 1) {
      const id = `${key}\n${at}`;
      layers[at].push(id);
      bends.set(key, [...(bends.get(key) ?? []), id]);
    }
  }
  return bends;
}

function withBends(pairs, bends) {
  return pairs.flatMap(([from, to]) => {
    const stops = [from, ...(bends.get(`${from}\n${to}`) ?? []), to];
    return stops.slice(1).map((stop, at) => [stops[at], stop]);
  });
}

/** Calls of an app to itself are drawn above it. */
function startOf(pairs, across) {
  const top = pairs.some(([from, to]) => from === to) ? margin + 22 : margin;
  return across ? { ahead: margin, before: top } : { ahead: top, before: margin };
}

/** Longest way from a node that nobody calls; a way back is not followed. */
function layersOf(ids, pairs) {
  const callees = new Map(ids.map((id) => [id, []]));
  const called = new Set();
  for (const [from, to] of pairs) {
    if (from === to) continue;
    callees.get(from)?.push(to);
    called.add(to);
  }
  const depth = new Map();
  const under = new Set();
  const visit = (id, least) => {
    if (under.has(id) || (depth.get(id) ?? -1) >= least) return;
    depth.set(id, least);
    under.add(id);
    for (const callee of callees.get(id) ?? []) visit(callee, least + 1);
    under.delete(id);
  };
  const roots = ids.filter((id) => !called.has(id));
  for (const id of roots) visit(id, 0);
  // What is left are circles: they begin where more calls go out than come in.
  const surplus = new Map(ids.map((id) => [id, 0]));
  for (const [from, to] of pairs) {
    surplus.set(from, (surplus.get(from) ?? 0) + 1);
    surplus.set(to, (surplus.get(to) ?? 0) - 1);
  }
  for (const id of [...ids].sort((a, b) => surplus.get(b) - surplus.get(a))) {
    if (!depth.has(id)) visit(id, 0);
  }
  const layers = [];
  for (const id of ids) {
    const at = depth.get(id);
    layers[at] ??= [];
    layers[at].push(id);
  }
  return Array.from(layers, (layer) => layer ?? []).filter(({ length }) => length > 0);
}

/** Fewer crossings: each node goes near the middle of those that it is connected with. */
function order(layers, pairs) {
  for (let sweep = 0; sweep < 4; sweep += 1) {
    const position = new Map();
    for (const layer of layers) {
      for (const [index, id] of layer.entries()) position.set(id, (index + 0.5) / layer.length);
    }
    for (const layer of layers) {
      const wish = new Map(layer.map((id) => [id, middle(id, pairs, position)]));
      layer.sort((a, b) => wish.get(a) - wish.get(b));
    }
  }
  return layers;
}

function middle(id, pairs, position) {
  let sum = 0;
  let count = 0;
  for (const [from, to] of pairs) {
    if (from === to || (from !== id && to !== id)) continue;
    sum += position.get(from === id ? to : from) ?? 0;
    count += 1;
  }
  return count === 0 ? 2 : sum / count;
}

function chunks(list, size) {
  const parts = [];
  for (let at = 0; at < list.length; at += size) parts.push(list.slice(at, at + size));
  return parts;
}

/** The line of a connection, and its points by how far along they are, from 0 to 1. */
export function route(from, to, across, bends = []) {
  if (from === to) return loop(from);
  if (to.layer <= from.layer) return wayBack(from, to, across);
  const [begin, end] = across
    ? [
        { x: from.x + nodeWidth, y: from.y + nodeHeight / 2 },
        { x: to.x - 7, y: to.y + nodeHeight / 2 },
      ]
    : [
        { x: from.x + nodeWidth / 2, y: from.y + nodeHeight },
        { x: to.x + nodeWidth / 2, y: to.y - 7 },
      ];
  if (bends.length > 0) return joined([begin, ...bends, end]);
  const bend = across ? (end.x - begin.x) / 2 : (end.y - begin.y) / 2;
  const [one, two] = across
    ? [
        { x: begin.x + bend, y: begin.y },
        { x: end.x - bend, y: end.y },
      ]
    : [
        { x: begin.x, y: begin.y + bend },
        { x: end.x, y: end.y - bend },
      ];
  return curve([begin, one, two, end]);
}

/** Curves from stop to stop, level at each. */
function joined(stops) {
  const parts = stops.slice(1).map((end, at) => {
    const begin = stops[at];
    const half = (end.x - begin.x) / 2;
    return curve([begin, { x: begin.x + half, y: begin.y }, { x: end.x - half, y: end.y }, end]);
  });
  return {
    path: parts.map(({ path }) => path).join(""),
    point: (t) => {
      const at = Math.min(parts.length - 1, Math.floor(t * parts.length));
      return parts[at].point(t * parts.length - at);
    },
  };
}

function wayBack(from, to, across) {
  const shift = 20;
  if (across) {
    const begin = { x: from.x + nodeWidth / 2 - shift, y: from.y + nodeHeight };
    const end = { x: to.x + nodeWidth / 2 + shift, y: to.y + nodeHeight + 7 };
    const low = Math.max(begin.y, end.y) + 46;
    return curve([begin, { x: begin.x, y: low }, { x: end.x, y: low }, end]);
  }
  const begin = { x: from.x + nodeWidth, y: from.y + nodeHeight / 2 - 8 };
  const end = { x: to.x + nodeWidth + 7, y: to.y + nodeHeight / 2 + 8 };
  const far = Math.max(begin.x, end.x) + 40;
  return curve([begin, { x: far, y: begin.y }, { x: far, y: end.y }, end]);
}

function loop(node) {
  const begin = { x: node.x + nodeWidth * 0.4, y: node.y };
  const end = { x: node.x + nodeWidth * 0.6, y: node.y - 7 };
  const high = node.y - 34;
  return curve([begin, { x: begin.x - 12, y: high }, { x: end.x + 12, y: high }, end]);
}

function curve([a, b, c, d]) {
  const on = (t, k) => {
    const u = 1 - t;
    return u ** 3 * a[k] + 3 * u * u * t * b[k] + 3 * u * t * t * c[k] + t ** 3 * d[k];
  };
  return {
    path: `M${a.x} ${a.y}C${b.x} ${b.y} ${c.x} ${c.y} ${d.x} ${d.y}`,
    point: (t) => ({ x: on(t, "x"), y: on(t, "y") }),
  };
}
