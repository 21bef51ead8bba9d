import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { errorText, joinHostPort, OutriggerError } from "@outrigger/core";
import { admit } from "./access.ts";
import { MeshWatch } from "./mesh-watch.ts";
import { type ConsoleOptions, type ConsoleSettings, parseConsoleOptions } from "./options.ts";
import { loadPage, type PageFile } from "./page-files.ts";

/** A console that serves its page. */
export interface RunningConsole {
  /** Address of the page, with the token where one is needed. */
  readonly url: string;
  /** Ends it and every connection. */
  close(): Promise<void>;
}

/** Everything comes from here, nothing may be loaded from or sent to anywhere else. */
const securityHeaders: Readonly<Record<string, string>> = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/**
 * Serves the page.
 * @throws OutriggerError `OTR_OPTIONS_INVALID`, or `OTR_LISTEN_FAILED` when the port is taken.
 */
export async function startConsole(options: ConsoleOptions = {}): Promise<RunningConsole> {
  const settings = parseConsoleOptions(options);
  const token = settings.token ?? (isLoopback(settings.host) ? undefined : newToken());
  const page = await loadPage();
  const pages = new Pages({ ...settings, token }, page);
  const server = createServer((request, response) => {
    pages.answer(request, response).catch((reason: unknown) => {
      if (response.headersSent) response.destroy();
      else send(response, 500, "text/plain; charset=utf-8", Buffer.from(errorText(reason)));
    });
  });
  server.headersTimeout = 10_000;
  server.requestTimeout = 10_000;
  server.maxConnections = 256;
  const port = await listen(server, settings);
  const address = `http://${joinHostPort(settings.host, port)}/`;
  return {
    url: token === undefined ? address : `${address}?token=${encodeURIComponent(token)}`,
    close: async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** True for addresses that only this machine reaches. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/.test(host);
}

function newToken(): string {
  return randomBytes(18).toString("base64url");
}

async function listen(server: Server, { host, port }: ConsoleSettings): Promise<number> {
  try {
    server.listen(port, host);
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  } catch (cause) {
    throw new OutriggerError(`the console cannot listen: ${errorText(cause)}`, {
      code: "OTR_LISTEN_FAILED",
      cause,
      details: { host, port },
    });
  }
}

class Pages {
  readonly #settings: ConsoleSettings;
  readonly #page: ReadonlyMap<string, PageFile>;
  readonly #mesh: MeshWatch;

  constructor(settings: ConsoleSettings, page: ReadonlyMap<string, PageFile>) {
    this.#settings = settings;
    this.#page = page;
    this.#mesh = new MeshWatch(settings);
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = addressOf(request);
    if (url === undefined) return sendText(response, 400, "Bad request");
    const admission = admit(request, url, this.#settings.token);
    if (admission.kind === "refused") return sendText(response, admission.status, admission.text);
    if (request.method !== "GET" && request.method !== "HEAD") {
      return sendText(response, 405, "This console only shows things");
    }
    if (admission.kind === "welcome") {
      response.writeHead(303, {
        ...securityHeaders,
        Location: url.pathname,
        "Set-Cookie": admission.cookie,
      });
      response.end();
      return;
    }
    return this.#route(url, response);
  }

  async #route(url: URL, response: ServerResponse): Promise<void> {
    const file = this.#page.get(url.pathname);
    if (file !== undefined) return send(response, 200, file.contentType, file.body);
    switch (url.pathname) {
      case "/api/mesh": {
        const { traceUrl } = this.#settings;
        const mesh = await this.#mesh.read();
        return sendJson(response, { ...mesh, traceUrl: traceUrl ?? null });
      }
      case "/api/sidecar":
        return this.#describe(url.searchParams.get("url") ?? "", response);
      default:
        return sendText(response, 404, "Not found");
    }
  }

  async #describe(sidecar: string, response: ServerResponse): Promise<void> {
    try {
      sendJson(response, await this.#mesh.describe(sidecar));
    } catch (reason) {
      sendText(response, 502, errorText(reason));
    }
  }
}

/** Browsers always send a path; whatever else comes is no address of this page. */
function addressOf({ url = "" }: IncomingMessage): URL | undefined {
  if (!url.startsWith("/") || url.startsWith("//")) return undefined;
  try {
    return new URL(url, "http://console.invalid");
  } catch {
    return undefined;
  }
}

function sendJson(response: ServerResponse, value: unknown): void {
  send(response, 200, "application/json", Buffer.from(JSON.stringify(value)));
}

function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, "text/plain; charset=utf-8", Buffer.from(`${text}\n`));
}

function send(response: ServerResponse, status: number, contentType: string, body: Buffer): void {
  response.writeHead(status, {
    ...securityHeaders,
    "Content-Type": contentType,
    "Content-Length": body.length,
  });
  response.end(body);
}
