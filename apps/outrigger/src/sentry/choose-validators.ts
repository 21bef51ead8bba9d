import {
  insecureValidator,
  jwksValidator,
  type TokenValidator,
} from "@outrigger/certificate-authority";
import type { Logger } from "@outrigger/core";
import type { JsonValue, MtlsSpec } from "@outrigger/resources";
import { parseGoDuration } from "../flags/go-duration.ts";

/** Who decides on requests, and the number of the one that decides by default. */
export interface ChosenValidators {
  readonly validators: readonly TokenValidator[];
  readonly defaultValidator: number;
}

/** What the choice depends on. */
export interface ValidatorChoice {
  /** The validator of the cluster; absent in self-hosted mode. */
  readonly kubernetes: TokenValidator | undefined;
  readonly configured: MtlsSpec["tokenValidators"];
  /** SPIFFE id of the authority. */
  readonly spiffeId: string;
  readonly log: Logger;
}

/** @throws RangeError with Dapr's text. */
export function chooseValidators(choice: ValidatorChoice): ChosenValidators {
  const { kubernetes, configured, spiffeId, log } = choice;
  for (const { name } of configured) checkName(name);
  const validators: TokenValidator[] = kubernetes === undefined ? [] : [kubernetes];
  const [jwks] = configured;
  if (jwks !== undefined) validators.push(jwksOf(jwks.options, spiffeId, log));
  if (validators.length > 0) return { validators, defaultValidator: kubernetes?.number ?? 0 };
  const insecure = insecureValidator();
  return { validators: [insecure], defaultValidator: insecure.number };
}

function checkName(name: string): void {
  const lower = name.toLowerCase();
  if (lower === "kubernetes" || lower === "insecure") {
    throw new RangeError(
      "invalid token validator: the built-in 'kubernetes' and 'insecure' validators cannot be configured manually",
    );
  }
  if (lower !== "jwks") {
    throw new RangeError(`invalid token validator name: '${name}'; supported values: 'jwks'`);
  }
}

function jwksOf(options: JsonValue, spiffeId: string, log: Logger): TokenValidator {
  const text = (name: string): string => textOption(options, name);
  const refresh = duration(text("minRefreshInterval"));
  const timeout = duration(text("requestTimeout"));
  return jwksValidator(
    {
      source: text("source"),
      audience: spiffeId,
      caCertificate: text("caCertificate") || undefined,
      // Dapr takes no shorter times than these, and says nothing.
      refreshIntervalMs: refresh > 1_000 ? refresh : undefined,
      requestTimeoutMs: timeout > 1 ? timeout : undefined,
    },
    log,
  );
}

/** Options are found whatever the case of their names, as with Dapr's metadata. */
function textOption(options: JsonValue, name: string): string {
  if (typeof options !== "object" || options === null || Array.isArray(options)) return "";
  const entry = Object.entries(options).find(([key]) => key.toLowerCase() === name.toLowerCase());
  const value: JsonValue | undefined = entry?.[1];
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

/** A Go duration or a number of seconds, in milliseconds; 0 when there is none. */
function duration(text: string): number {
  if (text === "") return 0;
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : parseGoDuration(text);
}
