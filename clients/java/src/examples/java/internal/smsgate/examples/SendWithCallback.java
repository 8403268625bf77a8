package internal.smsgate.examples;

import internal.smsgate.client.Smsgate;
import internal.smsgate.v1.Callback;
import internal.smsgate.v1.SendMessageRequest;
import internal.smsgate.v1.SendOptions;

/** Sends a message with an endpoint of its own, the URL of the argument. */
public final class SendWithCallback {
    private SendWithCallback() {}

    public static void main(String[] arguments) {
        String url = arguments[0];
        try (Smsgate client = Smsgate.open()) {
            // --8<-- [start:callback]
            Callback callback = Callback.newBuilder().setUrl(url).putCustomData("order", "7").build();
            client.send(SendMessageRequest.newBuilder()
                    .setRecipient("+393331234567")
                    .setText("Hello")
                    .setOptions(SendOptions.newBuilder().setCallback(callback))
                    .build());
            // --8<-- [end:callback]
        }
    }
}
