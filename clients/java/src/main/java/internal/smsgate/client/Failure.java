package internal.smsgate.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.QuotaFailure;
import com.google.rpc.RetryInfo;
import internal.smsgate.client.SmsgateException.Violation;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What an error is made of. Details that are foreign or broken are left out. */
record Failure(
        Status.Code code,
        String message,
        String reason,
        List<Violation> violations,
        Map<String, String> metadata,
        Duration retryAfter) {

    private static final String DOMAIN = "smsgate";

    static Failure of(Status.Code code, String reason, String message) {
        return new Failure(code, message, reason, List.of(), Map.of(), null);
    }

    /** The exception for what gRPC failed with. */
    static SmsgateException of(StatusRuntimeException error) {
        com.google.rpc.Status status = StatusProto.fromStatusAndTrailers(error.getStatus(), error.getTrailers());
        String words = error.getStatus().getDescription();
        String message = status.getMessage().isEmpty() && words != null ? words : status.getMessage();
        return read(error.getStatus().getCode(), message, status).exception(error);
    }

    /** The exception that a status inside a response stands for, e.g. of a batch item. */
    static SmsgateException of(com.google.rpc.Status status) {
        return read(Status.fromCodeValue(status.getCode()).getCode(), status.getMessage(), status).exception(null);
    }

    private static Failure read(Status.Code code, String message, com.google.rpc.Status status) {
        String reason = "";
        Map<String, String> metadata = Map.of();
        List<Violation> violations = new ArrayList<>();
        Duration retryAfter = null;
        for (Any detail : status.getDetailsList()) {
            try {
                if (detail.is(ErrorInfo.class)) {
                    ErrorInfo info = detail.unpack(ErrorInfo.class);
                    if (info.getDomain().equals(DOMAIN)) {
                        reason = info.getReason();
                        metadata = Map.copyOf(info.getMetadataMap());
                    }
                } else if (detail.is(RetryInfo.class)) {
                    com.google.protobuf.Duration delay = detail.unpack(RetryInfo.class).getRetryDelay();
                    retryAfter = Duration.ofSeconds(delay.getSeconds(), delay.getNanos());
                } else {
                    violations.addAll(violationsOf(detail));
                }
            } catch (InvalidProtocolBufferException broken) {
                continue;
            }
        }
        return new Failure(code, message, reason, List.copyOf(violations), metadata, retryAfter);
    }

    private static List<Violation> violationsOf(Any detail) throws InvalidProtocolBufferException {
        if (detail.is(BadRequest.class)) {
            return detail.unpack(BadRequest.class).getFieldViolationsList().stream()
                    .map(v -> new Violation(v.getField(), v.getReason(), v.getDescription()))
                    .toList();
        }
        if (detail.is(PreconditionFailure.class)) {
            return detail.unpack(PreconditionFailure.class).getViolationsList().stream()
                    .map(v -> new Violation(v.getSubject(), v.getType(), v.getDescription()))
                    .toList();
        }
        if (detail.is(QuotaFailure.class)) {
            return detail.unpack(QuotaFailure.class).getViolationsList().stream()
                    .map(v -> new Violation(v.getSubject(), "", v.getDescription()))
                    .toList();
        }
        return List.of();
    }

    String text() {
        String name = reason.isEmpty() ? code.name() : code.name() + " / " + reason;
        return message.isEmpty() ? name : name + ": " + message;
    }

    SmsgateException exception(Throwable cause) {
        if (reason.equals("CURSOR_EXPIRED")) {
            return new SmsgateException.CursorExpired(this, cause);
        }
        return switch (code) {
            case INVALID_ARGUMENT, OUT_OF_RANGE -> new SmsgateException.InvalidRequest(this, cause);
            case NOT_FOUND -> new SmsgateException.NotFound(this, cause);
            case ALREADY_EXISTS, ABORTED -> new SmsgateException.Conflict(this, cause);
            case FAILED_PRECONDITION -> new SmsgateException.Refused(this, cause);
            case RESOURCE_EXHAUSTED -> new SmsgateException.LimitExceeded(this, cause);
            case UNAUTHENTICATED -> new SmsgateException.Unauthenticated(this, cause);
            case PERMISSION_DENIED -> new SmsgateException.PermissionDenied(this, cause);
            case UNAVAILABLE -> new SmsgateException.Unavailable(this, cause);
            case DEADLINE_EXCEEDED -> new SmsgateException.DeadlineExceeded(this, cause);
            case CANCELLED -> new SmsgateException.Cancelled(this, cause);
            default -> new SmsgateException.ServerError(this, cause);
        };
    }
}
