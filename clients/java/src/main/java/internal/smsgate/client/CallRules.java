package internal.smsgate.client;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ForwardingClientCall.SimpleForwardingClientCall;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/** What holds for every call: the key, a deadline, a request id that is made once, one outcome. */
final class CallRules implements ClientInterceptor {
    private static final Metadata.Key<String> AUTHORIZATION =
            Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);
    /** What a call may take at least, whatever the client's own limit is. */
    private static final Map<String, Duration> AT_LEAST = Map.of("SendBatch", Duration.ofSeconds(30));

    private final String apiKey;
    private final Duration timeout;
    private final boolean exact;

    CallRules(String apiKey, Duration timeout) {
        this(apiKey, timeout, false);
    }

    private CallRules(String apiKey, Duration timeout, boolean exact) {
        this.apiKey = apiKey;
        this.timeout = timeout;
        this.exact = exact;
    }

    /** The same, but so long for every call, whatever it does. */
    CallRules exactly(Duration timeout) {
        return new CallRules(apiKey, timeout, true);
    }

    /** What a call may take that waits so long at the server. */
    Duration limit(Duration wait) {
        return exact ? timeout : timeout.plus(wait);
    }

    @Override
    public <Q, R> ClientCall<Q, R> interceptCall(
            MethodDescriptor<Q, R> method, CallOptions options, Channel next) {
        boolean needsDeadline = options.getDeadline() == null && method.getType().serverSendsOneMessage();
        CallOptions limited = needsDeadline
                ? options.withDeadlineAfter(limit(method).toNanos(), TimeUnit.NANOSECONDS)
                : options;
        // A server that is away is waited for until the deadline: the library's own pauses between
        // tries are by chance, and may all be short. A stream goes on by rules of its own.
        CallOptions patient = method.getType().serverSendsOneMessage() ? limited.withWaitForReady() : limited;
        ClientCall<Q, R> call = method.getType() == MethodDescriptor.MethodType.UNARY
                ? new InFlightCall<>(() -> next.newCall(method, patient), patient.getDeadline())
                : next.newCall(method, patient);
        return new SimpleForwardingClientCall<>(call) {
            @Override
            public void start(Listener<R> listener, Metadata headers) {
                if (!apiKey.isEmpty()) {
                    headers.put(AUTHORIZATION, "Bearer " + apiKey);
                }
                super.start(listener, headers);
            }

            @Override
            public void sendMessage(Q request) {
                super.sendMessage(identified(request));
            }
        };
    }

    private Duration limit(MethodDescriptor<?, ?> method) {
        Duration least = AT_LEAST.getOrDefault(method.getBareMethodName(), Duration.ZERO);
        return !exact && timeout.compareTo(least) < 0 ? least : timeout;
    }

    /** Above the retries of the channel: made once for all tries of a call. */
    @SuppressWarnings("unchecked") // The builder of a message builds that message.
    static <Q> Q identified(Q request) {
        if (!(request instanceof Message message)) {
            return request;
        }
        FieldDescriptor field = message.getDescriptorForType().findFieldByName("request_id");
        if (field == null || !message.getField(field).equals("")) {
            return request;
        }
        return (Q) message.toBuilder().setField(field, UUID.randomUUID().toString()).build();
    }
}
