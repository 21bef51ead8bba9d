import { equal, ok } from "node:assert/strict";
import { readBody } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { gate, until, whenAborted } from "../transport/calls.ts";
import { within } from "../transport/failure-cases.ts";
import { appReply, clientCall, successStatus, withMesh } from "./mesh.ts";
import type { AppHandler, InvocationSubject } from "./subject.ts";

const limit = 1_024;

/** How calls share a sidecar, and what becomes of those that nobody waits for. */
export const timingCases: readonly ConformanceCase<InvocationSubject>[] = [
  {
    id: "invocation/timing/caller-leaves",
    title: "when the client goes away, the app's request ends",
    appliesTo: ({ app }) => app.features.cancels,
    run: async (subject, signal) => {
      const { handler, arrived, aborted } = waitingApp();
      await withMesh(subject, { handler }, signal, async ({ client }) => {
        const leaving = new AbortController();
        const calling = client.call(clientCall(), leaving.signal).catch(() => undefined);
        await within(arrived.passed, signal);
        leaving.abort();
        await within(calling, signal);
        await within(aborted.passed, signal);
      });
    },
  },
  {
    id: "invocation/timing/deadline",
    title: "a deadline that passes is DEADLINE_EXCEEDED, and ends the app's request",
    appliesTo: ({ ingress }) => ingress.features.deadlines,
    run: async (subject, signal) => {
      const { handler, arrived, aborted, finish } = waitingApp();
      await withMesh(subject, { handler }, signal, async ({ client }) => {
        const calling = client.call(clientCall({ timeoutMs: 150 }), signal);
        await within(arrived.passed, signal);
        equal((await within(calling, signal)).status, 4);
        if (subject.app.features.cancels) await within(aborted.passed, signal);
        finish.open();
      });
    },
  },
  {
    id: "invocation/timing/deadline-kept",
    title: "an answer before the deadline is not harmed by it",
    appliesTo: ({ ingress }) => ingress.features.deadlines,
    run: async (subject, signal) => {
      const handler = async () => appReply(subject);
      await withMesh(subject, { handler }, signal, async ({ client }) => {
        equal((await client.call(clientCall({ timeoutMs: 10_000 }), signal)).status, 0);
      });
    },
  },
  {
    id: "invocation/timing/parallel",
    title: "twenty calls are at the app at once",
    run: async (subject, signal) => {
      let running = 0;
      const release = gate();
      const handler: AppHandler = async () => {
        running += 1;
        await within(release.passed, signal);
        return appReply(subject);
      };
      await withMesh(subject, { handler }, signal, async ({ client }) => {
        const calls = Array.from({ length: 20 }, () => client.call(clientCall(), signal));
        await until(() => running === 20, signal);
        release.open();
        for (const { status } of await within(Promise.all(calls), signal)) {
          equal(status, successStatus(subject));
        }
      });
    },
  },
  {
    id: "invocation/timing/concurrency",
    title: "no more calls than allowed are at the app, and the others follow",
    run: async (subject, signal) => {
      let running = 0;
      let most = 0;
      const handler: AppHandler = async () => {
        running += 1;
        most = Math.max(most, running);
        // Long enough for the calls that wait to overtake, if nothing held them.
        await new Promise((resolve) => setTimeout(resolve, 20));
        running -= 1;
        return appReply(subject);
      };
      const app = { handler, maxConcurrency: 2 };
      await withMesh(subject, app, signal, async ({ client }) => {
        const calls = Array.from({ length: 8 }, () => client.call(clientCall(), signal));
        for (const { status, body } of await within(Promise.all(calls), signal)) {
          equal(status, successStatus(subject));
          await readBody(body, limit);
        }
        equal(most, 2);
      });
    },
  },
  {
    id: "invocation/timing/after-failures",
    title: "a call that broke off does not harm the next ones",
    run: async (subject, signal) => {
      let calls = 0;
      const handler: AppHandler = async () => {
        calls += 1;
        return calls === 1 ? "break-off" : appReply(subject);
      };
      await withMesh(subject, { handler }, signal, async ({ client }) => {
        const first = await within(client.call(clientCall(), signal), signal);
        await readBody(first.body, limit * limit);
        ok(first.status !== successStatus(subject), "the first call fails");
        const second = await within(client.call(clientCall(), signal), signal);
        equal(second.status, successStatus(subject));
      });
    },
  },
];

function waitingApp(): {
  readonly handler: AppHandler;
  readonly arrived: ReturnType<typeof gate>;
  readonly aborted: ReturnType<typeof gate>;
  readonly finish: ReturnType<typeof gate>;
} {
  const arrived = gate();
  const aborted = gate();
  const finish = gate();
  const handler: AppHandler = async ({ signal }) => {
    arrived.open();
    await Promise.race([whenAborted(signal).then(aborted.open), finish.passed]);
    return "break-off";
  };
  return { handler, arrived, aborted, finish };
}
