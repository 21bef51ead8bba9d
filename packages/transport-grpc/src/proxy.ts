import {
  type BodyStream,
  type HeaderList,
  type ProxyCall,
  type ProxyEnding,
  type ProxyResponse,
  RpcCode,
  rpcError,
  type TransportHandler,
} from "@outrigger/core";
import {
  framedBytes,
  type GrpcClient,
  type GrpcHandler,
  type GrpcResponse,
  type GrpcServerCall,
  type GrpcStatus,
  type MessageReader,
} from "@outrigger/grpc-http2";
import { toCallerError } from "./rpc-failure.ts";

const detailsHeader = "grpc-status-details-bin";

/** The caller's half of a proxied call: frames go out as they came in. */
export async function proxyOut(client: GrpcClient, call: ProxyCall): Promise<ProxyResponse> {
  const response = await client.call({
    path: call.path,
    headers: call.metadata,
    body: call.frames,
    // Whatever the subtype of the client (recorded Dapr behaviour).
    contentType: "application/grpc+proto",
    deadlineMs: call.deadlineMs,
    signal: call.signal,
  });
  const { status } = response;
  if (status?.origin !== undefined && response.headers.length === 0) {
    throw toCallerError(status, call.signal);
  }
  const isTrailersOnly = response.headers === response.trailers;
  let end: (ending: ProxyEnding) => void = () => undefined;
  const ended = new Promise<ProxyEnding>((resolve) => {
    end = resolve;
  });
  const frames = new ProxyFrames(response.messages, {
    ended: () => end(toEnding(response)),
    cancel: () => response.cancel(),
  });
  return { headers: isTrailersOnly ? [] : withoutProtocol(response.headers), frames, ended };
}

/** The callee's half, for every path that is not Dapr's own. */
export function proxyIn(handler: TransportHandler): GrpcHandler {
  return async (call) => {
    const response = await handler.proxy(toProxyCall(call));
    // Trailers alone stay trailers alone.
    if (response.headers.length > 0) call.respond(response.headers);
    try {
      for await (const frames of response.frames) {
        if (call.finished) break;
        await call.write(frames);
      }
    } catch {
      // `ended` tells why, and it is what the client gets.
    }
    const { status, trailers } = await response.ended;
    call.finish(toStatus(status, trailers), trailers);
  };
}

function toProxyCall(call: GrpcServerCall): ProxyCall {
  return {
    path: call.path,
    metadata: withoutPseudo(call.headers),
    frames: new ProxyFrames(call.messages, {
      ended: () => {
        const { failure } = call.messages;
        if (failure !== undefined) throw rpcError("OTR_ABORTED", failure);
      },
      cancel: () => call.messages.discard(),
    }),
    deadlineMs: call.deadlineMs,
    signal: call.signal,
  };
}

/** Messages with their prefixes, as views of what was received. */
class ProxyFrames implements BodyStream, AsyncIterator<Uint8Array, undefined> {
  readonly #messages: MessageReader;
  readonly #hooks: { ended(): void; cancel(): void };
  #done = false;

  constructor(messages: MessageReader, hooks: { ended(): void; cancel(): void }) {
    this.#messages = messages;
    this.#hooks = hooks;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const frame = this.#done ? undefined : await this.#messages.read();
    if (frame !== undefined) return { done: false, value: framedBytes(frame) };
    if (!this.#done) {
      this.#done = true;
      this.#hooks.ended();
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (!this.#done) {
      this.#done = true;
      this.#hooks.cancel();
      this.#hooks.ended();
    }
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

function toEnding(response: GrpcResponse): ProxyEnding {
  const { code, message } = response.status ?? { code: RpcCode.UNKNOWN, message: "no status" };
  return { status: { code, message }, trailers: withoutProtocol(response.trailers) };
}

function toStatus(status: ProxyEnding["status"], trailers: HeaderList): GrpcStatus {
  const position = trailers.indexOf(detailsHeader);
  const details = position === -1 ? undefined : trailers[position + 1];
  if (details === undefined) return status;
  return { ...status, detailsBin: Buffer.from(details, "base64") };
}

function withoutPseudo(list: HeaderList): HeaderList {
  return filter(list, (name) => !name.startsWith(":"));
}

/** What an app or a client wrote, without what the protocol adds on every hop. */
function withoutProtocol(list: HeaderList): HeaderList {
  return filter(
    list,
    (name) =>
      !name.startsWith(":") &&
      name !== "content-type" &&
      name !== "grpc-status" &&
      name !== "grpc-message",
  );
}

function filter(list: HeaderList, keep: (name: string) => boolean): HeaderList {
  const kept: string[] = [];
  for (let index = 0; index < list.length; index += 2) {
    const name = list[index] as string;
    if (keep(name)) kept.push(name, list[index + 1] as string);
  }
  return kept;
}
