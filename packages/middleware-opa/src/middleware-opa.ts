import { readFile } from "node:fs/promises";
import { STATUS_CODES } from "node:http";
import {
  type ComponentFactory,
  errorText,
  type HeaderList,
  type HttpHandler,
  type HttpMiddlewareComponent,
  type HttpRequest,
  type HttpResponse,
  type Logger,
  OutriggerError,
  parseOptions,
  plainAnswer,
  readBody,
} from "@outrigger/core";
import { readBundle } from "./bundle.ts";
import { type Decision, decisionOf } from "./decision.ts";
import { type MiddlewareOpaOptions, type OpaSettings, schema } from "./options.ts";
import { Policy } from "./policy.ts";
import { canonical, requestInput } from "./request-input.ts";

export type { MiddlewareOpaOptions } from "./options.ts";

/** Lets only requests pass that a policy of Open Policy Agent allows. */
export function middlewareOpa(
  options: MiddlewareOpaOptions,
): ComponentFactory<HttpMiddlewareComponent> {
  const settings = parseOptions("middleware-opa", schema, options);
  return ({ log }) => new MiddlewareOpa(settings, log);
}

class MiddlewareOpa implements HttpMiddlewareComponent {
  readonly name = "middleware-opa";
  readonly #settings: OpaSettings;
  readonly #log: Logger;
  readonly #includedHeaders: ReadonlySet<string>;
  #policy: Policy | undefined;

  constructor(settings: OpaSettings, log: Logger) {
    this.#settings = settings;
    this.#log = log;
    this.#includedHeaders = new Set(settings.includedHeaders.map(canonical));
  }

  /** Loads the policy; a guard that has none must not start. */
  async start(signal: AbortSignal): Promise<void> {
    const { policy, policyFile } = this.#settings;
    try {
      const bytes = policy ?? (await readFile(policyFile as string, { signal }));
      this.#policy = await Policy.load(readBundle(bytes));
    } catch (cause) {
      const what = policyFile === undefined ? "the policy" : `the policy ${policyFile}`;
      throw new OutriggerError(`failed to load ${what}: ${errorText(cause)}`, {
        code: "OTR_OPTIONS_INVALID",
        cause,
      });
    }
  }

  async handle(request: HttpRequest, next: HttpHandler): Promise<HttpResponse> {
    const { maxBodyBytes, readBody: wantsBody } = this.#settings;
    if (!wantsBody) return this.#decide(request, undefined, next);
    const { body, bodyLength = 0 } = request;
    if (bodyLength > maxBodyBytes) return tooLarge;
    let bytes: Uint8Array;
    try {
      bytes = await readBody(body, maxBodyBytes);
    } catch (reason) {
      if (reason instanceof RangeError) return tooLarge;
      throw reason;
    }
    return this.#decide({ ...request, body: bytes, bodyLength: bytes.length }, bytes, next);
  }

  async #decide(
    request: HttpRequest,
    body: Uint8Array | undefined,
    next: HttpHandler,
  ): Promise<HttpResponse> {
    const { defaultStatus } = this.#settings;
    let decision: Decision;
    try {
      if (this.#policy === undefined) throw new Error("the policy is not loaded");
      const input = requestInput(request, this.#includedHeaders, body);
      decision = decisionOf(await this.#policy.evaluate(input), defaultStatus);
    } catch (reason) {
      this.#log.log("warn", `middleware-opa: Error processing rego policy: ${errorText(reason)}`);
      return refusal(defaultStatus, ["x-dapr-opa-error", "true"]);
    }
    const { allow, status, headers } = decision;
    if (!allow) return refusal(status, headers);
    if (headers.length === 0) return next(request);
    return next({ ...request, headers: withHeaders(request.headers, headers) });
  }
}

const tooLarge = plainAnswer(413, "Request Entity Too Large");

/** An answer with the name of its status. One without a name is none that a policy may give. */
function refusal(status: number, headers: HeaderList): HttpResponse {
  const known = status >= 200 && STATUS_CODES[status] !== undefined;
  const answer = plainAnswer(known ? status : 500, STATUS_CODES[known ? status : 500] as string);
  return { ...answer, headers: withHeaders(headers, answer.headers) };
}

/** Sets headers in place of those of the same names. */
function withHeaders(headers: HeaderList, set: HeaderList): HeaderList {
  const names = new Set(
    set.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase()),
  );
  const kept = headers.filter((_, index) => {
    return !names.has((headers[index - (index % 2)] as string).toLowerCase());
  });
  return [...kept, ...set];
}
