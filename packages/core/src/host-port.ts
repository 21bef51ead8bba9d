/** Joins host and port for a dial string or an authority; IPv6 gets its brackets. */
export function joinHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
