/** `node main.js scenarios.json environment.json [name ...]`; see clients/scenarios/README.md. */

import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { Harness } from "./harness.js";
import type { Json } from "./matching.js";
import { type Environment, Failed, Scenario } from "./scenario.js";

const MOST_MS = 60_000;

interface File {
  readonly scenarios: readonly { readonly name: string; readonly steps: Json[] }[];
}

/** Why it failed; empty if it did not. */
async function runOne(steps: Json[], environment: Environment, harness: Harness): Promise<string> {
  const scenario = new Scenario(environment, randomBytes(4).toString("hex"), harness);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Failed(`${scenario.where}: not ended within ${String(MOST_MS / 1_000)} seconds`));
    }, MOST_MS);
  });
  try {
    await Promise.race([scenario.run(steps), late]);
  } catch (error) {
    return error instanceof Failed ? error.message : `${scenario.where}: ${String(error)}`;
  } finally {
    clearTimeout(timer);
    await scenario.close();
  }
  return "";
}

async function main(): Promise<number> {
  const [file = "", around = "", ...names] = process.argv.slice(2);
  const { scenarios } = JSON.parse(readFileSync(file, "utf8")) as File;
  const environment = JSON.parse(readFileSync(around, "utf8")) as Environment;
  const harness = new Harness();
  const wanted = scenarios.filter(({ name }) => names.length === 0 || names.includes(name));
  let failed = 0;
  for (const { name, steps } of wanted) {
    const began = performance.now();
    const why = await runOne(steps, environment, harness);
    failed += why ? 1 : 0;
    const seconds = Math.round(performance.now() - began) / 1_000;
    harness.tell({ scenario: name, ok: !why, seconds, ...(why ? { why } : {}) });
  }
  harness.tell({ finished: wanted.length, failed });
  return failed ? 1 : 0;
}

process.exit(await main());
