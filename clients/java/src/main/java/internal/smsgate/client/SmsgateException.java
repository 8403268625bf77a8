package internal.smsgate.client;

import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A call that did not succeed. {@link #code()} says how, {@link #reason()} why, and {@link
 * #details()} tells people. Its subclasses are the kinds that a caller treats differently.
 */
public class SmsgateException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** One thing that is wrong: the path of the field, or what the rule is about. */
    public record Violation(String field, String reason, String description) {}

    private final transient Failure failure;

    SmsgateException(Failure failure, Throwable cause) {
        super(failure.text(), cause);
        this.failure = failure;
    }

    /** The status code of gRPC. */
    public Status.Code code() {
        return failure.code();
    }

    /** A name of ErrorReason in the contract; empty if the error is not the gateway's own. */
    public String reason() {
        return failure.reason();
    }

    /** The server's own words, without code and reason. */
    public String details() {
        return failure.message();
    }

    /** Everything that is wrong with the request; may be empty. */
    public List<Violation> violations() {
        return failure.violations();
    }

    /** What goes with the reason, such as the balance. */
    public Map<String, String> metadata() {
        return failure.metadata();
    }

    /** When a repeat can succeed, from when the error came. */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(failure.retryAfter());
    }

    /** The request can never succeed as it is: {@link #violations()} has everything that is wrong. */
    public static class InvalidRequest extends SmsgateException {
        private static final long serialVersionUID = 1L;

        InvalidRequest(Failure failure, Throwable cause) {
            super(failure, cause);
        }
    }

    /** Events after the cursor may be gone. Take a snapshot, or go on from the earliest cursor. */
    public static final class CursorExpired extends InvalidRequest {
        private static final long serialVersionUID = 1L;

        CursorExpired(Failure failure, Throwable cause) {
            super(failure, cause);
        }

        /** The oldest position that can still be started from; empty if the server did not say. */
        public String earliestCursor() {
            return metadata().getOrDefault("earliest_cursor", "");
        }
    }

    /** There is nothing with this id, as far as the account may know. */
    public static final class NotFound extends SmsgateException {
        private static final long serialVersionUID = 1L;

        NotFound(Failure failure, Throwable cause) {
            super(failure, cause);
        }
    }

    /** The request id belongs to another request or one being handled now, or an id is taken. */
    public static final class Conflict extends SmsgateException {
        private static final long serialVersionUID = 1L;

        Conflict(Failure failure, Throwable cause) {
            super(failure, cause);
        }
    }

    /** The request is well formed, but the state of things, a policy or money forbids it. */
    public static final class Refused extends SmsgateException {
        private static final long serialVersionUID = 1L;

        Refused(Failure failure, Throwable cause) {
            super(failure, cause);
        }
    }

    /** A limit was hit. {@link #retryAfter()} says when a repeat can succeed. */
    public static final class LimitExceeded extends SmsgateException {
        private static final long serialVersionUID = 1L;

        LimitExceeded(Failure failure, Throwable cause) {
            super(failure, cause);
        }
    }

    /** The call had no API key, or one that is not valid. */
    public static final class Unauthenticated extends SmsgateException {
        private static final long serialVersionUID = 1L;

        Unauthenticated(Failure failure, Throwable cause) {
            super(failure, cause);
        }
    }

    /** The API key is valid but does not allow this call. */
    public static final class PermissionDenied extends SmsgateException {
        private static final long serialVersionUID = 1L;

        PermissionDenied(Failure failure, Throwable cause) {
            super(failure, cause);
        }
    }

    /** Nobody can know whether it was done. A repeat with the same request id is safe. */
    public static class OutcomeUnknown extends SmsgateException {
        private static final long serialVersionUID = 1L;

        OutcomeUnknown(Failure failure, Throwable cause) {
            super(failure, cause);
        }
    }

    /** The server cannot be reached, or cannot work at the moment. */
    public static final class Unavailable extends OutcomeUnknown {
        private static final long serialVersionUID = 1L;

        Unavailable(Failure failure, Throwable cause) {
            super(failure, cause);
        }
    }

    /** The answer did not come in time. */
    public static final class DeadlineExceeded extends OutcomeUnknown {
        private static final long serialVersionUID = 1L;

        DeadlineExceeded(Failure failure, Throwable cause) {
            super(failure, cause);
        }
    }

    /** The call was ended by its thread's interruption, by the server or on the way to it. */
    public static final class Cancelled extends OutcomeUnknown {
        private static final long serialVersionUID = 1L;

        Cancelled(Failure failure, Throwable cause) {
            super(failure, cause);
        }
    }

    /** The server failed, or does not offer this call. */
    public static final class ServerError extends SmsgateException {
        private static final long serialVersionUID = 1L;

        ServerError(Failure failure, Throwable cause) {
            super(failure, cause);
        }
    }
}
