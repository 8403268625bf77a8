package internal.smsgate.client;

import java.time.Duration;

/** What has just become of a followed stream. */
public sealed interface FollowState {
    /** The position that the stream stands at. */
    String cursor();

    /** What happens from now on is seen. */
    record Open(String cursor) implements FollowState {}

    /** All messages of the snapshot have come. */
    record SnapshotComplete(String cursor) implements FollowState {}

    /** Nothing new; {@code lag} is how far the stream is behind the newest event. */
    record Heartbeat(String cursor, Duration lag) implements FollowState {}

    /** It goes on after {@code retryIn}. */
    record Interrupted(String cursor, SmsgateException error, Duration retryIn) implements FollowState {}

    /** All messages that were asked for have ended. */
    record Ended(String cursor) implements FollowState {}
}
