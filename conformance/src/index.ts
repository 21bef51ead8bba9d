export type { ConformanceCase } from "./case.ts";
