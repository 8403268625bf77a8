package smsgate

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "smsgate.internal/stubs/smsgate/v1"
)

func TestAListIsReadPageByPageAsItIsConsumed(t *testing.T) {
	server := startServer(t, nil)
	client, request := server.client(), &pb.ListMessagesRequest{PageSize: 2}
	var ids []string
	for message, err := range client.List(t.Context(), request) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, message.GetId())
	}
	if got := strings.Join(ids, " "); got != "1 2 b1 b2 c1 c2" || request.GetPageToken() != "" {
		t.Error(got)
	}
	for range client.List(t.Context(), request) {
		break
	}
	if pages := len(server.seen()); pages != 4 {
		t.Error("pages were read that nobody wanted:", pages)
	}
}

func TestAListEndsWithItsError(t *testing.T) {
	server := startServer(t, func(_ context.Context, number int) error {
		if number == 2 {
			return status.Error(codes.InvalidArgument, "a bad token")
		}
		return nil
	})
	var last error
	count := 0
	for _, err := range server.client().List(t.Context(), &pb.ListMessagesRequest{}) {
		last, count = err, count+1
	}
	if count != 3 || !errors.Is(last, ErrInvalidRequest) {
		t.Fatal(count, last)
	}
}
