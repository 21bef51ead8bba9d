import { type HeaderList, RpcCode } from "@outrigger/core";
import type { GrpcServerCall } from "./server-call.ts";
import type { GrpcStatus } from "./status.ts";
import { parseGrpcTimeout } from "./timeout.ts";

/** What decides about a request before its handler does. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly timeout: string | undefined;
}

/** @param headers raw ones, pseudo headers included. */
export function readHead(headers: HeaderList): RequestHead {
  let method = "";
  let path = "";
  let contentType = "";
  let timeout: string | undefined;
  for (let index = 0; index < headers.length; index += 2) {
    const name = headers[index];
    const value = headers[index + 1] as string;
    if (name === ":method") method = value;
    else if (name === ":path") path = value;
    else if (name === "content-type") contentType = value;
    else if (name === "grpc-timeout") timeout = value;
  }
  return { method, path, contentType, timeout };
}

/** Requests that are not gRPC get what Go's gRPC library answers. */
export function refuse(head: RequestHead): { httpStatus: number; status: GrpcStatus } | undefined {
  if (head.method !== "POST") {
    const message = `Received a HEADERS frame with :method "${head.method}" which should be POST`;
    return { httpStatus: 405, status: { code: RpcCode.INTERNAL, message } };
  }
  if (!/^application\/grpc($|[+;])/.test(head.contentType)) {
    const message = `invalid gRPC request content-type "${head.contentType}"`;
    return { httpStatus: 415, status: { code: RpcCode.INVALID_ARGUMENT, message } };
  }
  if (head.timeout !== undefined && parseGrpcTimeout(head.timeout) === undefined) {
    const message = `malformed grpc-timeout: "${head.timeout}"`;
    return { httpStatus: 400, status: { code: RpcCode.INTERNAL, message } };
  }
  if (!head.path.startsWith("/")) {
    const message = `malformed method name: "${head.path}"`;
    return { httpStatus: 200, status: { code: RpcCode.UNIMPLEMENTED, message } };
  }
  return undefined;
}

/** Answers as Go's gRPC library does. */
export async function unimplemented(call: GrpcServerCall): Promise<void> {
  const [, service = "", method = ""] = /^\/(.*)\/([^/]*)$/.exec(call.path) ?? [];
  const message = `unknown method ${method} for service ${service}`;
  call.finish({ code: RpcCode.UNIMPLEMENTED, message });
}
