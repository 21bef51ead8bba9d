import { connect, type Socket } from "node:net";

/** A frame as it came. */
export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

export const frameType = {
  data: 0,
  headers: 1,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const endStream = 1;
export const endHeaders = 4;

export function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** A header block of literals without indexing (RFC 7541 section 6.2.2). */
export function headerBlock(headers: readonly (readonly [string, string])[]): Buffer {
  const parts = headers.flatMap(([name, value]) => [Buffer.of(0), text(name), text(value)]);
  return Buffer.concat(parts);
}

/** A literal that goes into the dynamic table (section 6.2.1). */
export function indexedLiteral(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0x40), text(name), text(value)]);
}

/** A string without Huffman coding (section 5.2). */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, "latin1");
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const prefix = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) prefix.push((rest & 127) | 128);
  return Buffer.concat([Buffer.of(...prefix, rest), bytes]);
}

export function setting(id: number, value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUInt16BE(id, 0);
  bytes.writeUInt32BE(value, 2);
  return bytes;
}

/** A client that sends what no library would. */
export class RawHttp2 {
  readonly frames: RawFrame[] = [];
  readonly socket: Socket;
  closed = false;
  #rest: Buffer = Buffer.alloc(0);

  constructor(port: number, settings: Uint8Array = Buffer.alloc(0)) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.closed = true;
    });
    this.socket.on("data", (bytes: Buffer) => this.#parse(bytes));
    this.socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    this.socket.write(frame(frameType.settings, 0, 0, settings));
  }

  /** Resolves when the bytes are on their way, or the connection is over. */
  send(...frames: readonly Uint8Array[]): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.destroyed) return resolve();
      this.socket.once("close", resolve);
      this.socket.write(Buffer.concat(frames), () => {
        this.socket.off("close", resolve);
        resolve();
      });
    });
  }

  /** Error code and text of the first GOAWAY. */
  get goaway(): { readonly code: number; readonly text: string } | undefined {
    const payload = this.frames.find(({ type }) => type === frameType.goaway)?.payload;
    if (payload === undefined) return undefined;
    return { code: payload.readUInt32BE(4), text: payload.toString("latin1", 8) };
  }

  count(type: number): number {
    return this.frames.filter((each) => each.type === type).length;
  }

  #parse(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    for (;;) {
      if (this.#rest.length < 9) return;
      const length = this.#rest.readUIntBE(0, 3);
      if (this.#rest.length < 9 + length) return;
      this.frames.push({
        type: this.#rest[3] as number,
        flags: this.#rest[4] as number,
        stream: this.#rest.readUInt32BE(5) & 0x7fff_ffff,
        payload: Buffer.from(this.#rest.subarray(9, 9 + length)),
      });
      this.#rest = this.#rest.subarray(9 + length);
    }
  }
}
