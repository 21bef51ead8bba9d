import { OutriggerError } from "@outrigger/core";
import type { AnyMessage } from "./any-message.ts";
import { ProtoReader } from "./proto-reader.ts";
import { type DetailField, type DetailFields, detailTypes } from "./status-details.ts";
import type { StatusMessage } from "./status-message.ts";
import { readStringMapEntry } from "./string-map.ts";

type Json = string | number | Json[] | JsonObject;
interface JsonObject {
  [name: string]: Json;
}

/**
 * The protobuf-JSON form of a status, which HTTP clients of a gRPC app get as the body. Details are
 * rendered for the types of `google/rpc/error_details.proto`.
 * @throws OutriggerError `OTR_PROTOCOL_VIOLATION` when a detail is of another type or malformed.
 */
export function statusToJson(status: StatusMessage): string {
  const json: JsonObject = {};
  if (status.code !== 0) json.code = status.code;
  if (status.message !== "") json.message = status.message;
  if (status.details.length > 0) json.details = status.details.map(renderDetail);
  return JSON.stringify(json);
}

function renderDetail(detail: AnyMessage): Json {
  const fullName = detail.typeUrl.slice(detail.typeUrl.lastIndexOf("/") + 1);
  const fields = detailTypes.get(fullName);
  if (fields === undefined) {
    throw new OutriggerError(
      `proto: google.protobuf.Any: unable to resolve ${JSON.stringify(detail.typeUrl)}: not found`,
      { code: "OTR_PROTOCOL_VIOLATION" },
    );
  }
  return { "@type": detail.typeUrl, ...render(new ProtoReader(detail.value), fields) };
}

function render(reader: ProtoReader, fields: DetailFields): JsonObject {
  const found = new Map<number, Json>();
  while (reader.next()) {
    const number = reader.tag >>> 3;
    const field = fields[number];
    if (field === undefined || (reader.tag & 7) !== wireTypeOf(field)) reader.skip();
    else renderField(reader, field, number, found);
  }
  const json: JsonObject = {};
  // Ascending numbers, whatever the order on the wire: `Object.keys` sorts integer keys.
  for (const key of Object.keys(fields)) {
    const value = found.get(Number(key));
    const field = fields[Number(key)];
    if (value !== undefined && field !== undefined) json[field.name] = value;
  }
  return json;
}

function wireTypeOf(field: DetailField): number {
  return field.kind === "int64" ? 0 : 2;
}

function renderField(
  reader: ProtoReader,
  field: DetailField,
  number: number,
  found: Map<number, Json>,
): void {
  const previous = found.get(number);
  switch (field.kind) {
    case "string":
      setUnlessDefault(found, number, reader.text(), "");
      return;
    case "int64":
      // 64-bit numbers are strings in protobuf-JSON.
      setUnlessDefault(found, number, String(reader.int64()), "0");
      return;
    case "duration":
      found.set(number, reader.message(renderDuration));
      return;
    case "strings":
      found.set(number, append(previous, reader.text()));
      return;
    case "messages":
      found.set(
        number,
        append(
          previous,
          reader.message((inner) => render(inner, field.fields)),
        ),
      );
      return;
    case "message": {
      const earlier = isObject(previous) ? previous : {};
      found.set(number, { ...earlier, ...reader.message((inner) => render(inner, field.fields)) });
      return;
    }
    case "map": {
      const map = isObject(previous) ? (previous as Record<string, string>) : {};
      readStringMapEntry(reader, map);
      found.set(number, map);
    }
  }
}

function setUnlessDefault(
  found: Map<number, Json>,
  number: number,
  value: string,
  zero: string,
): void {
  if (value === zero) found.delete(number);
  else found.set(number, value);
}

function append(previous: Json | undefined, value: Json): Json[] {
  if (!Array.isArray(previous)) return [value];
  previous.push(value);
  return previous;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && !Array.isArray(value);
}

/** `google.protobuf.Duration` as `3.5s`, with 0, 3, 6 or 9 digits of fraction. */
function renderDuration(reader: ProtoReader): string {
  let seconds = 0n;
  let nanos = 0;
  while (reader.next()) {
    if (reader.tag === 8) seconds = reader.int64();
    else if (reader.tag === 16) nanos = reader.int32();
    else reader.skip();
  }
  const mixedSigns = (seconds > 0n && nanos < 0) || (seconds < 0n && nanos > 0);
  const limit = 315_576_000_000n;
  if (mixedSigns || Math.abs(nanos) > 999_999_999 || seconds > limit || seconds < -limit) {
    throw new OutriggerError("proto: google.protobuf.Duration: value out of range", {
      code: "OTR_PROTOCOL_VIOLATION",
    });
  }
  const sign = seconds < 0n || nanos < 0 ? "-" : "";
  const whole = seconds < 0n ? -seconds : seconds;
  const fraction = String(Math.abs(nanos))
    .padStart(9, "0")
    .replace(/(000)+$/, "");
  return `${sign}${whole}${fraction === "" ? "" : `.${fraction}`}s`;
}
