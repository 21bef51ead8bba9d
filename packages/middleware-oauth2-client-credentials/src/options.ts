import { errorText, goPattern, type StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** How the client proves to the provider who it is; `auto` finds out with the first token. */
export type AuthStyle = "auto" | "params" | "header";

/** Options of `middlewareOAuth2ClientCredentials`. */
export interface MiddlewareOAuth2ClientCredentialsOptions {
  readonly clientId: string;
  readonly clientSecret: string;
  /** What the token is to be good for. Default none. */
  readonly scopes?: readonly string[];
  /** URL of the provider's token endpoint. */
  readonly tokenUrl: string;
  /** Header that gets the token. Default `Authorization`. */
  readonly headerName?: string;
  /** Further parameters of the token request. Default none. */
  readonly endpointParams?: Readonly<Record<string, string | readonly string[]>>;
  /** Default `auto`: HTTP Basic first, then parameters of the body. */
  readonly authStyle?: AuthStyle;
  /** Regular expression; requests to other paths pass without a token. Default all get one. */
  readonly pathFilter?: string;
  /** Bound on fetching a token, in milliseconds. Default 10000. */
  readonly timeoutMs?: number;
  /** How long before its end a token is fetched anew, in milliseconds. Default 30000. */
  readonly renewBeforeMs?: number;
}

/** Options with their defaults. */
export interface ClientCredentialsSettings {
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scopes: readonly string[];
  readonly tokenUrl: string;
  readonly headerName: string;
  readonly endpointParams: Readonly<Record<string, string | readonly string[]>>;
  readonly authStyle: AuthStyle;
  readonly pathFilter?: RegExp | undefined;
  readonly timeoutMs: number;
  readonly renewBeforeMs: number;
}

const text = v.string("must be a string");
const filled = v.pipe(text, v.nonEmpty("must not be empty"));
const isHttp = (url: string): boolean => URL.canParse(url) && /^https?:/i.test(url);
const milliseconds = "must be a number of milliseconds";
const duration = v.pipe(
  v.number(milliseconds),
  v.finite(milliseconds),
  v.minValue(0, milliseconds),
);
const longest = 2_147_483_647;

const pattern = v.pipe(
  text,
  v.rawTransform<string, RegExp>(({ dataset, addIssue, NEVER }) => {
    try {
      return goPattern(dataset.value);
    } catch (reason) {
      addIssue({ message: errorText(reason) });
      return NEVER;
    }
  }),
);

export const schema: StandardSchema<ClientCredentialsSettings> = v.strictObject({
  clientId: filled,
  clientSecret: filled,
  scopes: v.optional(v.array(text, "must be a list of strings"), []),
  tokenUrl: v.pipe(filled, v.check(isHttp, "must be an http or https URL")),
  headerName: v.optional(
    v.pipe(filled, v.regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, "must be a name of a header")),
    "Authorization",
  ),
  endpointParams: v.optional(v.record(text, v.union([text, v.array(text)])), {}),
  authStyle: v.optional(
    v.picklist(["auto", "params", "header"], 'must be "auto", "params" or "header"'),
    "auto",
  ),
  pathFilter: v.optional(pattern),
  timeoutMs: v.optional(v.pipe(duration, v.minValue(1), v.maxValue(longest)), 10_000),
  renewBeforeMs: v.optional(duration, 30_000),
});
