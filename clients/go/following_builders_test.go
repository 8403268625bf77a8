package smsgate

import (
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "smsgate.internal/stubs/smsgate/v1"
)

// clock is time that a test owns.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)} }

func (c *clock) read() time.Time          { return c.now }
func (c *clock) advance(by time.Duration) { c.now = c.now.Add(by) }

func wholeJitter() float64 { return 1 }

func newTestFollowing(request *pb.StreamStatusRequest, options ...FollowOption) *following {
	return followingWith(newClock(), request, options...)
}

func followingWith(
	clock *clock, request *pb.StreamStatusRequest, options ...FollowOption,
) *following {
	var chosen followOptions
	for _, option := range options {
		option(&chosen)
	}
	return newFollowing(request, chosen, clock.read, wholeJitter)
}

func (f *following) take(responses ...*pb.StreamStatusResponse) []Followed {
	var items []Followed
	for _, response := range responses {
		items = append(items, f.received(response)...)
		f.settle(response)
	}
	return items
}

func opened(cursor string) *pb.StreamStatusResponse {
	return &pb.StreamStatusResponse{Cursor: cursor,
		Control: &pb.StreamStatusResponse_Opened_{Opened: &pb.StreamStatusResponse_Opened{}}}
}

func events(cursor string, ids ...string) *pb.StreamStatusResponse {
	made := &pb.StreamStatusResponse{Cursor: cursor}
	for _, id := range ids {
		made.Events = append(made.Events, &pb.StatusEvent{MessageId: id})
	}
	return made
}

func heartbeat(cursor string, lag time.Duration) *pb.StreamStatusResponse {
	beat := &pb.StreamStatusResponse_Heartbeat{Lag: durationpb.New(lag)}
	return &pb.StreamStatusResponse{Cursor: cursor,
		Control: &pb.StreamStatusResponse_Heartbeat_{Heartbeat: beat}}
}

func end(reason pb.StreamStatusResponse_End_Reason) *pb.StreamStatusResponse {
	return &pb.StreamStatusResponse{Control: &pb.StreamStatusResponse_End_{
		End: &pb.StreamStatusResponse_End{Reason: reason}}}
}

func snapshotOf(messages ...*pb.Message) *pb.StreamStatusResponse {
	return &pb.StreamStatusResponse{Snapshot: messages}
}

func snapshotEnd(cursor string) *pb.StreamStatusResponse {
	return &pb.StreamStatusResponse{Cursor: cursor, Control: &pb.StreamStatusResponse_SnapshotEnd_{
		SnapshotEnd: &pb.StreamStatusResponse_SnapshotEnd{}}}
}

func a(id string, status pb.MessageStatus) *pb.Message {
	return &pb.Message{Id: id, Status: status}
}

func unavailable() error { return &Error{Code: codes.Unavailable, Message: "away"} }

func mustMend(t *testing.T, f *following, err error) time.Duration {
	t.Helper()
	delay, left := f.broken(err)
	if left != nil {
		t.Fatalf("given up: %v", left)
	}
	return delay
}

func cursors(items []Followed) []string {
	var found []string
	for _, item := range items {
		found = append(found, item.Cursor)
	}
	return found
}
