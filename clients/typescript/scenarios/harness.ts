/** The one outside, who can kill the server: spoken to in lines of JSON. */

import { createInterface } from "node:readline";
import type { Json } from "./matching.js";

export class Harness {
  private readonly answers = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

  tell(line: Json): void {
    process.stdout.write(`${JSON.stringify(line)}\n`);
  }

  async ask(question: Json): Promise<{ ok: boolean; why?: string } & Record<string, Json>> {
    this.tell(question);
    const line = await this.answers.next();
    if (line.done) {
      throw new Error("the harness is gone");
    }
    return JSON.parse(line.value) as { ok: boolean; why?: string } & Record<string, Json>;
  }
}
