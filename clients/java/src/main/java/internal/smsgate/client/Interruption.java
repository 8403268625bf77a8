package internal.smsgate.client;

import io.grpc.Status;

/** A thread that waited was interrupted. */
final class Interruption {
    private Interruption() {}

    static SmsgateException exception(InterruptedException cause) {
        return Failure.of(Status.Code.CANCELLED, "INTERRUPTED", "the thread was interrupted").exception(cause);
    }
}
