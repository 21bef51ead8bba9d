import type { Balancer, BodyStream, Endpoint, InvokeResponse } from "@outrigger/core";
import { emptyBody, roundRobin } from "@outrigger/core";
import { expect, test } from "vitest";
import { EndpointPicker } from "../src/invocation/endpoint-picker.ts";

const endpoints: readonly Endpoint[] = [1, 2, 3].map((port) => ({ host: "10.0.0.1", port }));
const [first] = endpoints as readonly [Endpoint];
const call = { method: "m", metadata: [] };
const orders = { appId: "orders", namespace: "default" };
const live = new AbortController().signal;

function counts(picks: readonly Endpoint[]): readonly number[] {
  return endpoints.map(({ port }) => picks.filter((pick) => pick.port === port).length);
}

/** Shows the counts of the runtime as ports. */
function watching(): { balancer: Balancer; inFlight: () => readonly number[] } {
  let seen: readonly number[] = [];
  const balancer: Balancer = {
    name: "watching",
    countsCalls: true,
    select(snapshot) {
      seen = endpoints.map((endpoint) => snapshot.inFlight(endpoint));
      return first;
    },
  };
  return { balancer, inFlight: () => seen };
}

function answer(body: InvokeResponse["body"]): InvokeResponse {
  const status = { code: 200, message: "", details: [] };
  return { status, headers: [], trailers: [], contentType: "", typeUrl: "", body };
}

test("shares are exact over a full round", () => {
  const picker = new EndpointPicker(roundRobin());
  const picks = Array.from({ length: 300 }, () => picker.pick(orders, endpoints, [], call));
  expect(counts(picks)).toEqual([100, 100, 100]);
});

test("interleaved targets do not disturb each other's turn", () => {
  const picker = new EndpointPicker(roundRobin());
  const picks: Endpoint[] = [];
  for (let index = 0; index < 30; index++) {
    picks.push(picker.pick(orders, endpoints, [], call));
    picker.pick({ appId: "other", namespace: "default" }, endpoints, [], call);
  }
  expect(counts(picks)).toEqual([10, 10, 10]);
});

test("a tried endpoint is avoided while another one is left", () => {
  const picker = new EndpointPicker(roundRobin());
  for (let index = 0; index < 6; index++) {
    expect(picker.pick(orders, endpoints, [first], call).port).not.toBe(1);
  }
});

test("further attempts of a call take no turn from the next calls", () => {
  const picker = new EndpointPicker(roundRobin());
  const two = endpoints.slice(0, 2);
  const picks = Array.from({ length: 10 }, () => {
    const pick = picker.pick(orders, two, [], call);
    expect(picker.pick(orders, two, [pick], call)).not.toBe(pick);
    return pick;
  });
  expect(counts(picks)).toEqual([5, 5, 0]);
});

test("with every endpoint tried, one is picked all the same", () => {
  const picker = new EndpointPicker(roundRobin());
  expect(endpoints).toContain(picker.pick(orders, endpoints, endpoints, call));
});

test("turns of the longest unused targets are forgotten, not all remembered", () => {
  const picker = new EndpointPicker(roundRobin());
  picker.pick(orders, endpoints, [], call);
  for (let index = 0; index < 5_000; index++) {
    picker.pick({ appId: `app-${index}`, namespace: "default" }, endpoints, [], call);
  }
  expect(picker.pick(orders, endpoints, [], call)).toBe(first);
});

test("a call counts until its answer is there", async () => {
  const { balancer, inFlight } = watching();
  const picker = new EndpointPicker(balancer);
  await picker.during(first, live, async () => {
    picker.pick(orders, endpoints, [], call);
    expect(inFlight()).toEqual([1, 0, 0]);
    return answer(emptyBody);
  });
  picker.pick(orders, endpoints, [], call);
  expect(inFlight()).toEqual([0, 0, 0]);
});

test("a call that fails counts no longer", async () => {
  const { balancer, inFlight } = watching();
  const picker = new EndpointPicker(balancer);
  const failing = picker.during(first, live, () => Promise.reject(new Error("down")));
  await expect(failing).rejects.toThrow("down");
  picker.pick(orders, endpoints, [], call);
  expect(inFlight()).toEqual([0, 0, 0]);
});

test.each(["read to the end", "ended early", "broken off", "never read"])(
  "a streamed answer counts until it is %s",
  async (how) => {
    const { balancer, inFlight } = watching();
    const picker = new EndpointPicker(balancer);
    const abort = new AbortController();
    const response = await picker.during(first, abort.signal, async () =>
      answer(chunks(how === "broken off")),
    );
    picker.pick(orders, endpoints, [], call);
    expect(inFlight()).toEqual([1, 0, 0]);

    const body = (response.body as BodyStream)[Symbol.asyncIterator]();
    if (how === "read to the end") while (!(await body.next()).done);
    if (how === "ended early") await body.return?.();
    if (how === "broken off") {
      await body.next();
      await expect(body.next()).rejects.toThrow("broken");
    }
    if (how === "never read") abort.abort();
    picker.pick(orders, endpoints, [], call);
    expect(inFlight()).toEqual([0, 0, 0]);
  },
);

test("a proxied call counts until it has ended", async () => {
  const { balancer, inFlight } = watching();
  const picker = new EndpointPicker(balancer);
  let end: () => void = () => undefined;
  const ended = new Promise<{ status: { code: number; message: string }; trailers: [] }>(
    (resolve) => {
      end = () => resolve({ status: { code: 0, message: "" }, trailers: [] });
    },
  );
  await picker.duringProxy(first, async () => ({ headers: [], frames: chunks(false), ended }));
  picker.pick(orders, endpoints, [], call);
  expect(inFlight()).toEqual([1, 0, 0]);
  end();
  await ended;
  picker.pick(orders, endpoints, [], call);
  expect(inFlight()).toEqual([0, 0, 0]);
});

async function* chunks(breaks: boolean): BodyStream {
  yield new Uint8Array([1]);
  if (breaks) throw new Error("broken");
  yield new Uint8Array([2]);
}
