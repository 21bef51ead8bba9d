import { chart } from "./chart.js";
import { el, write } from "./dom.js";
import { duration, millis, moment, plural, rate, share } from "./format.js";
import { mainView, nameOf, windowOf } from "./mesh-model.js";

const stepMs = 20_000;
const pastMs = 300_000;

/** What happens between two nodes. */
export class EdgePanel {
  title = "";
  #parts;
  #traceUrl;
  #link = el("a", { rel: "noreferrer", target: "_blank" });
  #traceText = el("span");
  /** What was seen since the panel is open: finer than the steps that sidecars keep. */
  #samples = [];

  constructor(body, traceUrl) {
    this.#traceUrl = traceUrl;
    const names = ["facts", "operations", "classes", "charts", "error", "ends"];
    this.#parts = Object.fromEntries(names.map((name) => [name, el("div")]));
    const { facts, operations, classes, charts, error, ends } = this.#parts;
    body.replaceChildren(
      facts,
      section("Operations", operations),
      section("How calls end", classes),
      section("The last five minutes", charts),
      section("Last error", error),
      section("Slowest recent call", el("p", {}, this.#traceText, " ", this.#link)),
      section("Both ends", ends),
    );
  }

  update(connection, { at, windowMs }) {
    const { from, to, operations } = connection;
    this.title = `${nameOf(from)} → ${nameOf(to)}`;
    const { facts, classes, charts, error, ends } = this.#parts;
    facts.replaceChildren(...factsOf(connection));
    this.#parts.operations.replaceChildren(operationTable(operations, windowMs));
    classes.replaceChildren(classBars(connection));
    this.#sample(operations, at, windowMs);
    charts.replaceChildren(...chartsOf(operations, at, windowMs, this.#samples));
    error.replaceChildren(errorOf(operations, at));
    ends.replaceChildren(endsTable(operations, windowMs));
    this.#showTrace(operations, at);
  }

  #sample(operations, at, windowMs) {
    if (this.#samples.at(-1)?.at === at) return;
    const views = operations.map((edge) => mainView(edge, windowMs));
    this.#samples.push({ at, ...nowOf(views) });
    while (this.#samples[0].at < at - pastMs) this.#samples.shift();
  }

  /** The link stays the same element, so that it keeps the focus while the numbers change. */
  #showTrace(operations, at) {
    const calls = operations.flatMap(({ caller, callee }) => [caller?.slowest, callee?.slowest]);
    const known = calls.filter((call) => call !== undefined);
    known.sort((a, b) => Number(b.sampled) - Number(a.sampled) || b.durationMs - a.durationMs);
    const [slowest] = known;
    const link = this.#link;
    link.hidden = true;
    if (slowest === undefined) return write(this.#traceText, "No call with a trace so far.");
    const when = `${millis(slowest.durationMs)}, ${duration(at - slowest.at)} ago.`;
    if (!slowest.sampled) {
      return write(this.#traceText, `${when} Its trace ${slowest.traceId} was not sampled.`);
    }
    if (this.#traceUrl === null) {
      return write(
        this.#traceText,
        `${when} Trace ${slowest.traceId}; --trace-url makes it a link.`,
      );
    }
    write(this.#traceText, when);
    write(link, `Open trace ${slowest.traceId.slice(0, 8)}…`);
    link.href = this.#traceUrl.replaceAll("{traceId}", slowest.traceId);
    link.hidden = false;
  }
}

function section(title, content) {
  return el("section", {}, el("h3", {}, title), content);
}

function factsOf(connection) {
  const { rate: perSecond, errors, calls, p99Ms, inFlight, operations } = connection;
  const proven = operations.map((edge) => edge.proven).filter((value) => value !== undefined);
  const facts = [
    ["Rate", rate(perSecond)],
    ["Errors", share(errors, calls)],
    ["p99", millis(p99Ms)],
    ["Under way", String(inFlight)],
  ];
  const list = el(
    "dl",
    { class: "facts" },
    ...facts.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
  return [list, el("p", { class: "remark" }, identityOf(proven))];
}

function identityOf(proven) {
  if (proven.length === 0) return "Only the caller's end is known.";
  return proven.every(Boolean)
    ? "Mutual TLS: the callee saw the caller's certificate."
    : "Plaintext: the caller's name is what it says of itself.";
}

function operationTable(operations, windowMs) {
  const rows = operations.map((edge) => {
    const view = mainView(edge, windowMs);
    const { rate: perSecond, calls, errors, retries, latency } = windowOf(view, windowMs);
    return [
      ...[edge.operation, rate(perSecond), share(errors, calls), millis(latency?.p50Ms)],
      ...[millis(latency?.p90Ms), millis(latency?.p99Ms), String(retries)],
    ];
  });
  return table(["Operation", "Rate", "Errors", "p50", "p90", "p99", "Retries"], rows);
}

function endsTable(operations, windowMs) {
  const rows = operations.flatMap((edge) =>
    [
      ["caller", edge.caller],
      ["callee", edge.callee],
    ].map(([end, view]) => {
      if (view === undefined) return [edge.operation, end, "not asked", "", ""];
      const { calls, errors } = windowOf(view, windowMs);
      return [edge.operation, end, String(calls), String(errors), view.endpoints.join(", ")];
    }),
  );
  return table(["Operation", "Seen by", "Calls", "Errors", "Instances called"], rows);
}

function table(heads, rows) {
  const head = el("tr", {}, ...heads.map((name) => el("th", { scope: "col" }, name)));
  const body = rows.map(([first, ...rest]) =>
    el("tr", {}, el("th", { scope: "row" }, first), ...rest.map((text) => el("td", {}, text))),
  );
  return el(
    "div",
    { class: "scroll" },
    el("table", { class: "small" }, el("thead", {}, head), el("tbody", {}, ...body)),
  );
}

const successes = new Set(["2xx", "3xx", "grpc-ok"]);

function classBars({ byClass, calls }) {
  const entries = Object.entries(byClass).sort(([, a], [, b]) => b - a);
  if (entries.length === 0) return el("p", {}, "No call ended in the window.");
  return el(
    "ul",
    { class: "classes" },
    ...entries.map(([name, count]) =>
      el(
        "li",
        { class: successes.has(name) ? "good" : "failing" },
        el("span", { class: "class-name" }, name),
        el("meter", {
          min: 0,
          max: calls,
          value: count,
          "aria-label": `${name}: ${plural(count, "call")}`,
        }),
        el("span", { class: "number" }, `${count} · ${share(count, calls)}`),
      ),
    ),
  );
}

function chartsOf(operations, at, windowMs, samples) {
  const begin = at - pastMs;
  const views = operations.map((edge) => mainView(edge, windowMs));
  const steps = new Map();
  for (const view of views) {
    for (const point of view.history) {
      // A step that is not over would look like a fall; what was sampled is finer.
      if (point.at + 1.5 * stepMs > samples[0].at || point.at < begin) continue;
      const step = steps.get(point.at) ?? { at: point.at, calls: 0, errors: 0, p50: 0, p99: 0 };
      step.calls += point.calls;
      step.errors += point.errors;
      step.p50 = Math.max(step.p50, point.p50Ms ?? 0);
      step.p99 = Math.max(step.p99, point.p99Ms ?? 0);
      steps.set(point.at, step);
    }
  }
  const past = [...steps.values()].sort((a, b) => a.at - b.at);
  const points = (ofStep, ofSample) => [
    ...past.map((step) => ({ at: step.at + stepMs / 2, value: ofStep(step) })),
    ...samples.map((sample) => ({ at: sample.at, value: ofSample(sample) })),
  ];
  const perSecond = (count) => (count * 1_000) / stepMs;
  const common = { begin, end: at };
  const calls = points(
    (step) => perSecond(step.calls),
    (sample) => sample.rate,
  );
  const errors = points(
    (step) => perSecond(step.errors),
    (sample) => sample.errorRate,
  );
  const p50 = points(
    (step) => step.p50,
    (sample) => sample.p50Ms,
  );
  const p99 = points(
    (step) => step.p99,
    (sample) => sample.p99Ms,
  );
  return [
    el("p", { class: "caption" }, key("calls", "calls"), key("errors", "errors")),
    chart({
      ...{ ...common, title: "Calls per second", format: rate },
      series: [
        { name: "calls", className: "calls", points: calls },
        { name: "errors", className: "errors", points: errors },
      ],
    }),
    el("p", { class: "caption" }, key("p50", "p50"), key("p99", "p99")),
    chart({
      ...{ ...common, title: "Latency", format: millis },
      series: [
        { name: "p50", className: "p50", points: p50 },
        { name: "p99", className: "p99", points: p99 },
      ],
    }),
  ];
}

function key(className, name) {
  return el("span", { class: `key ${className}` }, name);
}

function nowOf(views) {
  const now = { rate: 0, errorRate: 0, p50Ms: 0, p99Ms: 0 };
  for (const view of views) {
    const { rate: perSecond, calls, errors, latency } = windowOf(view, 10_000);
    now.rate += perSecond;
    now.errorRate += calls === 0 ? 0 : (perSecond * errors) / calls;
    now.p50Ms = Math.max(now.p50Ms, latency?.p50Ms ?? 0);
    now.p99Ms = Math.max(now.p99Ms, latency?.p99Ms ?? 0);
  }
  return now;
}

function errorOf(operations, at) {
  const known = operations
    .flatMap(({ caller, callee }) => [caller?.lastError, callee?.lastError])
    .filter((error) => error !== undefined)
    .sort((a, b) => b.at - a.at);
  const [last] = known;
  if (last === undefined) return el("p", {}, "None so far.");
  const when = el("time", { datetime: new Date(last.at).toISOString(), title: moment(last.at) });
  when.textContent = `${duration(at - last.at)} ago`;
  return el("p", { class: "error" }, el("code", {}, last.code), ` ${last.text} (`, when, ")");
}
