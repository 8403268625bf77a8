package internal.smsgate.client;

import java.time.Duration;

/** Lets any thread end a stream that another waits on. */
final class Closing {
    private boolean closed;
    private Responses present;

    synchronized boolean closed() {
        return closed;
    }

    /** What is to be cancelled when it is closed. */
    synchronized void now(Responses responses) {
        present = responses;
        if (closed) {
            responses.cancel();
        }
    }

    synchronized void close() {
        closed = true;
        if (present != null) {
            present.cancel();
        }
        notifyAll();
    }

    /** Wait so long, or until it is closed. */
    synchronized void pause(Duration duration) {
        long until = System.nanoTime() + duration.toNanos();
        try {
            for (long left = duration.toNanos(); left > 0 && !closed; left = until - System.nanoTime()) {
                wait(left / 1_000_000, (int) (left % 1_000_000));
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw Interruption.exception(interrupted);
        }
    }
}
