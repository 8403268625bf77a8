/** One scenario: its clients, what it saved, and the verbs of its steps. */

import { SmsgateClient } from "../src/index.js";
import { errorDifference } from "./errors.js";
import { Following } from "./followed.js";
import type { Harness } from "./harness.js";
import { difference, type Fields, filled, isFields, type Json } from "./matching.js";
import { call } from "./methods.js";

export interface Environment {
  readonly callers: Record<string, { target: string; apiKey?: string; tlsCa?: string }>;
  readonly values: Fields;
}

/** Which step was not as expected, and how. */
export class Failed extends Error {}

type Verb = (step: Fields, saved: Fields) => Promise<Json>;

const DAY_MS = 86_400_000;

export class Scenario {
  where = "before the first step";
  private readonly clients = new Map<string, SmsgateClient>();
  private readonly following = new Map<string, Following>();
  private readonly saved: Fields;
  private readonly verbs: Record<string, Verb> = {
    call: (step) => this.call(step),
    follow: (step) => this.follow(step),
    followed: (step) => this.followed(step),
    end: (step) => this.end(step),
    repeat: (step, saved) => this.repeat(step, saved),
    ask: (step) => this.ask(step),
    same: (step) => this.compare(step, true),
    different: (step) => this.compare(step, false),
    close: (step) => this.closeClient(step),
  };

  constructor(
    private readonly environment: Environment,
    run: string,
    private readonly harness: Harness,
  ) {
    const tomorrow = new Date(Date.now() + DAY_MS).toISOString();
    this.saved = { ...environment.values, run, tomorrow };
  }

  async run(steps: Json[]): Promise<void> {
    for (const [index, step] of steps.filter(isFields).entries()) {
      this.where = `step ${String(index + 1)} (${String(step.do)})`;
      await this.step(step, this.saved);
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.following.values()].map((each) => each.abandon()));
    for (const client of this.clients.values()) {
      client.close();
    }
  }

  private async step(given: Fields, saved: Fields): Promise<void> {
    const verb = this.verbs[String(given.do)];
    if (verb === undefined) {
      throw new Failed(`${this.where}: there is no such verb`);
    }
    const step = given.do === "repeat" ? given : (filled(given, saved) as Fields);
    const answer = await verb(step, saved);
    if (typeof step.save === "string") {
      saved[step.save] = answer;
    }
  }

  private client(step: Fields): SmsgateClient {
    const name = typeof step.caller === "string" ? step.caller : "default";
    let client = this.clients.get(name);
    if (client === undefined) {
      const how = this.environment.callers[name];
      if (how === undefined) {
        throw new Failed(`${this.where}: there is no caller ${name}`);
      }
      // Plaintext is for this machine alone, where the harness is.
      client = new SmsgateClient(how);
      this.clients.set(name, client);
    }
    return client;
  }

  private check(wrong: string): void {
    if (wrong) {
      throw new Failed(`${this.where}: ${wrong}`);
    }
  }

  /** Do it, and compare the error that it fails with; undefined if that was expected. */
  private async failing<T>(step: Fields, work: () => Promise<T>): Promise<T | undefined> {
    const expected = step.error;
    let done: T;
    try {
      done = await work();
    } catch (error) {
      if (!isFields(expected)) {
        throw error;
      }
      this.check(errorDifference(expected, error));
      return undefined;
    }
    this.check(isFields(expected) ? `expected ${String(expected.kind)}, and it succeeded` : "");
    return done;
  }

  private async call(step: Fields): Promise<Json> {
    const client = this.client(step);
    const { method, request, timeout } = step;
    const timeoutMs = typeof timeout === "number" ? timeout * 1_000 : undefined;
    const answer = await this.failing(step, () =>
      call(client, String(method), request as Fields, timeoutMs),
    );
    if (answer === undefined) {
      return null;
    }
    this.check(difference(step.expect ?? {}, answer));
    return answer;
  }

  private async follow(step: Fields): Promise<Json> {
    const pauseMs = Number(step.pause ?? 0) * 1_000;
    const following = new Following(this.client(step), step.request as Fields, pauseMs);
    this.following.set(String(step.name), following);
    if (!step.error) {
      await following.untilOpen();
    }
    return null;
  }

  private found(step: Fields): Following {
    const following = this.following.get(String(step.name));
    if (following === undefined) {
      throw new Failed(`${this.where}: nothing is followed as ${String(step.name)}`);
    }
    return following;
  }

  private async followed(step: Fields): Promise<Json> {
    const following = this.found(step);
    await following.until(step.until as Fields);
    this.check(following.difference(step.expect));
    return null;
  }

  private async end(step: Fields): Promise<Json> {
    const following = this.found(step);
    this.following.delete(String(step.name));
    following.endsByItself ||= "error" in step;
    await this.failing(step, () => following.end());
    return { events: following.events.length, cursor: following.cursor };
  }

  private async repeat(step: Fields, saved: Fields): Promise<Json> {
    const steps = step.steps as Fields[];
    const once = async (number: number): Promise<void> => {
      const here = { ...saved, n: String(number).padStart(2, "0") };
      for (const inner of steps) {
        await this.step(inner, here);
      }
      if (!step.parallel) {
        const { n: _n, ...rest } = here;
        Object.assign(saved, rest);
      }
    };
    const numbers = Array.from({ length: Number(step.times) }, (_, number) => number);
    if (step.parallel) {
      await Promise.all(numbers.map(once));
    } else {
      for (const number of numbers) {
        await once(number);
      }
    }
    return null;
  }

  private async ask(step: Fields): Promise<Json> {
    const { do: _do, what, save: _save, ...rest } = step;
    const answer = await this.harness.ask({ ask: what ?? "", ...rest });
    this.check(answer.ok ? "" : (answer.why ?? "the harness could not"));
    return answer;
  }

  private compare(step: Fields, same: boolean): Promise<Json> {
    const values = (step.values as Json[]).map((value) => JSON.stringify(value));
    const distinct = new Set(values).size;
    const right = same ? distinct === 1 : distinct === values.length;
    this.check(right ? "" : `${same ? "not the same" : "not different"}: ${values.join(", ")}`);
    return Promise.resolve(null);
  }

  private closeClient(step: Fields): Promise<Json> {
    this.client(step).close();
    return Promise.resolve(null);
  }
}
