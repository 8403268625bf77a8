package main

import (
	"context"
	"encoding/json"
	"fmt"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	smsgate "smsgate.internal/client"
	pb "smsgate.internal/stubs/smsgate/v1"
)

// method calls the client with a request in its JSON form, and gives the answer in that form.
type method func(context.Context, *smsgate.Client, any) (any, error)

// with is a method of the client that takes a request.
func with[Q, A proto.Message](
	call func(*smsgate.Client, context.Context, Q) (A, error),
) method {
	return func(ctx context.Context, client *smsgate.Client, asked any) (any, error) {
		var none Q
		request := none.ProtoReflect().New().Interface().(Q)
		if err := fromJSON(asked, request); err != nil {
			return nil, err
		}
		answer, err := call(client, ctx, request)
		if err != nil {
			return nil, err
		}
		return toJSON(answer)
	}
}

type withID interface {
	proto.Message
	GetId() string
}

// withJust is a method of the client that takes the id alone.
func withJust[Q withID, A proto.Message](
	call func(*smsgate.Client, context.Context, string) (A, error),
) method {
	return with(func(client *smsgate.Client, ctx context.Context, request Q) (A, error) {
		return call(client, ctx, request.GetId())
	})
}

func getAccount(
	client *smsgate.Client, ctx context.Context, request *pb.GetAccountRequest,
) (*pb.GetAccountResponse, error) {
	return client.GetAccount(ctx, request.GetAccountId())
}

var methods = map[string]method{
	"SendMessage":        with((*smsgate.Client).Send),
	"SendBatch":          with((*smsgate.Client).SendBatch),
	"EstimateMessage":    with((*smsgate.Client).Estimate),
	"GetMessage":         with((*smsgate.Client).Get),
	"ListMessages":       with((*smsgate.Client).ListPage),
	"CancelMessage":      withJust[*pb.CancelMessageRequest]((*smsgate.Client).Cancel),
	"SendOTP":            with((*smsgate.Client).SendOTP),
	"VerifyOTP":          with((*smsgate.Client).VerifyOTP),
	"GetVerification":    withJust[*pb.GetVerificationRequest]((*smsgate.Client).GetVerification),
	"CancelVerification": withJust[*pb.CancelVerificationRequest]((*smsgate.Client).CancelVerification),
	"ListPrices":         with((*smsgate.Client).ListPricesPage),
	"ListDestinations":   with((*smsgate.Client).ListDestinationsPage),
	"LookupNumber":       with((*smsgate.Client).LookupNumber),
	"GetUsage":           with((*smsgate.Client).GetUsage),
	"GetAccount":         with(getAccount),
}

func call(ctx context.Context, client *smsgate.Client, name string, request any) (any, error) {
	made, known := methods[name]
	if !known {
		return nil, fmt.Errorf("there is no method %s", name)
	}
	return made(ctx, client, request)
}

func fromJSON(asked any, into proto.Message) error {
	text, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	return protojson.Unmarshal(text, into)
}

func toJSON(answer proto.Message) (any, error) {
	text, err := protojson.Marshal(answer)
	if err != nil {
		return nil, err
	}
	var made any
	return made, json.Unmarshal(text, &made)
}
