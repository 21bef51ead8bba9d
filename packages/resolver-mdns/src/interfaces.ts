import type { NetworkInterfaceInfo } from "node:os";

/** One interface to open a socket on. */
export interface InterfaceChoice {
  /** Changes when the address does, so that the socket is made anew. */
  readonly key: string;
  readonly name: string;
  readonly family: "udp4" | "udp6";
  /** What the operating system wants to hear: an IPv4 address, or `::%<name>`. */
  readonly selector: string;
  readonly loopback: boolean;
}

type Interfaces = Readonly<Record<string, NetworkInterfaceInfo[] | undefined>>;

/**
 * The interfaces to use. IPv6 multicast is only used where there is no IPv4, since any address can
 * be announced over either.
 * @param wanted names or addresses; `undefined` takes all of them, loopback included.
 */
export function chooseInterfaces(
  interfaces: Interfaces,
  wanted: readonly string[] | undefined,
): readonly InterfaceChoice[] {
  const choices: InterfaceChoice[] = [];
  for (const [name, addresses = []] of Object.entries(interfaces)) {
    const matching =
      wanted === undefined || wanted.includes(name)
        ? addresses
        : addresses.filter(({ address }) => wanted.includes(address));
    // One membership per interface; the first address selects it.
    const v4 = matching.find(({ family }) => family === "IPv4");
    const v6 = matching.find(({ family, internal }) => family === "IPv6" && !internal);
    if (v4 !== undefined) choices.push(choiceOf(name, "udp4", v4.address, v4.internal));
    else if (v6 !== undefined) choices.push(choiceOf(name, "udp6", `::%${name}`, false));
  }
  return choices;
}

function choiceOf(
  name: string,
  family: "udp4" | "udp6",
  selector: string,
  loopback: boolean,
): InterfaceChoice {
  return { key: `${name}/${selector}`, name, family, selector, loopback };
}
