import { el, keep, write } from "./dom.js";
import { millis, rate, share } from "./format.js";
import { mainView, nameOf, windowOf } from "./mesh-model.js";

const columns = ["Caller", "Callee", "Operation", "Rate", "Errors", "p50", "p90", "p99", "Open"];

/** The same as the drawing, for those who read it as a table. */
export class CallTable {
  #rows = new Map();
  #body = el("tbody");
  #open;

  constructor(frame, open) {
    this.#open = open;
    const head = el("tr", {}, ...columns.map((name) => el("th", { scope: "col" }, name)));
    frame.append(
      el("table", { "aria-labelledby": "table-heading" }, el("thead", {}, head), this.#body),
    );
  }

  draw(connections, windowMs) {
    const rows = connections.flatMap(({ key, from, to, operations }) =>
      operations.map((edge) => ({ key, from, to, edge })),
    );
    keep(this.#body, this.#rows, rows, {
      key: ({ key, edge }) => `${key}\n${edge.operation}`,
      make: (row) => this.#make(row),
      update: (element, row) => update(element, row, windowMs),
    });
  }

  #make({ key, from, to, edge }) {
    const label = `Open ${nameOf(from)} to ${nameOf(to)}, ${edge.operation}`;
    const button = el("button", { type: "button", "aria-label": label }, "Open");
    button.addEventListener("click", () => this.#open("edge", key, button));
    const numbers = Array.from({ length: 5 }, () => el("td", { class: "number" }));
    return el(
      "tr",
      {},
      ...[el("th", { scope: "row" }), el("td"), el("td"), ...numbers, el("td", {}, button)],
    );
  }
}

function update(row, { from, to, edge }, windowMs) {
  const window = windowOf(mainView(edge, windowMs), windowMs);
  const { calls, errors, latency } = window;
  const texts = [
    ...[nameOf(from), nameOf(to), edge.operation, rate(window.rate), share(errors, calls)],
    ...[millis(latency?.p50Ms), millis(latency?.p90Ms), millis(latency?.p99Ms)],
  ];
  for (const [at, text] of texts.entries()) write(row.children[at], text);
  row.children[4].classList.toggle("failing", errors > 0);
}
