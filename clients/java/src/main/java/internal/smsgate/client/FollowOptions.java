package internal.smsgate.client;

import java.time.Duration;
import java.util.function.Consumer;

/**
 * How to hold on to a stream.
 *
 * @param onState told of every opening, heartbeat, interruption and end
 * @param maxOutage give up with the last error after being without a stream for so long; null: never
 * @param timeout end with DeadlineExceeded after so long, whatever happened; null: never
 */
public record FollowOptions(Consumer<FollowState> onState, Duration maxOutage, Duration timeout) {
    /** Hold on for ever, and tell nobody. */
    public static FollowOptions defaults() {
        return new FollowOptions(state -> {}, null, null);
    }

    public FollowOptions withOnState(Consumer<FollowState> onState) {
        return new FollowOptions(onState, maxOutage, timeout);
    }

    public FollowOptions withMaxOutage(Duration maxOutage) {
        return new FollowOptions(onState, maxOutage, timeout);
    }

    public FollowOptions withTimeout(Duration timeout) {
        return new FollowOptions(onState, maxOutage, timeout);
    }
}
