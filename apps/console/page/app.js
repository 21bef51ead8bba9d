import { AppPanel } from "./app-panel.js";
import { el, set, write } from "./dom.js";
import { EdgePanel } from "./edge-panel.js";
import { plural } from "./format.js";
import { Graph } from "./graph.js";
import { connections } from "./mesh-model.js";
import { CallTable } from "./table.js";

const pollMs = 1_000;
const timeoutMs = 5_000;
const byId = (id) => document.getElementById(id);

const status = byId("status");
const pauseButton = byId("pause");
const panel = byId("panel");
const heading = byId("panel-heading");
const graph = new Graph(byId("graph"), open);
const callTable = new CallTable(byId("calls"), open);

const smallScreen = matchMedia("(max-width: 70rem)");

let mesh;
let paused = false;
let opened;

function windowMs() {
  return Number(document.querySelector("#window input:checked").value);
}

/** Opens the panel of an edge or an app; the focus goes there and comes back at the end. */
function open(kind, key, from) {
  const body = byId("panel-body");
  const view = kind === "edge" ? new EdgePanel(body, mesh.traceUrl) : new AppPanel(body, open);
  const origin = panel.contains(from) ? opened?.from : from;
  opened = { kind, key, view, from: origin };
  panel.hidden = false;
  document.body.classList.add("open");
  draw();
  heading.focus();
}

function close() {
  if (opened === undefined) return;
  const { from } = opened;
  opened = undefined;
  panel.hidden = true;
  document.body.classList.remove("open");
  draw();
  if (from?.isConnected) from.focus();
}

function draw() {
  if (mesh === undefined) return;
  const nodes = mesh.nodes.map((node) => ({ ...node, sidecars: sidecarsOf(node) }));
  const known = connections({ ...mesh, nodes }, windowMs());
  byId("empty").hidden = nodes.length > 0;
  graph.draw(nodes, known, opened?.key);
  callTable.draw(known, windowMs());
  drawSidecars();
  // The panel covers everything on small screens: what is under it must not get the focus.
  const covered = opened !== undefined && smallScreen.matches;
  for (const part of document.querySelectorAll("header, main, .skip")) part.inert = covered;
  drawPanel(nodes, known);
  if (!paused) write(status, summary(nodes, known));
}

function sidecarsOf({ kind, appId, namespace }) {
  if (kind !== "app") return [];
  return mesh.sidecars.filter(
    (sidecar) =>
      sidecar.problem === undefined && sidecar.appId === appId && sidecar.namespace === namespace,
  );
}

/** In words without numbers that change every second: it is read out. */
function summary(nodes, known) {
  if (nodes.length === 0) return "No sidecar found yet.";
  const failing = known.filter(({ health }) => health === "bad" || health === "warn").length;
  const silent = mesh.sidecars.filter(({ problem }) => problem !== undefined).length;
  return [
    `${plural(nodes.length, "app")}, ${plural(known.length, "connection")}`,
    failing === 0 ? "no errors" : `${failing} with errors`,
    ...(silent === 0 ? [] : [`${plural(silent, "sidecar")} not answering`]),
  ].join(", ");
}

function drawSidecars() {
  const key = JSON.stringify(mesh.sidecars);
  const frame = byId("sidecars");
  if (frame.dataset.key === key) return;
  frame.dataset.key = key;
  if (mesh.sidecars.length === 0) {
    frame.replaceChildren(el("p", {}, "None."));
    return;
  }
  const rows = mesh.sidecars.map(({ url, appId, problem }) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, appId || "unknown"),
      el("td", {}, url),
      el("td", { class: problem === undefined ? "" : "failing" }, problem ?? "answers"),
    ),
  );
  const head = ["App", "HTTP API", "State"].map((name) => el("th", { scope: "col" }, name));
  frame.replaceChildren(
    el(
      "table",
      { "aria-labelledby": "sidecars-heading" },
      el("thead", {}, el("tr", {}, ...head)),
      el("tbody", {}, ...rows),
    ),
  );
}

function drawPanel(nodes, known) {
  if (opened === undefined) return;
  const { kind, key, view } = opened;
  const found =
    kind === "edge" ? known.find((one) => one.key === key) : nodes.find(({ id }) => id === key);
  // What was shown stays when it has gone: somebody may be reading it.
  if (found === undefined) return;
  if (kind === "edge") view.update(found, { at: mesh.at, windowMs: windowMs() });
  else view.update(found, known);
  write(heading, view.title);
}

async function poll() {
  if (!paused && !document.hidden) {
    try {
      const answer = await fetch("/api/mesh", { signal: AbortSignal.timeout(timeoutMs) });
      if (!answer.ok) throw new Error(await answer.text());
      const next = await answer.json();
      if (!paused) {
        mesh = next;
        draw();
      }
    } catch (reason) {
      write(status, `The console does not answer; trying again (${reason.message.trim()})`);
    }
  }
  setTimeout(() => void poll(), pollMs);
}

pauseButton.addEventListener("click", () => {
  paused = !paused;
  set(pauseButton, { "aria-pressed": String(paused) });
  if (paused) write(status, "Paused: the numbers stand still.");
  else draw();
});
byId("window").addEventListener("change", draw);
byId("close").addEventListener("click", close);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") close();
});
new ResizeObserver(draw).observe(byId("graph"));
void poll();
