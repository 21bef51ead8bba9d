import { createRuntime, type Runtime } from "@outrigger/core";
import { identityFile } from "@outrigger/identity-file";
import { transportGrpc } from "@outrigger/transport-grpc";

/** Peers see the certificate in these files, and the one that replaces it. */
export function startOrders(folder: string): Promise<Runtime> {
  return createRuntime({
    appId: "orders",
    transport: transportGrpc({ port: 50_002 }),
    identity: identityFile({
      certificateFile: `${folder}/cert.pem`,
      keyFile: `${folder}/key.pem`,
      trustAnchors: { file: `${folder}/ca.pem` },
    }),
  });
}
