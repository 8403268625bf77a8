/** Sends a message with an endpoint of its own, the URL of the argument. */

import { SmsgateClient } from "@smsgate/client";

const url = process.argv[2];
const client = new SmsgateClient();
// --8<-- [start:callback]
const callback = { url, customData: { order: "7" } };
await client.send({ recipient: "+393331234567", text: "Hello", options: { callback } });
// --8<-- [end:callback]
client.close();
