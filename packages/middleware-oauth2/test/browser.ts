interface Cookie {
  readonly value: string;
  readonly path: string;
}

/** An answer, after as many redirects as there were. */
export interface Page {
  readonly url: URL;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** The part of a browser that a login needs: it keeps cookies, by host and path, and follows redirects. */
export class Browser {
  readonly #cookies = new Map<string, Cookie>();
  /** What a cookie came with, by its name. */
  readonly attributes = new Map<string, string>();

  /** One request, without following. */
  async get(url: URL | string, headers: Readonly<Record<string, string>> = {}): Promise<Page> {
    const target = new URL(url);
    const cookie = [...this.#cookies]
      .filter(([, { path }]) => target.pathname.startsWith(path))
      .map(([name, { value }]) => `${name}=${value}`)
      .join("; ");
    const response = await fetch(target, {
      redirect: "manual",
      headers: { ...headers, ...(cookie === "" ? {} : { cookie }) },
    });
    for (const line of response.headers.getSetCookie()) this.#keep(line);
    const { status, headers: answered } = response;
    return { url: target, status, headers: answered, text: await response.text() };
  }

  async follow(
    url: URL | string,
    headers: Readonly<Record<string, string>> = {},
    isThere: (url: URL) => boolean = () => false,
  ): Promise<Page> {
    let page = await this.get(url, headers);
    for (let hops = 0; hops < 12; hops += 1) {
      const location = page.headers.get("location");
      if (location === null) return page;
      const target = new URL(location, page.url);
      if (isThere(target)) return { ...page, url: target };
      page = await this.get(target);
    }
    throw new Error("too many redirects");
  }

  /** Name and value of the cookies with this beginning. */
  cookies(prefix: string): readonly string[] {
    return [...this.#cookies]
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, { value }]) => `${name}=${value}`);
  }

  #keep(line: string): void {
    const [pair = "", ...attributes] = line.split("; ");
    const [name = "", value = ""] = pair.split(/=(.*)/s);
    const path = attributes.find((text) => /^path=/i.test(text))?.slice(5) ?? "/";
    if (value === "") this.#cookies.delete(name);
    else this.#cookies.set(name, { value, path });
    this.attributes.set(name, attributes.join("; "));
  }
}
