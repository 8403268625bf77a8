package smsgate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "smsgate.internal/stubs/smsgate/v1"
)

var allTerminal = end(pb.StreamStatusResponse_End_REASON_ALL_TERMINAL)

func followAll(
	t *testing.T, client *Client, request *pb.StreamStatusRequest, options ...FollowOption,
) (string, error) {
	t.Helper()
	var ids []string
	for event, err := range client.Follow(t.Context(), request, options...) {
		if err != nil {
			return strings.Join(ids, " "), err
		}
		ids = append(ids, event.GetMessageId())
	}
	return strings.Join(ids, " "), nil
}

func TestAFollowedStreamGoesOnFromTheLastWholeResponse(t *testing.T) {
	server := startServer(t, nil)
	server.plays(opened("c0"), events("c1", "a", "b"), status.Error(codes.Unavailable, "gone"))
	server.plays(opened("c1"), events("c2", "c"), end(pb.StreamStatusResponse_End_REASON_SERVER_DRAINING))
	server.plays(opened("c2"), events("c3", "d"), status.Error(codes.Internal, "a proxy"))
	server.plays(opened("c3"), events("c4", "e"), allTerminal)
	var phases []FollowPhase
	told := OnState(func(s FollowState) { phases = append(phases, s.Phase) })
	got, err := followAll(t, server.client(), &pb.StreamStatusRequest{}, told)
	if err != nil || got != "a b c d e" {
		t.Fatal(got, err)
	}
	var starts []string
	for _, request := range server.asked {
		starts = append(starts, request.GetCursor())
	}
	if !slices.Equal(starts, []string{"", "c1", "c2", "c3"}) {
		t.Error(starts)
	}
	o, i := FollowOpen, FollowInterrupted
	if !slices.Equal(phases, []FollowPhase{o, i, o, i, o, i, o, FollowEnded}) {
		t.Error(phases)
	}
}

func TestASilentServerIsLeft(t *testing.T) {
	server := startServer(t, nil)
	server.plays(opened("c0"), events("c1", "a"))
	server.plays(opened("c1"), events("c2", "b"), allTerminal)
	request := &pb.StreamStatusRequest{HeartbeatInterval: durationpb.New(20 * time.Millisecond)}
	var reasons []string
	told := OnState(func(s FollowState) {
		if s.Err != nil {
			reasons = append(reasons, s.Err.Reason)
		}
	})
	got, err := followAll(t, server.client(), request, told)
	if err != nil || got != "a b" || !slices.Contains(reasons, "HEARTBEAT_MISSED") {
		t.Fatal(got, err, reasons)
	}
}

func TestASlowConsumerIsNotTakenForASilentServer(t *testing.T) {
	server := startServer(t, nil)
	server.plays(opened("c0"), events("c1", "a"), events("c2", "b"), allTerminal)
	request := &pb.StreamStatusRequest{HeartbeatInterval: durationpb.New(100 * time.Millisecond)}
	for _, err := range server.client().Follow(t.Context(), request) {
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(silentIntervals*100*time.Millisecond + 50*time.Millisecond)
	}
	if len(server.asked) != 1 {
		t.Fatal("the stream was left")
	}
}

func TestAnErrorThatWaitingCannotMendIsTheLastThatComes(t *testing.T) {
	server := startServer(t, nil)
	server.plays(opened("c0"), events("c1", "a"), status.Error(codes.Unauthenticated, "revoked"))
	got, err := followAll(t, server.client(), &pb.StreamStatusRequest{})
	if got != "a" || !errors.Is(err, ErrUnauthenticated) || len(server.asked) != 1 {
		t.Fatal(got, err)
	}
}

func TestAServerThatComesBackIsFoundAgain(t *testing.T) {
	server := startServer(t, nil)
	server.plays(opened("c0"), events("c1", "a"))
	server.plays(opened("c1"), events("c2", "b"), allTerminal)
	var come []string
	for event, err := range server.client().Follow(t.Context(), &pb.StreamStatusRequest{}) {
		if err != nil {
			t.Fatal(err)
		}
		if come = append(come, event.GetMessageId()); len(come) == 1 {
			server.grpc.Stop()
			time.AfterFunc(300*time.Millisecond, func() { server.listen(server.target) })
		}
	}
	if !slices.Equal(come, []string{"a", "b"}) {
		t.Fatal(come)
	}
}

func TestAnOutageThatIsTooLongIsTheEnd(t *testing.T) {
	server := startServer(t, nil)
	server.grpc.Stop()
	_, err := followAll(t, server.client(), &pb.StreamStatusRequest{}, MaxOutage(200*time.Millisecond))
	if !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
}

func TestItsContextEndsIt(t *testing.T) {
	server := startServer(t, nil)
	server.plays(opened("c0"), events("c1", "a"))
	client := server.client()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var last error
	for _, err := range client.Follow(ctx, &pb.StreamStatusRequest{}) {
		last = err
		cancel()
	}
	if !errors.Is(last, context.Canceled) || !errors.Is(last, ErrCancelled) {
		t.Error(last)
	}
	server.grpc.Stop() // Now it waits between two attempts.
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for _, err := range client.Follow(short, &pb.StreamStatusRequest{}) {
		last = err
	}
	if !errors.Is(last, context.DeadlineExceeded) || !errors.Is(last, ErrDeadlineExceeded) {
		t.Error(last)
	}
}

func TestLeavingTheLoopClosesTheStream(t *testing.T) {
	closed := make(chan struct{})
	server := startServer(t, nil)
	server.plays(opened("c0"), events("c1", "a", "b"))
	play := server.streams[0]
	server.streams[0] = func(r *pb.StreamStatusRequest, s streamOfStatus) error {
		defer close(closed)
		return play(r, s)
	}
	for _, err := range server.client().Follow(t.Context(), &pb.StreamStatusRequest{}) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	select {
	case <-closed:
	case <-time.After(10 * time.Second):
		t.Fatal("the stream is still open")
	}
}

func TestCloseEndsAFollowedStream(t *testing.T) {
	server := startServer(t, nil)
	server.plays(opened("c0"), events("c1", "a"))
	client := server.client()
	var last error
	for _, err := range client.Follow(t.Context(), &pb.StreamStatusRequest{}) {
		last = err
		client.Close()
	}
	if !errors.Is(last, ErrClosed) {
		t.Fatal(last)
	}
}

func TestTheErrorsOfARawStreamAreTyped(t *testing.T) {
	server := startServer(t, nil)
	server.plays(status.Error(codes.OutOfRange, "old"))
	stream, err := server.client().Messages().StreamStatus(t.Context(), &pb.StreamStatusRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = stream.Recv(); !errors.Is(err, ErrInvalidRequest) {
		t.Fatal(err)
	}
}
