package internal.smsgate.client;

import io.grpc.ClientCall;
import io.grpc.Deadline;
import io.grpc.ForwardingClientCallListener.SimpleForwardingClientCallListener;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * A unary call that is repeated, inside its one deadline, while its first try is at work at the
 * server.
 *
 * <p>When a connection breaks under a call, gRPC's retry can reach the server before the first try is
 * done there. REQUEST_IN_FLIGHT then is not the outcome; it comes a moment later.
 */
final class InFlightCall<Q, R> extends ClientCall<Q, R> {
    static final int MAX_REPEATS = 10;
    private static final Duration DEFAULT_DELAY = Duration.ofMillis(200);

    private final Supplier<ClientCall<Q, R>> tries;
    private final Deadline deadline;
    private Listener<R> listener;
    private Metadata headers;
    private Q request;
    private int wanted;
    private int repeats;
    private boolean waiting;
    private boolean cancelled;
    private ClientCall<Q, R> current;

    InFlightCall(Supplier<ClientCall<Q, R>> tries, Deadline deadline) {
        this.tries = tries;
        this.deadline = deadline;
    }

    @Override
    public synchronized void start(Listener<R> listener, Metadata headers) {
        this.listener = listener;
        this.headers = headers;
        begin();
    }

    @Override
    public synchronized void request(int messages) {
        wanted += messages;
        current.request(messages);
    }

    @Override
    public synchronized void sendMessage(Q request) {
        this.request = request;
        current.sendMessage(request);
    }

    @Override
    public synchronized void halfClose() {
        current.halfClose();
    }

    @Override
    public void cancel(String message, Throwable cause) {
        synchronized (this) {
            cancelled = true;
            if (!waiting) {
                current.cancel(message, cause);
                return;
            }
            waiting = false;
        }
        Status status = Status.CANCELLED.withDescription(message).withCause(cause);
        listener.onClose(status, new Metadata());
    }

    private void begin() {
        // Each try changes the headers that it gets.
        Metadata own = new Metadata();
        own.merge(headers);
        current = tries.get();
        current.start(new Try(listener), own);
    }

    private synchronized void again() {
        if (!waiting) {
            return;
        }
        waiting = false;
        begin();
        current.request(wanted);
        current.sendMessage(request);
        current.halfClose();
    }

    /** Whether the call goes on; if so, it is repeated after a while. */
    private synchronized boolean repeated(Status status, Metadata trailers) {
        if (status.getCode() != Status.Code.ABORTED || cancelled || repeats >= MAX_REPEATS) {
            return false;
        }
        SmsgateException failure = Failure.of(new StatusRuntimeException(status, trailers));
        long delay = failure.retryAfter().orElse(DEFAULT_DELAY).toNanos();
        if (!failure.reason().equals("REQUEST_IN_FLIGHT") || delay >= deadline.timeRemaining(TimeUnit.NANOSECONDS)) {
            return false;
        }
        repeats += 1;
        waiting = true;
        CompletableFuture.delayedExecutor(delay, TimeUnit.NANOSECONDS).execute(this::again);
        return true;
    }

    private final class Try extends SimpleForwardingClientCallListener<R> {
        private Try(Listener<R> listener) {
            super(listener);
        }

        @Override
        public void onClose(Status status, Metadata trailers) {
            if (repeated(status, trailers)) {
                return;
            }
            if (givenUp(status)) {
                Status ended = Status.CANCELLED.withDescription("cancelled while its first try was at work");
                super.onClose(ended, new Metadata());
            } else {
                super.onClose(status, trailers);
            }
        }
    }

    /** Whether the answer that would have been waited out came when nobody waits any more. */
    private synchronized boolean givenUp(Status status) {
        return cancelled && status.getCode() == Status.Code.ABORTED;
    }
}
