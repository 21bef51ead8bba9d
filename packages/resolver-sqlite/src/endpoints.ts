import type { Endpoint } from "@outrigger/core";
import type { HostRow } from "./hosts-table.ts";

const addressForm = /^(?:\[([0-9A-Fa-f:.]+(?:%[^\]\s]+)?)\]|([^\s:[\]/]+)):(\d{1,5})$/;

/** The endpoint of a row, or undefined when nobody could dial its address. */
export function endpointOf({ address, namespace }: HostRow): Endpoint | undefined {
  const match = addressForm.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  return namespace === "" ? { host, port } : { host, port, namespace };
}
