import { createHash } from "node:crypto";
import { once } from "node:events";
import { type IncomingMessage, request, type ServerResponse } from "node:http";
import type { Readable, Writable } from "node:stream";

/** Whether the length of a body is declared, or only its end tells. */
export type Framing = "chunked" | "content-length";

const pieceBytes = 64 * 1_024;

/** Repeats after a length that no buffer on the way has, so that a lost piece changes the digest. */
const pattern = Buffer.from(
  Array.from({ length: pieceBytes + 251 }, (_, index) => (index * 7 + (index >> 8)) & 0xff),
);

/** Writes a body at the reader's pace. Returns its SHA-256. */
export async function writeBody(target: Writable, bytes: number): Promise<string> {
  const hash = createHash("sha256");
  for (let sent = 0; sent < bytes; ) {
    const from = sent % 251;
    const piece = pattern.subarray(from, from + Math.min(pieceBytes, bytes - sent));
    hash.update(piece);
    sent += piece.length;
    if (!target.write(piece)) await once(target, "drain");
  }
  target.end();
  return hash.digest("hex");
}

/** Reads a body to its end. Returns its SHA-256. */
export async function readBody(source: Readable): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of source) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** An app: POST answers with the digest of the body, GET `/<bytes>?<framing>` with such a body. */
export function bulkApp(request: IncomingMessage, response: ServerResponse): void {
  if (request.method === "POST") {
    void readBody(request).then((digest) => response.end(digest));
    return;
  }
  const [, bytes, framing] = /^\/(\d+)\?(.+)$/.exec(request.url ?? "") ?? [];
  if (bytes === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.setHeader("Content-Type", "application/octet-stream");
  if (framing === "content-length") response.setHeader("Content-Length", bytes);
  void writeBody(response, Number(bytes));
}

/** Digests of what was sent and of what the app got. */
export async function upload(
  port: number,
  path: string,
  bytes: number,
  framing: Framing,
): Promise<{ sent: string; received: string }> {
  const outgoing = request({ host: "127.0.0.1", port, path, method: "POST", agent: false });
  if (framing === "content-length") outgoing.setHeader("Content-Length", bytes);
  const answered = once(outgoing, "response") as Promise<[IncomingMessage]>;
  const [sent, [response]] = await Promise.all([writeBody(outgoing, bytes), answered]);
  let received = "";
  for await (const chunk of response) received += chunk;
  return { sent, received };
}

/** Digest of what came, and how it was framed. */
export async function download(
  port: number,
  path: string,
): Promise<{ received: string; status: number | undefined }> {
  const outgoing = request({ host: "127.0.0.1", port, path, agent: false });
  outgoing.end();
  const [response] = (await once(outgoing, "response")) as [IncomingMessage];
  return { received: await readBody(response), status: response.statusCode };
}

/** The digest that `writeBody` gives for so many bytes. */
export function digestOf(bytes: number): string {
  const hash = createHash("sha256");
  for (let sent = 0; sent < bytes; ) {
    const from = sent % 251;
    const piece = pattern.subarray(from, from + Math.min(pieceBytes, bytes - sent));
    hash.update(piece);
    sent += piece.length;
  }
  return hash.digest("hex");
}
