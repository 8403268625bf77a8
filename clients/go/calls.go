package smsgate

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "smsgate.internal/stubs/smsgate/v1"
)

const (
	// When a connection breaks under a call, gRPC's retry can reach the server while the first
	// attempt is at work there. REQUEST_IN_FLIGHT then is not the outcome; it comes a moment later.
	maxInFlightRepeats   = 10
	defaultInFlightDelay = 200 * time.Millisecond
	requestIDField       = "request_id"
)

// NewRequestID is a request_id that nobody else has. Store it with what it is for, before the first
// attempt: then the call can be repeated after a crash, and is done once.
func NewRequestID() string {
	return rand.Text()
}

// call is what every unary call goes through, whichever stub it comes from.
func (c *Client) call(ctx context.Context, method string, request, answer any,
	channel *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	if c.closed.Load() {
		return ErrClosed
	}
	ctx, cancel := c.withDeadline(ctx, request)
	defer cancel()
	request = identified(request)
	for repeats := 0; ; repeats++ {
		err := c.failed(ctx, invoke(ctx, method, request, answer, channel, options...))
		if !canRepeat(ctx, err, repeats) || !slept(ctx, inFlightDelay(err)) {
			return err
		}
	}
}

func (c *Client) withDeadline(ctx context.Context, request any) (context.Context, context.CancelFunc) {
	if _, given := ctx.Deadline(); given {
		return context.WithCancel(ctx)
	}
	timeout := c.connection.timeout
	switch request := request.(type) {
	case *pb.SendBatchRequest:
		timeout = max(timeout, BatchTimeout)
	case *pb.GetMessageRequest:
		timeout += request.GetWait().AsDuration()
	}
	return context.WithTimeout(ctx, timeout)
}

// identified is the request with a request_id, if it has such a field and that is empty. It is a
// copy then: the caller may use its own again, and means another call.
func identified(request any) any {
	message, ok := request.(proto.Message)
	if !ok {
		return request
	}
	field := message.ProtoReflect().Descriptor().Fields().ByName(requestIDField)
	if field == nil || message.ProtoReflect().Has(field) {
		return request
	}
	copied := proto.Clone(message)
	reflected := copied.ProtoReflect()
	reflected.Set(field, protoreflect.ValueOfString(NewRequestID()))
	return copied
}

func canRepeat(ctx context.Context, err error, repeats int) bool {
	var failed *Error
	if !errors.As(err, &failed) || failed.Reason != "REQUEST_IN_FLIGHT" {
		return false
	}
	deadline, _ := ctx.Deadline()
	return repeats < maxInFlightRepeats && inFlightDelay(err) < time.Until(deadline)
}

func inFlightDelay(err error) time.Duration {
	var failed *Error
	if errors.As(err, &failed) && failed.RetryAfter > 0 {
		return failed.RetryAfter
	}
	return defaultInFlightDelay
}

// slept waits, and tells whether nothing ended the context meanwhile.
func slept(ctx context.Context, delay time.Duration) bool {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// openStream is what every stream goes through, whichever stub it comes from.
func (c *Client) openStream(ctx context.Context, description *grpc.StreamDesc,
	channel *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	if c.closed.Load() {
		return nil, ErrClosed
	}
	stream, err := open(ctx, description, channel, method, options...)
	if err != nil {
		return nil, c.failed(ctx, err)
	}
	return &typedStream{stream, c, ctx}, nil
}

// typedStream is a stream with the errors of this package.
type typedStream struct {
	grpc.ClientStream
	client *Client
	// The caller's: that of the stream itself is cancelled whatever it ended with.
	caller context.Context
}

func (s *typedStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return s.client.failed(s.caller, err)
}

// ended marks an error of a call that Close ended.
func ended(err error) error {
	var failed *Error
	if errors.As(err, &failed) && failed.Code == codes.Canceled && failed.cause == nil {
		failed.cause = ErrClosed
	}
	return err
}
