package smsgate

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "smsgate.internal/stubs/smsgate/v1"
)

func TestBeforeTheFirstResponseABreakRepeatsTheFirstRequest(t *testing.T) {
	wanted := &pb.StreamStatusRequest{
		Start: &pb.StreamStatusRequest_FromEarliest{FromEarliest: true}, EndWhenAllTerminal: true,
	}
	f := newTestFollowing(wanted)
	mustMend(t, f, unavailable())
	if !proto.Equal(f.request(), wanted) {
		t.Fatal(f.request())
	}
}

func TestABreakGoesOnAfterTheLastWholeResponseWithTheSameFilter(t *testing.T) {
	filter := &pb.StatusFilter{Countries: []string{"IT"}}
	wanted := &pb.StreamStatusRequest{
		Start: &pb.StreamStatusRequest_FromEarliest{FromEarliest: true}, Filter: filter,
	}
	f := newTestFollowing(wanted)
	f.take(opened("c0"))
	if f.request().GetCursor() != "c0" {
		t.Fatal("a break before the first event would lose it")
	}
	f.take(events("c1", "a"), events("c2", "b"))
	mustMend(t, f, unavailable())
	next := f.request()
	if next.GetCursor() != "c2" || !proto.Equal(next.GetFilter(), filter) {
		t.Fatal(next)
	}
	if !wanted.GetFromEarliest() {
		t.Fatal("the caller's request was changed")
	}
}

func TestOnlyTheLastEventOfAResponseHasItsCursor(t *testing.T) {
	f := newTestFollowing(&pb.StreamStatusRequest{})
	f.take(opened("c0"))
	items := f.take(events("c1", "a", "b", "c"))
	if got := cursors(items); !slices.Equal(got, []string{"c0", "c0", "c1"}) {
		t.Fatal(got)
	}
}

func TestAHeartbeatIsABookmarkOnlyIfItMoved(t *testing.T) {
	var lag time.Duration
	f := newTestFollowing(&pb.StreamStatusRequest{}, OnState(func(s FollowState) { lag = s.Lag }))
	f.take(opened("c0"))
	if items := f.take(heartbeat("c0", time.Second)); len(items) != 0 || lag != time.Second {
		t.Fatal(items, lag)
	}
	items := f.take(heartbeat("c1", 0))
	if len(items) != 1 || items[0].Cursor != "c1" || items[0].Event != nil {
		t.Fatal(items)
	}
}

func TestWhatLatestOnlyLeftOutIsSaidWithTheFirstEvent(t *testing.T) {
	f := newTestFollowing(&pb.StreamStatusRequest{})
	response := events("c1", "a", "b")
	response.Coalesced = 7
	items := f.take(response)
	if items[0].Coalesced != 7 || items[1].Coalesced != 0 {
		t.Fatal(items)
	}
}

func TestADrainingServerIsLeftForAnother(t *testing.T) {
	f := newTestFollowing(&pb.StreamStatusRequest{})
	f.take(events("c1", "a"), end(pb.StreamStatusResponse_End_REASON_SERVER_DRAINING))
	if !f.draining || f.finished {
		t.Fatal("not draining")
	}
	if _, err := f.ended(); err != nil {
		t.Fatal(err)
	}
	if f.request().GetCursor() != "c1" || f.draining {
		t.Fatal("it does not go on")
	}
}

func TestAllTerminalIsTheEnd(t *testing.T) {
	var phases []FollowPhase
	told := OnState(func(s FollowState) { phases = append(phases, s.Phase) })
	f := newTestFollowing(&pb.StreamStatusRequest{EndWhenAllTerminal: true}, told)
	f.take(opened("c0"), end(pb.StreamStatusResponse_End_REASON_ALL_TERMINAL))
	if !f.finished || !slices.Equal(phases, []FollowPhase{FollowOpen, FollowEnded}) {
		t.Fatal(f.finished, phases)
	}
}

func TestAnInterruptedSnapshotStartsAgainAndYieldsOnlyWhatIsNew(t *testing.T) {
	pending, delivered := pb.MessageStatus_MESSAGE_STATUS_PENDING,
		pb.MessageStatus_MESSAGE_STATUS_DELIVERED
	f := newTestFollowing(&pb.StreamStatusRequest{Snapshot: true})
	f.take(opened("c0"), snapshotOf(a("1", pending), a("2", pending)))
	mustMend(t, f, unavailable())
	if again := f.request(); !again.GetSnapshot() || again.GetStart() != nil {
		t.Fatal(again)
	}
	items := f.take(
		opened("c5"), snapshotOf(a("1", delivered), a("2", pending), a("3", pending)),
	)
	if len(items) != 2 || items[0].Message.GetId() != "1" || items[1].Message.GetId() != "3" {
		t.Fatal(items)
	}
	bookmark := f.take(snapshotEnd("c6"))
	if len(bookmark) != 1 || bookmark[0].Cursor != "c6" {
		t.Fatal(bookmark)
	}
	if next := f.request(); next.GetSnapshot() || next.GetCursor() != "c6" {
		t.Fatal(next)
	}
}

func TestWhatPassesIsWaitedOutAndWhatDoesNotIsTheEnd(t *testing.T) {
	cases := []struct {
		err    *Error
		passes bool
	}{
		{&Error{Code: codes.Unavailable}, true},
		{&Error{Code: codes.Unavailable, Reason: "STORE_UNAVAILABLE"}, true},
		{&Error{Code: codes.ResourceExhausted, Reason: "SLOW_CONSUMER"}, true},
		{&Error{Code: codes.ResourceExhausted, Reason: "TOO_MANY_STREAMS"}, true},
		{&Error{Code: codes.Internal}, true},
		{&Error{Code: codes.Canceled}, true},
		{&Error{Code: codes.DeadlineExceeded}, true},
		{&Error{Code: codes.ResourceExhausted}, false},
		{&Error{Code: codes.Internal, Reason: "INTERNAL"}, false},
		{&Error{Code: codes.OutOfRange, Reason: "CURSOR_EXPIRED"}, false},
		{&Error{Code: codes.InvalidArgument, Reason: "CURSOR_INVALID"}, false},
		{&Error{Code: codes.Unauthenticated}, false},
		{&Error{Code: codes.PermissionDenied}, false},
		{&Error{Code: codes.Canceled, cause: ErrClosed}, false},
	}
	for _, each := range cases {
		t.Run(each.err.Error(), func(t *testing.T) {
			f := newTestFollowing(&pb.StreamStatusRequest{})
			f.take(opened("c0"))
			_, err := f.broken(each.err)
			if each.passes != (err == nil) {
				t.Fatal(err)
			}
			if err != nil && !errors.Is(err, each.err) {
				t.Fatal("another error", err)
			}
		})
	}
}

func TestALimitAtTheFirstAttemptIsTheEnd(t *testing.T) {
	f := newTestFollowing(&pb.StreamStatusRequest{})
	if _, err := f.broken(&Error{Code: codes.ResourceExhausted, Reason: "TOO_MANY_STREAMS"}); err == nil {
		t.Fatal("it would wait for itself")
	}
}

func TestAnErrorOfUnknownOriginThatDoesNotPassIsTheEnd(t *testing.T) {
	f := newTestFollowing(&pb.StreamStatusRequest{})
	foreign := &Error{Code: codes.Unknown}
	for range maxForeignErrors {
		mustMend(t, f, foreign)
		f.take(opened("c0"))
	}
	if _, err := f.broken(foreign); !errors.Is(err, ErrServer) {
		t.Fatal(err)
	}
}

func TestWaitsGrowToALimitAndBeginAnewAfterAnEvent(t *testing.T) {
	f := newTestFollowing(&pb.StreamStatusRequest{})
	var delays []time.Duration
	for range 8 {
		delays = append(delays, mustMend(t, f, unavailable()))
		f.take(opened("c0")) // Alone it proves nothing.
	}
	want := []time.Duration{100, 200, 400, 800, 1600, 3000, 3000, 3000}
	for index, delay := range delays {
		if delay != want[index]*time.Millisecond {
			t.Fatal(delays)
		}
	}
	f.take(events("c1", "a"))
	if delay := mustMend(t, f, unavailable()); delay != firstBackoff {
		t.Fatal(delay)
	}
}

func TestJitterSpreadsTheWaits(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	w := waits{jitter: random.Float64, attempts: 5}
	seen := map[time.Duration]bool{}
	for range 100 {
		delay := w.next()
		if delay < 0 || delay > maxBackoff {
			t.Fatal(delay)
		}
		seen[delay] = true
	}
	if len(seen) < 90 {
		t.Fatal("clients would come back together")
	}
}

func TestTheServerCanAskForALongerWaitButNotTooLong(t *testing.T) {
	f := newTestFollowing(&pb.StreamStatusRequest{})
	delay := mustMend(t, f, &Error{Code: codes.Unavailable, RetryAfter: 2 * time.Second})
	if delay != 2*time.Second {
		t.Fatal(delay)
	}
	if delay = mustMend(t, f, &Error{Code: codes.Unavailable, RetryAfter: time.Hour}); delay != maxBackoff {
		t.Fatal(delay)
	}
}

func TestAnOutageIsCountedFromItsOwnBeginning(t *testing.T) {
	clock := newClock()
	f := followingWith(clock, &pb.StreamStatusRequest{}, MaxOutage(10*time.Second))
	clock.advance(9 * time.Second)
	f.take(opened("c0"))
	clock.advance(time.Hour)
	mustMend(t, f, unavailable())
	clock.advance(9 * time.Second)
	mustMend(t, f, unavailable())
	clock.advance(time.Second)
	if _, err := f.broken(unavailable()); !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
}

func TestThreeMissingHeartbeatsAreADeadConnection(t *testing.T) {
	f := newTestFollowing(&pb.StreamStatusRequest{})
	if f.silenceLimit != 45*time.Second {
		t.Fatal(f.silenceLimit)
	}
	var state FollowState
	told := OnState(func(s FollowState) { state = s })
	own := &pb.StreamStatusRequest{HeartbeatInterval: durationpb.New(2 * time.Second)}
	f = newTestFollowing(own, told)
	f.take(opened("c0"))
	if f.silenceLimit != 6*time.Second {
		t.Fatal(f.silenceLimit)
	}
	delay, err := f.silent()
	if err != nil || state.Phase != FollowInterrupted || state.RetryIn != delay ||
		state.Err.Reason != "HEARTBEAT_MISSED" || state.Cursor != "c0" {
		t.Fatal(err, state)
	}
}

// A log of responses behind connections that break anywhere: what comes is what was logged.
func TestEveryEventComesOnceAndInOrderHoweverOftenItBreaks(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		var log []*pb.StreamStatusResponse
		var logged, come []string
		for number := range 30 {
			var ids []string
			for part := range random.IntN(4) {
				ids = append(ids, fmt.Sprintf("%d.%d", number, part))
			}
			log, logged = append(log, events(fmt.Sprint(number), ids...)), append(logged, ids...)
		}
		f := newTestFollowing(&pb.StreamStatusRequest{})
		for at := -1; at < len(log)-1; mustMend(t, f, unavailable()) {
			at = -1
			if cursor := f.request().GetCursor(); cursor != "" {
				fmt.Sscan(cursor, &at)
			}
			f.take(opened(fmt.Sprint(at)))
			for range random.IntN(5) {
				if at < len(log)-1 {
					at++
					for _, item := range f.take(log[at]) {
						if item.Event != nil {
							come = append(come, item.Event.GetMessageId())
						}
					}
				}
			}
		}
		if !slices.Equal(come, logged) {
			t.Fatalf("seed %d: %v, not %v", seed, come, logged)
		}
	}
}
