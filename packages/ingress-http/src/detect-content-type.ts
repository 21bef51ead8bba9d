/**
 * What Go's `http.DetectContentType` makes of the first 512 bytes (WHATWG MIME sniffing): the
 * media type of an answer whose app named none.
 */
export function detectContentType(body: Uint8Array): string {
  const head = Buffer.from(body.buffer, body.byteOffset, Math.min(body.length, 512));
  const text = head.toString("latin1");
  const markup = text.replace(/^[\t\n\f\r ]+/, "");
  if (isHtml(markup)) return "text/html; charset=utf-8";
  if (markup.startsWith("<?xml")) return "text/xml; charset=utf-8";
  for (const [signature, type] of signatures) {
    if (text.startsWith(signature)) return type;
  }
  return detectContainer(text) ?? (isBinary(text) ? binary : "text/plain; charset=utf-8");
}

const binary = "application/octet-stream";

const htmlTags = [
  ...["<!DOCTYPE HTML", "<HTML", "<HEAD", "<SCRIPT", "<IFRAME", "<H1", "<DIV", "<FONT"],
  ...["<TABLE", "<A", "<STYLE", "<TITLE", "<B", "<BODY", "<BR", "<P"],
];

function isHtml(markup: string): boolean {
  if (!markup.startsWith("<")) return false;
  if (markup.startsWith("<!--")) return true;
  return htmlTags.some((tag) => {
    const next = markup.charAt(tag.length);
    return markup.slice(0, tag.length).toUpperCase() === tag && (next === " " || next === ">");
  });
}

const signatures: readonly (readonly [string, string])[] = [
  ["%PDF-", "application/pdf"],
  ["%!PS-Adobe-", "application/postscript"],
  ["\xfe\xff", "text/plain; charset=utf-16be"],
  ["\xff\xfe", "text/plain; charset=utf-16le"],
  ["\xef\xbb\xbf", "text/plain; charset=utf-8"],
  ["\x00\x00\x01\x00", "image/x-icon"],
  ["\x00\x00\x02\x00", "image/x-icon"],
  ["BM", "image/bmp"],
  ["GIF87a", "image/gif"],
  ["GIF89a", "image/gif"],
  ["\x89PNG\x0d\x0a\x1a\x0a", "image/png"],
  ["\xff\xd8\xff", "image/jpeg"],
  [".snd", "audio/basic"],
  ["ID3", "audio/mpeg"],
  ["OggS\x00", "application/ogg"],
  ["MThd\x00\x00\x00\x06", "audio/midi"],
  ["\x1a\x45\xdf\xa3", "video/webm"],
  ["\x00\x01\x00\x00", "font/ttf"],
  ["OTTO", "font/otf"],
  ["ttcf", "font/collection"],
  ["wOFF", "font/woff"],
  ["wOF2", "font/woff2"],
  ["\x1f\x8b\x08", "application/x-gzip"],
  ["PK\x03\x04", "application/zip"],
  ["Rar!\x1a\x07\x00", "application/x-rar-compressed"],
  ["Rar!\x1a\x07\x01\x00", "application/x-rar-compressed"],
  ["\x00\x61\x73\x6d", "application/wasm"],
];

function detectContainer(text: string): string | undefined {
  if (text.startsWith("RIFF")) {
    if (text.startsWith("WEBPVP", 8)) return "image/webp";
    if (text.startsWith("AVI ", 8)) return "video/avi";
    if (text.startsWith("WAVE", 8)) return "audio/wave";
  }
  if (text.startsWith("FORM") && text.startsWith("AIFF", 8)) return "audio/aiff";
  if (text.startsWith("LP", 34)) return "application/vnd.ms-fontobject";
  return text.startsWith("ftyp", 4) && isMp4(text) ? "video/mp4" : undefined;
}

/** ISO base media file whose brands include one that starts with `mp4`. */
function isMp4(text: string): boolean {
  if (text.length < 12) return false;
  const boxSize = Buffer.from(text.slice(0, 4), "latin1").readUInt32BE();
  if (text.length < boxSize || boxSize % 4 !== 0) return false;
  for (let index = 8; index < boxSize; index += 4) {
    if (index !== 12 && text.startsWith("mp4", index)) return true;
  }
  return false;
}

function isBinary(text: string): boolean {
  return /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(text);
}
