// Runs the example next to it: Node.js 22.18 and later take the types away themselves.
import { composeTwoRuntimes } from "./compose-runtime.ts";

console.log(await composeTwoRuntimes());
