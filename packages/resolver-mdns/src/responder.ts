import type { RemoteInfo } from "node:dgram";
import type { Packet } from "dns-packet";
import type { Announcement } from "./announcement.ts";
import type { Link } from "./link.ts";

/** Questions that arrive within this time are answered together. */
const gatherMs = 3;
/** A second announcement follows, in case the first was lost (RFC 6762 section 8.3). */
const secondAnnouncementMs = 1_000;
const maxQuestions = 64;

/** Announces registrations and answers for them. */
export class Responder {
  readonly #port: number;
  readonly #links: () => readonly Link[];
  readonly #announcements = new Set<Announcement>();
  /** Names asked for on each link since the last answer. Bounded: only own names get in. */
  readonly #pending = new Map<Link, Set<string>>();
  readonly #timers = new Set<NodeJS.Timeout>();

  constructor(port: number, links: () => readonly Link[]) {
    this.#port = port;
    this.#links = links;
  }

  get announcements(): readonly Announcement[] {
    return [...this.#announcements];
  }

  /** Resolves when the first announcement is out; the second follows by itself. */
  async add(announcement: Announcement): Promise<void> {
    this.#announcements.add(announcement);
    await this.#announce(announcement);
    this.#later(secondAnnouncementMs, () => {
      if (this.#announcements.has(announcement)) void this.#announce(announcement);
    });
  }

  /** Stops answering first, then says goodbye: no late answer revives what has gone. */
  async remove(announcement: Announcement): Promise<void> {
    if (!this.#announcements.delete(announcement)) return;
    await Promise.all(this.#links().map((link) => link.respond(announcement.goodbye())));
  }

  /** Announces everything on a socket that was opened later. */
  onLink(link: Link): void {
    for (const announcement of this.#announcements) void link.respond(announcement.announcement());
  }

  /** Authority records (a probe's) and the question's type do not matter, as in Dapr. */
  onQuery(packet: Packet, from: RemoteInfo, link: Link): void {
    for (const question of (packet.questions ?? []).slice(0, maxQuestions)) {
      if (!this.#isAbout(question.name)) continue;
      if (from.port !== this.#port) this.#reply(packet, question, from, link);
      this.#gather(question.name, link);
    }
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#pending.clear();
    this.#announcements.clear();
  }

  #isAbout(questionName: string): boolean {
    for (const announcement of this.#announcements) {
      if (announcement.answer(questionName, false) !== undefined) return true;
    }
    return false;
  }

  /** Whoever asks from another port cannot hear multicast answers, so it is answered directly too. */
  #reply(
    packet: Packet,
    question: NonNullable<Packet["questions"]>[number],
    to: RemoteInfo,
    link: Link,
  ): void {
    for (const announcement of this.#announcements) {
      const sections = announcement.answer(question.name, true);
      if (sections !== undefined) void link.reply(sections, { to, id: packet.id ?? 0, question });
    }
  }

  /**
   * Answers shortly after the last of a burst, never before a question: a Dapr sidecar opens its
   * socket for the question, so an earlier answer does not reach it.
   */
  #gather(questionName: string, link: Link): void {
    const pending = this.#pending.get(link);
    if (pending !== undefined) {
      pending.add(questionName);
      return;
    }
    this.#pending.set(link, new Set([questionName]));
    this.#later(gatherMs, () => this.#answer(link));
  }

  #answer(link: Link): void {
    const names = this.#pending.get(link) ?? new Set();
    this.#pending.delete(link);
    for (const announcement of this.#announcements) {
      for (const name of names) {
        const sections = announcement.answer(name, false);
        if (sections !== undefined) void link.respond(sections);
      }
    }
  }

  async #announce(announcement: Announcement): Promise<void> {
    await Promise.all(this.#links().map((link) => link.respond(announcement.announcement())));
  }

  #later(delayMs: number, action: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    timer.unref();
    this.#timers.add(timer);
  }
}
