import {
  type AccessPolicy,
  appFunction,
  type CallForm,
  createRuntime,
  type Endpoint,
  joinTelemetry,
  OutriggerError,
  type ReceivedCall,
  type RuntimeOptions,
  type Telemetry,
} from "@outrigger/core";
import { expect, test } from "vitest";
import { answer, ListResolver, ScriptedTransport } from "./fakes.ts";

const first: Endpoint = { host: "10.0.0.1", port: 1 };

/** Writes down what it hears of. */
class Listener implements Telemetry {
  readonly heard: string[] = [];

  sent(target: string, form: CallForm): void {
    this.heard.push(`sent ${target} ${form}`);
  }

  answered(target: string, form: CallForm, code: number): void {
    this.heard.push(`answered ${target} ${form} ${code}`);
  }

  judged(_peer: unknown, { allowed, scope }: { allowed: boolean; scope?: string }): void {
    this.heard.push(`judged ${allowed} ${scope}`);
  }

  received(): void {
    this.heard.push("received");
  }

  replied(_call: ReceivedCall, code: number): void {
    this.heard.push(`replied ${code}`);
  }
}

function received(changes: Partial<ReceivedCall> = {}): ReceivedCall {
  return {
    target: "",
    method: "m",
    http: undefined,
    origin: "http",
    metadata: [],
    contentType: "",
    typeUrl: "",
    body: new Uint8Array(0),
    bodyLength: 0,
    signal: new AbortController().signal,
    ...changes,
  };
}

async function started(options: Partial<RuntimeOptions> = {}) {
  const listener = new Listener();
  const transport = new ScriptedTransport();
  const runtime = await createRuntime({
    appId: "checkout",
    transport: () => transport,
    resolver: () => new ListResolver([first]),
    telemetry: [listener],
    retry: { retries: 2, delayMs: 0 },
    ...options,
  });
  return { runtime, transport, heard: listener.heard };
}

test("each attempt is told, and each answer", async () => {
  const { runtime, transport, heard } = await started();
  let attempts = 0;
  transport.respond = async () => {
    attempts += 1;
    if (attempts < 3) throw new OutriggerError("away", { code: "OTR_PEER_UNAVAILABLE" });
    return answer("ok");
  };
  await runtime.invoke({ target: "orders.shop", method: "m" });
  await runtime.stop({ drainMs: 0 });
  expect(heard).toEqual([
    "sent orders unary",
    "sent orders unary",
    "sent orders unary",
    "answered orders unary 200",
  ]);
});

test("a name that nobody knows is no attempt, nor is a call of the own app", async () => {
  const resolver = new ListResolver([first]);
  resolver.resolve = async () => {
    throw new OutriggerError("couldn't find service", { code: "OTR_RESOLVE_NOT_FOUND" });
  };
  const { runtime, heard } = await started({
    resolver: () => resolver,
    appChannel: appFunction(async () => answer("ok")),
  });
  await expect(runtime.invoke({ target: "nobody", method: "m" })).rejects.toThrow();
  await runtime.invoke({ target: "checkout", method: "m" });
  await runtime.stop({ drainMs: 0 });
  expect(heard).toEqual([]);
});

test("the callee's side is told once access control has spoken", async () => {
  const { runtime, transport, heard } = await started({
    appChannel: appFunction(async () => answer("ok")),
  });
  await transport.handler?.receive(received());
  await runtime.stop({ drainMs: 0 });
  expect(heard).toEqual(["judged true global", "received", "replied 200"]);
});

test("a denied call is judged and goes no further", async () => {
  const denies: AccessPolicy = {
    name: "denies",
    decide: () => ({ allowed: false, reason: "no", scope: "app" }),
  };
  const { runtime, transport, heard } = await started({
    appChannel: appFunction(async () => answer("ok")),
    accessPolicy: () => denies,
  });
  await expect(transport.handler?.receive(received())).rejects.toThrow("denied");
  await runtime.stop({ drainMs: 0 });
  expect(heard).toEqual(["judged false app"]);
});

test.each([
  [true, "replied 13"],
  [false, "replied 0"],
])("what the app could not answer, in one message: %s", async (isUnary, expected) => {
  const { runtime, transport, heard } = await started({
    appChannel: appFunction(async () => {
      throw new Error("away");
    }),
  });
  await expect(transport.handler?.receive(received({ isUnary }))).rejects.toThrow();
  await runtime.stop({ drainMs: 0 });
  expect(heard.at(-1)).toBe(expected);
});

test("joined listeners all hear, and have no method that nobody has", () => {
  const one = new Listener();
  const other = new Listener();
  const joined = joinTelemetry([one, other]);
  joined?.sent?.("orders", "unary");
  joined?.answered?.("orders", "unary", 200, 1);
  expect(one.heard).toEqual(["sent orders unary", "answered orders unary 200"]);
  expect(other.heard).toEqual(one.heard);
  expect(joined?.started).toBeUndefined();
  expect(joined?.finished).toBeUndefined();
  expect(joinTelemetry([{}, {}])).toEqual({});
  expect(joinTelemetry([])).toBeUndefined();
});

test("a token goes back to the listener that gave it, alone or among others", () => {
  const tokens: unknown[] = [];
  const withToken = (name: string): Telemetry => ({
    started: () => name,
    finished: (token) => tokens.push(token),
  });
  const call = received();
  const alone = joinTelemetry([new Listener(), withToken("a")]);
  expect(alone?.started?.("caller", call)).toBe("a");
  alone?.finished?.("a", call, undefined, undefined);
  const both = joinTelemetry([withToken("b"), new Listener(), withToken("c")]);
  both?.finished?.(both.started?.("caller", call), call, undefined, undefined);
  expect(tokens).toEqual(["a", "b", "c"]);
});
