package internal.smsgate.scenarios;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import internal.smsgate.client.Follow;
import internal.smsgate.client.FollowOptions;
import internal.smsgate.client.Followed;
import internal.smsgate.client.Smsgate;
import internal.smsgate.v1.StatusEvent;
import internal.smsgate.v1.StreamStatusRequest;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A stream that is followed in the background, and what came of it. */
final class Following {
    private static final String PREFIX = "MESSAGE_STATUS_";

    private final List<StatusEvent> events = new ArrayList<>();
    private final Follow stream;
    private final Thread reader;
    private final long pauseMillis;
    private boolean endsByItself;
    private boolean open;
    private boolean ended;
    private String cursor = "";
    private Exception error;

    Following(Smsgate client, JsonObject request, long pauseMillis) {
        this.pauseMillis = pauseMillis;
        StreamStatusRequest wanted = Methods.read(request, StreamStatusRequest.getDefaultInstance());
        this.endsByItself = wanted.getEndWhenAllTerminal();
        this.stream = client.follow(wanted, FollowOptions.defaults().withOnState(state -> opened()));
        this.reader = new Thread(this::read);
        this.reader.setDaemon(true);
        this.reader.start();
    }

    private void read() {
        Exception failed = null;
        try {
            for (Followed step : stream) {
                take(step);
                if (step.event().isPresent() && pauseMillis > 0) {
                    Thread.sleep(pauseMillis);
                }
            }
        } catch (Exception thrown) {
            failed = thrown;
        }
        finished(failed);
    }

    private synchronized void take(Followed step) {
        cursor = step.cursor().isEmpty() ? cursor : step.cursor();
        step.event().ifPresent(events::add);
        notifyAll();
    }

    private synchronized void opened() {
        open = true;
        notifyAll();
    }

    private synchronized void finished(Exception failed) {
        error = failed;
        ended = true;
        notifyAll();
    }

    synchronized void untilOpen() throws InterruptedException {
        while (!open && !ended) {
            wait();
        }
    }

    /** Until those messages, or so many, have come to the status. Throws what it ended with. */
    synchronized void until(JsonObject wanted) throws Exception {
        while (!haveCome(wanted)) {
            if (ended) {
                throw error != null ? error : new Failed("the stream ended before");
            }
            wait();
        }
    }

    private boolean haveCome(JsonObject wanted) {
        Set<String> ids = new HashSet<>();
        for (StatusEvent event : events) {
            if (event.getToStatus().name().equals(wanted.get("status").getAsString())) {
                ids.add(event.getMessageId());
            }
        }
        int count = wanted.has("count") ? wanted.get("count").getAsInt() : 0;
        JsonArray named = wanted.has("messages") ? wanted.getAsJsonArray("messages") : new JsonArray();
        return ids.size() >= count && named.asList().stream().allMatch(id -> ids.contains(id.getAsString()));
    }

    /** Whatever became of it. */
    void abandon() throws InterruptedException {
        stream.close();
        reader.join();
    }

    /** Wait until it has ended by itself, or end it. Throws what it ended with. */
    void end(boolean byItself) throws Exception {
        if (!endsByItself && !byItself) {
            stream.close();
        }
        reader.join();
        if (error != null) {
            throw error;
        }
    }

    synchronized JsonObject told() {
        JsonObject told = new JsonObject();
        told.addProperty("events", events.size());
        told.addProperty("cursor", cursor);
        return told;
    }

    /** What is otherwise than expected, for people; empty if nothing. */
    synchronized String difference(JsonObject expected) {
        Map<String, List<StatusEvent>> byMessage = new LinkedHashMap<>();
        events.forEach(event -> byMessage.computeIfAbsent(event.getMessageId(), id -> new ArrayList<>()).add(event));
        if (expected.has("messages") && expected.get("messages").getAsInt() != byMessage.size()) {
            return "expected " + expected.get("messages") + " messages, got " + byMessage.size();
        }
        for (Map.Entry<String, List<StatusEvent>> message : byMessage.entrySet()) {
            String wrong = wrong(message.getValue(), expected);
            if (!wrong.isEmpty()) {
                return message.getKey() + ": " + wrong + ": " + names(message.getValue());
            }
        }
        return "";
    }

    private static String wrong(List<StatusEvent> events, JsonObject expected) {
        if (expected.has("once") && expected.get("once").getAsBoolean()) {
            if (new HashSet<>(events).size() != events.size()) {
                return "an event came twice";
            }
            for (int n = 1; n < events.size(); n++) {
                if (events.get(n - 1).getToStatus() != events.get(n).getFromStatus()) {
                    return "an event is missing or out of order";
                }
            }
        }
        List<String> names = names(events);
        if (expected.has("statuses")) {
            List<String> wanted =
                    expected.getAsJsonArray("statuses").asList().stream().map(JsonElement::getAsString).toList();
            if (!wanted.equals(names)) {
                return "expected " + wanted;
            }
        }
        if (expected.has("last") && !expected.get("last").getAsString().equals(PREFIX + names.get(names.size() - 1))) {
            return "expected to end as " + expected.get("last");
        }
        return "";
    }

    private static List<String> names(List<StatusEvent> events) {
        return events.stream().map(event -> event.getToStatus().name().substring(PREFIX.length())).toList();
    }
}
