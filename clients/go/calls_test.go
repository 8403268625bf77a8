package smsgate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "smsgate.internal/stubs/smsgate/v1"
)

func TestACallCarriesKeyAndUserAgent(t *testing.T) {
	server := startServer(t, nil)
	client := server.client(WithAPIKey("sgk_1"))
	if _, err := client.Send(t.Context(), &pb.SendMessageRequest{}); err != nil {
		t.Fatal(err)
	}
	told := server.seen()[0].metadata
	if got := told.Get("authorization"); !slices.Equal(got, []string{"Bearer sgk_1"}) {
		t.Error(got)
	}
	if agent := told.Get("user-agent"); !strings.HasPrefix(agent[0], "smsgate-go ") {
		t.Error(agent)
	}
}

func TestUnavailableIsTriedFiveTimesWithTheSameRequestID(t *testing.T) {
	away := func(ctx context.Context, number int) error {
		// At once, so that the test need not wait.
		grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", "1"))
		return status.Error(codes.Unavailable, "not now")
	}
	server := startServer(t, away)
	request := &pb.SendMessageRequest{}
	began := time.Now()
	_, err := server.client().Send(t.Context(), request)
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, ErrOutcomeUnknown) {
		t.Fatal(err)
	}
	if time.Since(began) > time.Second {
		t.Error("the server's word on when to come again was not heard")
	}
	calls := server.seen()
	if len(calls) != 5 || calls[0].requestID == "" || calls[0].requestID != calls[4].requestID {
		t.Error(calls)
	}
	if request.GetRequestId() != "" {
		t.Error("the caller's request was changed, and would be taken for the same call again")
	}
}

func TestACallIsTriedAgainWithWaitsOfItsOwn(t *testing.T) {
	server := startServer(t, func(_ context.Context, number int) error {
		if number == 1 {
			return status.Error(codes.Unavailable, "not now")
		}
		return nil
	})
	if _, err := topUp(t, server.client()); err != nil || len(server.seen()) != 2 {
		t.Fatal(err, server.seen())
	}
}

// topUp goes through a raw stub.
func topUp(t *testing.T, client *Client) (*pb.TopUpResponse, error) {
	return client.Accounts().TopUp(t.Context(), &pb.TopUpRequest{AccountId: "shop"})
}

func TestAServerThatSaysNoMoreIsNotAskedAgain(t *testing.T) {
	server := startServer(t, func(ctx context.Context, _ int) error {
		grpc.SetTrailer(ctx, metadata.Pairs("grpc-retry-pushback-ms", "-1"))
		return status.Error(codes.Unavailable, "not now")
	})
	if _, err := topUp(t, server.client()); err == nil || len(server.seen()) != 1 {
		t.Fatal(err, server.seen())
	}
}

func TestCreateAPIKeyIsNotTriedAgain(t *testing.T) {
	server := startServer(t, func(context.Context, int) error {
		return status.Error(codes.Unavailable, "not now")
	})
	_, err := server.client().Accounts().CreateApiKey(t.Context(), &pb.CreateApiKeyRequest{})
	if !errors.Is(err, ErrUnavailable) || len(server.seen()) != 1 {
		t.Fatal(err, len(server.seen()))
	}
}

func TestEveryLogicalCallHasAnIDOfItsOwnAndAGivenOneStays(t *testing.T) {
	server := startServer(t, nil)
	client, request := server.client(), &pb.SendMessageRequest{}
	var callers sync.WaitGroup
	for range 20 {
		callers.Add(1)
		go func() {
			defer callers.Done()
			if _, err := client.Send(t.Context(), request); err != nil {
				t.Error(err)
			}
		}()
	}
	callers.Wait()
	ids := map[string]bool{}
	for _, call := range server.seen() {
		ids[call.requestID] = true
	}
	if len(ids) != 20 || ids[""] {
		t.Error(ids)
	}
	own := &pb.SendMessageRequest{RequestId: "mine"}
	if _, err := client.Send(t.Context(), own); err != nil || server.seen()[20].requestID != "mine" {
		t.Error(err, server.seen()[20])
	}
}

func TestACallThatIsUnderWayIsRepeatedUntilItsResultIsThere(t *testing.T) {
	server := startServer(t, func(_ context.Context, number int) error {
		if number < 4 {
			return inFlight(time.Millisecond)
		}
		return nil
	})
	if _, err := server.client().Send(t.Context(), &pb.SendMessageRequest{}); err != nil {
		t.Fatal(err)
	}
	calls := server.seen()
	if len(calls) != 4 || calls[0].requestID != calls[3].requestID {
		t.Fatal(calls)
	}
}

func TestACallThatStaysUnderWayEnds(t *testing.T) {
	server := startServer(t, func(context.Context, int) error { return inFlight(time.Millisecond) })
	_, err := server.client().Send(t.Context(), &pb.SendMessageRequest{})
	if !errors.Is(err, ErrConflict) || len(server.seen()) != 1+maxInFlightRepeats {
		t.Fatal(err, len(server.seen()))
	}
	slow := startServer(t, func(context.Context, int) error { return inFlight(time.Hour) })
	_, err = slow.client().Send(t.Context(), &pb.SendMessageRequest{})
	if !errors.Is(err, ErrConflict) || len(slow.seen()) != 1 {
		t.Fatal("it would wait beyond its deadline", err)
	}
}

func TestEveryCallHasADeadline(t *testing.T) {
	server := startServer(t, nil)
	client := server.client()
	patient := server.client(WithTimeout(time.Minute))
	own, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	wait := &pb.GetMessageRequest{Wait: durationpb.New(20 * time.Second)}
	cases := []struct {
		name string
		call func() error
		want time.Duration
	}{
		{"send", func() error { return second(client.Send(t.Context(), &pb.SendMessageRequest{})) }, 10 * time.Second},
		{"batch", func() error { return second(client.SendBatch(t.Context(), &pb.SendBatchRequest{})) }, 30 * time.Second},
		{"wait", func() error { return second(client.Get(t.Context(), wait)) }, 30 * time.Second},
		{"raw", func() error { return second(client.Messages().GetMessage(t.Context(), wait)) }, 30 * time.Second},
		{"own", func() error { return second(client.Get(own, wait)) }, 3 * time.Second},
		{"patient", func() error { return second(patient.SendBatch(t.Context(), &pb.SendBatchRequest{})) }, time.Minute},
	}
	for number, each := range cases {
		if err := each.call(); err != nil {
			t.Fatal(each.name, err)
		}
		left := server.seen()[number].timeLeft
		if left > each.want || left < each.want-2*time.Second {
			t.Error(each.name, left)
		}
	}
}

func second[A any](_ A, err error) error { return err }

func TestADeadlineEndsACall(t *testing.T) {
	server := startServer(t, func(ctx context.Context, _ int) error {
		<-ctx.Done()
		return status.FromContextError(ctx.Err()).Err()
	})
	client := server.client(WithTimeout(50 * time.Millisecond))
	_, err := client.Send(t.Context(), &pb.SendMessageRequest{})
	if !errors.Is(err, ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = client.Send(cancelled, &pb.SendMessageRequest{})
	if !errors.Is(err, ErrCancelled) || !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestAClosedClientRefusesCalls(t *testing.T) {
	server := startServer(t, nil)
	client := server.client()
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if err := client.Close(); err != nil {
		t.Fatal("twice:", err)
	}
	if _, err := client.Send(t.Context(), &pb.SendMessageRequest{}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if _, err := client.Messages().StreamStatus(t.Context(), &pb.StreamStatusRequest{}); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	for _, err := range client.Follow(t.Context(), &pb.StreamStatusRequest{}) {
		if !errors.Is(err, ErrClosed) {
			t.Error(err)
		}
	}
	if len(server.seen()) != 0 {
		t.Error("something was sent")
	}
}

func TestCloseEndsACallThatIsUnderWay(t *testing.T) {
	arrived := make(chan struct{})
	server := startServer(t, func(ctx context.Context, _ int) error {
		close(arrived)
		<-ctx.Done()
		return ctx.Err()
	})
	client := server.client()
	go func() {
		<-arrived
		client.Close()
	}()
	_, err := client.Send(t.Context(), &pb.SendMessageRequest{})
	if !errors.Is(err, ErrOutcomeUnknown) || !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}
