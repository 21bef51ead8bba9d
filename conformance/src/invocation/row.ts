import { equal } from "node:assert/strict";
import { type Body, readBody } from "@outrigger/core";
import type { ConformanceCase } from "../case.ts";
import { within } from "../transport/failure-cases.ts";
import { type AnswerExpectation, type AppExpectation, checkAnswer, checkApp } from "./expect.ts";
import { appReply, clientCall, withMesh } from "./mesh.ts";
import type {
  AppReply,
  AppRequest,
  ClientCall,
  InvocationAppFeatures,
  InvocationIngressFeatures,
  InvocationPair,
  InvocationProtocol,
  InvocationSubject,
} from "./subject.ts";

/** Facts for both protocols, and those of one, which win. */
export type ByProtocol<T> = { readonly [Key in "both" | InvocationProtocol]?: T };

/** Facts that may depend on both ends; those of a pair win. */
export type ByPair<T> = ByProtocol<T> & { readonly [Key in InvocationPair]?: T };

/** Made anew for each run, because streams can be read once. */
export type MakesBody = () => Body;

/** What a client sends, apart from what `clientCall` fills in. */
export type RowCall = Partial<Omit<ClientCall, "body">> & { readonly body?: MakesBody };

/** What the app answers, apart from what `appReply` fills in. */
export type RowReply = Partial<Omit<AppReply, "body">> & {
  /** `echo`: what it got. */
  readonly body?: MakesBody | "echo";
  readonly breaksOff?: boolean;
};

/** One behaviour over the pairs of protocols. */
export interface InvocationRow {
  readonly id: string;
  readonly title: string;
  /** Default: all. */
  readonly pairs?: readonly InvocationPair[];
  readonly needs?: {
    readonly ingress?: readonly (keyof InvocationIngressFeatures)[];
    readonly app?: readonly (keyof InvocationAppFeatures)[];
  };
  /** Depends on the protocol of the client. */
  readonly call?: ByProtocol<RowCall>;
  /** Depends on the protocol of the app. */
  readonly reply?: ByProtocol<RowReply>;
  readonly appIs?: "absent" | "none";
  /** What the app must see: depends on its protocol and on the pair. */
  readonly app?: ByPair<AppExpectation> | "not called";
  /** What the client must get: depends on its protocol and on the pair. */
  readonly answer: ByPair<AnswerExpectation>;
}

const bodyLimit = 16 * 1_024 * 1_024;

/** A row as a case. */
export function rowCase(row: InvocationRow): ConformanceCase<InvocationSubject> {
  return {
    id: row.id,
    title: row.title,
    appliesTo: (subject) => applies(row, subject),
    run: (subject, signal) => runRow(row, subject, signal),
  };
}

function applies({ pairs, needs = {} }: InvocationRow, subject: InvocationSubject): boolean {
  return (
    (pairs?.includes(pairOf(subject)) ?? true) &&
    (needs.ingress ?? []).every((feature) => subject.ingress.features[feature]) &&
    (needs.app ?? []).every((feature) => subject.app.features[feature])
  );
}

/** The pair of a subject. */
export function pairOf({ ingress, app }: InvocationSubject): InvocationPair {
  return `${ingress.protocol}-${app.protocol}`;
}

async function runRow(
  row: InvocationRow,
  subject: InvocationSubject,
  signal: AbortSignal,
): Promise<void> {
  const pair = pairOf(subject);
  const client = subject.ingress.protocol;
  const seen: { readonly request: AppRequest; readonly body: Uint8Array }[] = [];
  const handler = async (request: AppRequest): Promise<AppReply | "break-off"> => {
    const body = await readBody(request.body, bodyLimit);
    seen.push({ request, body });
    const { breaksOff = false, ...reply } = chosen(row.reply, subject.app.protocol);
    if (breaksOff) return "break-off";
    const answer = reply.body === "echo" ? body : reply.body?.();
    const { body: _made, ...parts } = reply;
    return appReply(subject, answer === undefined ? parts : { ...parts, body: answer });
  };
  await withMesh(subject, { handler, appIs: row.appIs }, signal, async (mesh) => {
    const { body, ...parts } = chosen(row.call, client);
    const call = clientCall(body === undefined ? parts : { ...parts, body: body() });
    const answer = await within(mesh.client.call(call, signal), signal);
    const answered = await within(readBody(answer.body, bodyLimit), signal);
    const [first] = seen;
    if (row.app === "not called") equal(seen.length, 0, "the app is not called");
    else if (row.app !== undefined) {
      equal(
        seen.length,
        1,
        `the app is called once (the client got: ${told(answer.message, answered)})`,
      );
      const expected = chosen(row.app, subject.app.protocol, pair);
      if (first !== undefined) checkApp(first.request, first.body, expected);
    }
    checkAnswer(answer, answered, client, chosen(row.answer, client, pair));
  });
}

function told(message: string, body: Uint8Array): string {
  return message || Buffer.from(body.subarray(0, 300)).toString();
}

/** What holds for a protocol and a pair. */
function chosen<T extends object>(
  by: ByPair<T> | undefined,
  protocol: InvocationProtocol,
  pair?: InvocationPair,
): Partial<T> {
  const ofPair = pair === undefined ? undefined : by?.[pair];
  return { ...by?.both, ...by?.[protocol], ...ofPair };
}
