import {
  type Body,
  type InvokeResponse,
  isHttpStatus,
  OutriggerError,
  readBody,
} from "@outrigger/core";
import {
  atApp,
  atClient,
  atDeliver,
  atIngress,
  atInvoke,
  atResponse,
  atSidecar,
  type Fault,
  undrained,
  unlimited,
  without,
} from "./invocation-breakage.ts";

const never = new AbortController().signal;
const whole = (body: Body): Promise<Uint8Array> => readBody(body, 1 << 30);

const givenVerb: readonly Fault[] = [
  atDeliver(() => ({ http: { verb: "POST", query: "" } })),
  atClient(() => ({ status: 5 })),
];

/** Faults by the id of a case, or by the beginning of ids; each case must catch all of its own. */
const faults: readonly (readonly [string, readonly Fault[]])[] = [
  ["invocation/verb/missing", [...givenVerb]],
  ["invocation/verb/missing-for-http", [...givenVerb]],
  [
    "invocation/verb/head",
    [otherVerb(), atClient(({ headers }) => ({ headers: without(headers, "x-reply") }))],
  ],
  ["invocation/verb/", [otherVerb(), atClient(() => ({ status: 5 }))]],
  [
    "invocation/path/query",
    [atDeliver(({ http }) => ({ http: { verb: http?.verb ?? "", query: "a=1" } }))],
  ],
  ["invocation/path/", [atDeliver(({ method }) => ({ method: `${method}x` }))]],
  [
    "invocation/content-type/kept",
    [atDeliver(() => ({ contentType: "a/b" })), atResponse(() => ({ contentType: "a/b" }))],
  ],
  ["invocation/content-type/none", [atDeliver(() => ({ contentType: "text/plain" }))]],
  ["invocation/content-type/type-url", [atDeliver(() => ({ typeUrl: "" }))]],
  ["invocation/content-type/reply-type-url", [atResponse(() => ({ typeUrl: "" }))]],
  [
    "invocation/body/",
    [
      atDeliver(async ({ body }) => ({ body: spoilt(await whole(body)) })),
      atResponse(async ({ body }) => ({ body: spoilt(await whole(body)) })),
    ],
  ],
  ["invocation/header/repeated", [unseen("x-two"), unseen("authorization")]],
  [
    "invocation/header/hop-by-hop",
    [
      seen("TE"),
      seen("X-Listed"),
      atDeliver(({ metadata }) => ({ metadata: without(metadata, "connection") })),
    ],
  ],
  ["invocation/header/binary-to-http", [seen("X-Blob-bin"), unseen("x-kept")]],
  ["invocation/header/binary", [unseen("x-blob-bin"), unanswered("y-blob-bin")]],
  ["invocation/header/http-names", [unseen("dapr-accept"), unseen("dapr-cookie"), seen("accept")]],
  [
    "invocation/header/identities",
    [unseen("dapr-caller-app-id"), seen("dapr-caller-app-id"), seen("destination-app-id")],
  ],
  ["invocation/header/app-id", [seen("dapr-app-id"), atApp(() => ({ path: "a" }))]],
  ["invocation/header/trace", [unseen("traceparent")]],
  [
    "invocation/header/reply-repeated",
    [
      unanswered("x-other"),
      atClient(({ headers }) => ({ headers: [...without(headers, "x-reply"), "x-reply", "a"] })),
    ],
  ],
  [
    "invocation/header/reply-dropped",
    [answered("X-Blob-Bin"), answered("Proxy-Authenticate"), unanswered("x-kept")],
  ],
  [
    "invocation/header/reply-http-names",
    [unanswered("dapr-http-status"), unanswered("dapr-cache-control"), answered("cache-control")],
  ],
  ["invocation/header/reply-trace", [unanswered("traceparent")]],
  ["invocation/header/reply-own-trace", [unanswered("traceparent"), answered("traceparent")]],
  ["invocation/header/trailers", [atResponse(() => ({ trailers: [] }))]],
  [
    "invocation/target/own-app",
    [atInvoke((next, request) => next({ ...request, target: "callee" }))],
  ],
  ["invocation/target/namespace", [unseen("dapr-callee-app-id")]],
  [
    "invocation/status/http-204",
    [atResponse(({ status }) => ({ status: { ...status, code: 200 } }))],
  ],
  [
    "invocation/status/http-long-words",
    [atResponse(async ({ body }) => ({ body: (await whole(body)).subarray(1) }))],
  ],
  [
    "invocation/status/http-",
    [
      atResponse(({ status }) => ({ status: { ...status, code: 599 } })),
      atResponse(() => ({ body: Buffer.from("other words") })),
      unanswered("x-reply"),
    ],
  ],
  [
    "invocation/status/grpc-details",
    [atResponse(({ status }) => ({ status: { ...status, details: [] } }))],
  ],
  [
    "invocation/status/grpc-",
    [
      atResponse(({ status }) => ({ status: { ...status, code: (status.code % 16) + 1 } })),
      atResponse(({ status }) => ({ status: { ...status, message: "other words" } })),
    ],
  ],
  ["invocation/failure/", [nothingFails()]],
  [
    "invocation/timing/caller-leaves",
    [atInvoke((next, request) => next({ ...request, signal: never }))],
  ],
  [
    "invocation/timing/deadline-kept",
    [
      atInvoke(async () => {
        throw new OutriggerError("late", { code: "OTR_TIMEOUT" });
      }),
    ],
  ],
  ["invocation/timing/deadline", [atClient(() => ({ status: 14 }))]],
  ["invocation/timing/parallel", [oneAtATime()]],
  ["invocation/timing/concurrency", [unlimited]],
  ["invocation/timing/after-failures", [sameForAll()]],
  [
    "invocation/stream/first-piece-of-answer",
    [atResponse(async ({ body }) => ({ body: await whole(body) }))],
  ],
  [
    "invocation/stream/first-piece-of-request",
    [atInvoke(async (next, request) => next({ ...request, body: await whole(request.body) }))],
  ],
  ["invocation/stream/slow-reader", [atResponse(({ body }) => ({ body: eager(body) }))]],
  [
    "invocation/stream/slow-app",
    [atInvoke((next, request) => next({ ...request, body: eager(request.body) }))],
  ],
  ["invocation/stream/broken-answer", [atResponse(({ body }) => ({ body: swallowing(body) }))]],
  ["invocation/health/ready", [healthOf([], true), healthOf(["x"], true), healthOf([], false)]],
  ["invocation/health/waits-for-app", [healthOf([], true), healthOf(["x"], false)]],
  ["invocation/shutdown/caller", [atIngress(() => ({ drain: async () => undefined }))]],
  ["invocation/shutdown/callee", [undrained]],
];

/** A sidecar whose pipeline does not hear that its client has left or waits no longer. */
export const deaf: Fault = atInvoke((next, request) =>
  next({ ...request, signal: never, deadlineMs: undefined }),
);

/** The faults that a case must catch: those of its id, else those of the longest beginning. */
export function faultsOf(id: string): readonly Fault[] {
  const fitting = faults.filter(([key]) => key === id || (/[/-]$/.test(key) && id.startsWith(key)));
  fitting.sort(([one], [other]) => other.length - one.length);
  return fitting[0]?.[1] ?? [];
}

/** Keys that belong to no case. */
export function unusedFaults(ids: readonly string[]): readonly string[] {
  return faults.map(([key]) => key).filter((key) => !ids.some((id) => id.startsWith(key)));
}

function otherVerb(): Fault {
  return atDeliver(({ http }) => ({
    http: { verb: http?.verb === "PUT" ? "POST" : "PUT", query: "" },
  }));
}

/** The app does not see a header that it should see. */
function unseen(name: string): Fault {
  return atApp(({ headers }) => ({ headers: without(headers, name) }));
}

/** The app sees a header, or one value more of it. */
function seen(name: string): Fault {
  return atApp(({ headers }) => ({ headers: [...headers, name, "1"] }));
}

function unanswered(name: string): Fault {
  return atClient(({ headers }) => ({ headers: without(headers, name) }));
}

function answered(name: string): Fault {
  return atClient(({ headers }) => ({ headers: [...headers, name, "1"] }));
}

function spoilt(body: Uint8Array): Uint8Array {
  if (body.length === 0) return Buffer.from("x");
  const copy = Buffer.from(body);
  copy[copy.length - 1] = (copy[copy.length - 1] ?? 0) ^ 1;
  return copy;
}

function nothingFails(): Fault {
  const success: InvokeResponse = {
    status: { code: 200, message: "", details: [] },
    ...{ headers: [], trailers: [], contentType: "", typeUrl: "", body: Buffer.alloc(0) },
  };
  return atInvoke(async (next, request) => {
    try {
      const response = await next(request);
      const { code } = response.status;
      return isHttpStatus(code) && code < 400 ? response : success;
    } catch {
      return success;
    }
  });
}

function oneAtATime(): Fault {
  let last: Promise<unknown> = Promise.resolve();
  return atInvoke((next, request) => {
    const calling = last.then(() => next(request));
    last = calling.catch(() => undefined);
    return calling;
  });
}

function sameForAll(): Fault {
  let first: Promise<InvokeResponse> | undefined;
  return atInvoke((next, request) => {
    first ??= next(request);
    return first;
  });
}

/** Reads ahead without a bound. */
function eager(body: Body): Body {
  if (body instanceof Uint8Array) return body;
  const chunks: Uint8Array[] = [];
  let wake: () => void = () => undefined;
  let ended = false;
  const end = (): void => {
    ended = true;
    wake();
  };
  const readAll = async (): Promise<void> => {
    for await (const chunk of body) {
      chunks.push(Buffer.from(chunk));
      wake();
    }
  };
  readAll().then(end, end);
  return (async function* () {
    for (;;) {
      const chunk = chunks.shift();
      if (chunk !== undefined) yield chunk;
      else if (ended) return;
      else
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    }
  })();
}

/** A broken body looks like a complete one. */
async function* swallowing(body: Body): AsyncGenerator<Uint8Array> {
  try {
    yield* body instanceof Uint8Array ? [body] : body;
  } catch {
    // The fault.
  }
}

function healthOf(unready: readonly string[], outbound: boolean): Fault {
  return atSidecar(() => ({ health: { unready: () => unready, outboundReady: () => outbound } }));
}
