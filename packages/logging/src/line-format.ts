import { goQuote, type LogFields, type LogLevel, textToBytes } from "@outrigger/core";
import { levelWord } from "./log-level.ts";

/** `text` is Dapr's `key=value` form, `json` one object per line, `color` the form for terminals. */
export type LogFormat = "text" | "json" | "color";

/** What a line is made of. */
export interface LogEntry {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  /** Seconds since the logger was made; only terminals see it. */
  readonly elapsedSeconds: number;
  /** Every other key: the logger's own and the caller's. */
  readonly fields: LogFields;
}

/** Prints an entry, newline included. */
export type LineFormatter = (entry: LogEntry) => string;

/** The formatter of each form. */
export const lineFormatters: Readonly<Record<LogFormat, LineFormatter>> = {
  text: formatText,
  json: formatJson,
  color: formatColor,
};

// Text form of logrus, which Dapr logs with: TextFormatter.printUnquoted and printColored.
function formatText(entry: LogEntry): string {
  let line = `time="${entry.time}" level=${levelWord(entry.level)}`;
  if (entry.message !== "") line += ` msg=${textValue(entry.message)}`;
  const { fields } = entry;
  for (const key of Object.keys(fields).sort()) {
    line += ` ${fieldName(key)}=${textValue(String(fields[key]))}`;
  }
  return `${line}\n`;
}

function textValue(value: string): string {
  return /^[A-Za-z0-9._/@^+-]*$/.test(value) ? value : goQuote(textToBytes(value));
}

function formatJson(entry: LogEntry): string {
  const keys: Record<string, string | number | boolean> = {
    level: levelWord(entry.level),
    msg: entry.message,
    time: entry.time,
  };
  for (const key of Object.keys(entry.fields)) {
    keys[fieldName(key)] = entry.fields[key] as string | number | boolean;
  }
  const members = Object.keys(keys)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${JSON.stringify(keys[key])}`);
  return `{${escapeHtml(members.join(","))}}\n`;
}

/** A caller's key that clashes with a fixed one is renamed, so that it cannot forge a level. */
function fieldName(key: string): string {
  return key === "time" || key === "level" || key === "msg" ? `fields.${key}` : key;
}

/** Go's JSON encoder writes these as escapes; only strings can contain them. */
function escapeHtml(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const colors: Readonly<Record<LogLevel, number>> = {
  debug: 37,
  info: 36,
  warn: 33,
  error: 31,
  fatal: 31,
};

function formatColor(entry: LogEntry): string {
  const color = `\x1b[${colors[entry.level]}m`;
  const word = levelWord(entry.level).slice(0, 4).toUpperCase();
  const elapsed = String(entry.elapsedSeconds).padStart(4, "0");
  let line = `${color}${word}\x1b[0m[${elapsed}] ${printable(entry.message).padEnd(44)} `;
  for (const key of Object.keys(entry.fields).sort()) {
    line += ` ${color}${fieldName(key)}\x1b[0m=${textValue(String(entry.fields[key]))}`;
  }
  return `${line}\n`;
}

/** Keeps text from a peer from moving the terminal's cursor or adding lines. */
function printable(message: string): string {
  return /[\x00-\x1f\x7f]/.test(message)
    ? goQuote(textToBytes(message.replace(/\n$/, ""))).slice(1, -1)
    : message;
}
