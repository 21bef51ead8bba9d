import {
  type BodyStream,
  type Connection,
  emptyBody,
  type InvokeRequest,
  type InvokeResponse,
  type ReceivedCall,
  type Transport,
} from "@outrigger/core";

/** Whom the cases call. */
export const peer = { appId: "callee", namespace: "default" } as const;

/** A call as an HTTP client's sidecar makes it. */
export function httpCall(signal: AbortSignal, parts: Partial<InvokeRequest> = {}): InvokeRequest {
  const body = parts.body ?? emptyBody;
  return {
    target: "callee",
    method: "echo",
    http: { verb: "POST", query: "" },
    origin: "http",
    metadata: ["X-Case", "1"],
    contentType: "",
    typeUrl: "",
    body,
    bodyLength: body instanceof Uint8Array ? body.length : undefined,
    signal,
    ...parts,
  };
}

/** A call as `InvokeService` makes it. */
export function grpcCall(signal: AbortSignal, parts: Partial<InvokeRequest> = {}): InvokeRequest {
  return httpCall(signal, {
    http: undefined,
    origin: "grpc",
    metadata: ["content-type", "application/grpc", "x-case", "1"],
    ...parts,
  });
}

/** An answer of an app. */
export function answer(parts: Partial<InvokeResponse> = {}): InvokeResponse {
  return {
    status: { code: 200, message: "", details: [] },
    headers: [],
    trailers: [],
    contentType: "",
    typeUrl: "",
    body: emptyBody,
    ...parts,
  };
}

/** Makes the callee listen with this app and connects the caller to it. */
export async function serve(
  subject: { readonly caller: Transport; readonly callee: Transport },
  app: (call: ReceivedCall) => Promise<InvokeResponse>,
  signal: AbortSignal,
): Promise<Connection> {
  const { port } = await listen(subject.callee, app, signal);
  return subject.caller.connect({ host: "127.0.0.1", port }, peer);
}

/** Makes a transport listen with this app. */
export async function listen(
  callee: Transport,
  app: (call: ReceivedCall) => Promise<InvokeResponse>,
  signal: AbortSignal,
): Promise<{ readonly host: string; readonly port: number }> {
  await callee.start?.(signal);
  return callee.listen(
    {
      receive: app,
      proxy: async () => {
        throw new Error("the suite proxies nothing");
      },
    },
    signal,
  );
}

/** Bytes that are all different from their neighbours, so that lost or swapped chunks show. */
export function patterned(length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index += 1) bytes[index] = (index * 31 + (index >> 8)) & 0xff;
  return bytes;
}

/** A body that arrives in pieces and counts how many were asked for. */
export function pieces(
  all: readonly Uint8Array[],
  onPull: () => void = () => undefined,
): BodyStream {
  return (async function* () {
    for (const piece of all) {
      onPull();
      yield piece;
    }
  })();
}

/** Waits for a condition, bounded by the signal of the case. */
export async function until(condition: () => boolean, signal: AbortSignal): Promise<void> {
  while (!condition()) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A promise with its resolver, for gates in the apps of the cases. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/** Resolves when the signal aborts. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
