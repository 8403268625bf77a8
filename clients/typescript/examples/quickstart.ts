/** Sends a message, follows it to its end, checks a one-time code and reads an error. */

import { createInterface } from "node:readline/promises";
import {
  InvalidRequest,
  LimitExceeded,
  messageService,
  MessageStatus,
  otpService,
  OutcomeUnknown,
  SmsgateClient,
} from "@smsgate/client";

function connect(): SmsgateClient {
  // --8<-- [start:connect]
  // The target and the key come from SMSGATE_TARGET and SMSGATE_API_KEY if they are left out.
  const client = new SmsgateClient({
    target: process.env.SMSGATE_TARGET,
    apiKey: process.env.SMSGATE_API_KEY,
    tlsCa: process.env.SMSGATE_CA,
  });
  // --8<-- [end:connect]
  return client;
}

async function send(client: SmsgateClient): Promise<messageService.SendMessageResponse> {
  // --8<-- [start:send]
  const sent = await client.send({
    recipient: "+393331234567",
    text: "Your parcel is here",
    clientReference: "order 4711",
  });
  console.log(MessageStatus[sent.message?.status ?? 0]); // NEW
  // --8<-- [end:send]
  return sent;
}

async function follow(
  client: SmsgateClient,
  sent: messageService.SendMessageResponse,
): Promise<void> {
  // --8<-- [start:follow]
  const events = client.follow({
    cursor: sent.cursor,
    filter: { messageIds: [sent.message?.id ?? ""] },
    endWhenAllTerminal: true,
  });
  for await (const event of events) {
    console.log(MessageStatus[event.toStatus]); // PENDING, then DELIVERED
  }
  // --8<-- [end:follow]
}

async function otp(client: SmsgateClient): Promise<void> {
  // --8<-- [start:otp]
  const sent = await client.sendOtp({
    recipient: "+393331234567",
    purpose: "login",
    brand: "Acme",
  });
  const answer = await client.verifyOtp({
    verificationId: sent.verification?.id ?? "",
    code: await typed(),
  });
  // Only APPROVED proves anything; a wrong code is an answer, not an error.
  if (answer.result === otpService.VerifyResult.APPROVED) {
    console.log("welcome");
  } else {
    console.log(answer.verification?.attemptsRemaining, "attempts left");
  }
  // --8<-- [end:otp]
}

async function wrong(client: SmsgateClient): Promise<void> {
  // --8<-- [start:errors]
  try {
    await client.send({ recipient: "12", text: "Ciao!" });
  } catch (error) {
    if (error instanceof InvalidRequest) {
      for (const violation of error.violations) {
        console.log(violation.field, violation.reason); // recipient RECIPIENT_NOT_E164
      }
    } else if (error instanceof LimitExceeded) {
      console.log("again in", error.retryAfterMs, "ms");
    } else if (error instanceof OutcomeUnknown) {
      console.log("repeat it with the same requestId");
    } else {
      throw error;
    }
  }
  // --8<-- [end:errors]
}

/** What somebody typed; the code is in the SMS. */
async function typed(): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const code = await terminal.question("The code: ");
  terminal.close();
  return code;
}

const client = connect();
try {
  const sent = await send(client);
  await follow(client, sent);
  await otp(client);
  await wrong(client);
} finally {
  client.close();
}
