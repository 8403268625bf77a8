package internal.smsgate.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.PreconditionFailure;
import com.google.rpc.QuotaFailure;
import com.google.rpc.RetryInfo;
import internal.smsgate.client.SmsgateException.Violation;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Exceptions, from what a server sends. */
class FailureTest {
    private static SmsgateException raised(Status.Code code, Any... details) {
        com.google.rpc.Status status = com.google.rpc.Status.newBuilder()
                .setCode(code.value())
                .setMessage("what people read")
                .addAllDetails(List.of(details))
                .build();
        return Failure.of(StatusProto.toStatusRuntimeException(status));
    }

    private static Any info(String domain, String reason, Map<String, String> metadata) {
        return Any.pack(ErrorInfo.newBuilder().setDomain(domain).setReason(reason).putAllMetadata(metadata).build());
    }

    @Test
    void allDetailsAreRead() {
        BadRequest.Builder bad = BadRequest.newBuilder();
        bad.addFieldViolationsBuilder().setField("recipient").setReason("RECIPIENT_NOT_E164").setDescription("no +");
        bad.addFieldViolationsBuilder().setField("text").setReason("TEXT_EMPTY").setDescription("empty");
        RetryInfo retry = RetryInfo.newBuilder()
                .setRetryDelay(com.google.protobuf.Duration.newBuilder().setSeconds(1).setNanos(500_000_000))
                .build();
        SmsgateException error = raised(
                Status.Code.INVALID_ARGUMENT,
                info("smsgate", "INVALID_REQUEST", Map.of("a", "b")),
                Any.pack(bad.build()),
                Any.pack(retry));
        assertInstanceOf(SmsgateException.InvalidRequest.class, error);
        assertEquals("INVALID_ARGUMENT / INVALID_REQUEST: what people read", error.getMessage());
        assertEquals("INVALID_REQUEST", error.reason());
        assertEquals(Map.of("a", "b"), error.metadata());
        assertEquals(Optional.of(Duration.ofMillis(1_500)), error.retryAfter());
        assertEquals(
                List.of(
                        new Violation("recipient", "RECIPIENT_NOT_E164", "no +"),
                        new Violation("text", "TEXT_EMPTY", "empty")),
                error.violations());
    }

    @Test
    void rulesAndQuotasAreViolationsToo() {
        PreconditionFailure.Builder rule = PreconditionFailure.newBuilder();
        rule.addViolationsBuilder().setType("BALANCE").setSubject("accounts/a").setDescription("short");
        QuotaFailure.Builder quota = QuotaFailure.newBuilder();
        quota.addViolationsBuilder().setSubject("key k").setDescription("10 a second");
        SmsgateException error =
                raised(Status.Code.FAILED_PRECONDITION, Any.pack(rule.build()), Any.pack(quota.build()));
        assertEquals(
                List.of(new Violation("accounts/a", "BALANCE", "short"), new Violation("key k", "", "10 a second")),
                error.violations());
    }

    @ParameterizedTest
    @CsvSource({
        "INVALID_ARGUMENT,InvalidRequest",
        "OUT_OF_RANGE,InvalidRequest",
        "NOT_FOUND,NotFound",
        "ALREADY_EXISTS,Conflict",
        "ABORTED,Conflict",
        "FAILED_PRECONDITION,Refused",
        "RESOURCE_EXHAUSTED,LimitExceeded",
        "UNAUTHENTICATED,Unauthenticated",
        "PERMISSION_DENIED,PermissionDenied",
        "UNAVAILABLE,Unavailable",
        "DEADLINE_EXCEEDED,DeadlineExceeded",
        "CANCELLED,Cancelled",
        "INTERNAL,ServerError",
        "UNIMPLEMENTED,ServerError",
    })
    void eachCodeHasItsKind(Status.Code code, String kind) {
        SmsgateException error = raised(code);
        assertEquals(kind, error.getClass().getSimpleName());
        assertEquals(code, error.code());
    }

    @Test
    void anExpiredCursorNamesTheEarliest() {
        SmsgateException error = raised(
                Status.Code.OUT_OF_RANGE, info("smsgate", "CURSOR_EXPIRED", Map.of("earliest_cursor", "abc")));
        assertEquals("abc", assertInstanceOf(SmsgateException.CursorExpired.class, error).earliestCursor());
        assertInstanceOf(SmsgateException.InvalidRequest.class, error);
    }

    @Test
    void detailsOfOthersAndBrokenOnesAreLeftOutAndTheRestIsKept() {
        Any broken = Any.newBuilder()
                .setTypeUrl("type.googleapis.com/google.rpc.BadRequest")
                .setValue(ByteString.copyFrom(new byte[] {-1, -1, -1}))
                .build();
        SmsgateException error = raised(
                Status.Code.INVALID_ARGUMENT,
                info("example.com", "QUOTA", Map.of("x", "y")),
                broken,
                info("smsgate", "TEXT_EMPTY", Map.of()));
        assertEquals("TEXT_EMPTY", error.reason());
        assertTrue(error.metadata().isEmpty());
    }

    @Test
    void theStatusOfABatchItemIsAnExceptionWhateverItsCode() {
        assertInstanceOf(
                SmsgateException.NotFound.class,
                Smsgate.exception(com.google.rpc.Status.newBuilder().setCode(5).build()));
        assertEquals(
                Status.Code.UNKNOWN,
                Smsgate.exception(com.google.rpc.Status.newBuilder().setCode(4711).build()).code());
    }
}
