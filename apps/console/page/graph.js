import { keep, set, svg, write } from "./dom.js";
import { millis, plural, rate, share } from "./format.js";
import { LabelPlaces } from "./label-places.js";
import { nodeHeight, nodeWidth, placeNodes, route } from "./layout.js";
import { nameOf } from "./mesh-model.js";

/** Width of the frame under which layers go from top to bottom. */
const narrowPx = 640;
const longestName = 16;

/** The drawing. Its elements live as long as what they stand for, so the focus stays. */
export class Graph {
  #frame;
  #open;
  #root = svg("svg", { role: "group", "aria-labelledby": "graph-heading" });
  #lines = svg("g");
  #boxes = svg("g");
  #lineOf = new Map();
  #boxOf = new Map();
  #shape = "";
  #layout = undefined;

  /** @param open called with `("edge" | "app", key, element)`. */
  constructor(frame, open) {
    this.#frame = frame;
    this.#open = open;
    this.#root.append(arrowHeads(), this.#lines, this.#boxes);
    frame.append(this.#root);
  }

  draw(nodes, connections, selected) {
    const across = this.#frame.clientWidth >= narrowPx;
    this.#place(nodes, connections, across);
    const { places, bendsOf } = this.#layout;
    const labels = new LabelPlaces(places);
    keep(this.#lines, this.#lineOf, connections, {
      key: ({ key }) => key,
      make: (connection) => this.#makeLine(connection),
      update: (element, connection) => {
        const { from, to } = connection;
        const way = route(places.get(from.id), places.get(to.id), across, bendsOf(from.id, to.id));
        const rows = connection.errors > 0 ? 2 : 1;
        const label = labels.find(way, rows, leanOf(connection, connections));
        updateLine(element, connection, { path: way.path, label }, selected === connection.key);
      },
    });
    keep(this.#boxes, this.#boxOf, nodes, {
      key: ({ id }) => id,
      make: (node) => this.#makeBox(node),
      update: (element, node) => {
        updateBox(element, node, places.get(node.id), connections, selected === node.id);
      },
    });
  }

  #place(nodes, connections, across) {
    const ids = nodes.map(({ id }) => id);
    const pairs = connections.map(({ from, to }) => [from.id, to.id]);
    const shape = JSON.stringify([ids, pairs, across]);
    if (shape === this.#shape) return;
    this.#shape = shape;
    this.#layout = placeNodes(ids, pairs, across);
    const { width, height } = this.#layout;
    set(this.#root, { viewBox: `0 0 ${width} ${height}`, width, height });
  }

  #makeLine({ key }) {
    const group = svg("g", { class: "line", role: "button", tabindex: 0 });
    group.append(
      svg("path", { class: "reach" }),
      svg("path", { class: "stroke" }),
      svg("text", { class: "label" }, svg("tspan"), svg("tspan", { dy: 15 })),
    );
    return actsAsButton(group, () => this.#open("edge", key, group));
  }

  #makeBox({ id }) {
    const group = svg("g", { class: "box", role: "button", tabindex: 0 });
    group.append(
      svg("rect", { width: nodeWidth, height: nodeHeight, rx: 10 }),
      svg("text", { class: "name", x: 14, y: 23 }),
      svg("text", { class: "note", x: 14, y: 41 }),
      svg("title"),
    );
    return actsAsButton(group, () => this.#open("app", id, group));
  }
}

/** Labels keep off the node where more lines meet. */
function leanOf({ from, to }, connections) {
  const leaving = connections.filter((other) => other.from.id === from.id).length;
  const coming = connections.filter((other) => other.to.id === to.id).length;
  return Math.sign(leaving - coming);
}

function actsAsButton(element, act) {
  element.addEventListener("click", act);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act();
  });
  return element;
}

function updateLine(group, connection, { path, label }, isSelected) {
  const { from, to, health, calls, errors, p99Ms } = connection;
  const [reach, stroke, text] = group.children;
  set(reach, { d: path });
  const width = calls === 0 ? 1.5 : Math.min(5, 1.75 + Math.log10(1 + connection.rate));
  set(stroke, { d: path, "stroke-width": width.toFixed(2), "marker-end": `url(#head-${health})` });
  set(text, { x: label.x, y: label.y + (errors > 0 ? -3 : 4) });
  const [first, second] = text.children;
  for (const line of [first, second]) set(line, { x: label.x });
  write(first, calls === 0 ? "idle" : `${rate(connection.rate)} · ${millis(p99Ms)}`);
  write(second, errors > 0 ? `${share(errors, calls)} errors` : "");
  const spoken =
    calls === 0
      ? "no calls in the window"
      : `${rate(connection.rate)}, p99 ${millis(p99Ms)}, ${share(errors, calls)} errors`;
  set(group, {
    class: `line ${health}`,
    "aria-label": `${nameOf(from)} calls ${nameOf(to)}: ${spoken}`,
    "data-edge": `${nameOf(from)}>${nameOf(to)}`,
  });
  group.setAttribute("aria-expanded", String(isSelected));
}

function updateBox(group, node, { x, y }, connections, isSelected) {
  const [, name, note, title] = group.children;
  const full = nameOf(node);
  const incoming = connections.filter(({ to }) => to.id === node.id);
  const failing = incoming.filter(({ health }) => health === "bad" || health === "warn");
  write(name, full.length > longestName ? `${full.slice(0, longestName - 1)}…` : full);
  write(note, noteOf(node, incoming));
  write(title, full);
  const state = failing.length > 0 ? ", calls to it fail" : "";
  set(group, {
    class: `box ${node.kind}${node.sidecars.length === 0 ? " unseen" : ""}`,
    transform: `translate(${x} ${y})`,
    "aria-label": `${full}, ${describe(node)}${state}`,
    "data-app": full,
  });
  group.setAttribute("aria-expanded", String(isSelected));
}

function describe({ kind, appId, sidecars }) {
  if (kind === "external") return "outside the mesh";
  if (kind === "other") return otherOf(appId);
  return sidecars.length === 0 ? "no sidecar answers here" : plural(sidecars.length, "sidecar");
}

function otherOf(appId) {
  return appId === "other" ? "too many to tell" : "names no app";
}

function noteOf(node, incoming) {
  if (node.kind !== "app") return describe(node);
  const perSecond = incoming.reduce((sum, connection) => sum + connection.rate, 0);
  const served = incoming.length === 0 ? "" : ` · ${rate(perSecond)} in`;
  return `${node.sidecars.length === 0 ? "not asked" : describe(node)}${served}`;
}

function arrowHeads() {
  const heads = ["ok", "warn", "bad", "idle"].map((health) =>
    svg(
      "marker",
      {
        ...{
          id: `head-${health}`,
          class: `head ${health}`,
          viewBox: "0 0 10 10",
          refX: 3,
          refY: 5,
        },
        ...{ markerWidth: 11, markerHeight: 11, markerUnits: "userSpaceOnUse", orient: "auto" },
      },
      svg("path", { d: "M0 0L10 5L0 10z" }),
    ),
  );
  return svg("defs", {}, ...heads);
}
