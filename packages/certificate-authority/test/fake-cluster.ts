import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type KubernetesClient, kubernetesClient } from "@outrigger/certificate-authority";
import { onTestFinished } from "vitest";

/** The part of an API server that the authority uses, with objects by their path. */
export class FakeCluster {
  readonly objects: Map<string, unknown> = new Map();
  /** Bodies of token reviews. */
  readonly reviews: unknown[] = [];
  readonly authorizations: (string | undefined)[] = [];
  reviewStatus: unknown = { authenticated: false };
  reviewCode = 201;

  /** A client of the cluster, which listens until the test ends. */
  async start(): Promise<KubernetesClient> {
    const token = async (): Promise<string> => "of the authority";
    return kubernetesClient({ server: await this.listen(), token });
  }

  async listen(): Promise<URL> {
    const server = createServer((request, response) => void this.#answer(request, response));
    onTestFinished(() => {
      server.close();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return new URL(`http://127.0.0.1:${port}`);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    const path = request.url ?? "";
    this.authorizations.push(request.headers.authorization);
    response.setHeader("content-type", "application/json");
    if (path === "/apis/authentication.k8s.io/v1/tokenreviews") {
      this.reviews.push(JSON.parse(text));
      response.statusCode = this.reviewCode;
      const answer = this.reviewCode === 201 ? { status: this.reviewStatus } : { message: "no" };
      response.end(JSON.stringify(answer));
      return;
    }
    if (request.method === "PUT") this.objects.set(path, JSON.parse(text));
    const object = this.objects.get(path);
    response.statusCode = object === undefined ? 404 : 200;
    response.end(JSON.stringify(object ?? { kind: "Status", message: `${path} not found` }));
  }
}
