// Quickstart sends a message, follows it to its end, checks a one-time code and reads an error.
//
//	go run ./examples/quickstart
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	smsgate "smsgate.internal/client"
	pb "smsgate.internal/stubs/smsgate/v1"
)

func main() {
	ctx := context.Background()
	client, err := connect()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	sent, err := send(ctx, client)
	if err != nil {
		log.Fatal(err)
	}
	if err := follow(ctx, client, sent); err != nil {
		log.Fatal(err)
	}
	if err := otp(ctx, client); err != nil {
		log.Fatal(err)
	}
	if err := wrong(ctx, client); err != nil {
		log.Fatal(err)
	}
}

func connect() (*smsgate.Client, error) {
	// --8<-- [start:connect]
	// The target and the key come from SMSGATE_TARGET and SMSGATE_API_KEY if they are empty.
	client, err := smsgate.Open(
		os.Getenv("SMSGATE_TARGET"),
		smsgate.WithAPIKey(os.Getenv("SMSGATE_API_KEY")),
		smsgate.WithCA(os.Getenv("SMSGATE_CA")),
	)
	// --8<-- [end:connect]
	return client, err
}

func send(ctx context.Context, client *smsgate.Client) (*pb.SendMessageResponse, error) {
	// --8<-- [start:send]
	sent, err := client.Send(ctx, &pb.SendMessageRequest{
		Recipient:       "+393331234567",
		Text:            "Your parcel is here",
		ClientReference: "order 4711",
	})
	if err != nil {
		return nil, err
	}
	fmt.Println(smsgate.StatusName(sent.Message.Status)) // NEW
	// --8<-- [end:send]
	return sent, nil
}

func follow(ctx context.Context, client *smsgate.Client, sent *pb.SendMessageResponse) error {
	// --8<-- [start:follow]
	events := client.Follow(ctx, &pb.StreamStatusRequest{
		Start:              &pb.StreamStatusRequest_Cursor{Cursor: sent.Cursor},
		Filter:             &pb.StatusFilter{MessageIds: []string{sent.Message.Id}},
		EndWhenAllTerminal: true,
	})
	for event, err := range events {
		if err != nil {
			return err
		}
		fmt.Println(smsgate.StatusName(event.ToStatus)) // PENDING, then DELIVERED
	}
	// --8<-- [end:follow]
	return nil
}

func otp(ctx context.Context, client *smsgate.Client) error {
	// --8<-- [start:otp]
	sent, err := client.SendOTP(ctx, &pb.SendOTPRequest{
		Recipient: "+393331234567", Purpose: "login", Brand: "Acme",
	})
	if err != nil {
		return err
	}
	answer, err := client.VerifyOTP(ctx, &pb.VerifyOTPRequest{
		VerificationId: sent.Verification.Id, Code: typed(),
	})
	if err != nil {
		return err
	}
	// Only APPROVED proves anything; a wrong code is an answer, not an error.
	if answer.Result == pb.VerifyResult_VERIFY_RESULT_APPROVED {
		fmt.Println("welcome")
	} else {
		fmt.Println(answer.Verification.AttemptsRemaining, "attempts left")
	}
	// --8<-- [end:otp]
	return nil
}

func wrong(ctx context.Context, client *smsgate.Client) error {
	// --8<-- [start:errors]
	_, err := client.Send(ctx, &pb.SendMessageRequest{Recipient: "12", Text: "Ciao!"})

	var failed *smsgate.Error
	switch {
	case errors.Is(err, smsgate.ErrInvalidRequest) && errors.As(err, &failed):
		for _, violation := range failed.Violations {
			fmt.Println(violation.Field, violation.Reason) // recipient RECIPIENT_NOT_E164
		}
	case errors.Is(err, smsgate.ErrLimitExceeded) && errors.As(err, &failed):
		fmt.Println("again in", failed.RetryAfter)
	case errors.Is(err, smsgate.ErrOutcomeUnknown):
		fmt.Println("repeat it with the same RequestId")
	}
	// --8<-- [end:errors]
	if !errors.Is(err, smsgate.ErrInvalidRequest) {
		return err
	}
	return nil
}

// typed is what somebody typed; the code is in the SMS.
func typed() string {
	var code string
	fmt.Print("The code: ")
	fmt.Scanln(&code)
	return code
}
