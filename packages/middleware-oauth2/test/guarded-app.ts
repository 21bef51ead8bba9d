import type { IncomingMessage, ServerResponse } from "node:http";
import type { HeaderList, HttpMiddlewareComponent } from "@outrigger/core";
import { type LocalServer, listen } from "./provider.ts";

/** An app behind a middleware, on a real server; it answers with what it saw. */
export interface GuardedApp extends LocalServer {
  guard(middleware: HttpMiddlewareComponent): void;
}

/** What the app saw of a request. */
export interface Seen {
  readonly path: string;
  readonly query: string;
  readonly headers: HeaderList;
}

/** Starts an app. */
export async function startApp(): Promise<GuardedApp> {
  let middleware: HttpMiddlewareComponent | undefined;
  const server = await listen((request, response) => void serve(middleware, request, response));
  return {
    ...server,
    guard: (value) => {
      middleware = value;
    },
  };
}

async function serve(
  middleware: HttpMiddlewareComponent | undefined,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { method = "", url = "", rawHeaders: headers } = incoming;
  const [path = "", query = ""] = url.split("?");
  const { signal } = new AbortController();
  const request = { method, path, query, headers, body: Buffer.alloc(0), bodyLength: 0, signal };
  try {
    const answer = await middleware?.handle(request, async (passed) => {
      const seen: Seen = { path: passed.path, query: passed.query, headers: passed.headers };
      return { status: 200, headers: [], body: Buffer.from(JSON.stringify(seen)) };
    });
    outgoing.writeHead(answer?.status ?? 599, [...(answer?.headers ?? [])]);
    outgoing.end(answer?.body);
  } catch (reason) {
    outgoing.writeHead(598).end(String(reason));
  }
}
