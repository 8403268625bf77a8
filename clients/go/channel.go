package smsgate

import (
	"context"
	"encoding/json"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/reflect/protoreflect"

	pb "smsgate.internal/stubs/smsgate/v1"
)

const (
	userAgent         = "smsgate-go"
	maxMessageBytes   = 16 * 1024 * 1024
	keepaliveTime     = 30 * time.Second
	keepaliveTimeout  = 10 * time.Second
	firstReconnect    = 100 * time.Millisecond
	maxReconnect      = 2 * time.Second
	minConnectTimeout = 10 * time.Second
	maxAttempts       = 5
	reconnectGrowth   = 1.6
	reconnectJitter   = 0.2
)

// Every try makes another key or secret, and those of all but the last would be lost.
var notRepeatable = map[protoreflect.Name]bool{"CreateApiKey": true, "RotateWebhookSecret": true}

var contract = []protoreflect.FileDescriptor{
	pb.File_smsgate_v1_message_service_proto,
	pb.File_smsgate_v1_otp_service_proto,
	pb.File_smsgate_v1_pricing_service_proto,
	pb.File_smsgate_v1_usage_service_proto,
	pb.File_smsgate_v1_carrier_service_proto,
	pb.File_smsgate_v1_account_service_proto,
	pb.File_smsgate_v1_webhook_service_proto,
}

func (c *connection) channel(
	call grpc.UnaryClientInterceptor, openStream grpc.StreamClientInterceptor,
) (*grpc.ClientConn, error) {
	secured := insecure.NewCredentials()
	if c.usesTLS() {
		config, err := c.tls()
		if err != nil {
			return nil, err
		}
		secured = credentials.NewTLS(config)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(secured),
		grpc.WithUserAgent(userAgent),
		grpc.WithDefaultServiceConfig(serviceConfig()),
		// A service config from DNS would replace the one above.
		grpc.WithDisableServiceConfig(),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: keepaliveTime, Timeout: keepaliveTimeout, PermitWithoutStream: true,
		}),
		// Left alone gRPC waits 1 s before it connects again, and later up to 2 minutes.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: firstReconnect, Multiplier: reconnectGrowth,
				Jitter: reconnectJitter, MaxDelay: maxReconnect,
			},
			MinConnectTimeout: minConnectTimeout,
		}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageBytes)),
		grpc.WithChainUnaryInterceptor(call),
		grpc.WithChainStreamInterceptor(openStream),
	}
	if c.apiKey != "" {
		options = append(options, grpc.WithPerRPCCredentials(bearer(c.apiKey)))
	}
	return grpc.NewClient(c.target, append(options, c.dialOptions...)...)
}

// bearer is an API key as calls carry it.
type bearer string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + string(b)}, nil
}

// RequireTransportSecurity is false because the connection's own rule already decided on TLS.
func (b bearer) RequireTransportSecurity() bool { return false }

type methodName struct {
	Service string `json:"service"`
	Method  string `json:"method"`
}

// retried are all calls but the stream, whose resumption from a cursor is ours, and CreateApiKey:
// every try of it makes another key, and the secrets of all but the last would be lost.
func retried() []methodName {
	var names []methodName
	for _, file := range contract {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				method := service.Methods().Get(j)
				if !method.IsStreamingServer() && !notRepeatable[method.Name()] {
					names = append(names,
						methodName{string(service.FullName()), string(method.Name())})
				}
			}
		}
	}
	return names
}

func serviceConfig() string {
	config := map[string]any{
		"loadBalancingConfig": []any{map[string]any{"round_robin": map[string]any{}}},
		"methodConfig": []any{map[string]any{
			"name": retried(),
			"retryPolicy": map[string]any{
				"maxAttempts":          maxAttempts,
				"initialBackoff":       "0.3s",
				"maxBackoff":           "4s",
				"backoffMultiplier":    2.5,
				"retryableStatusCodes": []string{"UNAVAILABLE"},
			},
		}},
	}
	text, err := json.Marshal(config)
	if err != nil {
		panic(err) // Nothing in it depends on anything.
	}
	return string(text)
}
