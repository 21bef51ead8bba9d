import {
  type BoundPorts,
  CertificateAuthority,
  fileStore,
  insecureValidator,
} from "@outrigger/certificate-authority";

/** Runs an authority for a development network; whoever reaches the port gets any identity. */
export async function runAuthority(
  folder: string,
  signal: AbortSignal,
): Promise<{ ports: BoundPorts; authority: CertificateAuthority }> {
  const insecure = insecureValidator();
  const authority = new CertificateAuthority({
    // Root, issuer and key are made here when they are missing. The folder must exist.
    store: fileStore({ folder }),
    validators: [insecure],
    defaultValidator: insecure.number,
    grpc: { host: "127.0.0.1", port: 0 },
    healthz: { host: "127.0.0.1", port: 0 },
  });
  try {
    const ports = await authority.start(signal);
    console.log(`trust these roots:\n${authority.trustAnchors}`);
    return { ports, authority };
  } catch (reason) {
    await authority.stop();
    throw reason;
  }
}
