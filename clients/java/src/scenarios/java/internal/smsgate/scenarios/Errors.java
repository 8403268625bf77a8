package internal.smsgate.scenarios;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import internal.smsgate.client.ClosedException;
import internal.smsgate.client.SmsgateException;
import java.util.Map;
import java.util.stream.StreamSupport;

/** What the client's exceptions have, compared with what a step says. */
final class Errors {
    private static final Map<String, Class<? extends Exception>> KINDS = Map.ofEntries(
            Map.entry("invalid_request", SmsgateException.InvalidRequest.class),
            Map.entry("cursor_expired", SmsgateException.CursorExpired.class),
            Map.entry("not_found", SmsgateException.NotFound.class),
            Map.entry("conflict", SmsgateException.Conflict.class),
            Map.entry("refused", SmsgateException.Refused.class),
            Map.entry("limit_exceeded", SmsgateException.LimitExceeded.class),
            Map.entry("unauthenticated", SmsgateException.Unauthenticated.class),
            Map.entry("permission_denied", SmsgateException.PermissionDenied.class),
            Map.entry("outcome_unknown", SmsgateException.OutcomeUnknown.class),
            Map.entry("unavailable", SmsgateException.Unavailable.class),
            Map.entry("deadline_exceeded", SmsgateException.DeadlineExceeded.class),
            Map.entry("cancelled", SmsgateException.Cancelled.class),
            Map.entry("server_error", SmsgateException.ServerError.class),
            Map.entry("closed", ClosedException.class));

    private Errors() {}

    /** What is otherwise than expected, for people; empty if nothing. */
    static String difference(JsonObject expected, Exception error) {
        String kind = expected.get("kind").getAsString();
        if (!KINDS.get(kind).isInstance(error)) {
            return "expected " + kind + ", got " + error;
        }
        if (!(error instanceof SmsgateException failed)) {
            return "";
        }
        String wrong = parts(expected, failed);
        return wrong.isEmpty() ? "" : error + ": " + wrong;
    }

    private static String parts(JsonObject expected, SmsgateException error) {
        if (expected.has("reason") && !expected.get("reason").getAsString().equals(error.reason())) {
            return "expected " + expected.get("reason");
        }
        if (expected.has("metadata")) {
            for (Map.Entry<String, JsonElement> field : expected.getAsJsonObject("metadata").entrySet()) {
                String got = error.metadata().getOrDefault(field.getKey(), "");
                String wanted = field.getValue().getAsString();
                if (wanted.equals("*") ? got.isEmpty() : !wanted.equals(got)) {
                    return "metadata " + field + ", got " + error.metadata();
                }
            }
        }
        if (expected.has("retryAfter") && error.retryAfter().filter(d -> !d.isZero()).isEmpty()) {
            return "does not say when to come again";
        }
        if (expected.has("cursor")
                && !(error instanceof SmsgateException.CursorExpired expired && !expired.earliestCursor().isEmpty())) {
            return "does not say the earliest cursor";
        }
        return expected.has("violations") ? violations(expected, error) : "";
    }

    private static String violations(JsonObject expected, SmsgateException error) {
        var wanted = StreamSupport.stream(expected.getAsJsonArray("violations").spliterator(), false)
                .map(JsonElement::getAsJsonObject)
                .map(v -> v.get("field").getAsString() + " " + v.get("reason").getAsString())
                .sorted()
                .toList();
        var got = error.violations().stream().map(v -> v.field() + " " + v.reason()).sorted().toList();
        return wanted.equals(got) ? "" : "violations: expected " + wanted + ", got " + got;
    }
}
