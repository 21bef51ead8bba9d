import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

const cookieName = "outrigger-console";

/** How a request may go on. */
export type Admission =
  | { readonly kind: "admitted" }
  /** The token was right: the browser keeps it and asks again without it in the address. */
  | { readonly kind: "welcome"; readonly cookie: string }
  | { readonly kind: "refused"; readonly status: 401 | 403; readonly text: string };

/** Decides who may look. Without a token, only this machine under one of its own names. */
export function admit(request: IncomingMessage, url: URL, token: string | undefined): Admission {
  if (token === undefined) {
    // A website whose name was made to lead here (DNS rebinding) sends that name.
    const isOwn = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;
    if (isOwn.test(request.headers.host ?? "")) return { kind: "admitted" };
    return { kind: "refused", status: 403, text: "Ask for this page by 127.0.0.1 or localhost." };
  }
  const shown = url.searchParams.get("token");
  if (shown !== null && isSame(shown, token)) {
    const cookie = `${cookieName}=${digest(token).toString("base64url")}; HttpOnly; SameSite=Strict; Path=/`;
    return { kind: "welcome", cookie };
  }
  const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
  if (bearer !== undefined && isSame(bearer, token)) return { kind: "admitted" };
  const kept = cookieOf(request.headers.cookie ?? "");
  // The cookie is a digest, so that the token itself is not kept by the browser.
  if (kept !== undefined && isSame(kept, digest(token).toString("base64url"))) {
    return { kind: "admitted" };
  }
  const text = "This console takes a token: open the address that it printed, with ?token=...";
  return { kind: "refused", status: 401, text };
}

function cookieOf(header: string): string | undefined {
  for (const pair of header.split(";")) {
    const [name, value] = pair.trim().split("=", 2);
    if (name === cookieName) return value;
  }
  return undefined;
}

/** Digests have one length, so that comparing tells nothing about the length of the token. */
function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

function digest(text: string): Buffer {
  return createHash("sha256").update(`outrigger-console\n${text}`).digest();
}
