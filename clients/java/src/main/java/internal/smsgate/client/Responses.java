package internal.smsgate.client;

import internal.smsgate.v1.MessageServiceGrpc;
import internal.smsgate.v1.StreamStatusRequest;
import internal.smsgate.v1.StreamStatusResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** The responses of one stream, fetched one at a time: the server is told how fast they are read. */
final class Responses implements ClientResponseObserver<StreamStatusRequest, StreamStatusResponse> {
    // What gRPC's own iterator cannot: wait for a response with a limit.
    private final BlockingQueue<Next> queue = new LinkedBlockingQueue<>();
    private ClientCallStreamObserver<StreamStatusRequest> call;

    /** A response, an error, the end, or (nothing of it) silence. */
    record Next(StreamStatusResponse response, SmsgateException error, boolean ended) {
        static final Next SILENCE = new Next(null, null, false);
    }

    private Responses() {}

    static Responses open(
            MessageServiceGrpc.MessageServiceStub stub, StreamStatusRequest request, Optional<Duration> timeLeft) {
        Responses responses = new Responses();
        timeLeft.map(left -> stub.withDeadlineAfter(left.toNanos(), TimeUnit.NANOSECONDS))
                .orElse(stub)
                .streamStatus(request, responses);
        return responses;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<StreamStatusRequest> call) {
        this.call = call;
        call.disableAutoRequestWithInitial(1);
    }

    @Override
    public void onNext(StreamStatusResponse response) {
        queue.add(new Next(response, null, false));
    }

    @Override
    public void onError(Throwable error) {
        StatusRuntimeException known = error instanceof StatusRuntimeException status
                ? status
                : Status.fromThrowable(error).asRuntimeException();
        queue.add(new Next(null, Failure.of(known), false));
    }

    @Override
    public void onCompleted() {
        queue.add(new Next(null, null, true));
    }

    /** What comes within the limit. */
    Next next(Duration limit) {
        try {
            Next next = queue.poll(limit.toNanos(), TimeUnit.NANOSECONDS);
            if (next == null) {
                return Next.SILENCE;
            }
            if (next.response() != null) {
                call.request(1);
            }
            return next;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw Interruption.exception(interrupted);
        }
    }

    void cancel() {
        call.cancel("no longer read", null);
    }
}
