import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { joinHostPort } from "@outrigger/core";
import type { ChannelSettings } from "./options.ts";

/** Bytes that the app may send on one stream before they are read. */
const streamWindowBytes = 256 * 1_024;
/** The same for a whole session: so large that some unread answers do not stall the others. */
const sessionWindowBytes = 64 * 1_024 * 1_024;
/** Memory of one session; Node's default of 10 MB refuses streams under load. */
const sessionMemoryMegabytes = 256;
/** Header fields of one answer; Node's own default is 128. */
const maxHeaderPairs = 8_192;
/** Header fields of one request, in bytes; Node's own default is 64 KiB. */
const maxRequestHeaderBytes = 10 * 1_024 * 1_024;

/**
 * Opens a session with prior knowledge (RFC 9113 section 3.3) that has received the app's SETTINGS,
 * so that its limit of streams is known. @throws Node's errors.
 */
export async function dialHttp2(settings: ChannelSettings): Promise<ClientHttp2Session> {
  const { host, port, maxResponseHeaderBytes } = settings;
  const socket = connectTcp({ host, port, noDelay: true });
  const session = connect(`http://${joinHostPort(host, port)}`, {
    createConnection: () => socket,
    settings: {
      enablePush: false,
      initialWindowSize: streamWindowBytes,
      maxHeaderListSize: maxResponseHeaderBytes,
    },
    maxHeaderListPairs: maxHeaderPairs,
    maxSessionMemory: sessionMemoryMegabytes,
    maxSendHeaderBlockLength: maxRequestHeaderBytes,
  });
  try {
    await established(session, socket, settings.dialTimeoutMs);
    session.setLocalWindowSize(sessionWindowBytes);
    return session;
  } catch (reason) {
    session.destroy();
    socket.destroy();
    throw reason;
  }
}

function established(
  session: ClientHttp2Session,
  socket: Socket,
  dialTimeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (reason: Error): void => {
      clearTimeout(timer);
      reject(reason);
    };
    const timer = setTimeout(() => {
      fail(Object.assign(new Error("dial timeout"), { code: "ETIMEDOUT" }));
    }, dialTimeoutMs);
    // Stays for the session's whole life: an error that nobody hears would end the process.
    session.on("error", (reason) => fail(dialFailure(reason)));
    socket.once("error", (reason) => fail(dialFailure(reason)));
    session.once("close", () => fail(new Error("unexpected EOF")));
    session.once("remoteSettings", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function dialFailure(reason: Error): Error {
  if (!("code" in reason) || reason.code !== "ERR_HTTP2_ERROR") return reason;
  return new Error("http2: the app's first bytes are no HTTP/2", { cause: reason });
}
