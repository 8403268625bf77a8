package internal.smsgate.examples;

import internal.smsgate.client.Smsgate;
import internal.smsgate.client.SmsgateException;
import internal.smsgate.v1.SendMessageRequest;
import internal.smsgate.v1.SendMessageResponse;
import internal.smsgate.v1.SendOTPRequest;
import internal.smsgate.v1.SendOTPResponse;
import internal.smsgate.v1.StatusEvent;
import internal.smsgate.v1.StatusFilter;
import internal.smsgate.v1.StreamStatusRequest;
import internal.smsgate.v1.VerifyOTPRequest;
import internal.smsgate.v1.VerifyOTPResponse;
import internal.smsgate.v1.VerifyResult;
import java.util.Scanner;

/** Sends a message, follows it to its end, checks a one-time code and reads an error. */
public final class Quickstart {
    private Quickstart() {}

    public static void main(String[] arguments) {
        // --8<-- [start:connect]
        // The target and the key are those of SMSGATE_TARGET and SMSGATE_API_KEY unless they are set.
        try (Smsgate client = Smsgate.builder().build()) {
            // --8<-- [end:connect]
            SendMessageResponse sent = send(client);
            follow(client, sent);
            otp(client);
            errors(client);
        }
    }

    private static SendMessageResponse send(Smsgate client) {
        // --8<-- [start:send]
        SendMessageResponse sent = client.send(SendMessageRequest.newBuilder()
                .setRecipient("+393331234567")
                .setText("Your parcel is here")
                .setClientReference("order 4711")
                .build());
        System.out.println(sent.getMessage().getStatus()); // MESSAGE_STATUS_NEW
        // --8<-- [end:send]
        return sent;
    }

    private static void follow(Smsgate client, SendMessageResponse sent) {
        // --8<-- [start:follow]
        StreamStatusRequest request = StreamStatusRequest.newBuilder()
                .setCursor(sent.getCursor())
                .setFilter(StatusFilter.newBuilder().addMessageIds(sent.getMessage().getId()))
                .setEndWhenAllTerminal(true)
                .build();
        try (var stream = client.follow(request)) {
            for (StatusEvent event : stream.events()) {
                System.out.println(event.getToStatus()); // …_PENDING, then …_DELIVERED
            }
        }
        // --8<-- [end:follow]
    }

    private static void otp(Smsgate client) {
        // --8<-- [start:otp]
        SendOTPResponse sent = client.sendOtp(SendOTPRequest.newBuilder()
                .setRecipient("+393331234567")
                .setPurpose("login")
                .setBrand("Acme")
                .build());
        VerifyOTPResponse answer = client.verifyOtp(VerifyOTPRequest.newBuilder()
                .setVerificationId(sent.getVerification().getId())
                .setCode(typed())
                .build());
        // Only APPROVED proves anything; a wrong code is an answer, not an exception.
        if (answer.getResult() == VerifyResult.VERIFY_RESULT_APPROVED) {
            System.out.println("welcome");
        } else {
            System.out.println(answer.getVerification().getAttemptsRemaining() + " attempts left");
        }
        // --8<-- [end:otp]
    }

    private static void errors(Smsgate client) {
        // --8<-- [start:errors]
        try {
            client.send(SendMessageRequest.newBuilder().setRecipient("12").setText("Ciao!").build());
        } catch (SmsgateException.InvalidRequest error) {
            error.violations()
                    .forEach(wrong -> System.out.println(wrong.field() + " " + wrong.reason())); // recipient RECIPIENT_NOT_E164
        } catch (SmsgateException.LimitExceeded error) {
            error.retryAfter().ifPresent(pause -> System.out.println("again in " + pause));
        } catch (SmsgateException.OutcomeUnknown error) {
            System.out.println("repeat it with the same request id");
        }
        // --8<-- [end:errors]
    }

    /** What somebody typed; the code is in the SMS. */
    private static String typed() {
        System.out.print("The code: ");
        return new Scanner(System.in).nextLine();
    }
}
