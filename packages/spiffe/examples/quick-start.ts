import { readFileSync } from "node:fs";
import { connect, type TLSSocket } from "node:tls";
import { clientTls, verifyPeer } from "@outrigger/spiffe";

/** Opens a connection to a workload and tells who it is; nothing is sent before that is known. */
export function connectTo(port: number, trustAnchors: string): Promise<TLSSocket> {
  const own = {
    certificateChain: readFileSync("cert.pem", "utf8"),
    privateKey: readFileSync("key.pem", "utf8"),
  };
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, ...clientTls(own, trustAnchors) });
    socket.once("error", reject);
    socket.once("secureConnect", () => {
      try {
        const peer = verifyPeer(socket, trustAnchors, Date.now());
        console.log(`connected to ${peer.appId} in ${peer.namespace}`);
        resolve(socket);
      } catch (reason) {
        socket.destroy();
        reject(reason);
      }
    });
  });
}
