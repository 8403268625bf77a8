package internal.smsgate.client;

import internal.smsgate.v1.Message;
import internal.smsgate.v1.StatusEvent;
import java.util.Optional;

/**
 * An event, a message of a snapshot, or neither: then it is only a bookmark.
 *
 * <p>Whoever stores {@code cursor} once the item is dealt with, and later starts from it, loses
 * nothing. The events of one response share one position: all but its last have the cursor of the
 * response before, so that after a start from it they come again together. A bookmark has the newest
 * position when nothing matched; store it too, or the stored cursor may outlive the retention. During
 * a snapshot it is empty.
 *
 * @param coalesced with LATEST_ONLY: how many events were left out just before this one
 */
public record Followed(String cursor, Optional<StatusEvent> event, Optional<Message> message, int coalesced) {
    static Followed bookmark(String cursor) {
        return new Followed(cursor, Optional.empty(), Optional.empty(), 0);
    }

    static Followed of(String cursor, StatusEvent event, int coalesced) {
        return new Followed(cursor, Optional.of(event), Optional.empty(), coalesced);
    }

    static Followed of(Message message) {
        return new Followed("", Optional.empty(), Optional.of(message), 0);
    }
}
