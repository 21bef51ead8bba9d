import { BlockList, isIP } from "node:net";

const undialable = new BlockList();
undialable.addAddress("0.0.0.0");
undialable.addAddress("255.255.255.255");
undialable.addSubnet("224.0.0.0", 4);
undialable.addAddress("::", "ipv6");
// A link-local address means nothing without its interface, which no record tells.
undialable.addSubnet("fe80::", 10, "ipv6");
undialable.addSubnet("ff00::", 8, "ipv6");

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** The address in the form that is dialled, or `undefined` when nobody can dial it. */
export function dialableAddress(text: string): string | undefined {
  const address = mapped.exec(text)?.[1] ?? text;
  const family = isIP(address);
  if (family === 0 || address.includes("%")) return undefined;
  return undialable.check(address, family === 6 ? "ipv6" : "ipv4") ? undefined : address;
}

/** True for addresses that mean another machine on every machine. */
export function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}
