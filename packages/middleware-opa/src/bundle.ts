import { gunzipSync } from "node:zlib";

/** A policy as `opa build` wrote it. */
export interface CompiledPolicy {
  readonly wasm: Uint8Array<ArrayBuffer>;
  /** What the policy sees as `data`, in JSON. */
  readonly data: unknown;
}

/** A bundle does not grow beyond this when it is unpacked. */
const limitBytes = 67_108_864;

/**
 * Reads a bundle, or a policy alone.
 * @throws Error when it is neither.
 */
export function readBundle(bytes: Uint8Array): CompiledPolicy {
  if (startsWith(bytes, [0x00, 0x61, 0x73, 0x6d])) return { wasm: copyOf(bytes), data: {} };
  if (!startsWith(bytes, [0x1f, 0x8b])) {
    throw new Error("neither a bundle (tar.gz) nor a WebAssembly module");
  }
  const files = filesOf(gunzipSync(bytes, { maxOutputLength: limitBytes }));
  const wasm = files.get("policy.wasm");
  if (wasm === undefined) {
    throw new Error("the bundle holds no policy.wasm: it was built without `-t wasm`");
  }
  const data = files.get("data.json");
  return {
    wasm: copyOf(wasm),
    data: data === undefined ? {} : JSON.parse(Buffer.from(data).toString("utf8")),
  };
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, index) => bytes[index] === byte);
}

function copyOf(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}

const blockBytes = 512;

/** The files of a tar archive (POSIX.1-1988 ustar, which is what OPA writes) by their paths. */
function filesOf(archive: Buffer): ReadonlyMap<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let offset = 0;
  while (offset + blockBytes <= archive.length) {
    const header = archive.subarray(offset, offset + blockBytes);
    const name = textField(header, 0, 100);
    if (name === "") break;
    const size = Number.parseInt(textField(header, 124, 12).trim() || "0", 8);
    if (!(size >= 0)) throw new Error("the bundle is no tar archive");
    const start = offset + blockBytes;
    if (start + size > archive.length) throw new Error("the bundle is cut off");
    files.set(name.replace(/^\.?\/+/, ""), archive.subarray(start, start + size));
    offset = start + Math.ceil(size / blockBytes) * blockBytes;
  }
  return files;
}

function textField(header: Buffer, start: number, length: number): string {
  const field = header.subarray(start, start + length);
  const end = field.indexOf(0);
  return field.toString("latin1", 0, end < 0 ? length : end);
}
