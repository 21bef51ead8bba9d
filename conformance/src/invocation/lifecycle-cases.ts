import { equal, match } from "node:assert/strict";
import { type Runtime, readBody } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { gate } from "../transport/calls.ts";
import { within } from "../transport/failure-cases.ts";
import { appReply, clientCall, type Mesh, successStatus, withMesh } from "./mesh.ts";
import type { AppHandler, InvocationSubject } from "./subject.ts";

/** Time in which a stop that does not wait for its calls would have ended them. */
const observedMs = 150;
const bodyLimit = 65_536;

/** Readiness, and the end of a sidecar while it has calls. */
export const lifecycleCases: readonly ConformanceCase<InvocationSubject>[] = [
  {
    id: "invocation/health/ready",
    title: "the health routes say ready when the app listens, and not any more when told so",
    appliesTo: ({ ingress }) => ingress.features.healthRoutes,
    run: async (subject, signal) => {
      const handler: AppHandler = async () => appReply(subject);
      await withMesh(subject, { handler }, signal, async ({ client, caller }) => {
        await within(caller.whenReady(signal), signal);
        equal(await client.healthy?.("sidecar", signal), true);
        equal(await client.healthy?.("outbound", signal), true);
        caller.holdUnready("suite");
        equal(await client.healthy?.("sidecar", signal), false);
      });
    },
  },
  {
    id: "invocation/health/waits-for-app",
    title: "while the app does not listen the sidecar is not ready, but others can be called",
    appliesTo: ({ ingress }) => ingress.features.healthRoutes,
    run: async (subject, signal) => {
      const app = { handler: async () => appReply(subject), appIs: "absent" } as const;
      await withMesh(subject, app, signal, async ({ client }) => {
        equal(await client.healthy?.("sidecar", signal), false);
        equal(await client.healthy?.("outbound", signal), true);
      });
    },
  },
  {
    id: "invocation/shutdown/caller",
    title: "the client's sidecar waits for its calls before it ends",
    run: (subject, signal) => stopDuringCall(subject, signal, ({ caller }) => caller),
  },
  {
    id: "invocation/shutdown/callee",
    title: "the app's sidecar waits for its calls before it ends",
    run: (subject, signal) => stopDuringCall(subject, signal, ({ callee }) => callee),
  },
  {
    id: "invocation/failure/callee-gone",
    title: "an app whose sidecar has ended is a failure that names it",
    run: async (subject, signal) => {
      const handler: AppHandler = async () => appReply(subject);
      await withMesh(subject, { handler }, signal, async ({ client, callee }) => {
        const before = await within(client.call(clientCall(), signal), signal);
        equal(before.status, successStatus(subject));
        await within(callee.stop({ drainMs: 0 }), signal);
        const answer = await within(client.call(clientCall(), signal), signal);
        const overHttp = subject.ingress.protocol === "http";
        equal(answer.status, overHttp ? 500 : 13);
        const body = Buffer.from(await readBody(answer.body, bodyLimit)).toString();
        match(overHttp ? body : answer.message, /failed to invoke, id: callee, err: /);
      });
    },
  },
];

async function stopDuringCall(
  subject: InvocationSubject,
  signal: AbortSignal,
  choose: (mesh: Mesh) => Runtime,
): Promise<void> {
  const arrived = gate();
  const release = gate();
  const handler: AppHandler = async () => {
    arrived.open();
    await within(release.passed, signal);
    return appReply(subject);
  };
  await withMesh(subject, { handler }, signal, async (mesh) => {
    const calling = mesh.client.call(clientCall(), signal);
    await within(Promise.race([arrived.passed, calling]), signal);
    const stopping = choose(mesh).stop({ drainMs: 10_000 });
    // Absence can only be watched for a time.
    const early = new Promise<"waits">((resolve) => setTimeout(resolve, observedMs, "waits"));
    equal(await Promise.race([stopping, early]), "waits", "the stop waits for the call");
    release.open();
    equal((await within(calling, signal)).status, successStatus(subject));
    equal((await within(stopping, signal)).drained, true);
  });
}
