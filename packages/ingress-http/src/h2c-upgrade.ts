import { IncomingMessage } from "node:http";
import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";
import type { ByteString, HeaderList } from "@outrigger/core";
import {
  frameBytes,
  maxPayloadBytes,
  payloadOf,
  readFrameHead,
  settingsFrame,
  writeRequest,
  writeSettings,
} from "./h2c-frames.ts";
import { preface } from "./protocol-sniffer.ts";
import { framingRefusal } from "./request-framing.ts";
import { originForm } from "./request-line.ts";

/** Larger heads stay with HTTP/1.1: theirs would not fit into one frame. */
const maxHeadBytes = 12_288;

/** Settings are pairs of an id and a value (RFC 9113 section 6.5.1). */
const settingBytes = 6;

/**
 * A request whose upgrade is heeded only where it is one to cleartext HTTP/2 (RFC 7540 section 3.2) and
 * has no body. Node's server asks `upgrade` what to do; to "no", it goes on with HTTP/1.1.
 */
export class UpgradableRequest extends IncomingMessage {
  get upgrade(): boolean {
    return this.method === "CONNECT" || h2cSettings(this) !== undefined;
  }

  /** The parser tells that the client asked for any upgrade at all; the headers say which. */
  set upgrade(_asked: boolean | null) {
    // Nothing to keep.
  }
}

/** The settings of a request that asks for HTTP/2, `undefined` for one that stays with HTTP/1.1. */
function h2cSettings(request: IncomingMessage): Buffer | undefined {
  const { headers, rawHeaders } = request;
  if (headers.upgrade === undefined) return undefined;
  if (!tokens(headers.upgrade).includes("h2c")) return undefined;
  const named = tokens(headers.connection);
  if (!named.includes("upgrade") || !named.includes("http2-settings")) return undefined;
  const hasBody = (headers["content-length"] ?? "0") !== "0";
  if (hasBody || headers["transfer-encoding"] !== undefined) return undefined;
  const size = rawHeaders.reduce((sum, text) => sum + text.length + 4, request.url?.length ?? 0);
  if (size > maxHeadBytes || framingRefusal(request) !== undefined) return undefined;
  return decodeSettings(headers["http2-settings"]);
}

function tokens(list: string | undefined): readonly string[] {
  return list?.split(",").map((token) => token.trim().toLowerCase()) ?? [];
}

function decodeSettings(text: string | readonly string[] | undefined): Buffer | undefined {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const settings = Buffer.from(text, "base64url");
  return settings.length % settingBytes === 0 ? settings : undefined;
}

/**
 * Answers 101 and hands the connection to HTTP/2, with the request as its stream 1. Node's HTTP/2
 * server knows no upgrade, so it is shown what a client with prior knowledge would have sent.
 * @param first what the client sent after the request.
 * @param timeoutMs bound on the arrival of the client's preface.
 */
export function upgradeToHttp2(
  http2: Http2Server,
  request: IncomingMessage,
  socket: Socket,
  first: Buffer,
  timeoutMs: number,
): void {
  const headers = requestHeaders(request);
  const settings = h2cSettings(request) ?? Buffer.alloc(0);
  let received = first;
  const giveUp = (): void => {
    socket.destroy();
  };
  const onReadable = (): void => {
    for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
      received = Buffer.concat([received, chunk as Buffer]);
    }
    const opening = openingOf(received, settings, headers);
    if (opening === "wrong") giveUp();
    if (typeof opening === "string") return;
    clearTimeout(timer);
    for (const event of ["error", "end"]) socket.off(event, giveUp);
    socket.off("readable", onReadable);
    socket.unshift(opening);
    http2.emit("connection", socket);
  };
  const timer = setTimeout(giveUp, timeoutMs);
  socket.once("close", () => clearTimeout(timer));
  socket.on("error", giveUp);
  socket.on("end", giveUp);
  socket.on("readable", onReadable);
  socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  onReadable();
}

/**
 * What the client sent, with the request in it, once its first SETTINGS frame is there. The settings of
 * the upgrade go into that frame: its acknowledgement is the only one that the client waits for.
 */
function openingOf(
  received: Buffer,
  settings: Buffer,
  headers: HeaderList,
): Buffer | "wrong" | "partial" {
  const begin = received.subarray(0, preface.length);
  if (!begin.equals(preface.subarray(0, begin.length))) return "wrong";
  const rest = received.subarray(preface.length);
  const head = readFrameHead(rest);
  if (head === undefined) return "partial";
  if (head.type !== settingsFrame || head.flags !== 0 || head.streamId !== 0) return "wrong";
  if (head.length + settings.length > maxPayloadBytes) return "wrong";
  const length = frameBytes(head.length);
  if (rest.length < length) return "partial";
  const merged = Buffer.concat([settings, payloadOf(rest, head)]);
  const parts = [preface, writeSettings(merged), writeRequest(1, headers), rest.subarray(length)];
  return Buffer.concat(parts);
}

/** Those of a connection have no place in HTTP/2 (RFC 9113 section 8.2.2). */
const hopByHop = [
  ...["connection", "host", "http2-settings", "keep-alive", "proxy-connection"],
  ...["te", "transfer-encoding", "upgrade"],
];

function requestHeaders(request: IncomingMessage): HeaderList {
  const { rawHeaders, headers } = request;
  const dropped = new Set([...hopByHop, ...tokens(headers.connection)]);
  const kept: ByteString[] = [":method", request.method ?? "GET", ":scheme", "http"];
  kept.push(":authority", headers.host ?? "", ":path", originForm(request.url ?? "/"));
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] as string).toLowerCase();
    if (!dropped.has(name)) kept.push(name, rawHeaders[index + 1] as string);
  }
  return kept;
}
