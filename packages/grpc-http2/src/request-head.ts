import { goQuote, type HeaderList, RpcCode } from "@outrigger/core";
import { brokenBinary } from "./binary-header.ts";
import { isKnownEncoding, unknownEncoding } from "./compression.ts";
import type { GrpcServerCall } from "./server-call.ts";
import type { GrpcStatus } from "./status.ts";
import { parseGrpcTimeout } from "./timeout.ts";

/** What decides about a request before its handler does. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly timeout: string | undefined;
  readonly encoding: string | undefined;
}

/** @param headers raw ones, pseudo headers included. */
export function readHead(headers: HeaderList): RequestHead {
  let method = "";
  let path = "";
  let contentType = "";
  let timeout: string | undefined;
  let encoding: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index];
    const value = headers[index + 1] as string;
    if (name === ":method") method = value;
    else if (name === ":path") path = value;
    else if (name === "content-type") contentType = value;
    else if (name === "grpc-timeout") timeout = value;
    else if (name === "grpc-encoding") encoding = value;
  }
  return { method, path, contentType, timeout, encoding };
}

/** Why a request goes to no handler. */
export interface Refusal {
  readonly httpStatus: number;
  readonly status: GrpcStatus;
}

/**
 * What Go's gRPC library refuses by itself, in its order and words.
 * @param decodes whether somebody here reads the messages: proxied ones pass in any compression.
 */
export function refuse(
  head: RequestHead,
  headers: HeaderList,
  decodes: boolean,
): Refusal | undefined {
  if (!/^application\/grpc($|[+;])/.test(head.contentType)) {
    const message = `invalid gRPC request content-type ${goQuote(head.contentType)}`;
    return refusal(415, RpcCode.INVALID_ARGUMENT, message);
  }
  const malformed = malformedHeader(head, headers);
  if (malformed !== undefined) return refusal(400, RpcCode.INTERNAL, malformed);
  if (head.method !== "POST") {
    const message = `Received a HEADERS frame with :method ${goQuote(head.method)} which should be POST`;
    return refusal(405, RpcCode.INTERNAL, message);
  }
  if (!/^\/.*\//s.test(head.path)) {
    return refusal(200, RpcCode.UNIMPLEMENTED, `malformed method name: ${goQuote(head.path)}`);
  }
  if (!decodes || isKnownEncoding(head.encoding)) return undefined;
  return { httpStatus: 200, status: unknownEncoding(head.encoding) };
}

function malformedHeader({ timeout }: RequestHead, headers: HeaderList): string | undefined {
  const broken = brokenBinary(headers);
  if (broken !== undefined) {
    const { name, value, reason } = broken;
    return `malformed binary metadata ${goQuote(value)} in header ${goQuote(name)}: ${reason}`;
  }
  if (timeout === undefined || parseGrpcTimeout(timeout) !== undefined) return undefined;
  return `malformed grpc-timeout: ${timeoutProblem(timeout)}`;
}

function timeoutProblem(timeout: string): string {
  const quoted = goQuote(timeout);
  if (timeout.length < 2) return `transport: timeout string is too short: ${quoted}`;
  if (timeout.length > 9) return `transport: timeout string is too long: ${quoted}`;
  if (!/[HMSmun]$/.test(timeout)) return `transport: timeout unit is not recognized: ${quoted}`;
  return `strconv.ParseUint: parsing ${goQuote(timeout.slice(0, -1))}: invalid syntax`;
}

function refusal(httpStatus: number, code: number, message: string): Refusal {
  return { httpStatus, status: { code, message } };
}

/** Answers as Go's gRPC library does. */
export async function unimplemented(call: GrpcServerCall): Promise<void> {
  const [, service = "", method = ""] = /^\/(.*)\/([^/]*)$/.exec(call.path) ?? [];
  const message = `unknown method ${method} for service ${service}`;
  call.finish({ code: RpcCode.UNIMPLEMENTED, message });
}
