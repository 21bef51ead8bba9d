import { errorText, goPattern, type StandardSchema } from "@outrigger/core";
import * as v from "valibot";

/** Options of `middlewareOAuth2`. */
export interface MiddlewareOAuth2Options {
  readonly clientId: string;
  /** Default none: a client without a secret proves itself by its code verifier alone. */
  readonly clientSecret?: string;
  /** What the token is to be good for. Default none. */
  readonly scopes?: readonly string[];
  /** URL of the provider's page that people log in at. */
  readonly authUrl: string;
  /** URL of the provider's token endpoint. */
  readonly tokenUrl: string;
  /** Where the provider sends people back to, as it is registered there. Default: the provider knows. */
  readonly redirectUrl?: string;
  /** Header that gets the token. Default `Authorization`. */
  readonly authHeaderName?: string;
  /** Whether people are sent back to `https`, and the cookie travels there only. Default false. */
  readonly forceHttps?: boolean;
  /** Regular expression; requests to other paths pass without a login. Default all need one. */
  readonly pathFilter?: string;
  /** Name of the session's cookie. Default: one that is the client's own. */
  readonly cookieName?: string;
  /** How long a session lasts that is not used, in milliseconds. Default 7200000. */
  readonly sessionIdleMs?: number;
  /** Sessions that are remembered; the one unused for longest is forgotten. Default 10000. */
  readonly maxSessions?: number;
  /** Bound on each request to the token endpoint, in milliseconds. Default 10000. */
  readonly timeoutMs?: number;
}

/** Options with their defaults. */
export interface OAuth2Settings {
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly scopes: readonly string[];
  readonly authUrl: string;
  readonly tokenUrl: string;
  readonly redirectUrl?: string | undefined;
  readonly authHeaderName: string;
  readonly forceHttps: boolean;
  readonly pathFilter?: RegExp | undefined;
  readonly cookieName?: string | undefined;
  readonly sessionIdleMs: number;
  readonly maxSessions: number;
  readonly timeoutMs: number;
}

const text = v.string("must be a string");
const filled = v.pipe(text, v.nonEmpty("must not be empty"));
const isHttp = (url: string): boolean => URL.canParse(url) && /^https?:/i.test(url);
const url = v.pipe(filled, v.check(isHttp, "must be an http or https URL"));
const token = (message: string) => v.pipe(text, v.regex(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/, message));
const milliseconds = "must be a number of milliseconds from 1 to 2147483647";
const duration = v.pipe(
  v.number(milliseconds),
  v.minValue(1, milliseconds),
  v.maxValue(2_147_483_647, milliseconds),
);
const whole = "must be a whole number from 1 to 10000000";

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

export const schema: StandardSchema<OAuth2Settings> = v.strictObject({
  clientId: filled,
  clientSecret: v.optional(filled),
  scopes: v.optional(v.array(text, "must be a list of strings"), []),
  authUrl: url,
  tokenUrl: url,
  redirectUrl: v.optional(url),
  authHeaderName: v.optional(token("must be a name of a header"), "Authorization"),
  forceHttps: v.optional(v.boolean("must be true or false"), false),
  pathFilter: v.optional(pattern),
  cookieName: v.optional(token("must be a name of a cookie")),
  sessionIdleMs: v.optional(duration, 7_200_000),
  maxSessions: v.optional(
    v.pipe(v.number(whole), v.integer(whole), v.minValue(1, whole), v.maxValue(10_000_000, whole)),
    10_000,
  ),
  timeoutMs: v.optional(duration, 10_000),
});
