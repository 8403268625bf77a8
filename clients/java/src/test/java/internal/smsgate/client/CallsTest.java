package internal.smsgate.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.Duration;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import internal.smsgate.v1.MessageServiceGrpc.MessageServiceImplBase;
import internal.smsgate.v1.SendMessageRequest;
import internal.smsgate.v1.SendMessageResponse;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Calls over a real connection, to a server that answers as a test wants. */
@Timeout(60)
class CallsTest {
    private final List<String> requestIds = new CopyOnWriteArrayList<>();
    private Server server;
    private Smsgate client;

    /** A client of a server that answers the call of each number with this, or well. */
    private Smsgate client(IntFunction<Optional<StatusRuntimeException>> answer) throws IOException {
        MessageServiceImplBase service = new MessageServiceImplBase() {
            @Override
            public void sendMessage(SendMessageRequest request, StreamObserver<SendMessageResponse> caller) {
                requestIds.add(request.getRequestId());
                Optional<StatusRuntimeException> failure = answer.apply(requestIds.size());
                if (failure.isPresent()) {
                    caller.onError(failure.get());
                    return;
                }
                caller.onNext(SendMessageResponse.getDefaultInstance());
                caller.onCompleted();
            }
        };
        server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                .addService(service)
                .build()
                .start();
        client = new SmsgateBuilder(Map.of()).target("127.0.0.1:" + server.getPort()).build();
        return client;
    }

    @AfterEach
    void close() {
        client.close();
        server.shutdownNow();
    }

    private static StatusRuntimeException unavailable() {
        Metadata trailers = new Metadata();
        trailers.put(Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER), "1");
        return Status.UNAVAILABLE.asRuntimeException(trailers);
    }

    /** What the server says of a request whose first try is at work there. */
    private static StatusRuntimeException inFlight(long seconds, int nanos) {
        ErrorInfo info = ErrorInfo.newBuilder().setReason("REQUEST_IN_FLIGHT").setDomain("smsgate").build();
        Duration delay = Duration.newBuilder().setSeconds(seconds).setNanos(nanos).build();
        return StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.ABORTED.value())
                .setMessage("under way")
                .addDetails(Any.pack(info))
                .addDetails(Any.pack(RetryInfo.newBuilder().setRetryDelay(delay).build()))
                .build());
    }

    private static StatusRuntimeException inFlight() {
        return inFlight(0, 1_000_000);
    }

    @Test
    void aRequestIdIsMadeOnceForAllTriesOfACall() throws IOException {
        client(number -> number < 3 ? Optional.of(unavailable()) : Optional.empty());
        client.send(SendMessageRequest.getDefaultInstance());
        assertEquals(3, requestIds.size());
        assertEquals(1, requestIds.stream().distinct().count());
        assertEquals(36, requestIds.get(0).length());
        client.send(SendMessageRequest.getDefaultInstance());
        assertEquals(2, requestIds.stream().distinct().count());
    }

    @Test
    void aCallThatIsUnderWayIsRepeatedUntilItsResultIsThere() throws Exception {
        client(number -> number % 4 == 0 ? Optional.empty() : Optional.of(inFlight()));
        client.send(SendMessageRequest.getDefaultInstance());
        client.sendAsync(SendMessageRequest.getDefaultInstance()).get();
        client.messages().sendMessage(SendMessageRequest.getDefaultInstance());
        assertEquals(12, requestIds.size());
        for (int call = 0; call < 12; call += 4) {
            assertEquals(1, requestIds.subList(call, call + 4).stream().distinct().count());
        }
        assertEquals(3, requestIds.stream().distinct().count());
    }

    @Test
    void aCallThatStaysUnderWayEnds() throws IOException {
        client(number -> Optional.of(inFlight()));
        assertThrows(SmsgateException.Conflict.class, () -> client.send(SendMessageRequest.getDefaultInstance()));
        assertEquals(1 + InFlightCall.MAX_REPEATS, requestIds.size());
    }

    @Test
    void aCallWhoseResultWouldComeAfterItsDeadlineEndsAtOnce() throws IOException {
        client(number -> Optional.of(inFlight(3_600, 0)));
        assertThrows(SmsgateException.Conflict.class, () -> client.send(SendMessageRequest.getDefaultInstance()));
        assertEquals(1, requestIds.size());
    }

    @Test
    void aCallThatWaitsForItsFirstTryCanBeCancelled() throws Exception {
        CountDownLatch asked = new CountDownLatch(1);
        client(number -> {
            asked.countDown();
            return Optional.of(inFlight(300, 0));
        });
        Smsgate patient = client.withTimeout(java.time.Duration.ofMinutes(10));
        AtomicReference<Throwable> ended = new AtomicReference<>();
        Thread sending = new Thread(() -> patient.send(SendMessageRequest.getDefaultInstance()));
        sending.setUncaughtExceptionHandler((thread, error) -> ended.set(error));
        sending.start();
        assertTrue(asked.await(30, TimeUnit.SECONDS));
        sending.interrupt();
        sending.join(30_000);
        assertInstanceOf(SmsgateException.Cancelled.class, ended.get());
    }

    @Test
    void otherConflictsAreTheOutcome() throws Exception {
        client(number -> Optional.of(Status.ABORTED.asRuntimeException()));
        ExecutionException failed = assertThrows(ExecutionException.class, () -> client.sendAsync(
                        SendMessageRequest.getDefaultInstance())
                .get());
        assertInstanceOf(SmsgateException.Conflict.class, failed.getCause());
        assertEquals(1, requestIds.size());
    }
}
