import {
  type Body,
  type Connection,
  emptyBody,
  type InvokeRequest,
  type InvokeResponse,
  type ReceivedCall,
  readBody,
  type Transport,
} from "@outrigger/core";

/** What a broken transport does differently. */
export interface Fault {
  /** Changes what the app gets. */
  readonly request?: (call: ReceivedCall) => ReceivedCall | Promise<ReceivedCall>;
  /** Changes what the caller gets. */
  readonly response?: (response: InvokeResponse) => InvokeResponse | Promise<InvokeResponse>;
  readonly invoke?: (connection: Connection, call: InvokeRequest) => Promise<InvokeResponse>;
  readonly failure?: (reason: unknown) => unknown;
  readonly callee?: (callee: Transport) => Partial<Transport>;
}

const readWhole = async (body: Body): Promise<Uint8Array> => readBody(body, 1 << 30);

/** A broken transport for each case of streamed bodies. */
export const streamFaults: Readonly<Record<string, Fault>> = {
  "transport/stream/large-bodies": {
    response: async (response) => ({
      ...response,
      body: (await readWhole(response.body)).subarray(0, -1),
    }),
  },
  "transport/stream/small-chunks": {
    request: (call) => ({ ...call, body: swapped(call.body) }),
  },
  "transport/stream/empty": { request: (call) => ({ ...call, body: Buffer.from([0]) }) },
  "transport/stream/upload-bound": {
    invoke: async (connection, call) =>
      connection.invoke({ ...call, body: await readWhole(call.body) }),
  },
  "transport/stream/download-bound": {
    response: async (response) => ({ ...response, body: await readWhole(response.body) }),
  },
  "transport/stream/answer-before-request-ends": {
    request: async (call) => ({ ...call, body: await readWhole(call.body) }),
  },
  "transport/stream/concurrent": { invoke: oneAtATime() },
  "transport/stream/broken-request": {
    request: (call) => ({ ...call, body: swallowing(call.body) }),
  },
  "transport/stream/broken-answer-late": {
    response: (response) => ({ ...response, body: swallowing(response.body) }),
  },
  "transport/stream/abort-download": { invoke: deafInvoke },
  "transport/stream/abort-upload": { invoke: deafInvoke },
  "transport/stream/deadline-in-answer": {
    invoke: (connection, call) => deafInvoke(connection, { ...call, deadlineMs: undefined }),
  },
  "transport/stream/return-request": {
    request: (call) => ({ ...call, body: withoutReturn(call.body) }),
  },
};

/** Does not notice that its caller leaves; gives up after the time of the case, to end the test. */
function deafInvoke(connection: Connection, call: InvokeRequest): Promise<InvokeResponse> {
  return connection.invoke({ ...call, signal: AbortSignal.timeout(1_000) });
}

async function* swapped(body: Body): AsyncGenerator<Uint8Array> {
  let held: Uint8Array | undefined;
  for await (const chunk of body instanceof Uint8Array ? [body] : body) {
    if (held === undefined) {
      held = chunk;
      continue;
    }
    yield chunk;
    yield held;
    held = undefined;
  }
  if (held !== undefined) yield held;
}

/** The fault: a broken body looks like a complete one. */
export async function* swallowing(body: Body): AsyncGenerator<Uint8Array> {
  try {
    yield* body instanceof Uint8Array ? [body] : body;
  } catch {
    yield emptyBody;
  }
}

export function withoutReturn(body: Body): Body {
  if (body instanceof Uint8Array) return body;
  const iterator = body[Symbol.asyncIterator]();
  return { [Symbol.asyncIterator]: () => ({ next: () => iterator.next() }) };
}

export function oneAtATime(): NonNullable<Fault["invoke"]> {
  let last: Promise<unknown> = Promise.resolve();
  return (connection, call) => {
    const next = last.then(() => connection.invoke(call));
    last = next.catch(() => undefined);
    return next;
  };
}
