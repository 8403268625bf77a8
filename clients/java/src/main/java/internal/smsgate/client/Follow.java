package internal.smsgate.client;

import internal.smsgate.v1.MessageServiceGrpc;
import internal.smsgate.v1.StatusEvent;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.ThreadLocalRandom;

/**
 * A followed stream: its items one after another, across broken connections and restarts. It is read
 * once and by one thread; {@link #close()} can come from any, and ends the iteration.
 */
public final class Follow implements Iterable<Followed>, AutoCloseable {
    private final Following following;
    private final MessageServiceGrpc.MessageServiceStub stub;
    private final Runnable beforeOpening;
    private final Closing closing = new Closing();

    Follow(Following following, MessageServiceGrpc.MessageServiceStub stub, Runnable beforeOpening) {
        this.following = following;
        this.stub = stub;
        this.beforeOpening = beforeOpening;
    }

    static Following following(internal.smsgate.v1.StreamStatusRequest request, FollowOptions options) {
        return new Following(
                request, options, System::nanoTime, () -> ThreadLocalRandom.current().nextDouble());
    }

    /** Its {@code next} waits for the next item, and throws what waiting cannot mend. */
    @Override
    public Iterator<Followed> iterator() {
        return new Items();
    }

    /** The events alone. */
    public Iterable<StatusEvent> events() {
        return () -> new Iterator<>() {
            private final Iterator<Followed> items = iterator();
            private StatusEvent next;

            @Override
            public boolean hasNext() {
                while (next == null && items.hasNext()) {
                    next = items.next().event().orElse(null);
                }
                return next != null;
            }

            @Override
            public StatusEvent next() {
                if (!hasNext()) {
                    throw new NoSuchElementException();
                }
                StatusEvent event = next;
                next = null;
                return event;
            }
        };
    }

    /** End it: who waits for an item gets none. */
    @Override
    public void close() {
        closing.close();
    }

    private final class Items implements Iterator<Followed> {
        private final Deque<Followed> ready = new ArrayDeque<>();
        private Responses responses;

        @Override
        public boolean hasNext() {
            while (ready.isEmpty() && !following.finished() && !closing.closed()) {
                try {
                    read();
                } catch (SmsgateException error) {
                    drop();
                    if (!closing.closed()) {
                        throw error;
                    }
                }
            }
            if (closing.closed()) {
                ready.clear();
            }
            return !ready.isEmpty();
        }

        @Override
        public Followed next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            return ready.remove();
        }

        private void read() {
            if (responses == null) {
                beforeOpening.run();
                responses = Responses.open(stub, following.request(), following.timeLeft());
                closing.now(responses);
            }
            Responses.Next next = responses.next(following.silenceLimit());
            if (next.response() != null) {
                ready.addAll(following.received(next.response()));
                if (following.finished()) {
                    drop();
                } else if (following.draining()) {
                    drop();
                    closing.pause(following.ended());
                }
                return;
            }
            drop();
            if (!closing.closed()) {
                closing.pause(next.error() != null ? following.broken(next.error())
                        : next.ended() ? following.ended() : following.silent());
            }
        }

        private void drop() {
            if (responses != null) {
                responses.cancel();
                responses = null;
            }
        }
    }
}
