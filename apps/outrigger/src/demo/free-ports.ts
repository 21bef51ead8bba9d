import { createServer, type Server } from "node:net";

/**
 * Finds ports that nobody uses now. All are held open until the last is found, so they differ;
 * another process may still take one before it is used.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const held: Server[] = [];
  try {
    for (let index = 0; index < count; index += 1) held.push(await hold());
    return held.map(portOf);
  } finally {
    await Promise.all(held.map(release));
  }
}

function hold(): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    // All addresses, as the sidecar binds: a port taken on one of them does not count as free.
    server.listen(0, () => resolve(server));
  });
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function release(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
