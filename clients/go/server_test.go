package smsgate

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	pb "smsgate.internal/stubs/smsgate/v1"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// server answers with what a test says, over a real connection.
type server struct {
	pb.UnimplementedMessageServiceServer
	pb.UnimplementedAccountServiceServer

	t      *testing.T
	grpc   *grpc.Server
	target string

	lock    sync.Mutex
	calls   []call
	answer  func(context.Context, int) error
	streams []func(*pb.StreamStatusRequest, streamOfStatus) error
	asked   []*pb.StreamStatusRequest
}

type streamOfStatus = grpc.ServerStreamingServer[pb.StreamStatusResponse]

// call is what came with one.
type call struct {
	requestID string
	metadata  metadata.MD
	timeLeft  time.Duration
}

func startServer(t *testing.T, answer func(context.Context, int) error) *server {
	t.Helper()
	made := &server{t: t, answer: answer}
	made.listen("127.0.0.1:0")
	t.Cleanup(func() { made.grpc.Stop() })
	return made
}

func (s *server) listen(address string) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.target = listener.Addr().String()
	s.grpc = grpc.NewServer()
	pb.RegisterMessageServiceServer(s.grpc, s)
	pb.RegisterAccountServiceServer(s.grpc, s)
	go s.grpc.Serve(listener)
}

func (s *server) client(options ...Option) *Client {
	s.t.Helper()
	client, err := Open(s.target, options...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { client.Close() })
	return client
}

func (s *server) take(ctx context.Context, requestID string) error {
	told, _ := metadata.FromIncomingContext(ctx)
	deadline, _ := ctx.Deadline()
	s.lock.Lock()
	s.calls = append(s.calls, call{requestID, told, time.Until(deadline)})
	number := len(s.calls)
	s.lock.Unlock()
	if s.answer == nil {
		return nil
	}
	return s.answer(ctx, number)
}

func (s *server) seen() []call {
	s.lock.Lock()
	defer s.lock.Unlock()
	return s.calls
}

func (s *server) SendMessage(
	ctx context.Context, request *pb.SendMessageRequest,
) (*pb.SendMessageResponse, error) {
	return &pb.SendMessageResponse{}, s.take(ctx, request.GetRequestId())
}

func (s *server) SendBatch(
	ctx context.Context, request *pb.SendBatchRequest,
) (*pb.SendBatchResponse, error) {
	return &pb.SendBatchResponse{}, s.take(ctx, request.GetRequestId())
}

func (s *server) GetMessage(
	ctx context.Context, request *pb.GetMessageRequest,
) (*pb.GetMessageResponse, error) {
	return &pb.GetMessageResponse{}, s.take(ctx, "")
}

func (s *server) CreateApiKey(
	ctx context.Context, request *pb.CreateApiKeyRequest,
) (*pb.CreateApiKeyResponse, error) {
	return &pb.CreateApiKeyResponse{}, s.take(ctx, "")
}

func (s *server) TopUp(ctx context.Context, request *pb.TopUpRequest) (*pb.TopUpResponse, error) {
	return &pb.TopUpResponse{}, s.take(ctx, request.GetRequestId())
}

// ListMessages has three pages of two.
func (s *server) ListMessages(
	ctx context.Context, request *pb.ListMessagesRequest,
) (*pb.ListMessagesResponse, error) {
	next := map[string]string{"": "b", "b": "c", "c": ""}[request.GetPageToken()]
	page := &pb.ListMessagesResponse{NextPageToken: next}
	for _, number := range []string{"1", "2"} {
		page.Messages = append(page.Messages, &pb.Message{Id: request.GetPageToken() + number})
	}
	return page, s.take(ctx, "")
}

// StreamStatus plays one of `streams` after the other, the last of them again and again.
func (s *server) StreamStatus(
	request *pb.StreamStatusRequest, stream streamOfStatus,
) error {
	s.lock.Lock()
	s.asked = append(s.asked, request)
	play := s.streams[min(len(s.asked), len(s.streams))-1]
	s.lock.Unlock()
	return play(request, stream)
}

func (s *server) plays(responses ...any) {
	s.streams = append(s.streams, func(_ *pb.StreamStatusRequest, stream streamOfStatus) error {
		for _, next := range responses {
			switch next := next.(type) {
			case *pb.StreamStatusResponse:
				if err := stream.Send(next); err != nil {
					return err
				}
			case error:
				return next
			}
		}
		<-stream.Context().Done() // Silent.
		return stream.Context().Err()
	})
}

func inFlight(after time.Duration) error {
	made, err := status.New(codes.Aborted, "under way").WithDetails(
		&errdetails.ErrorInfo{Reason: "REQUEST_IN_FLIGHT", Domain: domain},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(after)},
	)
	if err != nil {
		panic(err)
	}
	return made.Err()
}
