import assert from "node:assert/strict";
import type { ConformanceCase } from "../case.ts";
import {
  addressesOf,
  eventually,
  expectInstances,
  expectNotFound,
  failureOf,
  withinTime,
  withResolver,
} from "./expect.ts";
import { freshInstance, resolverFixture, singleApps } from "./fixture.ts";
import { limitsOf, type ResolverSubject } from "./subject.ts";

const of = (appId: string) => resolverFixture.filter((one) => one.appId === appId);

/** Answers to a single question, and to many at once. */
export const resolveCases: readonly ConformanceCase<ResolverSubject>[] = [
  {
    id: "resolver/resolve/one-instance",
    title: "answers with host and internal port of the only instance",
    run: ({ resolver }, signal) => expectInstances(resolver, "orders", of("orders"), signal),
  },
  {
    id: "resolver/resolve/internal-port-only",
    title: "gives each app its own internal port, never the HTTP or app port",
    async run({ resolver }, signal) {
      for (const appId of ["orders", "billing"]) {
        const endpoints = await resolver.resolve({ appId, namespace: "default" }, signal);
        const expected = of(appId).map(({ internalPort }) => internalPort);
        assert.deepEqual(
          endpoints.map(({ port }) => port),
          expected,
        );
      }
    },
  },
  {
    id: "resolver/resolve/all-instances",
    title: "answers with all instances, without duplicates",
    run: (subject, signal) =>
      withinTime(limitsOf(subject).appearsMs, "three instances", () =>
        expectInstances(subject.resolver, "stock", of("stock"), signal),
      ),
  },
  {
    id: "resolver/resolve/same-host",
    title: "finds several instances of an app on one host",
    async run({ resolver }, signal) {
      const found = await resolver.resolve({ appId: "stock", namespace: "default" }, signal);
      assert.equal(new Set(found.map(({ host }) => host)).size, 1);
      assert.equal(new Set(found.map(({ port }) => port)).size, of("stock").length);
    },
  },
  {
    id: "resolver/resolve/complete-every-time",
    title: "answers each of 100 questions with both instances, so that a balancer can be fair",
    async run({ resolver }, signal) {
      for (let round = 0; round < 100; round++) {
        await expectInstances(resolver, "pair", of("pair"), signal);
      }
    },
  },
  {
    id: "resolver/resolve/independent-consumers",
    title: "gives interleaved consumers of different apps complete answers",
    async run({ resolver }, signal) {
      for (let round = 0; round < 20; round++) {
        const appIds = round % 2 === 0 ? ["pair", "stock", "pair"] : ["stock", "pair"];
        await Promise.all(
          appIds.map((appId) => expectInstances(resolver, appId, of(appId), signal)),
        );
      }
    },
  },
  {
    id: "resolver/resolve/deterministic",
    title: "gives the same answer from two resolvers of one configuration",
    appliesTo: ({ create }) => create !== undefined,
    run: ({ resolver, create }, signal) =>
      withResolver(create?.() ?? resolver, signal, async (second) => {
        for (const appId of ["orders", "stock"]) {
          const here = await addressesOf(resolver, appId, signal);
          assert.deepEqual(await addressesOf(second, appId, signal), here);
        }
      }),
  },
  {
    id: "resolver/unknown/rejects",
    title: "rejects in time for an unknown app, with its id in the message",
    run: (subject, signal) =>
      withinTime(limitsOf(subject).unknownMs, "the rejection", async () => {
        await expectNotFound(subject.resolver, "nobody-here", signal);
      }),
  },
  {
    id: "resolver/unknown/not-cached",
    title: "finds an app that appears right after a failed look-up",
    appliesTo: ({ peers }) => peers !== undefined,
    async run(subject, signal) {
      const late = freshInstance("late", 22_001);
      await expectNotFound(subject.resolver, "late", signal);
      await subject.peers?.add(late);
      const found = await eventually(
        limitsOf(subject).appearsMs,
        () => addressesOf(subject.resolver, "late", signal).catch(() => []),
        (list) => list.length > 0,
        "the app that appeared late",
      );
      assert.equal(found.length, 1);
    },
  },
  {
    id: "resolver/concurrent/cold-known",
    title: "answers 100 concurrent first look-ups of one app with few backend queries",
    async run(subject, signal) {
      const before = subject.backendQueries?.() ?? 0;
      await withinTime(3_000, "100 look-ups", async () => {
        const many = Array.from({ length: 100 }, () =>
          expectInstances(subject.resolver, "pair", of("pair"), signal),
        );
        await Promise.all(many);
      });
      const asked = (subject.backendQueries?.() ?? 0) - before;
      assert.ok(asked <= 10, `${asked} backend queries for one app`);
    },
  },
  {
    id: "resolver/concurrent/no-cross-talk",
    title: "gives 100 concurrent look-ups of three apps only their own endpoints",
    async run({ resolver }, signal) {
      const apps = singleApps.slice(0, 3);
      const many = Array.from({ length: 100 }, (_, index) => {
        const one = apps[index % apps.length];
        assert.ok(one);
        return expectInstances(resolver, one.appId, [one], signal);
      });
      await Promise.all(many);
    },
  },
  {
    id: "resolver/concurrent/unknown",
    title: "rejects 100 concurrent look-ups of unknown apps in time, and known apps still resolve",
    async run(subject, signal) {
      const { resolver } = subject;
      await withinTime(limitsOf(subject).unknownMs, "100 rejections", () =>
        Promise.all(
          Array.from({ length: 100 }, (_, index) =>
            expectNotFound(resolver, `nobody-${index % 20}`, signal),
          ),
        ),
      );
      await expectInstances(resolver, "orders", of("orders"), signal);
    },
  },
  {
    id: "resolver/abort/before",
    title: "rejects at once when the signal has already aborted",
    async run({ resolver }) {
      const reason = new Error("gone");
      await withinTime(100, "the rejection", async () => {
        for (const appId of ["orders", "nobody-here"]) {
          await failureOf(
            resolver.resolve({ appId, namespace: "default" }, AbortSignal.abort(reason)),
          );
        }
      });
    },
  },
  {
    id: "resolver/abort/during",
    title: "rejects only the caller that aborts",
    async run({ resolver }, signal) {
      const leaving = new AbortController();
      const left = resolver.resolve({ appId: "pair", namespace: "default" }, leaving.signal);
      const stays = expectInstances(resolver, "pair", of("pair"), signal);
      leaving.abort(new Error("gone"));
      // Whoever had the answer before the abort may give it; nobody may wait on.
      await withinTime(250, "the aborted look-up", () => left.catch(() => []));
      await stays;
    },
  },
  {
    id: "resolver/abort/deadline",
    title: "keeps a caller's deadline that is shorter than its own time-out",
    async run({ resolver }) {
      const request = { appId: "nobody-in-time", namespace: "default" };
      await withinTime(300, "the look-up with 50 ms", () =>
        failureOf(resolver.resolve(request, AbortSignal.timeout(50))),
      );
    },
  },
];
