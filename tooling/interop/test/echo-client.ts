import { join } from "node:path";
import { Client, credentials, type Metadata, type MethodDefinition } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** A message of the Echo service. */
export interface Text {
  readonly text: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** A method of the Echo service, ready for the client's `make...Request`. */
export type EchoMethod = MethodDefinition<object, Text>;

/** What a call gave, whatever its end. */
export interface EchoAnswer {
  readonly value: Text | undefined;
  readonly error:
    | { readonly code: number; readonly details: string; readonly metadata: Metadata }
    | undefined;
  readonly headers: Metadata | undefined;
  readonly trailers: Metadata | undefined;
}

const service = loadSync(join(import.meta.dirname, "../proto/echo.proto"))[
  "outrigger.interop.v1.Echo"
] as Readonly<Record<string, EchoMethod>>;

/** @throws Error when the service has no such method. */
export function echoMethod(name: string): EchoMethod {
  const method = service[name];
  if (method === undefined) throw new Error(`Echo has no ${name}`);
  return method;
}

/** A client of @grpc/grpc-js, with the channel options that a test looks at. */
export function echoClient(
  target: string,
  options: Readonly<Record<string, string | number>> = {},
): Client {
  return new Client(target, credentials.createInsecure(), { ...options });
}

/** One unary call. @param onStarted gets a function that cancels it. */
export function unary(
  client: Client,
  name: string,
  request: Text,
  metadata: Metadata,
  options: { readonly timeoutMs?: number; readonly onStarted?: (cancel: () => void) => void } = {},
): Promise<EchoAnswer> {
  const { path, requestSerialize, responseDeserialize } = echoMethod(name);
  return new Promise((resolve) => {
    let headers: Metadata | undefined;
    let trailers: Metadata | undefined;
    let ended: { error: EchoAnswer["error"]; value: Text | undefined } | undefined;
    const settle = (): void => {
      if (ended !== undefined && trailers !== undefined) resolve({ ...ended, headers, trailers });
    };
    const call = client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      { deadline: Date.now() + (options.timeoutMs ?? 10_000) },
      (error, value) => {
        ended = { error: error ?? undefined, value };
        settle();
      },
    );
    call.on("metadata", (received: Metadata) => {
      headers = received;
    });
    call.on("status", (status: { readonly metadata: Metadata }) => {
      trailers = status.metadata;
      settle();
    });
    options.onStarted?.(() => call.cancel());
  });
}
