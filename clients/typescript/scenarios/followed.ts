/** A stream that is followed in the background, and what came of it. */

import { setTimeout as sleep } from "node:timers/promises";
import {
  Cancelled,
  messageService,
  messageStatusToJSON,
  type SmsgateClient,
  StatusEvent,
} from "../src/index.js";
import { type Fields, isFields, type Json } from "./matching.js";
import { spelled } from "./methods.js";

const PREFIX = "MESSAGE_STATUS_";

export class Following {
  readonly events: StatusEvent[] = [];
  cursor = "";
  endsByItself: boolean;
  private readonly stop = new AbortController();
  private opened = false;
  private ended = false;
  private error: unknown;
  private wake: () => void = () => undefined;
  private readonly running: Promise<void>;

  constructor(client: SmsgateClient, request: Fields, pauseMs: number) {
    this.endsByItself = request.endWhenAllTerminal === true;
    this.running = this.run(client, request, pauseMs);
  }

  private async run(client: SmsgateClient, request: Fields, pauseMs: number): Promise<void> {
    try {
      const wanted = messageService.StreamStatusRequest.fromJSON(spelled(request));
      const options = {
        signal: this.stop.signal,
        onState: () => {
          this.open();
        },
      };
      for await (const step of client.followWithCursor(wanted, options)) {
        this.cursor = step.cursor || this.cursor;
        if (step.event !== undefined) {
          this.events.push(step.event);
          this.wake();
          await sleep(pauseMs);
        }
      }
    } catch (error) {
      this.error = error;
    }
    this.ended = true;
    this.wake();
  }

  private open(): void {
    this.opened = true;
    this.wake();
  }

  private changed(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve));
  }

  async untilOpen(): Promise<void> {
    while (!this.opened && !this.ended) {
      await this.changed();
    }
  }

  /** Until those messages, or so many, have come to the status. Throws what it ended with. */
  async until(wanted: Fields): Promise<void> {
    while (!this.haveCome(wanted)) {
      if (this.ended) {
        throw (this.error ?? new Error("the stream ended before")) as Error;
      }
      await this.changed();
    }
  }

  private haveCome({ count = 0, messages = [], status = "" }: Fields): boolean {
    const come = this.events.filter((event) => messageStatusToJSON(event.toStatus) === status);
    const ids = new Set(come.map((event) => event.messageId));
    const named = Array.isArray(messages) ? messages.map(String) : [];
    return ids.size >= Number(count) && named.every((id) => ids.has(id));
  }

  /** Whatever became of it. */
  async abandon(): Promise<void> {
    this.stop.abort();
    await this.running;
  }

  /** Wait until it has ended by itself, or end it. Throws the error that it ended with. */
  async end(): Promise<void> {
    if (!this.endsByItself) {
      this.stop.abort();
    }
    await this.running;
    const stopped = this.stop.signal.aborted && this.error instanceof Cancelled;
    if (this.error !== undefined && !stopped) {
      throw this.error as Error;
    }
  }

  /** What is otherwise than expected, for people; empty if nothing. */
  difference(expected: Json | undefined): string {
    if (!isFields(expected)) {
      return "";
    }
    const byMessage = grouped(this.events);
    const count = expected.messages ?? byMessage.size;
    if (byMessage.size !== count) {
      return `expected ${JSON.stringify(count)} messages, got ${String(byMessage.size)}`;
    }
    for (const [message, events] of byMessage) {
      const found = wrong(events, expected);
      if (found) {
        return `${message}: ${found}: ${events.map(name).join(" ")}`;
      }
    }
    return "";
  }
}

function grouped(events: StatusEvent[]): Map<string, StatusEvent[]> {
  const groups = new Map<string, StatusEvent[]>();
  for (const event of events) {
    const group = groups.get(event.messageId);
    if (group === undefined) {
      groups.set(event.messageId, [event]);
    } else {
      group.push(event);
    }
  }
  return groups;
}

function wrong(events: StatusEvent[], expected: Fields): string {
  const statuses = events.map(name);
  if (expected.once === true) {
    const bytes = events.map((event) => StatusEvent.encode(event).finish().toString());
    if (new Set(bytes).size !== events.length) {
      return "an event came twice";
    }
    const joined = events.every(
      (event, n) => n === 0 || events[n - 1]?.toStatus === event.fromStatus,
    );
    if (!joined) {
      return "an event is missing or out of order";
    }
  }
  const wanted = expected.statuses;
  if (Array.isArray(wanted) && JSON.stringify(wanted) !== JSON.stringify(statuses)) {
    return `expected ${wanted.join(" ")}`;
  }
  const last = expected.last;
  return last !== undefined && last !== PREFIX + (statuses.at(-1) ?? "")
    ? `expected to end as ${JSON.stringify(last)}`
    : "";
}

function name(event: StatusEvent): string {
  return messageStatusToJSON(event.toStatus).slice(PREFIX.length);
}
