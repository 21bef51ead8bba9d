import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { frameMessage, GrpcClient } from "@outrigger/grpc-http2";
import { daprPaths, encodeInvokeServiceRequest } from "@outrigger/protocol";
import { freePorts } from "@outrigger/test-servers";
import { type Answer, call, Mesh, type SidecarProcess } from "./mesh.ts";

/** A sidecar without an app, and a client of its gRPC API. */
export interface Caller extends SidecarProcess {
  readonly grpc: GrpcClient;
}

/** A mesh whose callers load Resiliency documents. */
export class PolicyMesh extends Mesh {
  readonly #folders: string[] = [];
  readonly #clients: GrpcClient[] = [];

  /** A folder with one Resiliency document. */
  policies(name: string, spec: string): string {
    const folder = mkdtempSync(join(tmpdir(), "outrigger-resiliency-"));
    this.#folders.push(folder);
    const head = "apiVersion: dapr.io/v1alpha1\nkind: Resiliency\n";
    writeFileSync(join(folder, "r.yaml"), `${head}metadata: {name: ${name}}\nspec:\n${spec}`);
    return folder;
  }

  async caller(id: string, folder?: string): Promise<Caller> {
    const [grpcPort = 0] = await freePorts(1);
    const flags = ["--dapr-grpc-port", `${grpcPort}`];
    if (folder !== undefined) flags.push("--resources-path", folder);
    const sidecar = await this.sidecar(id, { flags });
    const grpc = new GrpcClient({ host: "127.0.0.1", port: grpcPort });
    this.#clients.push(grpc);
    return { ...sidecar, grpc };
  }

  override async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    await super.close();
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
  }
}

/** Calls the app over HTTP. */
export function invoke(
  from: SidecarProcess,
  path: string,
  body?: string,
  verb = "POST",
): Promise<Answer> {
  return call(
    from.httpPort,
    verb,
    `/v1.0/invoke/policy-orders/method${path}`,
    body ? { body } : {},
  );
}

/** A proxied unary call. */
export async function proxied(
  from: Caller,
  path: string,
  metadata: readonly string[] = [],
): Promise<{ code: number; message: string }> {
  const headers = ["dapr-app-id", "policy-greeter", ...metadata];
  const response = await from.grpc.call({ path, headers, body: frameMessage(Buffer.from("m")) });
  while (response.status === undefined) await response.messages.read();
  return response.status;
}

/** Returns the code of an `InvokeService` call. */
export async function invokeService(from: Caller, method: string): Promise<number> {
  const response = await from.grpc.call({
    path: daprPaths.InvokeService,
    headers: [],
    body: frameMessage(
      encodeInvokeServiceRequest({
        id: "policy-orders",
        message: {
          ...{ method, contentType: "", data: { typeUrl: "", value: Buffer.from("x") } },
          httpExtension: { verb: "POST", querystring: "" },
        },
      }),
    ),
  });
  while (response.status === undefined) await response.messages.read();
  return response.status.code;
}

/** A request of unknown length. */
export function chunked(from: SidecarProcess, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request({
      ...{ host: "127.0.0.1", port: from.httpPort, method: "POST", agent: false },
      path: `/v1.0/invoke/policy-orders/method${path}`,
      headers: { "transfer-encoding": "chunked" },
    });
    outgoing.once("error", reject);
    outgoing.once("response", async (response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      const { statusCode: status = 0, headers } = response;
      resolve({ status, headers, body: Buffer.concat(chunks).toString() });
    });
    outgoing.write("first");
    outgoing.end("second");
  });
}
