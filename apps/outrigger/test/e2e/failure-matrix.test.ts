import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { call, type SidecarProcess, waitFor } from "./mesh.ts";
import { type Fault, PolicyApp } from "./policy-app.ts";
import { type Caller, PolicyMesh } from "./policy-mesh.ts";

/** What goes wrong: in the app, at its port, or with its whole sidecar. */
type Trouble = Fault | "refused" | "killed";

/** What one call came to. */
interface Outcome {
  /** `undefined`: no answer within the caller's patience. */
  readonly status: number | undefined;
  readonly body: string;
  readonly ms: number;
}

const patienceMs = 700;
const pauseMs = 200;
const timeoutMs = 400;
const policies = `  policies:
    timeouts: {t: ${timeoutMs}ms}
    retries: {r: {duration: ${pauseMs}ms, maxRetries: 2}}
    circuitBreakers: {cb: {trip: consecutiveFailures >= 6, timeout: 60s}}
  targets: {apps: {matrix: {timeout: t, retry: r, circuitBreaker: cb}}}
`;

const mesh = new PolicyMesh();
const apps = [new PolicyApp(), new PolicyApp()] as const;
const [sick] = apps;
let sidecars: readonly SidecarProcess[];
let plain: Caller;
let policed: Caller;

beforeAll(async () => {
  const ports = await Promise.all(apps.map((app) => app.start()));
  [plain, policed, sidecars] = await Promise.all([
    mesh.caller("matrix-plain"),
    mesh.caller("matrix-policed", mesh.policies("matrix", policies)),
    Promise.all(ports.map((appPort) => mesh.sidecar("matrix", { appPort }))),
  ]);
  for (const caller of [plain, policed]) {
    await waitFor(async () => {
      const path = `/status/200/${caller.appId}`;
      await invoke(caller, path);
      return apps.every((app) => app.count(path) > 0);
    }, "both instances found");
  }
});

afterEach(async () => {
  for (const app of apps) await mend(app);
});

afterAll(async () => {
  await mesh.close();
  for (const app of apps) app.close();
});

async function invoke(from: SidecarProcess, path: string, limitMs = 10_000): Promise<Outcome> {
  const startedAt = performance.now();
  const signal = AbortSignal.timeout(limitMs);
  const options = { body: "order", signal };
  const url = `/v1.0/invoke/matrix/method${path}`;
  const answer = await call(from.httpPort, "POST", url, options).catch((reason) => {
    if (signal.aborted) return { status: undefined, body: "" };
    throw reason;
  });
  return { status: answer.status, body: answer.body, ms: performance.now() - startedAt };
}

/** As many calls as there are instances, so that each has its turn. */
async function inTurn(from: SidecarProcess, path: string, limitMs?: number): Promise<Outcome[]> {
  return [await invoke(from, path, limitMs), await invoke(from, path, limitMs)];
}

async function hurt(index: 0 | 1, trouble: Trouble): Promise<void> {
  const app = apps[index];
  if (trouble === "killed") await sidecars[index]?.end("SIGKILL");
  else if (trouble === "refused") {
    app.close();
    refusing.add(app);
  } else app.fault = trouble;
}

const refusing = new Set<PolicyApp>();

async function mend(app: PolicyApp): Promise<void> {
  app.fault = undefined;
  if (refusing.delete(app)) await app.start();
}

function attempts(path: string): number {
  return apps.reduce((sum, app) => sum + app.count(path), 0);
}

/** Times between the attempts of a call, wherever they went. */
function gaps(path: string): readonly number[] {
  const times = apps.flatMap((app) => app.timesOf(path)).sort((left, right) => left - right);
  return times.slice(1).map((time, index) => time - (times[index] ?? 0));
}

function sorted(outcomes: readonly Outcome[]): readonly (number | undefined)[] {
  return outcomes.map(({ status }) => status).sort();
}

/** Timers may be early by a millisecond, and a busy machine late by far more. */
function expectAbout(ms: number, expectedMs: number): void {
  expect(ms).toBeGreaterThan(expectedMs - 5);
  expect(ms).toBeLessThan(expectedMs + 1_500);
}

describe("without a policy an app's trouble is the caller's, once", () => {
  test.each<[Trouble, number | undefined, string]>([
    [503, 503, "answer"],
    [429, 429, "answer"],
    ["reset", 500, "ERR_DIRECT_INVOKE"],
    ["refused", 500, "ERR_DIRECT_INVOKE"],
    ["hang", undefined, ""],
    ["slow", undefined, ""],
  ])("%s", async (trouble, status, text) => {
    const one = `/status/200/plain-one-${trouble}`;
    await hurt(0, trouble);
    const outcomes = await inTurn(plain, one, patienceMs);
    expect(sorted(outcomes)).toEqual([200, status].sort());
    const told = outcomes.find((outcome) => outcome.status === status);
    expect(told?.body).toContain(text);
    const reaches = trouble !== "refused";
    expect([sick.count(one), attempts(one)]).toEqual(reaches ? [1, 2] : [0, 1]);

    const all = `/status/200/plain-all-${trouble}`;
    await hurt(1, trouble);
    expect(sorted(await inTurn(plain, all, patienceMs))).toEqual([status, status]);
    expect(attempts(all)).toBe(reaches ? 2 : 0);
  });

  test("slow, for a caller with patience", async () => {
    await hurt(0, "slow");
    const path = "/status/200/plain-patient";
    const outcomes = await inTurn(plain, path);
    expect(sorted(outcomes)).toEqual([200, 200]);
    expectAbout(Math.max(...outcomes.map(({ ms }) => ms)), 1_000);
    expect(attempts(path)).toBe(2);
  });
});

describe("with retries, a time limit and a breaker", () => {
  const timedOut = "context deadline exceeded";

  test.each<[Trouble, number, string, number]>([
    // The last column is how long a failed attempt takes.
    [503, 503, "answer", 0],
    [429, 429, "answer", 0],
    ["reset", 500, "ERR_DIRECT_INVOKE", 0],
    ["refused", 500, "ERR_DIRECT_INVOKE", 0],
    ["hang", 500, timedOut, timeoutMs],
    ["slow", 500, timedOut, timeoutMs],
  ])("%s at one costs time, at all it is told and then kept away", async (trouble, ...expected) => {
    const [status, text, attemptMs] = expected;
    const reaches = trouble !== "refused";
    const one = `/status/200/policed-one-${trouble}`;
    await hurt(0, trouble);
    const outcomes = await inTurn(policed, one);
    expect(sorted(outcomes)).toEqual([200, 200]);
    expectAbout(Math.max(...outcomes.map(({ ms }) => ms)), attemptMs + pauseMs);
    expect([sick.count(one), attempts(one)]).toEqual(reaches ? [1, 3] : [0, 2]);

    const all = `/status/200/policed-all-${trouble}`;
    await hurt(1, trouble);
    const outcome = await invoke(policed, all);
    expect(outcome).toMatchObject({ status, body: expect.stringContaining(text) });
    expectAbout(outcome.ms, 3 * attemptMs + 2 * pauseMs);
    expect(attempts(all)).toBe(reaches ? 3 : 0);
    if (reaches) expect(gaps(all)).toHaveLength(2);
    for (const gap of gaps(all)) expectAbout(gap, attemptMs + pauseMs);

    // The sixth failure in a row opens the breaker; the call that trips it still gets its answer.
    expect(await invoke(policed, all)).toMatchObject({ status });
    const refused = await invoke(policed, all);
    expect(refused).toMatchObject({ status: 500, body: expect.stringContaining("is open") });
    expect(attempts(all)).toBe(reaches ? 6 : 0);
  });
});

test("a sidecar that is frozen costs a time limit, and serves again when it thaws", async () => {
  const frozen = sidecars[0]?.child;
  const path = "/status/200/frozen";
  frozen?.kill("SIGSTOP");
  try {
    const outcomes = await inTurn(policed, path);
    expect(sorted(outcomes)).toEqual([200, 200]);
    expectAbout(Math.max(...outcomes.map(({ ms }) => ms)), timeoutMs + pauseMs);
  } finally {
    frozen?.kill("SIGCONT");
  }
  const after = "/status/200/thawed";
  await waitFor(async () => {
    await inTurn(policed, after);
    return sick.count(after) > 0;
  }, "calls to the one that thawed");
});

// The last ones: what is killed stays away.
describe("a sidecar that is killed", () => {
  test("one of two costs no call and hardly any time, whatever the policy", async () => {
    await hurt(0, "killed");
    const path = "/status/200/one-killed";
    for (const caller of [plain, policed]) {
      for (const { status, ms } of await inTurn(caller, path)) {
        expect(status).toBe(200);
        expect(ms).toBeLessThan(pauseMs + 600);
      }
    }
    expect([sick.count(path), attempts(path)]).toEqual([0, 4]);
  });

  test("all: four attempts a second apart without a policy, else what the policy says", async () => {
    await hurt(1, "killed");
    const path = "/status/200/all-killed";
    const [builtIn, own] = await Promise.all([invoke(plain, path), invoke(policed, path)]);
    expect(builtIn).toMatchObject({
      status: 500,
      body: expect.stringContaining("after 3 retries"),
    });
    expectAbout(builtIn.ms, 3_000);
    expect(plain.output()).toContain(
      "Error processing operation DaprBuiltInServiceRetries. Retrying in ",
    );
    expect(own).toMatchObject({ status: 500, body: expect.stringContaining("ERR_DIRECT_INVOKE") });
    expect(own.body).not.toContain("after 3 retries");
    expectAbout(own.ms, 2 * pauseMs);
    expect(attempts(path)).toBe(0);
  });
});
