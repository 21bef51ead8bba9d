import { el } from "./dom.js";
import { duration, moment, rate, share } from "./format.js";
import { nameOf } from "./mesh-model.js";

/** An app: whom it calls, who calls it, and what its sidecars are made of. */
export class AppPanel {
  title = "";
  #calls = el("div");
  #sidecars = el("div");
  #shown = "";
  #open;

  constructor(body, open) {
    this.#open = open;
    body.replaceChildren(
      el("section", {}, el("h3", {}, "Calls"), this.#calls),
      el("section", {}, el("h3", {}, "Sidecars"), this.#sidecars),
    );
  }

  update(node, connections) {
    this.title = nameOf(node);
    this.#drawCalls(node, connections);
    const key = `${node.id} ${node.sidecars.map(({ url }) => url).join(" ")}`;
    if (key === this.#shown) return;
    this.#shown = key;
    this.#drawSidecars(node);
  }

  #drawCalls(node, connections) {
    const own = connections.filter(({ from, to }) => from.id === node.id || to.id === node.id);
    const texts = own.map(({ from, to, rate: perSecond, errors, calls }) => {
      const name = from.id === node.id ? `to ${nameOf(to)}` : `from ${nameOf(from)}`;
      return `${name}: ${rate(perSecond)}, ${share(errors, calls)} errors`;
    });
    const known = [...this.#calls.querySelectorAll("button")];
    // The buttons are made anew only when there are others, so that the focus stays.
    if (known.length === own.length && own.every(({ key }, at) => known[at].dataset.key === key)) {
      for (const [at, text] of texts.entries()) {
        if (known[at].textContent !== text) known[at].textContent = text;
      }
      return;
    }
    const items = own.map(({ key }, at) => {
      const button = el("button", { type: "button", class: "link", "data-key": key }, texts[at]);
      button.addEventListener("click", () => this.#open("edge", key, button));
      return el("li", {}, button);
    });
    this.#calls.replaceChildren(
      items.length === 0 ? el("p", {}, "None seen.") : el("ul", { class: "plain" }, ...items),
    );
  }

  #drawSidecars(node) {
    if (node.sidecars.length === 0) {
      const text =
        node.kind === "app"
          ? "No sidecar of this app was asked: its calls are known from the others. Name it with --sidecar host:port."
          : "This is outside the mesh and has no sidecar.";
      this.#sidecars.replaceChildren(el("p", {}, text));
      return;
    }
    this.#sidecars.replaceChildren(
      ...node.sidecars.map(({ url }) => {
        const card = el("article", { class: "card", "aria-busy": "true" }, el("h4", {}, url));
        fetchSidecar(url)
          .then(
            (told) => card.append(describe(told)),
            (reason) => card.append(el("p", { class: "error" }, reason.message)),
          )
          .finally(() => card.removeAttribute("aria-busy"));
        return card;
      }),
    );
  }
}

async function fetchSidecar(url) {
  const answer = await fetch(`/api/sidecar?url=${encodeURIComponent(url)}`);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

function describe(told) {
  const { app = {}, config = {}, mtls = {}, resolver } = told;
  const facts = [
    ["Version", `Outrigger ${told.outriggerVersion}, as Dapr ${told.runtimeVersion}`],
    ["Runs", `on ${told.hostname}, pid ${told.pid}, for ${duration(told.at - told.startedAt)}`],
    ["App", app.port ? `${app.protocol} on port ${app.port}` : "none"],
    ["Configuration", list(config.files, "none")],
    ["Resources", list(config.resources, "none")],
    ["API token", told.apiToken ? "required" : "not required"],
    ["Sampling", config.samplingRate || "default"],
    ["Access rules", accessOf(config.accessControl)],
    ["Certificate", certificateOf(mtls, told.at)],
    ["Resolver", resolverOf(resolver)],
    ["Components", componentsOf(told.components)],
  ];
  return el(
    "dl",
    { class: "details" },
    ...facts.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]),
  );
}

function list(values, none) {
  return values === undefined || values.length === 0 ? none : values.join(", ");
}

function accessOf(rules) {
  if (rules === null || rules === undefined) return "none: everybody may call";
  return `${rules.defaultAction} by default; rules for ${list(rules.policies, "nobody")}`;
}

function certificateOf({ enabled, spiffeId, expiresAt }, at) {
  if (!enabled) return "none: calls between sidecars are plaintext";
  if (expiresAt === undefined) return "mutual TLS is on; there is no certificate yet";
  const left = expiresAt - at;
  const when = left > 0 ? `expires in ${duration(left)}` : `expired ${duration(left)} ago`;
  const text = `${spiffeId} ${when} (${moment(expiresAt)})`;
  return el("span", { class: left > 0 ? "" : "error" }, text);
}

function resolverOf(resolver) {
  if (resolver === null || resolver === undefined) return "none";
  const targets = resolver.targets.map(({ appId, namespace, endpoints, error }) =>
    el(
      "li",
      { class: error === undefined ? "" : "error" },
      `${nameOf({ appId, namespace, kind: "app" })}: ${error ?? list(endpoints, "nobody")}`,
    ),
  );
  const can = Object.entries(resolver.features).filter(([, has]) => has);
  return el(
    "div",
    {},
    `${resolver.name} (${list(
      can.map(([name]) => name),
      "look-up only",
    )})`,
    targets.length === 0 ? undefined : el("ul", { class: "plain" }, ...targets),
  );
}

function componentsOf(components) {
  if (components === undefined || components.length === 0) return "none";
  const items = components.map(({ name, type, version }) =>
    el("li", {}, `${name}: ${type}${version ? `/${version}` : ""}`),
  );
  return el("ul", { class: "plain" }, ...items);
}
