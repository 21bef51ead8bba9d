import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isOutriggerError } from "@outrigger/core";
import { type PathWatch, type WatchPathsOptions, watchPaths } from "@outrigger/resources";
import { afterEach, beforeEach, expect, test } from "vitest";

let root: string;
const open: PathWatch[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "outrigger-watch-"));
});
afterEach(() => {
  for (const watch of open.splice(0)) watch.close();
  rmSync(root, { recursive: true, force: true });
});

/** Counts the reports of a watch and waits for the next one. */
class Reports {
  count = 0;
  readonly faults: string[] = [];
  #wake: () => void = () => undefined;

  readonly report = (): void => {
    this.count += 1;
    this.#wake();
  };

  async next(act: () => void): Promise<void> {
    const before = this.count;
    act();
    while (this.count === before) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

async function started(options: Partial<WatchPathsOptions>): Promise<Reports> {
  const reports = new Reports();
  await reports.next(() => {
    open.push(
      watchPaths({
        directories: [],
        files: [],
        settleMs: 10,
        // No test may pass because of the regular look.
        reconcileMs: 3_600_000,
        pollMs: 3_600_000,
        onChange: reports.report,
        onFault: (problem) => reports.faults.push(problem),
        ...options,
      }),
    );
  });
  return reports;
}

const path = (...names: string[]): string => join(root, ...names);

function folder(...names: string[]): string {
  mkdirSync(path(...names), { recursive: true });
  return path(...names);
}

test("files that come, change, are replaced, renamed and deleted are seen", async () => {
  const reports = await started({ directories: [root] });
  await reports.next(() => writeFileSync(path("a.yaml"), "one"));
  await reports.next(() => appendFileSync(path("a.yaml"), "two"));
  await reports.next(() => {
    writeFileSync(path(".a.yaml.swp"), "three");
    renameSync(path(".a.yaml.swp"), path("a.yaml"));
  });
  await reports.next(() => writeFileSync(path("a.yaml"), "after the replacement"));
  await reports.next(() => renameSync(path("a.yaml"), path("b.yaml")));
  await reports.next(() => rmSync(path("b.yaml")));
  expect(reports.faults).toEqual([]);
});

test("many changes at once are one report", async () => {
  const reports = await started({ directories: [root], settleMs: 200 });
  await reports.next(() => {
    for (let index = 0; index < 50; index += 1) writeFileSync(path(`${index}.yaml`), "text");
  });
  expect(reports.count).toBe(2);
});

test("changes that do not end are reported all the same", async () => {
  const reports = await started({ directories: [root], settleMs: 60_000, settleLimitMs: 50 });
  await reports.next(() => writeFileSync(path("a.yaml"), "one"));
  expect(reports.count).toBe(2);
});

test("a file is seen when it is replaced, its neighbours are not", async () => {
  writeFileSync(path("config.yaml"), "one");
  const reports = await started({ files: [path("config.yaml")] });
  // Sees everything in the directory, so its report tells that the event has been handed out.
  const witness = await started({ directories: [root] });
  await witness.next(() => writeFileSync(path("other.yaml"), "one"));
  expect(reports.count).toBe(1);
  await reports.next(() => {
    writeFileSync(path("config.yaml~"), "two");
    renameSync(path("config.yaml~"), path("config.yaml"));
  });
  await reports.next(() => rmSync(path("config.yaml")));
  await reports.next(() => writeFileSync(path("config.yaml"), "three"));
});

test("a directory that is missing, however deep, is awaited", async () => {
  const reports = await started({ directories: [path("one", "two")] });
  await reports.next(() => folder("one"));
  await reports.next(() => folder("one", "two"));
  await reports.next(() => writeFileSync(path("one", "two", "a.yaml"), "text"));
  expect(reports.faults).toEqual([]);
});

test("a directory that is deleted and made anew is followed", async () => {
  const directory = folder("resources");
  const reports = await started({ directories: [directory] });
  await reports.next(() => rmSync(directory, { recursive: true }));
  await reports.next(() => folder("resources"));
  await reports.next(() => writeFileSync(path("resources", "a.yaml"), "text"));
  await reports.next(() => {
    renameSync(directory, path("away"));
    folder("resources");
  });
  await reports.next(() => writeFileSync(path("resources", "b.yaml"), "text"));
});

test("the mount of a ConfigMap is seen when its data link is swapped", async () => {
  const version = (name: string): void => {
    folder(name);
    writeFileSync(path(name, "config.yaml"), name);
    symlinkSync(name, path("..data_tmp"));
    renameSync(path("..data_tmp"), path("..data"));
  };
  version("..first");
  symlinkSync(join("..data", "config.yaml"), path("config.yaml"));
  const directory = await started({ directories: [root] });
  const file = await started({ files: [path("config.yaml")] });
  for (const name of ["..second", "..third"]) {
    await Promise.all([directory.next(() => version(name)), file.next(() => undefined)]);
  }
});

test("a directory behind a link is followed when the link is swapped", async () => {
  folder("first");
  folder("second");
  symlinkSync("first", path("current"));
  const reports = await started({ directories: [path("current")] });
  await reports.next(() => {
    symlinkSync("second", path("next"));
    renameSync(path("next"), path("current"));
  });
  await reports.next(() => writeFileSync(path("second", "a.yaml"), "text"));
});

test("files elsewhere that links lead to are watched in place", async () => {
  folder("elsewhere");
  folder("resources");
  writeFileSync(path("elsewhere", "real.yaml"), "one");
  symlinkSync(path("elsewhere", "real.yaml"), path("resources", "a.yaml"));
  const reports = await started({ directories: [path("resources")] });
  await reports.next(() => writeFileSync(path("elsewhere", "real.yaml"), "two"));
});

test("links in a circle end nothing", async () => {
  symlinkSync("b.yaml", path("a.yaml"));
  symlinkSync("a.yaml", path("b.yaml"));
  const reports = await started({ directories: [root], files: [path("a.yaml")] });
  await reports.next(() => writeFileSync(path("c.yaml"), "text"));
});

test("what changes during a report is reported after it; reports never overlap", async () => {
  const witness = await started({ directories: [root] });
  const reports = new Reports();
  const texts = ["one", "two", "three"];
  let running = 0;
  let most = 0;
  await reports.next(() => {
    const onChange = async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      const text = texts.shift();
      // Goes on when another watch has reported the changes, as this one would have by then.
      for (const part of text === undefined ? [] : ["first", "second", "third"]) {
        await witness.next(() => writeFileSync(path("a.yaml"), `${text} ${part}`));
      }
      running -= 1;
      if (text === undefined) reports.report();
    };
    open.push(watchPaths({ directories: [root], files: [], settleMs: 10, onChange }));
  });
  expect(most).toBe(1);
});

test("a report that throws is told, and the next one comes", async () => {
  const reports = new Reports();
  const faults: string[] = [];
  const onChange = (): void => {
    reports.report();
    throw new Error(`failure ${reports.count}`);
  };
  await reports.next(() => {
    const onFault = (problem: string): void => void faults.push(problem);
    open.push(watchPaths({ directories: [root], files: [], settleMs: 10, onChange, onFault }));
  });
  await reports.next(() => writeFileSync(path("a.yaml"), "text"));
  await reports.next(() => writeFileSync(path("a.yaml"), "more"));
  expect(faults.slice(0, 2)).toEqual(["failure 1", "failure 2"]);
});

test("nothing is reported after the end", async () => {
  const reports = await started({ directories: [root] });
  const witness = await started({ directories: [root] });
  open[0]?.close();
  open[0]?.close();
  await witness.next(() => writeFileSync(path("a.yaml"), "text"));
  expect(reports.count).toBe(1);
});

test("the files are looked at without any event too", async () => {
  const reports = await started({ directories: [root], reconcileMs: 20 });
  await reports.next(() => undefined);
  await reports.next(() => undefined);
});

test("wrong options are refused", () => {
  const options = { directories: [], files: [], onChange: () => undefined, settleMs: 0 };
  expect(() => watchPaths(options)).toThrow("settleMs: must be at least 1");
  try {
    watchPaths(options);
  } catch (reason) {
    expect(isOutriggerError(reason) && reason.code).toBe("OTR_OPTIONS_INVALID");
  }
});
