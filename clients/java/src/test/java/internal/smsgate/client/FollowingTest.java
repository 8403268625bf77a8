package internal.smsgate.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import internal.smsgate.v1.Message;
import internal.smsgate.v1.MessageStatus;
import internal.smsgate.v1.StatusEvent;
import internal.smsgate.v1.StatusFilter;
import internal.smsgate.v1.StreamStatusRequest;
import internal.smsgate.v1.StreamStatusResponse;
import internal.smsgate.v1.StreamStatusResponse.End.Reason;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A stream that outlives its connections, without any connection. */
class FollowingTest {
    private long nanos;
    private double luck = 1;

    private Following following(StreamStatusRequest request, FollowOptions options) {
        return new Following(request, options, () -> nanos, () -> luck);
    }

    private Following following(StreamStatusRequest.Builder request) {
        return following(request.build(), FollowOptions.defaults());
    }

    private Following following() {
        return following(StreamStatusRequest.newBuilder());
    }

    private static List<Followed> taken(Following stream, StreamStatusResponse.Builder... responses) {
        List<Followed> items = new ArrayList<>();
        Stream.of(responses).forEach(each -> items.addAll(stream.received(each.build())));
        return items;
    }

    private static StreamStatusResponse.Builder opened(String cursor) {
        return StreamStatusResponse.newBuilder().setCursor(cursor).setOpened(StreamStatusResponse.Opened.getDefaultInstance());
    }

    private static StreamStatusResponse.Builder events(String cursor, String... ids) {
        StreamStatusResponse.Builder made = StreamStatusResponse.newBuilder().setCursor(cursor);
        Stream.of(ids).forEach(id -> made.addEvents(StatusEvent.newBuilder().setMessageId(id)));
        return made;
    }

    private static StreamStatusResponse.Builder heartbeat(String cursor) {
        return StreamStatusResponse.newBuilder()
                .setCursor(cursor)
                .setHeartbeat(StreamStatusResponse.Heartbeat.getDefaultInstance());
    }

    private static StreamStatusResponse.Builder end(Reason reason) {
        return StreamStatusResponse.newBuilder().setEnd(StreamStatusResponse.End.newBuilder().setReason(reason));
    }

    private static StreamStatusResponse.Builder snapshot(Map<String, MessageStatus> states) {
        StreamStatusResponse.Builder made = StreamStatusResponse.newBuilder();
        states.forEach((id, status) -> made.addSnapshot(Message.newBuilder().setId(id).setStatus(status)));
        return made;
    }

    private static SmsgateException error(Status.Code code, String reason) {
        return Failure.of(code, reason, "").exception(null);
    }

    private static SmsgateException unavailable() {
        return error(Status.Code.UNAVAILABLE, "");
    }

    @Test
    void beforeTheFirstResponseABreakRepeatsTheFirstRequest() {
        StreamStatusRequest wanted = StreamStatusRequest.newBuilder().setFromEarliest(true).build();
        Following stream = following(wanted, FollowOptions.defaults());
        stream.broken(unavailable());
        assertEquals(wanted, stream.request());
    }

    @Test
    void aBreakGoesOnAfterTheLastWholeResponseWithTheSameFilter() {
        StatusFilter filter = StatusFilter.newBuilder().addCountries("IT").build();
        Following stream = following(StreamStatusRequest.newBuilder().setFromEarliest(true).setFilter(filter));
        taken(stream, opened("c0"));
        assertEquals("c0", stream.request().getCursor());
        taken(stream, events("c1", "a"), events("c2", "b"));
        stream.broken(unavailable());
        assertEquals("c2", stream.request().getCursor());
        assertEquals(filter, stream.request().getFilter());
        assertFalse(stream.request().getFromEarliest());
    }

    @Test
    void onlyTheLastEventOfAResponseHasItsCursor() {
        Following stream = following();
        taken(stream, opened("c0"));
        List<String> cursors = taken(stream, events("c1", "a", "b", "c")).stream().map(Followed::cursor).toList();
        assertEquals(List.of("c0", "c0", "c1"), cursors);
    }

    @Test
    void aHeartbeatIsABookmarkOnlyIfItMoved() {
        Following stream = following();
        taken(stream, opened("c0"));
        assertEquals(List.of(), taken(stream, heartbeat("c0")));
        assertEquals(List.of(Followed.bookmark("c1")), taken(stream, heartbeat("c1")));
    }

    @Test
    void whatLatestOnlyLeftOutIsSaidWithTheFirstEvent() {
        List<Followed> items = taken(following(), events("c1", "a", "b").setCoalesced(7));
        assertEquals(List.of(7, 0), items.stream().map(Followed::coalesced).toList());
    }

    @Test
    void aDrainingServerIsLeftForAnother() {
        Following stream = following();
        taken(stream, events("c1", "a"), end(Reason.REASON_SERVER_DRAINING));
        assertTrue(stream.draining());
        assertFalse(stream.finished());
        stream.ended();
        assertEquals("c1", stream.request().getCursor());
        assertFalse(stream.draining());
    }

    @Test
    void allTerminalIsTheEnd() {
        List<FollowState> states = new ArrayList<>();
        Following stream = following(
                StreamStatusRequest.getDefaultInstance(), FollowOptions.defaults().withOnState(states::add));
        taken(stream, opened("c0"), end(Reason.REASON_ALL_TERMINAL));
        assertTrue(stream.finished());
        assertEquals(List.of(new FollowState.Open("c0"), new FollowState.Ended("c0")), states);
    }

    @Test
    void anInterruptedSnapshotStartsAgainAndYieldsOnlyWhatIsNew() {
        MessageStatus pending = MessageStatus.MESSAGE_STATUS_PENDING;
        Following stream = following(StreamStatusRequest.newBuilder().setSnapshot(true));
        taken(stream, opened("c0"), snapshot(Map.of("1", pending, "2", pending)));
        stream.broken(unavailable());
        assertTrue(stream.request().getSnapshot());
        Map<String, MessageStatus> later =
                Map.of("1", MessageStatus.MESSAGE_STATUS_DELIVERED, "2", pending, "3", pending);
        List<String> ids = taken(stream, opened("c5"), snapshot(later)).stream()
                .map(item -> item.message().orElseThrow().getId())
                .sorted()
                .toList();
        assertEquals(List.of("1", "3"), ids);
        StreamStatusResponse.Builder last = StreamStatusResponse.newBuilder()
                .setCursor("c6")
                .setSnapshotEnd(StreamStatusResponse.SnapshotEnd.getDefaultInstance());
        assertEquals(List.of(Followed.bookmark("c6")), taken(stream, last));
        assertFalse(stream.request().getSnapshot());
        assertEquals("c6", stream.request().getCursor());
    }

    @ParameterizedTest
    @CsvSource({
        "UNAVAILABLE,'',true",
        "UNAVAILABLE,STORE_UNAVAILABLE,true",
        "RESOURCE_EXHAUSTED,SLOW_CONSUMER,true",
        "RESOURCE_EXHAUSTED,TOO_MANY_STREAMS,true",
        "INTERNAL,'',true",
        "CANCELLED,'',true",
        "DEADLINE_EXCEEDED,'',true",
        "RESOURCE_EXHAUSTED,'',false",
        "INTERNAL,INTERNAL,false",
        "OUT_OF_RANGE,CURSOR_EXPIRED,false",
        "INVALID_ARGUMENT,CURSOR_INVALID,false",
        "UNAUTHENTICATED,'',false",
        "PERMISSION_DENIED,'',false",
    })
    void whatPassesIsWaitedOutAndWhatDoesNotIsTheEnd(Status.Code code, String reason, boolean passes) {
        Following stream = following();
        taken(stream, opened("c0"));
        SmsgateException error = error(code, reason);
        if (passes) {
            assertFalse(stream.broken(error).isZero());
        } else {
            assertSame(error, assertThrows(SmsgateException.class, () -> stream.broken(error)));
        }
    }

    @Test
    void anErrorThatIsNotOursAndDoesNotPassIsMeant() {
        Following stream = following();
        SmsgateException foreign = error(Status.Code.UNKNOWN, "");
        for (int n = 0; n < 5; n++) {
            stream.broken(foreign);
        }
        assertThrows(SmsgateException.ServerError.class, () -> stream.broken(foreign));
    }

    @Test
    void waitsGrowToTheirCeilingAndBeginAgainAfterAResponseOtherThanOpened() {
        Following stream = following();
        List<Long> waits = Stream.generate(() -> stream.broken(unavailable()).toMillis()).limit(7).toList();
        assertEquals(List.of(100L, 200L, 400L, 800L, 1_600L, 3_000L, 3_000L), waits);
        taken(stream, opened("c0"));
        assertEquals(Following.MAX_BACKOFF, stream.broken(unavailable()));
        taken(stream, heartbeat("c1"));
        assertEquals(Duration.ofMillis(100), stream.broken(unavailable()));
        luck = 0.25;
        assertEquals(Duration.ofMillis(50), stream.broken(unavailable()));
    }

    @Test
    void anOutageThatLastsLongerThanAllowedEndsWithItsLastError() {
        Following stream = following(
                StreamStatusRequest.getDefaultInstance(),
                FollowOptions.defaults().withMaxOutage(Duration.ofSeconds(5)));
        taken(stream, opened("c0"));
        nanos = Duration.ofSeconds(100).toNanos();
        stream.broken(unavailable());
        nanos += Duration.ofSeconds(5).toNanos() - 1;
        stream.broken(unavailable());
        nanos += 1;
        SmsgateException last = unavailable();
        assertSame(last, assertThrows(SmsgateException.class, () -> stream.broken(last)));
    }

    @Test
    void whenTheTimeToFollowIsOverThatIsWhatItEndsWith() {
        Following stream = following(
                StreamStatusRequest.getDefaultInstance(),
                FollowOptions.defaults().withTimeout(Duration.ofSeconds(10)));
        nanos = Duration.ofMillis(9_950).toNanos();
        assertEquals(Optional.of(Duration.ofMillis(50)), stream.timeLeft());
        assertEquals(Duration.ofMillis(50), stream.broken(unavailable()));
        nanos = Duration.ofSeconds(10).toNanos();
        assertThrows(SmsgateException.DeadlineExceeded.class, () -> stream.broken(unavailable()));
    }

    @Test
    void threeHeartbeatsOfSilenceAreABreakAndItSaysSo() {
        List<FollowState> states = new ArrayList<>();
        StreamStatusRequest request = StreamStatusRequest.newBuilder()
                .setHeartbeatInterval(com.google.protobuf.Duration.newBuilder().setSeconds(2))
                .build();
        Following stream = following(request, FollowOptions.defaults().withOnState(states::add));
        assertEquals(Duration.ofSeconds(6), stream.silenceLimit());
        assertEquals(Duration.ofSeconds(45), following().silenceLimit());
        stream.silent();
        FollowState.Interrupted told = assertInstanceOf(FollowState.Interrupted.class, states.get(0));
        assertEquals("HEARTBEAT_MISSED", told.error().reason());
    }
}
