package internal.smsgate.client;

import internal.smsgate.client.SmsgateException.Cancelled;
import internal.smsgate.client.SmsgateException.DeadlineExceeded;
import internal.smsgate.client.SmsgateException.LimitExceeded;
import internal.smsgate.client.SmsgateException.ServerError;
import internal.smsgate.client.SmsgateException.Unavailable;
import internal.smsgate.v1.Message;
import internal.smsgate.v1.StreamStatusRequest;
import internal.smsgate.v1.StreamStatusResponse;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;

/**
 * A stream that outlives its connections: where it stands and what comes next, without any I/O.
 *
 * <p>Every event after the start comes exactly once and in order, however often the connection or the
 * server goes away, as long as the log's retention covers the outage. It goes on from the cursor of
 * the last response that was received whole. A snapshot has no cursors: one that is interrupted starts
 * again, and a message is yielded again only if its status or reason is another by then.
 */
final class Following {
    static final Duration MAX_BACKOFF = Duration.ofSeconds(3);
    private static final Duration FIRST_BACKOFF = Duration.ofMillis(100);
    private static final long DEFAULT_HEARTBEAT_SECONDS = 15;
    // A connection that is silent for this many intervals is dead.
    private static final int SILENT_INTERVALS = 3;
    // Errors without a reason of ours come from something between the client and the server, and
    // pass. If they do not pass they are meant.
    private static final int MAX_FOREIGN_ERRORS = 5;

    private final StreamStatusRequest first;
    private final FollowOptions options;
    private final LongSupplier nanos;
    private final DoubleSupplier random;
    private final long began;
    private final Duration silenceLimit;
    private Map<String, String> snapshot;
    private boolean snapshotAgain;
    private String position = "";
    private boolean finished;
    private boolean draining;
    private int attempts;
    private int foreignErrors;
    private Long outageBegan;

    Following(StreamStatusRequest request, FollowOptions options, LongSupplier nanos, DoubleSupplier random) {
        this.first = request;
        this.options = options;
        this.nanos = nanos;
        this.random = random;
        this.began = nanos.getAsLong();
        this.outageBegan = began;
        this.snapshot = request.getSnapshot() ? new HashMap<>() : null;
        Duration interval = Duration.ofSeconds(
                request.getHeartbeatInterval().getSeconds(), request.getHeartbeatInterval().getNanos());
        this.silenceLimit =
                (interval.isZero() ? Duration.ofSeconds(DEFAULT_HEARTBEAT_SECONDS) : interval)
                        .multipliedBy(SILENT_INTERVALS);
    }

    /** The server said that there is nothing more to come. */
    boolean finished() {
        return finished;
    }

    /** The server said that it goes away: leave this stream and open another. */
    boolean draining() {
        return draining;
    }

    String position() {
        return position;
    }

    /** After so long without a word the connection is dead. */
    Duration silenceLimit() {
        return silenceLimit;
    }

    /** What to open the stream with: as the caller wanted it, or from where it broke off. */
    StreamStatusRequest request() {
        draining = false;
        if (position.isEmpty()) {
            return first;
        }
        return first.toBuilder().clearStart().setSnapshot(false).setCursor(position).build();
    }

    /** How long the stream that is to be opened may last; empty: for ever. */
    Optional<Duration> timeLeft() {
        if (options.timeout() == null) {
            return Optional.empty();
        }
        Duration left = options.timeout().minusNanos(nanos.getAsLong() - began);
        return Optional.of(left.isNegative() ? Duration.ZERO : left);
    }

    /** What to yield for a response. */
    List<Followed> received(StreamStatusResponse response) {
        outageBegan = null;
        if (!response.hasOpened()) {
            // Opened alone does not count: a server that opens and dies must not be hammered.
            attempts = 0;
            foreignErrors = 0;
        }
        String before = position;
        if (response.hasSnapshotEnd()) {
            snapshot = null;
        }
        if (!response.getCursor().isEmpty() && snapshot == null) {
            position = response.getCursor();
        }
        List<Followed> items = items(response, before);
        note(response);
        return items;
    }

    private List<Followed> items(StreamStatusResponse response, String before) {
        List<Followed> items = new ArrayList<>();
        for (Message message : response.getSnapshotList()) {
            if (isNew(message)) {
                items.add(Followed.of(message));
            }
        }
        int last = response.getEventsCount() - 1;
        for (int index = 0; index <= last; index++) {
            String cursor = index == last ? position : before;
            items.add(Followed.of(cursor, response.getEvents(index), index == 0 ? (int) response.getCoalesced() : 0));
        }
        if (last < 0 && !position.equals(before)) {
            items.add(Followed.bookmark(position));
        }
        return items;
    }

    private boolean isNew(Message message) {
        if (snapshot == null) {
            return true;
        }
        String state = message.getStatusValue() + " " + message.getReasonValue();
        String known = snapshot.put(message.getId(), state);
        return !(snapshotAgain && state.equals(known));
    }

    private void note(StreamStatusResponse response) {
        if (response.hasOpened()) {
            tell(new FollowState.Open(position));
        } else if (response.hasSnapshotEnd()) {
            tell(new FollowState.SnapshotComplete(position));
        } else if (response.hasHeartbeat()) {
            com.google.protobuf.Duration lag = response.getHeartbeat().getLag();
            tell(new FollowState.Heartbeat(position, Duration.ofSeconds(lag.getSeconds(), lag.getNanos())));
        } else if (response.hasEnd()) {
            finished = response.getEnd().getReason() == StreamStatusResponse.End.Reason.REASON_ALL_TERMINAL;
            draining = !finished;
            if (finished) {
                tell(new FollowState.Ended(position));
            }
        }
    }

    /** The stream ended with OK, yet not for good: how long to wait before the next one. */
    Duration ended() {
        String reason = draining ? "SERVER_DRAINING" : "";
        return broken(unavailable(reason, "the server ended the stream"));
    }

    /** The stream was silent too long: how long to wait before the next one. */
    Duration silent() {
        String message = "no word from the server for " + silenceLimit.toSeconds() + " s";
        return broken(unavailable("HEARTBEAT_MISSED", message));
    }

    private static SmsgateException unavailable(String reason, String message) {
        return Failure.of(Status.Code.UNAVAILABLE, reason, message).exception(null);
    }

    /** The stream broke: how long to wait before the next one. Throws what cannot be mended. */
    Duration broken(SmsgateException error) {
        if (timeLeft().filter(Duration::isZero).isPresent()) {
            String message = "the time given to follow is over";
            throw Failure.of(Status.Code.DEADLINE_EXCEEDED, "", message).exception(error);
        }
        if (!canMend(error)) {
            throw error;
        }
        long now = nanos.getAsLong();
        if (outageBegan == null) {
            outageBegan = now;
        }
        if (options.maxOutage() != null && now - outageBegan >= options.maxOutage().toNanos()) {
            throw error;
        }
        if (snapshot != null) {
            snapshotAgain = true;
        }
        Duration delay = delay(error);
        tell(new FollowState.Interrupted(position, error, delay));
        return delay;
    }

    private Duration delay(SmsgateException error) {
        long ceiling = Math.min(MAX_BACKOFF.toNanos(), FIRST_BACKOFF.toNanos() << Math.min(attempts, 16));
        attempts++;
        // Full jitter: clients that were cut off together come back spread out.
        long wanted = Math.min(error.retryAfter().orElse(Duration.ZERO).toNanos(), MAX_BACKOFF.toNanos());
        Duration delay = Duration.ofNanos(Math.max((long) (ceiling * random.getAsDouble()), wanted));
        return timeLeft().filter(left -> left.compareTo(delay) < 0).orElse(delay);
    }

    private boolean canMend(SmsgateException error) {
        if (error instanceof Unavailable || error.reason().equals("SLOW_CONSUMER")) {
            return true;
        }
        if (error instanceof LimitExceeded && !error.reason().isEmpty()) {
            // After a break the server may still count the stream that broke.
            return !position.isEmpty();
        }
        boolean foreign =
                error instanceof Cancelled || error instanceof DeadlineExceeded || error instanceof ServerError;
        if (foreign && error.reason().isEmpty()) {
            foreignErrors++;
            return foreignErrors <= MAX_FOREIGN_ERRORS;
        }
        return false;
    }

    private void tell(FollowState state) {
        options.onState().accept(state);
    }
}
