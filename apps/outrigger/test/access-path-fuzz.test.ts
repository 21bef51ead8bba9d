import { once } from "node:events";
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { posix } from "node:path";
import { accessPolicy } from "@outrigger/access-policy";
import { appChannelHttp } from "@outrigger/app-channel-http";
import { type AccessPolicy, createRuntime, type Runtime } from "@outrigger/core";
import { ingressHttp } from "@outrigger/ingress-http";
import { resolverStatic } from "@outrigger/resolver-static";
import { memoryNetwork, transportMemory } from "@outrigger/transport-memory";
import { afterAll, beforeAll, expect, test } from "vitest";

const rounds = 3_000;
const seed = Number(process.env.OUTRIGGER_FUZZ_SEED ?? Date.now() % 1_000_000);

/** What attackers and careless clients put into paths. */
const pieces = [
  ...["public", "admin", "secret", "PUBLIC", "Admin", "a", "é"],
  ...["/", "//", "\\", ".", "..", "/../", "/./", "...", ";", ";x=1", "*", "**", "~", "@", ":", "+"],
  ...["%2F", "%2f", "%5C", "%2E", "%2e%2e", "%252F", "%252e%252e", "%25", "%00", "%09", "%0A"],
  ...["%20", "%23", "%3F", "%3f", "%7F", "%C3%A9", "%C0%AF", "%EF%BC%8F", "%", "%G1", "%2"],
];

/** Mulberry32: small, seeded, good enough to pick pieces. */
function randomOf(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const decided: { method: string; allowed: boolean }[] = [];
const delivered: string[] = [];
const runtimes: Runtime[] = [];
const agent = new Agent({ keepAlive: true });
let httpPort = 0;

const app = createServer((incoming, response) => {
  delivered.push(incoming.url ?? "");
  response.end("ok");
});

const rules = accessPolicy({
  defaultAction: "deny",
  policies: [
    {
      ...{ appId: "caller", namespace: "default", trustDomain: "public" },
      operations: [{ name: "/public", httpVerb: ["*"], action: "allow" }],
    },
  ],
});

beforeAll(async () => {
  app.listen(0, "127.0.0.1");
  await once(app, "listening");
  const network = memoryNetwork();
  const { port } = app.address() as AddressInfo;
  const caller = { spiffeId: "spiffe://public/ns/default/caller", trustDomain: "public" };
  const callee = await createRuntime({
    appId: "callee",
    transport: transportMemory({ network, port: 7_001 }),
    appChannel: appChannelHttp({ host: "127.0.0.1", port, greets: false }),
    accessPolicy: (context) => {
      const policy = rules(context);
      const recording: AccessPolicy = {
        name: "recording",
        // The memory transport proves no identity; the rules are asked as if it had.
        decide: (asked) => {
          const peer = { ...caller, namespace: "default", appId: "caller" };
          const decision = policy.decide({ ...asked, peer });
          decided.push({ method: asked.method, allowed: decision.allowed });
          return decision;
        },
      };
      return recording;
    },
  });
  const sidecar = await createRuntime({
    appId: "caller",
    transport: transportMemory({ network }),
    resolver: resolverStatic({ apps: { callee: ["127.0.0.1:7001"] } }),
    ingresses: [ingressHttp({ hosts: ["127.0.0.1"], port: 0 })],
  });
  runtimes.push(sidecar, callee);
  httpPort = sidecar.ingresses[0]?.addresses()[0]?.port ?? 0;
});

afterAll(async () => {
  agent.destroy();
  for (const runtime of runtimes) await runtime.stop({ drainMs: 0 });
  app.closeAllConnections();
  app.close();
});

function send(path: string, headers: Readonly<Record<string, string>> = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const outgoing = request({ host: "127.0.0.1", port: httpPort, path, headers, agent });
    outgoing.once("error", reject);
    outgoing.once("response", (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? 0));
    });
    outgoing.end();
  });
}

/** What an app makes of its request target: the path in decoded bytes, without the query. */
function decodedPath(target: string): string {
  const path = target.split("?", 1)[0] ?? "";
  return path.replace(/%([0-9A-Fa-f]{2})/g, (_match, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function withoutSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/g, "");
}

test(`what the policy judges is what the app receives (seed ${seed})`, {
  timeout: 60_000,
}, async () => {
  const random = randomOf(seed);
  let reached = 0;
  for (let round = 0; round < rounds; round++) {
    const length = 1 + Math.floor(random() * 7);
    const parts = Array.from(
      { length },
      () => pieces[Math.floor(random() * pieces.length)] as string,
    );
    // Node's client refuses text that is not ASCII; the raw byte is tried in its escaped form.
    const start = ["public/", "public/", "public", ""][Math.floor(random() * 4)];
    const method = (start + parts.join("")).replaceAll("é", "%E9");
    decided.length = 0;
    delivered.length = 0;
    const byHeader = random() < 0.3;
    const status = byHeader
      ? await send(`/${method}`, { "dapr-app-id": "callee" })
      : await send(`/v1.0/invoke/callee/method/${method}`);
    const context = `seed ${seed}, round ${round}, ${byHeader ? "header" : "path"}: ${method}`;
    expect(delivered.length, context).toBeLessThanOrEqual(1);
    const [target] = delivered;
    if (target === undefined) {
      expect(status, context).not.toBe(200);
      continue;
    }
    reached += 1;
    const read = posix.normalize(decodedPath(target));
    expect(
      decided.every(({ allowed }) => allowed),
      context,
    ).toBe(true);
    expect(
      decided.map(({ method }) => withoutSlashes(method)),
      context,
    ).toContain(withoutSlashes(read));
    // Whatever the way there, only what lies at or below /public may be reached.
    expect(read.toLowerCase(), context).toMatch(/^\/public(?:\/|$)/);
  }
  // Enough must get through for the comparison to mean something.
  expect(reached).toBeGreaterThan(rounds / 20);
});
