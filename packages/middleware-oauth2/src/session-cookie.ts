import { createHash, randomBytes } from "node:crypto";
import type { HeaderList } from "@outrigger/core";
import type { OAuth2Settings } from "./options.ts";

/** The cookie that tells one browser from another. Its value means nothing outside of this process. */
export class SessionCookie {
  readonly #name: string;
  readonly #attributes: string;

  constructor(settings: OAuth2Settings, appId: string) {
    const { forceHttps, redirectUrl = "" } = settings;
    const secure = forceHttps || /^https:/i.test(redirectUrl) ? "; Secure" : "";
    this.#name = settings.cookieName ?? ownName(settings, appId);
    // Lax: the way back from the provider is a navigation from another site.
    this.#attributes = `; Path=/; HttpOnly; SameSite=Lax${secure}`;
  }

  newId(): string {
    return randomBytes(32).toString("base64url");
  }

  /** The header that makes a browser keep an id. */
  header(id: string): HeaderList {
    return ["Set-Cookie", `${this.#name}=${id}${this.#attributes}`];
  }

  /** The id that a browser sent. */
  idIn(headers: HeaderList): string | undefined {
    for (let index = 0; index < headers.length; index += 2) {
      if (!isCookie(headers, index)) continue;
      const own = pairsOf(headers[index + 1]).find((pair) => this.#isOwn(pair));
      if (own !== undefined) return own.slice(this.#name.length + 1);
    }
    return undefined;
  }

  /** Headers without this cookie: whoever has it has the session, so it goes no further. */
  removedFrom(headers: HeaderList): HeaderList {
    const kept: string[] = [];
    for (let index = 0; index < headers.length; index += 2) {
      const [name, value] = [headers[index] as string, headers[index + 1] as string];
      if (!isCookie(headers, index)) {
        kept.push(name, value);
        continue;
      }
      const others = pairsOf(value).filter((pair) => !this.#isOwn(pair));
      if (others.length > 0) kept.push(name, others.join("; "));
    }
    return kept;
  }

  #isOwn(pair: string): boolean {
    return pair.startsWith(`${this.#name}=`);
  }
}

function isCookie(headers: HeaderList, index: number): boolean {
  return headers[index]?.toLowerCase() === "cookie";
}

function pairsOf(value = ""): readonly string[] {
  return value
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair !== "");
}

/** Cookies do not tell ports apart, so that two sidecars of one machine need two names. */
function ownName({ clientId, authUrl, authHeaderName }: OAuth2Settings, appId: string): string {
  const facts = JSON.stringify([appId, clientId, authUrl, authHeaderName.toLowerCase()]);
  return `outrigger-${createHash("sha256").update(facts).digest("hex").slice(0, 12)}`;
}
