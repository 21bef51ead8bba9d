import { isIPv4, isIPv6 } from "node:net";
import { type HttpRequest, headerValue } from "@outrigger/core";

/** Stands for clients whose address nobody tells; they share one limit. */
const nobody = "0.0.0.0";

/** Who sent a request, as Dapr's rate limit sees it: an IPv6 client is its whole /64 network. */
export function clientAddress(request: HttpRequest, trustForwarded: boolean): string {
  const { headers, remoteAddress = "" } = request;
  const told = trustForwarded
    ? lastOf(headerValue(headers, "x-forwarded-for")) || headerValue(headers, "x-real-ip")?.trim()
    : "";
  return networkOf(told || remoteAddress) || nobody;
}

function lastOf(list: string | undefined): string {
  return list?.split(",").at(-1)?.trim() ?? "";
}

function networkOf(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  const bare = address.replace(/%.*$/, "");
  if (!isIPv6(bare)) return address;
  const [head = "", tail = ""] = bare.toLowerCase().split("::");
  const left = groupsOf(head);
  const right = groupsOf(tail);
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => "0");
  const groups = bare.includes("::") ? [...left, ...zeros, ...right] : left;
  return `${groups.slice(0, 4).join(":")}::/64`;
}

function groupsOf(text: string): readonly string[] {
  if (text === "") return [];
  // A dotted tail stands for two groups, and never for one of the first four.
  return text
    .split(":")
    .flatMap((group) => (group.includes(".") ? ["0", "0"] : [shortGroup(group)]));
}

function shortGroup(group: string): string {
  return group.replace(/^0+(?=.)/, "");
}
