import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Answer, call, waitFor } from "./mesh.ts";
import { PolicyApp } from "./policy-app.ts";
import { type Caller, PolicyMesh } from "./policy-mesh.ts";

const mesh = new PolicyMesh();
const lame = new PolicyApp();
const quick = new PolicyApp();
let caller: Caller;

const hedges = `  policies:
    hedges: {h: {delay: 100ms}}
  targets: {apps: {hedged: {hedge: h}}}
`;

beforeAll(async () => {
  const [lamePort, quickPort] = await Promise.all([lame.start(), quick.start()]);
  [caller] = await Promise.all([
    mesh.caller("hedging", mesh.policies("hedges", hedges)),
    mesh.sidecar("hedged", { appPort: lamePort }),
    mesh.sidecar("hedged", { appPort: quickPort }),
  ]);
  await waitFor(async () => {
    await invoke("GET", "/status/200/warm");
    return lame.seen.length > 0 && quick.seen.length > 0;
  }, "both instances found");
});

beforeEach(() => {
  lame.fault = undefined;
  quick.fault = undefined;
});

afterAll(async () => {
  await mesh.close();
  lame.close();
  quick.close();
});

function invoke(verb: string, path: string, body?: string): Promise<Answer> {
  const options = body === undefined ? {} : { body };
  return call(caller.httpPort, verb, `/v1.0/invoke/hedged/method${path}`, options);
}

test.each([
  ["GET", undefined],
  ["PUT", "x".repeat(300_000)],
])("a %s to an instance that hangs is answered by the other one", async (verb, body) => {
  lame.fault = "hang";
  const path = `/status/200/${verb}`;
  const brokenOff = lame.brokenOff;
  const startedAt = performance.now();
  for (let count = 0; count < 6; count++) {
    expect((await invoke(verb, path, body)).status).toBe(200);
  }
  // Three of the six went to the one that hangs, and to the other one 100 ms later.
  expect(performance.now() - startedAt).toBeGreaterThan(290);
  expect([lame.count(path), quick.count(path)]).toEqual([3, 6]);
  expect(quick.seen.at(-1)?.body.toString()).toBe(body ?? "");
  await waitFor(async () => lame.brokenOff === brokenOff + 3, "the losers broken off");
});

test("a quick failure of one instance does not beat the other's answer", async () => {
  lame.fault = 503;
  quick.fault = "slow";
  const path = "/status/200/late";
  const statuses = [await invoke("GET", path), await invoke("GET", path)].map(
    ({ status }) => status,
  );
  // Where the one that fails is asked first, it fails before anything joins it.
  expect(statuses.sort()).toEqual([200, 503]);
  expect([lame.count(path), quick.count(path)]).toEqual([2, 1]);
});

test("a POST is made once, however long it takes", async () => {
  lame.fault = "slow";
  const startedAt = performance.now();
  const path = "/status/200/post";
  for (let count = 0; count < 2; count++) {
    expect((await invoke("POST", path, "order")).status).toBe(200);
  }
  expect(performance.now() - startedAt).toBeGreaterThan(990);
  expect([lame.count(path), quick.count(path)]).toEqual([1, 1]);
});
